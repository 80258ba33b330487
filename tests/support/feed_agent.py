"""An agent in memory that hands on a feed, as tests fill it; and a gate's follower of it."""

import asyncio
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tidegate.domain.digest import Digest
from tidegate.domain.errors import HubUnavailableError
from tidegate.feed.store import FeedStore
from tidegate.gate.feed import FeedFollower
from tidegate.gate.feed_folder import FeedFolder
from tidegate.testing.evidence_world import evidence_key
from tidegate.testing.feed_world import NOON, Feeder
from tidegate.trust.configuration import EvidenceKey, TrustConfiguration
from tidegate.trust.keys import SigningKey, generate_key
from tidegate.wire.feed_http_v1 import FeedBatchV1, FeedPageV1, FeedSnapshotV1
from tidegate.wire.feed_v1 import RowV1


@dataclass
class MemoryAgent:
    """Keeps envelopes in order, and bodies of snapshots in files."""

    batches: list[FeedBatchV1] = field(default_factory=list)
    snapshots: list[tuple[int, FeedSnapshotV1, Path]] = field(default_factory=list)
    """With how many batches came before each."""
    begins_at: int = 0
    """Batches before it were dropped."""
    is_away: bool = False
    fetched: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Cursors of the questions so far."""

    def __post_init__(self) -> None:
        self._changed = asyncio.Event()
        self._waiting = asyncio.Event()

    def add(self, envelope: bytes) -> None:
        """Take a batch; nobody here looks into it."""
        self.batches.append(FeedBatchV1("f" * 64, "c", 1, envelope.decode()))
        self._wake()

    def add_snapshot(self, name: str, envelope: bytes, body: Path) -> None:
        """Take a snapshot that holds all batches so far."""
        size = body.stat().st_size
        made = FeedSnapshotV1(name, "f" * 64, "c", 1, size, "0" * 64, envelope.decode())
        self.snapshots.append((len(self.batches), made, body))
        self._wake()

    async def read_to_the_end(self) -> None:
        """Return when the follower waits for news."""
        async with asyncio.timeout(10):
            await self._waiting.wait()

    async def page(self, after: str, wait_s: float) -> FeedPageV1:  # noqa: ARG002 - until there is something
        """Return what came after; a cursor is how many batches and snapshots were read."""
        self.asked.append(after)
        while True:
            if self.is_away:
                self._waiting.set()
                raise HubUnavailableError("away")
            page = self._page(after)
            if page is not None:
                return page
            self._waiting.set()
            await self._changed.wait()

    async def fetch(self, snapshot: str, target: Path, size: int) -> None:  # noqa: ARG002 - of the file
        """Copy a body."""
        self.fetched.append(snapshot)
        body = next(path for _, made, path in self.snapshots if made.id == snapshot)
        await asyncio.to_thread(shutil.copyfile, body, target)

    def _page(self, after: str) -> FeedPageV1 | None:
        cursor = f"{len(self.batches)}/{len(self.snapshots)}"
        if after == cursor:
            return None
        read, seen = (int(n) for n in after.split("/")) if after else (-1, 0)
        if read < self.begins_at:
            newest = self.snapshots[-1:]
            begin = newest[0][0] if newest else self.begins_at
            return FeedPageV1(
                cursor,
                reset=True,
                snapshots=[s for _, s, _ in newest],
                batches=self.batches[begin:],
            )
        return FeedPageV1(
            cursor, snapshots=[s for _, s, _ in self.snapshots[seen:]], batches=self.batches[read:]
        )

    def _wake(self) -> None:
        self._waiting.clear()
        self._changed.set()
        self._changed = asyncio.Event()


class FollowingGate:
    """A gate's store of rows, its folder, and the follower between them and an agent."""

    def __init__(self, folder: Path, agent: MemoryAgent, key: SigningKey | None = None) -> None:
        self.key = key or generate_key()
        self.trusted = evidence_key(self.key)
        self.feeder = Feeder(self.key)
        self.agent = agent
        self.now = NOON
        self.uptime_s = 0.0
        self.trust = TrustConfiguration(keys=(self.trusted,), audience="acme", generation="1")
        self.folder = folder
        self.changes: list[set[Digest] | None] = []
        self.start()

    def start(self) -> None:
        """Start the gate, with what its disk holds."""
        self.store = FeedStore(self.folder)
        self.follower = FeedFollower(
            self.agent,
            FeedFolder(self.folder / "feed"),
            self.store,
            self,
            lambda: self.trust,
            clock=lambda: self.now,
            time=lambda: self.uptime_s,
        )
        self.follower.load()
        self.running = asyncio.create_task(self.follower.run())

    async def stop(self) -> None:
        """Stop the gate."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        self.store.close()

    async def restart(self) -> None:
        """Stop and start."""
        await self.stop()
        self.start()

    def changed(self, subjects: Iterable[Digest] | None) -> None:
        """Note which rows changed, as evidence does."""
        self.changes.append(None if subjects is None else set(subjects))

    async def feed(self, *rows: RowV1, at: datetime | None = None) -> None:
        """Have the worker feed rows, and wait until the gate has taken them."""
        self.agent.add(self.feeder.batch(rows, at=at))
        await self.agent.read_to_the_end()

    async def compact(self, name: str = "s1", feeder: Feeder | None = None) -> None:
        """Have the worker make a snapshot, and wait until the gate has seen it."""
        feeder = feeder or self.feeder
        body = self.folder / f"{name}.body"
        header = feeder.snapshot(body)
        self.agent.add_snapshot(name, feeder.signed_header(header), body)
        await self.agent.read_to_the_end()

    def ids(self, subject: Digest, key: EvidenceKey | None = None) -> list[str]:
        """Return the vulnerabilities that rows say `subject` has."""
        fingerprint = (key or self.trusted).fingerprint
        rows = self.store.rows([fingerprint], "acme", subject)
        return sorted(f.vulnerability_id for _, row in rows for f in row.findings)

    @property
    def epoch(self) -> int:
        """How far the chain is held."""
        state = self.store.state(self.trusted.fingerprint)
        return 0 if state is None else state.epoch
