import base64
import json

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import SubjectMismatchError, UntrustedError, UntrustedSignerError
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import PrivateKey, sign
from tidegate.trust.simplesigning import (
    MAX_PAYLOAD_BYTES,
    MAX_SIGNATURE_CHARS,
    sign_artifact,
    verify_artifact_signature,
)

ARTIFACT = digest_of(b"artifact")


def _signed(private_key: PrivateKey, payload: bytes) -> tuple[bytes, str]:
    return payload, base64.b64encode(sign(private_key, payload)).decode()


def _payload(**changes: object) -> bytes:
    fields = {
        "digest": ARTIFACT,
        "type": "cosign container image signature",
        "optional": {"tidegate.io/purpose": "findings"},
        **changes,
    }
    return json.dumps(
        {
            "critical": {
                "identity": {"docker-reference": "elsewhere.example/mirror"},
                "image": {"docker-manifest-digest": fields["digest"]},
                "type": fields["type"],
            },
            "optional": fields["optional"],
        }
    ).encode()


def test_the_payload_is_cosigns_with_our_purpose(private_key: PrivateKey) -> None:
    payload, _ = sign_artifact(private_key, ARTIFACT, "registry.example/team/app")
    assert payload.decode() == (
        '{"critical":{"identity":{"docker-reference":"registry.example/team/app"},'
        f'"image":{{"docker-manifest-digest":"{ARTIFACT}"}},'
        '"type":"cosign container image signature"},'
        '"optional":{"tidegate.io/purpose":"findings"}}'
    )


def test_an_own_signature_verifies_by_its_key(
    private_key: PrivateKey, key: EvidenceKey, other_key: EvidenceKey
) -> None:
    payload, signature = sign_artifact(private_key, ARTIFACT, "registry.example/app")
    assert verify_artifact_signature((other_key, key), payload, signature, ARTIFACT) is key


def test_spacing_and_docker_reference_do_not_matter(
    private_key: PrivateKey, key: EvidenceKey
) -> None:
    payload, signature = _signed(private_key, _payload())
    assert verify_artifact_signature((key,), payload, signature, ARTIFACT) is key


@pytest.mark.parametrize(
    ("payload", "error", "said"),
    [
        pytest.param(_payload(optional=None), UntrustedSignerError, "purpose", id="image-signed"),
        pytest.param(_payload(optional={}), UntrustedSignerError, "purpose", id="no-purpose"),
        pytest.param(
            _payload(optional={"tidegate.io/purpose": "receipt"}),
            UntrustedSignerError,
            "'receipt'",
            id="other-purpose",
        ),
        pytest.param(_payload(type="atomic"), UntrustedSignerError, "'atomic'", id="other-type"),
        pytest.param(
            _payload(digest=digest_of(b"B")), SubjectMismatchError, "about", id="other-artifact"
        ),
        pytest.param(b"{}", UntrustedSignerError, "critical", id="empty"),
        pytest.param(b"[" * 100, UntrustedSignerError, "deep", id="deep"),
        pytest.param(
            _payload().replace(
                b'"optional"', b'"optional": {"tidegate.io/purpose": "x"}, "optional"'
            ),
            UntrustedSignerError,
            "twice",
            id="t17-repeated-key",
        ),
    ],
)
def test_t05_a_signed_payload_about_something_else_is_refused(
    private_key: PrivateKey,
    key: EvidenceKey,
    payload: bytes,
    error: type[UntrustedError],
    said: str,
) -> None:
    with pytest.raises(error, match=said):
        verify_artifact_signature((key,), *_signed(private_key, payload), ARTIFACT)


@pytest.mark.parametrize("signature", ["", "!", "AAAA", "A" * 1000, "ä"])
def test_t01_no_signature_no_evidence(key: EvidenceKey, signature: str) -> None:
    with pytest.raises(UntrustedSignerError):
        verify_artifact_signature((key,), _payload(), signature, ARTIFACT)


def test_t03_a_payload_or_signature_beyond_its_bound_is_refused(
    private_key: PrivateKey, key: EvidenceKey
) -> None:
    large = _payload(optional={"tidegate.io/purpose": "findings", "more": "x" * MAX_PAYLOAD_BYTES})
    payload, signature = _signed(private_key, large)
    with pytest.raises(UntrustedSignerError, match=f"want at most .* over {MAX_PAYLOAD_BYTES}"):
        verify_artifact_signature((key,), payload, signature, ARTIFACT)
    with pytest.raises(UntrustedSignerError, match=f"want at most {MAX_SIGNATURE_CHARS} over"):
        verify_artifact_signature((key,), _payload(), "A" * (MAX_SIGNATURE_CHARS + 1), ARTIFACT)


def test_t01_a_foreign_key_is_refused(private_key: PrivateKey, other_key: EvidenceKey) -> None:
    with pytest.raises(UntrustedSignerError, match="not signed by an evidence key"):
        verify_artifact_signature((other_key,), *_signed(private_key, _payload()), ARTIFACT)


def test_t05_no_byte_of_the_payload_can_change(private_key: PrivateKey, key: EvidenceKey) -> None:
    payload, signature = sign_artifact(private_key, ARTIFACT, "r.example/a")
    for place in range(len(payload)):
        changed = bytearray(payload)
        changed[place] ^= 1
        with pytest.raises(UntrustedSignerError):
            verify_artifact_signature((key,), bytes(changed), signature, ARTIFACT)
