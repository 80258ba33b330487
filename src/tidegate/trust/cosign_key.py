"""Private keys as `cosign generate-key-pair` writes them: PKCS#8, sealed by a passphrase.

The PEM holds JSON that names how it was sealed: scrypt (RFC 7914) makes the key of an NaCl
secretbox (XSalsa20 and Poly1305). What it names is held to limits: who can write the file must not
be able to fill the memory of whoever opens it.
(Format: sigstore/cosign, specs/SIGNATURE_SPEC.md; secure-systems-lab/go-securesystemslib,
`encrypted`.)
"""

import base64
import binascii
import hashlib
import re
from typing import Literal

import msgspec
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from tidegate.domain.errors import InvalidKeyError
from tidegate.trust.keys import MAX_PEM_BYTES
from tidegate.wire.strict_json import NotStrictError, require_strict_json

LABELS = (b"ENCRYPTED SIGSTORE PRIVATE KEY", b"ENCRYPTED COSIGN PRIVATE KEY")
"""The second until cosign 2.0."""

MAX_SCRYPT_BYTES = 256 * 2**20
"""Memory that opening may take: 128 * N * r (RFC 7914 section 2). cosign 2 and 3 take 64 MiB."""

MAX_PARALLEL = 16
"""scrypt's p: how often that memory is gone through."""


class _Params(msgspec.Struct):
    n: int = msgspec.field(name="N")
    r: int
    p: int


class _Kdf(msgspec.Struct):
    name: Literal["scrypt"]
    params: _Params
    salt: str


class _Cipher(msgspec.Struct):
    name: Literal["nacl/secretbox"]
    nonce: str


class _Sealed(msgspec.Struct):
    kdf: _Kdf
    cipher: _Cipher
    ciphertext: str


_PEM = re.compile(r"-----BEGIN (?P<label>[A-Z ]+)-----(?P<body>[^-]*)-----END (?P=label)-----")
_DECODER = msgspec.json.Decoder(_Sealed)


def is_cosign_key(pem: bytes) -> bool:
    """Whether `pem` says that it is a private key sealed by cosign."""
    return any(b"-----BEGIN %b-----" % label in pem for label in LABELS)


def open_cosign_key(pem: bytes, passphrase: bytes) -> bytes:
    """Return the key in `pem` as DER PKCS#8.

    Raises:
        InvalidKeyError: not in this form, or the passphrase is another; neither is quoted.
    """
    if len(pem) > MAX_PEM_BYTES:
        raise InvalidKeyError(f"private key: {len(pem)} bytes, want at most {MAX_PEM_BYTES}")
    try:
        body = _base64(_inside(pem.decode()))
        require_strict_json(body)
        sealed = _DECODER.decode(body)
        nonce, box = _base64(sealed.cipher.nonce), _base64(sealed.ciphertext)
        opened = SecretBox(_derive(sealed.kdf, passphrase)).decrypt(box, nonce)
    except (NotStrictError, msgspec.MsgspecError, ValueError, TypeError) as error:
        raise InvalidKeyError(
            "private key: not as cosign seals one; make it anew with `cosign generate-key-pair`, "
            "or use `tidegate key generate`"
        ) from error
    except CryptoError as error:
        raise InvalidKeyError("private key: the passphrase does not open it") from error
    return bytes(opened)


def _inside(text: str) -> str:
    """Return what stands between the lines that begin and end the key."""
    found = _PEM.search(text)
    if found is None:
        raise ValueError("no PEM")
    return "".join(found["body"].split())


def _derive(kdf: _Kdf, passphrase: bytes) -> bytes:
    n, r, p = kdf.params.n, kdf.params.r, kdf.params.p
    if n < 2 or r < 1 or 128 * n * r > MAX_SCRYPT_BYTES or not 1 <= p <= MAX_PARALLEL:
        raise InvalidKeyError(
            f"private key: sealed with scrypt N={n}, r={r}, p={p}; want at most "
            f"{MAX_SCRYPT_BYTES} bytes of memory (128*N*r) and p at most {MAX_PARALLEL}"
        )
    return hashlib.scrypt(
        passphrase,
        salt=_base64(kdf.salt),
        n=n,
        r=r,
        p=p,
        maxmem=2 * MAX_SCRYPT_BYTES,
        dklen=SecretBox.KEY_SIZE,
    )


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
