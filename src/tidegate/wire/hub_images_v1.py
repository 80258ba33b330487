"""Registries and images, as the portal shows them and workers tell of them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_bodies_v1 import Digest, Text, Wire, Word
from tidegate.wire.hub_jobs_v1 import ImageV1, PlatformReportV1
from tidegate.wire.image_report_v1 import ExemptionMarkV1
from tidegate.wire.registries_v1 import RegistryRecordV1

MAX_PACKAGES = 50_000

MAX_REFERRERS = 500
"""Nodes in the tree of one manifest's referrers."""

MAX_REFERRER_MANIFEST_CHARS = 64 * 2**10

MAX_REFERRER_MANIFESTS_CHARS = 2**20
"""Of all of one manifest's referrers together; one of ours has about 1,200."""

MAX_MANIFEST_CHARS = 4 * 2**20
MAX_STATEMENT_CHARS = 32 * 2**20
MAX_LIST_CHARS = 32 * 2**20


class RegistryV1(Wire):
    """A registry that images came from."""

    host: str
    repository_count: int
    image_count: int
    access: Literal["On", "Off", "NotConfigured"]
    """Off: switched off for all; NotConfigured: no worker that was heard of may contact it."""
    configured: RegistryRecordV1 | None = None
    """As the hub's administrators configured it; null: a worker's own file names it, or nobody."""


class RepositoryV1(Wire):
    """A repository of a registry."""

    registry: str
    repository: str
    tag_count: int
    image_count: int
    last_pushed_at: str
    worst: CountsV1
    """Of the image with the worst findings."""


class ImageConfigV1(Wire, omit_defaults=True):
    """The essentials of an image's config."""

    created: Word = ""
    architecture: Word = ""
    os: Word = ""
    variant: Word = ""
    layers: Annotated[list[Word], Meta(max_length=512)] = msgspec.field(default_factory=list)
    """diffIDs in order."""


class ReferrerV1(Wire, omit_defaults=True):
    """A manifest that refers to another one, with what refers to it."""

    digest: Digest
    """Empty where `note` says why there are more than are shown."""
    artifact_type: Word
    kind: Literal["artifact", "signature", "other"]
    """`artifact`: a findings artifact."""
    size: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    created_at: Word = ""
    """As its annotation says: a claim of who pushed it."""
    annotations: Annotated[dict[str, Text], Meta(max_length=100)] = msgspec.field(
        default_factory=dict
    )
    verified_by: Annotated[list[Word], Meta(max_length=64)] = msgspec.field(default_factory=list)
    """Names of the worker's evidence keys that signed it; of a signature, those that made it."""
    note: Text = ""
    """Why it could not be read."""
    manifest: Annotated[str, Meta(max_length=MAX_REFERRER_MANIFEST_CHARS)] = ""
    """As the registry has it; empty where it is longer, or too many are shown already."""
    referrers: "Annotated[list[ReferrerV1], Meta(max_length=500)]" = msgspec.field(
        default_factory=list
    )


class ImagePlatformV1(Wire):
    """One platform of an image."""

    platform: str
    digest: str
    report: PlatformReportV1 | None = None
    config: ImageConfigV1 | None = None


class ScanRecordV1(Wire):
    """One scan of one platform, as it was."""

    scanned_at: str
    scanner: str
    platform: str
    digest: str
    counts: CountsV1
    complete: bool
    artifact: str = ""


class ImageDetailV1(ImageV1):
    """An image with everything that a worker found out about it."""

    media_type: str = ""
    """Empty until a worker has looked at it."""
    size: int = 0
    """Of the manifest, its config and its layers, as they are packed."""
    manifest: str = ""
    """As it stands in the registry: its bytes have the digest."""
    config: ImageConfigV1 | None = None
    platforms: list[ImagePlatformV1] = msgspec.field(default_factory=list)
    referrers: list[ReferrerV1] = msgspec.field(default_factory=list)
    """Of the image itself and, of an index, of each of its platforms."""
    scans: list[ScanRecordV1] = msgspec.field(default_factory=list)
    """Newest first, 50 at most."""


class LocationV1(Wire, omit_defaults=True):
    """Where a package lies."""

    path: Text
    layer: Word = ""


