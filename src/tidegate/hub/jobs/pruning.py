"""Deletes what is older than the operator keeps it, in small steps that let others write."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from tidegate.domain.errors import UnavailableError
from tidegate.hub.clock import render_instant
from tidegate.hub.store import (
    event_groups,
    event_tallies,
    events,
    feed,
    feed_snapshots,
    jobs,
    notices,
    rejudgements,
    scans,
    sign_in_failures,
    workers,
)
from tidegate.hub.store.database import Database

INTERVAL_S = 600.0
STEP_ROWS = 2000

_STEPS = (
    events.prune,
    event_groups.prune,
    event_tallies.prune,
    jobs.prune,
    scans.prune,
    rejudgements.prune,
    workers.prune,
    notices.prune,
)

FEED_KEPT = timedelta(hours=1)
"""What a newer snapshot holds is kept so long all the same, for those who are a little behind."""

FEED_KEYS_UNUSED = timedelta(days=90)
"""A chain to which nobody appended for so long is of a key that is not used any more."""

FEED_STEP_PARTS = 16
"""64 MiB at a time."""

_log = structlog.get_logger()


async def prune(database: Database, retention: timedelta, now: datetime) -> int:
    """Delete what is older than `retention`, none: for ever; return how many rows went."""
    older_than = render_instant(now - retention)
    async with database.write() as connection:
        total = await sign_in_failures.prune(connection, now)
        total += await feed.forget_keys(connection, render_instant(now - FEED_KEYS_UNUSED))
    total += await _prune_feed(database, render_instant(now - FEED_KEPT))
    for step in _STEPS if retention else ():
        deleted = 1
        while deleted:
            async with database.write() as connection:
                deleted = await step(connection, older_than, STEP_ROWS)
            total += deleted
    return total


async def _prune_feed(database: Database, older_than: str) -> int:
    total = 0
    for step, limit in ((feed.prune, STEP_ROWS), (feed_snapshots.prune, FEED_STEP_PARTS)):
        deleted = 1
        while deleted:
            async with database.write() as connection:
                deleted = await step(connection, older_than, limit)
            total += deleted
    return total


async def keep_pruned(
    database: Database, retention: timedelta, now: Callable[[], datetime]
) -> None:
    """Prune now and then, until cancelled; a failure is logged and tried again."""
    while True:
        try:
            deleted = await prune(database, retention, now())
            if deleted:
                _log.info("pruned", rows=deleted, retention_d=retention.days)
        except (SQLAlchemyError, UnavailableError):
            _log.exception("pruning failed; it is tried again", again_in_s=INTERVAL_S)
        await asyncio.sleep(INTERVAL_S)
