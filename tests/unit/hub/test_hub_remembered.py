"""What is remembered of tokens and sessions never outlives the access that it stands for."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import Engine, event, text

from support.hub_world import (
    CLUSTER_TOKENS,
    INITIAL_PASSWORD,
    PASSWORD,
    START,
    TOKENS,
    Browser,
    World,
)
from tidegate.hub.accounts.confirmed import CONFIRMED_S, Confirmed
from tidegate.hub.accounts.remembered import LIFE_S, MAX_REMEMBERED, Remembered
from tidegate.hub.signals import Signal
from tidegate.hub.store import tokens
from tidegate.wire.hub_v1 import TokenCreateV1


def later(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_what_is_kept_is_found_for_its_life() -> None:
    known = Remembered[str](Signal())
    known.keep("k", "ann", seen=0, now=START)
    assert known.find("k", START + later(LIFE_S - 0.001)) == "ann"
    assert known.find("k", START + later(LIFE_S)) is None
    assert known.find("other", START) is None


def test_it_ends_with_the_session_where_that_is_earlier() -> None:
    known = Remembered[str](Signal())
    known.keep("k", "ann", seen=0, now=START, ends_at=START + later(1))
    assert known.find("k", START + later(0.9)) == "ann"
    assert known.find("k", START + later(1)) is None


def test_a_clock_that_is_set_back_ends_it() -> None:
    known = Remembered[str](Signal())
    known.keep("k", "ann", seen=0, now=START)
    assert known.find("k", START - later(0.001)) is None


def test_a_change_ends_all_and_what_was_read_before_it_is_not_kept() -> None:
    changes = Signal()
    known = Remembered[str](changes)
    known.keep("k", "ann", seen=changes.count, now=START)
    before = changes.count
    changes.ring()
    assert known.find("k", START) is None
    known.keep("k", "ann", seen=before, now=START)
    assert known.find("k", START) is None
    known.keep("k", "bob", seen=changes.count, now=START)
    assert known.find("k", START) == "bob"


def test_the_oldest_is_forgotten_first() -> None:
    known = Remembered[int](Signal())
    for number in range(MAX_REMEMBERED + 1):
        known.keep(str(number), number, seen=0, now=START)
    assert known.find("0", START) is None
    assert known.find("1", START) == 1
    assert known.find(str(MAX_REMEMBERED), START) == MAX_REMEMBERED


@contextlib.contextmanager
def statements() -> Iterator[list[str]]:
    """Yield what any database is asked meanwhile."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


async def test_a_token_is_looked_up_once_in_its_life(world: World) -> None:
    await world.reader.list_rules()
    with statements() as seen:
        await world.reader.list_rules()
        assert [statement for statement in seen if "tokens" in statement] == []
        world.later(LIFE_S)
        await world.reader.list_rules()
        assert len([statement for statement in seen if "tokens" in statement]) == 1


async def test_a_session_is_looked_up_once_in_its_life_and_its_use_is_noted(world: World) -> None:
    browser = await world.person("ann", "admin")
    await browser.request("GET", "rules")
    with statements() as seen:
        await browser.request("GET", "rules")
        assert [statement for statement in seen if "sessions" in statement] == []
    for _ in range(13):  # without a note of its use it would end after twelve hours
        world.later(3600)
        assert (await browser.request("GET", "rules")).is_success


async def session_end(world: World, browser: Browser, admin: httpx2.AsyncClient) -> None:
    del world, admin
    assert (await browser.request("DELETE", "session")).is_success


async def password_change(world: World, browser: Browser, admin: httpx2.AsyncClient) -> None:
    del browser, admin
    other = world.browser()
    assert (await other.sign_in("ann", PASSWORD)).is_success
    assert (await other.change_password(PASSWORD, "another long password")).is_success


async def password_reset(world: World, browser: Browser, admin: httpx2.AsyncClient) -> None:
    del world, browser
    assert (await admin.post("users/ann/reset")).is_success


async def disabled(world: World, browser: Browser, admin: httpx2.AsyncClient) -> None:
    del world, browser
    body = {"role": "admin", "enabled": False}
    assert (await admin.put("users/ann", json=body)).is_success


async def deleted(world: World, browser: Browser, admin: httpx2.AsyncClient) -> None:
    del world, browser
    assert (await admin.delete("users/ann")).is_success


async def demoted(world: World, browser: Browser, admin: httpx2.AsyncClient) -> None:
    del world, browser
    body = {"role": "reader", "enabled": True}
    assert (await admin.put("users/ann", json=body)).is_success


Ending = Callable[[World, Browser, httpx2.AsyncClient], Awaitable[None]]


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        pytest.param(session_end, 401, id="sign-out"),
        pytest.param(password_change, 401, id="password-changed"),
        pytest.param(password_reset, 401, id="password-reset"),
        pytest.param(disabled, 401, id="disabled"),
        pytest.param(deleted, 401, id="deleted"),
        pytest.param(demoted, 403, id="demoted"),
    ],
)
async def test_t20_a_remembered_session_ends_at_once(
    world: World, ending: Ending, status: int
) -> None:
    browser = await world.person("ann", "admin")
    assert (await browser.request("GET", "users")).is_success
    cookie = f"tidegate_session={browser.http.cookies['tidegate_session']}"
    await ending(world, browser, world.raw(TOKENS["admin"], base_url="http://hub.test/api/v1/"))
    thief = world.raw(base_url="https://hub.test", Cookie=cookie)
    assert (await thief.get("/api/v1/users")).status_code == status


