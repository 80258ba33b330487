"""What somebody else changed of the hub's policy objects, and was put back: told for a while.

A repair takes a tenth of a second, a heartbeat comes every few: without a memory nobody at the hub
would ever learn that in some cluster somebody edits the rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegate.agent.status import rfc3339

TOLD_FOR = timedelta(minutes=10)

MAX_NAMED = 5
"""Objects told of at once; the others are counted."""


@dataclass(slots=True)
class _Repairs:
    count: int
    last: datetime


class DriftLog:
    """Repairs by the name of what was repaired."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._repairs: dict[str, _Repairs] = {}

    def note(self, name: str) -> None:
        """Keep that `name` was put back now."""
        now = self._clock()
        before = self._recent().get(name)
        self._repairs[name] = _Repairs(before.count + 1 if before else 1, now)

    @property
    def told(self) -> tuple[str, ...]:
        """A sentence for each thing that was put back in the last ten minutes, newest first."""
        recent = sorted(self._recent().items(), key=lambda pair: pair[1].last, reverse=True)
        said = [
            f"{name} was changed here by somebody else than the hub, and put back: "
            f"{'once' if repairs.count == 1 else f'{repairs.count} times'}, "
            f"last at {rfc3339(repairs.last)}"
            for name, repairs in recent[:MAX_NAMED]
        ]
        more = len(recent) - MAX_NAMED
        return (*said, f"so were {more} more") if more > 0 else tuple(said)

    def _recent(self) -> dict[str, _Repairs]:
        since = self._clock() - TOLD_FOR
        self._repairs = {n: r for n, r in self._repairs.items() if r.last > since}
        return self._repairs
