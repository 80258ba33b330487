"""What the hub's REST API speaks (`/api/v1`): the same types serve hub, agent, worker and CLI.

Lists come as `{"items": […], "next": cursor}`; errors as RFC 9457 problem details. Rules, settings,
tokens and the audit log are here; clusters and jobs in modules of their own, known here too.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tidegate.domain.rule import EvaluationMode
from tidegate.wire.hub_bodies_v1 import Page, ProblemV1, Wire
from tidegate.wire.hub_clusters_v1 import (
    ClusterEnrolledV1,
    ClusterEnrolV1,
    ClusterFeedV1,
    ClusterPolicyV1,
    ClusterV1,
    EnrolmentV1,
    EnrolV1,
    EventBatchResultV1,
    EventBatchV1,
    FeedEndV1,
    GatingV1,
    HeartbeatV1,
    Provider,
)
from tidegate.wire.hub_jobs_v1 import (
    ImageV1,
    JobFailureV1,
    JobKind,
    JobLeaseRequestV1,
    JobPageV1,
    JobProgressV1,
    JobRecordV1,
    JobResultV1,
    JobState,
    JobV1,
    NotificationResultV1,
    PlatformReportV1,
    ScanRequestV1,
)
from tidegate.wire.policy_v1alpha1 import RuleV1

__all__ = [
    "AuditEntryV1",
    "CloudScopeV1",
    "ClusterEnrolV1",
    "ClusterEnrolledV1",
    "ClusterFeedV1",
    "ClusterPolicyV1",
    "ClusterV1",
    "EnrolV1",
    "EnrolmentV1",
    "EventBatchResultV1",
    "EventBatchV1",
    "FeedEndV1",
    "GatingV1",
    "HeartbeatV1",
    "ImageV1",
    "JobFailureV1",
    "JobKind",
    "JobLeaseRequestV1",
    "JobPageV1",
    "JobProgressV1",
    "JobRecordV1",
    "JobResultV1",
    "JobState",
    "JobV1",
    "NotificationResultV1",
    "Page",
    "PlatformReportV1",
    "ProblemV1",
    "Provider",
    "RuleApplyResultV1",
    "RuleApplyV1",
    "RuleMoveV1",
    "RuleRecordV1",
    "RuleWriteV1",
    "ScanRequestV1",
    "SettingsV1",
    "SettingsWriteV1",
    "TokenCreateV1",
    "TokenCreatedV1",
    "TokenRole",
    "TokenV1",
    "Wire",
]


class CloudScopeV1(Wire, omit_defaults=True):
    """Which clusters a rule reaches; empty lists do not restrict. All given lists must match."""

    providers: list[Provider] = msgspec.field(default_factory=list)
    accounts: list[str] = msgspec.field(default_factory=list)
    clusters: list[str] = msgspec.field(default_factory=list)
    """Cluster names, globs allowed."""
    labels: list[str] = msgspec.field(default_factory=list)
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
    warnings: list[str] = msgspec.field(default_factory=list)
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
