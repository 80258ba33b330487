"""Workers and one key's chain at a real hub: no row lost, and nothing that a gate would refuse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import httpx2
import msgspec
import pytest
from sqlalchemy import insert, text

from support.hub_world import TOKENS, World
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import (
    ConflictError,
    FeedRefusedError,
    HubUnavailableError,
    OverloadedError,
)
from tidegate.domain.severity import Severity
from tidegate.feed.chain import ChainState, Step, judge_batch, verify_batch, verify_snapshot
from tidegate.feed.snapshot import Snapshot
from tidegate.hub.store.schema import images
from tidegate.hubclient import HubClient
from tidegate.scan import feed as feed_module
from tidegate.scan import feed_compact, feed_merge
from tidegate.scan.feed import FeedOptions, FeedWriter
from tidegate.scan.feed_compact import Compactor, CompactorOptions
from tidegate.scan.feed_fill import Filler
from tidegate.scan.feed_merge import BrokenChainError
from tidegate.scan.pipeline import PlatformScan
from tidegate.scan.publish import Publisher
from tidegate.testing.evidence_world import EvidenceWorld, evidence_key, finding, statement
from tidegate.trust.keys import generate_key
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.feed_http_v1 import FeedAppendedV1, FeedAppendV1, FeedHeadV1
from tidegate.wire.feed_v1 import ImageV1, PlatformV1
from tidegate.wire.hub_v1 import PlatformReportV1
from tidegate.wire.statement_v1 import render_statement

KEY = generate_key()
ARTIFACT = digest_of(b"artifact")


def subject(number: int) -> Digest:
    return Digest(f"sha256:{number:064x}")


@dataclass
class Gate:
    """What a gate makes of the feed, by the rules that gates have."""

    world: World
    state: ChainState | None = None
    cursor: str = ""
    subjects: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    async def follow(self) -> None:
        """Take in all that there is."""
        more = True
        while more:
            page = await self.world.c1.follow_feed(self.cursor, 0)
            self.cursor, more = page.cursor, page.more
            for told in page.batches:
                self._take(told.envelope)

    def _take(self, envelope: str) -> None:
        try:
            signed = verify_batch([evidence_key(KEY)], envelope.encode())
            step = judge_batch(self.state, signed, "acme", self.world.now())
        except FeedRefusedError as error:
            self.refused.append(error.reason)
            return
        if step is not Step.APPLY:
            return
        self.state = signed.state
        self.epochs.append(signed.batch.epoch)
        self.subjects += [row.subject for row in signed.batch.rows if not row.withdrawn]
        self.withdrawn += [row.subject for row in signed.batch.rows if row.withdrawn]
        self.images += [image.image for image in signed.batch.images]


class Fleet:
    """Workers that hold one key, each with a folder of its own."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self._running: list[asyncio.Task[None]] = []

    def worker(self, name: str = "w1", hub: HubClient | None = None) -> FeedWriter:
        """Start a worker; one of the same name has what the other left on disk."""
        seen = self.folder / f"{name}.json"
        made = FeedWriter(hub or self.world.scanner, KEY, FeedOptions("acme", seen), self.world.now)
        self._running.append(asyncio.create_task(made.run()))
        return made

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()


@pytest.fixture
async def fleet(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fleet]:
    monkeypatch.setattr(feed_module, "BATCH_S", 0.0)
    monkeypatch.setattr(feed_module, "RETRY_S", (0.01, 0.05))
    fleet = Fleet(world, tmp_path)
    yield fleet
    await fleet.stop()


async def offer(worker: FeedWriter, number: int, world: World) -> None:
    said = statement(subject(number), [finding("CVE-1", Severity.HIGH)], at=world.now())
    await worker.offer(render_statement(said), ARTIFACT)


async def tell(worker: FeedWriter, number: int, world: World) -> None:
    """Do as a job does."""
    await offer(worker, number, world)
    async with asyncio.timeout(20):
        await worker.settle()


async def test_a_job_ends_when_its_row_is_in_the_chain(world: World, fleet: Fleet) -> None:
    await tell(fleet.worker(), 1, world)
    gate = Gate(world)
    await gate.follow()
    assert (gate.subjects, gate.refused) == ([subject(1)], [])


