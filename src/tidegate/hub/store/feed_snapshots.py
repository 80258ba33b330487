"""Snapshots of the feed: taken in parts, served once they are whole, dropped when outdated.

All parts but the last have `PART_BYTES`, so that any byte of a body is found without reading the
others. An upload is bounded by what it says at its beginning.
"""

import secrets
import uuid
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError, InputError, NotFoundError
from tidegate.hub.store.schema import (
    feed_batches,
    feed_heads,
    feed_snapshot_parts,
    feed_snapshots,
)
from tidegate.hub.store.tokens import hash_of
from tidegate.wire.feed_http_v1 import PART_BYTES, FeedSnapshotV1, FeedUploadV1

_S, _P, _H, _B = feed_snapshots.c, feed_snapshot_parts.c, feed_heads.c, feed_batches.c


def wire_snapshot(row: Row[Any]) -> FeedSnapshotV1:
    """Return a snapshot as it is told of."""
    return FeedSnapshotV1(
        id=row.id,
        fingerprint=row.fingerprint,
        chain=row.chain,
        epoch=row.epoch,
        size=row.size,
        sha256=row.sha256,
        envelope=row.envelope,
    )


async def newest_of(connection: AsyncConnection, fingerprint: str) -> Row[Any] | None:
    """Return a key's newest snapshot."""
    query = select(feed_snapshots).where(_S.fingerprint == fingerprint, _S.place.is_not(None))
    return (await connection.execute(query.order_by(_S.place.desc()).limit(1))).first()


async def newest(connection: AsyncConnection, after: int, upto: int) -> list[Row[Any]]:
    """Return the newest snapshot of each key among those of places beyond `after`, to `upto`."""
    last = (
        select(func.max(_S.place))
        .where(_S.place > after, _S.place <= upto)
        .group_by(_S.fingerprint)
    )
    query = select(feed_snapshots).where(_S.place.in_(last)).order_by(_S.place)
    return list(await connection.execute(query))


async def take_turn_at(
    connection: AsyncConnection, fingerprint: str, given: str, expires_at: str, now: str
) -> str:
    """Return the secret of the turn to compact or fill a chain; empty: another worker has it.

    Raises:
        NotFoundError: the key has no chain.
    """
    head = await _locked_head(connection, fingerprint)
    if head.lease_expires_at > now and not _is_held(head, given, now):
        return ""
    secret = given if _is_held(head, given, now) else secrets.token_urlsafe(32)
    await connection.execute(
        update(feed_heads)
        .where(_H.fingerprint == fingerprint)
        .values(lease_hash=hash_of(secret), lease_expires_at=expires_at)
    )
    return secret


async def require_turn(
    connection: AsyncConnection, fingerprint: str, secret: str, now: str
) -> Row[Any]:
    """Return the head of a chain whose turn `secret` is of.

    Raises:
        ConflictError: the turn is lost.
        NotFoundError: the key has no chain.
    """
    head = await _locked_head(connection, fingerprint)
    if not _is_held(head, secret, now):
        raise ConflictError("the turn at this chain is lost; abandon it: somebody else goes on")
    return head


async def end_turn(connection: AsyncConnection, fingerprint: str, secret: str, now: str) -> None:
    """Give a turn up; one that is lost is none to give."""
    head = await _locked_head(connection, fingerprint)
    if _is_held(head, secret, now):
        nobodys = {"lease_hash": "", "lease_expires_at": ""}
        await connection.execute(
            update(feed_heads).where(_H.fingerprint == fingerprint).values(nobodys)
        )


async def begin(connection: AsyncConnection, body: FeedUploadV1, now: str) -> str:
    """Begin an upload and return its id; an unfinished one of the same key is given up.

    Raises:
        ConflictError: the turn is lost, or the hub does not know the batch that it reaches to.
    """
    await require_turn(connection, body.fingerprint, body.lease, now)
    query = select(_B.place).where(
        _B.fingerprint == body.fingerprint, _B.chain == body.chain, _B.epoch == body.epoch
    )
    through = (await connection.execute(query)).scalar()
    if through is None:
        raise ConflictError(
            f"chain {body.chain} has no batch {body.epoch} here; read the chain again"
        )
    unfinished = delete(feed_snapshots).where(
        _S.fingerprint == body.fingerprint, _S.place.is_(None)
    )
    await connection.execute(unfinished)
    upload = uuid.uuid4().hex
    await connection.execute(
        insert(feed_snapshots).values(
            id=upload,
            through=through,
            fingerprint=body.fingerprint,
            chain=body.chain,
            epoch=body.epoch,
            size=body.size,
            sha256=body.sha256,
            envelope=body.envelope,
            touched_at=now,
        )
    )
    return upload


