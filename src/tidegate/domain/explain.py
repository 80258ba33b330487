"""A verdict in words: the same in kubectl, portal, CLI, events and CI.

A sentence about an image says what is wrong, with counts that are never cut, and what to do next.
Everything that came from outside is stripped of control characters.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from tidegate.domain.evidence import Missing, MissingReason, Report, Stale, Unavailable
from tidegate.domain.finding import Finding, VexMark, VexStatus
from tidegate.domain.identity import ByIdentity
from tidegate.domain.severity import RATED, Severity
from tidegate.domain.text import (
    describe_duration,
    describe_instant,
    printable,
    shorten_middle,
)
from tidegate.domain.verdict import (
    CountExceeded,
    Decision,
    EvidenceViolation,
    ForbiddenPresent,
    ImageVerdict,
    Reason,
    RuleJudgement,
    ScanAnswer,
    ScanState,
    Verdict,
)

MAX_WARNING_CHARS = 256
"""Longer warnings are cut by the API server once all together pass 4,096 characters
(apiserver, endpoints/filters/warning.go)."""

MAX_WARNINGS = 15
"""Warnings about images; with the closing one they stay under 4,096 characters."""

MAX_DENIED_SHOWN = 8
"""Images spelled out in a denial; the event has all."""

MAX_KEPT = 256
"""Words about images that are kept: a gate asks for those of the same verdict again."""

WORST_SHOWN = 3
"""Findings named beside a sentence."""


def sentence(image: ImageVerdict) -> str:
    """Return one line about `image`: what is wrong with it, or that nothing is."""
    told = f"{_describe_tag(image)}{_describe_let_in(image)}"
    return f"{_subject(image)}: {_statement(image)}{told}"


def denial_message(verdict: Verdict, event_id: str) -> str:
    """Return what kubectl shows for a denied workload; `event_id` is empty on a dry run."""
    denied = [i for i in verdict.images if i.decision is Decision.DENY]
    shown = [_denied_image(image) for image in denied[:MAX_DENIED_SHOWN]]
    if len(denied) > MAX_DENIED_SHOWN:
        shown.append(f"and {len(denied) - MAX_DENIED_SHOWN} more images")
    if event_id:
        shown.append(f"  all findings: tidegate explain {printable(event_id)}")
    return "\n".join(shown)


def warnings(verdict: Verdict) -> tuple[str, ...]:
    """Return a short line for each audited image, worst first, as kubectl's warnings."""
    audited = sorted(
        (i for i in verdict.images if i.decision is Decision.AUDIT), key=_badness, reverse=True
    )
    lines = tuple(_warning(image) for image in audited[:MAX_WARNINGS])
    more = len(audited) - len(lines)
    return (*lines, f"and {more} more images") if more else lines


def violation_summary(judgement: RuleJudgement | None) -> str:
    """Return the violation in a few words: `High CVE: 115, Critical CVE: 2`."""
    if judgement is None or not judgement.violations:
        return ""
    match judgement.violations[0]:
        case CountExceeded(severity=Severity.UNKNOWN, count=number):
            return f"Unknown CVE: {number}"
        case CountExceeded(severity=exceeded):
            present = [
                f"{s.word.capitalize()} CVE: {judgement.counts.of(s)}"
                for s in reversed(RATED)
                if s >= exceeded and judgement.counts.of(s)
            ]
            return ", ".join(present)
        case ForbiddenPresent(ids=ids):
            return f"Forbidden CVE: {_listed(ids)}"
        case EvidenceViolation(reason=reason):
            return _SUMMARIES[reason]


def describe_finding(finding: Finding) -> str:
    """Return a finding in a few words: `CVE-2022-42004 high, jackson-databind 2.9.5 → 2.12.7.1`."""
    fix = f" → {finding.fixed_version}" if finding.fixed_version else ", no fix known"
    identifier = finding.canonical_ids[0]
    return printable(
        f"{identifier} {finding.severity.word}, {finding.package_name} {finding.version}{fix}"
    )


def describe_mark(mark: VexMark) -> str:
    """Return a VEX statement in words: `component_not_present, says Example Inc (vendor)`."""
    status = "" if mark.status is VexStatus.NOT_AFFECTED else f"{mark.status.value}: "
    who = f"{mark.author} ({mark.source})" if mark.author else mark.source
    when = f", {mark.said_at.date().isoformat()}" if mark.said_at is not None else ""
    detail = f": {shorten_middle(mark.detail, 200)}" if mark.detail else ""
    return printable(f"{status}{mark.justification}, says {who}{when}{detail}")


