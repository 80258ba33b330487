"""Verdicts on their way to the hub, without ever holding up a review.

`record` puts an event into a bounded queue and returns. One task builds what waits and writes it to
the spool in one batch; another hands spooled events over, verdicts before allows as long as there
is a full batch of them, and then in turns, until somebody took them. Every event that is given up
anywhere on this way is counted.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Protocol

import msgspec
import structlog

from tidegate.domain.errors import InputError, UnavailableError
from tidegate.gate.events import render_shared
from tidegate.gate.metrics import (
    EVENTS_DELIVERED,
    EVENTS_DROPPED,
    EVENTS_RECORDED,
    SPOOL_BYTES,
)
from tidegate.gate.spool import LANES, Batch, Lane, Spool
from tidegate.gate.spool_rows import SharedEvent
from tidegate.wire.event_v1 import Action, AdmissionEventV1

MAX_QUEUED = 10_000
"""Events between a review and the disk; the writer takes all that wait at once."""

MAX_BATCH_EVENTS = 500
"""Events of one delivery; hub and agent accept 1,000."""

WRITE_EVERY_S = 0.02
"""Between two writes at least: a disk that syncs for each event would be all that a gate does. What
waits in memory meanwhile is lost only with the process."""

DELIVER_EVERY_S = 0.1
"""Between two deliveries that are not full: one costs as much as a dozen reviews."""

MIN_BACKOFF_S = 0.25
MAX_BACKOFF_S = 5.0
"""Longest wait between attempts; how late events may be once the agent is back."""

_Build = Callable[[], AdmissionEventV1]

log = structlog.get_logger(__name__)


class Delivery(Protocol):
    """Somebody who takes events."""

    async def deliver(self, batch: Batch) -> None:
        """Hand `batch` over; on return it was taken for good.

        Raises:
            InputError: it will never be taken as it is.
            UnavailableError: it may be taken later.
        """
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class Journal:
    """Records events between `start` and `close`."""

    def __init__(
        self,
        spool: Spool,
        delivery: Delivery | None = None,
        *,
        max_queued: int = MAX_QUEUED,
        tell: Callable[[list[AdmissionEventV1]], None] | None = None,
    ) -> None:
        """Record into `spool`; `tell` hears events as soon as they are built, in any thread."""
        self._spool = spool
        self._delivery = delivery
        self._max_queued = max_queued
        self._tell = tell
        self._queues: dict[Lane, deque[tuple[Action, _Build]]] = {lane: deque() for lane in LANES}
        self._queued = asyncio.Event()
        self._spooled = asyncio.Event()
        # One thread: the spool is not for several, and its fsync must not stop the event loop.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start to write and to hand over; also what an earlier process left."""
        self._tasks.append(asyncio.create_task(self._write_forever()))
        if self._delivery is not None:
            self._tasks.append(asyncio.create_task(self._deliver_forever(self._delivery)))

    async def close(self) -> None:
        """Write what is queued and stop; what nobody took stays on disk for the next start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._write_queued()
        self._thread.shutdown()
        if self._delivery is not None:
            await self._delivery.aclose()

    def record(self, action: Action, build: _Build) -> None:
        """Take one event, to be built later; when too many wait, an allow is given up first."""
        lane: Lane = "allow" if action == "allow" else "verdict"
        if sum(map(len, self._queues.values())) >= self._max_queued:
            EVENTS_DROPPED.labels("queue").inc()
            if lane == "allow" or not self._queues["allow"]:
                return
            self._queues["allow"].popleft()
        self._queues[lane].append((action, build))
        self._queued.set()

    async def _write_forever(self) -> None:
        while True:
            await self._queued.wait()
            self._queued.clear()
            # A cancelled wait for the thread would lose what it holds: it is let finish.
            await asyncio.shield(self._write_queued())
            await asyncio.sleep(WRITE_EVERY_S)

    async def _write_queued(self) -> None:
        waiting = [(lane, *entry) for lane in LANES for entry in self._queues[lane]]
        for queue in self._queues.values():
            queue.clear()
        if waiting:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, waiting)
            self._spooled.set()

    def _write(self, waiting: list[tuple[Lane, Action, _Build]]) -> None:
        """Build and write events; runs in the spool's thread and raises nothing."""
        lines: list[tuple[Lane, SharedEvent]] = []
        built: list[AdmissionEventV1] = []
        recorded: Counter[Action] = Counter()
        for lane, action, build in waiting:
            try:
                event = build()
                lines.append((lane, render_shared(event)))
                built.append(event)
            except Exception:
                EVENTS_DROPPED.labels("build").inc()
                log.exception("an admission event could not be built", action=action)
                continue
            recorded[action] += 1
        self._tell_of(built)
        try:
            dropped = self._spool.append(lines)
        except OSError:
            EVENTS_DROPPED.labels("disk").inc(len(lines))
            log.exception("admission events could not be written", lost=len(lines))
            return
        for action, number in recorded.items():
            EVENTS_RECORDED.labels(action).inc(number)
        SPOOL_BYTES.set(self._spool.size_bytes)
        if dropped:
            EVENTS_DROPPED.labels("spool").inc(dropped)
            log.warning("the spool is full; admission events were dropped", dropped=dropped)

    def _tell_of(self, built: list[AdmissionEventV1]) -> None:
        if self._tell is None:
            return
        try:
            self._tell(built)
        except Exception:  # they go into the spool all the same
            log.exception("admission events could not be told", events=len(built))

    async def _deliver_forever(self, delivery: Delivery) -> None:
        limit, backoff_s = MAX_BATCH_EVENTS, MIN_BACKOFF_S
        first: Lane = "verdict"
        while True:
            self._spooled.clear()
            batch = await self._in_thread(partial(self._peek, first=first), limit)
            if batch is None:
                await self._spooled.wait()
                continue
            try:
                if batch.lines:
                    await delivery.deliver(batch)
            except UnavailableError as error:
                log.warning("admission events stay spooled", error=str(error), retry_s=backoff_s)
                await asyncio.sleep(backoff_s)
                backoff_s = min(MAX_BACKOFF_S, backoff_s * 2)
                continue
            except InputError:
                if len(batch.lines) > 1:  # one of them is at fault: find it by halves
                    limit = len(batch.lines) // 2
                    continue
                EVENTS_DROPPED.labels("refused").inc()
                log.exception("an admission event was refused for good")
            else:
                EVENTS_DELIVERED.inc(len(batch.lines))
            await self._in_thread(self._acknowledge, batch)
            # A few verdicts in each round must not keep the allows waiting for ever.
            few = len(batch.lines) < limit
            drained = batch.lane == "verdict" and few
            first = "allow" if drained else "verdict"
            limit, backoff_s = min(MAX_BATCH_EVENTS, limit * 2), MIN_BACKOFF_S
            if few:
                await asyncio.sleep(DELIVER_EVERY_S)

    async def _in_thread(
        self, function: Callable[..., Batch | None], argument: object
    ) -> Batch | None:
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, function, argument))

    def _peek(self, max_events: int, first: Lane) -> Batch | None:
        """Return the next batch with the lines that are events; lines may be none."""
        batch = self._spool.peek(max_events, first)
        if batch is None:
            return None
        lines = tuple(filter(_is_event, batch.lines))
        if corrupt := len(batch.lines) - len(lines):
            EVENTS_DROPPED.labels("corrupt").inc(corrupt)
            log.error("lines of the spool are no events and were skipped", lines=corrupt)
        return replace(batch, lines=lines)

    def _acknowledge(self, batch: Batch) -> None:
        self._spool.acknowledge(batch)
        SPOOL_BYTES.set(self._spool.size_bytes)


class _Line(msgspec.Struct):
    """Enough of an event to tell one from what a crash left of it; the hub reads all."""

    id: str
    time: str
    action: Action


_LINE = msgspec.json.Decoder(_Line)


def _is_event(line: bytes) -> bool:
    try:
        _LINE.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True
