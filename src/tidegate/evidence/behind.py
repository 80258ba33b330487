"""Look at the registry behind rows of the feed: seldom, never awaited, never many at a time.

The feed has what workers found. A report that somebody else attached, with a key that counts
(CI that signs), is in the registry alone. So what is used is read again at its registry, at most
once in ten minutes for each digest, a few a second over all; when registries do not answer, it
rests. What is not read for want of room is wished for again by the next review.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable

from tidegate.domain.digest import Digest
from tidegate.domain.reference import ImageReference

EVERY_S = 600.0
"""Between two looks at the same digest."""

PACE_S = 0.5
"""Between two looks at all: of the 1,000 reads a minute that small registries grant, a gate takes
an eighth this way."""

REST_S = 30.0
"""After a registry did not answer."""

MAX_WAITING = 5000
MAX_KNOWN = 50_000
"""Digests whose last look is remembered, about 300 bytes each."""

Place = tuple[str, Digest]
"""Repository and digest."""


class Behind:
    """Reads registries behind what was answered from rows."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._looked: OrderedDict[Place, float] = OrderedDict()
        self._waiting: deque[tuple[ImageReference, Digest]] = deque()
        self._wished = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many digests are still to be looked at."""
        return len(self._waiting)

    def wish(self, reference: ImageReference, subject: Digest) -> None:
        """Have `subject` looked at, unless it was of late."""
        place = (reference.name, subject)
        looked = self._looked.get(place)
        now = self._time()
        if looked is not None and now - looked < EVERY_S:
            return
        if len(self._waiting) >= MAX_WAITING:
            return
        self._looked[place] = now
        self._looked.move_to_end(place)
        while len(self._looked) > MAX_KNOWN:
            self._looked.popitem(last=False)
        self._waiting.append((reference, subject))
        self._wished.set()

    async def run(self, read: Callable[[ImageReference, Digest], Awaitable[bool]]) -> None:
        """Look at what is wished for, until cancelled; `read` returns whether it was answered."""
        while True:
            while self._waiting:
                answered = await read(*self._waiting.popleft())
                await asyncio.sleep(PACE_S if answered else REST_S)
            self._wished.clear()
            await self._wished.wait()