async def test_jobs_share_a_batch(
    world: World, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "BATCH_S", 0.2)
    worker = fleet.worker()
    await tell(worker, 0, world)
    await asyncio.gather(*(tell(worker, number, world) for number in range(1, 30)))
    gate = Gate(world)
    await gate.follow()
    assert len(gate.subjects) == 30
    assert len(gate.epochs) < 10


async def test_workers_that_race_for_one_chain_lose_no_row(world: World, fleet: Fleet) -> None:
    workers = [fleet.worker(f"w{n}") for n in range(3)]
    jobs = [
        tell(worker, 100 * n + number, world)
        for n, worker in enumerate(workers)
        for number in range(15)
    ]
    await asyncio.gather(*jobs)
    gate = Gate(world)
    await gate.follow()
    assert sorted(gate.subjects) == sorted(
        subject(100 * n + i) for n in range(3) for i in range(15)
    )
    assert (gate.refused, gate.epochs) == ([], list(range(1, len(gate.epochs) + 1)))


H = TypeVar("H", bound=HubClient)


def connected(world: World, kind: type[H]) -> H:
    """Return a worker's connection of its own kind."""
    transport = httpx2.ASGITransport(app=world.app)
    return kind("http://hub.test", TOKENS["scanner"], transport=transport)


class Dying(HubClient):
    """A connection on which one batch is appended, and the answer never comes."""

    appended = False

    async def append_batch(self, body: FeedAppendV1) -> FeedAppendedV1:
        await super().append_batch(body)
        self.appended = True
        return await asyncio.get_running_loop().create_future()


async def test_a_worker_killed_while_it_appends_leaves_a_chain_that_goes_on(
    world: World, fleet: Fleet
) -> None:
    await tell(fleet.worker("other"), 1, world)
    dying = connected(world, Dying)
    worker = fleet.worker("w1", dying)
    await offer(worker, 2, world)
    job = asyncio.create_task(worker.settle())
    while not dying.appended:
        await asyncio.sleep(0.005)
    assert not job.done()
    job.cancel()
    await fleet.stop()
    await tell(fleet.worker("w1"), 2, world)  # its job, leased again
    gate = Gate(world)
    await gate.follow()
    assert set(gate.subjects) == {subject(1), subject(2)}
    assert gate.refused == []


async def put_back(world: World, epoch: int) -> None:
    """Make the hub as a backup after so many batches has it."""
    async with world.hub.database.write() as connection:
        gone = {"epoch": epoch}
        await connection.execute(text("DELETE FROM feed_batches WHERE epoch > :epoch"), gone)
        await connection.execute(
            text(
                "UPDATE feed_heads SET epoch = :epoch, place = :epoch, digest = "
                "(SELECT digest FROM feed_batches WHERE epoch = :epoch)"
            ),
            gone,
        )
        await connection.execute(text("UPDATE feed_order SET last = :epoch"), gone)


@pytest.mark.parametrize("restarted", [False, True], ids=["same-worker", "restarted-worker"])
async def test_after_the_hub_was_put_back_gates_hear_what_comes_next(
    world: World, fleet: Fleet, *, restarted: bool
) -> None:
    worker = fleet.worker()
    for number in range(4):
        await tell(worker, number, world)
    gate = Gate(world)
    await gate.follow()
    await put_back(world, 2)
    if restarted:
        await fleet.stop()
        worker = fleet.worker()
    world.later(61)
    await tell(worker, 9, world)
    await gate.follow()
    assert gate.subjects[-1] == subject(9)
    assert "fork" not in gate.refused
    assert gate.state is not None
    assert gate.state.epoch <= 2


async def test_a_worker_that_saw_nothing_may_fork_but_one_that_did_mends_it(
    world: World, fleet: Fleet
) -> None:
    worker = fleet.worker()
    for number in range(3):
        await tell(worker, number, world)
    await fleet.stop()
    gate = Gate(world)
    await gate.follow()
    await put_back(world, 2)
    await tell(fleet.worker("new"), 8, world)  # the third batch, another one
    await gate.follow()
    assert subject(8) not in gate.subjects
    assert gate.refused
    await fleet.stop()
    world.later(61)
    await tell(fleet.worker(), 9, world)
    await gate.follow()
    assert gate.subjects[-1] == subject(9)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("UPDATE feed_batches SET envelope = '{}'", id="garbled"),
        pytest.param(
            "UPDATE feed_batches SET envelope = "
            "(SELECT envelope FROM feed_batches WHERE epoch = 1)",
            id="mixed",
        ),
        pytest.param("UPDATE feed_heads SET digest = 'sha256:" + "0" * 64 + "'", id="digest"),
    ],
)
async def test_a_head_that_does_not_verify_is_not_gone_on_with(
    world: World, fleet: Fleet, damage: str
) -> None:
    worker = fleet.worker()
    await tell(worker, 1, world)
    await tell(worker, 2, world)
    gate = Gate(world)
    await gate.follow()
    async with world.hub.database.write() as connection:
        await connection.execute(text(damage))
    await fleet.stop()
    world.later(61)
    await tell(fleet.worker(), 3, world)
    await gate.follow()
    assert (gate.subjects[-1], gate.epochs[-1]) == (subject(3), 1)


