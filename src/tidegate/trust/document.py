"""The form of `trust.yaml`: what may stand in it, within which bounds.

Unknown fields are refused: a misspelt restriction must not widen what is trusted.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.trust.trusted import Accepted
from tidegate.wire.feed_v1 import Audience

MAX_ENTRIES = 1000

_Name = Annotated[str, Meta(min_length=1, max_length=256)]
_Path = Annotated[str, Meta(max_length=4096)]
_SECRET_NAME = r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?\Z"  # noqa: S105 - a pattern
"""A DNS subdomain (Kubernetes, "Object Names and IDs"): it becomes part of a path of the API."""
_Duration = Annotated[str, Meta(max_length=8)]

MIN_PER_MINUTE, MAX_PER_MINUTE = 60, 100_000
"""Reads of one registry: a cold verdict takes six, and one gate can make no more."""

_Globs = Annotated[list[_Name], Meta(min_length=1, max_length=MAX_ENTRIES)]


class _Wire(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Base: camelCase names, unknown fields refused."""


class KeyV1(_Wire, kw_only=True):
    """A key of `keys`."""

    name: _Name
    public_key: Annotated[str, Meta(max_length=16384)]
    repositories: _Globs = msgspec.field(default_factory=lambda: ["*"])
    scanners: _Globs = msgspec.field(default_factory=lambda: ["*"])


class SourceV1(KeyV1, kw_only=True):
    """A key of `sources`, and what is taken over from it."""

    accepts: Annotated[list[Accepted], Meta(min_length=1, max_length=2)]


class AcrV1(_Wire):
    """A workload identity of Azure."""

    tenant_id: _Name
    client_id: _Name
    token_file: Annotated[str, Meta(min_length=1, max_length=4096)]


class EcrV1(_Wire):
    """A role of AWS."""

    role_arn: Annotated[str, Meta(min_length=1, max_length=1024)]
    token_file: Annotated[str, Meta(min_length=1, max_length=4096)]


class ArtifactRegistryV1(_Wire):
    """A service account of Google."""

    key_file: Annotated[str, Meta(min_length=1, max_length=4096)]


class ResolveV1(StrEnum):
    """How tags become digests."""

    ALWAYS = "always"
    CACHED = "cached"


class RegistryV1(_Wire):
    """A registry."""

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
    acr: AcrV1 | None = None
    ecr: EcrV1 | None = None
    artifact_registry: ArtifactRegistryV1 | None = None
    reads_per_minute: Annotated[int, Meta(ge=MIN_PER_MINUTE, le=MAX_PER_MINUTE)] | None = None
    resolve: ResolveV1 = ResolveV1.ALWAYS
    resolve_fresh_for: _Duration = ""
    resolve_usable_for: _Duration = ""


class FeedV1(_Wire):
    """The feed that is followed."""

    audience: Audience


class DocumentV1(_Wire):
    """The whole file."""

    keys: Annotated[list[KeyV1], Meta(max_length=MAX_ENTRIES)] = []
    registries: Annotated[list[RegistryV1], Meta(max_length=MAX_ENTRIES)] = []
    sources: Annotated[list[SourceV1], Meta(max_length=MAX_ENTRIES)] = []
    feed: FeedV1 | None = None
