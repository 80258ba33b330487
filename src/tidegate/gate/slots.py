"""How many reviews may gather evidence at once, shared fairly between namespaces.

A review that gets no slot is not refused out of hand: its images are judged by what is remembered
of them; those of which nothing is are unavailable, and the rules say what follows. No namespace
takes more than half, so one that floods leaves room for the others.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """Counts reviews in flight; not for several threads."""

    def __init__(self, max_in_flight: int) -> None:
        self._free = max_in_flight
        self._max_per_namespace = max(1, max_in_flight // 2)
        self._taken: Counter[str] = Counter()

    @property
    def in_flight(self) -> int:
        """Reviews that hold a slot now."""
        return self._taken.total()

    @contextmanager
    def take(self, namespace: str) -> Iterator[bool]:
        """Yield whether there was a slot for a review in `namespace`; give it back at the end."""
        granted = self._free > 0 and self._taken[namespace] < self._max_per_namespace
        if granted:
            self._free -= 1
            self._taken[namespace] += 1
        try:
            yield granted
        finally:
            if granted:
                self._free += 1
                self._taken[namespace] -= 1
                self._taken += Counter()  # forget namespaces at zero, or names pile up
