"""Kubernetes Events without a flood: the same one is counted, not written again, and all are few.

An Event is an object in etcd for an hour. A controller that retries a denied pod every second must
not become 3,600 of them, and a storm of denials must not fill etcd: equal Events are one object
that counts, written at most every five minutes; per object and in all there is a limit beyond
which Events are dropped and counted. Events are for people who look at an object; the record of
verdicts is the hub's.
"""

import asyncio
import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import httpx2
import structlog
from lightkube import AsyncClient
from lightkube.resources.core_v1 import Event
from lightkube.types import PatchType

from tidegate.agent.metrics import KUBE_EVENTS
from tidegate.agent.reasons import COMPONENT, Level, Reason
from tidegate.agent.status import MAX_MESSAGE_CHARS, rfc3339
from tidegate.domain.text import printable, shorten_middle
from tidegate.kube.client import API_ERRORS, describe, status_code

REPEAT_S = 300.0
"""An Event that comes again is written again, with its count, after so long."""

BURST = 100
PER_S = 1.0
"""In all: so many at once, and so many a second for ever: 3,600 Events an hour at most."""

OBJECT_BURST = 10
OBJECT_PER_S = 1 / 60
"""The same about one object."""

MAX_KNOWN = 5_000
"""Events that are remembered so that they are counted."""

MAX_WAITING = 500
TRIES = 3
RETRY_S = 2.0

NAMESPACE_OF_CLUSTER_SCOPED = "default"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Subject:
    """What an Event is about."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    """Empty: a cluster-scoped object."""
    uid: str = ""
    """Without it `kubectl describe` does not show the Event, `kubectl get events` does."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to be told."""

    about: Subject
    level: Level
    reason: Reason
    message: str


@dataclass(slots=True)
class _Known:
    note: Note
    name: str
    first_at: datetime
    last_at: datetime
    count: int = 0
    written_s: float | None = None
    """On the loop's clock; None: never."""
    waiting: bool = False


class Bucket:
    """Tokens: `burst` at first, `per_s` more each second, never more than `burst`."""

    def __init__(self, burst: float, per_s: float, now_s: float) -> None:
        self._burst, self._per_s = burst, per_s
        self._left, self._at_s = burst, now_s

    def take(self, now_s: float) -> bool:
        """Take a token; False: there is none."""
        self._left = min(self._burst, self._left + self._per_s * (now_s - self._at_s))
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class KubeEvents:
    """Writes Events between `run` and its end; `tell` never waits and never raises."""

    def __init__(
        self,
        client: AsyncClient,
        clock: Callable[[], datetime],
        time: Callable[[], float],
    ) -> None:
        """`clock` gives the times in Events, `time` seconds for the limits."""
        self._client = client
        self._clock = clock
        self._time = time
        self._known: OrderedDict[Note, _Known] = OrderedDict()
        self._objects: OrderedDict[Subject, Bucket] = OrderedDict()
        self._all = Bucket(BURST, PER_S, time())
        self._waiting: deque[_Known] = deque()
        self._news = asyncio.Event()

    def tell(self, note: Note) -> None:
        """Take `note`, to be written soon, counted with an equal one, or dropped and counted."""
        now, now_s = self._clock(), self._time()
        known = self._known.get(note)
        if known is None:
            known = self._known[note] = _Known(note, _event_name(note), now, now)
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        self._known.move_to_end(note)
        known.count += 1
        known.last_at = now
        if known.waiting or (known.written_s is not None and now_s - known.written_s < REPEAT_S):
            KUBE_EVENTS.labels("repeated").inc()
        elif len(self._waiting) >= MAX_WAITING or not self._may_write(note.about, now_s):
            KUBE_EVENTS.labels("dropped").inc()
        else:
            known.waiting = True
            self._waiting.append(known)
            self._news.set()

    async def run(self) -> None:
        """Write what was told until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                known = self._waiting.popleft()
                known.waiting, known.written_s = False, self._time()
                KUBE_EVENTS.labels("written" if await self._write(known) else "failed").inc()

    def _may_write(self, about: Subject, now_s: float) -> bool:
        bucket = self._objects.get(about)
        if bucket is None:
            bucket = self._objects[about] = Bucket(OBJECT_BURST, OBJECT_PER_S, now_s)
            if len(self._objects) > MAX_KNOWN:
                self._objects.popitem(last=False)
        self._objects.move_to_end(about)
        return bucket.take(now_s) and self._all.take(now_s)

    async def _write(self, known: _Known) -> bool:
        """Create the Event or count it up; whether that worked."""
        why = ""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(RETRY_S)
            try:
                await self._put(known)
            except API_ERRORS as error:
                why = describe(error)
                if status_code(error) in (400, 403, 404, 422):  # asking again changes nothing
                    break
            else:
                return True
        log.warning("event not written", reason=known.note.reason, why=why)
        return False

    async def _put(self, known: _Known) -> None:
        namespace = known.note.about.namespace or NAMESPACE_OF_CLUSTER_SCOPED
        if known.count > 1:
            counted = {"count": known.count, "lastTimestamp": rfc3339(known.last_at)}
            try:
                await self._client.patch(
                    Event, known.name, counted, namespace=namespace, patch_type=PatchType.MERGE
                )
            except API_ERRORS as error:
                if status_code(error) != httpx2.codes.NOT_FOUND:  # after an hour it is gone
                    raise
            else:
                return
        body = cast("Event", Event.from_dict(event_body(known.note, known.name, known)))
        try:
            await self._client.create(body)
        except API_ERRORS as error:
            # An agent before this one wrote it: it stands, and that is what was wanted.
            if status_code(error) != httpx2.codes.CONFLICT:
                raise


def event_body(note: Note, name: str, seen: _Known) -> dict[str, Any]:
    """Return `note` as a core/v1 Event of name `name`."""
    about = note.about
    involved = {
        "apiVersion": about.api_version,
        "kind": about.kind,
        "name": about.name,
        "namespace": about.namespace,
        "uid": about.uid,
    }
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": about.namespace or NAMESPACE_OF_CLUSTER_SCOPED},
        "involvedObject": {key: value for key, value in involved.items() if value},
        "type": note.level.value,
        "reason": note.reason.value,
        "message": shorten_middle(printable(note.message), MAX_MESSAGE_CHARS),
        "source": {"component": COMPONENT},
        "firstTimestamp": rfc3339(seen.first_at),
        "lastTimestamp": rfc3339(seen.last_at),
        "count": seen.count,
    }


def _event_name(note: Note) -> str:
    """Return the same name for the same note, so that a restarted agent does not write it twice."""
    about = note.about
    parts = (
        about.api_version, about.kind, about.namespace, about.name, about.uid,
        note.reason.value, note.message,
    )  # fmt: skip
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return f"tidegate-{note.reason.value.lower()}-{digest}"
