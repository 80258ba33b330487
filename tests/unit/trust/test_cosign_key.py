"""Keys that cosign sealed; the real programs make theirs in `tests/integration`."""

import base64
import hashlib
import json
import textwrap
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nacl.secret import SecretBox

from tidegate.domain.errors import InvalidKeyError
from tidegate.trust.cosign_key import is_cosign_key, open_cosign_key
from tidegate.trust.keys import fingerprint, generate_key, load_private_der

PASSPHRASE = b"correct horse"
SIGSTORE = "ENCRYPTED SIGSTORE PRIVATE KEY"
PKCS8 = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def b64(body: bytes) -> str:
    return base64.b64encode(body).decode()


def document(plain: bytes) -> dict[str, Any]:
    """Return what cosign writes for `plain`, with less work in it."""
    salt, nonce = b"s" * 32, b"n" * 24
    key = hashlib.scrypt(PASSPHRASE, salt=salt, n=1024, r=8, p=1, dklen=32)
    return {
        "kdf": {"name": "scrypt", "params": {"N": 1024, "r": 8, "p": 1}, "salt": b64(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": b64(nonce)},
        "ciphertext": b64(SecretBox(key).encrypt(plain, nonce).ciphertext),
    }


def pem(value: object, label: str = SIGSTORE) -> bytes:
    body = b64(value if isinstance(value, bytes) else json.dumps(value).encode())
    return "\n".join(
        [f"-----BEGIN {label}-----", *textwrap.wrap(body, 64), f"-----END {label}-----", ""]
    ).encode()


@pytest.mark.parametrize("label", [SIGSTORE, "ENCRYPTED COSIGN PRIVATE KEY"])
def test_a_sealed_key_opens_by_its_passphrase(label: str) -> None:
    key = generate_key()
    sealed = pem(document(key.private_bytes(*PKCS8)), label)
    assert is_cosign_key(sealed)
    opened = load_private_der(open_cosign_key(sealed, PASSPHRASE))
    assert fingerprint(opened) == fingerprint(key)
    with pytest.raises(InvalidKeyError, match="the passphrase does not open it"):
        open_cosign_key(sealed, b"another")


def changed(**parts: str | int) -> dict[str, Any]:
    value = document(generate_key().private_bytes(*PKCS8))
    for path, new in parts.items():
        *outer, last = path.split("__")
        inner = value
        for name in outer:
            inner = inner[name]
        inner[last] = new
    return value


@pytest.mark.parametrize(
    ("sealed", "said"),
    [
        pytest.param(b"-----BEGIN " + SIGSTORE.encode() + b"-----", "not as cosign", id="cut"),
        pytest.param(pem(b"{"), "not as cosign", id="no-json"),
        pytest.param(pem(b'{"kdf": 1, "kdf": 2}'), "not as cosign", id="repeated-key"),
        pytest.param(pem([]), "not as cosign", id="no-object"),
        pytest.param(pem(changed(kdf__name="pbkdf2")), "not as cosign", id="other-kdf"),
        pytest.param(pem(changed(cipher__name="aes")), "not as cosign", id="other-cipher"),
        pytest.param(pem(changed(cipher__nonce="AA==")), "not as cosign", id="short-nonce"),
        pytest.param(pem(changed(ciphertext="%")), "not as cosign", id="no-base64"),
        pytest.param(pem(changed(kdf__params__N=2**22)), "scrypt N=4194304", id="memory-bomb"),
        pytest.param(pem(changed(kdf__params__r=2**20)), "want at most", id="block-bomb"),
        pytest.param(pem(changed(kdf__params__p=10**9)), "want at most", id="time-bomb"),
        pytest.param(pem(changed(kdf__params__N=1000)), "not as cosign", id="no-power-of-two"),
        pytest.param(pem(changed(kdf__params__N=-1024)), "want at most", id="negative"),
        pytest.param(pem(changed(ciphertext="A" * 20_000)), "want at most", id="oversized"),
    ],
)
def test_what_cosign_would_not_write_is_refused(sealed: bytes, said: str) -> None:
    with pytest.raises(InvalidKeyError, match=said):
        open_cosign_key(sealed, PASSPHRASE)


def test_another_kind_of_key_inside_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    opened = open_cosign_key(pem(document(key.private_bytes(*PKCS8))), PASSPHRASE)
    with pytest.raises(InvalidKeyError, match="secp384r1"):
        load_private_der(opened)
    with pytest.raises(InvalidKeyError, match="cannot be read"):
        load_private_der(b"no key")


def test_other_keys_are_not_taken_for_cosigns() -> None:
    assert not is_cosign_key(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
