"""Policy objects from the Kubernetes API: watched, so that a change is in force within a second.

Imported only by a gate in a cluster: the client costs about 12 MiB.
"""

import asyncio
from contextlib import aclosing

import structlog
from lightkube import AsyncClient
from lightkube.resources.core_v1 import ConfigMap

from tidegate.domain.errors import InvalidPolicyError
from tidegate.gate.policy import PolicyStore
from tidegate.kube.client import API_ERRORS, SecurityArtifactPolicy, describe
from tidegate.kube.watch import Changed, Deleted, Event, Listed, Lost, follow
from tidegate.wire.last_good import COPY_LABEL, parse_config_map
from tidegate.wire.policy_merge import load_candidate

RETRY_COPIES_S = 2.0
"""How often copies are looked for while a broken object has none."""

log = structlog.get_logger()


class KubernetesSource:
    """Feeds a store from the policy objects of a cluster; copies are in `namespace`."""

    def __init__(self, store: PolicyStore, client: AsyncClient, namespace: str) -> None:
        self._store = store
        self._client = client
        self._namespace = namespace
        self._broken = asyncio.Event()
        """Set while a broken object has no good version."""

    async def run(self) -> None:
        """Read the objects and follow them until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._seek_copies())

    async def _follow(self) -> None:
        async with aclosing(follow(self._client, SecurityArtifactPolicy)) as events:
            async for event in events:
                self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Listed(objects):
                self._store.replace(map(load_candidate, objects))
            case Changed(body):
                self._store.put(load_candidate(body))
            case Deleted(name):
                self._store.remove(name)
            case Lost(reason):
                self._store.lose(reason)
        self._note_broken()

    async def _seek_copies(self) -> None:
        """Offer kept copies while a broken object has none: at the start, or until one appears."""
        while True:
            await self._broken.wait()
            await self._offer_copies()
            self._note_broken()
            await asyncio.sleep(RETRY_COPIES_S)

    def _note_broken(self) -> None:
        if self._store.lacking:
            self._broken.set()
        else:
            self._broken.clear()

    async def _offer_copies(self) -> None:
        try:
            listing = self._client.list(
                ConfigMap, namespace=self._namespace, labels={COPY_LABEL: "true"}
            )
            maps = [item async for item in listing]
        except API_ERRORS as error:
            log.warning("last good copies unreadable", why=describe(error))
            return
        for item in maps:
            try:
                self._store.offer_copies([parse_config_map(item.binaryData)])
            except InvalidPolicyError as error:
                name = item.metadata.name if item.metadata else ""
                log.warning("last good copy unusable", name=name, why=str(error))
