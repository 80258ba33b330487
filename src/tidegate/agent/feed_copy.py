"""The agent's copy of the feed, on disk: what gates get while the hub is away.

Batches are rows of an SQLite file, bodies of snapshots files beside it. Nothing here is verified:
the agent has no keys, and gates check every envelope. So what comes is only bounded, put in order
and kept: where the hub was put back to an older state, what is here already stays, and what is new
comes after it. A crash loses nothing that was answered for: each page is one transaction.
"""

import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import structlog

from tidegate.domain.errors import InputError
from tidegate.wire.feed_http_v1 import (
    MAX_ANSWER_CHARS,
    MAX_ENVELOPE_CHARS,
    MAX_SNAPSHOT_BYTES,
    MAX_SNAPSHOT_ENVELOPE_CHARS,
    FeedBatchV1,
    FeedPageV1,
    FeedSnapshotV1,
)

MAX_BATCH_CHARS = 2**30
"""Of all batches together; beyond, the oldest are dropped, and gates that lack them go to the
registry. A worker makes a snapshot long before."""

MAX_KEYS = 64
"""Evidence keys whose chains are kept."""

KEPT_S = 3600.0
"""What a newer snapshot holds is kept so long all the same, for gates that are a little behind."""

PAGE_BATCHES = 500

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

_HEX = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{32}")
_CHAIN = re.compile(r"[0-9a-f-]{36}")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """How far a key's chain is here."""

    fingerprint: str
    epoch: int
    received_at: float


@dataclass(frozen=True, slots=True)
class _Held:
    """The newest snapshot of a key, as far as it covers batches."""

    place: int
    chain: str
    epoch: int
    through: int

    def covers(self, place: int, chain: str, epoch: int) -> bool:
        return epoch <= self.epoch if chain == self.chain else place <= self.through


class FeedCopy:
    """A copy in a folder; for one process, any of its threads."""

    def __init__(self, folder: Path) -> None:
        self._bodies = folder / "snapshots"
        self._bodies.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            folder / _FILE, check_same_thread=False, isolation_level=None
        )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)
        self._database.execute(
            "INSERT OR IGNORE INTO state VALUES (1, ?, '', 0)", (secrets.token_hex(8),)
        )
        self._drop_strays()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @property
    def cursor(self) -> str:
        """Where to go on at the hub; empty: nowhere yet."""
        with self._lock:
            return str(self._database.execute("SELECT cursor FROM state").fetchone()[0])

    @property
    def ends(self) -> tuple[ChainEnd, ...]:
        """The last batch of each key."""
        with self._lock:
            rows = self._database.execute(
                "SELECT fingerprint, epoch, received_at FROM batches WHERE place IN "
                "(SELECT max(place) FROM batches GROUP BY fingerprint) ORDER BY fingerprint"
            ).fetchall()
        return tuple(ChainEnd(*row) for row in rows)

    def body(self, snapshot: str) -> Path:
        """Return where a snapshot's body is, or is to be.

        Raises:
            InputError: no id of a snapshot.
        """
        if _ID.fullmatch(snapshot) is None:
            raise InputError(f"{snapshot[:80]!r} is no id of a snapshot")
        return self._bodies / snapshot

    def size_of(self, snapshot: str) -> int | None:
        """Return the size of a snapshot that is whole here; None: it is not."""
        with self._lock:
            row = self._database.execute(
                "SELECT size FROM snapshots WHERE id = ?", (snapshot,)
            ).fetchone()
        return None if row is None else int(row[0])

    def wants(self, snapshot: FeedSnapshotV1) -> bool:
        """Whether a snapshot is worth fetching: not here yet, and not behind what is.

        Raises:
            InputError: it is not of the form that it should have.
        """
        _require_snapshot(snapshot)
        with self._lock:
            if self._is_here(snapshot.id):
                return False
            held = self._newest().get(snapshot.fingerprint)
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
            _require_batch(batch)
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            held = self._newest()
            added = sum(self._add(batch, held.get(batch.fingerprint), now) for batch in given)
            if whole:
                self._database.execute("UPDATE state SET cursor = ?", (cursor,))
            self._bound()
        return added

    def take_snapshot(self, snapshot: FeedSnapshotV1, now: float) -> None:
        """Keep a snapshot whose body is whole at its place."""
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
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
        with self._lock:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                self._prune(now - KEPT_S)
            self._drop_bodies()

    def page(self, after: str) -> FeedPageV1 | None:
        """Return what came after a gate's cursor; None: nothing did.

        A cursor that is not of this copy begins anew: with the newest snapshot of each key, and
        what came after it.
        """
        with self._lock:
            history, last = self._database.execute("SELECT history, last FROM state").fetchone()
            start, base = _read_cursor(after, history, last)
            if start == last and start > 0:
                return None
            begun = start < 0
            base = last if begun else base
            chosen, end, more = self._chosen(max(start, 0), base)
            told = self._told(0 if begun else max(start, base), base if begun else end)
        if begun and not (chosen or told):
            return None
        suffix = f".{base}" if more and base > end else ""
        return FeedPageV1(
            cursor=f"{history}.{end}{suffix}",
            reset=begun,
            more=more,
            snapshots=told,
            batches=chosen,
        )

    def _chosen(self, start: int, base: int) -> tuple[list[FeedBatchV1], int, bool]:
        """Return batches for one answer, the place that they reach, and whether there are more."""
        held = self._newest(base)
        last: int = self._database.execute("SELECT last FROM state").fetchone()[0]
        rows = self._database.execute(
            "SELECT place, fingerprint, chain, epoch, size FROM batches WHERE place > ? "
            "ORDER BY place",
            (start,),
        )
        chosen: list[FeedBatchV1] = []
        end, size = start, 0
        for place, fingerprint, chain, epoch, length in rows:
            covering = held.get(fingerprint) if place <= base else None
            if covering is None or not covering.covers(place, chain, epoch):
                size += length
                if chosen and (size > MAX_ANSWER_CHARS or len(chosen) >= PAGE_BATCHES):
                    return chosen, end, True
                text = self._database.execute(
                    "SELECT envelope FROM batches WHERE place = ?", (place,)
                ).fetchone()[0]
                chosen.append(FeedBatchV1(fingerprint, chain, epoch, text))
            end = place
        return chosen, last, False

    def _told(self, after: int, upto: int) -> list[FeedSnapshotV1]:
        rows = self._database.execute(
            "SELECT id, fingerprint, chain, epoch, size, sha256, envelope FROM snapshots "
            "WHERE place IN (SELECT max(place) FROM snapshots WHERE place > ? AND place <= ? "
            "GROUP BY fingerprint) ORDER BY place",
            (after, upto),
        )
        return [FeedSnapshotV1(*row) for row in rows]

    def _newest(self, upto: int = 2**62) -> dict[str, _Held]:
        rows = self._database.execute(
            "SELECT fingerprint, max(place), chain, epoch, through FROM snapshots "
            "WHERE place <= ? GROUP BY fingerprint",  # SQLite: other columns of the greatest row
            (upto,),
        )
        return {fingerprint: _Held(*rest) for fingerprint, *rest in rows}

    def _add(self, batch: FeedBatchV1, held: _Held | None, now: float) -> bool:
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
        for fingerprint, held in self._newest().items():
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
    """Return the copy in `folder`; one that is broken is put aside, and comes again from the hub.

    Raises:
        OSError: there can be no files.
    """
    try:
        return FeedCopy(folder)
    except sqlite3.DatabaseError as error:
        _log.warning("feed.copy_broken", folder=str(folder), why=str(error))
        for path in folder.glob(f"{_FILE}*"):
            path.unlink()
        return FeedCopy(folder)


