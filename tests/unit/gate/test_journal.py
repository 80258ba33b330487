"""The way of an event: never in a review's way, at least once, counted where it ends."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tidegate.domain.errors import HubUnavailableError, InputError
from tidegate.gate.journal import Journal
from tidegate.gate.spool import Batch, Spool
from tidegate.gate.spool_rows import SharedEvent
from tidegate.wire.event_v1 import Action, AdmissionEventV1


class Agent:
    """Takes events, unless told to fail."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.batches: list[int] = []
        self.down = False
        self.poison = ""

    async def deliver(self, batch: Batch) -> None:
        events = [msgspec.json.decode(line)["id"] for line in batch.lines]
        if self.down:
            raise HubUnavailableError("down")
        if self.poison in events:
            raise InputError("refused")
        self.ids += events
        self.batches.append(len(events))

    async def aclose(self) -> None:
        return


def event(number: int, action: Action = "deny") -> Callable[[], AdmissionEventV1]:
    return lambda: AdmissionEventV1(str(number), "t", action, "Pod", "p", [])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_event_is_delivered_within_a_second(tmp_path: Path) -> None:
    agent = Agent()
    journal = Journal(Spool(tmp_path, 10**6), agent)
    journal.start()
    journal.record("deny", event(1))
    async with asyncio.timeout(1):
        await until(lambda: agent.ids == ["1"])
    await journal.close()


async def test_what_waits_goes_in_one_batch(tmp_path: Path) -> None:
    agent = Agent()
    journal = Journal(Spool(tmp_path, 10**6), agent)
    for n in range(40):
        journal.record("deny", event(n))
    journal.start()
    await until(lambda: len(agent.ids) == 40)
    await journal.close()
    assert agent.batches == [40]


async def test_events_survive_an_agent_that_is_away_and_a_restart(tmp_path: Path) -> None:
    agent = Agent()
    agent.down = True
    journal = Journal(Spool(tmp_path, 10**6), agent)
    journal.start()
    for n in range(3):
        journal.record("audit", event(n, "audit"))
    await journal.close()
    agent.down = False
    again = Journal(Spool(tmp_path, 10**6), agent)
    again.start()
    await until(lambda: agent.ids == ["0", "1", "2"])
    await again.close()


async def test_one_event_that_is_refused_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    agent = Agent()
    agent.poison = "5"
    journal = Journal(Spool(tmp_path, 10**6), agent)
    for n in range(9):
        journal.record("deny", event(n))
    journal.start()
    await until(lambda: len(agent.ids) == 8)
    await journal.close()
    assert agent.ids == [str(n) for n in range(9) if n != 5]


async def test_allows_are_delivered_although_verdicts_never_cease(tmp_path: Path) -> None:
    class Busy(Agent):
        """Each delivery takes so long that another verdict is there when it ends."""

        async def deliver(self, batch: Batch) -> None:
            await super().deliver(batch)
            number = 1000 + len(self.batches)
            journal.record("deny", event(number))
            await until(lambda: any(str(number) in f.read_text() for f in tmp_path.glob("ver*")))
            if len(self.batches) > 50:
                raise HubUnavailableError("enough")

    agent = Busy()
    journal = Journal(Spool(tmp_path, 10**6), agent)
    for n in range(3):
        journal.record("allow", event(n, "allow"))
    journal.record("deny", event(3))
    journal.start()
    await until(lambda: {"0", "1", "2"} <= set(agent.ids) or len(agent.batches) > 50)
    await journal.close()
    assert agent.ids[:4] == ["3", "0", "1", "2"]


async def test_lines_that_are_no_events_are_skipped(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**6)
    spool.append(
        [
            ("verdict", SharedEvent(b"junk")),
            ("verdict", SharedEvent(b'{"id": 1}')),
            ("verdict", SharedEvent(b"\xff")),
        ]
    )
    agent = Agent()
    journal = Journal(spool, agent)
    journal.start()
    journal.record("deny", event(1))
    await until(lambda: agent.ids == ["1"])
    await journal.close()


async def test_an_event_that_cannot_be_built_does_not_stop_the_rest(tmp_path: Path) -> None:
    agent = Agent()
    journal = Journal(Spool(tmp_path, 10**6), agent)

    def broken() -> AdmissionEventV1:
        raise ValueError("bug")

    journal.record("deny", broken)
    journal.record("deny", event(1))
    journal.start()
    await until(lambda: agent.ids == ["1"])
    await journal.close()


async def test_a_full_queue_gives_up_allows_first(tmp_path: Path) -> None:
    agent = Agent()
    journal = Journal(Spool(tmp_path, 10**6), agent, max_queued=3)
    for n, action in enumerate(("allow", "deny", "deny", "deny", "deny", "allow")):
        journal.record(action, event(n, action))  # type: ignore[arg-type] # literals of a loop
    journal.start()
    await until(lambda: len(agent.ids) == 3)
    await journal.close()
    assert agent.ids == ["1", "2", "3"]


async def test_a_disk_that_fails_is_counted_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent()
    spool = Spool(tmp_path, 10**6)
    journal = Journal(spool, agent)
    journal.start()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", _no_space)
        journal.record("deny", event(1))
        await journal._write_queued()  # noqa: SLF001 the moment of the fault
    journal.record("deny", event(2))
    await until(lambda: "2" in agent.ids)
    await journal.close()


def _no_space(_: int) -> None:
    raise OSError(28, "No space left on device")
