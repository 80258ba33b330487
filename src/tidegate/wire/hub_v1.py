"""What the hub's REST API speaks (`/api/v1`): the same types serve hub, agent, worker and CLI.

Lists come as `{"items": […], "next": cursor}`; errors as RFC 9457 problem details.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from tidegate.domain.rule import EvaluationMode
from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1
from tidegate.wire.policy_v1alpha1 import RuleV1
from tidegate.wire.protection_v1 import ProtectionV1

T = TypeVar("T")

Provider = Literal["azure", "aws", "gcp", "on-premises"]


class Wire(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Base of request and response bodies: camelCase names, unknown fields refused."""


class Page(msgspec.Struct, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = None
    """Opaque cursor of the next page; absent or null on the last one."""


class ProblemV1(msgspec.Struct, rename="camel", omit_defaults=True):
    """RFC 9457 problem details; `field` names the offending field where there is one."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    field: str = ""


class CloudScopeV1(Wire, omit_defaults=True):
    """Which clusters a rule reaches; empty lists do not restrict. All given lists must match."""

    providers: list[Provider] = []
    accounts: list[str] = []
    clusters: list[str] = []
    """Cluster names, globs allowed."""
    labels: list[str] = []
    """`key=value`, globs allowed; fixed for a cluster at enrolment."""


class RuleWriteV1(Wire):
    """Body that creates or replaces a rule."""

    rule: RuleV1
    cloud_scope: CloudScopeV1 = msgspec.field(default_factory=CloudScopeV1)


class RuleRecordV1(Wire):
    """A rule as the hub keeps it; the default rule is always last."""

    id: str
    priority: int
    """1 decides first; positions are dense."""
    rule: RuleV1
    cloud_scope: CloudScopeV1
    is_default: bool
    updated_at: str
    updated_by: str
    etag: str
    warnings: list[str] = []
    """Sentences about what the rule means but may not intend."""


class RuleMoveV1(Wire):
    """Body that moves a rule."""

    priority: Annotated[int, Meta(ge=1)]


class RuleApplyV1(Wire):
    """Body that upserts rules by name, new ones directly above the default rule in order."""

    rules: Annotated[list[RuleV1], Meta(max_length=500)]
    evaluation_mode: EvaluationMode | None = None
    """Set: changes the organisation's mode too."""


class RuleApplyResultV1(Wire):
    """What an apply did, rule names in order."""

    created: list[str]
    updated: list[str]
    unchanged: list[str]


class ClusterEnrolV1(Wire):
    """Body that enrols a cluster; all of it is fixed by who enrols, never by the cluster."""

    name: Annotated[
        str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)")
    ]
    provider: Provider = "on-premises"
    account: str = ""
    labels: dict[str, str] = {}


class ClusterEnrolledV1(Wire):
    """Answer to an enrolment; the token is shown this once."""

    name: str
    token: str


class EnrolmentV1(Wire):
    """A one-time token for a cluster's agent; it is shown this once."""

    name: str
    """The one cluster that it enrols."""
    token: str
    expires_at: str


class EnrolV1(Wire):
    """An agent comes with its one-time token; it gets its cluster's token for it, once."""

    token: Annotated[str, Meta(min_length=1, max_length=512)]
    agent_version: Annotated[str, Meta(max_length=128)]
    cluster: Annotated[str, Meta(max_length=128)] = ""
    """What the agent takes its cluster for; refused where the token is another's."""


class ClusterV1(Wire):
    """A cluster as the hub knows it."""

    name: str
    provider: Provider
    account: str
    labels: dict[str, str]
    enrolled_at: str
    """Empty: its agent has not come with the one-time token yet."""
    last_seen_at: str = ""
    agent_version: str = ""
    policy_generation: str = ""
    """In force there, by the last heartbeat."""
    wanted_generation: str = ""
    """What the hub wants in force there."""
    gating: Literal["On", "Off"] = "On"
    problems: list[str] = []
    """Alarms of the hub about it, then what its agent last complained of; a sentence each."""
    protection: ProtectionV1 | None = None
    """What its agent last saw of the gate's work there; null: nothing was said."""
    feed_at: str = ""
    """When the last batch of the feed came to it; empty: none did."""


