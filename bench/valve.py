"""The way to a registry that can be narrowed, slowed and shut while it is in use."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from proxy import MAX_HEAD_BYTES, Proxy

BURST_S = 10.0
"""How much of its limit a registry that did nothing lately gives at once."""

_TOO_MANY = (
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b"
)
_WHY = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"too many requests"}]}'


class Weather(Enum):
    """How the registry is."""

    FAIR = "fair"
    SLOW = "slow"
    """Each answer takes `slow_s`."""
    REFUSING = "refusing"
    """Each answer is 429."""
    GONE = "gone"
    """Each connection ends at once."""


@dataclass
class Valve(Proxy):
    """A proxy with weather; `limit_per_min`: requests that get through, 0 for all."""

    weather: Weather = Weather.FAIR
    slow_s: float = 5.0
    limit_per_min: float = 0.0
    reads: int = 0
    """Requests that reached the registry."""
    refused: int = 0
    """Requests answered with 429."""
    _left: float = 0.0
    _filled_s: float = 0.0

    def limit(self, per_min: float) -> None:
        """Let `per_min` requests through, 0 for all, beginning with a full burst."""
        self.limit_per_min = per_min
        self._left, self._filled_s = per_min * BURST_S / 60, time.monotonic()

    async def refusal(self) -> bytes:
        """Return what is answered in the registry's place."""
        match self.weather:
            case Weather.GONE:
                raise ConnectionResetError("the registry is gone")
            case Weather.REFUSING:
                return self._too_many()
            case Weather.SLOW:
                await asyncio.sleep(self.slow_s)
            case Weather.FAIR:
                pass
        if not self._take():
            return self._too_many()
        self.reads += 1
        return b""

    def _too_many(self) -> bytes:
        self.refused += 1
        return _TOO_MANY % (len(_WHY), _WHY)

    def _take(self) -> bool:
        """Take one request from what the limit leaves, a bucket that fills all the time."""
        if not self.limit_per_min:
            return True
        now_s = time.monotonic()
        refilled = (now_s - self._filled_s) * self.limit_per_min / 60
        self._left = min(self.limit_per_min * BURST_S / 60, self._left + refilled)
        self._filled_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


@asynccontextmanager
async def valve(upstream_port: int) -> AsyncIterator[Valve]:
    """Run a valve in this process until the end of the block."""
    made = Valve(upstream_port)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=MAX_HEAD_BYTES)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        ending = [task for task in made.open_ones if task is not None]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
