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

_log = structlog.get_logger()


async def prune(database: Database, retention: timedelta, now: datetime) -> int:
    """Delete what is older than `retention`, none: for ever; return how many rows went."""
    older_than = render_instant(now - retention)
    async with database.write() as connection:
        total = await sign_in_failures.prune(connection, now)
    for step in _STEPS if retention else ():
        deleted = 1
        while deleted:
            async with database.write() as connection:
                deleted = await step(connection, older_than, STEP_ROWS)
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
