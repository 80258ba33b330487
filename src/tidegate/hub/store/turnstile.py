"""Lets so many at a time have a connection, and so many wait; who comes beyond that is told when.

Before the pool: a pool that is used up refuses whoever waited longest, after a time-out and without
order. Here the first to come is the first to go, and a queue that is full says so at once.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from tidegate.domain.errors import OverloadedError

MAX_WAIT_S = 20.0
"""Who waited so long is answered 503 rather than kept: proxies give up a moment later."""

RETRY_AFTER_S = 2


class Turnstile:
    """Counts who is inside; not for several threads."""

    def __init__(
        self,
        places: int,
        queue: int,
        max_wait_s: float = MAX_WAIT_S,
        on_refused: Callable[[], None] = lambda: None,
    ) -> None:
        self._places = asyncio.Semaphore(places)
        self._queue = queue
        self._max_wait_s = max_wait_s
        self._on_refused = on_refused
        self.waiting = 0
        """How many wait for a place now."""

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Have a place inside the block.

        Raises:
            OverloadedError: too many wait already, or the wait took too long.
        """
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    async def _wait(self) -> None:
        if self.waiting >= self._queue:
            raise self._refusal(f"{self.waiting} requests wait for its database, the most that may")
        self.waiting += 1
        try:
            async with asyncio.timeout(self._max_wait_s):
                await self._places.acquire()
        except TimeoutError as error:
            why = f"this waited {self._max_wait_s:g} s for its database"
            raise self._refusal(why) from error
        finally:
            self.waiting -= 1

    def _refusal(self, why: str) -> OverloadedError:
        self._on_refused()
        return OverloadedError(
            f"the hub is overloaded: {why}; send it again later", retry_after_s=RETRY_AFTER_S
        )
