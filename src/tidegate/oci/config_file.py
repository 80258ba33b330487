"""Credentials from a Docker configuration on disk, and from the helper programs that it names.

docker/docker-credential-helpers for the programs. The file is read whenever credentials are asked
for, so a changed one is in force at once.
"""

import asyncio
import re
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tidegate.domain.errors import RegistryUnavailableError
from tidegate.domain.reference import DOCKER_HUB
from tidegate.oci.docker_config import (
    MAX_CONFIG_BYTES,
    DockerConfig,
    parse_docker_config,
    select_credentials,
)
from tidegate.oci.keychain import Credentials

MAX_OUTPUT_BYTES = 64 * 2**10
HELPER_S = 10.0
"""Longest that a credential helper may take."""

_HUB_KEY = "https://index.docker.io/v1/"
"""What Docker calls Docker Hub here."""

_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TOKEN_USER = "<token>"  # noqa: S105 - what helpers write in the place of a user


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

    async def credentials(
        self, stale: Credentials | None, repository: str = ""
    ) -> Credentials | None:
        """Return what the file says of the registry, asking the helper that it names."""
        del stale  # the file is always read anew
        config = await asyncio.to_thread(self._read)
        helper = config.helper_of(self.host)
        if helper:
            given = await self._ask(helper)
            if given is not None:
                return given
        return select_credentials(config, self.host, repository, self._where)

    @property
    def _where(self) -> str:
        return f"credentials of {self.host} in {self.path}"

    def _read(self) -> DockerConfig:
        try:
            with self.path.open("rb") as stream:
                body = stream.read(MAX_CONFIG_BYTES + 1)
        except OSError as error:
            raise self._refusal(f"cannot be read: {error.strerror}") from error
        return parse_docker_config(body, self._where)

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
        if not given.secret:
            return None
        if given.username == _TOKEN_USER:
            return Credentials("", identity_token=given.secret)
        return Credentials(given.username, given.secret)

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

    def _refusal(self, why: str) -> RegistryUnavailableError:
        return RegistryUnavailableError(f"{self._where}: {why}")


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
