"""Visits and turns: who waits, who is refused and with which words; nothing is lost on the way."""

import asyncio
from collections import Counter

import pytest

from tidegate.domain.errors import (
    ContentMismatchError,
    LimitExceededError,
    RegistryRefusesError,
    RegistryUnavailableError,
    TidegateError,
)
from tidegate.oci.breaker import FAILURES, FIRST_OPEN_S
from tidegate.oci.traffic import Outcome, ReadTraffic, TrafficLimits

HOST = "r.example"
AWAY = RegistryUnavailableError("fetching r.example/app:1: no connection in time", away=True)
LIMITED = RegistryUnavailableError("HTTP 429", rate_limited=True, retry_after_s=90)


class World:
    """One registry's traffic, on a clock that tests move."""

    def __init__(self, reads_per_minute: int = 0, limits: TrafficLimits | None = None) -> None:
        self.now_s = 100.0
        self.seen: Counter[Outcome] = Counter()
        self.traffic = ReadTraffic(
            HOST,
            reads_per_minute,
            lambda: self.now_s,
            lambda outcome: self.seen.update([outcome]),
            limits=limits or TrafficLimits(),
            sleep=self.sleep,
        )
        self.standing = False
        """Nobody may wait."""
        self.blocked: asyncio.Event | None = None
        """What sleepers wait for instead."""

    async def sleep(self, seconds: float) -> None:
        assert not self.standing
        if self.blocked is not None:
            await self.blocked.wait()
        self.now_s += seconds
        await asyncio.sleep(0)

    async def read(self, error: TidegateError | None = None) -> None:
        async with self.traffic.turn("reading"):
            if error is not None:
                raise error

    async def fail(self, error: TidegateError = AWAY, times: int = FAILURES) -> None:
        for _ in range(times):
            with pytest.raises(type(error)):
                await self.read(error)


async def test_a_registry_that_is_away_is_not_asked_and_the_words_say_until_when() -> None:
    world = World()
    await world.fail()
    for begin in (world.traffic.turn, world.traffic.visit):
        with pytest.raises(RegistryUnavailableError) as raised:
            async with begin("fetching manifest r.example/app:1"):
                pytest.fail("it was asked")
        assert str(raised.value) == (
            "fetching manifest r.example/app:1: not asked, since r.example did not answer 5 times "
            "in a row (fetching r.example/app:1: no connection in time); the next try is in 1 s"
        )
        assert not raised.value.rate_limited
    assert world.traffic.away
    assert world.traffic.busy
    assert world.seen == {Outcome.NO_ANSWER: FAILURES, Outcome.WITHHELD: 2}


async def test_one_probe_goes_out_and_its_answer_lets_all_others_go() -> None:
    world = World()
    await world.fail()
    world.now_s += FIRST_OPEN_S
    async with world.traffic.turn("the probe"):
        with pytest.raises(RegistryUnavailableError, match="the next try is under way"):
            await world.read()
    assert not world.traffic.away
    await world.read()


