"""Evidence keys: ECDSA on P-256, the one kind that signs and verifies findings.

Public keys travel as PEM SubjectPublicKeyInfo, as cosign takes them with `--key`; private keys as
PEM PKCS#8, with or without a passphrase (the caller sets the file's mode to 0600), or they stay in
a key service that signs by them: whatever is a `SigningKey` signs findings. The evidence key is
never used for images: cosign 3 would take a findings signature for an image signature.
"""

import hashlib
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    load_pem_public_key,
)

from tidegate.domain.errors import InvalidKeyError

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey

MAX_PEM_BYTES = 16 * 1024
"""A P-256 key in PEM is below 300 bytes; this leaves room for comments around it."""


class SigningKey(Protocol):
    """A key that signs findings: in this process (`PrivateKey`), or where it cannot be read."""

    def public_key(self) -> PublicKey:
        """Return its public part."""

    def sign(self, data: bytes, signature_algorithm: ec.ECDSA, /) -> bytes:
        """Return the DER signature of `data`; may take as long as a network does.

        Raises:
            KeyUnavailableError: where the key is kept, nobody signs now.
        """


_WANTED = "want an ECDSA P-256 key in PEM (`tidegate key generate` makes one)"


def generate_key() -> PrivateKey:
    """Return a new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: PrivateKey, passphrase: bytes = b"") -> bytes:
    """Return `key` as PEM PKCS#8, encrypted where there is a passphrase."""
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(key: SigningKey | PublicKey) -> bytes:
    """Return the public part of `key` as PEM SubjectPublicKeyInfo."""
    return _public(key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: SigningKey | PublicKey) -> str:
    """Return the SHA-256 of the public key's DER SubjectPublicKeyInfo, in hex."""
    der = _public(key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def load_private_key(pem: bytes, passphrase: bytes = b"") -> PrivateKey:
    """Return the private key in `pem`; a passphrase that is not needed changes nothing.

    Raises:
        InvalidKeyError: no PEM, encrypted by another passphrase, or another kind of key.
    """
    _refuse_oversize(pem)
    encrypted = b"BEGIN ENCRYPTED PRIVATE KEY" in pem
    if encrypted and not passphrase:
        raise InvalidKeyError("private key: it is encrypted; its passphrase is needed")
    try:
        key = load_pem_private_key(pem, password=passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The library's words may quote the input; a private key never enters a message.
        if encrypted:
            raise InvalidKeyError("private key: the passphrase does not open it") from error
        raise InvalidKeyError(f"private key: cannot be read; {_WANTED}") from error
    return _require_p256(key)


def load_private_der(der: bytes) -> PrivateKey:
    """Return the private key in `der`, PKCS#8, not encrypted.

    Raises:
        InvalidKeyError: cannot be read, or another kind of key.
    """
    try:
        key = load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidKeyError(f"private key: cannot be read; {_WANTED}") from error
    return _require_p256(key)


def _require_p256(key: object) -> PrivateKey:
    if not isinstance(key, PrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidKeyError(f"private key: {_kind(key)}; {_WANTED}")
    return key


def load_public_key(pem: bytes) -> PublicKey:
    """Return the public key in `pem`.

    Raises:
        InvalidKeyError: no PEM SubjectPublicKeyInfo, or another kind of key.
    """
    _refuse_oversize(pem)
    if b"PRIVATE KEY" in pem:
        raise InvalidKeyError("public key: this is a private key; give its public part only")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidKeyError(f"public key: cannot be read; {_WANTED}") from error
    if not isinstance(key, PublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidKeyError(f"public key: {_kind(key)}; {_WANTED}")
    return key


def sign(key: SigningKey, message: bytes) -> bytes:
    """Return the DER signature of `message` (ECDSA with SHA-256, FIPS 186-5 section 6)."""
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def signature_verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether `key` made the DER `signature` over `message`."""
    try:
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _public(key: SigningKey | PublicKey) -> PublicKey:
    return key if isinstance(key, PublicKey) else key.public_key()


def _kind(key: object) -> str:
    curve = getattr(key, "curve", None)
    return f"an EC key on {curve.name}" if curve else f"a {type(key).__name__.strip('_')}"


def _refuse_oversize(pem: bytes) -> None:
    if len(pem) > MAX_PEM_BYTES:
        raise InvalidKeyError(f"key: {len(pem)} bytes, want at most {MAX_PEM_BYTES}; {_WANTED}")
