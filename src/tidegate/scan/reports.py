"""What a worker reports to the hub of one platform: counts, coverage and the artifact."""

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.errors import TidegateError
from tidegate.domain.finding import Finding
from tidegate.domain.severity import Severity
from tidegate.domain.tally import count, units_of
from tidegate.scan.pipeline import PlatformScan
from tidegate.scan.publish import Published
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_v1 import PlatformReportV1
from tidegate.wire.statement_v1 import render_time


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job's image."""

    reports: list[PlatformReportV1]
    """One a platform; none: it is no image."""
    not_attached: str = ""
    """Why its registry did not take a report after matching again; empty: it took all."""
    failed: tuple["FailedPlatform", ...] = ()
    """Those that could not be scanned."""


@dataclass(frozen=True, slots=True)
class FailedPlatform:
    """A platform of an image that could not be scanned."""

    name: str
    """As its index names it; empty where there is no index."""
    error: TidegateError


def describe_failures(failed: Sequence[FailedPlatform], scanned: Sequence[str]) -> str:
    """Return which platforms could not be scanned and why, and which could.

    `linux/arm64: the registry did not answer; scanned: linux/amd64`
    """
    words = [f"{each.name}: {each.error}" if each.name else str(each.error) for each in failed]
    if scanned:
        words.append(f"scanned: {', '.join(scanned)}")
    return "; ".join(words)


def report_of(scan: PlatformScan, published: Published | None) -> PlatformReportV1:
    """Return the report about `scan`; `published` None: nothing was attached."""
    coverage = scan.statement.coverage
    return PlatformReportV1(
        digest=scan.subject.digest,
        platform=scan.platform,
        scanned_at=render_time(scan.statement.finished_at),
        scanner=scan.statement.scanner.name,
        counts=count_vulnerabilities(scan.statement.findings),
        complete=coverage.complete,
        gaps=list(coverage.gaps),
        artifact=published.artifact if published else "",
        attached_at=render_time(published.scanned_at) if published else "",
    )


def count_vulnerabilities(findings: tuple[Finding, ...]) -> CountsV1:
    """Return the distinct vulnerabilities per severity, as rules count them."""
    counts = count(units_of(findings))
    return CountsV1(**{severity.word: counts.of(severity) for severity in Severity})
