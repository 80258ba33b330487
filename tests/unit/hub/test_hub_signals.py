"""Nobody who waits misses a change, and nobody waits beyond the end."""

import asyncio

from support.hub_world import until
from tidegate.hub.signals import Signal, Signals


async def test_a_change_between_reading_and_waiting_is_not_missed() -> None:
    signal = Signal()
    seen = signal.count
    signal.ring()
    assert await signal.wait_beyond(seen, 5)


async def test_all_waiters_wake() -> None:
    signal = Signal()
    tasks = [asyncio.create_task(signal.wait_beyond(0, 5)) for _ in range(10)]
    await until(lambda: signal.waiting == 10)
    signal.ring()
    assert await asyncio.gather(*tasks) == [True] * 10
    assert signal.waiting == 0


async def test_waiting_ends_with_its_time() -> None:
    assert not await Signal().wait_beyond(0, 0.01)


async def test_closing_ends_all_waiting_for_good() -> None:
    signals = Signals()
    task = asyncio.create_task(signals.jobs.wait_beyond(0, 5))
    await until(lambda: signals.jobs.waiting == 1)
    signals.close()
    assert not await task
    assert not await signals.jobs.wait_beyond(0, 5)
