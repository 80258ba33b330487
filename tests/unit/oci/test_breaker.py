"""A registry that does not answer is left alone, and tried by one read at a time."""

import pytest

from tidegate.oci.breaker import FAILURES, FIRST_OPEN_S, MAX_OPEN_S, Breaker

SAID = "no connection in time"


def opened() -> Breaker:
    """Return a breaker that opened at second 0."""
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(0.0, SAID, is_probe=breaker.begin())
    return breaker


def test_fewer_failures_in_a_row_do_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.failed(0.0, SAID, is_probe=breaker.begin())
        breaker.answered()
    assert breaker.closed
    assert breaker.next_try_s(0.0) is None


@pytest.mark.parametrize(
    ("at_s", "next_s"),
    [
        pytest.param(0.0, FIRST_OPEN_S, id="at-once"),
        pytest.param(0.4, FIRST_OPEN_S - 0.4, id="meanwhile"),
        pytest.param(FIRST_OPEN_S, None, id="half-open"),
        pytest.param(10 * MAX_OPEN_S, None, id="long-after"),
    ],
)
def test_when_the_next_read_may_go_out(at_s: float, next_s: float | None) -> None:
    assert opened().next_try_s(at_s) == next_s


def test_only_one_probe_goes_out() -> None:
    breaker = opened()
    assert breaker.begin()
    assert breaker.next_try_s(FIRST_OPEN_S) == 0.0
    assert not breaker.begin(), "one that slipped through is no probe"


def test_a_probe_that_is_answered_closes_it() -> None:
    breaker = opened()
    breaker.begin()
    breaker.answered()
    assert breaker.closed
    assert breaker.next_try_s(FIRST_OPEN_S) is None
    assert breaker.failures == 0


def test_each_silent_probe_opens_it_for_twice_as_long_up_to_a_bound() -> None:
    breaker, now_s, waits = opened(), 0.0, []
    for _ in range(6):
        wait_s = breaker.next_try_s(now_s)
        assert wait_s is not None
        waits.append(wait_s)
        now_s += wait_s
        breaker.failed(now_s, SAID, is_probe=breaker.begin())
    assert waits == [1.0, 2.0, 4.0, MAX_OPEN_S, MAX_OPEN_S, MAX_OPEN_S]


def test_a_probe_that_nobody_waited_for_leaves_room_for_the_next() -> None:
    breaker = opened()
    breaker.abandoned(is_probe=breaker.begin())
    assert breaker.next_try_s(FIRST_OPEN_S) is None
    assert breaker.begin()


def test_silence_of_reads_from_before_does_not_lengthen_it() -> None:
    breaker = opened()
    for _ in range(30):
        breaker.failed(0.9, SAID, is_probe=False)
    assert breaker.next_try_s(0.9) == pytest.approx(FIRST_OPEN_S - 0.9)


def test_an_answer_to_a_read_from_before_closes_it() -> None:
    breaker = opened()
    breaker.answered()
    assert breaker.closed
