"""Credentials of every kind: they open their own registry, and never leave for another host.

THREATS row 8. One scripted registry with a token server of its own; a second host stands where the
registry would like credentials, or what they give, to go.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import RegistryRefusesError, RegistryUnavailableError
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.oci.client import RegistryClient
from tidegate.oci.config_file import DockerConfigKeychain
from tidegate.oci.exchange import CloudKeychain
from tidegate.oci.keychain import Credentials
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.pull_secret import PullSecretKeychain
from tidegate.oci.registries import RegistryConfig
from tidegate.testing.hostile_registry import HostileRegistry, ScriptedAnswer, SeenRequest
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_EMPTY,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)

EMPTY = Descriptor(OCI_EMPTY, digest_of(EMPTY_BLOB), len(EMPTY_BLOB))
IMAGE = ScriptedAnswer(
    headers=(("Content-Type", OCI_MANIFEST),),
    body=render_manifest(Manifest(config=EMPTY, layers=(EMPTY,))),
)
LIMITS = RegistryLimits(read_timeout_s=20.0, write_timeout_s=20.0)  # on a loaded machine
SECRET, ACCESS = "hunter2", "opensesame"
PAIR = base64.b64encode(f"ann:{SECRET}".encode()).decode()


@pytest.fixture
async def server() -> AsyncIterator[HostileRegistry]:
    async with HostileRegistry() as running:
        yield running


@pytest.fixture
async def other() -> AsyncIterator[HostileRegistry]:
    async with HostileRegistry() as running:
        yield running


@dataclass(frozen=True, kw_only=True)
class Cloud(CloudKeychain):
    async def _fetch(self) -> Credentials:
        return Credentials("00000000-0000-0000-0000-000000000000", SECRET)


class InCluster:
    """Secrets by name."""

    def __init__(self, **secrets: Mapping[str, bytes] | Exception) -> None:
        self.secrets = secrets
        self.asked: list[str] = []

    async def __call__(self, name: str) -> Mapping[str, bytes] | None:
        self.asked.append(name)
        found = self.secrets.get(name)
        if isinstance(found, Exception):
            raise found
        return found


def written(folder: Path, content: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return path


def of_password(_folder: Path, _host: str) -> dict[str, object]:
    return {"username": "ann", "password": SECRET}


def of_docker_config(folder: Path, host: str) -> dict[str, object]:
    path = written(folder, {"auths": {host: {"auth": PAIR}}})
    return {"keychain": DockerConfigKeychain(path, host)}


def of_identity_token(folder: Path, host: str) -> dict[str, object]:
    path = written(folder, {"auths": {host: {"auth": PAIR[:4], "identitytoken": SECRET}}})
    return {"keychain": DockerConfigKeychain(path, host)}


def of_helper(folder: Path, host: str) -> dict[str, object]:
    program = folder / "docker-credential-lab"
    program.write_text(f'#!/bin/sh\necho \'{{"Username":"ann","Secret":"{SECRET}"}}\'\n')
    program.chmod(0o755)
    path = written(folder, {"credHelpers": {host: "lab"}})
    return {"keychain": DockerConfigKeychain(path, host)}


def of_pull_secret(_folder: Path, host: str) -> dict[str, object]:
    body = json.dumps({"auths": {host: {"auth": PAIR}}}).encode()
    read = InCluster(pull={".dockerconfigjson": body})
    return {"keychain": PullSecretKeychain(name="pull", host=host, read=read)}


def of_cloud(_folder: Path, host: str) -> dict[str, object]:
    return {"keychain": Cloud(host=host)}


Kind = Callable[[Path, str], dict[str, object]]
KINDS = [
    pytest.param(of_password, id="password"),
    pytest.param(of_docker_config, id="docker-config"),
    pytest.param(of_identity_token, id="identity-token"),
    pytest.param(of_helper, id="credential-helper"),
    pytest.param(of_pull_secret, id="pull-secret"),
    pytest.param(of_cloud, id="cloud"),
]


@pytest.fixture
def settings(
    server: HostileRegistry,
    other: HostileRegistry,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> RegistryConfig:
    """The registry with credentials of one kind; blobs may be redirected to `other`."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    kind: Kind = request.param
    return RegistryConfig(
        server.authority, plain_http=True, allow_private=True,
        redirect_hosts=(other.authority,), **kind(tmp_path, server.authority),  # type: ignore[arg-type]  # of these tests
    )  # fmt: skip


def token_server(request: SeenRequest) -> ScriptedAnswer:
    """Give a token for the password, or for the identity token as OAuth 2 has it."""
    _, _, basic = request.headers.get("authorization", "").partition(" ")
    _, _, password = base64.b64decode(basic).decode().partition(":")
    form = parse_qs(request.body.decode())
    given = form["refresh_token"][0] if form.get("grant_type") == ["refresh_token"] else password
    if given != SECRET:
        return ScriptedAnswer(401)
    return ScriptedAnswer(body=json.dumps({"access_token": ACCESS}).encode())


def for_a_token(answer: ScriptedAnswer, realm: str) -> Callable[[SeenRequest], ScriptedAnswer]:
    def guarded(request: SeenRequest) -> ScriptedAnswer:
        if request.headers.get("authorization") == f"Bearer {ACCESS}":
            return answer
        challenge = f'Bearer realm="{realm}",service="r"'
        return ScriptedAnswer(401, (("WWW-Authenticate", challenge),))

    return guarded


