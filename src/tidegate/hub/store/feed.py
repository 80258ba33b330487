"""The feed as workers append it and clusters read it: chains of batches, in one order.

The hub holds no keys: it cannot tell a good envelope from a bad one and does not try. It keeps
what comes in order, bounded, and lets only that batch in which the end of its chain is named.
A cursor names a place in the order and what is there: after a database was put back to an older
state, or the entry was dropped, it names nothing, and who asks begins anew.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError, InputError
from tidegate.hub.store.feed_snapshots import newest, newest_of, wire_snapshot
from tidegate.hub.store.schema import feed_batches, feed_heads, feed_order, feed_snapshots
from tidegate.wire.feed_http_v1 import (
    MAX_ANSWER_CHARS,
    FeedAppendV1,
    FeedBatchV1,
    FeedHeadV1,
    FeedPageV1,
    FeedStatusV1,
)
from tidegate.wire.hub_v1 import FeedEndV1

MAX_KEYS = 64
"""Evidence keys with a feed; chains of keys out of use are dropped in time."""

PAGE_BATCHES = 500
MARK_CHARS = 16

_B, _S, _H = feed_batches.c, feed_snapshots.c, feed_heads.c


@dataclass(frozen=True, slots=True)
class _Cursor:
    """After which entry to go on."""

    place: int
    mark: str
    """Of the digest of what is there."""
    base: int = 0
    """Where a reader began anew in several answers: the last place when it did."""

    @property
    def text(self) -> str:
        base = f".{self.base}" if self.base > self.place else ""
        return f"{self.place}.{self.mark}{base}"


async def append(connection: AsyncConnection, body: FeedAppendV1, now: str) -> bool:
    """Append a batch; False: the chain ends elsewhere. The caller has `Turn.FEED`.

    Raises:
        InputError: a position that no chain has.
        ConflictError: there are too many chains.
    """
    if (body.epoch == 1) != (body.previous == ""):
        raise InputError(
            f"epoch {body.epoch} with previous {body.previous!r}; only the first batch of a chain "
            "has none before it"
        )
    head = await _head_row(connection, body.fingerprint)
    if not _continues(body, head):
        return False
    place = await next_place(connection)
    await connection.execute(
        insert(feed_batches).values(
            place=place,
            fingerprint=body.fingerprint,
            chain=body.chain,
            epoch=body.epoch,
            digest=body.digest,
            rows=body.rows,
            size=len(body.envelope),
            envelope=body.envelope,
            received_at=now,
        )
    )
    moved = {
        "chain": body.chain,
        "epoch": body.epoch,
        "digest": body.digest,
        "place": place,
        "updated_at": now,
    }
    if body.epoch == 1:
        moved |= {"filled": False, "filled_upto": 0}
    if head is None:
        await _require_room(connection)
        unleased = {"lease_hash": "", "lease_expires_at": ""}
        await connection.execute(
            insert(feed_heads).values(fingerprint=body.fingerprint, **unleased, **moved)
        )
    else:
        await connection.execute(
            update(feed_heads).where(_H.fingerprint == body.fingerprint).values(moved)
        )
    return True


async def head_of(connection: AsyncConnection, fingerprint: str) -> FeedHeadV1:
    """Return the end of a key's chain."""
    row = await _head_row(connection, fingerprint)
    if row is None:
        return FeedHeadV1()
    envelope = select(_B.envelope).where(_B.place == row.place)
    snapshot = await newest_of(connection, fingerprint)
    rows, size = await _since(connection, fingerprint, snapshot.through if snapshot else 0)
    return FeedHeadV1(
        epoch=row.epoch,
        chain=row.chain,
        digest=row.digest,
        envelope=(await connection.execute(envelope)).scalar_one(),
        rows_since_snapshot=rows,
        bytes_since_snapshot=size,
        snapshot=wire_snapshot(snapshot) if snapshot else None,
        is_filled=row.filled,
    )


