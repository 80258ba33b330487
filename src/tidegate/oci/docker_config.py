"""Credentials from a Docker configuration: a `config.json`, or the file of a pull secret.

Forms: docker/cli, `cli/config/configfile`; Kubernetes, Secrets of the types
`kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg`; docker/docker-credential-helpers for
the programs. An entry counts for the exact host that it names: a wildcard could name more than was
meant. The file is read whenever credentials are asked for, so a changed Secret is in force at once.
"""

import asyncio
import base64
import binascii
import re
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tidegate.domain.errors import RegistryUnavailableError
from tidegate.domain.reference import DOCKER_HUB, normalize_host
from tidegate.oci.keychain import Credentials
from tidegate.wire.json_depth import json_depth

MAX_FILE_BYTES = 2**20
"""A Secret holds at most 1 MiB (Kubernetes, "Secrets")."""

MAX_OUTPUT_BYTES = 64 * 2**10
HELPER_S = 10.0
"""Longest that a credential helper may take."""

_HUB_KEY = "https://index.docker.io/v1/"
"""What Docker calls Docker Hub here."""

_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TOKEN_USER = "<token>"  # noqa: S105 - what helpers write in the place of a user


class _Entry(msgspec.Struct):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class _File(msgspec.Struct, rename={"creds_store": "credsStore", "cred_helpers": "credHelpers"}):
    auths: dict[str, _Entry] | None = None
    creds_store: str = ""
    cred_helpers: dict[str, str] | None = None


class _Given(msgspec.Struct, rename="pascal"):
    """What a helper prints."""

    username: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class DockerConfigKeychain:
    """The credentials of one registry in a Docker configuration."""

    path: Path
    host: str
    """As image references name the registry."""

    async def credentials(self, stale: Credentials | None) -> Credentials | None:
        """Return what the file says of the registry, asking the helper that it names."""
        del stale  # the file is always read anew
        file = await asyncio.to_thread(self._read)
        helper = self._helper(file)
        if helper:
            given = await self._ask(helper)
            if given is not None:
                return given
        for key, entry in (file.auths or {}).items():
            if _host_of(key) == self.host:
                return self._of_entry(entry)
        return None

    def _read(self) -> _File:
        try:
            with self.path.open("rb") as stream:
                body = stream.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise self._refusal(f"cannot be read: {error.strerror}") from error
        if len(body) > MAX_FILE_BYTES or json_depth(body) > 16:
            raise self._refusal(f"larger than {MAX_FILE_BYTES} bytes, or nested too deep")
        try:
            file = msgspec.json.decode(body, type=_File)
            if file.auths is None and not file.creds_store and not file.cred_helpers:
                # `.dockercfg`: the entries stand at the top.
                file.auths = msgspec.json.decode(body, type=dict[str, _Entry])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._refusal(f"{error}; want Docker's config.json or a pull secret") from error
        return file

    def _helper(self, file: _File) -> str:
        for key, name in (file.cred_helpers or {}).items():
            if _host_of(key) == self.host:
                return name
        return file.creds_store

    async def _ask(self, helper: str) -> Credentials | None:
        if _HELPER.fullmatch(helper) is None:
            raise self._refusal(f"credential helper {helper[:64]!r}: want a plain name")
        program = f"docker-credential-{helper}"
        output = await self._run(program)
        if output is None:
            return None
        try:
            given = msgspec.json.decode(output, type=_Given)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            # What it printed may be a secret: it is not shown.
            raise self._refusal(f"{program} printed no credentials") from error
        if given.username == _TOKEN_USER:
            raise self._refusal(f"{program} gives an identity token; want a user and a password")
        return Credentials(given.username, given.secret) if given.secret else None

    async def _run(self, program: str) -> bytes | None:
        """Return what the helper printed, None where it says that it has nothing."""
        asked = _HUB_KEY if self.host == DOCKER_HUB else self.host
        try:
            code, output = await asyncio.to_thread(_talk, program, asked.encode())
        except OSError as error:
            raise self._refusal(f"{program} cannot be run: {error.strerror}") from error
        if code == 0 and len(output) <= MAX_OUTPUT_BYTES:
            return output
        if b"credentials not found" in output:
            return None
        raise self._refusal(
            f"{program} ended with {code}, want 0 and few words within {HELPER_S:g} s"
        )

    def _of_entry(self, entry: _Entry) -> Credentials | None:
        if entry.username and entry.password:
            return Credentials(entry.username, entry.password)
        if entry.auth:
            try:
                user, colon, password = (
                    base64.b64decode(entry.auth, validate=True).decode().partition(":")
                )
            except (binascii.Error, UnicodeDecodeError) as error:
                raise self._refusal("`auth` is no base64 of USER:PASSWORD") from error
            password = password.rstrip("\0")
            if colon and password:
                return Credentials(user, password)
        if entry.identitytoken:
            raise self._refusal("holds an identity token alone; want a user and a password")
        return None

    def _refusal(self, why: str) -> RegistryUnavailableError:
        return RegistryUnavailableError(f"credentials of {self.host} in {self.path}: {why}")


def _talk(program: str, asked: bytes) -> tuple[int, bytes]:
    """Return how a helper ended and what it printed, up to one byte more than is allowed."""
    with subprocess.Popen(  # noqa: S603 - the name was checked, and there is no shell
        [program, "get"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        end = threading.Timer(HELPER_S, process.kill)
        end.start()
        try:
            with suppress(BrokenPipeError):  # it may not care what it is asked
                process.stdin.write(asked)  # type: ignore[union-attr]  # it is a pipe
                process.stdin.close()  # type: ignore[union-attr]  # as above
            output = process.stdout.read(MAX_OUTPUT_BYTES + 1)  # type: ignore[union-attr]  # as above
            if len(output) > MAX_OUTPUT_BYTES:
                process.kill()
            return process.wait(), output
        finally:
            end.cancel()


def _host_of(key: str) -> str:
    """Return the registry that a key names: `https://index.docker.io/v1/`, `r.example:5000`."""
    try:
        return normalize_host(urlsplit(key if "://" in key else f"//{key}").netloc)
    except ValueError:
        return ""
