"""Holds back for a moment what would be refused only because a scan is still under way.

A review whose images are being scanned since it named them waits, where a setting says so, and
looks again whenever reports may have come: the feed rings, or some time passed. It holds no place
of those who gather evidence meanwhile; those who wait are few, and one namespace takes at most half
of their places. Who gets none, or waits in vain, is told what would have been said at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tidegate.gate.metrics import REPORT_WAITS
from tidegate.gate.slots import Slots

MAX_WAITING = 64
"""Reviews that wait at once: each looks twice a second, while the API server holds a thread."""

LOOK_S = 0.5
"""Between two looks that nobody rang for. Memory is looked at; registries are asked about an image
without a report once in `negative_s` (`EvidenceLimits`), however many wait for it."""


class ReportWait:
    """Those who wait for reports; not for several threads."""

    def __init__(
        self, wait_s: float, clock_s: Callable[[], float], max_waiting: int = MAX_WAITING
    ) -> None:
        self.wait_s = wait_s
        """Longest wait of one review; 0: none waits."""
        self._clock_s = clock_s
        self._places = Slots(max_waiting)
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Let all who wait look now: reports came that are in memory."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def hold(
        self, namespace: str, until_s: float, look: Callable[[float], Awaitable[bool]]
    ) -> None:
        """Wait until `look` says that there is nothing to wait for, at most until `until_s`.

        `look` is given the seconds that are left.
        """
        with self._places.take(namespace) as granted:
            if not granted:
                REPORT_WAITS.labels("no_place").inc()
                return
            until_s = min(until_s, self._clock_s() + self.wait_s)
            bell = self._bell
            while (left_s := until_s - self._clock_s()) > 0:
                await _rung(bell, min(LOOK_S, left_s))
                bell = self._bell  # of now: it may be rung while we look
                left_s = until_s - self._clock_s()
                if left_s > 0 and await look(left_s):
                    REPORT_WAITS.labels("report").inc()
                    return
        REPORT_WAITS.labels("in_vain").inc()


async def _rung(bell: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):  # then a look without being called
        async with asyncio.timeout(seconds):
            await bell.wait()
