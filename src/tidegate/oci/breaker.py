"""A circuit breaker: a registry that does not answer is left alone for a moment. Pure.

*Closed*: reads go out; so many in a row without an answer open it. *Open*: none goes out until a
time. *Half open*: one goes out, the probe; its answer closes, its silence opens for twice as long.
Any answer closes it, also one to a read that began before: the registry is there. What is no
answer is the caller's word; refusals and rate limits are answers. Times are on one monotonic clock.
"""

from dataclasses import dataclass

FAILURES = 5
"""Reads in a row without an answer: fewer are a network's ordinary day."""

FIRST_OPEN_S = 1.0
MAX_OPEN_S = 8.0
"""One read, of at most 2 s, in so long is what a dead registry costs; and how late a gate is to
notice that it is back."""


@dataclass(slots=True)
class Breaker:
    """What is known about one registry's being there."""

    failures: int = 0
    """In a row, up to now."""
    last_fault: str = ""
    """Of the newest failure, for people."""
    _open_until_s: float = 0.0
    _open_s: float = 0.0
    """How long it is open this time; 0: closed."""
    _probing: bool = False

    @property
    def closed(self) -> bool:
        """Whether reads go out freely."""
        return self._open_s == 0

    def next_try_s(self, now_s: float) -> float | None:
        """Return the seconds until a read may go out: 0.0 while a probe is; None: at once."""
        if self.closed:
            return None
        left_s = self._open_until_s - now_s
        if left_s > 0:
            return left_s
        return 0.0 if self._probing else None

    def begin(self) -> bool:
        """Note that a read goes out; return whether it is the probe."""
        is_probe = not self.closed and not self._probing
        self._probing = self._probing or is_probe
        return is_probe

    def answered(self) -> None:
        """Note that the registry is there."""
        self.failures, self._open_s, self._probing, self.last_fault = 0, 0.0, False, ""

    def failed(self, now_s: float, fault: str, *, is_probe: bool) -> None:
        """Note a read without an answer."""
        self.failures += 1
        self.last_fault = fault
        if is_probe:
            self._probing = False
            self._open(now_s, min(self._open_s * 2, MAX_OPEN_S))
        elif self.closed and self.failures >= FAILURES:
            self._open(now_s, FIRST_OPEN_S)

    def abandoned(self, *, is_probe: bool) -> None:
        """Note that nobody waited for a read's end: it says nothing, and the next one probes."""
        if is_probe:
            self._probing = False

    def _open(self, now_s: float, seconds: float) -> None:
        self._open_s = seconds
        self._open_until_s = now_s + seconds
