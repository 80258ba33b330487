"""Whether what is remembered of tokens and sessions was compared with the database of late.

Hubs of one database tell each other when access was taken; a hub that hears nothing, because its
connection is broken or something else wrote to the database, would go on with what it remembers.
So before it is relied on, a short question, twice a second for all requests together, tells whether
anything was taken since.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from tidegate.hub.signals import Signal

CONFIRMED_S = 1.0
"""How long a revoked token may still be answered by a hub that hears nothing (THREATS, row 20)."""


class Confirmed:
    """Asks `count` at most twice in `CONFIRMED_S`; rings `changes` where it differs."""

    def __init__(self, count: Callable[[], Awaitable[int]], changes: Signal) -> None:
        self._count = count
        self._changes = changes
        self._seen: int | None = None
        self._since: datetime | None = None
        self._asking = asyncio.Lock()

    async def confirm(self, now: datetime) -> None:
        """Return once nothing that is remembered was taken away before `now - CONFIRMED_S`.

        Raises:
            DatabaseUnavailableError: that cannot be known now.
        """
        if self._holds(now, CONFIRMED_S / 2):
            return
        if self._asking.locked() and self._holds(now, CONFIRMED_S):
            return  # in good time, somebody asks already: nobody else needs to wait
        async with self._asking:
            if self._holds(now, CONFIRMED_S / 2):
                return
            count = await self._count()
            if count != self._seen:
                self._changes.ring()
            self._seen, self._since = count, now

    def _holds(self, now: datetime, for_s: float) -> bool:
        # A clock that was set back must not make it hold longer.
        since = self._since
        return since is not None and since <= now < since + timedelta(seconds=for_s)
