"""Which pods the gates gave a verdict about, as far as their events have come.

Events come at least once and late while the hub is away, since the agent hands them on before it
takes the next. So what is not here is only then missing when nothing is on its way any more.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

from tidegate.wire.event_v1 import AdmissionEventV1

LATE = timedelta(seconds=30)
"""An event older than this when it comes was held up; a gate hands over several times a second."""

SETTLE = timedelta(seconds=90)
"""After the last one that was held up, or could not be handed on, so long nothing is concluded."""

MAX_UIDS = 200_000
"""About 30 MB; ten minutes of a storm at 300 pods a second."""


class VerdictLog:
    """Verdicts about new pods, by the UID that the API server gave them before it asked."""

    def __init__(self) -> None:
        self._uids: OrderedDict[str, None] = OrderedDict()
        self.heard = False
        """Whether any gate ever told anything."""
        self.held_up_at: datetime | None = None
        self.dropped_at: datetime | None = None
        """When a gate last said that it had given up events."""

    def take(self, events: Iterable[AdmissionEventV1], dropped: int, now: datetime) -> None:
        """Take a batch that came `now`."""
        self.heard = True
        if dropped:
            self.dropped_at = now
        for event in events:
            if now - _instant(event.time, now) > LATE:
                self.held_up_at = now
            if event.kind == "Pod" and event.operation == "CREATE" and event.object_uid:
                self._uids[event.object_uid] = None
        while len(self._uids) > MAX_UIDS:
            self._uids.popitem(last=False)
            self.dropped_at = now

    def hold_up(self, now: datetime) -> None:
        """Keep that a batch could not be handed on, so that others wait behind it."""
        self.held_up_at = now

    def is_late(self, now: datetime) -> bool:
        """Whether events may be on their way still."""
        return self.held_up_at is not None and now - self.held_up_at < SETTLE

    def __contains__(self, uid: str) -> bool:
        return uid in self._uids

    def forget(self, uids: Iterable[str]) -> None:
        """Forget verdicts that were compared."""
        for uid in uids:
            self._uids.pop(uid, None)

    @property
    def uids(self) -> tuple[str, ...]:
        """Those that were not compared yet, the oldest first."""
        return tuple(self._uids)


def _instant(text: str, now: datetime) -> datetime:
    """Return the time of an event; one that cannot be read is not late."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return now
