"""The decision about one workload, with everything that led to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from tidegate.domain.digest import Digest
from tidegate.domain.evidence import Evidence, EvidenceOrigin, Report, Stale
from tidegate.domain.finding import Finding
from tidegate.domain.rule import Action, Exemption, ResourceExemption, Rule
from tidegate.domain.severity import RATED, Severity
from tidegate.domain.tally import NO_COUNTS, Counts, Unit
from tidegate.domain.workload import ImageUse


class Decision(IntEnum):
    """What the gate answers; the strictest of several is the largest."""

    ALLOW = 0
    AUDIT = 1
    DENY = 2

    @property
    def word(self) -> str:
        """`allow`, `audit` or `deny`."""
        return self.name.lower()


class Reason(StrEnum):
    """Why, in one word; admission events carry it."""

    POLICY_EVALUATION = "PolicyEvaluation"
    FORBIDDEN_CVE = "ForbiddenCve"
    MISSING_ARTIFACT = "MissingArtifact"
    UNVERIFIABLE_ARTIFACT = "UnverifiableArtifact"
    INCOMPLETE_REPORT = "IncompleteReport"
    STALE_ARTIFACT = "StaleArtifact"
    UNAVAILABLE = "Unavailable"
    RESOURCE_EXEMPTED = "ResourceExempted"
    GATING_OFF = "GatingOff"
    BREAK_GLASS = "BreakGlass"
    RE_ADMITTED = "ReAdmitted"


@dataclass(frozen=True, slots=True)
class ForbiddenPresent:
    """Forbidden vulnerabilities are in the image."""

    ids: tuple[str, ...]
    reason = Reason.FORBIDDEN_CVE


@dataclass(frozen=True, slots=True)
class CountExceeded:
    """More vulnerabilities of a severity or higher than allowed."""

    severity: Severity
    count: int
    allowed: int
    reason = Reason.POLICY_EVALUATION


@dataclass(frozen=True, slots=True)
class EvidenceViolation:
    """The state of the evidence itself is a violation."""

    evidence: Evidence
    reason: Reason
    detail: str = ""
    """The gap, age or cause, for people."""


Violation = ForbiddenPresent | CountExceeded | EvidenceViolation


@dataclass(frozen=True, slots=True)
class Exempted:
    """A finding that did not count, with the exemptions that did it."""

    finding: Finding
    vulnerability_id: str
    exemptions: tuple[Exemption, ...]


@dataclass(frozen=True, slots=True)
class RuleJudgement:
    """One rule applied to one platform of one image."""

    rule: Rule
    violations: tuple[Violation, ...]
    """In the order in which sentences name them; empty: the rule is met."""
    evidence: Evidence
    platform: str = ""
    digest: Digest | None = None
    counts: Counts = NO_COUNTS
    """Of what is left after exemptions."""
    remaining: tuple[Unit, ...] = ()
    """What is left after exemptions."""
    exempted: tuple[Exempted, ...] = ()

    @property
    def decision(self) -> Decision:
        """What this rule alone would answer."""
        if not self.violations:
            return Decision.ALLOW
        return Decision.DENY if self.rule.action is Action.DENY else Decision.AUDIT

    @property
    def counted(self) -> tuple[Finding, ...]:
        """Findings that the rule forbids, then those it limits, worst first."""
        forbidden = self.rule.conditions.forbidden_ids
        chosen = {id(f): f for f in self._findings if f.ids & forbidden or self._limits(f)}
        return tuple(
            sorted(
                chosen.values(),
                key=lambda f: (
                    not f.ids & forbidden,
                    -f.severity,
                    f.canonical_ids,
                    f.package,
                    f.version,
                ),
            )
        )

    @property
    def below(self) -> tuple[Finding, ...]:
        """Findings that neither count nor are exempted: of a severity the rule does not limit."""
        forbidden = self.rule.conditions.forbidden_ids
        chosen = {
            id(f): f for f, _ in self.remaining if not f.ids & forbidden and not self._limits(f)
        }
        return tuple(chosen.values())

    @property
    def not_affected(self) -> tuple[Finding, ...]:
        """Findings that trusted VEX statements clear; what is forbidden stays so all the same."""
        match self.evidence:
            case Report() as report:
                pass
            case Stale(report=report):
                pass
            case _:
                return ()
        return tuple(f for f in report.findings if f.not_affected)

    @property
    def _findings(self) -> Iterator[Finding]:
        """What is left, and what is forbidden although an exemption or a statement names it."""
        forbidden = self.rule.conditions.forbidden_ids
        yield from (f for f, _ in self.remaining)
        yield from (e.finding for e in self.exempted if e.finding.ids & forbidden)
        yield from (f for f in self.not_affected if f.ids & forbidden)

    def _limits(self, finding: Finding) -> bool:
        limits = self.rule.conditions.thresholds
        if finding.severity is Severity.UNKNOWN:
            return limits.unknown is not None
        return any(limits.limit(s) is not None for s in RATED if s <= finding.severity)

    @property
    def age(self) -> timedelta | None:
        """Age of a stale report that was judged all the same."""
        return getattr(self.evidence, "age", None)


@dataclass(frozen=True, slots=True)
class SkippedRule:
    """A rule that an exemption took this image out of."""

    rule: Rule
    exemption: ResourceExemption


class ScanState(StrEnum):
    """What became of a scan that was asked for when the image was first seen."""

    QUEUED = "queued"
    SCANNED = "scanned"
    """A moment ago: its report is found at the next try."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ScanAnswer:
    """What those who scan said when they were asked for a scan."""

    state: ScanState
    detail: str = ""
    """Why none was queued."""


@dataclass(frozen=True, slots=True)
class ImageVerdict:
    """The decision about one image of a workload."""

    use: ImageUse
    image: str
    """The reference, normalised where it parses."""
    decision: Decision
    reason: Reason
    judgement: RuleJudgement | None = None
    """The one that decided; None where no rule judged."""
    digest: Digest | None = None
    """Of the image as its reference resolves: of an index, the index's own."""
    skipped: tuple[SkippedRule, ...] = ()
    deferred: bool = False
    """A rule asks for the pod's name, which only the pods have: they are judged instead."""
    tag_asked_at: datetime | None = None
    """When the tag named `digest`, where an answer was used that is not of now."""
    scan: ScanAnswer | None = None
    """For an image without a report; None: nobody was asked, or nobody answered in time."""
    judgements: tuple[RuleJudgement, ...] = ()
    """By every rule that judged it, on every platform; `judgement` is one of them."""
    let_in_by: str = ""
    """The break-glass object that let in what the judgement denies, with its reason."""
    let_in_until: datetime | None = None
    """When that ends, or when a workload's own pods come back no longer."""
    admitted_at: datetime | None = None
    """Of a pod that came back: when its owner was admitted with this image."""
    origin: EvidenceOrigin | None = field(default=None, compare=False)
    """Where the evidence that decided comes from, and how old it may be; it decided nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about a workload: the strictest of its images'."""

    images: tuple[ImageVerdict, ...]
    generation: str = ""
    owner_uids: tuple[str, ...] = ()
    """Of those that control the pod, the direct one first, where that was asked of the cluster."""

    @property
    def decision(self) -> Decision:
        """The strictest decision of all images; ALLOW where there are none."""
        return max((image.decision for image in self.images), default=Decision.ALLOW)

    @property
    def allowed(self) -> bool:
        """Whether the object may be admitted."""
        return self.decision is not Decision.DENY
