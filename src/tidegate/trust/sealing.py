"""Credentials that only a scan worker can read: sealed by whoever enters them, kept by the hub.

HPKE in base mode (RFC 9180): X25519, HKDF-SHA256, ChaCha20-Poly1305. What is sealed is bound to the
connection that it is for, by `info`: a hub that was taken over can neither read it nor have a
worker send it to another address (THREATS rows 8 and 21).
"""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tidegate.domain.errors import ContentMismatchError, InvalidKeyError

MAX_KEY_BYTES = 4096

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def seal(public_pem: str, info: bytes, plaintext: bytes) -> bytes:
    """Return `plaintext` so that only the holder of the private key can read it, with `info`.

    Raises:
        InvalidKeyError: `public_pem` is no X25519 key.
    """
    return _SUITE.encrypt(plaintext, load_sealing_public_key(public_pem), info=info)


def unseal(key: X25519PrivateKey, info: bytes, sealed: bytes) -> bytes:
    """Return what was sealed for `key` with the same `info`.

    Raises:
        ContentMismatchError: it was sealed for another key or with another `info`, or was changed.
    """
    try:
        return _SUITE.decrypt(sealed, key, info=info)
    except (InvalidTag, ValueError) as error:
        raise ContentMismatchError(
            "sealed credentials cannot be opened: sealed for another key or for other settings; "
            "enter them again"
        ) from error


def sealing_fingerprint(public_pem: str) -> str:
    """Return the SHA-256 of the key itself, in hexadecimal.

    Raises:
        InvalidKeyError: `public_pem` is no X25519 key.
    """
    key = load_sealing_public_key(public_pem)
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def public_sealing_pem(key: X25519PrivateKey) -> str:
    """Return the public half of `key`."""
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def load_sealing_public_key(pem: str) -> X25519PublicKey:
    """Return the key in `pem`.

    Raises:
        InvalidKeyError: it is none of X25519.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError) as error:
        raise InvalidKeyError("a worker's sealing key: want an X25519 public key in PEM") from error
    if not isinstance(key, X25519PublicKey):
        raise InvalidKeyError("a worker's sealing key is of another kind; want X25519")
    return key


def load_or_make_sealing_key(path: Path) -> X25519PrivateKey:
    """Return the key in the file at `path`, which is made with a new one where there is none.

    Raises:
        InvalidKeyError: the file cannot be read, or holds another kind of key.
    """
    try:
        with path.open("rb") as file:
            body = file.read(MAX_KEY_BYTES + 1)
    except FileNotFoundError:
        return _make(path)
    except OSError as error:
        raise InvalidKeyError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        key = load_pem_private_key(body, password=None)
    except (ValueError, TypeError) as error:
        raise InvalidKeyError(
            f"{path}: no private key in PEM; make one with `openssl genpkey -algorithm X25519`"
        ) from error
    if not isinstance(key, X25519PrivateKey):
        raise InvalidKeyError(f"{path}: a key of another kind; want X25519")
    return key


def _make(path: Path) -> X25519PrivateKey:
    key = X25519PrivateKey.generate()
    body = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(body)
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise InvalidKeyError(f"{path}: cannot be written: {error.strerror}") from error
    return key
