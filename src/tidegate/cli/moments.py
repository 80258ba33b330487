"""Points in time as people write and read them."""

import re
from datetime import UTC, datetime, timedelta

from tidegate.domain.errors import InputError

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_since(text: str, now: datetime) -> str:
    """Return the moment that `text` means, in RFC 3339, UTC: `30m` ago, or a date or date-time.

    Raises:
        InputError: neither.
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            return render_moment(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
        moment = datetime.fromisoformat(text)
        return render_moment(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"time {text[:80]!r}: want how long ago, like 30m, 24h or 7d, or a date-time like "
            "2026-11-23T09:00:00Z"
        ) from error


def render_moment(moment: datetime) -> str:
    """Return `moment` in RFC 3339, UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def short_moment(text: str) -> str:
    """Return the RFC 3339 time `text` to the second, for a column; other text as it is."""
    try:
        return render_moment(datetime.fromisoformat(text))
    except ValueError:
        return text


def parse_moment(text: str) -> datetime | None:
    """Return the RFC 3339 time `text`, in UTC where it names no zone; None: it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