async def ends(connection: AsyncConnection) -> dict[str, FeedEndV1]:
    """Return the end of each key's chain, by the key's fingerprint."""
    rows = await connection.execute(select(_H.fingerprint, _H.chain, _H.epoch))
    return {row.fingerprint: FeedEndV1(row.fingerprint, row.chain, row.epoch) for row in rows}


async def status(connection: AsyncConnection) -> list[FeedStatusV1]:
    """Return the feed of each key, for people."""
    found = []
    for row in await connection.execute(select(feed_heads).order_by(_H.fingerprint)):
        snapshot = await newest_of(connection, row.fingerprint)
        rows, size = await _since(connection, row.fingerprint, snapshot.through if snapshot else 0)
        found.append(
            FeedStatusV1(
                fingerprint=row.fingerprint,
                chain=row.chain,
                epoch=row.epoch,
                updated_at=row.updated_at,
                rows_since_snapshot=rows,
                bytes_since_snapshot=size,
                is_filled=row.filled,
                snapshot_epoch=snapshot.epoch if snapshot else 0,
                snapshot_size=snapshot.size if snapshot else 0,
                snapshot_at=snapshot.touched_at if snapshot else "",
            )
        )
    return found


async def page(connection: AsyncConnection, after: str, fingerprint: str = "") -> FeedPageV1 | None:
    """Return what came after a cursor, of one key or of all; None: nothing did.

    Raises:
        InputError: `after` is no cursor.
    """
    last = await _last(connection)
    if last is None:
        return None
    cursor = _parse_cursor(after)
    if cursor is not None and not await _is_there(connection, cursor):
        cursor = None
    if cursor is not None and cursor.place == last.place:
        return None
    begun = cursor is None
    base = last.place if cursor is None else cursor.base
    start = 0 if cursor is None else cursor.place
    found = await _batches(connection, start, base, fingerprint)
    chosen, more = _bounded(found)
    end = last if not more else _Cursor(chosen[-1].place, _mark(chosen[-1].digest), base)
    told_from = 0 if begun else max(start, base)
    snapshots = await newest(connection, told_from, end.place if not begun else base)
    return FeedPageV1(
        cursor=end.text,
        reset=begun,
        more=more,
        snapshots=[wire_snapshot(s) for s in snapshots if fingerprint in {"", s.fingerprint}],
        batches=await _with_envelopes(connection, chosen),
    )


