"""Wakes those who wait, in this process, for something to change in the database.

A waiter notes `count`, reads the database, and waits for a count beyond the one it noted: a change
between reading and waiting is never missed.
"""

import asyncio


class Signal:
    """Something that changes now and then."""

    def __init__(self) -> None:
        self.count = 0
        self.closed = False
        """Set when the hub ends: nobody shall wait any more."""
        self.waiting = 0
        """How many wait now."""
        self._changed = asyncio.Event()

    def ring(self) -> None:
        """Wake all waiters."""
        self.count += 1
        self._wake()

    def close(self) -> None:
        """Wake all waiters for good."""
        self.closed = True
        self._wake()

    async def wait_beyond(self, seen: int, timeout_s: float) -> bool:
        """Return True once `count` is beyond `seen`, False after `timeout_s` or at the end."""
        self.waiting += 1
        try:
            async with asyncio.timeout(max(timeout_s, 0)):
                while self.count == seen and not self.closed:
                    await self._changed.wait()
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
        return self.count != seen

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Signals:
    """What hub requests wait for."""

    def __init__(self) -> None:
        self.policy = Signal()
        """Rules, the organisation's settings or a cluster's gating changed."""
        self.events = Signal()
        """Events were recorded."""
        self.jobs = Signal()
        """A job was queued."""
        self.reports = Signal()
        """A scan's reports were kept."""
        self.feed = Signal()
        """Something was appended to the feed."""
        self.access = Signal()
        """Somebody may do less than before: revoked, signed out, disabled, given another role."""

    def close(self) -> None:
        """End all waiting."""
        signals = (self.policy, self.events, self.jobs, self.reports, self.feed, self.access)
        for signal in signals:
            signal.close()