async def test_a_hub_that_goes_back_again_and_again_makes_no_flood_of_chains(
    world: World, fleet: Fleet
) -> None:
    worker = fleet.worker()
    await tell(worker, 1, world)
    for attempt in range(3):
        async with world.hub.database.write() as connection:
            await connection.execute(text("UPDATE feed_batches SET envelope = '{}'"))
        await fleet.stop()
        worker = fleet.worker() if attempt == 0 else worker
        if attempt:
            fleet._running.append(asyncio.create_task(worker.run()))  # noqa: SLF001
            await offer(worker, attempt + 10, world)
            worker._position = None  # noqa: SLF001  # as after a heartbeat
            with pytest.raises(HubUnavailableError, match="a new chain was begun"):
                await worker.settle()
        else:
            await tell(worker, 2, world)


class Away(HubClient):
    """A connection to a hub that may be away, or refuse."""

    error: Exception | None = None

    async def feed_head(self, fingerprint: str) -> FeedHeadV1:
        if self.error:
            raise self.error
        return await super().feed_head(fingerprint)

    async def append_batch(self, body: FeedAppendV1) -> FeedAppendedV1:
        if self.error:
            raise self.error
        return await super().append_batch(body)


def away(world: World, error: Exception) -> Away:
    made = connected(world, Away)
    made.error = error
    return made


async def test_with_the_hub_away_the_job_fails_and_the_row_waits(
    world: World, fleet: Fleet
) -> None:
    hub = away(world, HubUnavailableError("away"))
    worker = fleet.worker("w1", hub)
    with pytest.raises(HubUnavailableError):
        await tell(worker, 1, world)
    assert worker.knows(subject(1), "Tidegate", ARTIFACT)
    hub.error = None
    async with asyncio.timeout(10):
        with contextlib.suppress(HubUnavailableError):
            await worker.settle()
        await worker.settle()
    gate = Gate(world)
    await gate.follow()
    assert gate.subjects == [subject(1)]


async def test_a_hub_that_refuses_batches_keeps_no_job_from_its_end(
    world: World, fleet: Fleet
) -> None:
    worker = fleet.worker("w1", away(world, ConflictError("64 evidence keys have a feed")))
    await tell(worker, 1, world)


async def test_the_rows_that_wait_are_bounded(
    world: World, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "MAX_WAITING_ROWS", 2)
    worker = fleet.worker("w1", away(world, HubUnavailableError("away")))
    await offer(worker, 1, world)
    await offer(worker, 2, world)
    with pytest.raises(OverloadedError, match="the most that may"):
        await offer(worker, 3, world)


async def test_a_quiet_chain_says_that_it_is_quiet(world: World, fleet: Fleet) -> None:
    worker = fleet.worker()
    await tell(worker, 1, world)
    await fleet.stop()
    world.later(61)
    fleet.worker()
    gate = Gate(world)
    async with asyncio.timeout(10):
        while len(gate.epochs) < 2:
            await gate.follow()
            await asyncio.sleep(0.02)
    assert gate.state is not None
    assert gate.state.issued_at == world.now()
    assert gate.subjects == [subject(1)]


async def test_a_row_that_no_batch_can_hold_keeps_others_from_nothing(
    world: World, fleet: Fleet
) -> None:
    worker = fleet.worker()
    ahead = statement(subject(1), at=world.now() + timedelta(hours=1))
    await worker.offer(render_statement(ahead), ARTIFACT)
    await worker.offer(b"no statement", ARTIFACT)
    worker.offer_image(ImageV1(image="sha256:x", platforms=()))
    await tell(worker, 2, world)
    gate = Gate(world)
    await gate.follow()
    assert (gate.subjects, gate.refused) == ([subject(2)], [])


