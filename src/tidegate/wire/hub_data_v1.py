"""What the hub shows of events and images, and what agents and workers upload for it.

The second half of `hub_v1`, under the same rules: what the portal's Overview, Admission
Monitoring and Registries pages read.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1
from tidegate.wire.hub_v1 import ImageV1, PlatformReportV1
from tidegate.wire.image_report_v1 import ExemptionMarkV1
from tidegate.wire.protection_v1 import ClusterBreakGlassV1, ClusterFeedV1
from tidegate.wire.registries_v1 import RegistryRecordV1

MAX_INVENTORY_IMAGES = 20_000
"""Distinct images that one cluster reports running."""

MAX_REJUDGED = 100
"""Verdicts told at once, up to 1 MiB each."""

MAX_PACKAGES = 50_000
MAX_REFERRERS = 500
"""Nodes in the tree of one manifest's referrers."""

MAX_REFERRER_MANIFEST_CHARS = 64 * 2**10
MAX_REFERRER_MANIFESTS_CHARS = 2**20
"""Of all of one manifest's referrers together; one of ours has about 1,200."""

MAX_MANIFEST_CHARS = 4 * 2**20
MAX_STATEMENT_CHARS = 32 * 2**20
MAX_LIST_CHARS = 32 * 2**20

Digest = Annotated[str, Meta(max_length=160)]
Word = Annotated[str, Meta(max_length=512)]
Text = Annotated[str, Meta(max_length=4096)]


