import pytest

from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import PrivateKey, fingerprint, generate_key


def evidence_key(private: PrivateKey, name: str = "scan") -> EvidenceKey:
    return EvidenceKey(name, private.public_key(), fingerprint(private))


@pytest.fixture(scope="session")
def private_key() -> PrivateKey:
    return generate_key()


@pytest.fixture(scope="session")
def key(private_key: PrivateKey) -> EvidenceKey:
    return evidence_key(private_key)


@pytest.fixture(scope="session")
def other_key() -> EvidenceKey:
    return evidence_key(generate_key(), "other")
