"""How other tools write severities: words, scores and CVSS vectors. Unknown stays unknown."""

from functools import lru_cache

from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # type: ignore[import-untyped]  # ships no types

from tidegate.domain.finding import Rating
from tidegate.domain.severity import Severity, severity_of_score, severity_of_word
from tidegate.formats.reading import word

_SCHEMES = {"4": CVSS4, "3": CVSS3, "2": CVSS2}


def vector_version(vector: str) -> str:
    """Return the CVSS version of a vector: `3.1`; `2.0` for the form without prefix."""
    return vector[5:8] if vector.startswith("CVSS:") else "2.0" if vector else ""


@lru_cache(maxsize=16384)
def score_of(vector: str) -> float | None:
    """Return the CVSS base score of `vector`; None for one that does not parse."""
    scheme = _SCHEMES.get(vector_version(vector)[:1])
    if scheme is None:
        return None
    try:
        return float(scheme(vector.strip("()")).base_score)
    except (CVSSError, ValueError, ArithmeticError):
        return None


def vector_rating(method: str, vector: str, score: float | None = None) -> Rating | None:
    """Return a CVSS rating; None where neither vector nor score says anything."""
    known = vector if 0 < len(vector) <= 256 and vector_version(vector)[:1] in _SCHEMES else ""
    value = score if score is not None and 0 <= score <= 10 else None
    if value is None and known:
        value = score_of(known)
    if value is None:
        return None
    name = severity_of_score(value).word.capitalize()
    return Rating(word(method), known or f"{value:g}", name, vector_version(known))


def severity_of_rating(rating: Rating) -> Severity:
    """Return what a rating means, by its word."""
    return severity_of_word(rating.word)


def highest(ratings: "tuple[Rating, ...] | list[Rating]") -> Severity:
    """Return the highest severity of several ratings; UNKNOWN for none."""
    return max(map(severity_of_rating, ratings), default=Severity.UNKNOWN)


def parse_score(method: str, score: str) -> Rating | None:
    """Return a rating written as a number, a vector or a word; None where it says nothing."""
    text = score.strip()
    if text.startswith(("CVSS:", "AV:", "(AV:")):
        return vector_rating(method, text)
    try:
        number = float(text)
    except ValueError:
        if severity_of_word(text) is Severity.UNKNOWN:
            return None
        return Rating(word(method), "", word(text))
    return vector_rating(method, "", number)
