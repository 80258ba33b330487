"""Keeps a cluster's policy objects as they should be: ours written, everyone's status and copies.

Level-triggered: whatever happens, one pass compares what is with what should be and repairs the
difference, so a missed or repeated event does no harm.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from functools import partial

import structlog
from lightkube import AsyncClient

from tidegate.agent.changes import change_event
from tidegate.agent.cluster import PolicyApi
from tidegate.agent.drift import DriftLog
from tidegate.agent.objects import Body, is_as_wanted, is_ours
from tidegate.agent.status import event_of, status_of
from tidegate.domain.rule import Policy
from tidegate.kube.client import API_ERRORS, SecurityArtifactPolicy, describe
from tidegate.kube.watch import Changed, Deleted, Event, Listed, Lost, follow
from tidegate.wire.policy_book import PolicyBook
from tidegate.wire.policy_merge import LoadReason, load_candidate

QUIET_S = 0.1
"""Pause between two passes: a fight with another writer stays cheap."""

RETRY_S = (0.2, 3.0)
"""First and longest pause before a failed pass is tried again."""

Repair = tuple[str, Callable[[], Awaitable[None]]]
"""What is repaired, in words, and how."""

log = structlog.get_logger()


class ClusterKeeper:
    """One cluster's policy objects."""

    def __init__(self, client: AsyncClient, namespace: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._api = PolicyApi(client, namespace)
        self._clock = clock
        self._book = PolicyBook()
        self._bodies: dict[str, Body] = {}
        """All policy objects as the API server last said."""
        self._copies: dict[str, str] = {}
        """Content of the kept copy, by object."""
        self._wanted: Mapping[str, Body] | None = None
        """The hub's objects; None until it said them: then nothing is written or deleted."""
        self._settled: dict[str, Body] = {}
        """The hub's objects as they were once found in the cluster: what differs later is drift."""
        self.drift_log = DriftLog(clock)
        self._dirty = asyncio.Event()
        self._lost = "the cluster was not read yet"
        self._failures: list[str] = []

    def want(self, objects: Mapping[str, Body]) -> None:
        """Take `objects` for what the hub wants in this cluster."""
        self._wanted = objects
        self._dirty.set()

    @property
    def in_force(self) -> bool:
        """Whether all of the hub's objects are in the cluster as wanted, and in force."""
        if self._wanted is None or self._lost:
            return False
        loaded = {s.name for s in self._book.merged.states if s.reason is LoadReason.LOADED}
        return all(
            name in loaded and is_as_wanted(self._bodies.get(name), body)
            for name, body in self._wanted.items()
        )

    @property
    def policy(self) -> Policy:
        """The rules of all objects together, as a gate merges them."""
        return self._book.merged.policy

    @property
    def complete(self) -> bool:
        """Whether all objects were seen at least once."""
        return self._book.complete

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each thing that is not as it should be."""
        broken = (
            f"policy object {state.name!r}: {state.message}"
            for state in self._book.merged.states
            if state.reason is not LoadReason.LOADED
        )
        lost = (f"cluster: {self._lost}",) if self._lost else ()
        return (*lost, *self._failures, *broken)

    @property
    def drift(self) -> tuple[str, ...]:
        """A sentence for each object of the hub's that others changed of late."""
        return self.drift_log.told

    async def run(self) -> None:
        """Keep the cluster until cancelled."""
        await self._load_copies()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._repair())

    async def _load_copies(self) -> None:
        """Take over the last good copies before any object is judged without them."""
        pause_s, longest_s = RETRY_S
        while True:
            try:
                copies = await self._api.list_copies()
            except API_ERRORS as error:
                self._lost = describe(error)
                log.warning("last good copies unreadable", why=self._lost)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
            else:
                self._copies = {copy.name: copy.content for copy in copies}
                self._book.offer_copies(copies)
                return

    async def _follow(self) -> None:
        async with aclosing(follow(self._client, SecurityArtifactPolicy)) as events:
            async for event in events:
                self._take(event)
                self._dirty.set()

    def _take(self, event: Event) -> None:
        self._lost = event.reason if isinstance(event, Lost) else ""
        match event:
            case Listed(objects):
                self._bodies = {str(body["metadata"]["name"]): body for body in objects}
                self._book.replace(map(load_candidate, objects))
            case Changed(body):
                self._bodies[str(body["metadata"]["name"])] = body
                self._book.put(load_candidate(body))
            case Deleted(name):
                self._bodies.pop(name, None)
                self._book.remove(name)
            case Lost(reason):
                log.warning("cluster lost", why=reason)
        self._settle()

    def _settle(self) -> None:
        """Keep which of the hub's objects are in the cluster as wanted."""
        for name, body in (self._wanted or {}).items():
            if is_as_wanted(self._bodies.get(name), body):
                self._settled[name] = body

    async def _repair(self) -> None:
        pause_s, longest_s = RETRY_S
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            if self._lost:
                continue
            self._failures = await self._pass()
            if self._failures:
                self._dirty.set()
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311, spreads load
                pause_s = min(2 * pause_s, longest_s)
            else:
                pause_s = RETRY_S[0]
                await asyncio.sleep(QUIET_S)

    async def _pass(self) -> list[str]:
        """Repair every difference; return a sentence for each repair that failed."""
        failures: list[str] = []
        for what, repair in (*self._own_repairs(), *self._status_repairs()):
            try:
                await repair()
            except API_ERRORS as error:
                failures.append(f"{what}: {describe(error)}")
                log.warning("repair failed", what=what, why=describe(error))
        return failures

    def _own_repairs(self) -> list[Repair]:
        """Return what makes the hub's objects as wanted; nothing before the hub said so."""
        if self._wanted is None:
            return []
        wrong = [n for n, b in self._wanted.items() if not is_as_wanted(self._bodies.get(n), b)]
        self._settle()
        surplus = [n for n, b in self._bodies.items() if is_ours(b) and n not in self._wanted]
        return [
            *((f"writing {name}", partial(self._write, name)) for name in wrong),
            *((f"deleting {name}", partial(self._delete, name)) for name in surplus),
        ]

    async def _write(self, name: str) -> None:
        if self._wanted is None:
            return
        before, after = self._bodies.get(name), self._wanted[name]
        drifted = self._settled.get(name) == after
        await self._api.write(after)
        self._settled.pop(name, None)  # until it is found again, so that each repair counts once
        if drifted:
            self.drift_log.note(f"policy object {name!r}")
            log.warning("drift repaired", name=name)
        event = change_event(name, before, after, self._clock(), drifted=drifted)
        await self._api.tell(event)

    async def _delete(self, name: str) -> None:
        before = self._bodies.get(name)
        await self._api.delete(name)
        await self._api.tell(change_event(name, before, None, self._clock()))

    def _status_repairs(self) -> list[Repair]:
        """Return what makes every object's status and copy tell the truth."""
        repairs: list[Repair] = []
        now = self._clock()
        for state in self._book.merged.states:
            name, found, version = state.name, self._bodies[state.name], state.in_force
            status = status_of(state, found, now)
            if found.get("status") != status:
                tell = partial(self._api.write_status, name, status, event_of(state, found, now))
                repairs.append((f"status of {name}", tell))
            loaded = state.reason is LoadReason.LOADED
            if loaded and version is not None and self._copies.get(name) != version.content:
                keep = partial(self._keep_copy, found, version.content)
                repairs.append((f"last good copy of {name}", keep))
        gone = self._copies.keys() - self._bodies.keys()
        return [*repairs, *((f"copy of {name}", partial(self._forget, name)) for name in gone)]

    async def _keep_copy(self, found: Body, content: str) -> None:
        await self._api.keep_copy(found)
        self._copies[str(found["metadata"]["name"])] = content

    async def _forget(self, name: str) -> None:
        await self._api.forget_copy(name)
        del self._copies[name]
