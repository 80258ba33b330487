"""Text for people: what strangers wrote made fit for one line, and durations in words."""

import unicodedata
from datetime import UTC, datetime, timedelta

# Cc: control, Cf: invisible and bidirectional formatting, Cs: surrogates, Zl and Zp: line breaks.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """Return `text` without control, formatting and line-breaking characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char for char in text if unicodedata.category(char) not in _HIDDEN)


def shorten_middle(text: str, max_chars: int) -> str:
    """Return `text` with its middle left out, so that it has at most `max_chars` characters."""
    if len(text) <= max_chars:
        return text
    kept = max(max_chars - 1, 2)
    head = kept // 2
    return f"{text[:head]}…{text[len(text) - (kept - head) :]}"


def describe_duration(duration: timedelta) -> str:
    """Return a duration for people: whole days, or hours below two days."""
    hours = int(duration.total_seconds() // 3600)
    return f"{hours // 24} d" if hours >= 48 else f"{hours} h"


def describe_instant(moment: datetime) -> str:
    """Return an instant for people, to the second: `2026-11-23 12:00:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
