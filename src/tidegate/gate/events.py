"""Verdicts to admission events: one per review, a row per image.

Built after the answer went out. An event is bounded: a review with many images, findings and long
rules is cut where people lose least, first findings, then the copies of the rules.
"""

from datetime import UTC, datetime
from functools import lru_cache
from time import monotonic
from typing import Literal

import msgspec
from msgspec.structs import replace

from tidegate.domain.evidence import Missing, Report, Stale, Unavailable
from tidegate.domain.explain import describe_mark, sentence, violation_summary
from tidegate.domain.finding import Finding
from tidegate.domain.identity import ByIdentity
from tidegate.domain.rule import Exemption, Rule
from tidegate.domain.severity import Severity
from tidegate.domain.verdict import Decision, Exempted, ImageVerdict, RuleJudgement, Verdict
from tidegate.domain.workload import ControllerReference, Workload
from tidegate.gate.spool_rows import SharedEvent
from tidegate.wire.admission_v1 import AdmissionRequest
from tidegate.wire.admitted_v1 import OWNER_KINDS, rule_fingerprint
from tidegate.wire.event_v1 import (
    MAX_FINDINGS,
    Action,
    AdmissionEventV1,
    CountsV1,
    FindingV1,
    ImageRowV1,
    OwnerV1,
    render_event,
)
from tidegate.wire.policy_v1alpha1 import RuleV1, entry_of

MAX_EVENT_BYTES = 1024 * 1024
"""Largest event sent; hub and agent take batches of 16 MiB."""

MAX_UNVERIFIABLE = 20
"""Refused files named per image; the sentence has their number."""

MAX_SHARED_FINDINGS = 200
"""Of a report that judgements are about whose rows are kept for the next event: 256 rows."""

FEW_FINDINGS = 20
"""Findings per image that an event too large keeps."""

Origin = Literal["api-server", "direct", "rejudged"]

_NOT_JUDGED = ImageRowV1("", "", "allow", "", "")

