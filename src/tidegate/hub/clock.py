"""Instants as the hub writes them: RFC 3339, UTC, microseconds: their text sorts as they do."""

from datetime import UTC, datetime


def render_instant(moment: datetime) -> str:
    """Return `moment` as text of a fixed width."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime | None:
    """Return the instant written in `text`; without an offset UTC is meant; None: it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
