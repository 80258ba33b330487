"""One word chooses where the evidence key comes from."""

from pathlib import Path

import pytest

from tidegate.domain.errors import ConfigurationError, InvalidKeyError, MissingSettingError
from tidegate.scan import kms
from tidegate.scan.key_source import is_uri, load_signing_key, read_passphrase
from tidegate.trust.keys import fingerprint, generate_key, private_pem, public_pem

KEY = generate_key()


def nobody() -> str:
    raise AssertionError("asked for a passphrase that is not needed")


@pytest.mark.parametrize("prefix", ["", "file:"], ids=["path", "file"])
@pytest.mark.parametrize("passphrase", ["", "correct horse"], ids=["plain", "encrypted"])
def test_a_key_comes_from_a_file(tmp_path: Path, prefix: str, passphrase: str) -> None:
    path = tmp_path / "evidence.key"
    path.write_bytes(private_pem(KEY, passphrase.encode()))
    secret = (lambda: passphrase) if passphrase else nobody
    assert fingerprint(load_signing_key(f"{prefix}{path}", secret, {})) == fingerprint(KEY)


def test_a_key_comes_from_the_environment() -> None:
    plain = {"EVIDENCE": private_pem(KEY).decode()}
    assert fingerprint(load_signing_key("env:EVIDENCE", nobody, plain)) == fingerprint(KEY)
    sealed = {"EVIDENCE": private_pem(KEY, b"x").decode()}
    assert fingerprint(load_signing_key("env:EVIDENCE", lambda: "x", sealed)) == fingerprint(KEY)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("/nowhere/evidence.key", "/nowhere/evidence.key: cannot be read", id="gone"),
        pytest.param("env:UNSET", "env:UNSET: the variable is not set", id="unset"),
        pytest.param("env:PUBLIC", "variable PUBLIC: private key: cannot be read", id="public"),
        pytest.param("env:SEALED", "variable SEALED: .* passphrase does not open", id="passphrase"),
        pytest.param("vault:x", "nothing is known of 'vault'; want .*awskms:.*hsm:", id="scheme"),
        pytest.param("/dev/zero", "more than 16384 bytes", id="endless"),
    ],
)
def test_what_is_no_key_is_refused_with_its_place(source: str, said: str) -> None:
    environment = {
        "PUBLIC": public_pem(KEY).decode(),
        "SEALED": private_pem(KEY, b"right").decode(),
    }
    with pytest.raises(InvalidKeyError, match=said):
        load_signing_key(source, lambda: "wrong", environment)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        pytest.param("awskms:", "names no key; want awskms:KEY-ID", id="aws-no-key"),
        pytest.param("gcpkms:/", "names no key; want gcpkms:projects/", id="gcp-no-key"),
        pytest.param("azurekms://vault/keys/k", "want azurekms://VAULT.vault", id="azure-host"),
        pytest.param("azurekms://v.vault.azure.net/keys/k/1", "newest version", id="azure-version"),
        pytest.param("hsm:first", "want hsm:ID or", id="hsm-id"),
    ],
)
def test_a_uri_that_names_no_key_is_refused_with_its_form(uri: str, said: str) -> None:
    with pytest.raises(InvalidKeyError, match=said):
        load_signing_key(uri, nobody, {})


def test_a_library_that_is_missing_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(kms.importlib, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r"install tidegate\[awskms\]"):
        load_signing_key("awskms:alias/evidence", nobody, {})


def test_a_path_is_no_uri() -> None:
    assert [is_uri(each) for each in ("/a/b.key", "evidence.key")] == [False, False]
    assert [is_uri(each) for each in ("env:A", "awskms:alias/a")] == [True, True]


def test_a_passphrase_comes_from_its_file_first(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("correct horse\n")
    assert read_passphrase(tmp_path / "passphrase", "other", "X") == "correct horse"
    assert read_passphrase(None, "other", "X") == "other"
    with pytest.raises(MissingSettingError, match="set X"):
        read_passphrase(None, "", "X")
    with pytest.raises(MissingSettingError, match="gone: cannot be read"):
        read_passphrase(tmp_path / "gone", "other", "X")
