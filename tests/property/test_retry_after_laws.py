"""`Retry-After`, whatever a registry writes there."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import example, given
from hypothesis import strategies as st

from tidegate.oci.retry_after import MAX_RETRY_AFTER_S, parse_retry_after

ODD = st.text(max_size=70) | st.from_regex(
    r"[A-Z][a-z]{2}, [0-9]{1,25} (Jan|Feb) [0-9]{1,25} [0-9:]{1,9} [A-Z+0-9-]{1,6}"
)


@given(ODD, ODD)
@example("Sun, 99999999999999999999 Mar 2015 00:00:00 GMT", "")
@example("Sun, 01 Mar 2015 00:00:00 -0000", "Sun, 01 Mar 2015 00:00:00 GMT")
def test_t03_nothing_that_stands_there_raises_or_asks_for_ever(text: str, date: str) -> None:
    assert 0 <= parse_retry_after({"retry-after": text, "date": date}) <= MAX_RETRY_AFTER_S


@given(st.integers(0, 2**34), st.integers(0, 86_400))
def test_a_date_means_the_same_as_its_seconds(now_s: int, wait_s: int) -> None:
    then = datetime.fromtimestamp(now_s, UTC)
    until = format_datetime(then + timedelta(seconds=wait_s), usegmt=True)
    by_date = {"retry-after": until, "date": format_datetime(then, usegmt=True)}
    assert parse_retry_after(by_date) == parse_retry_after({"retry-after": str(wait_s)}) == wait_s
