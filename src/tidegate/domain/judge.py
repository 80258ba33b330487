"""One rule against what is known about one platform of an image.

Violations come in the order in which sentences name them: forbidden, counts, incomplete or
missing, stale, unavailable.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from tidegate.domain.evidence import (
    Missing,
    MissingReason,
    PlatformEvidence,
    Report,
    Stale,
    Unavailable,
    judge_age,
)
from tidegate.domain.finding import Finding, is_cve
from tidegate.domain.rule import Conditions, Disposition, Thresholds, VulnerabilityExemption
from tidegate.domain.scope import CompiledRule
from tidegate.domain.severity import RATED, Severity
from tidegate.domain.tally import Counts, Unit, count
from tidegate.domain.text import describe_duration
from tidegate.domain.verdict import (
    CountExceeded,
    EvidenceViolation,
    Exempted,
    ForbiddenPresent,
    Reason,
    RuleJudgement,
    Violation,
)

_CHECKED = (*RATED, Severity.UNKNOWN)


Judge = Callable[[CompiledRule, str, PlatformEvidence, datetime], RuleJudgement]
"""What `judge_evidence` does, or what remembers it."""


def judge_evidence(
    compiled: CompiledRule, registry: str, platform: PlatformEvidence, now: datetime
) -> RuleJudgement:
    """Return what the rule says about one platform; `registry` is the image's normalised host."""
    rule = compiled.rule
    conditions = rule.conditions
    evidence = judge_age(platform.evidence, conditions.max_age, now)
    accepts_missing = (
        not conditions.block_unscanned or registry in conditions.unsupported_registries
    )
    match evidence:
        case Missing():
            reason = (
                Reason.UNVERIFIABLE_ARTIFACT
                if evidence.reason is MissingReason.UNVERIFIABLE
                else Reason.MISSING_ARTIFACT
            )
            violations: tuple[Violation, ...] = ()
            if not accepts_missing:
                violations = (EvidenceViolation(evidence, reason, evidence.detail),)
            return RuleJudgement(rule, violations, evidence, platform.platform, platform.digest)
        case Unavailable():
            violations = ()
            if conditions.on_unavailable is Disposition.VIOLATE or not evidence.ignorable:
                violations = (EvidenceViolation(evidence, Reason.UNAVAILABLE, evidence.detail),)
            return RuleJudgement(rule, violations, evidence, platform.platform, platform.digest)
        case Report():
            return _judge_report(compiled, evidence, None, platform, now, accepts_missing)
        case Stale():
            return _judge_report(
                compiled, evidence.report, evidence, platform, now, accepts_missing
            )


def changes_at(compiled: CompiledRule, report: Report, now: datetime) -> datetime | None:
    """Return the first instant after `now` at which time alone may judge `report` otherwise.

    Reports grow old and exemptions end. None: it changes all the time, for its age is told.
    """
    max_age = compiled.rule.conditions.max_age
    if now - report.scanned_at > max_age:
        return None
    ends = [
        exemption.expires_at
        for identifier, exemptions in compiled.vulnerability_exemptions.items()
        if identifier in report.ids
        for exemption in exemptions
        if exemption.expires_at is not None and exemption.holds(now)
    ]
    try:
        # Old is what is older than that, so at that very instant it is not.
        ends.append(report.scanned_at + max_age + timedelta.resolution)
    except OverflowError:
        ends.append(datetime.max.replace(tzinfo=UTC))
    return min(ends)


def _judge_report(
    compiled: CompiledRule,
    report: Report,
    stale: Stale | None,
    platform: PlatformEvidence,
    now: datetime,
    accepts_missing: bool,  # noqa: FBT001
) -> RuleJudgement:
    rule = compiled.rule
    remaining, exempted = partition(compiled, report, now)
    counts = count(remaining) if exempted else report.counts
    violations = [
        *_forbidden(rule.conditions, report),
        *_exceeded(rule.conditions.thresholds, counts),
    ]
    if not accepts_missing and not report.coverage.complete:
        gaps = "; ".join(report.coverage.gaps)
        violations.append(EvidenceViolation(report, Reason.INCOMPLETE_REPORT, gaps))
    if stale is not None and rule.conditions.on_stale is Disposition.VIOLATE:
        limit = describe_duration(rule.conditions.max_age)
        detail = f"{describe_duration(stale.age)} old, allowed: {limit}"
        violations.append(EvidenceViolation(stale, Reason.STALE_ARTIFACT, detail))
    return RuleJudgement(
        rule=rule,
        violations=tuple(violations),
        evidence=report if stale is None else stale,
        platform=platform.platform,
        digest=platform.digest,
        counts=counts,
        remaining=remaining,
        exempted=exempted,
    )


def partition(
    compiled: CompiledRule, report: Report, now: datetime
) -> tuple[tuple[Unit, ...], tuple[Exempted, ...]]:
    """Return what is left of the report, and what is exempted with every exemption that did it."""
    holding = {
        identifier: tuple(e for e in exemptions if e.holds(now))
        for identifier, exemptions in compiled.vulnerability_exemptions.items()
        if identifier in report.ids
    }
    if not any(holding.values()):
        return report.units, ()
    remaining: list[Unit] = []
    exempted: list[Exempted] = []
    for finding, identifier in report.units:
        exemptions = tuple(_exemptions_of(finding, identifier, holding))
        if exemptions:
            exempted.append(Exempted(finding, identifier, exemptions))
        else:
            remaining.append((finding, identifier))
    return tuple(remaining), tuple(exempted)


def _exemptions_of(
    finding: Finding, identifier: str, holding: dict[str, tuple[VulnerabilityExemption, ...]]
) -> Iterable[VulnerabilityExemption]:
    """Yield the exemptions of one vulnerability of a finding.

    A record that names several CVEs counts as several: exempting one leaves the others.
    """
    for name in sorted(finding.ids & holding.keys()):
        if name == identifier or not is_cve(name):
            yield from holding[name]


def _forbidden(conditions: Conditions, report: Report) -> Iterable[Violation]:
    present = conditions.forbidden_ids & report.ids
    if present:
        yield ForbiddenPresent(tuple(sorted(present)))


def _exceeded(thresholds: Thresholds, counts: Counts) -> Iterable[Violation]:
    """Yield the first threshold exceeded, from critical down; unknown last."""
    for severity in _CHECKED:
        allowed = thresholds.limit(severity)
        if allowed is not None and (number := counts.at_least(severity)) > allowed:
            yield CountExceeded(severity, number, allowed)
            return
