"""Guesses are slowed down, by account and by address, on a clock that the test moves."""

from datetime import UTC, datetime, timedelta

import pytest

from tidegate.domain.errors import RateLimitedError
from tidegate.hub.accounts.throttle import ACCOUNT, MAX_KEYS, Throttle

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle() -> Throttle:
    return Throttle()


def wait_s(throttle: Throttle, clock: Clock, account: str, address: str) -> float:
    """Return the seconds to wait, 0 where the attempt was let pass (and failed)."""
    try:
        throttle.begin(account, address, clock.now)
    except RateLimitedError as error:
        return error.retry_after_s
    return 0


@pytest.mark.parametrize(
    ("failures", "delay_s"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (9, 480), (10, 900), (11, 900), (10_000, 900)],
)
def test_delay_doubles_up_to_a_quarter_of_an_hour(failures: int, delay_s: float) -> None:
    assert ACCOUNT.delay(failures).total_seconds() == delay_s


def test_account_is_locked_from_every_address(throttle: Throttle, clock: Clock) -> None:
    for n in range(5):
        assert wait_s(throttle, clock, "ann", f"192.0.2.{n}") == 0
    assert wait_s(throttle, clock, "ann", "198.51.100.1") == 30
    assert wait_s(throttle, clock, "bob", "198.51.100.1") == 0


def test_waiting_lets_one_attempt_pass_and_a_failure_doubles_the_delay(
    throttle: Throttle, clock: Clock
) -> None:
    for _ in range(5):
        throttle.begin("ann", "192.0.2.1", clock.now)
    clock.later(29.5)
    assert wait_s(throttle, clock, "ann", "192.0.2.1") == 0.5
    clock.later(0.5)
    assert wait_s(throttle, clock, "ann", "192.0.2.1") == 0
    assert wait_s(throttle, clock, "ann", "192.0.2.1") == 60


def test_asking_while_locked_does_not_lengthen_the_lock(throttle: Throttle, clock: Clock) -> None:
    for _ in range(5):
        throttle.begin("ann", "192.0.2.1", clock.now)
    for _ in range(100):
        assert wait_s(throttle, clock, "ann", "192.0.2.1") == 30


def test_success_forgets_the_accounts_failures_but_not_the_addresses(
    throttle: Throttle, clock: Clock
) -> None:
    for n in range(19):
        throttle.begin(f"user{n}", "192.0.2.1", clock.now)
    throttle.begin("mine", "192.0.2.1", clock.now)
    throttle.succeeded("mine", "192.0.2.1")
    assert wait_s(throttle, clock, "mine", "192.0.2.1") == 0
    assert wait_s(throttle, clock, "mine", "192.0.2.1") == 30


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
def test_what_counts_as_one_address(
    throttle: Throttle, clock: Clock, first: str, second: str, *, same: bool
) -> None:
    for n in range(20):
        throttle.begin(f"user{n}", first, clock.now)
    assert (wait_s(throttle, clock, "other", second) > 0) == same


def test_failures_are_forgotten_after_a_day(throttle: Throttle, clock: Clock) -> None:
    for _ in range(4):
        throttle.begin("ann", "192.0.2.1", clock.now)
    clock.later(24 * 3600 + 1)
    for _ in range(5):
        assert wait_s(throttle, clock, "ann", "192.0.2.1") == 0


def test_strangers_cannot_fill_the_memory(throttle: Throttle, clock: Clock) -> None:
    for n in range(MAX_KEYS + 500):
        throttle.begin(f"user{n}", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", clock.now)
    assert len(throttle._records) == MAX_KEYS  # noqa: SLF001  # its size is not told elsewhere
