"""Hears what other hubs of the same database change, so that those who wait here wake too.

PostgreSQL says it (`NOTIFY`) as part of each transaction that changes something: triggers of the
schema, so no change can forget it. On SQLite there is one hub and nothing to hear.
"""

import asyncio
from typing import Any

import structlog

from tidegate.domain.errors import DatabaseUnavailableError
from tidegate.hub.signals import Signals
from tidegate.hub.store.database import Database

CHANNEL = "tidegate_hub"
"""As the triggers of the schema say it."""

RETRY_S = 1.0
LOOK_S = 5.0
"""How often a connection on which nothing is said is tried: a broken network says nothing too."""

_log = structlog.get_logger()


async def hear_changes(database: Database, signals: Signals) -> None:
    """Ring the signals that other hubs cause, until cancelled."""
    while True:
        try:
            await _listen(database, signals)
        except (DatabaseUnavailableError, OSError, TimeoutError) as error:
            _log.warning("changes by other hubs are not heard", why=str(error), again_in_s=RETRY_S)
        await asyncio.sleep(RETRY_S)


async def _listen(database: Database, signals: Signals) -> None:
    """Listen until the connection is lost."""
    lost = asyncio.Event()
    named = {
        "policy": signals.policy,
        "events": signals.events,
        "jobs": signals.jobs,
        "feed": signals.feed,
        "access": signals.access,
    }

    def on_notice(_: object, __: int, ___: str, name: object) -> None:
        signal = named.get(str(name))
        if signal is not None:
            signal.ring()

    async with database.session() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        driver.add_termination_listener(lambda _: lost.set())
        await driver.add_listener(CHANNEL, on_notice)
        # What changed while nobody listened.
        for signal in named.values():
            signal.ring()
        while not lost.is_set():
            try:
                async with asyncio.timeout(LOOK_S):
                    await lost.wait()
            except TimeoutError:
                await driver.execute("SELECT 1", timeout=LOOK_S)
