"""The agent's copy of the feed, on disk: what gates get while the hub is away.

Batches are rows of an SQLite file, bodies of snapshots files beside it. Nothing here is verified:
the agent has no keys, and gates check every envelope. So what comes is only bounded, put in order
and kept: where the hub was put back to an older state, what is here already stays, and what is new
comes after it. A crash loses nothing that was answered for: each page is one transaction.
"""

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import structlog

from tidegate.agent.feed_pages import Held, newest_snapshots, page_after
from tidegate.agent.feed_told import require_batch, require_snapshot, require_snapshot_id
from tidegate.agent.sqlite_file import SqliteFile, open_or_begin_anew
from tidegate.wire.feed_http_v1 import FeedBatchV1, FeedPageV1, FeedSnapshotV1

MAX_BATCH_CHARS = 2**30
"""Of all batches together; beyond, the oldest are dropped, and gates that lack them go to the
registry. A worker makes a snapshot long before."""

MAX_KEYS = 64
"""Evidence keys whose chains are kept."""

KEPT_S = 3600.0
"""What a newer snapshot holds is kept so long all the same, for gates that are a little behind."""

_FILE = "feed.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY CHECK (id = 1), history TEXT NOT NULL, cursor TEXT NOT NULL,
    last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
    place INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, chain TEXT NOT NULL,
    epoch INTEGER NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, envelope TEXT NOT NULL,
    received_at REAL NOT NULL, UNIQUE (fingerprint, chain, epoch, digest));
CREATE TABLE IF NOT EXISTS snapshots (
    place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,
    chain TEXT NOT NULL, epoch INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    envelope TEXT NOT NULL, through INTEGER NOT NULL, received_at REAL NOT NULL);
"""

# The chain is the one heard of last; a snapshot of it comes later than the batches that it holds.
_ENDS = """
WITH entries AS (
    SELECT place, fingerprint, chain, epoch, received_at FROM batches UNION ALL
    SELECT place, fingerprint, chain, epoch, received_at FROM snapshots)
SELECT fingerprint, chain, max(epoch), max(received_at) FROM entries AS each
WHERE chain = (SELECT chain FROM entries WHERE fingerprint = each.fingerprint
               ORDER BY place DESC LIMIT 1)
GROUP BY fingerprint, chain ORDER BY fingerprint
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """How far a key's chain is here."""

    fingerprint: str
    chain: str
    epoch: int
    received_at: float
    """When the last of it came, batch or snapshot."""