async def put_part(
    connection: AsyncConnection, upload: str, number: int, content: bytes, now: str
) -> None:
    """Keep a part; the same part again replaces it.

    Raises:
        NotFoundError: there is no such upload.
        InputError: it is no part of it, or of another size.
    """
    row = await unfinished(connection, upload)
    wanted = min(PART_BYTES, row.size - number * PART_BYTES)
    if wanted <= 0 or len(content) != wanted:
        raise InputError(
            f"part {number} has {len(content)} bytes; want {max(wanted, 0)} of a snapshot of "
            f"{row.size}, in parts of {PART_BYTES}"
        )
    at = (_P.snapshot == upload) & (_P.number == number)
    await connection.execute(delete(feed_snapshot_parts).where(at))
    await connection.execute(
        insert(feed_snapshot_parts).values(snapshot=upload, number=number, content=content)
    )
    await connection.execute(update(feed_snapshots).where(_S.id == upload).values(touched_at=now))


async def unfinished(connection: AsyncConnection, upload: str) -> Row[Any]:
    """Return an upload that goes on.

    Raises:
        NotFoundError: there is none of this id.
    """
    query = select(feed_snapshots).where(_S.id == upload, _S.place.is_(None))
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFoundError(f"no upload {upload!r} goes on; begin it again")
    return row


async def finished(connection: AsyncConnection, snapshot: str) -> Row[Any]:
    """Return a snapshot that is whole.

    Raises:
        NotFoundError: there is none of this id (any more).
    """
    query = select(feed_snapshots).where(_S.id == snapshot, _S.place.is_not(None))
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFoundError(f"no snapshot {snapshot!r}; a newer one may have taken its place")
    return row


async def part(connection: AsyncConnection, snapshot: str, number: int) -> bytes:
    """Return a part.

    Raises:
        NotFoundError: it is not there (any more).
    """
    query = select(_P.content).where(_P.snapshot == snapshot, _P.number == number)
    content = (await connection.execute(query)).scalar()
    if content is None:
        raise NotFoundError(f"snapshot {snapshot!r} has no part {number}")
    return bytes(content)


async def finish(connection: AsyncConnection, upload: str, place: int, now: str) -> None:
    """Give a whole snapshot its place, from which on it is served."""
    await unfinished(connection, upload)
    await connection.execute(
        update(feed_snapshots).where(_S.id == upload).values(place=place, touched_at=now)
    )


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Delete up to `limit` parts of outdated snapshots and dead uploads, then those themselves."""
    later = feed_snapshots.alias()
    outdated = (
        select(later.c.id)
        .where(later.c.fingerprint == _S.fingerprint, later.c.place > _S.place)
        .exists()
    )
    dead = select(_S.id).where(_S.touched_at < older_than, _S.place.is_(None) | outdated)
    doomed = [str(found) for found in (await connection.execute(dead)).scalars()]
    if not doomed:
        return 0
    parts = select(_P.snapshot, _P.number).where(_P.snapshot.in_(doomed)).limit(limit)
    found = list(await connection.execute(parts))
    for row in found:
        at = (_P.snapshot == row.snapshot) & (_P.number == row.number)
        await connection.execute(delete(feed_snapshot_parts).where(at))
    if len(found) < limit:
        await connection.execute(delete(feed_snapshots).where(_S.id.in_(doomed)))
    return len(found) + (len(doomed) if len(found) < limit else 0)


def _is_held(head: Row[Any], secret: str, now: str) -> bool:
    return (
        bool(head.lease_hash)
        and secrets.compare_digest(head.lease_hash, hash_of(secret))
        and head.lease_expires_at > now
    )


async def _locked_head(connection: AsyncConnection, fingerprint: str) -> Row[Any]:
    query = select(feed_heads).where(_H.fingerprint == fingerprint).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFoundError("this key has no chain yet; append a batch first")
    return row
