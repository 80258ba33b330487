"""Images and the jobs of scanning them, as the hub and its workers speak of them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_bodies_v1 import Wire


class PlatformReportV1(Wire, omit_defaults=True):
    """The scan result of one platform of an image."""

    digest: str
    """Of the platform's manifest: the report's subject."""
    platform: str
    scanned_at: str
    scanner: str
    counts: CountsV1
    complete: bool
    gaps: list[str] = msgspec.field(default_factory=list)
    artifact: str = ""
    """Digest of the findings artifact; empty where none was attached."""
    attached_at: str = ""
    """Signed scan time of that artifact: earlier than `scanned_at` where it still holds."""


class ImageV1(Wire):
    """An image that a registry told of or a worker scanned."""

    registry: str
    repository: str
    digest: str
    tags: list[str]
    pushed_at: str
    status: Literal["queued", "scanning", "scanned", "failed"]
    error: str = ""
    reports: list[PlatformReportV1] = msgspec.field(default_factory=list)


JobKind = Literal["scan", "rematch"]
"""`rematch`: the packages that are kept are matched again; the image is not pulled."""


class JobV1(Wire):
    """A scan job as its worker sees it; results count only under this lease."""

    id: str
    lease: str
    """Secret of this lease: sent back with every word about the job."""
    registry: str
    repository: str
    digest: str
    tags: list[str]
    attach: bool
    attempt: int
    lease_expires_at: str
    kind: JobKind = "scan"
    renew_after_s: float = 0
    """Age from which a report is attached again although it says the same; 0: the worker's own
    setting alone."""


class JobLeaseRequestV1(Wire, omit_defaults=True):
    """A worker asks for work; waits up to `wait_s` seconds for some."""

    worker: Annotated[str, Meta(min_length=1, max_length=128)]
    wait_s: Annotated[float, Meta(ge=0, le=30)] = 0
    advisories_state: Annotated[str, Meta(max_length=64)] = ""
    """What its advisories are; only with those that count it may match images again."""


class JobProgressV1(Wire):
    """A worker is still at it; extends the lease."""

    lease: str


class JobResultV1(Wire, omit_defaults=True):
    """A worker is done."""

    lease: str
    reports: list[PlatformReportV1]
    not_attached: Annotated[str, Meta(max_length=4096)] = ""
    """Why the registry did not take the reports of an image that was matched again: later."""


class JobFailureV1(Wire, omit_defaults=True):
    """A worker could not do it; the hub retries with backoff where `retry` says so."""

    lease: str
    error: str
    retry: bool
    rescan: bool = False
    """What is kept of the image does not serve: it has to be scanned."""
    reports: list[PlatformReportV1] = msgspec.field(default_factory=list)
    """Of a scan: the platforms that did not fail."""


class ScanRequestV1(Wire):
    """Body that asks for a scan."""

    registry: str
    repository: str
    digest: str
    tags: list[str] = msgspec.field(default_factory=list)
    attach: bool = True
    """False: report the findings to the hub, but attach nothing."""


JobState = Literal["queued", "leased", "done", "failed"]


class JobRecordV1(Wire):
    """A scan job as people see it."""

    id: str
    registry: str
    repository: str
    digest: str
    state: JobState
    attempt: int
    """Times it was leased so far."""
    max_attempts: int
    requested_by: str
    created_at: str
    not_before: str
    """A retry waits until then."""
    lease_expires_at: str = ""
    worker: str = ""
    error: str = ""
    """Of the last attempt."""
    finished_at: str = ""
    kind: JobKind = "scan"
    priority: int = 2
    """The least is first: 0 somebody waits, 1 it runs, 2 it was pushed, 3 the rest."""


class JobPageV1(Wire):
    """One page of jobs, newest first, and how many there are in each state."""

    items: list[JobRecordV1]
    counts: dict[JobState, int]
    next: str | None = None


class NotificationResultV1(Wire):
    """What became of a registry's notification."""

    queued: int
    skipped: int
    """Blobs, pulls, signatures and whatever else is not to be scanned."""
