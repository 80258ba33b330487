"""Which of the registries' events the hub has acted on: an event told twice is acted on once."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.store.database import Turn, take_turn
from tidegate.hub.store.schema import notices

_STEP = 500
"""Keys in one query; databases bound the number of parameters."""


async def keep_new(connection: AsyncConnection, keys: Sequence[str], now: str) -> set[str]:
    """Return those of `keys` that were not told before, and remember them."""
    await take_turn(connection, Turn.IMAGES)
    fresh = dict.fromkeys(keys)
    for start in range(0, len(keys), _STEP):
        known = select(notices.c.key).where(notices.c.key.in_(keys[start : start + _STEP]))
        for key in (await connection.execute(known)).scalars():
            fresh.pop(key, None)
    if fresh:
        rows = [{"key": key, "told_at": now} for key in fresh]
        await connection.execute(insert(notices), rows)
    return set(fresh)


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Forget up to `limit` events told of before `older_than`; no registry repeats them so late."""
    old = select(notices.c.key).where(notices.c.told_at < older_than).limit(limit)
    return (await connection.execute(delete(notices).where(notices.c.key.in_(old)))).rowcount
