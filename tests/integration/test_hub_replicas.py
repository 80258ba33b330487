"""Several hubs on one PostgreSQL database behave as one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from support.hub_world import CLUSTER_TOKENS, TOKENS, World, until
from support.postgres import Server
from tidegate.domain.rule import Action
from tidegate.hub.app import make_app, running
from tidegate.hub.settings import HubSettings
from tidegate.hub.store import engines, events
from tidegate.hub.store.events import EventFilter
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.feed_http_v1 import FeedAppendV1
from tidegate.wire.hub_v1 import RuleWriteV1, ScanRequestV1, TokenCreateV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1

pytestmark = pytest.mark.integration

HUBS = 3


async def _nowhere(*_: object) -> None:
    """Stand in for the application until the hub that it needs is there."""


@pytest.fixture
async def hubs(postgres: Server, tmp_path: Path) -> AsyncIterator[list[World]]:
    """Hubs that start together on a database with nothing in it."""
    name = postgres.create()
    tokens = tmp_path / "tokens.json"
    tokens.write_bytes(msgspec.json.encode({**TOKENS, "clusters": CLUSTER_TOKENS}))
    settings = HubSettings(postgres.url(name), bootstrap_tokens_file=tokens)
    async with AsyncExitStack() as stack:
        worlds = [World(_nowhere, settings, stack) for _ in range(HUBS)]
        for world in worlds:
            world.app = make_app(world.hub)
        await asyncio.gather(*(stack.enter_async_context(running(w.hub)) for w in worlds))
        # Each hears the others once its own listening has rung its signals.
        await until(lambda: all(w.hub.signals.jobs.count for w in worlds), 10)
        yield worlds
    postgres.drop(name)


def event(event_id: str) -> AdmissionEventV1:
    return AdmissionEventV1(event_id, "2026-11-23T09:00:00.000000Z", "deny", "Pod", "p", [])


def scan(number: int) -> ScanRequestV1:
    return ScanRequestV1("r.example", "a", f"sha256:{number:064x}")


async def test_a_rule_saved_at_one_hub_wakes_an_agent_at_another(hubs: list[World]) -> None:
    first, second, _ = hubs
    agent = second.client(CLUSTER_TOKENS["c1"])
    policy = await agent.fetch_policy("c1")
    assert policy is not None
    waiting = asyncio.create_task(agent.fetch_policy("c1", policy.generation, wait_s=20))
    await until(lambda: second.hub.signals.policy.waiting == 1)
    entry = RuleV1("new", Action.DENY, ConfigurationV1(block_unscanned_images=True))
    await first.client(TOKENS["admin"]).create_rule(RuleWriteV1(entry))
    async with asyncio.timeout(5):
        changed = await waiting
    assert changed is not None
    assert changed.rules[0].name == "new"


async def test_a_worker_that_waits_at_one_hub_gets_what_another_queues(hubs: list[World]) -> None:
    first, second, _ = hubs
    worker = second.client(TOKENS["scanner"])
    waiting = asyncio.create_task(worker.lease_job("w", wait_s=20))
    await until(lambda: second.hub.signals.jobs.waiting == 1)
    await first.client(TOKENS["admin"]).request_scan(scan(1))
    async with asyncio.timeout(5):
        job = await waiting
    assert job is not None
    assert job.digest == scan(1).digest


async def test_a_batch_appended_at_one_hub_wakes_an_agent_at_another(hubs: list[World]) -> None:
    first, second, _ = hubs
    waiting = asyncio.create_task(second.client(CLUSTER_TOKENS["c1"]).follow_feed("", 20))
    await until(lambda: second.hub.signals.feed.waiting == 1)
    batch = FeedAppendV1("a" * 64, str(uuid4()), 1, "", f"sha256:{'0' * 64}", 0, "envelope")
    await first.client(TOKENS["scanner"]).append_batch(batch)
    async with asyncio.timeout(5):
        page = await waiting
    assert [each.envelope for each in page.batches] == ["envelope"]


async def test_appends_to_all_hubs_at_once_make_one_chain(hubs: list[World]) -> None:
    chain = str(uuid4())

    def batch(epoch: int, word: str) -> FeedAppendV1:
        previous = f"sha256:{epoch - 1:064x}" if epoch > 1 else ""
        return FeedAppendV1("a" * 64, chain, epoch, previous, f"sha256:{epoch:064x}", 0, word)

    for epoch in range(1, 6):
        sent = [
            world.client(TOKENS["scanner"]).append_batch(batch(epoch, f"{epoch} of {number}"))
            for number, world in enumerate(hubs)
        ]
        answers = await asyncio.gather(*sent)
        assert sorted(answer.appended for answer in answers) == [False, False, True]
    page = await hubs[2].client(CLUSTER_TOKENS["c2"]).follow_feed("", 0)
    assert [each.epoch for each in page.batches] == [1, 2, 3, 4, 5]


async def test_every_job_is_leased_once_however_many_workers_ask_together(
    hubs: list[World],
) -> None:
    admin = hubs[0].client(TOKENS["admin"])
    for number in range(12):
        await admin.request_scan(scan(number))
    workers = [world.client(TOKENS["scanner"]) for world in hubs for _ in range(6)]
    jobs = await asyncio.gather(*(w.lease_job(f"w{n}") for n, w in enumerate(workers)))
    leased = [job.digest for job in jobs if job is not None]
    assert sorted(leased) == sorted(scan(number).digest for number in range(12))


async def test_the_same_push_told_to_all_hubs_at_once_is_one_job(hubs: list[World]) -> None:
    told = [w.client(TOKENS["admin"]).request_scan(scan(7)) for w in hubs for _ in range(4)]
    records = await asyncio.gather(*told)
    assert len({record.id for record in records}) == 1


async def test_the_same_events_sent_to_all_hubs_at_once_are_counted_once(
    hubs: list[World],
) -> None:
    batch = [event(f"e{number}") for number in range(50)]
    sent = [w.client(CLUSTER_TOKENS["c1"]).post_events(batch) for w in hubs for _ in range(3)]
    results = await asyncio.gather(*sent)
    assert sum(result.stored for result in results) == 50
    page = await hubs[1].client(TOKENS["reader"]).list_events(limit=200)
    assert len(page.items) == 50


async def test_a_tail_at_one_hub_misses_nothing_that_others_take_in(hubs: list[World]) -> None:
    seen: list[str] = []

    async def tail(after: int = 0) -> None:
        signal = hubs[2].hub.signals.events
        while len(seen) < 120:
            count = signal.count
            async with hubs[2].hub.database.read() as connection:
                arrived = await events.arrived_after(connection, EventFilter(), after, 50)
            seen.extend(stored.event.id for stored in arrived)
            after = arrived[-1].seq if arrived else after
            if not arrived:
                await signal.wait_beyond(count, 10)

    tailing = asyncio.create_task(tail())
    wanted = [f"e{number}" for number in range(120)]
    gates = [w.client(CLUSTER_TOKENS[c]) for w in hubs for c in ("c1", "c2")]
    await asyncio.gather(*(gates[n % 6].post_events([event(i)]) for n, i in enumerate(wanted)))
    async with asyncio.timeout(10):
        await tailing
    assert sorted(seen) == sorted(wanted)


async def test_a_hub_listens_again_after_its_connection_was_cut(
    hubs: list[World], postgres: Server
) -> None:
    first, second, _ = hubs
    count = second.hub.signals.policy.count
    postgres.cut(first.hub.settings.database_url.rpartition("/")[2])
    await until(lambda: second.hub.signals.policy.count > count, 15)  # rung when it hears again
    assert await second.client(TOKENS["reader"]).list_rules()


async def status(world: World, token: str) -> int:
    return (await world.raw(token).get("/api/v1/rules")).status_code


async def test_t20_a_token_revoked_at_one_hub_ends_at_the_others_that_remember_it(
    hubs: list[World],
) -> None:
    admin = hubs[0].client(TOKENS["admin"])
    made = await admin.create_token(TokenCreateV1("dashboard", "reader"))
    assert [await status(world, made.token) for world in hubs] == [200] * HUBS
    counts = [world.hub.signals.access.count for world in hubs]
    await admin.delete_token(made.id)
    assert await status(hubs[0], made.token) == 401
    heard = list(zip(hubs, counts, strict=True))
    await until(lambda: all(w.hub.signals.access.count > before for w, before in heard))
    assert [await status(world, made.token) for world in hubs] == [401] * HUBS  # no second passed


async def test_t20_guesses_spread_over_hubs_are_counted_together(hubs: list[World]) -> None:
    guessed = [
        await hubs[number % HUBS].browser().sign_in("admin", f"a wrong guess {number}")
        for number in range(7)
    ]
    assert [answer.status_code for answer in guessed] == [401] * 5 + [429] * 2


async def test_guesses_at_all_hubs_at_once_gain_nothing(hubs: list[World]) -> None:
    guesses = [w.browser().sign_in("admin", f"guess {n}") for w in hubs for n in range(4)]
    statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
    assert sorted(statuses) == [401] * 5 + [429] * 7


async def drivers_of(world: World, count: int) -> list[Any]:
    """Return the drivers of connections that the hub keeps for readers, after use."""
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(world.hub.database.read()) for _ in range(count)]
        return [(await c.get_raw_connection()).driver_connection for c in held]


async def test_connections_that_the_server_closed_are_replaced_before_their_next_use(
    hubs: list[World], postgres: Server
) -> None:
    reader = hubs[0].client(TOKENS["reader"])
    drivers = await drivers_of(hubs[0], 4)
    postgres.cut(hubs[0].hub.settings.database_url.rpartition("/")[2])
    await until(lambda: all(driver.is_closed() for driver in drivers))
    assert all(await asyncio.gather(*(reader.list_rules() for _ in range(20))))


async def test_connections_long_unused_are_tried_before_their_next_use(
    hubs: list[World], postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOOK_AFTER_S", -1.0)
    reader = hubs[0].client(TOKENS["reader"])
    (driver,) = await drivers_of(hubs[0], 1)
    assert await reader.list_rules()
    postgres.cut(hubs[0].hub.settings.database_url.rpartition("/")[2])
    assert not driver.is_closed()  # the end was not heard yet, as on a network that is broken
    assert await reader.list_rules()