class RatingV1(Wire, omit_defaults=True):
    """One database's opinion."""

    method: str
    score: str
    word: str = ""
    cvss_version: str = ""
    leading: bool = False
    """Whether the finding's severity is this one's."""
    source: str = ""
    """The database it stands in, where `method` is a scheme and does not say."""


class VexMarkV1(Wire, omit_defaults=True):
    """A trusted statement that a finding does no harm in this image."""

    status: Literal["not_affected", "fixed"]
    justification: str
    author: str
    """Who says so."""
    source: str
    """The trusted source that signed it, as the worker's trust file names it."""
    said_at: str = ""
    detail: str = ""


class FindingDetailV1(Wire, omit_defaults=True):
    """A finding with all that its statement says."""

    id: str
    severity: Literal["critical", "high", "medium", "low", "unknown"]
    package: str
    """Package URL."""
    name: str
    version: str
    fixed_version: str = ""
    aliases: list[str] = msgspec.field(default_factory=list)
    cwe_ids: list[str] = msgspec.field(default_factory=list)
    locations: list[LocationV1] = msgspec.field(default_factory=list)
    references: list[str] = msgspec.field(default_factory=list)
    """As the advisories wrote them: data, not links to trust."""
    ratings: list[RatingV1] = msgspec.field(default_factory=list)
    not_affected: list[VexMarkV1] = msgspec.field(default_factory=list)
    """Not empty: trusted VEX statements clear it, and it counts nowhere."""
    exempted: list[ExemptionMarkV1] = msgspec.field(default_factory=list)
    """Exemptions of enabled rules that hold now; each counts only where its rule decides."""


class PackageV1(Wire, omit_defaults=True):
    """A package that a scanner saw."""

    purl: Annotated[str, Meta(max_length=2048)]
    name: Word
    version: Word
    ecosystem: Word
    locations: Annotated[list[LocationV1], Meta(max_length=1000)] = msgspec.field(
        default_factory=list
    )
    source_name: Word = ""
    """Of the source package, where advisories are about those; else empty."""
    source_version: Word = ""
    module: Word = ""
    """Module and stream that it was built for, where its distribution has such; else empty."""


class OpinionV1(Wire, omit_defaults=True):
    """What advisories say of a package at one version, in short, as its worker matched it."""

    ecosystem: Word
    name: Word
    """As advisories name it."""
    version: Word
    """As advisories compare it."""
    module: Word = ""
    said: Annotated[str, Meta(max_length=32)] = ""
    """Differs exactly when the findings do, or whether they can be told; empty: nothing found."""


class DetailUploadV1(Wire, omit_defaults=True):
    """What a worker tells of one manifest of its job: the leased one, or a platform of it."""

    lease: str
    digest: Digest
    media_type: Annotated[str, Meta(max_length=255)]
    manifest: Annotated[str, Meta(max_length=MAX_MANIFEST_CHARS)]
    """Its bytes must have the digest."""
    platform: Annotated[str, Meta(max_length=128)] = ""
    config: ImageConfigV1 | None = None
    statement: Annotated[str, Meta(max_length=MAX_STATEMENT_CHARS)] = ""
    """The findings statement about this manifest; empty for an index."""
    packages: Annotated[list[PackageV1], Meta(max_length=MAX_PACKAGES)] = msgspec.field(
        default_factory=list
    )
    """Of workers before `package_list`: shown to people, not good enough to match again."""
    package_list: Annotated[str, Meta(max_length=MAX_LIST_CHARS)] = ""
    """A `PackageListV1`, the bytes that are signed; takes the place of `packages`."""
    package_list_signature: Annotated[str, Meta(max_length=1024)] = ""
    opinions: Annotated[list[OpinionV1], Meta(max_length=MAX_PACKAGES)] = msgspec.field(
        default_factory=list
    )
    """Of every package in the list, each once."""
    advisories_state: Annotated[str, Meta(max_length=64)] = ""
    """State of the advisories that it was matched by; empty: they changed meanwhile."""
    referrers: Annotated[list[ReferrerV1], Meta(max_length=MAX_REFERRERS)] = msgspec.field(
        default_factory=list
    )
