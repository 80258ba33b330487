"""One OSV record: bytes to a typed advisory (OSV schema 1.6, ossf.github.io/osv-schema).

Not done here: fetching, storing, comparing versions, rating. `related` and `upstream` ids are kept
apart from `aliases`: they name other vulnerabilities or other distributors' fixes, not this one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from tidegate.domain.errors import InvalidAdvisoryError
from tidegate.domain.finding import is_cve, normalize_id

MAX_RECORD_BYTES = 16 * 2**20
"""Largest record read; the longest of OSV's dumps (kernel, with all versions listed) are ~5 MiB."""

MAX_REFERENCES = 20
"""References kept of one record; more help nobody who reads a report."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}")
_PYPI_SEPARATORS = re.compile(r"[-_.]+")

EventKind = Literal["introduced", "fixed", "last_affected", "limit"]
_EVENT_KINDS: tuple[EventKind, ...] = ("introduced", "fixed", "last_affected", "limit")


@dataclass(frozen=True, slots=True)
class Event:
    """One turning point of a range."""

    kind: EventKind
    version: str


@dataclass(frozen=True, slots=True)
class Vector:
    """A severity as the record gives it: scheme and vector, `CVSS_V3` and `CVSS:3.1/…`."""

    scheme: str
    text: str


@dataclass(frozen=True, slots=True)
class Affected:
    """One package that a record names, with the versions it concerns."""

    ecosystem: str
    """With the release where there is one: `Debian:12`."""
    package: str
    """Normalised as `normalize_name` does."""
    ranges: tuple[tuple[Event, ...], ...]
    """Events of each version range; commit ranges are left out."""
    versions: frozenset[str]
    vectors: tuple[Vector, ...] = ()
    word: str = ""


@dataclass(frozen=True, slots=True)
class Advisory:
    """One OSV record, as far as matching and reporting need it."""

    id: str
    modified_at: datetime
    withdrawn: bool
    aliases: tuple[str, ...]
    related: tuple[str, ...]
    upstream: tuple[str, ...]
    summary: str
    affected: tuple[Affected, ...]
    vectors: tuple[Vector, ...]
    word: str
    """The database's own word for the severity; empty where it has none."""
    cwe_ids: tuple[str, ...]
    references: tuple[str, ...]

    @property
    def ids(self) -> frozenset[str]:
        """The own id and the aliases, normalised."""
        return frozenset(map(normalize_id, (self.id, *self.aliases)))

    @property
    def cves(self) -> frozenset[str]:
        """The CVE ids among `ids`."""
        return frozenset(filter(is_cve, self.ids))

    @property
    def ecosystems(self) -> frozenset[str]:
        """Every ecosystem that the record names."""
        return frozenset(entry.ecosystem for entry in self.affected)


class _Package(msgspec.Struct):
    name: str
    ecosystem: str


class _Range(msgspec.Struct):
    type: str
    events: list[dict[str, str]]


class _Severity(msgspec.Struct):
    type: str
    score: str


class _Affected(msgspec.Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Severity] | None = None
    ecosystem_specific: dict[str, Any] | None = None
    database_specific: dict[str, Any] | None = None


class _Reference(msgspec.Struct):
    url: str


class _Record(msgspec.Struct):
    id: str
    modified: datetime
    published: datetime | None = None
    withdrawn: datetime | None = None
    aliases: list[str] | None = None
    related: list[str] | None = None
    upstream: list[str] | None = None
    summary: str | None = None
    affected: list[_Affected] | None = None
    severity: list[_Severity] | None = None
    references: list[_Reference] | None = None
    database_specific: dict[str, Any] | None = None


_DECODER = msgspec.json.Decoder(_Record)


