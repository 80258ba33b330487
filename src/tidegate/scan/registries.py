"""Which registries a worker contacts: those of its own file, and those configured in the hub.

Both are followed while the worker runs. Where both name a registry the file counts: it is the
operator's of this machine. Credentials of the hub's registries are sealed for this worker's key and
bound to the connection that they are for; what cannot be opened is not contacted.
"""

import asyncio
import base64
import binascii
import hashlib
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tidegate.domain.errors import (
    ConfigurationError,
    ContentMismatchError,
    InputError,
    TidegateError,
    UnavailableError,
)
from tidegate.domain.reference import normalize_host
from tidegate.evidence.trust_file import TrustFile, registry_configs
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.session import Session
from tidegate.trust.sealing import public_sealing_pem, sealing_fingerprint, unseal
from tidegate.wire.registries_v1 import (
    CredentialsV1,
    WorkerRegistriesV1,
    WorkerRegistryV1,
    sealing_info,
)

FILE_EVERY_S = 1.0
HUB_EVERY_S = 3.0

_log = structlog.get_logger()


class Told(Protocol):
    """Who tells of the hub's registries."""

    async def fetch_registries(self, generation: str = "") -> WorkerRegistriesV1 | None:
        """Return them; None: `generation` is the newest."""


class ScanRegistries:
    """The registries in use; `client` reads and writes in them."""

    def __init__(self, trust: TrustFile, key: X25519PrivateKey, folder: Path) -> None:
        self._trust, self._key = trust, key
        self._folder = folder
        """For certificates that the hub's settings hold; OpenSSL reads them from files."""
        self._own = registry_configs(trust.current())
        self._of_hub: tuple[RegistryConfig, ...] = ()
        self.generation = ""
        """Of the hub's registries in use; empty before the hub told of any."""
        self._said: set[str] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self.client = RegistryClient(self._own)
        self.changed = asyncio.Event()
        """Set when other registries are in use; whoever waits for it clears it."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The registries that may be contacted now."""
        return self.client.hosts

    @property
    def sealing_pem(self) -> str:
        """The key that credentials for this worker are sealed by."""
        return public_sealing_pem(self._key)

    def config(self, host: str) -> RegistryConfig | None:
        """Return the settings of a registry; None: it may not be contacted."""
        return next((c for c in self._all() if c.host == normalize_host(host)), None)

    async def follow(self, hub: Told) -> None:
        """Keep `client` up to date, until cancelled."""
        ask_at_s = 0.0
        while True:
            if time.monotonic() >= ask_at_s:
                await self._ask(hub)
                ask_at_s = time.monotonic() + HUB_EVERY_S
            await self._look()
            await asyncio.sleep(FILE_EVERY_S)

    async def aclose(self) -> None:
        """Close every connection."""
        for task in tuple(self._closing):
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self.client.aclose()

    async def _look(self) -> None:
        """Take up what changed in the file, or in the files that it names."""
        await asyncio.to_thread(self._trust.reload)
        if self._trust.problem:
            self._say(f"the file of registries is not in force: {self._trust.problem}")
        try:
            own = await asyncio.to_thread(registry_configs, self._trust.current())
        except TidegateError as error:
            self._say(str(error))
            return
        if own != self._own:
            self._own = own
            self._use()

    async def _ask(self, hub: Told) -> None:
        try:
            told = await hub.fetch_registries(self.generation)
        except (UnavailableError, InputError) as error:
            self._say(f"the hub does not tell of its registries: {error}")
            return
        if told is None:
            return
        found = [await asyncio.to_thread(self._config_of, each) for each in told.registries]
        self._of_hub = tuple(config for config in found if config is not None)
        # Only now: whoever names this generation says that it goes by these settings.
        self.generation = told.generation
        self._use()

    def _use(self) -> None:
        try:
            old = self.client.use(self._all())
        except ConfigurationError as error:
            self._say(f"registries are used as before: {error}")
            return
        self._said.clear()
        self.changed.set()
        _log.info("registries.in_use", hosts=list(self.hosts))
        if old:
            task = asyncio.create_task(_close_later(old))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _all(self) -> tuple[RegistryConfig, ...]:
        named = {config.host for config in self._own}
        return (*self._own, *(c for c in self._of_hub if c.host not in named))

    def _config_of(self, registry: WorkerRegistryV1) -> RegistryConfig | None:
        try:
            return config_of(registry, self._key, self._folder)
        except (TidegateError, OSError) as error:
            self._say(f"registry {registry.host} is not contacted: {error}")
            return None

    def _say(self, problem: str) -> None:
        """Log `problem` once."""
        if problem not in self._said:
            self._said.add(problem)
            _log.warning("registries.problem", why=problem)


def config_of(registry: WorkerRegistryV1, key: X25519PrivateKey, folder: Path) -> RegistryConfig:
    """Return a registry of the hub's as a client uses it; certificates are written to `folder`.

    Raises:
        ContentMismatchError: credentials that are sealed for somebody else, or something else.
        ConfigurationError: settings that cannot work.
        OSError: a certificate cannot be written.
    """
    connection = registry.connection
    credentials = _credentials(registry, key)
    files = {
        "ca.pem": connection.ca,
        "client.pem": credentials.client_certificate,
        "client.key": credentials.client_key,
    }
    paths = {name: _keep(folder, registry.host, name, text) for name, text in files.items()}
    url = urlsplit(connection.url)
    return RegistryConfig(
        host=registry.host,
        plain_http=url.scheme == "http",
        username=credentials.username,
        password=credentials.password,
        ca_file=paths["ca.pem"],
        allow_private=connection.allow_private,
        token_realms=tuple(connection.token_realms),
        redirect_hosts=tuple(connection.redirect_hosts),
        endpoint="" if url.netloc == registry.host else url.netloc,
        aliases=tuple(connection.aliases),
        client_cert_file=paths["client.pem"],
        client_key_file=paths["client.key"],
        tls_generation=_generation(files.values()) if any(files.values()) else "",
    )


def _credentials(registry: WorkerRegistryV1, key: X25519PrivateKey) -> CredentialsV1:
    if not registry.sealed:
        return CredentialsV1()
    own = sealing_fingerprint(public_sealing_pem(key))
    for each in registry.sealed:
        if each.key == own:
            try:
                sealed = base64.b64decode(each.ciphertext, validate=True)
                opened = unseal(key, sealing_info(registry.host, registry.connection), sealed)
                return msgspec.json.decode(opened, type=CredentialsV1)
            except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise ContentMismatchError("its credentials are of no form known here") from error
    raise ContentMismatchError(
        "its credentials are sealed for other workers' keys; enter them again, or give this "
        "worker their key (TIDEGATE_SCAN_CREDENTIALS_KEY_FILE)"
    )


def _keep(folder: Path, host: str, name: str, text: str) -> str:
    """Write what OpenSSL reads from a file; return its path, empty where there is nothing."""
    if not text:
        return ""
    body = text.encode()
    # Named by content: a file that a connection is being made with never changes.
    stem = hashlib.sha256(host.encode() + b"\0" + body).hexdigest()[:32]
    path = folder / f"{stem}-{name}"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.touch(mode=0o600)
        draft.write_bytes(body)
        draft.replace(path)
    return str(path)


def _generation(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


async def _close_later(sessions: Sequence[Session]) -> None:
    try:
        await asyncio.sleep(RegistryLimits().transfer_timeout_s)
    finally:
        await asyncio.gather(*(session.aclose() for session in sessions))
