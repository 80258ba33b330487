"""How often a registry is read, whatever it answers and whenever anybody asks."""

import math

from hypothesis import example, given
from hypothesis import strategies as st

from tidegate.oci.rate import FLOOR_PER_MINUTE, MAX_PAUSE_S, PAUSE_S, ReadRate

LIMITS = st.integers(60, 400)
GAPS = st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=12)
GAIN = 1e-6
"""What adding up floating-point times may gain."""


def sent(rate: ReadRate, gaps: list[float]) -> list[float]:
    """Return when reads go out that are asked for after each gap, several at once."""
    now_s, found = 0.0, []
    for gap_s in gaps:
        now_s += gap_s
        found += [now_s + rate.reserve(now_s) for _ in range(15)]
    return found


@given(LIMITS, GAPS)
@example(60, [0.0] * 12)
def test_t11_in_no_minute_more_reads_go_out_than_configured(limit: int, gaps: list[float]) -> None:
    times = sent(ReadRate(limit, 0.0), gaps)
    assert times == sorted(times), "in the order in which they were asked for"
    for first, one_too_many in zip(times, times[limit:], strict=False):
        assert one_too_many - first >= 60 - GAIN


@given(LIMITS, st.integers(1, 50))
def test_an_idle_limit_gives_a_quarter_at_once(limit: int, minutes: int) -> None:
    rate = ReadRate(limit, 0.0)
    at_once = [rate.reserve(minutes * 60.0) for _ in range(limit // 4)]
    assert max(at_once) < GAIN
    assert rate.wait_s(minutes * 60.0) >= 0


@given(st.just(0) | LIMITS, st.integers(1, 300), st.floats(0, 10**6, allow_nan=False))
def test_a_429_is_a_pause_and_then_half(limit: int, reads: int, asked_s: float) -> None:
    rate = ReadRate(limit, 0.0)
    for _ in range(reads):
        rate.reserve(0.0)
    rate.slow_down(1.0, 0.0, asked_s)
    pause_s = rate.paused_s(1.0)
    assert math.isclose(pause_s, min(max(asked_s, PAUSE_S), MAX_PAUSE_S), rel_tol=GAIN)
    assert rate.wait_s(1.0) >= pause_s
    assert rate.per_minute(1.0) <= max(FLOOR_PER_MINUTE, reads / 2)
    assert rate.per_minute(1.0) <= (limit or math.inf)


@given(st.just(0) | LIMITS, st.integers(1, 300))
def test_several_429s_of_one_moment_halve_once(limit: int, reads: int) -> None:
    rate, again = ReadRate(limit, 0.0), ReadRate(limit, 0.0)
    for each in (rate, again):
        for _ in range(reads):
            each.reserve(0.0)
        each.slow_down(1.0, 0.0, 0)
    for _ in range(20):
        again.slow_down(1.0, 0.5, 0)
    assert again.per_minute(1.0) == rate.per_minute(1.0)


@given(st.just(0) | LIMITS, st.lists(st.floats(0, 600, allow_nan=False), max_size=30))
def test_what_was_slowed_down_recovers_and_never_beyond_what_is_configured(
    limit: int, pauses: list[float]
) -> None:
    rate, now_s = ReadRate(limit, 0.0), 0.0
    for pause_s in pauses:
        now_s += 1 + rate.reserve(now_s)
        rate.slow_down(now_s, now_s, pause_s)
        assert FLOOR_PER_MINUTE <= rate.per_minute(now_s) <= (limit or math.inf)
    before = rate.per_minute(now_s)
    for minutes in range(30):
        after = rate.per_minute(now_s + MAX_PAUSE_S + minutes * 60)
        assert before <= after <= (limit or math.inf)
        before = after
    assert before == (limit or math.inf)


@given(LIMITS, st.integers(1, 100))
def test_a_token_given_back_is_there_for_the_next(limit: int, reads: int) -> None:
    rate = ReadRate(limit, 0.0)
    for _ in range(reads):
        rate.reserve(0.0)
    before = rate.wait_s(0.0)
    rate.reserve(0.0)
    rate.give_back()
    assert math.isclose(rate.wait_s(0.0), before, abs_tol=GAIN)
