"""The index of admissions: told to the agent, and heard from it.

`Teller` hands on what this gate admitted, at once and whether the hub is there or not; what waits
is bounded and lost with the process, but the admission event says the same once the hub has it.
`Admissions` is the index of all gates, as the agent has it; `Follower` keeps it up to date while
`reAdmission: Audit` is in force. Whatever is lost on either way makes denials only.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar

import structlog

from tidegate.domain.digest import Digest, parse_digest
from tidegate.domain.errors import InputError, UnavailableError
from tidegate.domain.re_admission import Admitted
from tidegate.gate.metrics import ADMISSIONS_LOST
from tidegate.wire.admitted_v1 import (
    MAX_TOLD,
    MAX_WAIT_S,
    AdmissionsV1,
    AdmittedPageV1,
    AdmittedV1,
    BadV1,
    admissions_of,
    parse_row,
)
from tidegate.wire.event_v1 import AdmissionEventV1

MAX_ENTRIES = 50_000
"""Held of the index, about 600 bytes each; the agent keeps no more."""

MAX_QUEUED = 10_000
RETRY_S = (0.5, 15.0)
"""First and longest pause before the agent is asked again."""

LOOK_S = 1.0
"""How often it is looked whether the policy says Audit."""

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class Agent(Protocol):
    """The agent, as far as the index goes."""

    async def tell_admitted(self, told: AdmissionsV1) -> None:
        """Hand over what was admitted; raises InputError or UnavailableError."""
        ...

    async def follow_admitted(self, after: str, wait_s: float) -> AdmittedPageV1:
        """Return what came after a cursor; raises UnavailableError."""
        ...


class Admissions:
    """Which owner was admitted with which image; empty until the agent was heard."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, Digest], Admitted] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def of(self, owners: Iterable[str], digest: Digest) -> tuple[Admitted, ...]:
        """Return the entries of `owners`, by uid, about an image."""
        found = (self._entries.get((owner, digest)) for owner in owners)
        return tuple(entry for entry in found if entry is not None)

    def note_bad(self, owners: Iterable[str], digest: Digest, now: datetime) -> None:
        """Keep that an image is judged bad for `owners` from `now` on, if not longer.

        The agent hears the same by the event. Were it away, the time would never end.
        """
        for entry in self.of(owners, digest):
            if entry.bad_since is None:
                self._entries[entry.owner, digest] = replace(entry, bad_since=now)

    def forget(self) -> None:
        """Hold nothing."""
        self._entries.clear()

    def take(self, page: AdmittedPageV1) -> None:
        """Take over what the agent says; a row that says nothing takes the entry away.

        Raises:
            InputError: a row is none.
        """
        if page.reset:
            self.forget()
        for row in page.rows:
            held = self._entries.pop((row.owner, parse_digest(row.digest)), None)
            try:
                entry = parse_row(row)
            except ValueError as error:
                raise InputError(f"a row about {row.owner!r}: {error}") from error
            if entry is not None:
                self._entries[entry.owner, entry.digest] = _with_known_end(entry, held)
        while len(self._entries) > MAX_ENTRIES:
            del self._entries[next(iter(self._entries))]


class Follower:
    """Keeps `held` as the agent's index is."""

    def __init__(self, held: Admissions, agent: Agent, wanted: Callable[[], bool]) -> None:
        self._held = held
        self._agent = agent
        self._wanted = wanted

    async def run(self) -> None:
        """Follow the agent until cancelled."""
        cursor, said, (pause_s, longest_s) = "", "", RETRY_S
        while True:
            if not self._wanted():
                self._held.forget()
                cursor = ""
                await asyncio.sleep(LOOK_S)
                continue
            try:
                page = await self._agent.follow_admitted(cursor, MAX_WAIT_S)
                self._held.take(page)
            except (UnavailableError, InputError) as error:
                said = _say("the index of admissions is not followed", error, said)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
            else:
                cursor, said, pause_s = page.cursor, "", RETRY_S[0]


class Teller:
    """Hands on what this gate admitted."""

    def __init__(self, agent: Agent, max_queued: int = MAX_QUEUED) -> None:
        self._agent = agent
        self._max_queued = max_queued
        self._admitted: deque[AdmittedV1] = deque()
        self._bad: deque[BadV1] = deque()
        self._queued = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def tell(self, events: Iterable[AdmissionEventV1]) -> None:
        """Take what `events` say; from any thread, and never waits."""
        told = admissions_of(events)
        if told.admitted or told.bad:
            self._loop.call_soon_threadsafe(self._queue, told)

    async def run(self) -> None:
        """Hand over what is queued, until cancelled."""
        said, (pause_s, longest_s) = "", RETRY_S
        while True:
            await self._queued.wait()
            told = self._next()
            if not (told.admitted or told.bad):
                self._queued.clear()
                continue
            try:
                await self._agent.tell_admitted(told)
            except UnavailableError as error:
                self._put_back(told)
                said = _say("admissions are not told to the agent", error, said)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
            except InputError:
                ADMISSIONS_LOST.labels("refused").inc(len(told.admitted) + len(told.bad))
                log.exception("admissions were refused by the agent for good")
            else:
                said, pause_s = "", RETRY_S[0]

    def _queue(self, told: AdmissionsV1) -> None:
        self._admitted.extend(told.admitted)
        self._bad.extend(told.bad)
        self._bound()
        self._queued.set()

    def _next(self) -> AdmissionsV1:
        return AdmissionsV1(_taken(self._admitted), _taken(self._bad))

    def _put_back(self, told: AdmissionsV1) -> None:
        self._admitted.extendleft(reversed(told.admitted))
        self._bad.extendleft(reversed(told.bad))
        self._bound()

    def _bound(self) -> None:
        """Give up the oldest of too many: its workload's pods do not come back, no more."""
        for queue in (self._admitted, self._bad):
            while len(queue) > self._max_queued:
                queue.popleft()
                ADMISSIONS_LOST.labels("queue").inc()


def _say(what: str, error: Exception, said: str) -> str:
    """Log `error` where it is not what was said last; return what is said now."""
    if str(error) != said:
        log.warning(what, why=str(error))
    return str(error)


def _taken(queue: deque[_T]) -> list[_T]:
    return [queue.popleft() for _ in range(min(len(queue), MAX_TOLD))]


def _with_known_end(entry: Admitted, held: Admitted | None) -> Admitted:
    """Return `entry` with what this gate knows of its end and the agent does not yet."""
    if entry.bad_since is None and held is not None and held.at == entry.at:
        return replace(entry, bad_since=held.bad_since)
    return entry
