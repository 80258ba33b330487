"""Who controls an object, and how its namespace is labelled: asked of the API server.

An owner reference is a claim. A ReplicaSet or Job is followed by UID to what controls it: an object
of that name with another UID, or none, shows that the owner does not exist. Other kinds are nobody
else's and end the chain as claimed, under `kind.group` where a foreign kind would pass for one of
Kubernetes' own.

Answers are kept for a moment only: one Deployment's pods come within seconds of each other.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from tidegate.domain.workload import ControllerReference, Lookup, Owner

if TYPE_CHECKING:
    from lightkube import AsyncClient
    from lightkube.generic_resource import GenericGlobalResource, GenericNamespacedResource

MAX_CHAIN = 5
"""Controllers above an object; Kubernetes' own make at most two."""

OWNER_TTL_S = 5.0
"""How long a found owner is believed; a pod's owner rarely changes and never its UID."""

LABELS_TTL_S = 1.0
"""How long namespace labels are believed: a change is in force within a second."""

MAX_CACHED = 4096

_LOOKED_UP = {("apps/v1", "ReplicaSet"): "replicasets", ("batch/v1", "Job"): "jobs"}
"""Controllers that are made by other controllers, and what the gate's account may read."""

_PLURALS = {
    **_LOOKED_UP,
    ("v1", "ReplicationController"): "replicationcontrollers",
    ("apps/v1", "Deployment"): "deployments",
    ("apps/v1", "StatefulSet"): "statefulsets",
    ("apps/v1", "DaemonSet"): "daemonsets",
    ("batch/v1", "CronJob"): "cronjobs",
}
"""Every kind of owner whose existence the gate's account may find out."""

_OWN_GROUPS = {
    "ReplicationController": "",
    "ReplicaSet": "apps",
    "Deployment": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "Job": "batch",
    "CronJob": "batch",
}

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class NoCluster:
    """Where there is no cluster, whoever asks for its facts gets none."""

    def owners_held(
        self,
        namespace: str,  # noqa: ARG002 the protocol's signature
        controller: ControllerReference,  # noqa: ARG002
    ) -> Lookup:
        """Return that it cannot be looked up."""
        return Lookup.FAILED

    def namespace_labels_held(self, namespace: str) -> Lookup:  # noqa: ARG002
        """Return that it cannot be looked up."""
        return Lookup.FAILED

    async def owners(
        self,
        namespace: str,  # noqa: ARG002 the protocol's signature
        controller: ControllerReference,  # noqa: ARG002
        *,
        budget_s: float,  # noqa: ARG002
    ) -> Lookup:
        """Return that it could not be looked up."""
        return Lookup.FAILED

    async def owner_uids(
        self,
        namespace: str,  # noqa: ARG002 the protocol's signature
        controller: ControllerReference,  # noqa: ARG002
        *,
        budget_s: float,  # noqa: ARG002
    ) -> Lookup:
        """Return that it could not be looked up."""
        return Lookup.FAILED

    async def namespace_labels(self, namespace: str, *, budget_s: float) -> Lookup:  # noqa: ARG002
        """Return that it could not be looked up."""
        return Lookup.FAILED


@dataclass(frozen=True, slots=True)
class ObjectMeta:
    """What is read of an object in the cluster."""

    uid: str
    labels: dict[str, str]
    controller: ControllerReference | None


ReadMeta = Callable[[str, str, str, str], Awaitable[ObjectMeta | None]]
"""(api version, kind, namespace, name) to metadata; None: no such object. Raises otherwise."""


