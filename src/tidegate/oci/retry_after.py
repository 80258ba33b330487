"""`Retry-After`: how long a server asks to be left alone (RFC 9110 section 10.2.3)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_S = 7 * 86_400.0
"""No registry's pause is believed to be longer."""

MAX_CHARS = 64


def parse_retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that `headers` (names in lower case) ask for, 0 where they ask for none.

    Given as a date, it is by the server's clock: the seconds since the answer's own `Date`,
    whatever our clock says. A date without one counts as none.
    """
    text = headers.get("retry-after", "").strip()[: MAX_CHARS + 1]
    if len(text) > MAX_CHARS or not text.isascii():
        return 0.0
    if text.isdecimal():
        wait_s = float(text)
    else:
        until, now = _parse_date(text), _parse_date(headers.get("date", "")[:MAX_CHARS])
        wait_s = (until - now).total_seconds() if until is not None and now is not None else 0.0
    return min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)


def _parse_date(text: str) -> datetime | None:
    """Return an HTTP date (RFC 9110 section 5.6.7), None for what is none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