ANSWERS = {
    "not-found-blob": RegistryRefusesError("HTTP 403"),
    "a-server-error": RegistryUnavailableError("HTTP 500"),
    "too-large": LimitExceededError("much"),
    "other-bytes": ContentMismatchError("lie"),
    "rate-limited": RegistryUnavailableError("HTTP 429", rate_limited=True),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_t11_an_answer_of_any_kind_is_no_sign_of_being_away(answer: TidegateError) -> None:
    world = World()
    await world.fail(times=FAILURES - 1)
    await world.fail(answer, times=1)
    await world.fail(times=FAILURES - 1)
    assert not world.traffic.away


async def test_a_probe_that_is_given_up_leaves_room_for_the_next() -> None:
    world = World()
    await world.fail()
    world.now_s += FIRST_OPEN_S
    with pytest.raises(asyncio.CancelledError):
        async with world.traffic.turn("the probe"):
            raise asyncio.CancelledError
    await world.read()
    assert not world.traffic.away


async def test_a_429_stops_everything_for_as_long_as_it_says() -> None:
    world = World()
    await world.fail(LIMITED, times=1)
    for begin in (world.traffic.turn, world.traffic.visit):
        with pytest.raises(RegistryUnavailableError) as raised:
            async with begin("reading"):
                pytest.fail("it was asked")
        assert raised.value.rate_limited
        assert raised.value.retry_after_s == 90
        assert str(raised.value) == (
            "reading: not asked, since it asked for a pause (429); the next try is in 90 s"
        )
    assert world.seen == {Outcome.RATE_LIMITED: 1, Outcome.WITHHELD: 2}
    world.now_s += 90
    await world.read()
    assert world.traffic.reads_per_minute == 60


async def test_t11_in_no_minute_more_reads_go_out_than_the_limit() -> None:
    world = World(60)
    times = []
    for _ in range(150):
        await world.read()
        times.append(world.now_s)
    assert all(later - first >= 59.999 for first, later in zip(times, times[60:], strict=False))
    assert times[-1] - times[0] < 200, "and not many fewer"


async def test_t11_who_would_wait_too_long_is_told_when_to_come_again() -> None:
    world = World(60, TrafficLimits(max_wait_s=1.0))
    reading = [asyncio.create_task(world.read()) for _ in range(15)]
    await asyncio.gather(*reading)  # a quarter at once
    world.standing = True
    with pytest.raises(RegistryUnavailableError) as raised:
        await world.read()
    assert raised.value.rate_limited
    assert str(raised.value) == (
        "reading: not asked, since its 60 reads a minute are used up; the next try is in 2 s"
    )
    assert world.seen == {Outcome.ANSWERED: 15, Outcome.WITHHELD: 1}


async def test_what_is_begun_ends_before_anything_new_begins() -> None:
    """Under a limit, all reads of a visit come before the first of the next visit but one."""
    world = World(600, TrafficLimits(max_visits=16, max_wait_s=60))
    order: list[int] = []

    async def visit(number: int) -> None:
        async with world.traffic.visit("reading"):
            for _ in range(6):
                await world.read()
                order.append(number)

    await asyncio.gather(*map(visit, range(100)))
    assert Counter(order) == dict.fromkeys(range(100), 6)
    ended = [len(order) - order[::-1].index(number) for number in range(100)]
    assert ended == sorted(ended)
    begun_and_not_ended = max(
        len(set(order[:at]) & set(order[at:])) for at in range(150, len(order))
    )
    assert begun_and_not_ended <= 2


async def test_t11_visits_at_a_time_and_those_that_wait_are_bounded() -> None:
    world = World(limits=TrafficLimits(max_visits=2, max_waiting=3))
    release, inside = asyncio.Event(), 0

    async def visit() -> None:
        nonlocal inside
        async with world.traffic.visit("reading r.example/app:1"):
            inside += 1
            assert inside <= 2
            await release.wait()
            inside -= 1

    tasks = [asyncio.create_task(visit()) for _ in range(5)]
    await asyncio.sleep(0)
    assert world.traffic.busy
    with pytest.raises(RegistryUnavailableError, match=r"3 images of r\.example wait to be read"):
        await visit()
    release.set()
    await asyncio.gather(*tasks)
    assert not world.traffic.busy


async def test_those_that_wait_are_refused_once_the_registry_is_away() -> None:
    world = World(limits=TrafficLimits(max_visits=1))
    release = asyncio.Event()

    async def fail_later() -> None:
        async with world.traffic.visit("first"):
            await release.wait()
            await world.fail()

    async def visit() -> None:
        async with world.traffic.visit("second"):
            pytest.fail("it was let in")

    first, second = asyncio.create_task(fail_later()), asyncio.create_task(visit())
    await asyncio.sleep(0)
    release.set()
    await first
    with pytest.raises(RegistryUnavailableError, match="did not answer 5 times"):
        await second


async def test_a_visit_that_reads_nothing_costs_nothing() -> None:
    world = World(60)
    world.standing = True
    for _ in range(100):
        async with world.traffic.visit("cached after all"):
            pass
    for _ in range(15):
        async with world.traffic.visit("read"):
            await world.read()
    assert world.seen == {Outcome.ANSWERED: 15}


async def test_a_read_that_is_given_up_while_it_waits_gives_its_place_back() -> None:
    world = World(60)
    for _ in range(15):
        await world.read()
    world.blocked = asyncio.Event()
    waiting = asyncio.create_task(world.read())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    world.blocked = None
    world.now_s += 4 / 3  # until the next token
    world.standing = True
    await world.read()
    assert world.seen == {Outcome.ANSWERED: 16}


async def test_a_slow_registry_takes_nothing_from_another() -> None:
    slow, quick = World(limits=TrafficLimits(max_turns=1)), World(limits=TrafficLimits(max_turns=1))
    async with slow.traffic.turn("hangs"):
        waiting = asyncio.create_task(slow.read())
        await quick.read()
        assert not waiting.done()
    await waiting
