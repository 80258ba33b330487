"""Registries as administrators configure them in the hub, and as workers find them.

How to connect (`ConnectionV1`) and when to look (`PollingV1`) are told to workers; credentials only
as what was sealed for a worker's key, bound to the connection that they are for.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tidegate.wire.hub_v1 import Wire

MAX_OBSERVED = 500
"""Tags told of at a time."""

Host = Annotated[str, Meta(min_length=1, max_length=261)]
Moment = Annotated[str, Meta(max_length=40)]
Words = Annotated[str, Meta(max_length=2000)]
Pem = Annotated[str, Meta(max_length=256 * 1024)]
Hosts = Annotated[list[Host], Meta(max_length=100)]
Repository = Annotated[str, Meta(min_length=1, max_length=255)]


class ConnectionV1(Wire, omit_defaults=True):
    """How a registry is reached. What is sealed for it is bound to every field."""

    url: Annotated[str, Meta(max_length=512, pattern=r"^(https?://[^/?#@\s]+)?$(?!\n)")] = ""
    """Scheme, host and port of its API; empty: https and the host that image references name."""
    allow_private: bool = False
    ca: Pem = ""
    """PEM of certificate authorities trusted besides the system's own."""
    token_realms: Hosts = msgspec.field(default_factory=list)
    redirect_hosts: Hosts = msgspec.field(default_factory=list)
    aliases: Hosts = msgspec.field(default_factory=list)
    """Other names for the same content: `mirror.example`, or `harbor.example/proxy`."""


class PollingV1(Wire, omit_defaults=True):
    """How a registry is looked through that does not tell of pushes."""

    enabled: bool = False
    interval_s: Annotated[int, Meta(ge=30, le=7 * 86400)] = 300
    """From the end of one look to the next, a tenth more or less."""
    repositories: Annotated[list[Repository], Meta(max_length=10_000)] = msgspec.field(
        default_factory=list
    )
    """Empty: those of its catalogue, where it shows one."""
    requests_per_minute: Annotated[int, Meta(ge=1, le=60_000)] = 120
    """Most that looking costs the registry."""


class SealedV1(Wire):
    """Credentials that one key can open."""

    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    """Fingerprint of the worker's sealing key."""
    ciphertext: Annotated[str, Meta(max_length=512 * 1024, pattern=r"^[A-Za-z0-9+/=]+$(?!\n)")]
    """Base64."""


class CredentialsV1(Wire, omit_defaults=True):
    """What is sealed."""

    username: Annotated[str, Meta(max_length=1024)] = ""
    password: Annotated[str, Meta(max_length=64 * 1024)] = ""
    client_certificate: Pem = ""
    """PEM chain for registries that ask for one."""
    client_key: Pem = ""


class RegistryWriteV1(Wire):
    """Body that configures a registry."""

    connection: ConnectionV1 = msgspec.field(default_factory=ConnectionV1)
    polling: PollingV1 = msgspec.field(default_factory=PollingV1)
    test_repository: Annotated[str, Meta(max_length=255)] = ""
    """Repository that tests ask about, and try a push in; empty: one that need not exist."""
    sealed: Annotated[list[SealedV1], Meta(max_length=100)] | None = None
    """Credentials for each worker's key; empty: none from now on; null: as they are."""


class RegistryTestV1(Wire, omit_defaults=True):
    """What a worker found out about a registry."""

    checked_at: Moment
    worker: Annotated[str, Meta(max_length=128)]
    reachable: bool
    """It answered, and took the credentials."""
    error: Words = ""
    referrers: Literal["", "api", "tag"] = ""
    """`tag`: no referrers API; whoever pushes there can hide findings."""
    catalogue: bool = False
    """It lists its repositories to these credentials."""
    push: Literal["", "yes", "no"] = ""
    """Whether findings can be attached; empty: not tried, no test repository is named."""
    delete: Literal["", "yes", "no"] = ""
    """Whether old reports can be deleted."""


class PollStateV1(Wire, omit_defaults=True):
    """How looking through a registry goes."""

    last_started_at: Moment = ""
    last_ended_at: Moment = ""
    last_complete_at: Moment = ""
    """End of the last look that reached every repository."""
    next_at: Moment = ""
    worker: Annotated[str, Meta(max_length=128)] = ""
    """Who is looking now; empty: nobody."""
    tags: int = 0
    """Seen in the look under way, or the last one."""
    found: int = 0
    """Of those, what was new."""
    failures: int = 0
    """In a row."""
    error: Words = ""


class RegistryRecordV1(Wire):
    """A registry as it is configured; credentials are never shown."""

    host: str
    connection: ConnectionV1
    polling: PollingV1
    test_repository: str
    credentials_for: list[str]
    """Fingerprints of the sealing keys that can open its credentials; empty: it has none."""
    updated_at: str
    updated_by: str
    testing: bool = False
    """A worker was asked to test it and has not answered yet."""
    test: RegistryTestV1 | None = None
    poll: PollStateV1 = msgspec.field(default_factory=PollStateV1)


class SealingKeyV1(Wire):
    """A key that credentials can be sealed for."""

    worker: str
    public_key: str
    """PEM, X25519."""


class WorkerRegistryV1(Wire):
    """A registry as a worker is told of it."""

    host: str
    connection: ConnectionV1
    polling: PollingV1
    sealed: list[SealedV1]


class WorkerRegistriesV1(Wire):
    """All registries that are configured in the hub."""

    generation: str
    """Changes exactly when the content does."""
    registries: list[WorkerRegistryV1]


class TurnRequestV1(Wire):
    """A worker asks for a registry to test or to look through."""

    worker: Annotated[str, Meta(min_length=1, max_length=128)]
    hosts: Annotated[list[Host], Meta(max_length=1000)]
    """Those that it may contact."""
    generation: Annotated[str, Meta(max_length=64)]
    """Of the registries that it goes by, as `WorkerRegistriesV1` names it; empty: told of none."""


class TurnV1(Wire):
    """What a worker is to do, under a lease like a job's."""

    host: str
    kind: Literal["test", "poll"]
    lease: str
    lease_expires_at: str
    polling: PollingV1
    test_repository: str
    after: str = ""
    """Repository that the interrupted look before had finished last."""


class ObservedTagV1(Wire):
    """A tag, and what it names now."""

    repository: Repository
    tag: Annotated[str, Meta(min_length=1, max_length=128)]
    digest: Annotated[str, Meta(pattern=r"^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$(?!\n)")]


class ObservedV1(Wire):
    """Part of what a look saw; extends the lease."""

    lease: str
    tags: Annotated[list[ObservedTagV1], Meta(max_length=MAX_OBSERVED)]
    after: Annotated[str, Meta(max_length=255)] = ""
    """Repository that is finished, all of it; empty: none is since the last word."""


class ObservedResultV1(Wire):
    """How many of them are to be scanned."""

    queued: int


class TurnEndV1(Wire, omit_defaults=True):
    """A worker is done with a registry."""

    lease: str
    test: RegistryTestV1 | None = None
    error: Words = ""
    """What went wrong first; empty: nothing."""
    complete: bool = True
    """Whether a look reached every repository, though it may have found some of them closed."""
    retry_after_s: Annotated[float, Meta(ge=0, le=7 * 86400)] = 0
    """What the registry asked for."""


def sealing_info(host: str, connection: ConnectionV1) -> bytes:
    """Return what credentials for `host` are bound to: the connection, to the letter."""
    fields = msgspec.json.encode(msgspec.to_builtins(connection), order="deterministic")
    return b"tidegate registry credentials 1\n" + host.encode() + b"\n" + fields