class KubernetesFacts:
    """Facts from the API server, by way of `read`."""

    def __init__(self, read: ReadMeta, clock_s: Callable[[], float]) -> None:
        self._read = read
        self._metas: _Cache[ObjectMeta] = _Cache(clock_s, OWNER_TTL_S)
        self._labels: _Cache[dict[str, str]] = _Cache(clock_s, LABELS_TTL_S)

    def owners_held(
        self, namespace: str, controller: ControllerReference
    ) -> tuple[Owner, ...] | Lookup | None:
        """Return the controllers above an object where none of them has to be read."""
        found = self._climb_held(namespace, controller, {})
        return None if isinstance(found, ControllerReference) else found

    def namespace_labels_held(self, namespace: str) -> dict[str, str] | None:
        """Return the labels of `namespace` where they need not be read."""
        return self._labels.get((namespace,))

    async def owners(
        self, namespace: str, controller: ControllerReference, *, budget_s: float
    ) -> tuple[Owner, ...] | Lookup:
        """Return the controllers above an object, the direct one first."""
        try:
            async with asyncio.timeout(budget_s):
                return await self._climb(namespace, controller)
        except Exception as error:  # noqa: BLE001 whatever went wrong, the answer is not known
            log.warning("owners could not be looked up", namespace=namespace, error=repr(error))
            return Lookup.FAILED

    async def owner_uids(
        self, namespace: str, controller: ControllerReference, *, budget_s: float
    ) -> tuple[str, ...] | Lookup:
        """Return the uids of those who control an object, the direct one first.

        Each was shown to exist under its name and to be named as controller by the one below it. A
        foreign kind ends the chain before itself: what the gate cannot look up proves nothing.
        """
        try:
            async with asyncio.timeout(budget_s):
                return await self._climb_uids(namespace, controller)
        except Exception as error:  # noqa: BLE001 whatever went wrong, the answer is not known
            log.warning("owners could not be looked up", namespace=namespace, error=repr(error))
            return Lookup.FAILED

    async def namespace_labels(self, namespace: str, *, budget_s: float) -> dict[str, str] | Lookup:
        """Return the labels of `namespace`."""
        cached = self._labels.get((namespace,))
        if cached is not None:
            return cached
        try:
            async with asyncio.timeout(budget_s):
                meta = await self._read("v1", "Namespace", "", namespace)
        except Exception as error:  # noqa: BLE001 whatever went wrong, the answer is not known
            log.warning(
                "namespace labels could not be read", namespace=namespace, error=repr(error)
            )
            return Lookup.FAILED
        if meta is None:
            return Lookup.FAILED
        self._labels.put((namespace,), meta.labels)
        return meta.labels

    async def _climb(
        self, namespace: str, controller: ControllerReference
    ) -> tuple[Owner, ...] | Lookup:
        read: dict[ControllerReference, ObjectMeta | None] = {}
        while True:
            found = self._climb_held(namespace, controller, read)
            if not isinstance(found, ControllerReference):
                return found
            read[found] = await self._meta(namespace, found)

    def _climb_held(
        self,
        namespace: str,
        controller: ControllerReference,
        read: dict[ControllerReference, ObjectMeta | None],
    ) -> tuple[Owner, ...] | Lookup | ControllerReference:
        """Return the controllers above an object, or the one that has to be read to go on.

        `read` are those that were read for this question: one that is not there is kept nowhere
        else, so it is asked for each time.
        """
        chain: list[Owner] = []
        above: ControllerReference | None = controller
        while above is not None and len(chain) < MAX_CHAIN:
            if (above.api_version, above.kind) not in _LOOKED_UP:
                return (*chain, Owner(_kind_of(above), above.name))
            meta = read[above] if above in read else self._metas.get(_meta_key(namespace, above))
            if meta is None and above not in read:
                return above
            if meta is None or meta.uid != above.uid:
                return Lookup.ABSENT
            chain.append(Owner(above.kind, above.name))
            above = meta.controller
        return tuple(chain)

    async def _climb_uids(
        self, namespace: str, controller: ControllerReference
    ) -> tuple[str, ...] | Lookup:
        chain: list[str] = []
        above: ControllerReference | None = controller
        while above is not None and len(chain) < MAX_CHAIN:
            if (above.api_version, above.kind) not in _PLURALS:
                break
            meta = await self._meta(namespace, above)
            if meta is None or above.uid != meta.uid:
                return Lookup.ABSENT
            chain.append(meta.uid)
            above = meta.controller
        return tuple(chain)

    async def _meta(self, namespace: str, reference: ControllerReference) -> ObjectMeta | None:
        """Return the object's metadata, read now."""
        meta = await self._read(reference.api_version, reference.kind, namespace, reference.name)
        if meta is not None and meta.uid == reference.uid:
            self._metas.put(_meta_key(namespace, reference), meta)
        return meta


def _meta_key(namespace: str, reference: ControllerReference) -> tuple[str, ...]:
    return (reference.kind, namespace, reference.name, reference.uid)


class LightkubeReader:
    """Reads metadata of objects with lightkube, without its models of the whole API."""

    def __init__(self, client: "AsyncClient") -> None:
        self._client = client

    async def __call__(
        self, api_version: str, kind: str, namespace: str, name: str
    ) -> ObjectMeta | None:
        """Return the metadata of one object; None where there is none of that name."""
        from lightkube import ApiError  # noqa: PLC0415 12 MiB, only with a cluster

        try:
            if kind == "Namespace":
                found = (await self._client.get(_namespaces(), name)).metadata
            else:
                resource = _resource(api_version, kind)
                found = (await self._client.get(resource, name, namespace=namespace)).metadata
        except ApiError as error:
            if error.status.code == 404:
                return None
            raise
        if found is None:
            return None
        controllers = (o for o in found.ownerReferences or () if o.controller)
        above = next(
            (ControllerReference(o.apiVersion, o.kind, o.name, o.uid) for o in controllers), None
        )
        return ObjectMeta(found.uid or "", dict(found.labels or {}), above)


class _Cache(Generic[_T]):
    """Values by key for a time, the oldest given up beyond `MAX_CACHED`."""

    def __init__(self, clock_s: Callable[[], float], ttl_s: float) -> None:
        self._clock_s = clock_s
        self._ttl_s = ttl_s
        self._entries: OrderedDict[tuple[str, ...], tuple[float, _T]] = OrderedDict()

    def get(self, key: tuple[str, ...]) -> _T | None:
        entry = self._entries.get(key)
        return entry[1] if entry is not None and self._clock_s() < entry[0] else None

    def put(self, key: tuple[str, ...], value: _T) -> None:
        self._entries[key] = (self._clock_s() + self._ttl_s, value)
        self._entries.move_to_end(key)
        if len(self._entries) > MAX_CACHED:
            self._entries.popitem(last=False)


def _kind_of(reference: ControllerReference) -> str:
    """Return the kind, with its group where it would pass for one of Kubernetes' own."""
    group = reference.api_version.rpartition("/")[0]
    if _OWN_GROUPS.get(reference.kind, group) == group:
        return reference.kind
    return f"{reference.kind}.{group}"


@cache
def _resource(api_version: str, kind: str) -> "type[GenericNamespacedResource]":
    """Return lightkube's class for a kind, without its models of the whole API."""
    from lightkube.generic_resource import (  # noqa: PLC0415 12 MiB, only with a cluster
        create_namespaced_resource,
    )

    group, _, version = api_version.rpartition("/")
    return create_namespaced_resource(group, version, kind, _PLURALS[api_version, kind])


@cache
def _namespaces() -> "type[GenericGlobalResource]":
    from lightkube.generic_resource import (  # noqa: PLC0415 12 MiB, only with a cluster
        create_global_resource,
    )

    return create_global_resource("", "v1", "Namespace", "namespaces")