def read_chunk(path: Path, begin: int, size: int) -> bytes:
    """Return up to `size` octets of a file; an open reader keeps a file that is deleted."""
    with path.open("rb") as file:
        return os.pread(file.fileno(), size, begin)


def _read_cursor(text: str, history: str, last: int) -> tuple[int, int]:
    """Return the place after which to go on, -1 to begin anew, and where that began earlier."""
    parts = text.split(".")
    numbers = [part for part in parts[1:] if part.isascii() and part.isdigit() and len(part) < 19]
    if parts[0] != history or not 1 <= len(numbers) == len(parts) - 1 <= 2:
        return -1, 0
    start = int(numbers[0])
    return (start, int(numbers[1]) if len(numbers) == 2 else 0) if start <= last else (-1, 0)


def _require_batch(batch: FeedBatchV1) -> None:
    if not (
        _HEX.fullmatch(batch.fingerprint)
        and _CHAIN.fullmatch(batch.chain)
        and 1 <= batch.epoch < 2**53
        and len(batch.envelope) <= MAX_ENVELOPE_CHARS
    ):
        raise InputError("the hub told of a batch that has no place in any chain, or is too large")


def _require_snapshot(snapshot: FeedSnapshotV1) -> None:
    if not (
        _ID.fullmatch(snapshot.id)
        and _HEX.fullmatch(snapshot.fingerprint)
        and _HEX.fullmatch(snapshot.sha256)
        and _CHAIN.fullmatch(snapshot.chain)
        and 1 <= snapshot.epoch < 2**53
        and 1 <= snapshot.size <= MAX_SNAPSHOT_BYTES
        and len(snapshot.envelope) <= MAX_SNAPSHOT_ENVELOPE_CHARS
    ):
        raise InputError("the hub told of a snapshot that has no form of one, or is too large")
