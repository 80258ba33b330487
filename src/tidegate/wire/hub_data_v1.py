"""What the hub shows of events, and what agents upload for it: the other half of `hub_v1`.

Images and workers are in modules of their own, known here too.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1
from tidegate.wire.hub_bodies_v1 import Digest, Text, Wire, Word
from tidegate.wire.hub_images_v1 import (
    MAX_LIST_CHARS,
    MAX_MANIFEST_CHARS,
    MAX_PACKAGES,
    MAX_REFERRER_MANIFEST_CHARS,
    MAX_REFERRER_MANIFESTS_CHARS,
    MAX_REFERRERS,
    MAX_STATEMENT_CHARS,
    DetailUploadV1,
    FindingDetailV1,
    ImageConfigV1,
    ImageDetailV1,
    ImagePlatformV1,
    LocationV1,
    OpinionV1,
    PackageV1,
    RatingV1,
    ReferrerV1,
    RegistryV1,
    RepositoryV1,
    ScanRecordV1,
    VexMarkV1,
)
from tidegate.wire.hub_workers_v1 import (
    AdvisorySourceV1,
    EvidenceKeyV1,
    WorkerHeartbeatV1,
    WorkerV1,
)
from tidegate.wire.protection_v1 import ClusterBreakGlassV1, ClusterFeedV1

__all__ = [
    "MAX_INVENTORY_IMAGES",
    "MAX_LIST_CHARS",
    "MAX_MANIFEST_CHARS",
    "MAX_PACKAGES",
    "MAX_REFERRERS",
    "MAX_REFERRER_MANIFESTS_CHARS",
    "MAX_REFERRER_MANIFEST_CHARS",
    "MAX_REJUDGED",
    "MAX_STATEMENT_CHARS",
    "AdvisorySourceV1",
    "BucketV1",
    "ClusterProblemV1",
    "DetailUploadV1",
    "Digest",
    "EventGridValidationV1",
    "EventGroupV1",
    "EvidenceKeyV1",
    "ExpiringExemptionV1",
    "FindingDetailV1",
    "ImageConfigV1",
    "ImageDetailV1",
    "ImagePlatformV1",
    "InventoryV1",
    "LocationV1",
    "OpinionV1",
    "OverviewV1",
    "PackageV1",
    "RatingV1",
    "ReferrerV1",
    "RegistryV1",
    "RejudgementsV1",
    "RenewalsV1",
    "RenewedImageV1",
    "RepositoryV1",
    "RiskyImageV1",
    "RunningImageV1",
    "ScanRecordV1",
    "Text",
    "TopRuleV1",
    "VexMarkV1",
    "Wire",
    "Word",
    "WorkerHeartbeatV1",
    "WorkerV1",
]

MAX_INVENTORY_IMAGES = 20_000
"""Distinct images that one cluster reports running."""

MAX_REJUDGED = 100
"""Verdicts told at once, up to 1 MiB each."""


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
    feeds: list[ClusterFeedV1] = msgspec.field(default_factory=list)
    """The clusters whose last batch of the feed is the oldest, that one first; at most ten."""
    break_glass: list[ClusterBreakGlassV1] = msgspec.field(default_factory=list)
    """What is let in by hand now, the last to end first; at most fifty."""
    break_glass_count: int = 0
    """How many hold now, those that are not listed too."""


class EventGroupV1(Wire):
    """What a controller tried again and again within an hour, as one row."""

    event: AdmissionEventV1
    """The newest of them."""
    count: int
    first_at: str
    last_at: str


class EventGridValidationV1(Wire):
    """Answer to Event Grid's question whether its events are wanted."""

    validation_response: str


class RunningImageV1(Wire, omit_defaults=True):
    """An image that pods of a cluster run."""

    image: Text
    """The reference, as the pods have it."""
    digest: Digest = ""
    """As the kubelet says; empty: nobody there knows."""
    pods: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    namespaces: Annotated[list[Annotated[str, Meta(max_length=253)]], Meta(max_length=100)] = (
        msgspec.field(default_factory=list)
    )


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
    images: list[RenewedImageV1] = msgspec.field(default_factory=list)
    everything: bool = False
    """The cursor is none of this hub's, or too old: any image may have a new report."""


class RejudgementsV1(Wire):
    """What would be decided now about workloads that run in a cluster."""

    verdicts: Annotated[list[AdmissionEventV1], Meta(max_length=MAX_REJUDGED)]