def describe_unknown(unknown_count: int) -> str:
    """Return the ending of every sentence about an image with vulnerabilities of no severity."""
    return f"; +{unknown_count} of unknown severity" if unknown_count else ""


def _describe_let_in(image: ImageVerdict) -> str:
    """Return by what an image was let in that a rule denies."""
    if image.let_in_until is None:
        return ""
    until = _minute(image.let_in_until)
    if image.admitted_at is not None:
        return (
            f"; its workload was admitted with it at {_minute(image.admitted_at)}, so that its own "
            f"pods may come back until {until}"
        )
    return f"; let in until {until} by break-glass {printable(image.let_in_by)}"


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="minutes").replace("+00:00", "Z")


def _describe_age(judgement: RuleJudgement) -> str:
    """Return how old findings are that the rule judges although they are stale."""
    told = any(v.reason is Reason.STALE_ARTIFACT for v in judgement.violations[:1])
    if judgement.age is None or told:
        return ""
    return f"; findings are {describe_duration(judgement.age)} old"


def _describe_tag(image: ImageVerdict) -> str:
    """Return which digest a tag had and when, where that was not asked for this verdict."""
    if image.tag_asked_at is None or image.digest is None:
        return ""
    return f"; the tag named {image.digest} at {describe_instant(image.tag_asked_at)}"


_SUMMARIES = {
    Reason.MISSING_ARTIFACT: "No findings artifact",
    Reason.UNVERIFIABLE_ARTIFACT: "No verifiable findings artifact",
    Reason.INCOMPLETE_REPORT: "Incomplete report",
    Reason.STALE_ARTIFACT: "Stale report",
    Reason.UNAVAILABLE: "Findings unavailable",
}


def _subject(image: ImageVerdict) -> str:
    platform = image.judgement.platform if image.judgement else ""
    return printable(f"{image.image} ({platform})" if platform else image.image)


def _statement(image: ImageVerdict) -> str:
    if image.reason is Reason.GATING_OFF:
        return "Security gating is off here, so the image was not judged"
    judgement = image.judgement
    if judgement is None:
        if image.deferred:
            return "A rule asks for the pod's name, so the pods are judged when they are made"
        return "No rule judges this image"
    unknown = _describe_age(judgement) + describe_unknown(judgement.counts.unknown)
    if not judgement.violations:
        return f"{_accepted_statement(judgement)}{unknown}"
    match judgement.violations[0]:
        case CountExceeded(severity=Severity.UNKNOWN, count=number, allowed=allowed):
            return (
                f"Image contains {number} CVEs of unknown severity, which is more than the "
                f"allowed count of: {allowed}{_describe_age(judgement)}"
            )
        case CountExceeded(severity=severity, count=number, allowed=allowed):
            level = severity.word + ("" if severity is Severity.CRITICAL else " or higher")
            return (
                f"Image contains {number} {level} CVEs, which is more than the allowed count "
                f"of: {allowed}{unknown}"
            )
        case ForbiddenPresent(ids=ids):
            return f"Image contains forbidden CVEs: {_listed(ids)}{unknown}"
        case EvidenceViolation() as violation:
            return _evidence_statement(violation, image) + unknown


def _accepted_statement(judgement: RuleJudgement) -> str:
    """Return why there is no violation: met by findings, or by what the rule lets pass."""
    match judgement.evidence:
        case Missing(reason=reason):
            return f"Image is not known to be safe ({reason.value}), and the rule lets that pass"
        case Unavailable(reason=reason):
            return f"Findings could not be read ({reason.value}), and the rule lets that pass"
        case (Report() as report) | Stale(report=report) if not report.coverage.complete:
            gaps = printable("; ".join(report.coverage.gaps))
            return f"Image meets the rule as far as it was judged (not judged: {gaps})"
        case _:
            return "Image meets the rule"


