"""Reports that existed before a key's chain, a page at a time, so that a worker brings them in."""

import asyncio

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.store.schema import feed_heads, images
from tidegate.wire.feed_http_v1 import FeedKnownReportV1, FeedKnownV1
from tidegate.wire.hub_v1 import PlatformReportV1

PAGE_IMAGES = 50

_REPORTS = msgspec.json.Decoder(list[PlatformReportV1])
_I, _H = images.c, feed_heads.c


async def next_page(connection: AsyncConnection, fingerprint: str, done: int) -> FeedKnownV1:
    """Keep that images up to `done` are in the chain; return the page after them.

    Once there is none, the chain counts as filled. The caller has the turn.
    """
    await _note(connection, fingerprint, {"filled_upto": done})
    query = (
        select(_I.id, _I.registry, _I.repository, _I.digest, _I.reports)
        # Its oldest report in the registry is of then: there is one.
        .where(_I.id > done, _I.reported_at != "")
        .order_by(_I.id)
        .limit(PAGE_IMAGES)
    )
    rows = list(await connection.execute(query))
    if not rows:
        await _note(connection, fingerprint, {"filled": True})
        return FeedKnownV1(done)
    reports = await asyncio.to_thread(lambda: [_REPORTS.decode(row.reports) for row in rows])
    return FeedKnownV1(
        rows[-1].id,
        [
            FeedKnownReportV1(row.registry, row.repository, row.digest, each.digest, each.artifact)
            for row, found in zip(rows, reports, strict=True)
            for each in found
            if each.artifact
        ],
    )


async def _note(connection: AsyncConnection, fingerprint: str, values: dict[str, object]) -> None:
    await connection.execute(update(feed_heads).where(_H.fingerprint == fingerprint).values(values))
