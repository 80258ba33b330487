"""The index of admissions between gates: taken from each, kept, handed on to all that follow it.

Also while the hub is away, or where there is none. Rows of owners that live no more are dropped: a
pod whose owner is gone never comes back, since gates follow owners by uid themselves.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from lightkube import AsyncClient
from lightkube.generic_resource import create_namespaced_resource

from tidegate.agent.admitted import AdmittedIndex
from tidegate.agent.long_poll import LongPoll, parse_question
from tidegate.agent.status import rfc3339
from tidegate.kube.client import API_ERRORS, describe
from tidegate.wire.admitted_v1 import (
    MAX_CURSOR_CHARS,
    MAX_TOLD,
    MAX_WAIT_S,
    AdmissionsV1,
    AdmittedPageV1,
    admissions_of,
)
from tidegate.wire.event_v1 import AdmissionEventV1

LOOK_S = 6 * 3600.0
"""How often it is looked which owners live: what is in the way is only room on a disk."""

RETRY_S = 60.0
PAGE_OWNERS = 500

YOUNG = timedelta(minutes=10)
"""What was admitted in the last minutes may not be listed yet."""

_KINDS: Final = {
    "CronJob": create_namespaced_resource("batch", "v1", "CronJob", "cronjobs"),
    "DaemonSet": create_namespaced_resource("apps", "v1", "DaemonSet", "daemonsets"),
    "Deployment": create_namespaced_resource("apps", "v1", "Deployment", "deployments"),
    "Job": create_namespaced_resource("batch", "v1", "Job", "jobs"),
    "ReplicaSet": create_namespaced_resource("apps", "v1", "ReplicaSet", "replicasets"),
    "ReplicationController": create_namespaced_resource(
        "", "v1", "ReplicationController", "replicationcontrollers"
    ),
    "StatefulSet": create_namespaced_resource("apps", "v1", "StatefulSet", "statefulsets"),
}

log = structlog.get_logger()


class Living(Protocol):
    """Says which owners there are."""

    def __call__(self, kind: str) -> AsyncIterator[str]:
        """Yield the uid of each object of `kind`; raises `kube.client.API_ERRORS`."""
        ...


class AdmittedLink:
    """The index, as gates and the rest of the agent use it."""

    def __init__(self, index: AdmittedIndex, living: Living, clock: Callable[[], datetime]) -> None:
        self._index = index
        self._living = living
        self._clock = clock
        self._gates = LongPoll(index.page)

    async def run(self) -> None:
        """Drop what is of no use any more, until cancelled."""
        while True:
            try:
                await self.look()
            except API_ERRORS as error:
                log.warning("owners not listed", why=describe(error))
                await asyncio.sleep(RETRY_S)
            except sqlite3.Error as error:
                log.warning("the index of admissions was not pruned", why=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """List the owners that there are rows of; drop the rows of those that are gone."""
        before = rfc3339(self._clock() - YOUNG)
        for kind in await asyncio.to_thread(lambda: self._index.kinds):
            living = {uid async for uid in self._living(kind)}
            if await asyncio.to_thread(self._index.drop_gone, kind, living, before):
                self._gates.wake()

    async def hear(self, events: Iterable[AdmissionEventV1]) -> None:
        """Take what events say; what cannot be kept is said in the log, and makes denials only."""
        told = admissions_of(events)
        try:
            for start in range(0, max(len(told.admitted), len(told.bad)), MAX_TOLD):
                end = start + MAX_TOLD
                await self.take(AdmissionsV1(told.admitted[start:end], told.bad[start:end]))
        except sqlite3.Error as error:
            log.warning("admissions not kept", events=len(told.admitted), why=str(error))

    async def take(self, told: AdmissionsV1) -> None:
        """Keep what a gate tells; it is on disk when this returns.

        Raises:
            sqlite3.Error: it could not be kept.
        """
        if await asyncio.to_thread(self._index.take, told):
            self._gates.wake()

    async def answer(self, query: bytes) -> AdmittedPageV1:
        """Return what a gate asks for: `after` and `wait` of the query.

        Raises:
            InputError: a parameter is not of its form.
            sqlite3.Error: the index cannot be read.
        """
        after, wait_s = parse_question(query, MAX_CURSOR_CHARS, MAX_WAIT_S)
        return await self._gates.wait(after, wait_s) or AdmittedPageV1(after)


def living_in(client: AsyncClient) -> Living:
    """Return what lists the owners in a cluster, read in pages."""

    async def living(kind: str) -> AsyncIterator[str]:
        resource = _KINDS.get(kind)
        if resource is None:
            return
        async for each in client.list(resource, namespace="*", chunk_size=PAGE_OWNERS):
            if each.metadata is not None and each.metadata.uid:
                yield each.metadata.uid

    return living