def _evidence_statement(violation: EvidenceViolation, image: ImageVerdict) -> str:
    detail = printable(violation.detail)
    scan = _what_to_do(image)
    match violation.reason:
        case Reason.INCOMPLETE_REPORT:
            return (
                f"Image was scanned, but not completely ({detail}), so what was not judged counts "
                "as unscanned; import advisories for it or ask for an exemption"
            )
        case Reason.STALE_ARTIFACT:
            return f"Findings of the image are too old ({detail}); {scan}"
        case _:
            pass
    match violation.evidence:
        case Missing(reason=MissingReason.NOT_CONFIGURED):
            return (
                "Image has no findings: its registry is not configured here; use a configured "
                "registry, or ask your security team to add this one"
            )
        case Missing(reason=MissingReason.NO_IMAGE):
            return f"Image was not found in its registry ({detail}); push it, or correct its name"
        case Missing(reason=MissingReason.UNVERIFIABLE, unverifiable=refused):
            first = f" ({printable(refused[0])})" if refused else ""
            return f"Image has no findings that verify; refused: {len(refused)}{first}; {scan}"
        case Missing():
            because = f" ({detail})" if detail else ""
            return f"Image has not been scanned: no findings artifact is attached{because}; {scan}"
        case Unavailable(reason=reason):
            because = f": {detail}" if detail else ""
            return (
                f"Findings of the image could not be read ({reason.value}{because}); try again, "
                "and if it stays so, tell who runs the gate"
            )
        case _:
            return f"Image is in violation: {detail}"


def _what_to_do(image: ImageVerdict) -> str:
    """Return how to get an image scanned; a scan is called queued only where it is."""
    by_hand = f"scan it with: tidegate scan {printable(image.image)} --attach"
    match image.scan:
        case ScanAnswer(state=ScanState.QUEUED):
            again = ": try again in a minute" if image.decision is Decision.DENY else ""
            return f"a scan is queued{again}"
        case ScanAnswer(state=ScanState.SCANNED):
            return "it was scanned a moment ago: try again"
        case ScanAnswer(detail=why):
            return f"no scan was queued ({printable(why)}); {by_hand}"
        case None:
            return by_hand


def _denied_image(image: ImageVerdict) -> str:
    return _kept_denial(ByIdentity(image))


@lru_cache(maxsize=MAX_KEPT)
def _kept_denial(key: ByIdentity[ImageVerdict]) -> str:
    image = key.value
    lines = [sentence(image)]
    if image.judgement is not None:
        lines.append(f'  rule: "{printable(image.judgement.rule.name)}" (deny)')
        worst = worst_findings(image.judgement)
        if worst:
            lines.append(f"  {worst}")
    return "\n".join(lines)


def worst_findings(judgement: RuleJudgement) -> str:
    """Return the worst vulnerabilities that counted and how many more did; empty for none."""
    if not any(isinstance(v, CountExceeded | ForbiddenPresent) for v in judgement.violations):
        return ""
    distinct: dict[str, Finding] = {}
    for finding in judgement.counted:
        distinct.setdefault(finding.canonical_ids[0], finding)
    shown = list(distinct.values())[:WORST_SHOWN]
    more = len(distinct) - len(shown)
    described = "; ".join(map(describe_finding, shown))
    return f"{described}; +{more} more" if more else described


def _warning(image: ImageVerdict) -> str:
    return _kept_warning(ByIdentity(image))


@lru_cache(maxsize=MAX_KEPT)
def _kept_warning(key: ByIdentity[ImageVerdict]) -> str:
    image = key.value
    rule = printable(image.judgement.rule.name) if image.judgement else ""
    subject, statement = _subject(image), _statement(image)
    ending = f'; rule "{shorten_middle(rule, 80)}" (audit)'
    if image.admitted_at is not None and image.let_in_until is not None:
        until = image.let_in_until.date().isoformat()
        ending = f'; rule "{shorten_middle(rule, 40)}" (deny), own pods come back until {until}'
    elif image.let_in_until is not None:
        by = printable(image.let_in_by.partition(":")[0])
        ending = f'; rule "{shorten_middle(rule, 40)}" (deny), break-glass {shorten_middle(by, 40)}'
    room = MAX_WARNING_CHARS - len(": ") - len(ending)
    # The reference gives way first: a statement with counts has at most 130 characters and
    # always fits beside the shortest reference and rule name left here.
    subject = shorten_middle(subject, max(24, room - len(statement)))
    statement = shorten_middle(statement, room - len(subject))
    return f"{subject}: {statement}{ending}"


def _badness(image: ImageVerdict) -> tuple[int, ...]:
    if image.judgement is None:
        return (0,)
    return tuple(image.judgement.counts.of(severity) for severity in RATED)


def _listed(ids: Sequence[str]) -> str:
    shown = ", ".join(map(printable, ids[:WORST_SHOWN]))
    more = len(ids) - WORST_SHOWN
    return f"{shown}, +{more} more" if more > 0 else shown
