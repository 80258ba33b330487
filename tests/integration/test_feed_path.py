"""From what a worker signs to rows in a gate: the agent's own copy, relay and HTTP between them."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import uvicorn

from tidegate.agent.feed import FeedLink as AgentLink
from tidegate.agent.feed_copy import FeedCopy
from tidegate.agent.relay import Relay
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import HubUnavailableError
from tidegate.feed.store import FeedStore
from tidegate.gate.feed import FeedFollower
from tidegate.gate.feed_folder import FeedFolder
from tidegate.gate.feed_link import FeedLink
from tidegate.testing.evidence_world import evidence_key, finding, statement
from tidegate.testing.feed_world import NOON, Feeder
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import generate_key
from tidegate.wire.feed_http_v1 import FeedBatchV1, FeedPageV1, FeedSnapshotV1
from tidegate.wire.feed_rows import row_of
from tidegate.wire.feed_v1 import RowV1

pytestmark = pytest.mark.integration

KEY = generate_key()
TRUSTED = evidence_key(KEY)
A, B, C = (digest_of(name) for name in (b"a", b"b", b"c"))
SNAPSHOT = "0" * 32


def row(subject: Digest) -> RowV1:
    return row_of(statement(subject, [finding("CVE-1")]), digest_of(subject.encode()))


class Hub:
    """A hub that hands on what it is given, in pages."""

    def __init__(self) -> None:
        self.pages: asyncio.Queue[FeedPageV1] = asyncio.Queue()
        self.bodies: dict[str, Path] = {}
        self.epoch = 0

    async def follow_feed(self, after: str, wait_s: float = 0) -> FeedPageV1:
        del after, wait_s
        return await self.pages.get()

    async def read_snapshot(self, snapshot: str, begin: int = 0) -> AsyncGenerator[bytes]:
        yield (await asyncio.to_thread(self.bodies[snapshot].read_bytes))[begin:]

    def say(self, feeder: Feeder, envelope: bytes) -> None:
        self.epoch = len(feeder.batches)
        told = FeedBatchV1(TRUSTED.fingerprint, feeder.chain, self.epoch, envelope.decode())
        self.pages.put_nowait(FeedPageV1(str(self.epoch), batches=[told]))

    def begin_with(self, feeder: Feeder, body: Path) -> None:
        header = feeder.snapshot(body)
        self.bodies[SNAPSHOT] = body
        told = FeedSnapshotV1(
            SNAPSHOT,
            TRUSTED.fingerprint,
            feeder.chain,
            header.epoch,
            header.size,
            header.sha256,
            feeder.signed_header(header).decode(),
        )
        self.pages.put_nowait(FeedPageV1(str(header.epoch), reset=True, snapshots=[told]))


class FeedPath:
    """A hub, an agent that serves on a port, and a gate that follows it."""

    def __init__(self, folder: Path) -> None:
        self.hub = Hub()
        self.feeder = Feeder(KEY)
        self.folder = folder
        self.copy = FeedCopy(folder / "agent")
        self.token = folder / "token"
        self.token.write_text("gate-token")
        self.agent = AgentLink(self.hub, self.copy, lambda: 0.0)
        relay = Relay(None, self.token, lambda: (), self.agent)
        self.server = uvicorn.Server(
            uvicorn.Config(relay, port=0, lifespan="off", log_level="error", access_log=False)  # type: ignore[arg-type] # ASGI
        )
        self.server.install_signal_handlers = lambda: None  # type: ignore[attr-defined] # ours
        self.tasks: list[asyncio.Task[None]] = []
        self.store = FeedStore(folder)
        self.changed_rows = asyncio.Event()
        self.link: FeedLink

    async def start(self) -> None:
        config = self.server.config
        config.load()
        self.server.lifespan = config.lifespan_class(config)
        await self.server.startup()
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.link = FeedLink(self.url, self.token)
        trust = TrustConfiguration(keys=(TRUSTED,), audience="acme", generation="1")
        follower = FeedFollower(
            self.link,
            FeedFolder(self.folder / "gate"),
            self.store,
            self,
            lambda: trust,
            clock=lambda: NOON,
            time=asyncio.get_running_loop().time,
        )
        self.tasks = [
            asyncio.create_task(self.server.main_loop()),
            asyncio.create_task(self.agent.run()),
            asyncio.create_task(follower.run()),
        ]

    async def stop(self) -> None:
        self.server.should_exit = True
        for task in reversed(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.link.aclose()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self.server.shutdown()
        self.store.close()
        self.copy.close()

    def changed(self, subjects: object) -> None:
        del subjects
        self.changed_rows.set()

    async def until_held(self, *subjects: Digest) -> None:
        """Return when rows about all of `subjects` are held."""
        async with asyncio.timeout(30):
            while not all(self.ids(each) for each in subjects):
                self.changed_rows.clear()
                await self.changed_rows.wait()

    def ids(self, subject: Digest) -> list[str]:
        rows = self.store.rows([TRUSTED.fingerprint], "acme", subject)
        return [f.vulnerability_id for _, each in rows for f in each.findings]


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[FeedPath]:
    made = FeedPath(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_batches_reach_the_gate(path: FeedPath) -> None:
    for subject in (A, B):
        path.hub.say(path.feeder, path.feeder.batch([row(subject)]))
    await path.until_held(A, B)
    assert path.ids(C) == []


async def test_a_snapshot_reaches_the_gate_and_what_comes_after_it(path: FeedPath) -> None:
    path.feeder.batch([row(A)])
    path.feeder.batch([row(B)])
    path.hub.begin_with(path.feeder, path.folder / "body")
    await path.until_held(A, B)
    path.hub.say(path.feeder, path.feeder.batch([row(C)]))
    await path.until_held(A, B, C)


async def test_a_body_that_came_in_part_is_fetched_on_from_there(path: FeedPath) -> None:
    path.feeder.batch([row(A)])
    path.hub.begin_with(path.feeder, path.folder / "body")
    await path.until_held(A)
    body = (path.folder / "body").read_bytes()
    for begun in (body[:1000], body, b"", body + b"more"):
        part = path.folder / "part"
        part.write_bytes(begun)
        await path.link.fetch(SNAPSHOT, part, len(body))
        assert hashlib.sha256(part.read_bytes()).digest() == hashlib.sha256(body).digest()


async def test_a_body_larger_than_it_is_signed_to_be_is_not_taken(path: FeedPath) -> None:
    path.feeder.batch([row(A)])
    path.hub.begin_with(path.feeder, path.folder / "body")
    await path.until_held(A)
    with pytest.raises(HubUnavailableError, match="more than 1000 bytes"):
        await path.link.fetch(SNAPSHOT, path.folder / "part", 1000)


async def test_what_the_agent_does_not_have_is_said(path: FeedPath) -> None:
    with pytest.raises(HubUnavailableError, match="404"):
        await path.link.fetch("f" * 32, path.folder / "part", 1000)


async def test_a_gate_with_another_token_is_not_answered(path: FeedPath, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("another")
    link = FeedLink(path.url, other)
    with pytest.raises(HubUnavailableError, match="401"):
        await link.page("", 0)
    await link.aclose()
