"""Globs of rules: `*` matches any run of characters, `/` included; nothing else is special.

The whole string must match, case-sensitively. Matching is a left-to-right search for the literal
pieces, so it is linear in the text for each piece: no pattern or name can make it slow.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

GENERATED_CHARS = frozenset("bcdfghjklmnpqrstvwxz0123456789-")
"""What controllers append to a name: the safe alphabet of k8s.io/apimachinery/pkg/util/rand
(no vowels, no 0, 1, 3), ordinals and time stamps of StatefulSets, Jobs and CronJobs, and `-`."""


def glob_matches(pattern: str, text: str) -> bool:
    """Whether `text` as a whole matches `pattern`."""
    return compile_glob(pattern)(text)


@lru_cache(maxsize=65536)
def compile_glob(pattern: str) -> Callable[[str], bool]:
    """Return a predicate that tells whether a text as a whole matches `pattern`."""
    if "*" not in pattern:
        return pattern.__eq__
    first, *middle, last = pattern.split("*")
    pieces = tuple(piece for piece in middle if piece)
    shortest = len(first) + len(last) + sum(map(len, pieces))

    def matches(text: str) -> bool:
        if len(text) < shortest or not text.startswith(first) or not text.endswith(last):
            return False
        position, end = len(first), len(text) - len(last)
        for piece in pieces:
            found = text.find(piece, position, end)
            if found == -1:
                return False
            position = found + len(piece)
        return position <= end

    return matches


def compile_globs(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return a predicate that tells whether a text as a whole matches any of `patterns`."""
    given = tuple(patterns)
    plain = frozenset(pattern for pattern in given if "*" not in pattern)
    others = tuple(compile_glob(pattern) for pattern in given if "*" in pattern)
    if not others:
        return plain.__contains__
    if not plain and len(others) == 1:
        return others[0]
    return lambda text: text in plain or any(matches(text) for matches in others)


def glob_matches_extensions(pattern: str, prefix: str) -> bool | None:
    """Whether `pattern` matches the names that a controller will make from `prefix`.

    True: every one; False: none that only appends `GENERATED_CHARS`; None: it depends on the name.
    """
    left = _left_after(pattern, prefix)
    if left is None or not GENERATED_CHARS.issuperset(left.replace("*", "")):
        return False
    return True if left and not left.strip("*") else None


def _left_after(pattern: str, text: str) -> str | None:
    """Return what of `pattern` is left to match once it matched all of `text`; None: it cannot.

    The least that can be left: what a longer rest allows, its own end allows too.
    """
    first, *others = pattern.split("*")
    if not others or len(text) < len(first):
        return pattern[len(text) :] if first.startswith(text) else None
    if not text.startswith(first):
        return None
    *middle, last = others
    position = len(first)
    for index, piece in enumerate(middle):
        found = text.find(piece, position)
        if found == -1:
            begun = piece[_overlap(text[position:], piece) :]
            return "*".join((begun, *middle[index + 1 :], last))
        position = found + len(piece)
    return last[_overlap(text[position:], last) :] if last else "*"


def _overlap(text: str, piece: str) -> int:
    """Return how many characters of `piece` the end of `text` begins with."""
    lengths = range(min(len(text), len(piece)), 0, -1)
    return next((length for length in lengths if text.endswith(piece[:length])), 0)