class FeedCopy:
    """A copy in a folder; for one process, any of its threads."""

    def __init__(self, folder: Path) -> None:
        self._bodies = folder / "snapshots"
        self._bodies.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = SqliteFile(folder / _FILE, _SCHEMA)
        self._database = self._file.connection
        with self._file.changing():
            self._database.execute(
                "INSERT OR IGNORE INTO state VALUES (1, ?, '', 0)", (secrets.token_hex(8),)
            )
            self._drop_strays()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def cursor(self) -> str:
        """Where to go on at the hub; empty: nowhere yet."""
        with self._file.reading():
            return str(self._database.execute("SELECT cursor FROM state").fetchone()[0])

    @property
    def ends(self) -> tuple[ChainEnd, ...]:
        """How far each key's chain has come: by batches, or by a snapshot that is ahead of them."""
        with self._file.reading():
            rows = self._database.execute(_ENDS).fetchall()
        return tuple(ChainEnd(*row) for row in rows)

    def body(self, snapshot: str) -> Path:
        """Return where the body of a snapshot is that is here.

        Raises:
            InputError: no id of a snapshot.
        """
        require_snapshot_id(snapshot)
        return self._bodies / snapshot

    def part(self, snapshot: str) -> Path:
        """Return where a snapshot's body is put while it comes, and found by `take_snapshot`.

        Raises:
            InputError: no id of a snapshot.
        """
        return self.body(snapshot).with_suffix(".part")

    def size_of(self, snapshot: str) -> int | None:
        """Return the size of a snapshot that is whole here; None: it is not."""
        with self._file.reading():
            row = self._database.execute(
                "SELECT size FROM snapshots WHERE id = ?", (snapshot,)
            ).fetchone()
        return None if row is None else int(row[0])

    def wants(self, snapshot: FeedSnapshotV1) -> bool:
        """Whether a snapshot is worth fetching: not here yet, and not behind what is.

        Raises:
            InputError: it is not of the form that it should have.
        """
        require_snapshot(snapshot)
        with self._file.reading():
            if self._is_here(snapshot.id):
                return False
            held = newest_snapshots(self._database).get(snapshot.fingerprint)
        return held is None or held.chain != snapshot.chain or held.epoch < snapshot.epoch

    def take(
        self, batches: Iterable[FeedBatchV1], cursor: str, now: float, *, whole: bool = True
    ) -> int:
        """Keep batches that are new here and, where they are the `whole` page, how far it reaches.

        Return how many are new.

        Raises:
            InputError: a batch is not of the form that it should have; none was kept.
        """
        given = list(batches)
        for batch in given:
            require_batch(batch)
        with self._file.changing():
            held = newest_snapshots(self._database)
            added = sum(self._add(batch, held.get(batch.fingerprint), now) for batch in given)
            if whole:
                self._database.execute("UPDATE state SET cursor = ?", (cursor,))
            self._bound()
        return added

    def take_snapshot(self, snapshot: FeedSnapshotV1, now: float) -> None:
        """Keep a snapshot whose body is whole at `part`."""
        with self._file.changing():
            # Here, and not by the caller: a body that no row names yet would be swept away.
            self.part(snapshot.id).replace(self.body(snapshot.id))
            through = self._database.execute(
                "SELECT coalesce(max(place), 0) FROM batches "
                "WHERE fingerprint = ? AND chain = ? AND epoch <= ?",
                (snapshot.fingerprint, snapshot.chain, snapshot.epoch),
            ).fetchone()[0]
            self._database.execute(
                "INSERT OR IGNORE INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._next_place(),
                    snapshot.id,
                    snapshot.fingerprint,
                    snapshot.chain,
                    snapshot.epoch,
                    snapshot.size,
                    snapshot.sha256,
                    snapshot.envelope,
                    through,
                    now,
                ),
            )

    def prune(self, now: float) -> None:
        """Drop what newer snapshots hold, and those that they replaced, after a while."""
        with self._file.changing():
            self._prune(now - KEPT_S)
        with self._file.reading():
            self._drop_bodies()

    def page(self, after: str) -> FeedPageV1 | None:
        """Return what came after a gate's cursor; None: nothing did.

        A cursor that is not of this copy begins anew: with the newest snapshot of each key, and
        what came after it.
        """
        with self._file.reading():
            return page_after(self._database, after)

    def _add(self, batch: FeedBatchV1, held: Held | None, now: float) -> bool:
        if held is not None and held.chain == batch.chain and batch.epoch <= held.epoch:
            return False
        digest = sha256(batch.envelope.encode()).hexdigest()
        same = (batch.fingerprint, batch.chain, batch.epoch, digest)
        known = self._database.execute(
            "SELECT 1 FROM batches WHERE fingerprint = ? AND chain = ? AND epoch = ? "
            "AND digest = ?",
            same,
        ).fetchone()
        if known is not None or not self._has_room(batch.fingerprint):
            return False
        self._database.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self._next_place(), *same, len(batch.envelope), batch.envelope, now),
        )
        return True

    def _has_room(self, fingerprint: str) -> bool:
        keys = {
            row[0] for row in self._database.execute("SELECT DISTINCT fingerprint FROM batches")
        }
        if fingerprint in keys or len(keys) < MAX_KEYS:
            return True
        _log.warning("feed.key_left_out", fingerprint=fingerprint, keys=len(keys))
        return False

    def _next_place(self) -> int:
        self._database.execute("UPDATE state SET last = last + 1")
        return int(self._database.execute("SELECT last FROM state").fetchone()[0])

    def _bound(self) -> None:
        """Drop the oldest batches where there are too many."""
        total = self._database.execute("SELECT coalesce(sum(size), 0) FROM batches").fetchone()[0]
        while total > MAX_BATCH_CHARS:
            place, size = self._database.execute(
                "SELECT place, size FROM batches ORDER BY place LIMIT 1"
            ).fetchone()
            self._database.execute("DELETE FROM batches WHERE place = ?", (place,))
            total -= size
            _log.warning("feed.batch_dropped", why="more batches than are kept", place=place)

    def _prune(self, before: float) -> None:
        ends = {
            row[0]
            for row in self._database.execute("SELECT max(place) FROM batches GROUP BY fingerprint")
        }
        for fingerprint, held in newest_snapshots(self._database).items():
            rows = self._database.execute(
                "SELECT place, chain, epoch FROM batches WHERE fingerprint = ? AND received_at < ?",
                (fingerprint, before),
            ).fetchall()
            gone = [(row[0],) for row in rows if held.covers(*row) and row[0] not in ends]
            self._database.executemany("DELETE FROM batches WHERE place = ?", gone)
            self._database.execute(
                "DELETE FROM snapshots WHERE fingerprint = ? AND place < ? AND received_at < ?",
                (fingerprint, held.place, before),
            )

    def _is_here(self, snapshot: str) -> bool:
        found = self._database.execute("SELECT 1 FROM snapshots WHERE id = ?", (snapshot,))
        return found.fetchone() is not None

    def _drop_bodies(self) -> None:
        """Delete bodies that no row names, but for those that are being fetched."""
        known = {row[0] for row in self._database.execute("SELECT id FROM snapshots")}
        for path in self._bodies.iterdir():
            if not path.name.endswith(".part") and path.name not in known:
                path.unlink(missing_ok=True)

    def _drop_strays(self) -> None:
        """Forget snapshots whose body is gone, and bodies that were never finished."""
        rows = self._database.execute("SELECT id, size FROM snapshots").fetchall()
        for snapshot, size in rows:
            path = self._bodies / snapshot
            if not path.is_file() or path.stat().st_size != size:
                _log.warning("feed.snapshot_lost", snapshot=snapshot)
                self._database.execute("DELETE FROM snapshots WHERE id = ?", (snapshot,))
                # What it held has to come again.
                self._database.execute("UPDATE state SET cursor = ''")
        self._drop_bodies()


def open_copy(folder: Path) -> FeedCopy:
    """Return the copy in `folder`; one that is broken is dropped, and comes again from the hub.

    Raises:
        OSError: there can be no files.
        sqlite3.Error: the file cannot be opened.
    """
    return open_or_begin_anew(folder / _FILE, lambda: FeedCopy(folder))


def read_chunk(path: Path, begin: int, size: int) -> bytes:
    """Return up to `size` octets of a file; an open reader keeps a file that is deleted."""
    with path.open("rb") as file:
        return os.pread(file.fileno(), size, begin)
