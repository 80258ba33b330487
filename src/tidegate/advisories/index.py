"""The advisory index: one SQLite file with advisories by ecosystem and package, and by id.

A writer's whole import is one transaction: a crash keeps the old content, readers see either. A
record of a known id counts when it was modified later, or at the same instant with other content.
Ecosystems are kept under their release keys (`ecosystems.release_key`).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from tidegate.advisories.changes import (
    Changes,
    forget_changes,
    prepare_changes,
    state_of,
    take_changes,
)
from tidegate.advisories.ecosystems import (
    covering_names,
    is_matched,
    matched_names,
    normalize_name,
)
from tidegate.advisories.index_writer import IndexWriter
from tidegate.advisories.osv import Advisory
from tidegate.domain.errors import InvalidAdvisoryError, UnavailableError
from tidegate.domain.finding import normalize_id

INDEX_FILE = "advisories.sqlite"
"""Name of the index in the data folder."""

SCHEMA_VERSION = 3

LOCK_WAIT_S = 30.0
"""Longest wait for another process that writes."""

_SCHEMA = """
CREATE TABLE record(id TEXT PRIMARY KEY, modified_at TEXT NOT NULL, digest BLOB NOT NULL,
                    withdrawn INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX record_digest ON record(digest);
CREATE TABLE affected(ecosystem TEXT NOT NULL, package TEXT NOT NULL, id TEXT NOT NULL,
                      PRIMARY KEY(ecosystem, package, id)) WITHOUT ROWID;
CREATE INDEX affected_id ON affected(id);
CREATE TABLE identifier(identifier TEXT NOT NULL, id TEXT NOT NULL,
                        PRIMARY KEY(identifier, id)) WITHOUT ROWID;
CREATE INDEX identifier_id ON identifier(id);
CREATE TABLE source(ecosystem TEXT PRIMARY KEY, name TEXT NOT NULL, updated_at TEXT NOT NULL,
                    imported_at TEXT NOT NULL, record_count INTEGER NOT NULL) WITHOUT ROWID;
"""

_FROM_2 = """
UPDATE record SET digest = x'' WHERE id IN (SELECT id FROM affected
  WHERE ecosystem GLOB 'Red Hat:rhel_*' OR ecosystem GLOB 'Red Hat:*_eus:*' OR ecosystem = 'Go');
PRAGMA user_version = 3;
"""
"""Until version 2, extended updates were kept under the product that each repository has; of Go's
records a part was not read. Without a digest the next import reads such records again."""

_DECODER = msgspec.msgpack.Decoder(Advisory)


@dataclass(frozen=True, slots=True)
class EcosystemSource:
    """Where the advisories of one ecosystem come from."""

    ecosystem: str
    name: str
    """File, folder or address of the last import, or `demo set`."""
    updated_at: datetime
    """When the newest of its records was modified: how fresh the data is, UTC."""
    imported_at: datetime
    """Of the last import that named it, UTC."""
    record_count: int
    """Withdrawn ones left out."""

    @property
    def matched(self) -> bool:
        """Whether any package that is recognised can meet its records."""
        return is_matched(self.ecosystem)


class Advisories(Protocol):
    """What the matcher asks; withdrawn advisories are never answered."""

    def affecting(self, ecosystem: str, package: str) -> tuple[Advisory, ...]:
        """Return advisories that name the package, by id."""
        ...

    def naming(self, identifier: str) -> tuple[Advisory, ...]:
        """Return advisories with this id or alias, by id."""
        ...

    def source(self, ecosystem: str) -> EcosystemSource | None:
        """Return where this ecosystem's advisories come from; None: there are none."""
        ...


class AdvisoryIndex:
    """An open index; close it, or use it as a context manager. One thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path | None) -> Self:
        """Open the index in file `path`, made when absent; None keeps one in memory.

        Raises:
            InvalidAdvisoryError: the file is no index, or another version's.
        """
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=LOCK_WAIT_S
        )
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def affecting(self, ecosystem: str, package: str) -> tuple[Advisory, ...]:
        """Return advisories that name the package, in its release or in none, by id."""
        names = matched_names(ecosystem)
        rows = self._connection.execute(
            "SELECT DISTINCT record.id, body FROM affected JOIN record USING (id)"  # noqa: S608 - question marks only
            f" WHERE ecosystem IN ({_marks(names)}) AND package = ? AND NOT withdrawn"
            " ORDER BY record.id",
            (*names, normalize_name(ecosystem, package)),
        )
        return tuple(_DECODER.decode(body) for _, body in rows)

    def naming(self, identifier: str) -> tuple[Advisory, ...]:
        """Return advisories with this id or alias, by id."""
        rows = self._connection.execute(
            "SELECT body FROM identifier JOIN record USING (id)"
            " WHERE identifier = ? ORDER BY record.id",
            (normalize_id(identifier),),
        )
        return tuple(_DECODER.decode(body) for (body,) in rows)

    def source(self, ecosystem: str) -> EcosystemSource | None:
        """Return where the advisories of `ecosystem` come from; None for a release without any."""
        names = covering_names(ecosystem)
        found = {source.ecosystem: source for source in self._sources(names)}
        return next((found[name] for name in names if name in found), None)

    def serves(self, ecosystem: str) -> bool:
        """Whether anything was imported for `ecosystem`."""
        return self.source(ecosystem) is not None

    def sources(self) -> tuple[EcosystemSource, ...]:
        """Return every ecosystem's source, by ecosystem."""
        return tuple(self._sources(None))

    def state(self) -> str:
        """Return a name of all that the index says: equal for equal records and the same code."""
        return state_of(self._connection)

    def imports(self) -> tuple[tuple[str, ...], ...]:
        """Return ecosystem, newest record and last import of each source: other after each import.

        The instants are RFC 3339 in UTC.
        """
        return tuple(
            self._connection.execute(
                "SELECT ecosystem, updated_at, imported_at FROM source ORDER BY ecosystem"
            )
        )

    def take_changes(self) -> Changes:
        """Return what imports changed since it was last forgotten; it stays noted.

        Raises:
            UnavailableError: an import is running.
        """
        with _locked():
            return take_changes(self._connection)

    def forget_changes(self, taken: Changes) -> None:
        """Drop what was taken: it is dealt with.

        Raises:
            UnavailableError: an import is running.
        """
        with _locked():
            forget_changes(self._connection, taken)

    @contextmanager
    def writing(self, source: str, now: datetime, whole: str = "") -> Iterator[IndexWriter]:
        """Begin an import from `source`; it is kept whole at the end, or not at all on an error.

        `whole` names an ecosystem that the import covers whatever its records name besides.

        Raises:
            UnavailableError: another import is running.
        """
        with _locked():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            writer = IndexWriter(self._connection, source, now)
            yield writer
            writer.write_sources(whole)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _sources(self, ecosystems: Sequence[str] | None) -> Iterator[EcosystemSource]:
        where = "" if ecosystems is None else f"WHERE ecosystem IN ({_marks(ecosystems)})"
        rows = self._connection.execute(
            "SELECT ecosystem, name, updated_at, imported_at, record_count FROM source"  # noqa: S608 - question marks only
            f" {where} ORDER BY ecosystem",
            tuple(ecosystems or ()),
        )
        for ecosystem, name, updated_at, imported_at, count in rows:
            yield EcosystemSource(
                ecosystem,
                name,
                datetime.fromisoformat(updated_at),
                datetime.fromisoformat(imported_at),
                count,
            )


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


@contextmanager
def _locked() -> Iterator[None]:
    """Say of a lock that cannot be had what it means."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UnavailableError(
            f"advisory index: {error}; another import is running, try again when it has ended"
        ) from error


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _create(connection: sqlite3.Connection) -> int:
    for statement in filter(str.strip, _SCHEMA.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return SCHEMA_VERSION


def _upgrade(connection: sqlite3.Connection) -> int:
    """Bring an index of version 2 to this one; what it holds stays."""
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) == 2:
        for statement in filter(str.strip, _FROM_2.split(";")):
            connection.execute(statement)
    connection.execute("COMMIT")
    return _version(connection)


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        version = _version(connection)
        if version == 0:
            connection.execute("BEGIN IMMEDIATE")
            version = _version(connection) or _create(connection)
            connection.execute("COMMIT")
        if version == 2:
            version = _upgrade(connection)
    except sqlite3.DatabaseError as error:
        raise InvalidAdvisoryError(
            f"advisory index {path}: {error}; want an index of this program: remove the file and "
            "import again"
        ) from error
    if version != SCHEMA_VERSION:
        raise InvalidAdvisoryError(
            f"advisory index {path} has version {version}, want {SCHEMA_VERSION}: remove the file "
            "and import again"
        )
    with _locked():
        prepare_changes(connection)
