"""The advisory index: one SQLite file with advisories by ecosystem and package, and by id.

A writer's whole import is one transaction: a crash keeps the old content, readers see either. A
record of a known id counts when it was modified later, or at the same instant with other content.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
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
from tidegate.advisories.osv import Advisory, base_of, normalize_name
from tidegate.domain.errors import InvalidAdvisoryError, UnavailableError
from tidegate.domain.finding import normalize_id

INDEX_FILE = "advisories.sqlite"
"""Name of the index in the data folder."""

SCHEMA_VERSION = 1

LOCK_WAIT_S = 30.0
"""Longest wait for another process that writes."""

_SCHEMA = """
CREATE TABLE record(id TEXT PRIMARY KEY, modified_at TEXT NOT NULL, digest BLOB NOT NULL,
                    withdrawn INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE affected(ecosystem TEXT NOT NULL, package TEXT NOT NULL, id TEXT NOT NULL,
                      PRIMARY KEY(ecosystem, package, id)) WITHOUT ROWID;
CREATE INDEX affected_id ON affected(id);
CREATE TABLE identifier(identifier TEXT NOT NULL, id TEXT NOT NULL,
                        PRIMARY KEY(identifier, id)) WITHOUT ROWID;
CREATE INDEX identifier_id ON identifier(id);
CREATE TABLE source(ecosystem TEXT PRIMARY KEY, name TEXT NOT NULL, updated_at TEXT NOT NULL,
                    imported_at TEXT NOT NULL) WITHOUT ROWID;
"""

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
    record_count: int


class Outcome(StrEnum):
    """What became of one record."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"


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
        rows = self._connection.execute(
            "SELECT DISTINCT record.id, body FROM affected JOIN record USING (id)"
            " WHERE ecosystem IN (?, ?) AND package = ? ORDER BY record.id",
            (ecosystem, base_of(ecosystem), normalize_name(ecosystem, package)),
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
        """Return where the advisories of `ecosystem`, or of its base, come from."""
        found = {s.ecosystem: s for s in self._sources((ecosystem, base_of(ecosystem)))}
        return found.get(ecosystem) or found.get(base_of(ecosystem))

    def serves(self, ecosystem: str) -> bool:
        """Whether anything was imported for `ecosystem` or its base; cheaper than `source`."""
        row = self._connection.execute(
            "SELECT 1 FROM source WHERE ecosystem IN (?, ?)", (ecosystem, base_of(ecosystem))
        ).fetchone()
        return row is not None

    def sources(self) -> tuple[EcosystemSource, ...]:
        """Return every ecosystem's source, by ecosystem."""
        return tuple(self._sources(None))

    def state(self) -> str:
        """Return a name of all that the index holds: equal for equal records."""
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
    def writing(self, source: str, now: datetime) -> Iterator["IndexWriter"]:
        """Begin an import from `source`; it is kept whole at the end, or not at all on an error.

        Raises:
            UnavailableError: another import is running.
        """
        with _locked():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            writer = IndexWriter(self._connection, source, now)
            yield writer
            writer.write_sources()
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _sources(self, ecosystems: tuple[str, str] | None) -> Iterator[EcosystemSource]:
        where = "WHERE source.ecosystem IN (?, ?)" if ecosystems else ""
        rows = self._connection.execute(
            "SELECT source.ecosystem, name, updated_at, imported_at,"  # noqa: S608 - constants only
            " (SELECT count(DISTINCT id) FROM affected"
            "  WHERE affected.ecosystem = source.ecosystem)"
            f" FROM source {where} ORDER BY source.ecosystem",
            ecosystems or (),
        )
        for ecosystem, name, updated_at, imported_at, count in rows:
            yield EcosystemSource(
                ecosystem,
                name,
                datetime.fromisoformat(updated_at),
                datetime.fromisoformat(imported_at),
                count,
            )


class IndexWriter:
    """Puts records into an index inside one transaction; see `AdvisoryIndex.writing`."""

    def __init__(self, connection: sqlite3.Connection, source: str, now: datetime) -> None:
        self._connection = connection
        self._source = source
        self._now = now.astimezone(UTC)
        self._newest: dict[str, datetime] = {}

    def put(self, advisory: Advisory, body: bytes) -> Outcome:
        """Store `advisory`, read from `body`, unless the index holds it or a later one."""
        digest = sha256(body).digest()
        for ecosystem in advisory.ecosystems:
            modified_at = min(advisory.modified_at, self._now)
            self._newest[ecosystem] = max(self._newest.get(ecosystem, modified_at), modified_at)
        if self._is_held(advisory, digest):
            return Outcome.UNCHANGED
        self._drop(advisory.id)
        self._connection.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?)",
            (
                advisory.id,
                advisory.modified_at.isoformat(),
                digest,
                advisory.withdrawn,
                msgspec.msgpack.encode(advisory),
            ),
        )
        if advisory.withdrawn:  # kept without entries, so that an older copy does not come back
            return Outcome.WITHDRAWN
        self._connection.executemany(
            "INSERT OR IGNORE INTO affected VALUES (?, ?, ?)",
            [(entry.ecosystem, entry.package, advisory.id) for entry in advisory.affected],
        )
        self._connection.executemany(
            "INSERT INTO identifier VALUES (?, ?)",
            [(identifier, advisory.id) for identifier in sorted(advisory.ids)],
        )
        return Outcome.IMPORTED

    def write_sources(self) -> None:
        """Note this import as the source of every ecosystem that its records named."""
        self._connection.executemany(
            "INSERT INTO source VALUES (?1, ?2, ?3, ?4) ON CONFLICT(ecosystem) DO UPDATE SET"
            " name = ?2, updated_at = max(updated_at, ?3), imported_at = ?4",
            [
                (ecosystem, self._source, newest.isoformat(), self._now.isoformat())
                for ecosystem, newest in self._newest.items()
            ],
        )

    def _is_held(self, advisory: Advisory, digest: bytes) -> bool:
        row = self._connection.execute(
            "SELECT modified_at, digest FROM record WHERE id = ?", (advisory.id,)
        ).fetchone()
        if row is None:
            return False
        held_at = datetime.fromisoformat(row[0])
        return held_at > advisory.modified_at or (
            held_at == advisory.modified_at and row[1] == digest
        )

    def _drop(self, record_id: str) -> None:
        for table in ("record", "affected", "identifier"):
            self._connection.execute(f"DELETE FROM {table} WHERE id = ?", (record_id,))  # noqa: S608 - three constants


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


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        version = _version(connection)
        if version == 0:
            connection.execute("BEGIN IMMEDIATE")
            version = _version(connection) or _create(connection)
            connection.execute("COMMIT")
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
