"""The feed as a source of the gate: what follows it, what is held, and the evidence out of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tidegate.domain.digest import Digest
from tidegate.domain.reference import ImageReference
from tidegate.evidence.behind import Behind
from tidegate.evidence.fed import FedEvidence
from tidegate.evidence.gather import Gatherer
from tidegate.evidence.memory import ReportMemory
from tidegate.feed.store import FeedStore
from tidegate.gate.feed import FeedFollower
from tidegate.gate.feed_age import FeedAge
from tidegate.gate.feed_folder import FeedFolder
from tidegate.gate.feed_link import FeedLink
from tidegate.gate.settings import Settings
from tidegate.trust.configuration import TrustConfiguration

Clock = Callable[[], datetime]
Run = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class FeedSource:
    """Evidence from rows, and what keeps it up to date."""

    evidence: FedEvidence
    follower: FeedFollower
    age: FeedAge
    behind: Behind
    clock: Clock

    def runs(self, gatherer: Gatherer) -> tuple[Run, ...]:
        """Return what is to run beside `gatherer`, which the evidence is given to."""

        async def look(reference: ImageReference, subject: Digest) -> bool:
            return await gatherer.look_behind(reference, subject, self.clock())

        return self.follower.run, self.age.run, partial(self.behind.run, look)


@dataclass(frozen=True, slots=True)
class RungRows:
    """Rows whose every change is told to those who wait for one."""

    rows: FedEvidence
    ring: Callable[[], None]

    def changed(self, subjects: Iterable[Digest] | None) -> None:
        """Make evidence anew, then let it be looked at."""
        self.rows.changed(subjects)
        self.ring()


async def open_feed(
    settings: Settings,
    trust: Callable[[], TrustConfiguration],
    memory: ReportMemory,
    clock: Clock,
    stack: AsyncExitStack,
    *,
    ring: Callable[[], None],
) -> FeedSource | None:
    """Return the feed of the agent that `settings` name, with what the disk had of it.

    None: there is no agent. `stack` closes it. `ring` is called whenever rows changed.
    """
    if not settings.agent_url:
        return None
    folder = FeedFolder(settings.data_dir / "feed")
    store = FeedStore(folder.folder)
    stack.callback(store.close)
    link = FeedLink(settings.agent_url, settings.agent_token_file)
    stack.push_async_callback(link.aclose)
    time = asyncio.get_running_loop().time
    behind = Behind(time)
    evidence = FedEvidence(store, memory, behind.wish)
    rows = RungRows(evidence, ring)
    follower = FeedFollower(link, folder, store, rows, trust, clock=clock, time=time)
    await asyncio.to_thread(follower.load)
    return FeedSource(evidence, follower, FeedAge(store, trust, clock), behind, clock)
