"""Where an agent has its cluster's token from: a file or a Secret, filled once by enrolment.

With neither filled yet, the one-time token is exchanged for it. The place is written to before the
exchange, because a one-time token that is used up and a cluster token that is lost leave a person
with work to do.
"""

import asyncio
import base64
import os
import random
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar, cast

import structlog
from lightkube import AsyncClient
from lightkube.resources.core_v1 import Secret
from lightkube.types import PatchType

import tidegate
from tidegate.agent.settings import Settings
from tidegate.domain.errors import (
    ClusterUnavailableError,
    ConfigurationError,
    InputError,
    MissingSettingError,
    UnavailableError,
)
from tidegate.kube.client import API_ERRORS, describe, status_code
from tidegate.wire.hub_v1 import ClusterEnrolledV1, EnrolV1

SECRET_KEY = "token"  # noqa: S105, the name of a key of a Secret
RETRY_S = (0.5, 10.0)
"""First and longest pause before the hub or the API server is asked again."""

_NOT_THERE = 404
"""HTTP status that waiting does not mend. All else may pass: an API server that starts refuses what
it allows a moment later (403), one that is overloaded says so (429)."""

T = TypeVar("T")

MAX_TOKEN_BYTES = 4096

log = structlog.get_logger()


class TokenPlace(Protocol):
    """Where the cluster's token is kept; raises ClusterUnavailableError while nobody can say."""

    async def load(self) -> str:
        """Return the token; empty: there is none yet."""

    async def try_out(self) -> None:
        """Do nothing if a token could be kept here now.

        Raises:
            ConfigurationError: it could not; says why.
        """

    async def keep(self, token: str) -> None:
        """Keep the token."""


class FilePlace:
    """A file that only this process's user may read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> str:
        """Return what the file holds."""
        try:
            return self._path.read_text().strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ConfigurationError(
                f"TIDEGATE_AGENT_TOKEN_FILE {self._path}: {error.strerror}"
            ) from error

    async def try_out(self) -> None:
        """Write the draft that `keep` will write."""
        self._write("")
        self._draft.unlink(missing_ok=True)

    async def keep(self, token: str) -> None:
        """Write the file, whole or not at all."""
        self._write(token)
        self._draft.replace(self._path)

    @property
    def _draft(self) -> Path:
        return self._path.with_name(f".{self._path.name}.new")

    def _write(self, token: str) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(token)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigurationError(
                f"TIDEGATE_AGENT_TOKEN_FILE {self._path}: cannot be written ({error.strerror})"
            ) from error


class SecretPlace:
    """A Secret of Tidegate's namespace, which whoever installs makes: an agent may not make any."""

    def __init__(self, client: AsyncClient, name: str, namespace: str) -> None:
        self._client = client
        self._name = name
        self._namespace = namespace

    async def load(self) -> str:
        """Return what the Secret holds."""
        try:
            secret = await self._client.get(Secret, self._name, namespace=self._namespace)
        except API_ERRORS as error:
            raise self._failed(error) from error
        try:
            return base64.b64decode((secret.data or {}).get(SECRET_KEY, "")).decode().strip()
        except ValueError as error:
            raise self._unusable(f"its key {SECRET_KEY!r} is no token") from error

    async def try_out(self) -> None:
        """Let the API server say whether it would be written."""
        await self._write("", dry_run=True)

    async def keep(self, token: str) -> None:
        """Write the Secret."""
        await self._write(token)

    async def _write(self, token: str, *, dry_run: bool = False) -> None:
        body = {"data": {SECRET_KEY: base64.b64encode(token.encode()).decode()}}
        try:
            await self._client.patch(
                Secret,
                self._name,
                cast("Secret", body),
                namespace=self._namespace,
                patch_type=PatchType.MERGE,
                dry_run=dry_run,
            )
        except API_ERRORS as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> ConfigurationError | ClusterUnavailableError:
        if status_code(error) == _NOT_THERE:
            return self._unusable(describe(error))
        return ClusterUnavailableError(self._message(describe(error)))

    def _unusable(self, why: str) -> ConfigurationError:
        return ConfigurationError(self._message(why))

    def _message(self, why: str) -> str:
        return (
            f"Secret {self._namespace}/{self._name}: {why}; make it with `kubectl -n "
            f"{self._namespace} create secret generic {self._name}`, and let the agent get and "
            "patch it (config/rbac/agent.yaml)"
        )


class Enroller(Protocol):
    """The hub, as far as enrolment goes."""

    async def enrol(self, body: EnrolV1) -> ClusterEnrolledV1:
        """Exchange a one-time token for the cluster's own."""


async def obtain_token(settings: Settings, place: TokenPlace, hub: Enroller) -> str:
    """Return the cluster's token; enrols where there is none yet.

    However long hub or API server are away: an agent that ended for that would come back minutes
    late, and one that ended between the exchange and its keeping would need a person.

    Raises:
        ConfigurationError: there is no token and no way to one.
    """
    token = await _until_answered(place.load)
    if token:
        return token
    one_time = _read_one_time(settings.enrol_token_file)
    await _until_answered(place.try_out)
    granted = await _exchange(hub, EnrolV1(one_time, tidegate.__version__, settings.cluster))
    await _until_answered(partial(place.keep, granted))
    log.info("enrolled", cluster=settings.cluster)
    return granted


async def _exchange(hub: Enroller, body: EnrolV1) -> str:
    try:
        return (await _until_answered(partial(hub.enrol, body))).token
    except InputError as error:
        raise ConfigurationError(f"the hub does not enrol this cluster: {error}") from error


async def _until_answered(ask: Callable[[], Awaitable[T]]) -> T:
    """Return what `ask` does; asks again while nobody answers."""
    pause_s, longest_s = RETRY_S
    while True:
        try:
            return await ask()
        except UnavailableError as error:
            log.warning("no token for the hub yet", why=str(error))
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311, spreads load
            pause_s = min(2 * pause_s, longest_s)


def _read_one_time(path: Path | None) -> str:
    if path is None:
        raise MissingSettingError(
            "this cluster has no token for the hub yet, and TIDEGATE_AGENT_ENROL_TOKEN_FILE is not "
            "set; run `tidegate cluster enrol`, and give the agent the file with the one-time token"
        )
    try:
        token = path.read_bytes()[:MAX_TOKEN_BYTES].decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"TIDEGATE_AGENT_ENROL_TOKEN_FILE {path}: {error}") from error
    if not token:
        raise ConfigurationError(f"TIDEGATE_AGENT_ENROL_TOKEN_FILE {path}: is empty")
    return token