def image_of(server: HostileRegistry, name: str = "app") -> ImageReference:
    return parse_reference(f"{server.authority}/{name}:1")


@pytest.mark.parametrize("settings", KINDS, indirect=True)
async def test_credentials_of_this_kind_open_their_registry(
    server: HostileRegistry, settings: RegistryConfig
) -> None:
    server.scripts["/token"] = token_server
    server.scripts["/v2/app/manifests/1"] = for_a_token(IMAGE, f"{server.url}/token")
    async with RegistryClient([settings], limits=LIMITS) as client:
        assert await client.fetch_manifest(image_of(server)) is not None


@pytest.mark.parametrize("way", ["token-server", "redirect", "upload"])
@pytest.mark.parametrize("settings", KINDS, indirect=True)
async def test_t08_credentials_of_this_kind_never_leave_for_another_host(
    server: HostileRegistry, other: HostileRegistry, settings: RegistryConfig, way: str
) -> None:
    body = b"layer"
    away = (("Location", f"{other.url}/store?signed=1"),)
    own, uploads = f"{server.url}/token", "/v2/app/blobs/uploads/"
    blob = f"/v2/app/blobs/{digest_of(body)}"
    server.scripts["/token"] = token_server
    server.scripts["/v2/app/manifests/1"] = for_a_token(
        IMAGE, f"{other.url}/token" if way == "token-server" else own
    )
    server.scripts[blob] = for_a_token(ScriptedAnswer(307, away), own)
    server.scripts[uploads] = for_a_token(ScriptedAnswer(202, away), own)
    other.scripts |= {"/token": token_server, "/store": ScriptedAnswer(body=body)}
    async with RegistryClient([settings], limits=LIMITS) as client:
        if way == "token-server":
            with pytest.raises(RegistryUnavailableError, match="no credentials go there"):
                await client.fetch_manifest(image_of(server))
        elif way == "redirect":
            found = Descriptor("x/y", digest_of(body), len(body))
            assert await client.fetch_blob(image_of(server), found) == body
        else:
            with pytest.raises(RegistryUnavailableError):
                await client.push_blob(image_of(server), b"another layer")
    told = [f"{r.method} {r.target} {dict(r.headers)} {r.body!r}" for r in other.seen]
    assert len(told) == (way == "redirect")
    for secret in (SECRET, ACCESS, PAIR, "authorization"):
        assert secret not in "".join(told)


async def test_an_identity_token_is_no_password(server: HostileRegistry, tmp_path: Path) -> None:
    """A registry that asks for a password is told nothing, and the person why."""
    asks = ScriptedAnswer(401, (("WWW-Authenticate", 'Basic realm="r"'),))
    server.scripts["/v2/app/manifests/1"] = asks
    config = RegistryConfig(
        server.authority, plain_http=True, allow_private=True,
        **of_identity_token(tmp_path, server.authority),  # type: ignore[arg-type]  # of these tests
    )  # fmt: skip
    async with RegistryClient([config], limits=LIMITS) as client:
        with pytest.raises(RegistryRefusesError, match="identity token") as refused:
            await client.fetch_manifest(image_of(server))
    assert SECRET not in str(refused.value)
    assert len(server.seen) == 1


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
async def test_each_repository_gets_the_credentials_of_its_path(
    server: HostileRegistry, tmp_path: Path, scheme: str
) -> None:
    pairs = {"": "ann", "/team": "bob", "/team/app": "cy"}
    auths = {
        f"{server.authority}{path}": {"username": user, "password": SECRET}
        for path, user in pairs.items()
    }
    path = written(tmp_path, {"auths": auths})
    keychain = DockerConfigKeychain(path, server.authority)
    wanted = {"app": "ann", "team/app": "cy", "team/other": "bob", "teams/app": "ann"}

    def basic(user: str) -> str:
        return f"Basic {base64.b64encode(f'{user}:{SECRET}'.encode()).decode()}"

    for name, user in wanted.items():

        def answer(request: SeenRequest, user: str = user) -> ScriptedAnswer:
            given = request.headers.get("authorization", "")
            if given == (basic(user) if scheme == "Basic" else f"Bearer {user}"):
                return IMAGE
            # 404, as registries answer whoever may not see a repository.
            challenge = f'{scheme} realm="{server.url}/token"'
            return ScriptedAnswer(404 if given else 401, (("WWW-Authenticate", challenge),))

        server.scripts[f"/v2/{name}/manifests/1"] = answer
    users = {basic(user): user for user in pairs.values()}

    def give(request: SeenRequest) -> ScriptedAnswer:
        token = users[request.headers["authorization"]]
        return ScriptedAnswer(body=json.dumps({"token": token}).encode())

    server.scripts["/token"] = give
    config = RegistryConfig(
        server.authority, plain_http=True, allow_private=True, keychain=keychain
    )
    async with RegistryClient([config], limits=LIMITS) as client:
        for name in (*wanted, *wanted):
            assert await client.fetch_manifest(image_of(server, name)) is not None, name
