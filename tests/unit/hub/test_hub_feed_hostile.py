"""A hub that lies stands between real workers and a real gate: what the gate holds stays true.

Rows are true when they are what the worker said last. What is missing is asked of the registry, so
a hub can hide rows, and that is all that it can.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from support.feed_agent import FollowingGate
from support.hub_world import World
from tidegate.agent import feed as agent_feed
from tidegate.agent.feed import FeedLink
from tidegate.agent.feed_copy import FeedCopy
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import HubUnavailableError
from tidegate.domain.severity import Severity
from tidegate.scan import feed as feed_module
from tidegate.scan.feed import FeedOptions, FeedWriter
from tidegate.testing.evidence_world import finding, statement
from tidegate.testing.feed_world import Feeder
from tidegate.trust.keys import generate_key
from tidegate.wire.feed_http_v1 import MAX_WAIT_S, FeedBatchV1, FeedPageV1
from tidegate.wire.feed_rows import row_of
from tidegate.wire.statement_v1 import render_statement

KEY = generate_key()
IMAGES = tuple(digest_of(f"image {n}".encode()) for n in range(4))

Lie = Callable[["LyingHub", FeedPageV1], FeedPageV1]


@dataclass
class LyingHub:
    """Between the hub and the agent: alters what passes, and keeps everything to repeat it."""

    world: World
    lie: Lie
    heard: list[FeedBatchV1] = field(default_factory=list)

    async def follow_feed(self, after: str, wait_s: float = MAX_WAIT_S) -> FeedPageV1:
        page = await self.world.c1.follow_feed(after, min(wait_s, 1))
        lied = self.lie(self, page)
        self.heard += page.batches
        return lied

    async def read_snapshot(self, snapshot: str, begin: int = 0) -> AsyncGenerator[bytes]:
        async for chunk in self.world.c1.read_snapshot(snapshot, begin):
            yield chunk


class Agent:
    """An agent as its gates see it."""

    def __init__(self, link: FeedLink) -> None:
        self.link = link

    async def page(self, after: str, wait_s: float) -> FeedPageV1:
        return await self.link.wait(after, min(wait_s, 1))

    async def fetch(self, snapshot: str, target: Path, size: int) -> None:
        raise HubUnavailableError(f"{snapshot} of {size} bytes for {target}: none is made here")


def altered(page: FeedPageV1, *batches: FeedBatchV1) -> FeedPageV1:
    return replace(page, batches=list(batches))


def mixed(hub: LyingHub, page: FeedPageV1) -> FeedPageV1:
    """Batches of the same key for another organisation."""
    feeder = Feeder(KEY, audience="other", started_at=hub.world.now())
    clean = row_of(statement(IMAGES[0], at=hub.world.now()), digest_of(b"other"))
    signed = FeedBatchV1("a" * 64, feeder.chain, 1, feeder.batch([clean]).decode())
    return altered(page, signed, *page.batches)


def forged(hub: LyingHub, page: FeedPageV1) -> FeedPageV1:
    """Batches of a key of the hub's own, which say that everything is clean."""
    feeder = Feeder(generate_key(), started_at=hub.world.now())
    clean = [row_of(statement(i, at=hub.world.now()), digest_of(b"forged")) for i in IMAGES]
    signed = FeedBatchV1("a" * 64, feeder.chain, 1, feeder.batch(clean).decode())
    return altered(page, signed, *page.batches)


def rolled_back(hub: LyingHub, page: FeedPageV1) -> FeedPageV1:
    return replace(altered(page, *hub.heard, *page.batches), reset=True)


def withheld(_: LyingHub, page: FeedPageV1) -> FeedPageV1:
    return altered(page, *page.batches[:-1])


def garbled(_: LyingHub, page: FeedPageV1) -> FeedPageV1:
    return altered(page, *(replace(b, envelope=b.envelope[:-40] + "A" * 40) for b in page.batches))


def shuffled(_: LyingHub, page: FeedPageV1) -> FeedPageV1:
    return altered(page, *reversed(page.batches))


def renamed(_: LyingHub, page: FeedPageV1) -> FeedPageV1:
    """True envelopes at false places."""
    return altered(page, *(replace(b, epoch=b.epoch + 7) for b in page.batches))


