"""All connections of one port: what they share, and who looks at their deadlines."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Protocol

from tidegate.net.bodies import Bodies
from tidegate.net.limits import ConnectionLimits
from tidegate.net.messages import App

READ_BYTES = 256 * 1024
"""Read at once at most. Were each reading given a piece of memory of its own, as plain protocols
are, it would be of this size, fresh from the kernel for each request and given back after it."""

LOOKS_PER_DEADLINE = 8
MIN_LOOK_S = 0.05
MAX_LOOK_S = 0.5


class OpenConnection(Protocol):
    """One of them."""

    due_s: float
    """When it has to be looked at, on the event loop's clock."""

    def time_is_up(self, now_s: float) -> None:
        """End what was waited for until `due_s`."""

    def close_when_idle(self) -> None:
        """Close now, or once the request under way is answered."""

    def abort(self) -> None:
        """Close at once."""


class Connections:
    """What all connections of one port share."""

    def __init__(
        self,
        app: App,
        limits: ConnectionLimits,
        bodies: Bodies,
        on_cut: Callable[[str], None] = lambda _: None,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.app = app
        self.limits = limits
        self.bodies = bodies
        self.on_cut = on_cut
        """Gets the reason for which a connection was cut."""
        self.open: set[OpenConnection] = set()
        self.ending = False
        """The next answer on each connection is its last."""
        self.lingering = True
        """Whether connections without a request are left open, and new ones taken."""
        self.loop = loop or asyncio.get_running_loop()
        self.read_into = memoryview(bytearray(READ_BYTES))
        """Of whichever connection is read: what one brings is taken before the next one is read."""
        self._date_at = -1
        self._date = b""
        shortest_s = min(limits.header_deadline_s, limits.body_deadline_s)
        self._look_s = min(MAX_LOOK_S, max(MIN_LOOK_S, shortest_s / LOOKS_PER_DEADLINE))
        self._next_look = self.loop.call_later(self._look_s, self._look)

    async def end(self, drain_s: float, linger_s: float = 0.0) -> None:
        """Let requests under way be answered for at most `drain_s`, then close what is open.

        For `linger_s` before that, a connection that is idle still takes one request, whose answer
        says that it was the last: whoever had sent it already would see it fail otherwise, and may
        not send it again (RFC 9112 section 9.3.1).
        """
        self.ending = True
        await self._gone(linger_s)
        self.lingering = False
        for connection in tuple(self.open):
            connection.close_when_idle()
        await self._gone(drain_s)
        self._next_look.cancel()
        for connection in tuple(self.open):
            connection.abort()

    async def _gone(self, within_s: float) -> None:
        """Return when no connection is open any more, at the latest after `within_s`."""
        until_s = self.loop.time() + within_s
        while self.open and self.loop.time() < until_s:
            await asyncio.sleep(0.01)

    def date(self) -> bytes:
        """Return the current Date (RFC 9110 section 6.6.1), made once a second."""
        second = int(self.loop.time())
        if second != self._date_at:
            self._date_at, self._date = second, formatdate(time.time(), usegmt=True).encode()
        return self._date

    def _look(self) -> None:
        now_s = self.loop.time()
        for connection in [each for each in self.open if each.due_s <= now_s]:
            connection.time_is_up(now_s)
        self._next_look = self.loop.call_later(self._look_s, self._look)
