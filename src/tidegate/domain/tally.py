"""How findings are counted: distinct vulnerabilities under their canonical ids.

A vulnerability counts once, with the highest severity any of its findings has. So one more finding
only ever adds a vulnerability or raises one: no count of "this severity or higher" can fall.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.domain.finding import Finding
from tidegate.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class Counts:
    """Distinct vulnerabilities per severity, not cumulative."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    unknown: int = 0
    """Vulnerabilities that no finding gives a severity."""
    partly_unknown: int = 0
    """Vulnerabilities that at least one finding gives no severity: what `unknown: n` limits, so
    that a second opinion about a vulnerability never takes it out of that count."""

    def of(self, severity: Severity) -> int:
        """Return how many have exactly `severity`."""
        return (self.unknown, self.low, self.medium, self.high, self.critical)[severity]

    def at_least(self, severity: Severity) -> int:
        """Return how many have `severity` or a higher one; UNKNOWN stands apart."""
        match severity:
            case Severity.CRITICAL:
                return self.critical
            case Severity.HIGH:
                return self.critical + self.high
            case Severity.MEDIUM:
                return self.critical + self.high + self.medium
            case Severity.LOW:
                return self.critical + self.high + self.medium + self.low
            case Severity.UNKNOWN:
                return self.partly_unknown


NO_COUNTS = Counts()
"""Nothing found."""

Unit = tuple[Finding, str]
"""A finding under one of its canonical ids: what is counted or exempted as a whole."""


def units_of(findings: Iterable[Finding]) -> tuple[Unit, ...]:
    """Return each finding under each of its canonical ids, in order.

    What trusted VEX statements clear is no unit: it counts nowhere and needs no exemption. The same
    vulnerability found again without such a statement still counts.
    """
    return tuple((f, i) for f in findings if not f.not_affected for i in f.canonical_ids)


def count(units: Iterable[Unit]) -> Counts:
    """Return the distinct vulnerabilities of `units` by severity."""
    worst: dict[str, Severity] = {}
    partly_unknown: set[str] = set()
    for finding, identifier in units:
        severity = finding.severity
        if severity is Severity.UNKNOWN:
            partly_unknown.add(identifier)
        worst[identifier] = max(severity, worst.get(identifier, Severity.UNKNOWN))
    found = [0] * len(Severity)
    for severity in worst.values():
        found[severity] += 1
    unknown, low, medium, high, critical = found
    return Counts(critical, high, medium, low, unknown, len(partly_unknown))