async def next_place(connection: AsyncConnection) -> int:
    """Return the next place in the order. The caller has `Turn.FEED`."""
    taken = update(feed_order).values(last=feed_order.c.last + 1).returning(feed_order.c.last)
    return int((await connection.execute(taken)).scalar_one())


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Delete up to `limit` batches that a snapshot covers and that came before `older_than`."""
    ends = select(_H.place)
    covered = select(func.max(_S.through)).where(
        _S.fingerprint == _B.fingerprint, _S.place.is_not(None)
    )
    old = (
        select(_B.place)
        .where(
            _B.received_at < older_than,
            _B.place <= covered.scalar_subquery(),
            _B.place.not_in(ends),
        )
        .limit(limit)
    )
    return (await connection.execute(delete(feed_batches).where(_B.place.in_(old)))).rowcount


async def forget_keys(connection: AsyncConnection, older_than: str) -> int:
    """Delete chains to which nothing was appended since `older_than`: their keys are not used."""
    idle = select(_H.fingerprint).where(_H.updated_at < older_than)
    total = 0
    for table in (feed_batches, feed_snapshots, feed_heads):
        gone = delete(table).where(table.c.fingerprint.in_(idle))
        total += (await connection.execute(gone)).rowcount
    return total


def _continues(body: FeedAppendV1, head: Row[Any] | None) -> bool:
    if body.epoch == 1:
        return body.replaces == (head.digest if head is not None else "")
    return (
        head is not None
        and head.chain == body.chain
        and head.epoch + 1 == body.epoch
        and head.digest == body.previous
    )


async def _require_room(connection: AsyncConnection) -> None:
    total = (await connection.execute(select(func.count()).select_from(feed_heads))).scalar_one()
    if total >= MAX_KEYS:
        raise ConflictError(
            f"{total} evidence keys have a feed, the most that may; those that nobody appends to "
            "are dropped in time"
        )


async def _head_row(connection: AsyncConnection, fingerprint: str) -> Row[Any] | None:
    query = select(feed_heads).where(_H.fingerprint == fingerprint)
    return (await connection.execute(query)).first()


async def _since(connection: AsyncConnection, fingerprint: str, through: int) -> tuple[int, int]:
    query = select(func.coalesce(func.sum(_B.rows), 0), func.coalesce(func.sum(_B.size), 0)).where(
        _B.fingerprint == fingerprint, _B.place > through
    )
    rows, size = (await connection.execute(query)).one()
    return int(rows), int(size)


async def _last(connection: AsyncConnection) -> _Cursor | None:
    """Return the cursor of the last entry of all."""
    queries = (
        select(_B.place, _B.digest).order_by(_B.place.desc()).limit(1),
        select(_S.place, _S.sha256).where(_S.place.is_not(None)).order_by(_S.place.desc()).limit(1),
    )
    found = [row for query in queries if (row := (await connection.execute(query)).first())]
    if not found:
        return None
    place, digest = max((row[0], row[1]) for row in found)
    return _Cursor(place, _mark(digest))


async def _is_there(connection: AsyncConnection, cursor: _Cursor) -> bool:
    queries = (
        select(_B.digest).where(_B.place == cursor.place),
        select(_S.sha256).where(_S.place == cursor.place),
    )
    for query in queries:
        digest = (await connection.execute(query)).scalar()
        if digest is not None:
            return _mark(digest) == cursor.mark
    return False


async def _batches(
    connection: AsyncConnection, start: int, base: int, fingerprint: str
) -> list[Row[Any]]:
    """Return where batches after `start` are, without what snapshots up to `base` hold."""
    covered = (
        select(_S.fingerprint, func.max(_S.through).label("through"))
        .where(_S.place <= base)
        .group_by(_S.fingerprint)
        .subquery()
    )
    wanted: list[ColumnElement[bool]] = [
        _B.place > start,
        or_(_B.place > base, _B.place > func.coalesce(covered.c.through, 0)),
    ]
    if fingerprint:
        wanted.append(_B.fingerprint == fingerprint)
    query: Select[Any] = (
        select(_B.place, _B.fingerprint, _B.chain, _B.epoch, _B.digest, _B.size)
        .select_from(feed_batches.outerjoin(covered, and_(covered.c.fingerprint == _B.fingerprint)))
        .where(*wanted)
        .order_by(_B.place)
        .limit(PAGE_BATCHES + 1)
    )
    return list(await connection.execute(query))


def _bounded(found: list[Row[Any]]) -> tuple[list[Row[Any]], bool]:
    """Return as many of `found` as one answer has room for, and whether that leaves some out."""
    chosen, total = list[Row[Any]](), 0
    for row in found[:PAGE_BATCHES]:
        total += row.size
        if chosen and total > MAX_ANSWER_CHARS:
            break
        chosen.append(row)
    return chosen, len(chosen) < len(found)


async def _with_envelopes(connection: AsyncConnection, chosen: list[Row[Any]]) -> list[FeedBatchV1]:
    places = [row.place for row in chosen]
    query = select(_B.place, _B.envelope).where(_B.place.in_(places))
    envelopes = {row.place: row.envelope for row in await connection.execute(query)}
    return [
        FeedBatchV1(row.fingerprint, row.chain, row.epoch, envelopes[row.place]) for row in chosen
    ]


def _mark(digest: str) -> str:
    return digest.removeprefix("sha256:")[:MARK_CHARS]


def _parse_cursor(text: str) -> _Cursor | None:
    if not text:
        return None
    place, _, rest = text.partition(".")
    mark, _, base = rest.partition(".")
    if not (_is_number(place) and mark and (not base or _is_number(base))):
        raise InputError(f"after is {text[:80]!r}; want the cursor of an answer, or none")
    return _Cursor(int(place), mark, int(base or 0))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
