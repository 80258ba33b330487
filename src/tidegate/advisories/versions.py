"""Versions: how each ecosystem compares them, and whether a record's ranges hold one.

Comparison is univers' where it keeps the laws of an order (tests/property/test_version_laws.py),
else our own by the format's specification.
A version that cannot be compared is "cannot decide", which is reported; it is never "not affected".
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from univers.versions import (
    InvalidVersion,
    MavenVersion,
    PypiVersion,
    RpmVersion,
    RubygemsVersion,
)

from tidegate.advisories.apk import apk_key
from tidegate.advisories.composer import composer_key
from tidegate.advisories.deb import deb_key
from tidegate.advisories.ecosystems import base_of, ecosystem_of
from tidegate.advisories.osv import Affected, Event
from tidegate.advisories.semver import go_key, npm_key, nuget_key, semver_key

_MAVEN_RELEASE = re.compile(r"[.-]?release$", re.IGNORECASE)


def _maven(text: str) -> Any:  # noqa: ANN401 - univers is untyped
    """Return a Maven version.

    `1.0.RELEASE` is `1.0` (ComparableVersion's javadoc), which univers does not know; an unexpanded
    `${project.version}`, which it takes, is none.
    """
    if "$" in text:
        raise InvalidVersion(text)
    return MavenVersion(_MAVEN_RELEASE.sub("", text))


def _pypi(text: str) -> Any:  # noqa: ANN401 - univers is untyped
    """Return a Python version: what univers wraps, which compares four times as fast."""
    return PypiVersion(text).value


_PARSERS: dict[str, Callable[[str], Any]] = {
    "AlmaLinux": RpmVersion,
    "Alpine": apk_key,
    "Chainguard": apk_key,
    "Debian": deb_key,
    "Go": go_key,
    "Maven": _maven,
    "NuGet": nuget_key,
    "Packagist": composer_key,
    "PyPI": _pypi,
    "Red Hat": RpmVersion,
    "Rocky Linux": RpmVersion,
    "RubyGems": RubygemsVersion,
    "SUSE": RpmVersion,
    "Ubuntu": deb_key,
    "Wolfi": apk_key,
    "crates.io": semver_key,
    "npm": npm_key,
    "openSUSE": RpmVersion,
}

COVERED = frozenset(_PARSERS)
"""Ecosystems whose versions are compared; packages of others are reported as not covered."""

HASHED = COVERED - {"AlmaLinux", "Maven", "Red Hat", "Rocky Linux", "SUSE", "openSUSE"}
"""Ecosystems whose equal versions have equal hashes; univers' others hash the text (`0`, `00`)."""

MAX_COMPILED = 4096
"""Entries of advisories whose versions are kept parsed: those of some hundred packages."""

MAX_VERSION_CHARS = 256
"""Longest version compared; comparing is linear, and no real version comes near."""


class IncomparableVersionError(ValueError):
    """Text that this ecosystem does not take for a version."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a version is affected, and by which version that ends."""

    affected: bool | None
    """None: cannot be decided, because a version does not parse."""
    fixed_version: str = ""


NOT_AFFECTED = Judgement(affected=False)
UNDECIDED = Judgement(affected=None)


def is_covered(ecosystem: str) -> bool:
    """Whether versions of `ecosystem` (with or without release) can be compared."""
    return base_of(ecosystem) in COVERED


@lru_cache(maxsize=65536)
def parse_version(base: str, text: str) -> Any:  # noqa: ANN401 - univers is untyped; its values order themselves
    """Return the comparable version that `text` means in ecosystem `base`.

    Raises:
        IncomparableVersionError: not a version there.
    """
    if not text.strip() or len(text) > MAX_VERSION_CHARS:
        raise IncomparableVersionError(f"{text[:80]!r} is no {base} version")
    try:
        return _PARSERS[base](text.strip())
    except (InvalidVersion, ValueError, TypeError, AttributeError, IndexError) as error:
        raise IncomparableVersionError(f"{text[:80]!r} is no {base} version") from error


def judge_version(affected: Affected, version: str) -> Judgement:
    """Return whether `affected` holds `version` (OSV schema, "Evaluation").

    Listed versions count like ranges; a range with a version that does not parse decides nothing,
    unless another one settles it.
    """
    base = base_of(affected.ecosystem)
    try:
        own = parse_version(base, version)
    except IncomparableVersionError:
        return Judgement(affected=True) if version in affected.versions else UNDECIDED
    compiled = _compiled(affected)
    results = [_judge_range(each, own) for each in compiled.ranges]
    hits = [result for result in results if result.affected]
    if hits or compiled.lists(version, own):
        fixes = [hit.fixed_version for hit in hits if hit.fixed_version]
        return Judgement(affected=True, fixed_version=highest(base, fixes))
    return UNDECIDED if UNDECIDED in results else NOT_AFFECTED


def highest(base: str, texts: Iterable[str]) -> str:
    """Return the highest of versions that parse; empty for none."""
    return max(texts, key=lambda text: parse_version(base, text), default="")


_Point = tuple[str, Any, str]
"""Kind of an event, its parsed version (None: the open end), and the version as it is written."""


@dataclass(frozen=True, slots=True)
class _Range:
    points: tuple[_Point, ...]
    """In the order of versions, then of `_RANK`."""
    limits: tuple[Any, ...]


@dataclass(slots=True)
class _Compiled:
    """An entry of an advisory with its versions parsed."""

    entry: Affected
    """Kept, so that no other entry takes its place in memory."""
    ranges: tuple[_Range | None, ...]
    """None: one with a version that does not parse."""
    listed: Container[Any] | None = None
    """The listed versions that parse, once they are asked for."""

    def lists(self, version: str, own: Any) -> bool:  # noqa: ANN401 - see parse_version
        """Whether a listed version is this one, also in other words (`1.0` and `1.0.0`).

        Distributions list hundreds of versions besides the range that says the same, in one
        spelling.
        """
        if version in self.entry.versions:
            return True
        if self.entry.ranges and ecosystem_of(self.entry.ecosystem).distribution:
            return False
        if self.listed is None:
            base = base_of(self.entry.ecosystem)
            parsed = tuple(_parsed(base, self.entry.versions))
            self.listed = frozenset(parsed) if base in HASHED else parsed
        return own in self.listed


_kept: dict[int, _Compiled] = {}
"""By the identity of the entry: its hash would go through every version that it lists."""


def _compiled(affected: Affected) -> _Compiled:
    found = _kept.get(id(affected))
    if found is None:
        if len(_kept) >= MAX_COMPILED:
            _kept.clear()
        base = base_of(affected.ecosystem)
        found = _Compiled(affected, tuple(_compile_range(base, each) for each in affected.ranges))
        _kept[id(affected)] = found
    return found


def _compile_range(base: str, events: tuple[Event, ...]) -> _Range | None:
    try:
        points = [(event.kind, _point(base, event), event.version) for event in events]
    except IncomparableVersionError:
        return None
    points.sort(key=lambda p: (p[1] is not None, p[1], _RANK[p[0]]))
    return _Range(tuple(points), tuple(point for kind, point, _ in points if kind == "limit"))


def _parsed(base: str, texts: Iterable[str]) -> Iterator[Any]:
    """Yield the versions that parse: a version at hand that parses cannot be another one."""
    for text in texts:
        with suppress(IncomparableVersionError):
            yield parse_version(base, text)


def _judge_range(compiled: _Range | None, own: Any) -> Judgement:  # noqa: ANN401 - see parse_version
    if compiled is None:
        return UNDECIDED
    limits = compiled.limits
    if limits and not any(point is None or own < point for point in limits):
        return NOT_AFFECTED
    affected = False
    for kind, point, _ in compiled.points:
        if kind == "introduced" and (point is None or own >= point):
            affected = True
        elif (kind == "fixed" and own >= point) or (kind == "last_affected" and own > point):
            affected = False
    if not affected:
        return NOT_AFFECTED
    later = (text for kind, point, text in compiled.points if kind == "fixed" and point > own)
    return Judgement(affected=True, fixed_version=next(later, ""))


_RANK = {"fixed": 0, "introduced": 1, "last_affected": 2, "limit": 3}
"""Order of events at one version: what ends there before what starts there, so that a range fixed
and introduced again in one version is affected from it on."""


def _point(base: str, event: Event) -> Any:  # noqa: ANN401 - see parse_version
    """Return the version of `event`; None for the open ends that the schema writes `0` and `*`."""
    if (event.kind, event.version) in {("introduced", "0"), ("limit", "*")}:
        return None
    return parse_version(base, event.version)
