"""One OSV record: bytes to a typed advisory (OSV schema 1.7, ossf.github.io/osv-schema).

Not done here: fetching, storing, comparing versions, rating. `related` and `upstream` ids are kept
apart from `aliases`: they name other vulnerabilities or other distributors' fixes, not this one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

import msgspec

from tidegate.advisories.ecosystems import ecosystem_of, normalize_name, release_key
from tidegate.advisories.semver import go_key
from tidegate.domain.errors import InvalidAdvisoryError
from tidegate.domain.finding import is_cve, normalize_id

MAX_RECORD_BYTES = 16 * 2**20
"""Largest record read; the longest of OSV's dumps (kernel, with all versions listed) are ~5 MiB."""

MAX_OBJECTS = 200_000
"""Braces in one record; an empty object of three bytes takes a hundred in memory."""

MAX_REFERENCES = 20
"""References kept of one record; more help nobody who reads a report."""

MAX_NAME_CHARS = 512
"""Longest name of a package or an ecosystem."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}")
_OWN_CVE = re.compile(r"[A-Z]+-(CVE-[0-9-]+)")
_SUMMARY_WORD = re.compile(r"(Critical|Important|Moderate|Low): ")
_MODULE = re.compile(r"(?<![\w:.])([a-z][\w.+-]*:[\w.+-]*\w)")
_EPOCH = re.compile(r"[?&]epoch=([1-9][0-9]*)")

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
    """As `release_key` names it, with the release where there is one: `Debian:12`."""
    package: str
    """Normalised as `normalize_name` does."""
    ranges: tuple[tuple[Event, ...], ...]
    """Events of each version range; commit ranges are left out."""
    versions: frozenset[str]
    vectors: tuple[Vector, ...] = ()
    word: str = ""


@dataclass(frozen=True)
class Advisory:
    """One OSV record, as far as matching and reporting need it.

    Without slots, so that what follows from a record is worked out once: a record is matched with
    hundreds of packages.
    """

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

    @cached_property
    def ids(self) -> frozenset[str]:
        """The own id and the aliases, normalised."""
        return frozenset(map(normalize_id, (self.id, *self.aliases)))

    @cached_property
    def cves(self) -> frozenset[str]:
        """The CVEs that the record is about.

        Those among `ids`, or the one in an id like `DEBIAN-CVE-2024-1234`. A distribution's update
        (`RHSA-…`, `USN-…`) has ids of its own and names what it fixes as `upstream`, AlmaLinux's
        as `related`: each of these is in the package before the update. They are no aliases:
        nothing else that names them is joined through this record.
        """
        own = frozenset(filter(is_cve, self.ids))
        if own:
            return own
        if (named := _OWN_CVE.fullmatch(normalize_id(self.id))) and is_cve(named[1]):
            return frozenset((named[1],))
        if not self.of_distribution:
            return frozenset()
        fixed = (frozenset(filter(is_cve, map(normalize_id, i))) for i in _fixes(self))
        return next(filter(None, fixed), frozenset())

    @cached_property
    def of_distribution(self) -> bool:
        """Whether the record speaks of packages of Linux distributions only."""
        return bool(self.affected) and all(
            ecosystem_of(entry.ecosystem).distribution for entry in self.affected
        )

    @cached_property
    def modules(self) -> frozenset[str]:
        """The module streams (`nodejs:20`) that the title of a Red Hat family's update names."""
        return frozenset(_MODULE.findall(self.summary))

    @cached_property
    def ecosystems(self) -> frozenset[str]:
        """Every ecosystem that the record names."""
        return frozenset(entry.ecosystem for entry in self.affected)


class _Package(msgspec.Struct):
    name: str
    ecosystem: str
    purl: str = ""


class _Event(msgspec.Struct):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class _Range(msgspec.Struct):
    type: str
    events: list[_Event]


class _Severity(msgspec.Struct):
    type: str
    score: str


class _Affected(msgspec.Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Severity] | None = None
    ecosystem_specific: msgspec.Raw = msgspec.Raw()
    database_specific: msgspec.Raw = msgspec.Raw()


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
    database_specific: msgspec.Raw = msgspec.Raw()


class _Specific(msgspec.Struct):
    """What is read of a database's own extensions; anything else in them stays bytes."""

    severity: msgspec.Raw = msgspec.Raw()
    ubuntu_priority: msgspec.Raw = msgspec.Raw()
    urgency: msgspec.Raw = msgspec.Raw()
    cwe_ids: msgspec.Raw = msgspec.Raw()
    custom_ranges: msgspec.Raw = msgspec.Raw()


_DECODER = msgspec.json.Decoder(_Record)
_SPECIFIC = msgspec.json.Decoder(_Specific)
_WORD = msgspec.json.Decoder(str)
_WORDS = msgspec.json.Decoder(list[str])
_RANGES = msgspec.json.Decoder(list[_Range])


