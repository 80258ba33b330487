"""Many at once: who comes first goes first, nobody is refused below the queue's end, none is lost."""

import asyncio

import pytest
from sqlalchemy import func, select, text

from support.hub_world import START, TOKENS, World, until
from tidegate.domain.errors import OverloadedError
from tidegate.hub.api.health import render_metrics
from tidegate.hub.clock import render_instant
from tidegate.hub.settings import DatabaseLimits, HubSettings
from tidegate.hub.store import audit
from tidegate.hub.store.audit import Author
from tidegate.hub.store.database import Database
from tidegate.hub.store.schema import audit as audit_rows
from tidegate.hub.store.schema import rules
from tidegate.hub.store.turnstile import Turnstile

AUTHOR = Author("ann", "admin", render_instant(START))
FEW = DatabaseLimits(connections=2, queue=1000)


async def test_who_comes_first_goes_first() -> None:
    stile, order, leave = Turnstile(1, queue=10), list[int](), asyncio.Event()

    async def pass_through(number: int) -> None:
        async with stile.place():
            order.append(number)
            await leave.wait()

    tasks = [asyncio.create_task(pass_through(number)) for number in range(5)]
    await until(lambda: stile.waiting == 4)
    leave.set()
    await asyncio.gather(*tasks)
    assert (order, stile.waiting) == ([0, 1, 2, 3, 4], 0)


async def test_who_comes_beyond_the_queue_is_told_at_once() -> None:
    stile = Turnstile(1, queue=0)
    async with stile.place():
        with pytest.raises(OverloadedError, match="0 requests wait for its database") as refused:
            async with stile.place():
                raise AssertionError("two had the one place")
    assert refused.value.retry_after_s > 0
    async with stile.place():
        pass


async def test_who_waited_too_long_is_told_and_leaves_the_queue() -> None:
    stile = Turnstile(1, queue=10, max_wait_s=0.05)
    async with stile.place():
        with pytest.raises(OverloadedError, match=r"waited 0.05 s"):
            async with stile.place():
                raise AssertionError("two had the one place")
        assert stile.waiting == 0
    async with stile.place():
        pass


async def test_who_gives_up_leaves_the_place_to_others() -> None:
    stile, inside = Turnstile(1, queue=10), asyncio.Event()

    async def stay() -> None:
        async with stile.place():
            inside.set()
            await asyncio.Event().wait()

    staying = asyncio.create_task(stay())
    await inside.wait()
    waiting = [asyncio.create_task(stay()) for _ in range(2)]
    await until(lambda: stile.waiting == 2)
    for task in (*waiting, staying):
        task.cancel()
    await asyncio.gather(staying, *waiting, return_exceptions=True)
    async with asyncio.timeout(1), stile.place():
        assert stile.waiting == 0


async def test_hundreds_at_once_are_all_served_by_two_connections(settings: HubSettings) -> None:
    database = Database(settings.database_url, FEW)

    async def read() -> int:
        async with database.read() as connection:
            return int(
                (await connection.execute(select(func.count()).select_from(rules))).scalar_one()
            )

    async def write(number: int) -> None:
        async with database.write() as connection:
            await audit.record(connection, AUTHOR, "test", f"n{number}")

    counts = await asyncio.gather(*(read() for _ in range(200)), *(write(n) for n in range(100)))
    assert counts == [1] * 200 + [None] * 100
    async with database.read() as connection:
        query = select(func.count()).select_from(audit_rows).where(audit_rows.c.action == "test")
        assert (await connection.execute(query)).scalar_one() == 100
    await database.close()


async def test_an_overloaded_hub_says_when_to_come_again_and_serves_afterwards(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = world.hub.database._writing  # noqa: SLF001  # narrowed, or a thousand would have to wait
    monkeypatch.setattr(writing, "_places", asyncio.Semaphore(1))
    monkeypatch.setattr(writing, "_queue", 0)
    admin = world.raw(TOKENS["admin"])
    async with world.hub.database.write():
        refused = await admin.post("/api/v1/tokens", json={"name": "t", "role": "reader"})
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        assert "wait for its database" in refused.json()["detail"]
    made = await admin.post("/api/v1/tokens", json={"name": "t", "role": "reader"})
    assert made.status_code == 201
    shown = world.hub.metrics.render(None, world.hub.signals, 7).decode()
    assert "tidegate_hub_requests_overloaded_total 1.0" in shown
    assert "tidegate_hub_database_queue 7.0" in shown


async def test_while_the_database_is_away_the_metrics_say_so_and_show_nothing_old(
    world: World,
) -> None:
    there = (await render_metrics(world.hub)).decode()
    assert "tidegate_hub_database_answers 1.0" in there
    assert 'tidegate_hub_jobs{state="queued"} 0.0' in there
    world.hub.metrics.refused.labels("401").inc()
    async with world.hub.database.write() as connection:
        await connection.execute(text("ALTER TABLE jobs RENAME TO jobs_elsewhere"))
    away = (await render_metrics(world.hub)).decode()
    assert "tidegate_hub_database_answers 0.0" in away
    assert "tidegate_hub_jobs{" not in away
    assert 'tidegate_hub_requests_refused_total{status="401"} 1.0' in away
