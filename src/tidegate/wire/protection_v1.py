"""How well a cluster is protected, as its agent tells the hub with each heartbeat."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_ALARMS = 20
MAX_ALARM_CHARS = 1024
MAX_UNJUDGED_PODS = 100
"""Pods named; the others are counted."""
MAX_BREAK_GLASS = 20
"""Break-glass objects named; the others are counted."""

WebhookState = Literal["as wanted", "not as wanted", "missing", "not watched", "unknown"]
CanaryState = Literal["passing", "failing", "blocked", "off", "unknown"]
DetectionState = Literal["on", "late", "off"]

ReAdmissionState = Literal["Enforce", "Audit", "Audit without an index", "unknown"]
"""What the policy objects say together; without an index of admissions, nothing comes back."""

Why = Literal[
    "failed-open",
    "not-watched",
    "not-recorded",
    "excluded-namespace",
    "static-pod",
    "before-webhook",
]
"""Why a pod runs without a verdict.

`failed-open`: it was admitted while the webhook was there, and the gate was not asked or did not
answer. `not-watched`: it was made while no agent looked. `not-recorded`: a gate dropped records at
the time. The other three were chosen.
"""

Text = Annotated[str, Meta(max_length=MAX_ALARM_CHARS)]
ShortText = Annotated[str, Meta(max_length=256)]


class _Wire(msgspec.Struct, rename="camel", omit_defaults=True):
    """Base of what is told: camelCase names, unknown fields passed over.

    So a newer agent is heard by an older hub, and one that was rolled back reads what it kept.
    """


class AlarmV1(_Wire):
    """One thing that is wrong now."""

    kind: ShortText
    """The reason of its Kubernetes Event."""
    message: Text
    since: ShortText
    """RFC 3339, UTC."""


class UnjudgedPodV1(_Wire):
    """A pod that runs without a verdict."""

    namespace: ShortText
    name: ShortText
    why: Why
    created_at: ShortText
    images: Annotated[list[Annotated[str, Meta(max_length=512)]], Meta(max_length=20)] = []


class BreakGlassV1(_Wire):
    """A `BreakGlass` object that lets one image into one namespace now."""

    name: ShortText
    namespace: ShortText
    digest: ShortText
    reason: Annotated[str, Meta(max_length=512)]
    since: ShortText
    """RFC 3339, UTC."""
    until: ShortText
    """RFC 3339, UTC."""


class ClusterBreakGlassV1(_Wire):
    """A `BreakGlass` object and where it holds."""

    cluster: str
    object: BreakGlassV1


class ClusterFeedV1(_Wire):
    """How old what a cluster knows of findings is."""

    cluster: str
    feed_at: str = ""
    """When the last batch of the feed came to it; empty: none did, and gates ask registries."""
    last_seen_at: str = ""
    old: bool = False
    """A batch comes every minute, and here none came for five."""


class ClusterAlarmV1(_Wire):
    """One alarm and whose it is."""

    cluster: str
    kind: str
    message: str
    since: str


class AlarmsV1(_Wire):
    """What is wrong now with the protection of clusters."""

    items: list[ClusterAlarmV1]
    """By cluster, then the oldest first; at most a hundred."""
    total: int = 0
    clusters: int = 0
    """How many clusters have some."""


class ProtectionV1(_Wire):
    """What an agent sees of the gate's work in its cluster."""

    webhook: WebhookState = "unknown"
    canary: CanaryState = "unknown"
    canary_passed_at: ShortText = ""
    """RFC 3339, UTC; empty: not since the agent started."""
    detection: DetectionState = "off"
    """Whether running pods are compared with verdicts; `late`: verdicts do not come in time."""
    unjudged: dict[Why, int] = {}
    """Pods that run without a verdict, by why."""
    unjudged_pods: Annotated[list[UnjudgedPodV1], Meta(max_length=MAX_UNJUDGED_PODS)] = []
    failed_open: int = 0
    """Requests that the API server's audit log has as admitted without the gate, in the last
    day; 0 where no audit log is at hand."""
    alarms: Annotated[list[AlarmV1], Meta(max_length=MAX_ALARMS)] = []
    break_glass: Annotated[list[BreakGlassV1], Meta(max_length=MAX_BREAK_GLASS)] | None = None
    """Those that hold now, the last to end first; null: they could not be read."""
    break_glass_count: int = 0
    """How many hold now, those that are not named too."""
    re_admission: ReAdmissionState = "unknown"
