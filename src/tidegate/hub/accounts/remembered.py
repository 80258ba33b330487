"""Who a token or cookie speaks for, remembered for a few seconds: most requests ask the same again.

Only what was found is remembered, by the hash of the secret, and only while nothing happened that
could end anybody's access. `changes` counts that: this process's own transactions ring it as they
end, other hubs of a PostgreSQL database by `NOTIFY`; what is not heard is found within a second by
`accounts.confirmed`. `LIFE_S` ends everything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from tidegate.hub.signals import Signal

T = TypeVar("T")

LIFE_S = 5.0
"""After so long each is looked up again, whatever was heard."""

MAX_REMEMBERED = 10_000
"""Each is a valid credential, so strangers cannot fill this; the oldest is forgotten first."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    value: T
    since: datetime
    until: datetime


class Remembered(Generic[T]):
    """What was found of late, by the hash of its secret."""

    def __init__(self, changes: Signal) -> None:
        self._changes = changes
        self._seen = changes.count
        self._entries: dict[str, _Entry[T]] = {}

    def find(self, key: str, now: datetime) -> T | None:
        """Return what is remembered and holds at `now`, else None."""
        self._forget_if_changed()
        entry = self._entries.get(key)
        # A clock that was set back must not make an entry last longer.
        if entry is None or not entry.since <= now < entry.until:
            return None
        return entry.value

    def keep(
        self, key: str, value: T, *, seen: int, now: datetime, ends_at: datetime | None = None
    ) -> None:
        """Remember `value`, until `ends_at` at the longest.

        `seen` is the count of changes before it was looked up: what was read before a revocation
        must not be remembered after it.
        """
        self._forget_if_changed()
        if seen != self._seen:
            return
        until = now + timedelta(seconds=LIFE_S)
        self._entries.pop(key, None)
        self._entries[key] = _Entry(value, now, until if ends_at is None else min(until, ends_at))
        if len(self._entries) > MAX_REMEMBERED:
            del self._entries[next(iter(self._entries))]

    def forget(self, key: str) -> None:
        """Look this one up again at its next use."""
        self._entries.pop(key, None)

    def _forget_if_changed(self) -> None:
        if self._seen != self._changes.count:
            self._seen = self._changes.count
            self._entries.clear()
