"""Guesses are slowed down, by account and by address, on a clock that the test moves."""

import asyncio
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import Connection, func, select, text

from support.hub_world import START, World, database_bytes
from tidegate.domain.errors import RateLimitedError
from tidegate.hub.accounts.throttle import ACCOUNT, ADDRESS, Failures, network_of
from tidegate.hub.jobs.pruning import prune
from tidegate.hub.store import sign_in_failures
from tidegate.hub.store.database import Database
from tidegate.hub.store.migrate import _config, migrate
from tidegate.hub.store.schema import sign_in_failures as rows


async def attempt(world: World, account: str, address: str = "192.0.2.1") -> float:
    """Return the seconds to wait, 0 where the attempt was let pass (and failed)."""
    try:
        async with world.hub.database.write() as connection:
            await sign_in_failures.begin(connection, account, address, world.now())
    except RateLimitedError as error:
        return error.retry_after_s
    return 0


async def fail(world: World, count: int, account: str, address: str = "192.0.2.1") -> None:
    assert [await attempt(world, account, address) for _ in range(count)] == [0] * count


@pytest.mark.parametrize(
    ("failures", "delay_s"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (9, 480), (10, 900), (11, 900), (10_000, 900)],
)
def test_delay_doubles_up_to_a_quarter_of_an_hour(failures: int, delay_s: float) -> None:
    assert ACCOUNT.delay(failures).total_seconds() == delay_s
    later = Failures(failures, START).remaining(ACCOUNT, START + timedelta(seconds=delay_s))
    assert later <= timedelta()


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param("192.0.2.1", "192.0.2.2", False, id="ipv4-neighbours"),
        pytest.param("192.0.2.1", "::ffff:192.0.2.1", True, id="mapped"),
        pytest.param("2001:db8::1", "2001:db8::2:1", True, id="one-64"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="other-64"),
        pytest.param("", "", True, id="unknown"),
    ],
)
def test_what_counts_as_one_address(first: str, second: str, *, same: bool) -> None:
    assert (network_of(first) == network_of(second)) == same


async def test_account_is_locked_from_every_address(world: World) -> None:
    for n in range(5):
        assert await attempt(world, "ann", f"192.0.2.{n}") == 0
    assert await attempt(world, "ann", "198.51.100.1") == 30
    assert await attempt(world, "bob", "198.51.100.1") == 0


async def test_address_is_locked_for_every_account(world: World) -> None:
    for n in range(ADDRESS.free):
        assert await attempt(world, f"user{n}") == 0
    assert await attempt(world, "other") == 30
    assert await attempt(world, "") == 30
    assert await attempt(world, "other", "192.0.2.2") == 0


async def test_waiting_lets_one_attempt_pass_and_a_failure_doubles_the_delay(world: World) -> None:
    await fail(world, 5, "ann")
    world.later(29.5)
    assert await attempt(world, "ann") == 0.5
    world.later(0.5)
    assert await attempt(world, "ann") == 0
    assert await attempt(world, "ann") == 60


async def test_asking_while_locked_does_not_lengthen_the_lock(world: World) -> None:
    await fail(world, 5, "ann")
    assert [await attempt(world, "ann") for _ in range(20)] == [30] * 20


async def test_attempts_at_once_are_counted_each(world: World) -> None:
    waits = await asyncio.gather(*(attempt(world, "ann", f"192.0.2.{n}") for n in range(12)))
    assert sorted(waits) == [0] * 5 + [30] * 7


async def test_success_forgets_the_accounts_failures_but_not_the_addresses(world: World) -> None:
    for n in range(19):
        await fail(world, 1, f"user{n}")
    await fail(world, 1, "mine")
    async with world.hub.database.write() as connection:
        await sign_in_failures.succeed(connection, "mine", "192.0.2.1")
    assert await attempt(world, "mine") == 0
    assert await attempt(world, "mine") == 30


async def test_failures_are_forgotten_after_a_day(world: World) -> None:
    await fail(world, 4, "ann")
    world.later(24 * 3600 + 1)
    await fail(world, 5, "ann")


async def test_a_refused_sign_in_that_rolls_back_is_counted_all_the_same(world: World) -> None:
    for _ in range(ADDRESS.free):
        assert (await world.browser().sign_in_with_token("x" * 40)).status_code == 401
    locked = await world.browser().sign_in_with_token("x" * 40)
    assert (locked.status_code, locked.headers["retry-after"]) == (429, "30")


async def test_t20_names_typed_at_sign_in_are_not_kept(world: World) -> None:
    await world.browser().sign_in("my-password-by-mistake", "x")
    assert b"my-password-by-mistake" not in database_bytes(world.hub.settings.database_url)


async def test_pruning_forgets_the_old_and_keeps_who_is_locked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_failures, "MAX_ROWS", 4)
    await fail(world, 1, "yesterday", "198.51.100.9")
    world.later(24 * 3600 + 1)
    await fail(world, 5, "ann", "198.51.100.1")
    for n in range(10):  # who floods the table does not free the account
        await fail(world, 1, f"user{n}", f"203.0.113.{n}")
    await prune(world.hub.database, timedelta(), world.now())
    async with world.hub.database.read() as connection:
        kept = (await connection.execute(select(func.count()).select_from(rows))).scalar_one()
    assert kept == 4
    assert await attempt(world, "ann", "192.0.2.200") == 30


OLD_ROWS = (
    "INSERT INTO users VALUES ('ann', 'Ann', 'admin', 'local', true, 'h', false, '2026', '')",
    "INSERT INTO sessions VALUES ('s1', 'h1', 'ann', NULL, '2026', '2026', '2026')",
)


def to_release_before(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0009")
    for row in OLD_ROWS:
        connection.execute(text(row))


async def test_a_filled_database_of_the_release_before_counts_from_now_on(
    empty_database_url: str,
) -> None:
    database = Database(empty_database_url)
    async with database.write() as connection:
        await connection.run_sync(to_release_before)
    await migrate(database)
    async with database.write() as connection:
        await sign_in_failures.begin(connection, "ann", "192.0.2.1", START)
    async with database.write() as connection:  # as the release before does, still at work
        assert (await connection.execute(text("SELECT id FROM sessions"))).scalars().all() == ["s1"]
        await connection.execute(text("UPDATE users SET display_name = 'A'"))
        await connection.execute(text("DELETE FROM sessions"))
    await database.close()