def parse_advisory(body: bytes) -> Advisory:
    """Return the advisory that one OSV record's JSON says.

    Raises:
        InvalidAdvisoryError: too large, no JSON, or not of the schema; names what is wrong.
    """
    if len(body) > MAX_RECORD_BYTES:
        raise InvalidAdvisoryError(f"{len(body)} bytes; want at most {MAX_RECORD_BYTES}")
    try:
        record = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidAdvisoryError(f"no OSV record: {error}") from error
    if _ID.fullmatch(record.id) is None:
        raise InvalidAdvisoryError(
            f"id {record.id[:80]!r}: want 1 to 128 of letters, digits, ._:+-"
        )
    return Advisory(
        id=record.id,
        # Go's own database writes 0001-01-01 for modified; publication is a lower bound.
        modified_at=max(_utc(record.modified), _utc(record.published or record.modified)),
        withdrawn=record.withdrawn is not None,
        aliases=_ids(record.aliases),
        related=_ids(record.related),
        upstream=_ids(record.upstream),
        summary=(record.summary or "")[:1024],
        affected=tuple(
            _affected(record.id, entry) for entry in record.affected or () if entry.package
        ),
        vectors=_vectors(record.severity),
        word=_word(record.database_specific),
        cwe_ids=_cwe_ids(record),
        references=tuple(r.url[:2048] for r in (record.references or ())[:MAX_REFERENCES]),
    )


def normalize_name(ecosystem: str, name: str) -> str:
    """Return a package's name as its ecosystem compares names."""
    if base_of(ecosystem) == "PyPI":  # PEP 503, "Normalized Names"
        return _PYPI_SEPARATORS.sub("-", name).lower()
    return name


def base_of(ecosystem: str) -> str:
    """Return an ecosystem's name without its release: `Debian` of `Debian:12`."""
    return ecosystem.partition(":")[0]


def _affected(record_id: str, entry: _Affected) -> Affected:
    assert entry.package is not None  # noqa: S101 - the caller left such entries out
    ecosystem = entry.package.ecosystem.strip()
    if not ecosystem or not entry.package.name:
        raise InvalidAdvisoryError(f"{record_id}: a package without name or ecosystem; want both")
    return Affected(
        ecosystem=ecosystem,
        package=normalize_name(ecosystem, entry.package.name),
        ranges=tuple(_events(record_id, r) for r in entry.ranges or () if r.type != "GIT"),
        versions=frozenset(entry.versions or ()),
        vectors=_vectors(entry.severity),
        word=_word(entry.ecosystem_specific) or _word(entry.database_specific),
    )


def _events(record_id: str, entry: _Range) -> tuple[Event, ...]:
    found = []
    for event in entry.events:
        known = [Event(kind, event[kind]) for kind in _EVENT_KINDS if kind in event]
        if len(known) != 1:  # schema, "affected[].ranges[].events fields": exactly one of the four
            raise InvalidAdvisoryError(
                f"{record_id}: range event {dict(list(event.items())[:4])!r}; want exactly one of "
                f"{', '.join(_EVENT_KINDS)}"
            )
        found += known
    if not any(event.kind == "introduced" for event in found):
        raise InvalidAdvisoryError(f"{record_id}: a range without an introduced event; want one")
    return tuple(found)


def _vectors(entries: list[_Severity] | None) -> tuple[Vector, ...]:
    return tuple(Vector(entry.type, entry.score[:512]) for entry in entries or ())


def _word(specific: dict[str, Any] | None) -> str:
    """Return the severity word of GitHub's (`severity`) or Debian's (`urgency`) extension."""
    for key in ("severity", "urgency"):
        word = (specific or {}).get(key)
        if isinstance(word, str):
            return word[:64]
    return ""


def _cwe_ids(record: _Record) -> tuple[str, ...]:
    found = (record.database_specific or {}).get("cwe_ids")
    return (
        tuple(i[:32] for i in found[:50] if isinstance(i, str)) if isinstance(found, list) else ()
    )


def _ids(texts: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t.strip() for t in texts or () if 0 < len(t.strip()) <= 128))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
