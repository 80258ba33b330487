"""Credentials from Docker configurations, pull secrets and credential helpers."""

import base64
import json
from pathlib import Path

import pytest

from tidegate.domain.errors import RegistryUnavailableError
from tidegate.oci.config_file import DockerConfigKeychain
from tidegate.oci.keychain import Credentials


def auth(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


ANN = Credentials("ann", "secret:with:colons")
ENTRY = {"auth": auth("ann", "secret:with:colons")}


def keychain(tmp_path: Path, content: object, host: str = "r.example:5000") -> DockerConfigKeychain:
    path = tmp_path / "config.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return DockerConfigKeychain(path, host)


def helper(folder: Path, name: str, script: str) -> None:
    program = folder / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.mark.parametrize(
    ("host", "content", "wanted"),
    [
        pytest.param("r.example:5000", {"auths": {"r.example:5000": ENTRY}}, ANN, id="host"),
        pytest.param("r.example", {"auths": {"https://R.example/v2/": ENTRY}}, ANN, id="url"),
        pytest.param("docker.io", {"auths": {"https://index.docker.io/v1/": ENTRY}}, ANN, id="hub"),
        pytest.param("r.example:5000", {"r.example:5000": ENTRY}, ANN, id="dockercfg"),
        pytest.param(
            "r.example",
            {"auths": {"r.example": {"username": "bob", "password": "x"}}},
            Credentials("bob", "x"),
            id="user-and-password",
        ),
        pytest.param("r.example", {"auths": {"r.example:5000": ENTRY}}, None, id="other-port"),
        pytest.param("r.example", {"auths": {"evil.r.example": ENTRY}}, None, id="t08-subdomain"),
        pytest.param("a.r.example", {"auths": {"*.r.example": ENTRY}}, ANN, id="wildcard"),
        pytest.param("a1.r.example", {"auths": {"a*.r.example": ENTRY}}, ANN, id="part-of-a-label"),
        pytest.param(
            "a.r.example",
            {"auths": {"*.r.example": {"auth": "eDp5"}, "a.r.example": ENTRY}},
            ANN,
            id="exact-before-wildcard",
        ),
        pytest.param("r.example", {"auths": {"*.r.example": ENTRY}}, None, id="t08-wildcard-above"),
        pytest.param(
            "a.b.r.example", {"auths": {"*.r.example": ENTRY}}, None, id="t08-wildcard-below"
        ),
        pytest.param(
            "a.r.example.evil", {"auths": {"*.r.example": ENTRY}}, None, id="t08-wildcard-suffix"
        ),
        pytest.param("evil.example", {"auths": {"*": ENTRY}}, None, id="t08-everything"),
        pytest.param(
            "a.r.example:5000", {"auths": {"*.r.example": ENTRY}}, None, id="t08-wildcard-port"
        ),
        pytest.param("r.example", {"auths": {"r.example/team": ENTRY}}, None, id="path-of-others"),
        pytest.param("r.example", {"auths": {"r.example.evil": ENTRY}}, None, id="t08-suffix"),
        pytest.param("r.example", {"auths": {"http://[": ENTRY}}, None, id="broken-key"),
        pytest.param("r.example", {"auths": {"r.example": {}}}, None, id="empty-entry"),
        pytest.param("r.example", {"auths": {}}, None, id="no-entry"),
        pytest.param("r.example", {}, None, id="empty-file"),
    ],
)
async def test_an_entry_counts_for_the_host_it_names(
    tmp_path: Path, host: str, content: object, wanted: Credentials | None
) -> None:
    assert await keychain(tmp_path, content, host).credentials(None) == wanted


async def test_a_changed_secret_is_in_force_at_once(tmp_path: Path) -> None:
    chain = keychain(tmp_path, {"auths": {"r.example:5000": ENTRY}})
    assert await chain.credentials(None) == ANN
    keychain(tmp_path, {"auths": {"r.example:5000": {"auth": auth("ann", "new")}}})
    assert await chain.credentials(ANN) == Credentials("ann", "new")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "want Docker's config.json", id="empty"),
        pytest.param(b"[]", "want Docker's config.json", id="list"),
        pytest.param(b'{"auths":' + b"[" * 40, "nested", id="t03-nested"),
        pytest.param(b" " * (2**20 + 1), "larger", id="t03-large"),
        pytest.param({"auths": {"r.example:5000": {"auth": "!!"}}}, "base64", id="no-base64"),
        pytest.param({"credHelpers": {"r.example:5000": "../x"}}, "plain name", id="helper-path"),
        pytest.param({"credsStore": "no-such"}, "cannot be run", id="no-helper"),
    ],
)
async def test_what_cannot_be_used_is_said(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(RegistryUnavailableError, match=said) as refused:
        await keychain(tmp_path, content).credentials(None)
    assert "config.json" in str(refused.value)


async def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(RegistryUnavailableError, match="cannot be read"):
        await DockerConfigKeychain(tmp_path / "none", "r.example").credentials(None)


async def test_a_helper_is_asked_for_its_registry(tmp_path: Path, programs: Path) -> None:
    seen = tmp_path / "seen"
    answer = '{"ServerURL":"r","Username":"ann","Secret":"from-helper"}'
    helper(programs, "lab", f"[ \"$1\" = get ] || exit 9\ncat > {seen}\necho '{answer}'")
    found = {"credHelpers": {"r.example:5000": "lab"}, "auths": {"r.example:5000": ENTRY}}
    assert await keychain(tmp_path, found).credentials(None) == Credentials("ann", "from-helper")
    assert seen.read_text() == "r.example:5000"
    store = keychain(tmp_path, {"credsStore": "lab"}, "docker.io")
    assert await store.credentials(None) == Credentials("ann", "from-helper")
    assert seen.read_text() == "https://index.docker.io/v1/"


IDENTITY = Credentials("", identity_token="long-lived")  # noqa: S106 - of these tests


async def test_an_identity_token_takes_the_place_of_a_password(
    tmp_path: Path, programs: Path
) -> None:
    entry = {"auth": auth("00000000", ""), "identitytoken": "long-lived"}
    in_file = keychain(tmp_path, {"auths": {"r.example:5000": entry}})
    assert await in_file.credentials(None) == IDENTITY
    helper(programs, "lab", 'echo \'{"Username":"<token>","Secret":"long-lived"}\'')
    by_helper = keychain(tmp_path, {"credsStore": "lab"})
    assert await by_helper.credentials(None) == IDENTITY


@pytest.mark.parametrize(
    ("repository", "user"),
    [
        ("app", "ann"),
        ("team/app", "bob"),
        ("team", "bob"),
        ("team/app/deep", "bob"),
        ("teams/app", "ann"),
        ("team/shop", "cy"),
        ("", "ann"),
    ],
)
async def test_the_entry_of_the_longest_path_counts(
    tmp_path: Path, repository: str, user: str
) -> None:
    entries = {
        "r.example:5000": "ann",
        "r.example:5000/team": "bob",
        "r.example:5000/team/shop": "cy",
        "*.example:5000/team/shop": "nobody",
    }
    auths = {key: {"auth": auth(name, "x")} for key, name in entries.items()}
    found = await keychain(tmp_path, {"auths": auths}).credentials(None, repository)
    assert found == Credentials(user, "x", shared=False)


async def test_a_helper_that_has_nothing_leaves_the_entry(tmp_path: Path, programs: Path) -> None:
    helper(programs, "lab", "echo 'credentials not found in native keychain'; exit 1")
    found = {"credsStore": "lab", "auths": {"r.example:5000": ENTRY}}
    assert await keychain(tmp_path, found).credentials(None) == ANN


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param("echo hunter2; exit 1", "ended with 1", id="fails"),
        pytest.param("echo hunter2", "printed no credentials", id="no-json"),
        pytest.param("yes hunter2", "few words", id="t03-endless"),
    ],
)
async def test_a_helper_that_goes_wrong_is_said_without_its_words(
    tmp_path: Path, programs: Path, script: str, said: str
) -> None:
    helper(programs, "lab", script)
    with pytest.raises(RegistryUnavailableError, match=said) as refused:
        await keychain(tmp_path, {"credsStore": "lab"}).credentials(None)
    assert "hunter2" not in str(refused.value)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(ANN)