class Wire(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Base of bodies: camelCase names, unknown fields refused."""


# Overview


class BucketV1(Wire):
    """Admission events of one stretch of time."""

    start: str
    denied: int
    audited: int
    allowed: int
    unscanned: int
    """Of all of these, those with an image that no verified report is known of."""


class TopRuleV1(Wire):
    """How often a rule decided against something."""

    rule: str
    denied: int
    audited: int


class RiskyImageV1(Wire):
    """An image that runs, with its findings."""

    registry: str
    repository: str
    digest: str
    tags: list[str]
    counts: CountsV1
    """Of its worst platform."""
    running_in: list[str]
    """Clusters, by name."""


class ExpiringExemptionV1(Wire):
    """A time-bound exemption that ends soon."""

    rule: str
    kind: Literal["vulnerability", "resource"]
    value: str
    end_date: str
    reason: str


class ClusterProblemV1(Wire):
    """Why a cluster may not be enforcing what the hub wants."""

    name: str
    problem: str


class OverviewV1(Wire):
    """What happened lately and what needs attention."""

    hours: int
    bucket_s: int
    """Length of a bucket; the last one is still going on."""
    buckets: list[BucketV1]
    """Oldest first, without gaps."""
    top_rules: list[TopRuleV1]
    riskiest_images: list[RiskyImageV1]
    expiring_exemptions: list[ExpiringExemptionV1]
    clusters: list[ClusterProblemV1]
    """Only those with a problem, one entry for each problem."""
    feeds: list[ClusterFeedV1] = []
    """The clusters whose last batch of the feed is the oldest, that one first; at most ten."""
    break_glass: list[ClusterBreakGlassV1] = []
    """What is let in by hand now, the last to end first; at most fifty."""
    break_glass_count: int = 0
    """How many hold now, those that are not listed too."""


# Events


class EventGroupV1(Wire):
    """What a controller tried again and again within an hour, as one row."""

    event: AdmissionEventV1
    """The newest of them."""
    count: int
    first_at: str
    last_at: str


# Registries and images


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
    layers: Annotated[list[Word], Meta(max_length=512)] = []
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
    annotations: Annotated[dict[str, Text], Meta(max_length=100)] = {}
    verified_by: Annotated[list[Word], Meta(max_length=64)] = []
    """Names of the worker's evidence keys that signed it; of a signature, those that made it."""
    note: Text = ""
    """Why it could not be read."""
    manifest: Annotated[str, Meta(max_length=MAX_REFERRER_MANIFEST_CHARS)] = ""
    """As the registry has it; empty where it is longer, or too many are shown already."""
    referrers: "Annotated[list[ReferrerV1], Meta(max_length=500)]" = []


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
    aliases: list[str] = []
    cwe_ids: list[str] = []
    locations: list[LocationV1] = []
    references: list[str] = []
    """As the advisories wrote them: data, not links to trust."""
    ratings: list[RatingV1] = []
    not_affected: list[VexMarkV1] = []
    """Not empty: trusted VEX statements clear it, and it counts nowhere."""
    exempted: list[ExemptionMarkV1] = []
    """Exemptions of enabled rules that hold now; each counts only where its rule decides."""


class PackageV1(Wire, omit_defaults=True):
    """A package that a scanner saw."""

    purl: Annotated[str, Meta(max_length=2048)]
    name: Word
    version: Word
    ecosystem: Word
    locations: Annotated[list[LocationV1], Meta(max_length=1000)] = []
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
    packages: Annotated[list[PackageV1], Meta(max_length=MAX_PACKAGES)] = []
    """Of workers before `package_list`: shown to people, not good enough to match again."""
    package_list: Annotated[str, Meta(max_length=MAX_LIST_CHARS)] = ""
    """A `PackageListV1`, the bytes that are signed; takes the place of `packages`."""
    package_list_signature: Annotated[str, Meta(max_length=1024)] = ""
    opinions: Annotated[list[OpinionV1], Meta(max_length=MAX_PACKAGES)] = []
    """Of every package in the list, each once."""
    advisories_state: Annotated[str, Meta(max_length=64)] = ""
    """State of the advisories that it was matched by; empty: they changed meanwhile."""
    referrers: Annotated[list[ReferrerV1], Meta(max_length=MAX_REFERRERS)] = []


# Registries' notifications


class EventGridValidationV1(Wire):
    """Answer to Event Grid's question whether its events are wanted."""

    validation_response: str


# Workers


class AdvisorySourceV1(Wire):
    """The advisories of one ecosystem that a worker judges by."""

    ecosystem: Word
    source: Word
    records: Annotated[int, Meta(ge=0)]
    updated_at: Annotated[str, Meta(max_length=40)]
    """When the newest record was modified."""
    imported_at: Annotated[str, Meta(max_length=40)] = ""
    """When records were last imported; empty: never, the demo set is in use."""


class WorkerHeartbeatV1(Wire):
    """What a scan worker tells of itself, at its start and every minute."""

    version: Annotated[str, Meta(max_length=128)]
    key_fingerprint: Annotated[str, Meta(max_length=128)]
    public_key: Annotated[str, Meta(max_length=4096)]
    """PEM, of the evidence key that it signs with."""
    key_used_at: Annotated[str, Meta(max_length=40)] = ""
    """When it last signed; empty: not since its start."""
    sealing_key: Annotated[str, Meta(max_length=4096)] = ""
    """PEM, X25519: credentials sealed by it can be read by this worker alone."""
    registries: Annotated[list[Annotated[str, Meta(max_length=261)]], Meta(max_length=1000)] = []
    """Hosts that it may contact."""
    advisories: Annotated[list[AdvisorySourceV1], Meta(max_length=1000)] = []


class WorkerV1(Wire):
    """A scan worker as the hub last heard of it."""

    name: str
    last_seen_at: str
    version: str
    key_fingerprint: str
    """Of the evidence key that it signs with."""
    registries: list[str]
    """Hosts that it may contact."""
    sealing_fingerprint: str = ""
    """Of the key that credentials are sealed by for it; empty: it has none."""
    present: bool = False
    """Whether it was heard of in the last five minutes."""


class EvidenceKeyV1(Wire):
    """A key that signs findings; the hub never holds its private half."""

    name: str
    """The worker that told of it first."""
    fingerprint: str
    public_key: str
    last_used_at: str
    """Empty: a worker has it, but did not sign yet."""


# Clusters


class RunningImageV1(Wire, omit_defaults=True):
    """An image that pods of a cluster run."""

    image: Text
    """The reference, as the pods have it."""
    digest: Digest = ""
    """As the kubelet says; empty: nobody there knows."""
    pods: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    namespaces: Annotated[list[Annotated[str, Meta(max_length=253)]], Meta(max_length=100)] = []


class InventoryV1(Wire):
    """All images that run in a cluster; replaces what was told before."""

    images: Annotated[list[RunningImageV1], Meta(max_length=MAX_INVENTORY_IMAGES)]


class RenewedImageV1(Wire):
    """An image with a new report."""

    registry: str
    repository: str
    digests: list[str]
    """Its own, and the platform's that the report is about."""


class RenewalsV1(Wire):
    """Which images have new reports since a cursor."""

    cursor: int
    """To ask with next."""
    images: list[RenewedImageV1] = []
    everything: bool = False
    """The cursor is none of this hub's, or too old: any image may have a new report."""


class RejudgementsV1(Wire):
    """What would be decided now about workloads that run in a cluster."""

    verdicts: Annotated[list[AdmissionEventV1], Meta(max_length=MAX_REJUDGED)]
