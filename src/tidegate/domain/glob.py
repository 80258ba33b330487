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
    states = _positions_after(pattern, prefix)
    if any(position == len(pattern) - 1 and pattern[position] == "*" for position in states):
        return True
    reachable = any(
        all(char == "*" or char in GENERATED_CHARS for char in pattern[position:])
        for position in states
    )
    return None if reachable else False


def _positions_after(pattern: str, text: str) -> set[int]:
    """Return the places in `pattern` at which a match of all of `text` may stand."""
    states = _past_stars(pattern, {0})
    for char in text:
        stepped = {
            position if pattern[position] == "*" else position + 1
            for position in states
            if position < len(pattern) and pattern[position] in ("*", char)
        }
        states = _past_stars(pattern, stepped)
    return states


def _past_stars(pattern: str, states: set[int]) -> set[int]:
    """Add to `states` the places behind each `*`, which may match nothing."""
    result = set(states)
    for position in states:
        place = position
        while place < len(pattern) and pattern[place] == "*":
            place += 1
            result.add(place)
    return result