async def test_t20_a_remembered_token_ends_at_once_with_its_sessions(world: World) -> None:
    made = await world.admin.create_token(TokenCreateV1("dashboard", "reader"))
    dashboard, browser = world.raw(made.token), world.browser()
    assert (await browser.sign_in_with_token(made.token)).is_success
    assert (await dashboard.get("/api/v1/rules")).is_success
    assert (await browser.request("GET", "rules")).is_success
    await world.admin.delete_token(made.id)
    assert (await dashboard.get("/api/v1/rules")).status_code == 401
    assert (await browser.request("GET", "rules")).status_code == 401


async def test_t20_the_remembered_token_of_a_deleted_cluster_ends_at_once(world: World) -> None:
    agent = world.raw(TOKENS["admin"].replace("admin", "c1"))
    assert (await agent.get("/api/v1/clusters/c1")).is_success
    await world.admin.delete_cluster("c1")
    assert (await agent.get("/api/v1/clusters/c1")).status_code == 401


async def test_t20_what_was_read_while_the_token_was_revoked_is_not_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world.admin.create_token(TokenCreateV1("dashboard", "reader"))
    dashboard = world.raw(made.token)
    found, revoked = asyncio.Event(), asyncio.Event()
    find = tokens.find_caller

    async def find_slowly(*arguments: object) -> object:
        caller = await find(*arguments)  # type: ignore[arg-type]
        if caller is not None and caller.name == "dashboard":
            found.set()
            await revoked.wait()
        return caller

    await world.admin.list_rules()
    monkeypatch.setattr(tokens, "find_caller", find_slowly)
    asking = asyncio.create_task(dashboard.get("/api/v1/rules"))
    await found.wait()
    await world.admin.delete_token(made.id)
    revoked.set()
    await asking
    assert (await dashboard.get("/api/v1/rules")).status_code == 401


async def test_a_first_password_is_asked_for_even_where_the_session_is_remembered(
    world: World,
) -> None:
    browser = world.browser()
    await browser.sign_in("admin", INITIAL_PASSWORD)
    assert [(await browser.request("GET", "rules")).status_code for _ in range(2)] == [403, 403]


TAKEN = {
    "token": "DELETE FROM tokens WHERE name = 'dashboard'",
    "token-of-a-cluster": "DELETE FROM clusters WHERE name = 'c1'",
    "token-of-another-role": "UPDATE tokens SET role = 'registry' WHERE name = 'dashboard'",
}


@pytest.mark.parametrize("statement", TAKEN.values(), ids=TAKEN)
async def test_t20_a_hub_that_hears_nothing_ends_a_revoked_token_within_a_second(
    world: World, statement: str
) -> None:
    made = await world.admin.create_token(TokenCreateV1("dashboard", "reader"))
    whose, path = world.raw(made.token), "/api/v1/rules"
    if "clusters" in statement:
        whose, path = world.raw(CLUSTER_TOKENS["c1"]), "/api/v1/clusters/c1"

    async def answered() -> bool:
        return (await whose.get(path)).status_code not in (401, 403)

    assert await answered()
    async with world.hub.database.write() as connection:
        # As another process does it: this one's own watch does not know the text.
        await connection.execute(text(statement))
    world.later(CONFIRMED_S)
    assert not await answered()


USERS_TAKEN = {
    "signed-out": "DELETE FROM sessions",
    "deleted": "DELETE FROM users WHERE name = 'ann'",
    "demoted": "UPDATE users SET role = 'reader' WHERE name = 'ann'",
}


@pytest.mark.parametrize("statement", USERS_TAKEN.values(), ids=USERS_TAKEN)
async def test_t20_a_hub_that_hears_nothing_ends_a_session_within_a_second(
    world: World, statement: str
) -> None:
    browser = await world.person("ann", "admin")
    assert (await browser.request("GET", "users")).is_success
    async with world.hub.database.write() as connection:
        await connection.execute(text(statement))
    world.later(CONFIRMED_S)
    assert (await browser.request("GET", "users")).status_code in (401, 403)


async def test_what_is_remembered_is_confirmed_once_a_second_for_everybody(world: World) -> None:
    await asyncio.gather(world.reader.list_rules(), world.admin.list_rules())
    world.later(CONFIRMED_S)
    with statements() as seen:
        for _ in range(3):
            await asyncio.gather(world.reader.list_rules(), world.admin.list_rules())
        assert len([statement for statement in seen if "access_changes" in statement]) == 1
        assert [statement for statement in seen if "tokens" in statement] == []


async def test_a_clock_that_is_set_back_confirms_nothing() -> None:
    asked = []

    async def count() -> int:
        asked.append(1)
        return 0

    confirmed = Confirmed(count, Signal())
    for moment in (START, START + later(0.1), START - later(0.001)):
        await confirmed.confirm(moment)
    assert len(asked) == 2


async def test_only_one_waits_for_the_word_while_the_last_one_holds() -> None:
    counting, answer = asyncio.Event(), asyncio.Event()

    async def count() -> int:
        counting.set()
        await answer.wait()
        return 0

    answer.set()
    confirmed = Confirmed(count, Signal())
    await confirmed.confirm(START)
    answer.clear()
    counting.clear()
    first = asyncio.create_task(confirmed.confirm(START + later(0.6)))
    await counting.wait()
    await confirmed.confirm(START + later(0.9))
    late = asyncio.create_task(confirmed.confirm(START + later(CONFIRMED_S)))
    await asyncio.sleep(0)
    assert (first.done(), late.done()) == (False, False)
    answer.set()
    await asyncio.gather(first, late)
