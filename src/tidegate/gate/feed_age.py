"""How old the feed is: told in metrics and, past five minutes, in the log. It decides nothing.

A batch comes every minute, with or without rows. One that does not come means that the worker
stands still, or that somebody on the way withholds what it found (THREATS row 22).
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from tidegate.feed.store import FeedStore
from tidegate.gate.metrics import FEED_AGE_SECONDS, FEED_EPOCH, FEED_OLD, FEED_SUBJECTS
from tidegate.trust.configuration import TrustConfiguration

OLD = timedelta(minutes=5)
LOOK_S = 5.0

_GAUGES = (FEED_EPOCH, FEED_AGE_SECONDS, FEED_OLD, FEED_SUBJECTS)

log = structlog.get_logger(__name__)


class FeedAge:
    """Tells the age of each key's feed."""

    def __init__(
        self,
        store: FeedStore,
        trust: Callable[[], TrustConfiguration],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._trust = trust
        self._clock = clock
        self._told: set[str] = set()
        """Names of keys that metrics are shown of."""
        self._old: set[str] = set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def warnings(self) -> tuple[str, ...]:
        """Return a sentence for each key whose feed is old."""
        minutes = OLD.seconds // 60
        return tuple(
            f"the feed of evidence key {name!r} is older than {minutes} minutes; verdicts rest on "
            "what was known then"
            for name in sorted(self._old)
        )

    def look(self) -> None:
        """Set the metrics, and log where a feed has become old, or is not any more."""
        now = self._clock()
        trust = self._trust()
        seen = set()
        for key in trust.keys if trust.audience else ():
            state = self._store.state(key.fingerprint)
            if state is None:
                continue
            seen.add(key.name)
            age = now - state.issued_at
            FEED_EPOCH.labels(key.name).set(state.epoch)
            FEED_AGE_SECONDS.labels(key.name).set(max(0.0, age.total_seconds()))
            FEED_SUBJECTS.labels(key.name).set(self._store.subjects(key.fingerprint))
            self._tell_old(key.name, age)
        for name in self._told - seen:
            for gauge in _GAUGES:
                gauge.remove(name)
        self._told = seen
        self._old &= seen

    def _tell_old(self, name: str, age: timedelta) -> None:
        is_old = age > OLD
        FEED_OLD.labels(name).set(is_old)
        if is_old and name not in self._old:
            log.warning(
                "feed-is-old",
                key=name,
                age_s=round(age.total_seconds()),
                want_at_most_s=OLD.seconds,
            )
        elif name in self._old and not is_old:
            log.info("feed-is-current", key=name)
        (self._old.add if is_old else self._old.discard)(name)
