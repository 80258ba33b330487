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
from datetime import timedelta

import msgspec

from tidegate.domain.errors import (
    InputError,
    InvalidKeyError,
    InvalidReferenceError,
    InvalidRuleError,
    InvalidTrustError,
)
from tidegate.domain.reference import normalize_host, parse_reference
from tidegate.trust.document import DocumentV1, KeyV1, RegistryV1, ResolveV1
from tidegate.trust.keys import fingerprint, load_public_key
from tidegate.trust.trusted import (
    ALWAYS,
    Accepted,
    AcrIdentity,
    EcrIdentity,
    EvidenceKey,
    GoogleIdentity,
    TagResolution,
    TrustConfiguration,
    TrustedRegistry,
    TrustedSource,
)
from tidegate.wire.policy_times import parse_duration, render_duration
from tidegate.wire.strict_yaml import load_documents

__all__ = [
    "ALWAYS",
    "MAX_CONFIGURATION_BYTES",
    "MAX_TAG_AGE",
    "Accepted",
    "AcrIdentity",
    "EcrIdentity",
    "EvidenceKey",
    "GoogleIdentity",
    "TagResolution",
    "TrustConfiguration",
    "TrustedRegistry",
    "TrustedSource",
    "parse_trust_configuration",
]

MAX_CONFIGURATION_BYTES = 2**20
"""A ConfigMap holds at most 1 MiB (Kubernetes, "ConfigMaps", "Motivation")."""

MAX_TAG_AGE = timedelta(days=7)
"""Longest time for which a tag may be taken for a digest: a week of an outage."""


def parse_trust_configuration(body: bytes) -> TrustConfiguration:
    """Return the trust configuration in `body`, YAML or JSON; an empty one trusts nobody.

    Raises:
        InvalidTrustError: not in this form; names the line or the field.
    """
    document = _document(body)
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


def _key(list_name: str, index: int, key: KeyV1) -> EvidenceKey:
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


def _registry(index: int, registry: RegistryV1) -> TrustedRegistry:
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


def _tags(place: str, registry: RegistryV1) -> TagResolution:
    if registry.resolve is ResolveV1.ALWAYS:
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


def _identity(registry: RegistryV1) -> AcrIdentity | EcrIdentity | GoogleIdentity | None:
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


def _document(body: bytes) -> DocumentV1:
    try:
        documents = load_documents(body, "trust.yaml", MAX_CONFIGURATION_BYTES)
    except InputError as error:
        raise InvalidTrustError(str(error)) from error
    if len(documents) > 1:
        raise InvalidTrustError(f"trust.yaml: {len(documents)} YAML documents, want one")
    try:
        return msgspec.convert(documents[0] if documents else {}, DocumentV1)
    except msgspec.ValidationError as error:
        raise InvalidTrustError(f"trust.yaml: {error}") from error
