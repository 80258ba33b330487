import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tidegate.domain.errors import InvalidKeyError
from tidegate.trust.keys import (
    fingerprint,
    generate_key,
    load_private_key,
    load_public_key,
    private_pem,
    public_pem,
    sign,
    signature_verifies,
)

_PKCS8 = (Encoding.PEM, PrivateFormat.PKCS8)
_SPKI = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
_P384 = ec.generate_private_key(ec.SECP384R1())
_ED25519 = ed25519.Ed25519PrivateKey.generate()
_RSA = rsa.generate_private_key(65537, 2048)


def test_a_key_survives_its_pem() -> None:
    key = generate_key()
    assert private_pem(load_private_key(private_pem(key))) == private_pem(key)
    assert fingerprint(load_public_key(public_pem(key))) == fingerprint(key)


def test_a_signature_verifies_by_its_key_and_message_only() -> None:
    key, other = generate_key(), generate_key()
    signature = sign(key, b"message")
    assert signature_verifies(key.public_key(), signature, b"message")
    assert not signature_verifies(key.public_key(), signature, b"massage")
    assert not signature_verifies(other.public_key(), signature, b"message")
    assert not signature_verifies(key.public_key(), b"no DER", b"message")


def test_an_encrypted_key_opens_by_its_passphrase_alone() -> None:
    key = generate_key()
    pem = private_pem(key, b"secret")
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert fingerprint(load_private_key(pem, b"secret")) == fingerprint(key)
    with pytest.raises(InvalidKeyError, match="the passphrase does not open it"):
        load_private_key(pem, b"Secret")
    # A passphrase that is not needed changes nothing: a key may lose its own.
    assert fingerprint(load_private_key(private_pem(key), b"secret")) == fingerprint(key)


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        pytest.param(b"", "cannot be read", id="empty"),
        pytest.param(b"x" * 20_000, "at most", id="oversized"),
        pytest.param(_P384.private_bytes(*_PKCS8, NoEncryption()), "secp384r1", id="other-curve"),
        pytest.param(_ED25519.private_bytes(*_PKCS8, NoEncryption()), "Ed25519", id="ed25519"),
        pytest.param(_RSA.private_bytes(*_PKCS8, NoEncryption()), "RSA", id="rsa"),
        pytest.param(
            generate_key().private_bytes(*_PKCS8, BestAvailableEncryption(b"secret")),
            "its passphrase is needed",
            id="encrypted",
        ),
    ],
)
def test_other_private_keys_are_refused_in_words(pem: bytes, said: str) -> None:
    with pytest.raises(InvalidKeyError, match=said):
        load_private_key(pem)


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        pytest.param(b"-----BEGIN PUBLIC KEY-----", "cannot be read", id="cut"),
        pytest.param(_P384.public_key().public_bytes(*_SPKI), "secp384r1", id="other-curve"),
        pytest.param(_RSA.public_key().public_bytes(*_SPKI), "RSA", id="rsa"),
        pytest.param(private_pem(generate_key()), "private key", id="private"),
    ],
)
def test_other_public_keys_are_refused_in_words(pem: bytes, said: str) -> None:
    with pytest.raises(InvalidKeyError, match=said):
        load_public_key(pem)


def test_a_refused_private_key_is_not_quoted() -> None:
    pem = private_pem(generate_key()).replace(b"BEGIN PRIVATE", b"BEGIN  PRIVATE")
    with pytest.raises(InvalidKeyError) as refusal:
        load_private_key(pem)
    assert pem.splitlines()[1].decode() not in str(refusal.value)
