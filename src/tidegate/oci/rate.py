"""How many reads a minute one registry gets from us: what is configured, and what it bears. Pure.

A bucket of tokens: in no 60 seconds more reads go out than the limit; a quarter of it may come at
once. A read that goes on with what was begun may take a token that is still to come (`reserve`), so
that what is begun ends; what would begin something new waits until those are paid for.

After a 429 nothing goes out for as long as the registry asks, and then half of what went out
before. From there the limit doubles each minute, until what is configured; without a configured
one, until it is as good as none. Times are on one monotonic clock.
"""

import math

MAX_PER_MINUTE = 100_000
"""More than one process can read; an adapted limit this high is none."""

FLOOR_PER_MINUTE = 60.0
"""An adapted limit is never lower."""

ROUNDING = 1e-9

PAUSE_S = 1.0
"""The least after a 429, which need not say for how long."""

MAX_PAUSE_S = 300.0
"""No 429 is believed for longer: then one read asks again."""


class ReadRate:
    """The reads of one registry.

    `configured` is a number of reads a minute, 0 for no limit but what the registry sets by 429.
    """

    def __init__(self, configured: int, now_s: float) -> None:
        self._configured = configured
        self._limit = float(configured) if configured else math.inf
        self._adapted_at_s = math.inf
        """When the limit begins to grow again after a 429; infinite: it is what is configured."""
        self._tokens = _burst(self._limit) if configured else 0.0
        self._at_s = now_s
        """Of the tokens; during a pause its end, since none comes before."""
        self._paused_until_s = -math.inf
        self._slowed_at_s = -math.inf
        self._recent = 0.0
        """Reads of about the last minute: a count that decays with it."""
        self._recent_at_s = now_s

    def per_minute(self, now_s: float) -> float:
        """Return the limit in force; infinite: none."""
        ceiling = float(self._configured or MAX_PER_MINUTE)
        if math.isinf(self._adapted_at_s):
            return self._limit
        minutes = max(0.0, now_s - self._adapted_at_s) / 60
        grown: float = self._limit * 2.0 ** min(minutes, 30.0)
        if grown < ceiling:
            return grown
        self._adapted_at_s = math.inf
        self._limit = ceiling if self._configured else math.inf
        return self._limit

    def paused_s(self, now_s: float) -> float:
        """Return how long the registry still asks to be left alone."""
        return max(0.0, self._paused_until_s - now_s)

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until one more read may go out; those that wait included."""
        limit = self.per_minute(now_s)
        paused_s = self.paused_s(now_s)
        if math.isinf(limit):
            return paused_s
        self._fill(now_s, limit)
        lacking = 1 - self._tokens
        # Tokens come again when the pause is over: `_at_s` is its end. What adding up floats loses
        # is nothing to wait for.
        return paused_s + (lacking / _per_second(limit) if lacking > ROUNDING else 0.0)

    def reserve(self, now_s: float) -> float:
        """Take a token, one to come if need be; return the seconds until it is there."""
        wait_s = self.wait_s(now_s)
        self._tokens -= 1
        self._recent = self._recent_at(now_s) + 1
        self._recent_at_s = now_s
        return wait_s

    def give_back(self) -> None:
        """Return a token whose read did not go out."""
        self._tokens += 1

    def slow_down(self, now_s: float, began_s: float, retry_after_s: float) -> None:
        """Note a 429 to a read that went out at `began_s`.

        Several of those under way when the first came are one event: the limit is halved once.
        """
        pause_s = min(max(retry_after_s, PAUSE_S), MAX_PAUSE_S)
        self._paused_until_s = max(self._paused_until_s, now_s + pause_s)
        if began_s > self._slowed_at_s:
            halved = min(self.per_minute(now_s), self._recent_at(now_s)) / 2
            least = min(FLOOR_PER_MINUTE, self._configured or math.inf)
            self._limit = max(halved, least)
            self._slowed_at_s = now_s
            self._tokens = min(self._tokens, 1.0) if self._configured else 1.0
        self._adapted_at_s = self._at_s = self._paused_until_s

    def _fill(self, now_s: float, limit: float) -> None:
        passed_s = max(0.0, now_s - self._at_s)
        self._tokens = min(_burst(limit), self._tokens + passed_s * _per_second(limit))
        self._at_s = max(self._at_s, now_s)

    def _recent_at(self, now_s: float) -> float:
        return self._recent * math.exp(-max(0.0, now_s - self._recent_at_s) / 60)


def _burst(limit: float) -> float:
    """Return how many of `limit` may come at once."""
    return limit / 4


def _per_second(limit: float) -> float:
    """Return how fast tokens come, so that no 60 seconds see more than `limit`."""
    return (limit - _burst(limit)) / 60
