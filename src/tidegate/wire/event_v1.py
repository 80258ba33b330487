"""Admission events: one per review, a row per image; the same object in journal, hub and CLI.

Its id is the review's uid, by which the hub de-duplicates. Everything in it that came from outside
is data for people: readers encode it for where they show it.
"""

from typing import Literal

import msgspec

from tidegate.wire.policy_v1alpha1 import RuleV1

MAX_FINDINGS = 200
"""Findings listed per image, worst first; the counts are always whole."""

Action = Literal["allow", "audit", "deny"]


class FindingV1(msgspec.Struct, rename="camel", omit_defaults=True):
    """A finding as an event lists it."""

    id: str
    severity: str
    package: str
    """Package URL."""
    name: str
    version: str
    fixed_version: str = ""
    aliases: list[str] = []
    exempted_by: list[str] = []
    """For an exempted one: each exemption that did it, in words."""
    cleared_by: list[str] = []
    """For one that is not affected: each trusted VEX statement that says so, in words."""


class CountsV1(msgspec.Struct, rename="camel"):
    """Distinct vulnerabilities per severity after exemptions, not cumulative."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    unknown: int = 0


class ImageRowV1(msgspec.Struct, rename="camel", omit_defaults=True):
    """The verdict about one image."""

    image: str
    field_path: str
    action: Action
    reason: str
    """`PolicyEvaluation`, `MissingArtifact`, …: PRODUCT, "Admission Monitoring"."""
    message: str
    """The sentence that kubectl showed."""
    container: str = ""
    digest: str = ""
    platform: str = ""
    rule: str = ""
    rule_configuration: RuleV1 | None = None
    """The rule as it was."""
    violation: str = ""
    """`High CVE: 115, Critical CVE: 2`."""
    counts: CountsV1 = msgspec.field(default_factory=CountsV1)
    evidence: str = ""
    """`report`, `stale`, `missing` or `unavailable`."""
    scanned_at: str = ""
    """RFC 3339, UTC; of the report used."""
    evidence_source: str = ""
    """`feed` or `registry`; empty: nothing was known."""
    evidence_at: str = ""
    """RFC 3339, UTC; until then what was used was all there was: when the newest batch of the feed
    was issued, or the registry was read."""
    findings: list[FindingV1] = []
    findings_omitted: int = 0
    exempted: list[FindingV1] = []
    exempted_omitted: int = 0
    not_affected: list[FindingV1] = []
    """Findings that trusted VEX statements clear: they counted nowhere."""
    not_affected_omitted: int = 0
    unverifiable: list[str] = []
    resource_exemptions: list[str] = []
    """Rules that an exemption took this image out of, in words."""
    resolved: str = ""
    """What the reference resolved to where that is not `digest`: of an index, the index's own."""
    admitted_under: list[str] = []
    """Fingerprints of the rules that judged the image and did not deny it; empty where one did, or
    something let the image in all the same."""
    unanswered: bool = False
    """In a verdict about what runs: something that decides could not be found out, so this says
    nothing and the last verdict stands."""


class OwnerV1(msgspec.Struct, rename="camel", omit_defaults=True):
    """The owner reference of an object with `controller: true`, as its writer claims it."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""


class AdmissionEventV1(msgspec.Struct, rename="camel", omit_defaults=True):
    """A verdict as recorded."""

    id: str
    time: str
    """RFC 3339 with microseconds, UTC."""
    action: Action
    kind: str
    name: str
    """metadata.name, or generateName followed by `*`."""
    images: list[ImageRowV1]
    owner_uids: list[str] = []
    """Of those that control it, the direct one first, where the gate asked: for a pod that is
    denied while `reAdmission: Audit` is in force."""
    namespace: str = ""
    cluster: str = ""
    """Set by the hub from the sender's token, never from the body."""
    operation: str = ""
    subresource: str = ""
    user: str = ""
    top_owner: str = ""
    """`Kind/name`; empty for an object without one."""
    origin: Literal["api-server", "direct", "rejudged"] = "api-server"
    """`direct`: asked by `tidegate run`, not by an API server. `rejudged`: about a workload that
    runs already; nothing was admitted or refused."""
    object_uid: str = ""
    """metadata.uid of the object, which the API server gave it before it asked."""
    owner: OwnerV1 | None = None
    """Its direct controller."""
    generation: str = ""
    """The policy generation that decided."""
    duration_us: int = 0


def parse_event(line: bytes) -> AdmissionEventV1:
    """Return the event in one JSON line; raises msgspec.MsgspecError."""
    return _DECODER.decode(line)


def render_event(event: AdmissionEventV1) -> bytes:
    """Return `event` as one JSON line without the line end."""
    return _ENCODER.encode(event)


_DECODER = msgspec.json.Decoder(AdmissionEventV1)
_ENCODER = msgspec.json.Encoder()
