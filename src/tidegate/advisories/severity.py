"""How severe a vulnerability is, and by whose word.

Of one record a CVSS vector counts (v4 before v3 before v2), else the database's own word. Of the
records that name a vulnerability the highest counts (their other opinions are kept). A package of a
distribution goes by the distribution's own word first, where it has one: it knows how it builds
and uses the package. What nobody rates stays UNKNOWN: it is never guessed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # type: ignore[import-untyped]  # ships no types

from tidegate.advisories.ecosystems import base_of, ecosystem_of
from tidegate.advisories.osv import Advisory, Affected, Vector
from tidegate.domain.finding import Rating
from tidegate.domain.severity import Severity, severity_of_score, severity_of_word

_SCHEMES = {"CVSS_V4": CVSS4, "CVSS_V3": CVSS3, "CVSS_V2": CVSS2}
"""In the order in which they count."""

_NAMES = {"GHSA": "GitHub", "CVE": "NVD"}
"""Databases by the prefix of their ids; others go by the prefix."""


@dataclass(frozen=True, slots=True)
class Rated:
    """A severity with the ratings it rests on."""

    severity: Severity
    ratings: tuple[Rating, ...] = ()
    """The one that counts first and marked, then the others; empty where nobody says anything."""


UNRATED = Rated(Severity.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Opinion:
    severity: Severity
    rating: Rating
    own: bool = False
    """Whether it is the word of the distribution whose package is rated."""


def rate(
    hits: Iterable[tuple[Advisory, Sequence[Affected]]],
    ecosystem: str = "",
    others: Iterable[Advisory] = (),
) -> Rated:
    """Return the severity of one vulnerability in a package of `ecosystem`.

    `hits` are the records that hold the package, each with those of its entries that do; `others`
    name the vulnerability, and say how severe it is in general.
    """
    opinions = [_opinions(record, entries, base_of(ecosystem)) for record, entries in hits]
    opinions += [_general(record) for record in others]
    own = [opinion for each in opinions for opinion in each if opinion.own]
    # A record's first opinion is the one it stands for; the order of records never matters.
    counted = own or [each[0] for each in opinions if each]
    if not counted:
        return UNRATED
    chosen = max(counted, key=lambda o: (o.severity, _sort_key(o.rating)))
    every = sorted({opinion.rating for each in opinions for opinion in each}, key=_sort_key)
    others_said = (rating for rating in every if rating != chosen.rating)
    return Rated(chosen.severity, (replace(chosen.rating, leading=True), *others_said))


def _opinions(record: Advisory, entries: Sequence[Affected], base: str) -> list[_Opinion]:
    """Return what a record that holds the package says, in the order in which it counts.

    An entry's own severity overrides the record's (OSV schema, "affected[].severity field"); of
    several entries the worst counts.
    """
    speaker = _speaker(record)
    own = speaker == base and ecosystem_of(base).distribution
    stated = [_said(entry.vectors, entry.word, speaker, own=own) for entry in entries]
    worst_first = sorted(filter(None, stated), key=lambda each: -each[0].severity)
    general = _said(record.vectors, record.word, speaker, own=own)
    return [*(opinion for each in worst_first for opinion in each), *general]


def _general(record: Advisory) -> list[_Opinion]:
    """Return what a record says of the vulnerability itself, before what it says of packages."""
    speaker = _speaker(record)
    stated = [_said(entry.vectors, entry.word, speaker, own=False) for entry in record.affected]
    worst_first = sorted(filter(None, stated), key=lambda each: -each[0].severity)
    return [
        *_said(record.vectors, record.word, speaker, own=False),
        *(opinion for each in worst_first for opinion in each),
    ]


def _speaker(record: Advisory) -> str:
    """Return whose word a record's is: its distribution's, else its database's."""
    bases = {base_of(entry.ecosystem) for entry in record.affected}
    if record.of_distribution and len(bases) == 1:
        return bases.pop()
    prefix = record.id.partition("-")[0]
    return _NAMES.get(prefix, prefix)


@lru_cache(maxsize=16384)
def _said(
    vectors: tuple[Vector, ...], word: str, speaker: str, *, own: bool
) -> tuple[_Opinion, ...]:
    scored = []
    for scheme in _SCHEMES:
        for vector in vectors:
            score = score_of(vector) if vector.scheme == scheme else None
            if score is None:
                continue
            severity = severity_of_score(score)
            version = vector.text[5:8] if vector.text.startswith("CVSS:") else "2.0"
            name = severity.word.capitalize()
            rating = Rating(scheme, vector.text, name, version, source=speaker)
            scored.append(_Opinion(severity, rating))
    named = [(speaker, word)]
    named += [(vector.scheme, vector.text) for vector in vectors if vector.scheme not in _SCHEMES]
    words = [
        _Opinion(severity_of_word(text), Rating(name, "", text), own=own)
        for name, text in named
        if severity_of_word(text)
    ]
    return (*scored, *words)


def _sort_key(rating: Rating) -> tuple[str, str, str, str]:
    return rating.method, rating.score, rating.word, rating.source


@lru_cache(maxsize=16384)
def score_of(vector: Vector) -> float | None:
    """Return the CVSS base score of `vector`; None for one that does not parse."""
    try:
        return float(_SCHEMES[vector.scheme](vector.text.strip("()")).base_score)
    except (CVSSError, KeyError, ValueError, ArithmeticError):
        return None  # the rating says nothing, so the severity rests on others or stays unknown
