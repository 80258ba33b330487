"""What was put back is told for ten minutes, with how often, and no more than a few at once."""

from datetime import UTC, datetime, timedelta

from tidegate.agent.drift import MAX_NAMED, DriftLog


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_a_repair_is_told_with_how_often_until_ten_minutes_have_passed() -> None:
    clock = Clock()
    drift = DriftLog(clock)
    assert drift.told == ()
    drift.note("policy object 'x'")
    clock.now += timedelta(minutes=6)
    drift.note("policy object 'x'")
    (told,) = drift.told
    assert told.startswith("policy object 'x' was changed here by somebody else than the hub")
    assert told.endswith("2 times, last at 2026-11-23T09:06:00Z")
    clock.now += timedelta(minutes=9, seconds=59)
    assert len(drift.told) == 1
    clock.now += timedelta(seconds=1)
    assert drift.told == ()
    drift.note("policy object 'x'")
    assert "put back: once" in drift.told[0]


def test_the_newest_are_named_and_the_others_counted() -> None:
    clock = Clock()
    drift = DriftLog(clock)
    for number in range(MAX_NAMED + 3):
        clock.now += timedelta(seconds=1)
        drift.note(f"policy object {number}")
    told = drift.told
    assert told[0].startswith(f"policy object {MAX_NAMED + 2} ")
    assert told[-1] == "so were 3 more"
    assert len(told) == MAX_NAMED + 1
