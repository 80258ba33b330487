"""Severities, their order, and how scores and words map to them."""

from enum import IntEnum


class Severity(IntEnum):
    """How bad a vulnerability is; higher is worse, UNKNOWN stands apart and is never guessed."""

    UNKNOWN = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """The lower-case name, as rules and messages write it."""
        return self.name.lower()


RATED = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
"""All severities but unknown, worst first: the order in which thresholds are checked."""

# The words of GitHub, NVD, Red Hat, Debian, Ubuntu, SUSE and Alpine records.
_WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "minor": Severity.LOW,
    "negligible": Severity.LOW,
    "unimportant": Severity.LOW,
    "none": Severity.LOW,
}


def severity_of_word(text: str) -> Severity:
    """Return the severity that a database's `text` means; UNKNOWN for words it does not know."""
    return _WORDS.get(text.strip().lower(), Severity.UNKNOWN)


def severity_of_score(score: float) -> Severity:
    """Return the severity of a CVSS base `score` from 0 to 10 (CVSS v3.1, section 5).

    A score of 0.0 ("None" in CVSS) is LOW here: the finding exists and stays countable.
    """
    if score >= 9.0:
        return Severity.CRITICAL
    if score >= 7.0:
        return Severity.HIGH
    if score >= 4.0:
        return Severity.MEDIUM
    return Severity.LOW
