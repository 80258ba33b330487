"""What agents last told, over all clusters: break-glass in force, and feeds by their age."""

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.clock import parse_instant
from tidegate.hub.store.schema import clusters
from tidegate.wire.protection_v1 import BreakGlassV1, ClusterBreakGlassV1, ClusterFeedV1

MAX_BREAK_GLASS_LISTED = 50


class _Told(msgspec.Struct, rename="camel"):
    """Of what an agent told, the part that is read here."""

    break_glass: list[BreakGlassV1] | None = None
    break_glass_count: int = 0


_TOLD = msgspec.json.Decoder(_Told)


async def break_glass(
    connection: AsyncConnection, now: datetime
) -> tuple[list[ClusterBreakGlassV1], int]:
    """Return what is let in by hand at `now`, the last to end first, and how many there are.

    An agent that is away told of them before; they end without it. Of the objects that it only
    counted none is known to have ended.
    """
    query = select(clusters.c.name, clusters.c.protection).where(
        clusters.c.protection.contains('"breakGlass":[{')
    )
    found: list[tuple[datetime, ClusterBreakGlassV1]] = []
    unnamed = 0
    for name, text in (await connection.execute(query)).all():
        told = _TOLD.decode(text)
        named = told.break_glass or []
        unnamed += max(0, told.break_glass_count - len(named))
        for each in named:
            until = parse_instant(each.until)
            if until is not None and now < until:
                found.append((until, ClusterBreakGlassV1(name, each)))
    found.sort(key=lambda pair: (pair[0], pair[1].cluster, pair[1].object.name), reverse=True)
    return [entry for _, entry in found[:MAX_BREAK_GLASS_LISTED]], len(found) + unnamed


async def oldest_feeds(connection: AsyncConnection, limit: int) -> list[ClusterFeedV1]:
    """Return the `limit` clusters whose feed is the oldest; those that were never fed come last.

    `old` is for the caller to say.
    """
    heard = clusters.c.feed_at
    query = (
        select(clusters.c.name, heard, clusters.c.last_seen_at)
        .where(clusters.c.last_seen_at != "")
        .order_by(heard == "", heard, clusters.c.name)
        .limit(limit)
    )
    return [ClusterFeedV1(*row) for row in (await connection.execute(query)).all()]
