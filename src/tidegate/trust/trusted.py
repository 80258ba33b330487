"""Whose findings count and which registries are contacted; `configuration` reads it from a file."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from tidegate.domain.glob import glob_matches
from tidegate.trust.keys import PublicKey


@dataclass(frozen=True, slots=True)
class EvidenceKey:
    """A key whose signature makes findings count, and for what."""

    name: str
    public_key: PublicKey = field(compare=False, repr=False)
    """Told apart by `fingerprint`; the library's keys cannot be hashed."""
    fingerprint: str
    """SHA-256 of the key itself: a name may be given to another key later."""
    repositories: tuple[str, ...] = ("*",)
    """Globs over `host/repository`."""
    scanners: tuple[str, ...] = ("*",)
    """Globs over the scanner's name in the statement."""

    def covers_repository(self, repository_name: str) -> bool:
        """Whether findings in `host/repository` may be signed by this key."""
        return any(glob_matches(pattern, repository_name) for pattern in self.repositories)

    def covers_scanner(self, scanner: str) -> bool:
        """Whether findings by `scanner` may be signed by this key."""
        return any(glob_matches(pattern, scanner) for pattern in self.scanners)


@dataclass(frozen=True, slots=True)
class AcrIdentity:
    """A workload identity of Azure."""

    tenant_id: str
    client_id: str
    token_file: str
    """Service account token that Kubernetes projects, for the audience of Azure."""


@dataclass(frozen=True, slots=True)
class EcrIdentity:
    """A role of AWS that a service account may take."""

    role_arn: str
    token_file: str
    """Service account token that Kubernetes projects, for the audience of AWS STS."""


@dataclass(frozen=True, slots=True)
class GoogleIdentity:
    """A service account of Google."""

    key_file: str
    """Its key, JSON."""


@dataclass(frozen=True, slots=True)
class TagResolution:
    """For how long a tag is taken for the digest that it named when it was asked."""

    fresh_for: timedelta | None = None
    """Without asking; None: asked for each review (`resolve: always`)."""
    usable_for: timedelta = timedelta(0)
    """While the registry does not answer."""


ALWAYS = TagResolution()


@dataclass(frozen=True, slots=True)
class TrustedRegistry:
    """A registry that may be contacted, and how."""

    host: str
    """As in image references, normalised: `docker.io`, `localhost:5000`."""
    plain_http: bool = False
    allow_private: bool = False
    """Private and loopback addresses are contacted only where this says so."""
    secret: str = ""
    """Name of the Secret in Tidegate's namespace that the credential files come from."""
    username_file: str = ""
    password_file: str = ""
    ca_file: str = ""
    token_realms: tuple[str, ...] = ()
    """Other hosts that may be asked for a token with this registry's credentials."""
    redirect_hosts: tuple[str, ...] = ()
    """Blob stores with private addresses that this registry may redirect to."""
    endpoint: str = ""
    """`host:port` of the API where it is not `host`."""
    aliases: tuple[str, ...] = ()
    """Other names, `host` or `host/path`, of the same content."""
    client_cert_file: str = ""
    client_key_file: str = ""
    """Certificate and key, PEM, that we show."""
    docker_config_file: str = ""
    """Docker's config.json, or the file of a pull secret, with this registry's credentials."""
    pull_secret: str = ""
    """Name of a pull secret in Tidegate's namespace that a gate reads through the API."""
    identity: AcrIdentity | EcrIdentity | GoogleIdentity | None = None
    """Who a cloud gives credentials for this registry to."""
    reads_per_minute: int = 0
    """Reads that one gate makes in any minute; 0: as many as the registry takes."""
    tags: TagResolution = ALWAYS


class Accepted(StrEnum):
    """What a worker takes over from a source."""

    REPORTS = "reports"
    VEX = "vex"


@dataclass(frozen=True, slots=True)
class TrustedSource:
    """Someone else whose signed reports or VEX statements a worker turns into evidence.

    No gate believes a source: what it signed counts when a worker took it over under its own key.
    """

    key: EvidenceKey
    """Its `scanners` are those whose reports it may sign."""
    accepts: frozenset[Accepted]


@dataclass(frozen=True, slots=True)
class TrustConfiguration:
    """Whose findings count, and which registries are contacted."""

    keys: tuple[EvidenceKey, ...] = ()
    registries: tuple[TrustedRegistry, ...] = ()
    sources: tuple[TrustedSource, ...] = ()
    audience: str = ""
    """Whose batches of findings are heard (`wire.feed_v1`); empty: no feed is followed."""
    generation: str = ""
    """Names this state of keys and registries; caches are dropped when it changes."""

    def tags_of(self, host: str) -> TagResolution:
        """Return how tags in the registry `host` are resolved."""
        return next((each.tags for each in self.registries if each.host == host), ALWAYS)

    def sources_for(self, repository_name: str) -> tuple[TrustedSource, ...]:
        """Return the sources that are heard about images in `host/repository`."""
        return tuple(s for s in self.sources if s.key.covers_repository(repository_name))

    def keys_for(self, repository_name: str) -> tuple[EvidenceKey, ...]:
        """Return the keys that may sign findings in `host/repository`."""
        return tuple(key for key in self.keys if key.covers_repository(repository_name))

    def keys_for_scanner(self, repository_name: str, scanner: str) -> tuple[EvidenceKey, ...]:
        """Return the keys that may sign findings by `scanner` in `host/repository`."""
        return tuple(k for k in self.keys_for(repository_name) if k.covers_scanner(scanner))
