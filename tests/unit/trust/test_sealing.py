"""Credentials sealed for a worker: by its key alone, for one connection alone."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tidegate.domain.errors import ContentMismatchError, InvalidKeyError
from tidegate.trust.keys import generate_key, private_pem, public_pem
from tidegate.trust.sealing import (
    load_or_make_sealing_key,
    public_sealing_pem,
    seal,
    sealing_fingerprint,
    unseal,
)
from tidegate.wire.registries_v1 import ConnectionV1, sealing_info

INFO = sealing_info("r.example", ConnectionV1(url="https://r.example", token_realms=["t.example"]))


def test_what_is_sealed_is_opened_by_its_key() -> None:
    key = X25519PrivateKey.generate()
    sealed = seal(public_sealing_pem(key), INFO, b"secret")
    assert b"secret" not in sealed
    assert unseal(key, INFO, sealed) == b"secret"
    assert seal(public_sealing_pem(key), INFO, b"secret") != sealed


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(sealing_info("evil.example", ConnectionV1()), id="host"),
        pytest.param(
            sealing_info(
                "r.example", ConnectionV1(url="https://evil.example", token_realms=["t.example"])
            ),
            id="url",
        ),
        pytest.param(
            sealing_info(
                "r.example", ConnectionV1(url="https://r.example", token_realms=["evil.example"])
            ),
            id="token-realm",
        ),
        pytest.param(
            sealing_info(
                "r.example",
                ConnectionV1(url="https://r.example", token_realms=["t.example"], ca="x"),
            ),
            id="authorities",
        ),
        pytest.param(b"", id="nothing"),
    ],
)
def test_t21_credentials_go_along_with_no_other_connection(other: bytes) -> None:
    key = X25519PrivateKey.generate()
    sealed = seal(public_sealing_pem(key), INFO, b"secret")
    with pytest.raises(ContentMismatchError, match="enter them again"):
        unseal(key, other, sealed)


def test_t21_another_key_or_changed_bytes_open_nothing() -> None:
    key = X25519PrivateKey.generate()
    sealed = seal(public_sealing_pem(key), INFO, b"secret")
    with pytest.raises(ContentMismatchError):
        unseal(X25519PrivateKey.generate(), INFO, sealed)
    for damaged in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:10], b""):
        with pytest.raises(ContentMismatchError):
            unseal(key, INFO, damaged)


def test_a_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "credentials.key"
    made = load_or_make_sealing_key(path)
    assert path.stat().st_mode & 0o077 == 0
    again = load_or_make_sealing_key(path)
    raw = [k.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for k in (made, again)]
    assert raw[0] == raw[1]
    assert [p.name for p in tmp_path.iterdir()] == ["credentials.key"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"x" * 5000, id="long"),
        pytest.param(private_pem(generate_key()), id="evidence-key"),
    ],
)
def test_a_file_that_is_no_such_key_is_refused_and_left(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "credentials.key"
    path.write_bytes(body)
    with pytest.raises(InvalidKeyError):
        load_or_make_sealing_key(path)
    assert path.read_bytes() == body


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param("", id="empty"),
        pytest.param("-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----\n", id="broken"),
        pytest.param(public_pem(generate_key().public_key()).decode(), id="evidence-key"),
    ],
)
def test_credentials_are_sealed_for_no_other_kind_of_key(pem: str) -> None:
    with pytest.raises(InvalidKeyError):
        seal(pem, INFO, b"secret")
    with pytest.raises(InvalidKeyError):
        sealing_fingerprint(pem)
