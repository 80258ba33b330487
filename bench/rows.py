"""A gate's part of the feed, in this process: follows a real agent and notes when rows are held.

The follower, its folder and its store are the gate's own; only the rest of the gate is left out.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from tidegate.domain.digest import Digest
from tidegate.feed.store import FeedStore
from tidegate.gate.feed import FeedFollower
from tidegate.gate.feed_folder import FeedFolder
from tidegate.gate.feed_link import FeedLink
from tidegate.trust.configuration import TrustConfiguration

LIMIT_S = 60


class Rows:
    """When the rows of each image were held, by `time.perf_counter`."""

    def __init__(self) -> None:
        self._held_s: dict[Digest, float] = {}
        self._changed = asyncio.Event()

    def changed(self, subjects: Iterable[Digest] | None) -> None:
        """Note what the follower says that it holds by now."""
        now_s = time.perf_counter()
        for subject in subjects or ():
            self._held_s.setdefault(subject, now_s)
        self._changed.set()

    async def held_s(self, subject: Digest) -> float:
        """Return the instant at which the first row about `subject` was held."""
        async with asyncio.timeout(LIMIT_S):
            while subject not in self._held_s:
                self._changed.clear()
                await self._changed.wait()
        return self._held_s[subject]


@asynccontextmanager
async def rows_of(
    agent_url: str, token: Path, trust: TrustConfiguration, folder: Path
) -> AsyncIterator[Rows]:
    """Follow the agent at `agent_url` until the end of the block."""
    rows = Rows()
    link = FeedLink(agent_url, token)
    store = FeedStore(folder)
    follower = FeedFollower(
        link,
        FeedFolder(folder / "feed"),
        store,
        rows,
        lambda: trust,
        clock=lambda: datetime.now(UTC),
        time=time.monotonic,
    )
    follower.load()
    running = asyncio.create_task(follower.run())
    try:
        yield rows
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await link.aclose()
        store.close()