ACTIONS: dict[Decision, Action] = {
    Decision.ALLOW: "allow",
    Decision.AUDIT: "audit",
    Decision.DENY: "deny",
}
"""The words of events and metrics for decisions."""


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When and by whom a review was asked for."""

    now: datetime
    """The instant that the decision was made by."""
    began_s: float
    """On the monotonic clock, like `ended_s`."""
    origin: Origin
    ended_s: float = 0.0

    def ended(self) -> "Moment":
        """Return the same, ended now."""
        return Moment(self.now, self.began_s, self.origin, monotonic())


def event_of(
    request: AdmissionRequest,
    workload: Workload,
    verdict: Verdict,
    asked: Moment,
) -> AdmissionEventV1:
    """Return `verdict` as recorded, whole: `render_fitted` makes it fit."""
    obj = request.object
    named = obj is not None and bool(obj.name)
    owns_pods = request.kind in OWNER_KINDS and asked.origin == "api-server" and verdict.allowed
    return AdmissionEventV1(
        id=request.uid,
        time=asked.now.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        action=ACTIONS[verdict.decision],
        kind=request.kind,
        name=workload.name if named else f"{workload.name}*",
        images=list(map(_owning_row if owns_pods else _row, verdict.images)),
        owner_uids=list(verdict.owner_uids),
        namespace=request.namespace,
        operation=request.operation,
        subresource=request.subresource,
        user=request.user,
        top_owner=_top_owner(request, workload),
        origin=asked.origin,
        object_uid=obj.uid if obj is not None else "",
        owner=_owner(obj.controller) if obj is not None else None,
        generation=verdict.generation,
        duration_us=max(0, round((asked.ended_s - asked.began_s) * 1e6)),
    )


def render_fitted(event: AdmissionEventV1) -> bytes:
    """Return `event` as one line of about `MAX_EVENT_BYTES` at most, cut where people lose least.

    `event` itself stays whole: its rows may be those of other events, too.
    """
    body = render_event(event)
    if len(body) > MAX_EVENT_BYTES:
        event = replace(event, images=[_with_few_findings(row) for row in event.images])
        body = render_event(event)
    if len(body) > MAX_EVENT_BYTES:
        event = replace(
            event, images=[replace(row, rule_configuration=None) for row in event.images]
        )
        body = render_event(event)
    return body


def render_shared(event: AdmissionEventV1) -> SharedEvent:
    """Return what `render_fitted` does, in parts: events of one workload have the same rows."""
    line, rows = render_event(replace(event, images=[])), tuple(map(_row_text, event.images))
    if not rows or len(line) + sum(map(len, rows)) + len(rows) > MAX_EVENT_BYTES:
        return SharedEvent(render_fitted(event))
    return SharedEvent(line, rows)


def _row_text(row: ImageRowV1) -> bytes:
    if len(row.findings) + len(row.exempted) + len(row.not_affected) > FEW_FINDINGS:
        return msgspec.json.encode(row)
    return _kept_text(ByIdentity(row))


@lru_cache(maxsize=512)
def _kept_text(key: ByIdentity[ImageRowV1]) -> bytes:
    return msgspec.json.encode(key.value)


def _with_few_findings(row: ImageRowV1) -> ImageRowV1:
    return replace(
        row,
        findings=row.findings[:FEW_FINDINGS],
        findings_omitted=row.findings_omitted + len(row.findings[FEW_FINDINGS:]),
        exempted=row.exempted[:FEW_FINDINGS],
        exempted_omitted=row.exempted_omitted + len(row.exempted[FEW_FINDINGS:]),
        not_affected=row.not_affected[:FEW_FINDINGS],
        not_affected_omitted=row.not_affected_omitted + len(row.not_affected[FEW_FINDINGS:]),
    )


def _row(image: ImageVerdict) -> ImageRowV1:
    """Return what a row says about `image`; not to be changed, other events share it."""
    return _kept_row(ByIdentity(image))


@lru_cache(maxsize=1024)
def _kept_row(key: ByIdentity[ImageVerdict]) -> ImageRowV1:
    image = key.value
    judgement, origin = image.judgement, image.origin
    digest = (judgement and judgement.digest) or image.digest or ""
    return replace(
        _NOT_JUDGED if judgement is None else _judged_row(judgement),
        image=image.image,
        field_path=image.use.field_path,
        action=ACTIONS[image.decision],
        reason=image.reason.value,
        message=sentence(image),
        container=image.use.container,
        digest=digest,
        resolved="" if image.digest is None or image.digest == digest else image.digest,
        evidence_source="" if origin is None else origin.source.value,
        evidence_at="" if origin is None else _instant(origin.at),
        resource_exemptions=[
            f'rule "{skipped.rule.name}": {_exemption_words(skipped.exemption)}'
            for skipped in image.skipped
        ],
    )


def _owning_row(image: ImageVerdict) -> ImageRowV1:
    """Return the row of a workload that was admitted and has pods made for it; as `_row`."""
    return _kept_owning_row(ByIdentity(image))


@lru_cache(maxsize=512)
def _kept_owning_row(key: ByIdentity[ImageVerdict]) -> ImageRowV1:
    return replace(_row(key.value), admitted_under=_admitted_under(key.value))


def _admitted_under(image: ImageVerdict) -> list[str]:
    """Return what a workload admitted with `image` goes by should it turn bad one day."""
    if any(judgement.decision is Decision.DENY for judgement in image.judgements):
        return []
    return sorted({fingerprint(judgement.rule) for judgement in image.judgements})


def fingerprint(rule: Rule) -> str:
    """Return `admitted_v1.rule_fingerprint` of a rule in force; they are few."""
    return _shared_fingerprint(ByIdentity(rule))


@lru_cache(maxsize=1024)
def _shared_fingerprint(key: ByIdentity[Rule]) -> str:
    return rule_fingerprint(key.value)


def _judged_row(judgement: RuleJudgement) -> ImageRowV1:
    """Return what a row says about `judgement`; not to be changed, other rows share it."""
    match judgement.evidence:
        case Report(findings=held) | Stale(report=Report(findings=held)):
            few = len(held) <= MAX_SHARED_FINDINGS
        case _:
            few = True
    return _shared_row(ByIdentity(judgement)) if few else _row_of(judgement)


@lru_cache(maxsize=256)
def _shared_row(key: ByIdentity[RuleJudgement]) -> ImageRowV1:
    return _row_of(key.value)


def _row_of(judgement: RuleJudgement) -> ImageRowV1:
    row = replace(_NOT_JUDGED)
    counts = judgement.counts
    row.platform = judgement.platform
    row.rule = judgement.rule.name
    row.rule_configuration = _configuration(judgement.rule)
    row.violation = violation_summary(judgement)
    row.counts = CountsV1(*(counts.of(severity) for severity in reversed(Severity)))
    match judgement.evidence:
        case Report() as report:
            row.evidence, row.scanned_at = "report", _instant(report.scanned_at)
        case Stale(report=report):
            row.evidence, row.scanned_at = "stale", _instant(report.scanned_at)
        case Missing(unverifiable=refused):
            row.evidence, row.unverifiable = "missing", list(refused[:MAX_UNVERIFIABLE])
        case Unavailable():
            row.evidence = "unavailable"
    findings, exempted = judgement.counted, judgement.exempted
    row.findings = [_finding(finding) for finding in findings[:MAX_FINDINGS]]
    row.findings_omitted = max(0, len(findings) - MAX_FINDINGS)
    row.exempted = [_exempted(entry) for entry in exempted[:MAX_FINDINGS]]
    row.exempted_omitted = max(0, len(exempted) - MAX_FINDINGS)
    cleared = judgement.not_affected
    row.not_affected = [_cleared(finding) for finding in cleared[:MAX_FINDINGS]]
    row.not_affected_omitted = max(0, len(cleared) - MAX_FINDINGS)
    return row


@lru_cache(maxsize=32)
def _shared_configuration(key: ByIdentity[Rule]) -> RuleV1:
    return entry_of(key.value)


def _configuration(rule: Rule) -> RuleV1:
    """Return `rule` as events carry it; rules in force are few and asked for again and again."""
    return _shared_configuration(ByIdentity(rule))


def _finding(finding: Finding, exempted_by: tuple[str, ...] = ()) -> FindingV1:
    return FindingV1(
        id=finding.vulnerability_id,
        severity=finding.severity.word,
        package=finding.package,
        name=finding.package_name,
        version=finding.version,
        fixed_version=finding.fixed_version,
        aliases=sorted(finding.aliases),
        exempted_by=list(exempted_by),
    )


def _exempted(entry: Exempted) -> FindingV1:
    return _finding(entry.finding, tuple(map(_exemption_words, entry.exemptions)))


def _cleared(finding: Finding) -> FindingV1:
    made = _finding(finding)
    made.cleared_by = list(map(describe_mark, finding.not_affected))
    return made


def _exemption_words(exemption: Exemption) -> str:
    what = getattr(exemption, "vulnerability_id", "") or (
        f"{getattr(exemption, 'matcher', '')} {getattr(exemption, 'value', '')}"
    )
    until = "" if exemption.expires_at is None else f", until {_instant(exemption.expires_at)}"
    because = f": {exemption.reason}" if exemption.reason else ""
    return f"{what}{until}{because}"


def _top_owner(request: AdmissionRequest, workload: Workload) -> str:
    """Return the top-most controller; where nobody asked the cluster, the claimed direct one."""
    if isinstance(workload.owners, tuple) and workload.owners:
        top = workload.owners[-1]
        return f"{top.kind}/{top.name}"
    claimed = request.object.controller if request.object else None
    return f"{claimed.kind}/{claimed.name}" if claimed else ""


def _owner(controller: ControllerReference | None) -> OwnerV1 | None:
    if controller is None:
        return None
    return OwnerV1(
        api_version=controller.api_version,
        kind=controller.kind,
        name=controller.name,
        uid=controller.uid,
    )


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
