"""Running pods as the reviews that their creation would be: one for all pods of a controller.

Pods of one controller with the same images are judged once. An image that the kubelet resolved is
judged by that digest, whatever its tag names by now.
"""

import uuid
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from lightkube import AsyncClient
from lightkube.generic_resource import create_namespaced_resource

from tidegate.agent.inventory import DIGEST, ENDED, PAGE_PODS
from tidegate.domain.errors import InvalidReferenceError
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.wire.hub_data_v1 import RenewedImageV1
from tidegate.wire.webhook import EXCLUDED_NAMESPACES

Body = Mapping[str, Any]

RawPod = create_namespaced_resource("", "v1", "Pod", "pods")
"""As the API server has it: typed models forget the fields that they do not know."""

_CONTAINERS = (
    ("initContainers", "initContainerStatuses"),
    ("containers", "containerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)


WorkloadKey = tuple[str, frozenset[str]]
"""Whose pods, by uid, and their images."""


@dataclass(frozen=True, slots=True)
class RunningWorkload:
    """Pods that one verdict is about."""

    key: WorkloadKey
    namespace: str
    name: str
    pod: Body
    """One of them, its images by digest where the kubelet told them; without status."""
    images: frozenset[str]

    def runs_any(self, renewed: "Renewed") -> bool:
        """Whether one of its images may be among `renewed`."""
        return any(renewed.may_be(image) for image in self.images)


@dataclass(frozen=True, slots=True)
class Renewed:
    """Images about which something new is known."""

    digests: frozenset[str]
    repositories: frozenset[str]

    @classmethod
    def of(cls, images: Iterable[RenewedImageV1]) -> "Renewed":
        """Return what `images` are known by."""
        listed = list(images)
        return cls(
            frozenset(digest for image in listed for digest in image.digests),
            frozenset(f"{image.registry}/{image.repository}" for image in listed),
        )

    def may_be(self, image: str) -> bool:
        """Whether the reference may name one of them: by digest, else by repository.

        A mirror has another name and the same digest; a tag alone may name any of a repository.
        """
        try:
            reference = parse_reference(image)
        except InvalidReferenceError:
            return False  # it is denied or not, whatever is known about others
        if reference.digest is not None:
            return reference.digest in self.digests or _name_of(reference) in self.repositories
        return _name_of(reference) in self.repositories


async def list_pods(client: AsyncClient) -> AsyncIterator[Body]:
    """Yield all pods of the cluster, read in pages; raises `kube.client.API_ERRORS`."""
    async for pod in client.list(RawPod, namespace="*", chunk_size=PAGE_PODS):
        yield pod


async def group_pods(pods: AsyncIterable[Body]) -> list[RunningWorkload]:
    """Return one workload for all pods of a controller that run the same images."""
    found: dict[WorkloadKey, RunningWorkload] = {}
    async for pod in pods:
        metadata = pod.get("metadata") or {}
        namespace = str(metadata.get("namespace") or "")
        if namespace in EXCLUDED_NAMESPACES or _phase(pod) in ENDED:
            continue
        workload = _workload(namespace, metadata, pod)
        found.setdefault(workload.key, workload)
    return list(found.values())


def review_of(workload: RunningWorkload) -> bytes:
    """Return the AdmissionReview that creating the pod anew would be, as a dry run."""
    request = {
        "uid": str(uuid.uuid4()),
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": workload.name,
        "namespace": workload.namespace,
        "operation": "CREATE",
        "userInfo": {},
        "object": workload.pod,
        "dryRun": True,
    }
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return msgspec.json.encode(body)


def _workload(namespace: str, metadata: Body, pod: Body) -> RunningWorkload:
    spec = dict(pod.get("spec") or {})
    digests = dict(_digests_of(pod.get("status") or {}))
    for listed, _ in _CONTAINERS:
        if spec.get(listed):
            spec[listed] = [_pinned(container, digests) for container in spec[listed]]
    kept = {name: value for name, value in metadata.items() if name != "managedFields"}
    images = frozenset(images_of(spec))
    owner = _controller_uid(metadata) or str(metadata.get("uid") or "")
    return RunningWorkload(
        key=(owner, images),
        namespace=namespace,
        name=str(metadata.get("name") or ""),
        pod={"apiVersion": "v1", "kind": "Pod", "metadata": kept, "spec": spec},
        images=images,
    )


def _pinned(container: Body, digests: Mapping[str, str]) -> Body:
    image = str(container.get("image") or "")
    digest = digests.get(str(container.get("name")), "")
    if not digest or "@" in image:
        return container
    return {**container, "image": f"{image}@{digest}"}


def images_of(spec: Body) -> Iterator[str]:
    """Yield every image that a pod's `spec` names."""
    for listed, _ in _CONTAINERS:
        for container in spec.get(listed) or ():
            if container.get("image"):
                yield str(container["image"])
    for volume in spec.get("volumes") or ():
        reference = (volume.get("image") or {}).get("reference")
        if reference:
            yield str(reference)


def _digests_of(status: Body) -> Iterator[tuple[str, str]]:
    for _, listed in _CONTAINERS:
        for each in status.get(listed) or ():
            found = DIGEST.search(str(each.get("imageID") or ""))
            if found is not None:
                yield str(each.get("name")), found[1]


def _phase(pod: Body) -> str:
    return str((pod.get("status") or {}).get("phase") or "")


def _controller_uid(metadata: Body) -> str:
    owners = metadata.get("ownerReferences") or ()
    return next((str(owner.get("uid")) for owner in owners if owner.get("controller")), "")


def _name_of(reference: ImageReference) -> str:
    return f"{reference.registry}/{reference.repository}"