async def test_what_an_index_lists_is_told_once(world: World, fleet: Fleet) -> None:
    worker = fleet.worker()
    image = ImageV1(
        image=subject(5), platforms=(PlatformV1(platform="linux/amd64", digest=subject(6)),)
    )
    for number in (1, 2):
        worker.offer_image(image)
        await tell(worker, number, world)
    gate = Gate(world)
    await gate.follow()
    assert gate.images == [subject(5)]


async def test_reports_of_an_image_that_is_gone_are_withdrawn(world: World, fleet: Fleet) -> None:
    worker = fleet.worker()
    await tell(worker, 1, world)
    worker.withdraw(subject(1), "Tidegate")
    await worker.settle()
    world.later(1)
    await tell(worker, 1, world)  # pushed again
    gate = Gate(world)
    await gate.follow()
    assert (gate.subjects, gate.withdrawn) == ([subject(1)] * 2, [subject(1)])


# What is published


def scan_of(registry: EvidenceWorld, world: World, seed: str) -> PlatformScan:
    image = registry.push_image(seed)
    said = statement(image.digest, [finding("CVE-1", Severity.HIGH)], at=world.now())
    return PlatformScan(image, "linux/amd64", said, refused=(), cpu_s=0.0, max_rss_bytes=0)


async def test_reports_are_told_when_attached_and_when_they_stand_there(
    world: World, fleet: Fleet
) -> None:
    registry = EvidenceWorld(key=KEY)
    scan = scan_of(registry, world, "a")
    for name in ("w1", "w2"):  # the second finds the report of the first
        worker = fleet.worker(name)
        publisher = Publisher(registry.registry, KEY, timedelta(days=1), feed=worker)
        for _ in range(2):
            await publisher.publish(registry.repository, scan)
            await worker.settle()
        await publisher.aclose()
    gate = Gate(world)
    await gate.follow()
    assert gate.subjects == [scan.subject.digest] * 2


# Snapshots


def compactor(
    fleet: Fleet, worker: FeedWriter, registry: EvidenceWorld, name: str = "w1"
) -> Compactor:
    world = fleet.world
    filler = Filler(world.scanner, registry.registry, worker, world.now)
    options = CompactorOptions(name, "acme", fleet.folder / f"{name}-feed")
    return Compactor(world.scanner, KEY, worker, filler, options, world.now)


async def served(world: World, folder: Path) -> tuple[int, set[str]]:
    """Return the epoch of the newest snapshot and the subjects in it, as a gate verifies it."""
    page = await world.c1.follow_feed("", 0)
    told = page.snapshots[-1]
    signed = verify_snapshot([evidence_key(KEY)], told.envelope.encode())
    path = folder / "served"
    path.write_bytes(b"".join([chunk async for chunk in world.c1.read_snapshot(told.id)]))
    opened = Snapshot.open(path, signed.header)
    found = {opened.rows_at(n)[0].subject for n in range(opened.subjects)}
    return signed.header.epoch, set(found)


async def test_a_snapshot_holds_what_the_chain_said(
    world: World, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_compact, "MIN_ROWS", 3)
    monkeypatch.setattr(feed_merge, "PASS_ROWS", 2)  # in several passes
    worker = fleet.worker()
    made = compactor(fleet, worker, EvidenceWorld(key=KEY))
    told: set[str] = set()
    for end in (5, 9):
        for number in range(len(told), end):
            await tell(worker, number, world)
            told.add(subject(number))
        assert await made.look()
        head = await world.scanner.feed_head(worker.fingerprint)
        assert await served(world, tmp_path) == (head.epoch, told)
        assert head.rows_since_snapshot == 0
    assert not await made.look()
    assert [p.name for p in (fleet.folder / "w1-feed").iterdir()] == [
        f"{(await world.scanner.feed_head(worker.fingerprint)).snapshot.sha256}.snapshot"  # type: ignore[union-attr]
    ]


async def test_another_worker_goes_on_from_the_snapshot_that_the_hub_has(
    world: World, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_compact, "MIN_ROWS", 1)
    registry = EvidenceWorld(key=KEY)
    for number, name in enumerate(("w1", "w2")):
        worker = fleet.worker(name)
        await tell(worker, number, world)
        assert await compactor(fleet, worker, registry, name).look()
    assert (await served(world, tmp_path))[1] == {subject(0), subject(1)}


