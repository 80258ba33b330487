"""Denials and audits as Kubernetes Events, on the object or on what made it.

A Deployment whose pods are refused looks healthy to whoever applied it: the denial went to a
controller. So it is told on the top-most owner, where `kubectl describe` shows it. A ReplicaSet or
Job is asked for its own owner, by name and UID; a reference that does not fit is not followed.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any

import structlog
from lightkube import AsyncClient
from lightkube.resources.apps_v1 import ReplicaSet
from lightkube.resources.batch_v1 import Job

from tidegate.agent.kube_events import KubeEvents, Note, Subject
from tidegate.agent.metrics import KUBE_EVENTS
from tidegate.agent.reasons import Level, Reason
from tidegate.kube.client import API_ERRORS, describe
from tidegate.wire.event_v1 import AdmissionEventV1

MAX_WAITING = 2_000
"""Verdicts whose owner is not looked up yet; beyond them Events are dropped and counted."""

MAX_REMEMBERED = 10_000
"""Verdicts that are known: a gate sends again what the hub did not take."""

_VERSIONS = {
    "Pod": "v1",
    "ReplicationController": "v1",
    "ReplicaSet": "apps/v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
_CLIMBED: dict[str, Any] = {"ReplicaSet": ReplicaSet, "Job": Job}
"""Controllers that are made by another one as a rule."""


log = structlog.get_logger()


class ObjectEvents:
    """Tells verdicts between `run` and its end; `take` never waits and never raises."""

    def __init__(self, client: AsyncClient, events: KubeEvents) -> None:
        self._client = client
        self._events = events
        self._known: OrderedDict[str, None] = OrderedDict()
        self._owners: OrderedDict[Subject, Subject] = OrderedDict()
        self._waiting: deque[AdmissionEventV1] = deque()
        self._news = asyncio.Event()

    def take(self, verdicts: Iterable[AdmissionEventV1]) -> None:
        """Take what gates tell; what was taken before, and what is not to be told, falls out."""
        for event in verdicts:
            if event.action == "allow" or event.origin != "api-server" or event.id in self._known:
                continue
            self._known[event.id] = None
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
            if len(self._waiting) >= MAX_WAITING:
                KUBE_EVENTS.labels("dropped").inc()
                continue
            self._waiting.append(event)
            self._news.set()

    async def run(self) -> None:
        """Tell what was taken until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                event = self._waiting.popleft()
                about = await self._about(event)
                if about is not None:
                    self._events.tell(note_of(event, about))

    async def _about(self, event: AdmissionEventV1) -> Subject | None:
        """Return what the Event is about; None: a kind that nobody knows."""
        owner = event.owner
        if owner is not None and owner.kind:
            direct = Subject(owner.api_version, owner.kind, owner.name, event.namespace, owner.uid)
            return await self._top(direct)
        version = _VERSIONS.get(event.kind)
        if version is None:
            return None
        # What was refused on creation never was: each try has a UID of its own.
        refused = event.action == "deny" and event.operation == "CREATE"
        uid = "" if refused else event.object_uid
        return Subject(version, event.kind, event.name, event.namespace, uid)

    async def _top(self, direct: Subject) -> Subject:
        """Return the controller of `direct` where it has one, else `direct`."""
        kind = _CLIMBED.get(direct.kind)
        if kind is None or direct.api_version != _VERSIONS[direct.kind]:
            return direct
        if direct in self._owners:
            self._owners.move_to_end(direct)
            return self._owners[direct]
        try:
            found = await self._client.get(kind, direct.name, namespace=direct.namespace)
        except API_ERRORS as error:
            log.warning("owner not looked up", name=direct.name, why=describe(error))
            return direct  # not remembered: it may answer next time
        metadata = found.metadata
        top = direct
        if metadata is not None and metadata.uid == direct.uid:
            for reference in metadata.ownerReferences or ():
                if reference.controller:
                    top = Subject(
                        reference.apiVersion,
                        reference.kind,
                        reference.name,
                        direct.namespace,
                        reference.uid,
                    )
        self._owners[direct] = top
        if len(self._owners) > MAX_REMEMBERED:
            self._owners.popitem(last=False)
        return top


def note_of(event: AdmissionEventV1, about: Subject) -> Note:
    """Return what is told of `event`: the same words for each pod that a controller tries."""
    rows = [row for row in event.images if row.action == event.action]
    first = rows[0] if rows else None
    said = first.message if first else "see the hub"
    rule = f', rule "{first.rule}"' if first and first.rule else ""
    more = f", and {len(rows) - 1} more images" if len(rows) > 1 else ""
    denied = event.action == "deny"
    what = event.kind if about.kind != event.kind else "It"
    how = "was refused" if denied else "was let in with a warning"
    return Note(
        about,
        Level.WARNING,
        Reason.DENIED if denied else Reason.AUDITED,
        f"{what} {how}: {said}{rule}{more}",
    )