def honest(_: LyingHub, page: FeedPageV1) -> FeedPageV1:
    return page


LIES = (mixed, forged, rolled_back, withheld, garbled, shuffled, renamed)


@dataclass
class Chain:
    """Workers, a lying hub, an agent and a gate."""

    world: World
    hub: LyingHub
    worker: FeedWriter
    gate: FollowingGate
    link: FeedLink
    truth: dict[Digest, str] = field(default_factory=dict)
    rounds: int = 0

    async def scan(self, image: Digest) -> None:
        """Find something new in an image, and tell it."""
        self.rounds += 1
        self.world.later(1)
        self.gate.now = self.world.now()
        name = f"CVE-{self.rounds}"
        said = statement(image, [finding(name, Severity.CRITICAL)], at=self.world.now())
        await self.worker.offer(render_statement(said), digest_of(name.encode()))
        async with asyncio.timeout(20):
            await self.worker.settle()
        self.truth[image] = name

    def held(self) -> dict[Digest, list[str]]:
        return {image: self.gate.ids(image) for image in IMAGES}

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(0.01)


@pytest.fixture
async def chain(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Chain]:
    monkeypatch.setattr(feed_module, "BATCH_S", 0.0)
    monkeypatch.setattr(agent_feed, "RETRY_S", (0.01, 0.05))
    (tmp_path / "gate").mkdir()
    hub = LyingHub(world, honest)
    copy = FeedCopy(tmp_path / "agent")
    link = FeedLink(hub, copy, lambda: 0.0)
    options = FeedOptions("acme", tmp_path / "seen.json")
    worker = FeedWriter(world.scanner, KEY, options, world.now)
    gate = FollowingGate(tmp_path / "gate", Agent(link), KEY)  # type: ignore[arg-type]
    gate.now = world.now()
    running = [asyncio.create_task(each.run()) for each in (worker, link)]
    yield Chain(world, hub, worker, gate, link)
    await gate.stop()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    copy.close()


def newest(chain: Chain, image: Digest) -> list[str]:
    return [chain.truth[image]] if image in chain.truth else []


@pytest.mark.parametrize("lie", [pytest.param(each, id=each.__name__) for each in LIES])
async def test_t22_a_lying_hub_makes_no_row_and_brings_none_back(chain: Chain, lie: Lie) -> None:
    for image in IMAGES[:2]:
        await chain.scan(image)
    await chain.until(lambda: all(chain.gate.ids(i) == newest(chain, i) for i in IMAGES[:2]))
    said = {image: {chain.truth[image]} for image in IMAGES[:2]}
    chain.hub.lie = lie
    for image in IMAGES:
        await chain.scan(image)
        said.setdefault(image, set()).add(chain.truth[image])
    await chain.until(lambda: len(chain.hub.heard) >= chain.rounds)
    chain.gate.uptime_s += 1000
    await asyncio.sleep(0)
    for image, found in chain.held().items():
        # What the worker said of this very image, or nothing: never clean, never another's.
        assert set(found) <= said[image]
        assert len(found) <= 1
    assert all(chain.gate.ids(image) for image in IMAGES[:2])


async def test_a_hub_that_says_the_truth_again_is_heard_again(chain: Chain) -> None:
    await chain.scan(IMAGES[0])
    await chain.until(lambda: chain.gate.ids(IMAGES[0]) == newest(chain, IMAGES[0]))
    chain.hub.lie = garbled
    await chain.scan(IMAGES[1])
    await chain.until(lambda: len(chain.hub.heard) >= chain.rounds)
    chain.hub.lie = honest
    # The batch that was garbled is lost to this agent; a chain that begins anew is heard.
    chain.worker.begin_anew("a batch of it was lost")
    chain.world.later(61)
    for image in IMAGES[2:]:
        await chain.scan(image)
    with contextlib.suppress(TimeoutError):
        await chain.until(lambda: all(chain.gate.ids(i) for i in IMAGES[2:]))
    assert [chain.gate.ids(image) for image in IMAGES[2:]] == [
        newest(chain, image) for image in IMAGES[2:]
    ]
