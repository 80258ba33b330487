"""Looks after matching again: what failed, reports that grow old, the sets of images by package."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from tidegate.domain.errors import UnavailableError
from tidegate.hub.signals import Signal
from tidegate.hub.store import due, image_sets, renewal
from tidegate.hub.store.database import Database, Turn

INTERVAL_S = 60.0
STEP_PACKAGES = 500
RETRY_AFTER = timedelta(hours=1)
"""A registry that takes no reports is left alone for so long."""

_log = structlog.get_logger()


async def renew(database: Database, now: datetime) -> int:
    """Let images whose reports grow old wait for new ones; return how many."""
    async with database.write_in_turn(Turn.PACKAGES) as connection:
        return await renewal.add_old(connection, now)


async def try_again(database: Database) -> int:
    """Let images of which matching or attaching failed be matched again; return how many."""
    async with database.write_in_turn(Turn.PACKAGES) as connection:
        return await due.try_again(connection)


async def compact(database: Database, more_than: int = image_sets.MIN_CHANGES) -> int:
    """Write changes of which images carry what into their sets, where there are many.

    Returns how many there were.
    """
    async with database.read() as connection:
        if await image_sets.count_changes(connection) <= more_than:
            return 0
    total, done = 0, 1
    while done:
        async with database.write_in_turn(Turn.PACKAGES) as connection:
            done = await image_sets.compact(connection, STEP_PACKAGES)
        total += done
    return total


async def keep_rematched(database: Database, jobs: Signal, now: Callable[[], datetime]) -> None:
    """Do all of it now and then, until cancelled; a failure is logged and tried again."""
    retry_at = now()
    while True:
        try:
            if now() >= retry_at:
                retry_at = now() + RETRY_AFTER
                await try_again(database)
            renewed = await renew(database, now())
            if renewed:
                _log.info("reports grow old", images=renewed)
                jobs.ring()
            compacted = await compact(database)
            if compacted:
                _log.info("compacted", changes=compacted)
        except (SQLAlchemyError, UnavailableError):
            _log.exception("looking after reports failed; it is tried again", again_in_s=INTERVAL_S)
        await asyncio.sleep(INTERVAL_S)
