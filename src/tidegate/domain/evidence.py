"""What is known about a subject when deciding.

Three facts are three types: a verified report (with what it covered), no report, and "could not
find out". A fourth, `Stale`, is a report seen through one rule's maximum age. An empty list of
findings alone never means clean: `Coverage` says what was judged at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tidegate.domain.digest import Digest
from tidegate.domain.finding import Finding
from tidegate.domain.tally import Counts, Unit, count, units_of


@dataclass(frozen=True, slots=True)
class EcosystemCoverage:
    """How the packages of one ecosystem were judged."""

    ecosystem: str
    """As OSV names it: `Debian:12`, `PyPI`, `npm`, `Maven`."""
    package_count: int
    source: str = ""
    """The advisory source; empty where there was none for this ecosystem."""
    source_updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a scan judged and what it did not."""

    ecosystems: tuple[EcosystemCoverage, ...]
    not_understood: tuple[str, ...] = ()
    """A sentence for each kind of content that was seen and not judged: packages without a package
    URL, versions that cannot be compared, archives known only by hash."""

    @property
    def package_count(self) -> int:
        """Packages recognised."""
        return sum(e.package_count for e in self.ecosystems)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Why this scan is incomplete, a sentence each; empty for a complete one."""
        none = () if self.package_count else ("no package was recognised",)
        unsourced = tuple(
            f"{e.package_count} {e.ecosystem} packages without an advisory source"
            for e in self.ecosystems
            if e.package_count and not e.source
        )
        return none + unsourced + self.not_understood

    @property
    def complete(self) -> bool:
        """Whether nothing that was seen went unjudged, and something was seen."""
        return not self.gaps


@dataclass(frozen=True, slots=True)
class ReportSource:
    """Where a report comes from: what the gate remembers to refuse an older one later."""

    scanner: str
    signer: str
    """Name of the evidence key that made the signature."""
    scanned_at: datetime
    """Signed end of the scan, UTC."""
    artifact: Digest | None = None
    """Digest of the findings artifact in the registry."""


@dataclass(frozen=True, slots=True)
class Report:
    """Verified findings for one subject, possibly joined from several scanners."""

    subject: Digest
    findings: tuple[Finding, ...]
    coverage: Coverage
    sources: tuple[ReportSource, ...]
    units: tuple[Unit, ...] = field(init=False, compare=False, repr=False)
    """Every finding under each of its canonical ids."""
    counts: Counts = field(init=False, compare=False, repr=False)
    """Of all findings, before exemptions; made once, so that a decision need not count again."""
    ids: frozenset[str] = field(init=False, compare=False, repr=False)
    """Every id and alias of every finding."""

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("a report has at least one source; without one it is Missing")
        object.__setattr__(self, "units", units_of(self.findings))
        object.__setattr__(self, "counts", count(self.units))
        ids = frozenset(i for finding in self.findings for i in finding.ids)
        object.__setattr__(self, "ids", ids)

    @property
    def scanned_at(self) -> datetime:
        """The newest scan time of all sources, UTC."""
        return max(source.scanned_at for source in self.sources)


@dataclass(frozen=True, slots=True)
class Stale:
    """A verified report older than the rule at hand accepts."""

    report: Report
    age: timedelta


class MissingReason(StrEnum):
    """Why there is no verified report."""

    NO_REPORT = "no findings artifact is attached"
    UNVERIFIABLE = "findings artifacts are attached, but none verifies"
    NO_IMAGE = "there is no such image in its registry"
    NOT_CONFIGURED = "registry not configured"


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no verified report, and that is certain."""

    reason: MissingReason
    detail: str = ""
    unverifiable: tuple[str, ...] = ()
    """Each attached file that was refused, with why."""


class UnavailableReason(StrEnum):
    """Why it could not be found out."""

    REGISTRY = "the registry did not answer"
    RATE_LIMITED = "the registry refused for now (429)"
    DEADLINE = "no answer within the time for a decision"
    LIMITS = "limits exceeded"
    UNREADABLE = "a newer report is known but cannot be read"
    CLUSTER = "the cluster did not say what the rule asks"
    INVALID_REFERENCE = "the image reference cannot be read"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """It could not be found out whether there is a report."""

    reason: UnavailableReason
    detail: str = ""

    @property
    def ignorable(self) -> bool:
        """Whether a rule may ignore it: what a pusher or a writer can cause, none may."""
        return self.reason not in (UnavailableReason.LIMITS, UnavailableReason.INVALID_REFERENCE)


Evidence = Report | Stale | Missing | Unavailable


class EvidenceSource(StrEnum):
    """Where what is known was learnt."""

    FEED = "feed"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class EvidenceOrigin:
    """Where evidence comes from and when that was the whole truth there; it decides nothing."""

    source: EvidenceSource
    at: datetime
    """When the newest batch of the feed was issued, or the registry was read; UTC."""


@dataclass(frozen=True, slots=True)
class PlatformEvidence:
    """What is known about one platform of an image."""

    platform: str
    """`linux/amd64`; empty where the image is no index."""
    digest: Digest | None
    evidence: Report | Missing | Unavailable
    origin: EvidenceOrigin | None = field(default=None, compare=False)
    """None: nothing is known."""


@dataclass(frozen=True, slots=True)
class ImageEvidence:
    """What is known about one image: every platform that may run, at least one."""

    digest: Digest | None
    """What the reference resolved to; None where that could not be found out."""
    platforms: tuple[PlatformEvidence, ...]
    tag_asked_at: datetime | None = None
    """When the registry said that the tag names `digest`, where that was not asked for now."""

    def __post_init__(self) -> None:
        if not self.platforms:
            raise ValueError(
                "an image has at least one platform; say Missing or Unavailable for it"
            )

    @classmethod
    def of(
        cls,
        evidence: Report | Missing | Unavailable,
        digest: Digest | None = None,
        origin: EvidenceOrigin | None = None,
    ) -> "ImageEvidence":
        """Return evidence for an image that is no index."""
        return cls(digest, (PlatformEvidence("", digest, evidence, origin),))


def join_reports(reports: Sequence[Report]) -> Report:
    """Return the union of several scanners' reports for one subject.

    All findings count; the subject is covered when at least one scanner covered it.
    """
    first, *rest = reports
    if not rest:
        return first
    coverage = next((r.coverage for r in reports if r.coverage.complete), first.coverage)
    findings = tuple(f for r in reports for f in r.findings)
    return Report(first.subject, findings, coverage, tuple(s for r in reports for s in r.sources))


def judge_age(
    evidence: Report | Missing | Unavailable, max_age: timedelta, now: datetime
) -> Evidence:
    """Return `evidence` as a rule with `max_age` sees it at `now`: an old report becomes Stale."""
    if isinstance(evidence, Report):
        age = now - evidence.scanned_at
        if age > max_age:
            return Stale(evidence, age)
    return evidence
