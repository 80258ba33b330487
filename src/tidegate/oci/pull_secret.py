"""Credentials from a pull secret of Kubernetes that is named, read through its API.

Only the named Secret is read, never a list of them (THREATS row 15). What it held last is believed
for a minute, and goes on to be while the API server is away; a Secret that is gone, or that may no
longer be read, gives nothing from the next question on. Credentials that a registry refuses are
read anew at once, so a rotated Secret is in force with the first refusal.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from tidegate.domain.errors import RegistryRefusesError, RegistryUnavailableError, UnavailableError
from tidegate.oci.docker_config import DockerConfig, parse_docker_config, select_credentials
from tidegate.oci.keychain import Credentials

BELIEVED_S = 60.0
"""As long as kubelet believes a Secret by default (`syncFrequency`)."""

_KEYS = (".dockerconfigjson", ".dockercfg")
"""Of the types `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg`."""

log = structlog.get_logger(__name__)


class SecretReader(Protocol):
    """Reads Secrets of Tidegate's own namespace by name."""

    async def __call__(self, name: str) -> Mapping[str, bytes] | None:
        """Return what the Secret holds; None: there is none, or we may not read it.

        Raises:
            UnavailableError: the API server does not say.
        """


@dataclass(slots=True)
class Read:
    """What was read last."""

    config: DockerConfig | None = None
    until_s: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, kw_only=True)
class PullSecretKeychain:
    """The credentials of one registry in a pull secret."""

    name: str
    """Of the Secret."""
    host: str
    """As image references name the registry."""
    read: SecretReader | None
    """None: this process has no cluster to read it from."""
    clock_s: Callable[[], float] = field(default=time.monotonic, compare=False)
    last: Read = field(default_factory=Read, compare=False, repr=False)

    async def credentials(
        self, stale: Credentials | None, repository: str = ""
    ) -> Credentials | None:
        """Return what the Secret says of the registry."""
        async with self.last.lock:
            config = self.last.config
            if config is None or self.clock_s() >= self.last.until_s:
                config = await self._read()
            found = select_credentials(config, self.host, repository, self._where)
            if stale is not None and found == stale:
                config = await self._read()
                found = select_credentials(config, self.host, repository, self._where)
        if found is None and config.helper_of(self.host):
            raise RegistryRefusesError(
                f"{self._where}: it names a credential helper, and no program is run on a "
                "Secret's word; want an entry in `auths`"
            )
        return found

    @property
    def _where(self) -> str:
        return f"credentials of {self.host} in Secret {self.name}"

    async def _read(self) -> DockerConfig:
        if self.read is None:
            raise RegistryUnavailableError(
                f"{self._where}: only a gate in a cluster reads pullSecret; want dockerConfigFile "
                "here, with the Secret mounted"
            )
        try:
            data = await self.read(self.name)
        except UnavailableError as error:
            if self.last.config is None:
                raise RegistryUnavailableError(f"{self._where}: {error}") from error
            log.warning("a pull secret is used as it was read last", why=str(error))
            return self.last.config
        self.last.config = None
        if data is None:
            raise RegistryRefusesError(
                f"{self._where}: there is no such Secret in Tidegate's namespace, or this account "
                "may not get it by its name"
            )
        body = next((data[key] for key in _KEYS if key in data), None)
        if body is None:
            raise RegistryRefusesError(
                f"{self._where}: it has no {' or '.join(_KEYS)}; want a pull secret"
            )
        self.last.config = parse_docker_config(body, self._where)
        self.last.until_s = self.clock_s() + BELIEVED_S
        return self.last.config
