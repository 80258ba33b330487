"""Which entries of the agent's copy a gate gets next, by the cursor of its last answer.

A cursor is `HISTORY.PLACE` or `HISTORY.PLACE.BASE`. `HISTORY` names this copy: a cursor of another
one begins anew. `PLACE` is how far the gate is. `BASE` stands there while a gate that began anew is
still in what was here when it began: batches up to it that the newest snapshots hold are left out.
"""

import sqlite3
from dataclasses import dataclass

from tidegate.wire.feed_http_v1 import MAX_ANSWER_CHARS, FeedBatchV1, FeedPageV1, FeedSnapshotV1

PAGE_BATCHES = 500

ANEW = -1
"""Place of a gate whose cursor is none of this copy's."""


@dataclass(frozen=True, slots=True)
class Held:
    """The newest snapshot of a key, as far as it covers batches."""

    place: int
    chain: str
    epoch: int
    through: int
    """Place of the last batch that it holds; of other chains, those before it are older."""

    def covers(self, place: int, chain: str, epoch: int) -> bool:
        """Whether it holds a batch, or what took that one's place."""
        return epoch <= self.epoch if chain == self.chain else place <= self.through


def newest_snapshots(database: sqlite3.Connection, upto: int = 2**62) -> dict[str, Held]:
    """Return the newest snapshot of each key, by the key's fingerprint, among places to `upto`."""
    rows = database.execute(
        "SELECT fingerprint, max(place), chain, epoch, through FROM snapshots "
        "WHERE place <= ? GROUP BY fingerprint",  # SQLite: other columns of the greatest row
        (upto,),
    )
    return {fingerprint: Held(*rest) for fingerprint, *rest in rows}


def page_after(database: sqlite3.Connection, after: str) -> FeedPageV1 | None:
    """Return what came after a gate's cursor; None: nothing did.

    A gate that begins anew gets the newest snapshot of each key, and what came after it.
    """
    history, last = database.execute("SELECT history, last FROM state").fetchone()
    start, base = _read_cursor(after, history, last)
    if start == last and start > 0:
        return None
    begun = start == ANEW
    base = last if begun else base
    chosen, end, more = _batches_after(database, max(start, 0), base, last)
    told = _snapshots_between(database, 0 if begun else max(start, base), base if begun else end)
    if begun and not (chosen or told):
        return None
    suffix = f".{base}" if more and base > end else ""
    return FeedPageV1(
        cursor=f"{history}.{end}{suffix}", reset=begun, more=more, snapshots=told, batches=chosen
    )


def _batches_after(
    database: sqlite3.Connection, start: int, base: int, last: int
) -> tuple[list[FeedBatchV1], int, bool]:
    """Return batches for one answer, the place that they reach, and whether there are more."""
    held = newest_snapshots(database, base)
    rows = database.execute(
        "SELECT place, fingerprint, chain, epoch, size FROM batches WHERE place > ? ORDER BY place",
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
            (text,) = database.execute(
                "SELECT envelope FROM batches WHERE place = ?", (place,)
            ).fetchone()
            chosen.append(FeedBatchV1(fingerprint, chain, epoch, text))
        end = place
    return chosen, last, False


def _snapshots_between(database: sqlite3.Connection, after: int, upto: int) -> list[FeedSnapshotV1]:
    """Return the newest snapshot of each key, of those that came between two places."""
    rows = database.execute(
        "SELECT id, fingerprint, chain, epoch, size, sha256, envelope FROM snapshots "
        "WHERE place IN (SELECT max(place) FROM snapshots WHERE place > ? AND place <= ? "
        "GROUP BY fingerprint) ORDER BY place",
        (after, upto),
    )
    return [FeedSnapshotV1(*row) for row in rows]


def _read_cursor(text: str, history: str, last: int) -> tuple[int, int]:
    """Return the place after which to go on, or `ANEW`, and where that began earlier."""
    parts = text.split(".")
    numbers = [part for part in parts[1:] if part.isascii() and part.isdigit() and len(part) < 19]
    if parts[0] != history or not 1 <= len(numbers) == len(parts) - 1 <= 2:
        return ANEW, 0
    start = int(numbers[0])
    return (start, int(numbers[1]) if len(numbers) == 2 else 0) if start <= last else (ANEW, 0)
