"""Clusters, as the hub and their agents speak of them: enrolment, rules, heartbeats, events."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tidegate.domain.rule import EvaluationMode
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.hub_bodies_v1 import Wire
from tidegate.wire.policy_v1alpha1 import RuleV1
from tidegate.wire.protection_v1 import ProtectionV1

Provider = Literal["azure", "aws", "gcp", "on-premises"]


class ClusterEnrolV1(Wire):
    """Body that enrols a cluster; all of it is fixed by who enrols, never by the cluster."""

    name: Annotated[
        str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)")
    ]
    provider: Provider = "on-premises"
    account: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)


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


class FeedEndV1(Wire):
    """How far a key's chain of the feed has come in a cluster."""

    fingerprint: Annotated[str, Meta(max_length=64)]
    """Of the evidence key."""
    chain: Annotated[str, Meta(max_length=36)]
    epoch: Annotated[int, Meta(ge=0, le=2**53)]


class ClusterFeedV1(FeedEndV1):
    """The same, and what the hub says of it when it is asked."""

    standing: Literal["same", "behind", "ahead", "other-chain", "unknown-key"]
    """Against the hub's own: `ahead` where the hub was put back to an older state; `other-chain`
    where one of both has not heard of a new one; `unknown-key` where the hub has nothing of it."""
    missing: int = 0
    """Batches, where it is behind."""


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
    problems: list[str] = msgspec.field(default_factory=list)
    """Alarms of the hub about it, then what its agent last complained of; a sentence each."""
    protection: ProtectionV1 | None = None
    """What its agent last saw of the gate's work there; null: nothing was said."""
    feed_at: str = ""
    """When the last batch of the feed came to it; empty: none did."""
    feed: list[ClusterFeedV1] = msgspec.field(default_factory=list)
    """Each key's chain, by the last heartbeat."""


class GatingV1(Wire):
    """Body that switches gating of one cluster; Off admits everything there."""

    gating: Literal["On", "Off"]
    password: Annotated[str, Meta(max_length=1024)] = ""
    """Off, in a session: the user's password anew, or the API token that opened the session."""


class HeartbeatV1(Wire, omit_defaults=True, forbid_unknown_fields=False):
    """What an agent tells about its cluster, every few seconds.

    What a newer agent adds is skipped: it must be heard all the same.
    """

    agent_version: str
    policy_generation: str
    """`generation` of the last ClusterPolicyV1 written and found in force."""
    problems: list[str] = msgspec.field(default_factory=list)
    protection: ProtectionV1 | None = None
    """Null: the agent writes to a folder and sees no cluster."""
    feed_at: Annotated[str, Meta(max_length=40)] = ""
    """When the last batch of the feed came; empty: it keeps no feed, or none came."""
    feed: Annotated[list[FeedEndV1], Meta(max_length=64)] = msgspec.field(default_factory=list)
    """How far each key's chain has come; empty: it keeps no feed, or has nothing of it."""


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