def parse_advisory(body: bytes) -> Advisory:
    """Return the advisory that one OSV record's JSON says.

    Raises:
        InvalidAdvisoryError: too large, no JSON, or not of the schema; names what is wrong.
    """
    if len(body) > MAX_RECORD_BYTES:
        raise InvalidAdvisoryError(f"{len(body)} bytes; want at most {MAX_RECORD_BYTES}")
    if body.count(b"{") > MAX_OBJECTS:
        raise InvalidAdvisoryError(f"no OSV record: more than {MAX_OBJECTS} objects in it")
    try:
        record = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidAdvisoryError(f"no OSV record: {error}") from error
    if _ID.fullmatch(record.id) is None:
        raise InvalidAdvisoryError(
            f"id {record.id[:80]!r}: want 1 to 128 of letters, digits, ._:+-"
        )
    entries = (_affected(record.id, entry) for entry in record.affected or () if entry.package)
    specific = _specific(record.database_specific)
    summary = (record.summary or "")[:1024]
    return Advisory(
        id=record.id,
        # Go's own database writes 0001-01-01 for modified; publication is a lower bound.
        modified_at=max(_utc(record.modified), _utc(record.published or record.modified)),
        withdrawn=record.withdrawn is not None,
        aliases=_ids(record.aliases),
        related=_ids(record.related),
        upstream=_ids(record.upstream),
        summary=summary,
        # Red Hat names a package once for each repository that has it.
        affected=tuple(dict.fromkeys(entries)),
        vectors=_vectors(record.severity),
        word=_word(specific) or _word_of_summary(summary),
        cwe_ids=_cwe_ids(specific),
        references=tuple(r.url[:2048] for r in (record.references or ())[:MAX_REFERENCES]),
    )


def _affected(record_id: str, entry: _Affected) -> Affected:
    assert entry.package is not None  # noqa: S101 - the caller left such entries out
    ecosystem, name = entry.package.ecosystem.strip(), entry.package.name
    if not 0 < len(ecosystem) <= MAX_NAME_CHARS or not 0 < len(name) <= MAX_NAME_CHARS:
        raise InvalidAdvisoryError(
            f"{record_id}: package {name[:80]!r} of ecosystem {ecosystem[:80]!r}; want a name and "
            f"an ecosystem of 1 to {MAX_NAME_CHARS} characters"
        )
    epoch = _EPOCH.search(entry.package.purl) if entry.package.purl.startswith("pkg:rpm/") else None
    return Affected(
        ecosystem=release_key(ecosystem),
        package=normalize_name(ecosystem, name),
        ranges=(
            *(
                _events(record_id, r, f"{epoch[1]}:" if epoch else "")
                for r in entry.ranges or ()
                if r.type != "GIT"
            ),
            *(_custom_ranges(record_id, entry) if ecosystem == "Go" else ()),
        ),
        versions=frozenset(entry.versions or ()),
        vectors=_vectors(entry.severity),
        word=_word(_specific(entry.ecosystem_specific))
        or _word(_specific(entry.database_specific)),
    )


def _events(record_id: str, entry: _Range, epoch: str) -> tuple[Event, ...]:
    """Return the events of one range; Rocky Linux has written epochs into the purl only."""
    found = []
    for event in entry.events:
        stated = ((kind, getattr(event, kind)) for kind in _EVENT_KINDS)
        known = [(kind, version) for kind, version in stated if version is not None]
        if len(known) != 1:  # schema, "affected[].ranges[].events fields": exactly one of the four
            raise InvalidAdvisoryError(
                f"{record_id}: range event {dict(known)!r}; want exactly one of "
                f"{', '.join(_EVENT_KINDS)}"
            )
        ((kind, version),) = known
        bare = epoch and ":" not in version and version not in {"0", "*"}
        found.append(Event(kind, f"{epoch}{version}" if bare else version))
    if not any(event.kind == "introduced" for event in found):
        raise InvalidAdvisoryError(f"{record_id}: a range without an introduced event; want one")
    return tuple(found)


def _custom_ranges(record_id: str, entry: _Affected) -> Iterator[tuple[Event, ...]]:
    """Yield what Go's database says of versions besides the ranges of the schema.

    Of modules whose tags are no versions of the module (`go.etcd.io/etcd` 3.3.25), the schema's
    ranges hold commits only, and the tags stand here (go.dev/doc/security/vuln/database,
    "custom_ranges"). They only add: what cannot be read or compared says nothing.
    """
    try:
        raw = _specific(entry.ecosystem_specific).custom_ranges
        for found in _RANGES.decode(raw) if raw else ():
            events = _events(record_id, found, "")
            for event in events:
                go_key(event.version)
            yield events
    except (msgspec.MsgspecError, InvalidAdvisoryError, ValueError, RecursionError):
        return


def _fixes(advisory: Advisory) -> tuple[tuple[str, ...], ...]:
    return advisory.upstream, advisory.related


def _vectors(entries: list[_Severity] | None) -> tuple[Vector, ...]:
    return tuple(Vector(entry.type[:64], entry.score[:512]) for entry in entries or ())


def _specific(raw: msgspec.Raw) -> _Specific:
    """Return a database's extension; one of another form says nothing that is read here."""
    try:
        return _SPECIFIC.decode(raw) if raw else _Specific()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Specific()


def _word(specific: _Specific) -> str:
    """Return the severity word of GitHub's (`severity`), Ubuntu's or Debian's extension."""
    for raw in (specific.severity, specific.ubuntu_priority, specific.urgency):
        try:
            return _WORD.decode(raw)[:64]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue  # absent, or a score; what is no word is no severity in words
    return ""


def _word_of_summary(summary: str) -> str:
    """Return the severity that titles of the Red Hat family begin with: `Important: …`."""
    found = _SUMMARY_WORD.match(summary)
    return found[1] if found else ""


def _cwe_ids(specific: _Specific) -> tuple[str, ...]:
    try:
        return tuple(i[:32] for i in _WORDS.decode(specific.cwe_ids)[:50])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()


def _ids(texts: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t.strip() for t in texts or () if 0 < len(t.strip()) <= 128))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
