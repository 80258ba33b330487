"""Where the evidence key comes from: one word chooses, a path or a URI.

`/etc/tidegate/evidence.key` and `file:/etc/tidegate/evidence.key` are a file, `env:NAME` a variable
of the environment; both hold PEM: PKCS#8, encrypted or not, or as cosign seals its own. Keys of
`awskms:`, `azurekms:`, `gcpkms:` and `hsm:` stay where they are (`kms`).
"""

import re
from collections.abc import Mapping
from pathlib import Path

from tidegate.domain.errors import InvalidKeyError, MissingSettingError
from tidegate.scan.kms import FORMS, Secret, open_kept_key
from tidegate.trust.cosign_key import is_cosign_key, open_cosign_key
from tidegate.trust.keys import (
    MAX_PEM_BYTES,
    PrivateKey,
    SigningKey,
    load_private_der,
    load_private_key,
)

MAX_PASSPHRASE_BYTES = 4096

_URI = re.compile(r"(?P<scheme>[a-z][a-z0-9+]*):(?P<rest>.*)", re.DOTALL)


def is_uri(source: str) -> bool:
    """Whether `source` is no plain path."""
    return _URI.fullmatch(source) is not None


def load_signing_key(source: str, secret: Secret, environment: Mapping[str, str]) -> SigningKey:
    """Return the key at `source`; `secret` is asked for a passphrase or PIN where one is needed.

    Raises:
        InvalidKeyError: there is no key, another kind of key, or its passphrase is another.
        ConfigurationError: the library for such keys is not installed.
        KeyUnavailableError: whoever keeps the key does not let us use it now.
    """
    found = _URI.fullmatch(source)
    scheme = found["scheme"] if found else "file"
    rest = found["rest"] if found else source
    if scheme in FORMS:
        return open_kept_key(source, secret)
    if scheme == "file":
        place, pem = rest, _read(Path(rest), MAX_PEM_BYTES)
    elif scheme == "env":
        place, pem = f"variable {rest}", environment.get(rest, "").encode()
        if not pem.strip():
            raise InvalidKeyError(f"{source}: the variable is not set; want a private key in PEM")
    else:
        raise InvalidKeyError(
            f"evidence key {source[:200]!r}: nothing is known of {scheme!r}; want the path of a "
            f"file, env:NAME, {', '.join(FORMS.values())}"
        )
    try:
        return open_pem(pem, secret)
    except InvalidKeyError as error:
        raise InvalidKeyError(f"{place}: {error}") from error


def open_pem(pem: bytes, secret: Secret) -> PrivateKey:
    """Return the private key in `pem`; `secret` is asked only where it is sealed.

    Raises:
        InvalidKeyError: no PEM, another kind of key, or another passphrase.
    """
    if is_cosign_key(pem):
        return load_private_der(open_cosign_key(pem, secret().encode()))
    if b"BEGIN ENCRYPTED PRIVATE KEY" in pem:
        return load_private_key(pem, secret().encode())
    return load_private_key(pem)


def read_passphrase(file: Path | None, text: str, wanted: str) -> str:
    """Return the passphrase in `file`, else `text`; `wanted` says how to give one.

    Raises:
        MissingSettingError: there is none, or the file cannot be read.
    """
    if file is None:
        if not text:
            raise MissingSettingError(f"the evidence key needs a passphrase or PIN; set {wanted}")
        return text
    try:
        return _read(file, MAX_PASSPHRASE_BYTES).decode().rstrip("\r\n")
    except (InvalidKeyError, UnicodeDecodeError) as error:
        raise MissingSettingError(f"passphrase of the evidence key: {error}") from error


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
    except OSError as error:
        raise InvalidKeyError(f"{path}: cannot be read: {error.strerror}") from error
    if len(body) > max_bytes:
        raise InvalidKeyError(f"{path}: more than {max_bytes} bytes; want a private key in PEM")
    return body
