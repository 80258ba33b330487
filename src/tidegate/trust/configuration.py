"""`trust.yaml`: whose findings count in this cluster, and which registries are contacted.

```yaml
keys:
- name: scan-2026
  publicKey: |
    -----BEGIN PUBLIC KEY-----
    …
  repositories: ["registry.example/team/*"]     # globs over host/repository; default: all
  scanners: [Tidegate]                          # globs over the scanner's name; default: all
registries:
- host: registry.example
  secret: registry-example                      # name of the Secret that holds the two files
  usernameFile: /var/run/registries/registry-example/username
  passwordFile: /var/run/registries/registry-example/password
sources:                                        # read by workers alone: see `TrustedSource`
- name: product-security
  publicKey: |
    -----BEGIN PUBLIC KEY-----
    …
  accepts: [vex]                                # reports, vex or both
feed:
  audience: acme                                # batches of findings made for this name are heard
```

Unknown fields, repeated keys, aliases and anchors are refused: a misspelt restriction must not
widen what is trusted. Reading files (credentials, certificates) is the caller's.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from tidegate.domain.errors import (
    InvalidKeyError,
    InvalidReferenceError,
    InvalidRuleError,
    InvalidTrustError,
)
from tidegate.domain.glob import glob_matches
from tidegate.domain.reference import normalize_host, parse_reference
from tidegate.trust.keys import PublicKey, fingerprint, load_public_key
from tidegate.wire.feed_v1 import Audience
from tidegate.wire.policy_times import parse_duration, render_duration

MAX_CONFIGURATION_BYTES = 2**20
"""A ConfigMap holds at most 1 MiB (Kubernetes, "ConfigMaps", "Motivation")."""

MAX_ENTRIES = 1000

_Name = Annotated[str, Meta(min_length=1, max_length=256)]
_Path = Annotated[str, Meta(max_length=4096)]
_SECRET_NAME = r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?\Z"  # noqa: S105 - a pattern
"""A DNS subdomain (Kubernetes, "Object Names and IDs"): it becomes part of a path of the API."""
_Duration = Annotated[str, Meta(max_length=8)]
MAX_TAG_AGE = timedelta(days=7)
"""Longest time for which a tag may be taken for a digest: a week of an outage."""

MIN_PER_MINUTE, MAX_PER_MINUTE = 60, 100_000
"""Reads of one registry: a cold verdict takes six, and one gate can make no more."""

_Globs = Annotated[list[_Name], Meta(min_length=1, max_length=MAX_ENTRIES)]


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


class _Wire(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Base: camelCase names, unknown fields refused."""


class _Key(_Wire, kw_only=True):
    name: _Name
    public_key: Annotated[str, Meta(max_length=16384)]
    repositories: _Globs = msgspec.field(default_factory=lambda: ["*"])
    scanners: _Globs = msgspec.field(default_factory=lambda: ["*"])


class _Source(_Key, kw_only=True):
    accepts: Annotated[list[Accepted], Meta(min_length=1, max_length=2)]


class _Acr(_Wire):
    tenant_id: _Name
    client_id: _Name
    token_file: Annotated[str, Meta(min_length=1, max_length=4096)]


class _Ecr(_Wire):
    role_arn: Annotated[str, Meta(min_length=1, max_length=1024)]
    token_file: Annotated[str, Meta(min_length=1, max_length=4096)]


class _ArtifactRegistry(_Wire):
    key_file: Annotated[str, Meta(min_length=1, max_length=4096)]


class _Resolve(StrEnum):
    ALWAYS = "always"
    CACHED = "cached"


class _Registry(_Wire):
    host: _Name
    plain_http: bool = False
    allow_private: bool = False
    secret: Annotated[str, Meta(max_length=253)] = ""
    username_file: _Path = ""
    password_file: _Path = ""
    ca_file: _Path = ""
    token_realms: Annotated[list[_Name], Meta(max_length=100)] = []
    redirect_hosts: Annotated[list[_Name], Meta(max_length=100)] = []
    endpoint: Annotated[str, Meta(max_length=261)] = ""
    aliases: Annotated[list[_Name], Meta(max_length=100)] = []
    client_cert_file: _Path = ""
    client_key_file: _Path = ""
    docker_config_file: _Path = ""
    pull_secret: Annotated[str, Meta(max_length=253, pattern=_SECRET_NAME)] = ""
    acr: _Acr | None = None
    ecr: _Ecr | None = None
    artifact_registry: _ArtifactRegistry | None = None
    reads_per_minute: Annotated[int, Meta(ge=MIN_PER_MINUTE, le=MAX_PER_MINUTE)] | None = None
    resolve: _Resolve = _Resolve.ALWAYS
    resolve_fresh_for: _Duration = ""
    resolve_usable_for: _Duration = ""