class GatingV1(Wire):
    """Body that switches gating of one cluster; Off admits everything there."""

    gating: Literal["On", "Off"]
    password: Annotated[str, Meta(max_length=1024)] = ""
    """Off, in a session: the user's password anew, or the API token that opened the session."""


class SettingsV1(Wire):
    """What holds for the whole organisation."""

    evaluation_mode: EvaluationMode
    security_findings: Literal["On", "Off"] = "On"
    """Off: images are scanned, but nothing is attached to them."""
    registry_access: Literal["On", "Off"] = "On"
    """Off: workers contact no registry, so nothing is scanned."""
    security_gating: Literal["On", "Off"] = "On"
    """What a cluster starts with when it is enrolled; each has its own switch."""


class SettingsWriteV1(SettingsV1):
    """Body that changes the settings."""

    password: Annotated[str, Meta(max_length=1024)] = ""
    """Where it switches gating Off, in a session: the user's password anew, or the API token that
    opened the session."""


class HeartbeatV1(Wire, omit_defaults=True):
    """What an agent tells about its cluster, every few seconds."""

    agent_version: str
    policy_generation: str
    """`generation` of the last ClusterPolicyV1 written and found in force."""
    problems: list[str] = []
    protection: ProtectionV1 | None = None
    """Null: the agent writes to a folder and sees no cluster."""
    feed_at: Annotated[str, Meta(max_length=40)] = ""
    """When the last batch of the feed came; empty: it keeps no feed, or none came."""


class ClusterPolicyV1(Wire):
    """The rules of one cluster, as its agent is to write them into policy objects."""

    generation: str
    """Changes exactly when the content does."""
    rules: list[RuleV1]
    """Highest priority first, disabled ones left out; the default rule last, enabled or not."""
    evaluation_mode: EvaluationMode
    gating: Literal["On", "Off"]
    edited_at: str


class EventBatchV1(Wire):
    """Events on their way from the gates, through the agent, to the hub."""

    events: Annotated[list[AdmissionEventV1], Meta(max_length=1000)]
    dropped: int = 0
    """Events that a full spool dropped since the last batch."""


class EventBatchResultV1(Wire):
    """How many events were new; known ids are not stored twice."""

    stored: int
    duplicates: int


class PlatformReportV1(Wire, omit_defaults=True):
    """The scan result of one platform of an image."""

    digest: str
    """Of the platform's manifest: the report's subject."""
    platform: str
    scanned_at: str
    scanner: str
    counts: CountsV1
    complete: bool
    gaps: list[str] = []
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
    reports: list[PlatformReportV1] = []


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
    reports: list[PlatformReportV1] = []
    """Of a scan: the platforms that did not fail."""


class ScanRequestV1(Wire):
    """Body that asks for a scan."""

    registry: str
    repository: str
    digest: str
    tags: list[str] = []
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


class AuditEntryV1(Wire):
    """One change, as the audit log keeps it."""

    id: str
    at: str
    actor: str
    role: str
    action: str
    """`rule.update`, `cluster.enrol`, …"""
    target: str
    before: Any = None
    """What was there; null where nothing was."""
    after: Any = None


TokenRole = Literal["admin", "reader", "scanner", "registry", "cluster"]


class TokenCreateV1(Wire):
    """Body that makes a token; clusters get theirs by enrolment."""

    name: Annotated[
        str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)")
    ]
    role: Literal["admin", "reader", "scanner", "registry"]


class TokenV1(Wire):
    """A token as the hub knows it: by everything but itself."""

    id: str
    name: str
    role: TokenRole
    created_at: str
    cluster: str = ""


class TokenCreatedV1(Wire):
    """Answer to the making of a token; it is shown this once."""

    id: str
    name: str
    token: str