async def test_a_snapshot_is_made_once_a_day(world: World, fleet: Fleet) -> None:
    worker = fleet.worker()
    await tell(worker, 1, world)
    made = compactor(fleet, worker, EvidenceWorld(key=KEY))
    assert await made.look()  # fills the chain, of which there is nothing to fill
    assert not await made.look()
    world.later(86400)
    await tell(worker, 2, world)
    assert await made.look()
    assert (await world.scanner.feed_head(worker.fingerprint)).snapshot is not None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("DELETE FROM feed_batches WHERE epoch = 2", id="left-out"),
        pytest.param("UPDATE feed_batches SET envelope = '{}' WHERE epoch = 2", id="garbled"),
        pytest.param(
            "UPDATE feed_batches SET envelope = (SELECT envelope FROM feed_batches "
            "WHERE epoch = 3) WHERE epoch = 2",
            id="mixed",
        ),
    ],
)
async def test_no_snapshot_is_made_of_a_chain_with_something_left_out(
    world: World, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """It says that it holds everything; a gate that took it would lack rows for good."""
    monkeypatch.setattr(feed_compact, "MIN_ROWS", 1)
    worker = fleet.worker()
    for number in range(4):
        await tell(worker, number, world)
    async with world.hub.database.write() as connection:
        await connection.execute(text(damage))
    made = compactor(fleet, worker, EvidenceWorld(key=KEY))
    with pytest.raises(BrokenChainError):
        await made.look()
    worker.begin_anew("it is broken")
    world.later(61)
    await tell(worker, 7, world)
    assert await made.look()
    head = await world.scanner.feed_head(worker.fingerprint)
    assert head.snapshot is not None
    assert (head.snapshot.chain, head.snapshot.epoch) == (head.chain, head.epoch)


async def test_a_snapshot_that_the_hub_garbled_is_not_built_on(
    world: World, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_compact, "MIN_ROWS", 1)
    worker = fleet.worker()
    registry = EvidenceWorld(key=KEY)
    await tell(worker, 1, world)
    assert await compactor(fleet, worker, registry).look()
    await tell(worker, 2, world)
    made = (await world.scanner.feed_head(worker.fingerprint)).snapshot
    assert made is not None
    async with world.hub.database.write() as connection:
        await connection.execute(text("DELETE FROM feed_batches WHERE epoch = 1"))
        damaged = "UPDATE feed_snapshot_parts SET content = :content"
        await connection.execute(text(damaged), {"content": b"x" * made.size})
    with pytest.raises(BrokenChainError):
        await compactor(fleet, worker, registry, "w2").look()


# Reports from before the chain


async def test_reports_from_before_are_brought_in_once(world: World, fleet: Fleet) -> None:
    registry = EvidenceWorld(key=KEY)
    platform, lost = registry.push_image("a"), registry.push_image("never reported on")
    index = registry.push_index({"linux/amd64": platform})
    await registry.attach(platform, [finding("CVE-1")], at=world.now() - timedelta(days=2))
    newest = await registry.attach(platform, [], at=world.now() - timedelta(days=1))
    await registry.attach(platform, [], at=world.now(), key=generate_key())
    await known(world, registry, index.digest, platform.digest, newest.artifact)
    await known(world, registry, lost.digest, lost.digest, ARTIFACT)
    worker = fleet.worker()
    await tell(worker, 1, world)
    made = compactor(fleet, worker, registry)
    assert await made.look()
    assert not await made.look()
    gate = Gate(world)
    await gate.follow()
    assert gate.subjects == [subject(1), platform.digest]
    assert gate.images == [index.digest]
    assert (await world.scanner.feed_head(worker.fingerprint)).is_filled


async def known(
    world: World, registry: EvidenceWorld, image: str, digest: str, artifact: str
) -> None:
    """Let the hub know of an image that was reported on."""
    report = PlatformReportV1(
        digest, "linux/amd64", "", "Tidegate", CountsV1(), complete=True, artifact=artifact
    )
    async with world.hub.database.write() as connection:
        await connection.execute(
            insert(images).values(
                registry=registry.registry.host,
                repository=registry.repository.repository,
                digest=image,
                pushed_at="",
                status="scanned",
                error="",
                reports=msgspec.json.encode([report]).decode(),
                reported_at="2026-11-22T00:00:00.000000Z",
            )
        )
