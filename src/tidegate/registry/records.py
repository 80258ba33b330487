"""What the registry knows beside the blobs: one SQLite file, one statement per question.

Tables instead of the usual tree of link files, for three reasons. A manifest, its tag, its place
among the referrers and the event that tells of it appear in one transaction, so no crash separates
them. No repository name or tag ever becomes a path. Lists, filters and pages are index look-ups.
The list of referrers is no copy that could go stale: it is a column of the manifests.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tidegate.domain.digest import Digest
from tidegate.domain.errors import ConfigurationError

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS blob (
  repository TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
  PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blob_digest ON blob (digest);

-- `seq` orders referrers: what is pushed while somebody pages comes last, so nothing is skipped.
CREATE TABLE IF NOT EXISTS manifest (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL,
  subject TEXT, artifact_type TEXT NOT NULL, descriptor BLOB NOT NULL, body BLOB NOT NULL,
  UNIQUE (repository, digest)
);
CREATE INDEX IF NOT EXISTS referrer ON manifest (repository, subject, seq)
  WHERE subject IS NOT NULL;

-- Which manifest a blob belongs to: such a blob is not deleted.
CREATE TABLE IF NOT EXISTS part (
  repository TEXT NOT NULL, blob TEXT NOT NULL, manifest TEXT NOT NULL,
  PRIMARY KEY (repository, blob, manifest)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS part_manifest ON part (repository, manifest);

CREATE TABLE IF NOT EXISTS tag (
  repository TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,
  PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tag_digest ON tag (repository, digest);

-- Events not delivered yet. Pushing the same again before then makes one event, the later one.
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  repository TEXT NOT NULL, digest TEXT NOT NULL, tag TEXT NOT NULL, body BLOB NOT NULL,
  UNIQUE (repository, digest, tag) ON CONFLICT REPLACE
);
"""


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as it was pushed."""

    digest: Digest
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A manifest as it is kept."""

    repository: str
    digest: Digest
    media_type: str
    subject: Digest | None
    artifact_type: str
    descriptor: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Referrer:
    """An entry of a list of referrers."""

    seq: int
    descriptor: bytes


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event on its way."""

    seq: int
    body: bytes


class Records:
    """Questions and changes on one connection; a change belongs into `transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes within, or none; on disk before it returns."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def blob_size(self, repository: str, digest: Digest) -> int | None:
        """Return the size of a blob of this repository; None where it holds none."""
        row = self._one(
            "SELECT size FROM blob WHERE repository = ? AND digest = ?", repository, digest
        )
        return None if row is None else int(row[0])

    def holds_anywhere(self, digest: Digest) -> bool:
        """Whether any repository holds this blob."""
        return self._one("SELECT 1 FROM blob WHERE digest = ? LIMIT 1", digest) is not None

    def is_empty(self) -> bool:
        """Whether no blob is known at all."""
        return self._one("SELECT 1 FROM blob LIMIT 1") is None

    def add_blob(self, repository: str, digest: Digest, size: int) -> None:
        """Record that the repository holds the blob."""
        self._run("INSERT OR REPLACE INTO blob VALUES (?, ?, ?)", repository, digest, size)

    def remove_blob(self, repository: str, digest: Digest) -> None:
        """Record that the repository holds the blob no longer."""
        self._run("DELETE FROM blob WHERE repository = ? AND digest = ?", repository, digest)

    def manifest_with(self, repository: str, blob: Digest) -> str | None:
        """Return a manifest of this repository that the blob is part of."""
        row = self._one(
            "SELECT manifest FROM part WHERE repository = ? AND blob = ? LIMIT 1", repository, blob
        )
        return None if row is None else str(row[0])

    def manifest(self, repository: str, digest: str) -> StoredManifest | None:
        """Return a manifest by digest."""
        row = self._one(
            "SELECT digest, media_type, body FROM manifest WHERE repository = ? AND digest = ?",
            repository,
            digest,
        )
        return None if row is None else StoredManifest(Digest(str(row[0])), str(row[1]), row[2])

    def tagged_digest(self, repository: str, tag: str) -> str | None:
        """Return the digest that `tag` points to."""
        row = self._one("SELECT digest FROM tag WHERE repository = ? AND name = ?", repository, tag)
        return None if row is None else str(row[0])

    def add_manifest(self, row: ManifestRow, blobs: Sequence[Digest]) -> None:
        """Keep a manifest; pushed again, it keeps its place among the referrers."""
        self._run(
            "INSERT INTO manifest (repository, digest, media_type, subject, artifact_type,"
            " descriptor, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (repository, digest) DO UPDATE SET media_type = excluded.media_type,"
            " artifact_type = excluded.artifact_type, descriptor = excluded.descriptor",
            row.repository,
            row.digest,
            row.media_type,
            row.subject,
            row.artifact_type,
            row.descriptor,
            row.body,
        )
        self._connection.executemany(
            "INSERT OR IGNORE INTO part VALUES (?, ?, ?)",
            [(row.repository, blob, row.digest) for blob in blobs],
        )

    def remove_manifest(self, repository: str, digest: Digest) -> bool:
        """Remove a manifest and the tags that point to it; return whether there was one."""
        for statement in (
            "DELETE FROM tag WHERE repository = ? AND digest = ?",
            "DELETE FROM part WHERE repository = ? AND manifest = ?",
        ):
            self._run(statement, repository, digest)
        return (
            self._run(
                "DELETE FROM manifest WHERE repository = ? AND digest = ?", repository, digest
            )
            > 0
        )

    def set_tag(self, repository: str, tag: str, digest: Digest) -> None:
        """Point `tag` to `digest`."""
        self._run("INSERT OR REPLACE INTO tag VALUES (?, ?, ?)", repository, tag, digest)

    def remove_tag(self, repository: str, tag: str) -> bool:
        """Remove a tag; return whether there was one."""
        return self._run("DELETE FROM tag WHERE repository = ? AND name = ?", repository, tag) > 0

    def knows_repository(self, repository: str) -> bool:
        """Whether anything was pushed to this repository and is still there."""
        return any(
            self._one(statement, repository) is not None
            for statement in (
                "SELECT 1 FROM manifest WHERE repository = ? LIMIT 1",
                "SELECT 1 FROM blob WHERE repository = ? LIMIT 1",
            )
        )

    def tags(self, repository: str, after: str, limit: int) -> list[str]:
        """Return the tags that sort after `after`, in the order of their bytes."""
        rows = self._connection.execute(
            "SELECT name FROM tag WHERE repository = ? AND name > ? ORDER BY name LIMIT ?",
            (repository, after, limit),
        )
        return [name for (name,) in rows]

    def repositories(self, after: str, limit: int) -> list[str]:
        """Return repositories with a manifest that sort after `after`.

        One index look-up per name: a plain DISTINCT would read every manifest's entry.
        """
        names: list[str] = []
        while len(names) < limit:
            row = self._one("SELECT min(repository) FROM manifest WHERE repository > ?", after)
            if row is None or row[0] is None:
                break
            after = str(row[0])
            names.append(after)
        return names

    def referrers(
        self, repository: str, subject: Digest, artifact_type: str, after: int
    ) -> Iterator[Referrer]:
        """Yield what refers to `subject`, oldest first; of one type where it is not empty."""
        with closing(
            self._connection.execute(
                "SELECT seq, descriptor FROM manifest WHERE repository = ?1 AND subject = ?2"
                " AND seq > ?4 AND (?3 = '' OR artifact_type = ?3) ORDER BY seq",
                (repository, subject, artifact_type, after),
            )
        ) as rows:
            for seq, descriptor in rows:
                yield Referrer(seq, descriptor)

    def add_event(self, repository: str, digest: Digest, tag: str, body: bytes) -> None:
        """Put an event into the outbox."""
        self._run(
            "INSERT INTO outbox (repository, digest, tag, body) VALUES (?, ?, ?, ?)",
            repository,
            digest,
            tag,
            body,
        )

    def events(self, limit: int) -> list[OutboxRow]:
        """Return the oldest events of the outbox."""
        rows = self._connection.execute(
            "SELECT seq, body FROM outbox ORDER BY seq LIMIT ?", (limit,)
        )
        return [OutboxRow(seq, body) for seq, body in rows]

    def remove_events(self, seqs: Sequence[int]) -> None:
        """Take delivered events out of the outbox."""
        self._connection.executemany("DELETE FROM outbox WHERE seq = ?", [(seq,) for seq in seqs])

    def _one(self, statement: str, *arguments: object) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._connection.execute(statement, arguments).fetchone()
        return found

    def _run(self, statement: str, *arguments: object) -> int:
        return self._connection.execute(statement, arguments).rowcount


def open_records(path: Path) -> sqlite3.Connection:
    """Return a connection to the file at `path`, made if need be.

    Raises:
        ConfigurationError: the file is damaged, or a newer version's.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        _prepare(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ConfigurationError(f"{path}: not readable as SQLite: {error}") from error
    except ConfigurationError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a commit is on disk when it returns
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path}: schema {version}, want {SCHEMA_VERSION} or older; start the version of "
            "Tidegate that wrote it"
        )
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
