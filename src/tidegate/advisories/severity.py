"""How severe a record says its vulnerability is.

A record's newest CVSS vector counts (v4 before v3 before v2), else the database's own word. What
neither says stays UNKNOWN: it is never guessed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # type: ignore[import-untyped]  # ships no types

from tidegate.advisories.osv import Advisory, Affected, Vector
from tidegate.domain.finding import Rating
from tidegate.domain.severity import Severity, severity_of_score, severity_of_word

_SCHEMES = {"CVSS_V4": CVSS4, "CVSS_V3": CVSS3, "CVSS_V2": CVSS2}
"""In the order in which they count."""

_NAMES = {"GHSA": "GitHub", "CVE": "NVD"}


@dataclass(frozen=True, slots=True)
class Rated:
    """A severity with the ratings it rests on."""

    severity: Severity
    ratings: tuple[Rating, ...]


UNRATED = Rated(Severity.UNKNOWN, ())


def rate(advisory: Advisory, entries: Iterable[Affected]) -> Rated:
    """Return the severity of `advisory`, for those of its `entries` that concern a package.

    An entry's own severity overrides the record's (OSV schema, "affected[].severity field").
    """
    own = [
        _rated(entry.vectors, entry.word, advisory.id)
        for entry in entries
        if entry.vectors or entry.word
    ]
    rated = highest(own)
    if rated.severity is not Severity.UNKNOWN:
        return rated
    return highest([*own, _rated(advisory.vectors, advisory.word, advisory.id)])


def highest(rated: Iterable[Rated]) -> Rated:
    """Return the highest severity of several, with all ratings, each once."""
    severity, ratings = Severity.UNKNOWN, dict[Rating, None]()
    for one in rated:
        severity = max(severity, one.severity)
        ratings.update(dict.fromkeys(one.ratings))
    return Rated(severity, tuple(ratings))


def _rated(vectors: tuple[Vector, ...], word: str, record_id: str) -> Rated:
    ratings, severity = [], Severity.UNKNOWN
    for scheme in _SCHEMES:
        for vector in vectors:
            score = score_of(vector) if vector.scheme == scheme else None
            if score is None:
                continue
            rated = severity_of_score(score)
            version = vector.text[5:8] if vector.text.startswith("CVSS:") else "2.0"
            ratings.append(Rating(scheme, vector.text, rated.word.capitalize(), version))
            if severity is Severity.UNKNOWN:
                severity = rated
    words = [word, *(vector.text for vector in vectors if vector.scheme not in _SCHEMES)]
    for text in filter(severity_of_word, words):
        prefix = record_id.partition("-")[0]
        ratings.append(Rating(_NAMES.get(prefix, prefix), "", text))
        if severity is Severity.UNKNOWN:
            severity = severity_of_word(text)
    return Rated(severity, tuple(ratings))


@lru_cache(maxsize=16384)
def score_of(vector: Vector) -> float | None:
    """Return the CVSS base score of `vector`; None for one that does not parse."""
    try:
        return float(_SCHEMES[vector.scheme](vector.text.strip("()")).base_score)
    except (CVSSError, KeyError, ValueError, ArithmeticError):
        return None  # the rating says nothing, so the severity rests on others or stays unknown
