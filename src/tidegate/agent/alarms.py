"""What is wrong with the protection of this cluster: told in the cluster, by metric, to the hub.

An alarm stands until what raised it says that it is over. Each raising and each end is one
Kubernetes Event; the hub hears what stands with every heartbeat.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from tidegate.agent.kube_events import Note, Subject
from tidegate.agent.metrics import ALARM
from tidegate.agent.reasons import Level, Reason
from tidegate.agent.status import rfc3339
from tidegate.domain.text import printable
from tidegate.wire.protection_v1 import MAX_ALARM_CHARS, AlarmV1

TELL_AGAIN = timedelta(minutes=5)

log = structlog.get_logger()


@dataclass(slots=True)
class _Standing:
    alarm: AlarmV1
    about: Subject
    told_at: datetime


class Alarms:
    """The alarms of one cluster; `tell` takes what is to be said in it."""

    def __init__(self, clock: Callable[[], datetime], tell: Callable[[Note], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._standing: dict[Reason, _Standing] = {}

    @property
    def standing(self) -> list[AlarmV1]:
        """Those that stand, the oldest first."""
        return [each.alarm for each in self._standing.values()]

    def raise_(self, kind: Reason, message: str, about: Subject) -> None:
        """Let an alarm stand.

        With other words it keeps its age, and is told anew at most every five minutes: what others
        said often has a time or a number in it.
        """
        now = self._clock()
        message = printable(message[:1].upper() + message[1:])[:MAX_ALARM_CHARS]
        before = self._standing.get(kind)
        ALARM.labels(kind.value).set(1)
        if before is not None:
            if before.alarm.message == message:
                return
            before.alarm.message = message
            if now - before.told_at < TELL_AGAIN:
                return
            before.told_at = now
        else:
            alarm = AlarmV1(kind.value, message, rfc3339(now))
            self._standing[kind] = _Standing(alarm, about, now)
        log.error("alarm", kind=kind.value, why=message)
        self._tell(Note(about, Level.WARNING, kind, message))

    def end(self, *kinds: Reason) -> None:
        """End those of `kinds` that stand."""
        for kind in kinds:
            ALARM.labels(kind.value).set(0)
            if kind not in self._standing:
                continue
            ended = self._standing.pop(kind)
            log.info("alarm ended", kind=kind.value)
            message = f"{kind.value}, since {ended.alarm.since}, is over"
            self._tell(Note(ended.about, Level.NORMAL, Reason.RESTORED, message))