class _Feed(_Wire):
    audience: Audience


class _Document(_Wire):
    keys: Annotated[list[_Key], Meta(max_length=MAX_ENTRIES)] = []
    registries: Annotated[list[_Registry], Meta(max_length=MAX_ENTRIES)] = []
    sources: Annotated[list[_Source], Meta(max_length=MAX_ENTRIES)] = []
    feed: _Feed | None = None


def parse_trust_configuration(body: bytes) -> TrustConfiguration:
    """Return the trust configuration in `body`, YAML or JSON; an empty one trusts nobody.

    Raises:
        InvalidTrustError: not in this form; names the line or the field.
    """
    if len(body) > MAX_CONFIGURATION_BYTES:
        raise InvalidTrustError(
            f"trust.yaml: {len(body)} bytes, want at most {MAX_CONFIGURATION_BYTES}"
        )
    document = _document(_load_yaml(body))
    keys = tuple(_key("keys", index, key) for index, key in enumerate(document.keys))
    _refuse_repeated("keys", "name", [key.name for key in keys])
    # One entry per key: with two, whose name would the signature carry?
    _refuse_repeated("keys", "publicKey", [key.fingerprint for key in keys])
    sources = tuple(
        TrustedSource(_key("sources", index, source), frozenset(source.accepts))
        for index, source in enumerate(document.sources)
    )
    _refuse_repeated("sources", "name", [source.key.name for source in sources])
    _refuse_evidence_keys(keys, sources)
    _refuse_repeated("sources", "publicKey", [source.key.fingerprint for source in sources])
    registries = tuple(_registry(i, registry) for i, registry in enumerate(document.registries))
    _refuse_repeated("registries", "host", [registry.host for registry in registries])
    generation = hashlib.sha256(msgspec.json.encode(document)).hexdigest()[:16]
    audience = "" if document.feed is None else document.feed.audience
    return TrustConfiguration(keys, registries, sources, audience, generation)


def _refuse_evidence_keys(
    keys: tuple[EvidenceKey, ...], sources: tuple[TrustedSource, ...]
) -> None:
    """Refuse a key in both lists: a gate would believe what a worker is to look at first."""
    evidence = {key.fingerprint: key.name for key in keys}
    for index, source in enumerate(sources):
        if source.key.fingerprint in evidence:
            raise InvalidTrustError(
                f"trust.yaml: sources[{index}] ({source.key.name}): its key is the evidence key "
                f"{evidence[source.key.fingerprint]!r}; a source needs a key of its own"
            )


def _key(list_name: str, index: int, key: _Key) -> EvidenceKey:
    try:
        public_key = load_public_key(key.public_key.encode())
    except InvalidKeyError as error:
        raise InvalidTrustError(
            f"trust.yaml: {list_name}[{index}] ({key.name}): {error}"
        ) from error
    return EvidenceKey(
        name=key.name,
        public_key=public_key,
        fingerprint=fingerprint(public_key),
        repositories=tuple(key.repositories),
        scanners=tuple(key.scanners),
    )


