"""Durations and days as rules write them: `365d`, `2026-12-03`."""

import re
from datetime import UTC, date, datetime, time, timedelta

from tidegate.domain.errors import InvalidRuleError
from tidegate.domain.rule import end_of_day

_DURATION = re.compile(r"([0-9]{1,6})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def parse_duration(text: str) -> timedelta:
    """Return the duration written in `text`: a number and `d`, `h` or `m`.

    Raises:
        InvalidRuleError: not in this form, or zero.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not int(found[1]):
        raise InvalidRuleError(f"duration {text!r}: want a number above 0 and d, h or m, like 365d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def render_duration(duration: timedelta) -> str:
    """Return `duration` in the largest unit that divides it; seconds are cut."""
    minutes = int(duration.total_seconds()) // 60
    if minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def parse_end_date(text: str) -> datetime:
    """Return the first instant, UTC, after the day that `endDate` names.

    Raises:
        InvalidRuleError: neither a date nor a date-time (ISO 8601).
    """
    try:
        if len(text) == len("2026-12-03"):
            return end_of_day(datetime.combine(date.fromisoformat(text), time(), UTC))
        moment = datetime.fromisoformat(text)
        return end_of_day(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise InvalidRuleError(
            f"endDate {text!r}: want a date like 2026-12-03 or a date-time like "
            "2026-12-03T12:00:00Z"
        ) from error


def render_end_date(expires_at: datetime) -> str:
    """Return the last day, UTC, before `expires_at`; the inverse of `parse_end_date`."""
    return (expires_at - timedelta(days=1)).astimezone(UTC).date().isoformat()