def _registry(index: int, registry: _Registry) -> TrustedRegistry:
    place = f"trust.yaml: registries[{index}]"
    host = normalize_host(registry.host)
    try:
        named = parse_reference(f"{host}/any/thing").registry
    except InvalidReferenceError as error:
        raise InvalidTrustError(f"{place}.host is {registry.host!r}; {error}") from error
    if named != host:
        raise InvalidTrustError(
            f"{place}.host is {registry.host!r}; want the host of image references, with its port "
            "and without https:// or a path"
        )
    if bool(registry.username_file) != bool(registry.password_file):
        raise InvalidTrustError(
            f"{place} ({host}): usernameFile and passwordFile go together; give both or neither"
        )
    identities = (registry.acr, registry.ecr, registry.artifact_registry)
    files = (registry.username_file, registry.docker_config_file, registry.pull_secret)
    sources = (*files, *identities)
    if sum(map(bool, sources)) > 1:
        raise InvalidTrustError(
            f"{place} ({host}): credentials from several sources; give one of usernameFile, "
            "dockerConfigFile, pullSecret, acr, ecr, artifactRegistry"
        )
    return TrustedRegistry(
        host=host,
        plain_http=registry.plain_http,
        allow_private=registry.allow_private,
        secret=registry.secret,
        username_file=registry.username_file,
        password_file=registry.password_file,
        ca_file=registry.ca_file,
        token_realms=tuple(map(str.lower, registry.token_realms)),
        redirect_hosts=tuple(map(str.lower, registry.redirect_hosts)),
        endpoint=registry.endpoint,
        aliases=tuple(registry.aliases),
        client_cert_file=registry.client_cert_file,
        client_key_file=registry.client_key_file,
        docker_config_file=registry.docker_config_file,
        pull_secret=registry.pull_secret,
        identity=_identity(registry),
        reads_per_minute=registry.reads_per_minute or 0,
        tags=_tags(f"{place} ({host})", registry),
    )


def _tags(place: str, registry: _Registry) -> TagResolution:
    if registry.resolve is _Resolve.ALWAYS:
        if registry.resolve_fresh_for or registry.resolve_usable_for:
            raise InvalidTrustError(
                f"{place}: resolveFreshFor and resolveUsableFor go with `resolve: cached`; "
                "set that or leave them out"
            )
        return ALWAYS
    fresh_for = _duration(f"{place}.resolveFreshFor", registry.resolve_fresh_for or "5m")
    usable_for = fresh_for
    if registry.resolve_usable_for:
        usable_for = _duration(f"{place}.resolveUsableFor", registry.resolve_usable_for)
    if not fresh_for <= usable_for <= MAX_TAG_AGE:
        raise InvalidTrustError(
            f"{place}: resolveFreshFor is {render_duration(fresh_for)}, resolveUsableFor "
            f"{render_duration(usable_for)}; want the second as long or longer, and at most "
            f"{render_duration(MAX_TAG_AGE)}"
        )
    return TagResolution(fresh_for, usable_for)


def _duration(place: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except InvalidRuleError as error:
        raise InvalidTrustError(f"{place}: {error}") from error


def _identity(registry: _Registry) -> AcrIdentity | EcrIdentity | GoogleIdentity | None:
    if registry.acr is not None:
        acr = registry.acr
        return AcrIdentity(acr.tenant_id, acr.client_id, acr.token_file)
    if registry.ecr is not None:
        return EcrIdentity(registry.ecr.role_arn, registry.ecr.token_file)
    if registry.artifact_registry is not None:
        return GoogleIdentity(registry.artifact_registry.key_file)
    return None


def _refuse_repeated(list_name: str, field: str, values: list[str]) -> None:
    seen: dict[str, int] = {}
    for index, value in enumerate(values):
        if value in seen:
            raise InvalidTrustError(
                f"trust.yaml: {list_name}[{index}].{field} repeats {list_name}[{seen[value]}]; "
                "give it once, in one entry"
            )
        seen[value] = index


def _document(loaded: object) -> _Document:
    try:
        return msgspec.convert({} if loaded is None else loaded, _Document)
    except msgspec.ValidationError as error:
        raise InvalidTrustError(f"trust.yaml: {error}") from error


def _load_yaml(body: bytes) -> object:
    try:
        return yaml.load(body.decode(), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidTrustError(f"trust.yaml: {' '.join(str(error).split())[:500]}") from error


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses aliases (they can bomb) and repeated keys (readers differ)."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401 - as the base class
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call] # types-pyyaml lacks it
            raise yaml.MarkedYAMLError(
                problem="aliases are refused; write the value out", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - as the base class
    ) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = (key_node.tag, key_node.value) if _is_scalar(key_node) else None
            if key is None or key in seen:
                raise yaml.MarkedYAMLError(
                    problem="this key stands twice, or is no plain word",
                    problem_mark=key_node.start_mark,
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _is_scalar(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:merge"
