"""Tells the hub which images run in the cluster, as its pods say.

A pod runs what it names from the moment the cluster took it until it has ended: one that is still
Pending counts, for its image was let in and starts whenever a node takes it.

Digests are the kubelet's word (`imageID`). Where it has not spoken, as for a pod that is not
started yet or in a cluster without kubelets, the reference goes alone, and the hub looks up what
it was when it was judged.
"""

import asyncio
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterable, Callable, Iterator
from typing import Any

import structlog
from lightkube import AsyncClient
from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.core_v1 import Pod

from tidegate.domain.errors import InputError, UnavailableError
from tidegate.hubclient import HubClient
from tidegate.kube.client import API_ERRORS, describe
from tidegate.wire.hub_data_v1 import MAX_INVENTORY_IMAGES, RunningImageV1

LOOK_S = (5.0, 60.0)
"""Least and longest pause between two lists of all pods."""

PAUSE_PER_LIST = 50
"""In between, the pause is so many times as long as the list took: 2 % of the API server's time."""

TELL_AGAIN_S = 600.0
"""An inventory that did not change is told again after so long: the hub may have lost it."""

UNSURE_S = 30.0
"""The same where digests are missing: the hub may have learned meanwhile what was judged."""

PAGE_PODS = 500
MAX_NAMESPACES = 100
MAX_IMAGE_CHARS = 4096

DIGEST = re.compile(r"@(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})\Z")
"""`docker-pullable://host/name@sha256:…`; a bare `sha256:…` is a config's, which names no image."""

ENDED = frozenset({"Succeeded", "Failed"})

log = structlog.get_logger()


class InventoryLink:
    """Brings one cluster's inventory to the hub."""

    def __init__(
        self,
        hub: HubClient,
        cluster: str,
        client: AsyncClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._cluster = cluster
        self._client = client
        self._clock = clock
        self._told: list[RunningImageV1] | None = None
        self._told_at = 0.0

    async def run(self) -> None:
        """List pods and tell the hub what is new, until cancelled."""
        while True:
            started = self._clock()
            try:
                await self.look()
            except API_ERRORS as error:
                log.warning("pods not listed", why=describe(error))
            except (UnavailableError, InputError) as error:
                log.warning("inventory not sent", why=str(error))
            await asyncio.sleep(pause_after(self._clock() - started))

    async def look(self) -> None:
        """List pods once; tell the hub where they differ from what it was told."""
        found = await count_images(self._client.list(Pod, namespace="*", chunk_size=PAGE_PODS))
        lasts_s = TELL_AGAIN_S if all(image.digest for image in found) else UNSURE_S
        if found == self._told and self._clock() - self._told_at < lasts_s:
            return
        await self._hub.send_inventory(self._cluster, found)
        self._told, self._told_at = found, self._clock()


def pause_after(took_s: float) -> float:
    """Return for how many seconds no pods are listed after a list that took `took_s`."""
    least_s, longest_s = LOOK_S
    return min(max(least_s, PAUSE_PER_LIST * took_s), longest_s)


async def count_images(pods: AsyncIterable[Pod]) -> list[RunningImageV1]:
    """Return the images of `pods`, those in most pods first; ended pods run none."""
    counts: Counter[tuple[str, str]] = Counter()
    namespaces: dict[tuple[str, str], set[str]] = defaultdict(set)
    async for pod in pods:
        if pod.status is not None and pod.status.phase in ENDED:
            continue
        namespace = (pod.metadata.namespace if pod.metadata else None) or ""
        for image in set(_images_of(pod)):
            counts[image] += 1
            namespaces[image].add(namespace)
    if len(counts) > MAX_INVENTORY_IMAGES:
        log.warning("inventory cut", images=len(counts), most=MAX_INVENTORY_IMAGES)
    chosen = sorted(counts, key=lambda image: (-counts[image], image))[:MAX_INVENTORY_IMAGES]
    return [
        RunningImageV1(
            image=image[0],
            digest=image[1],
            pods=counts[image],
            namespaces=sorted(namespaces[image])[:MAX_NAMESPACES],
        )
        for image in sorted(chosen)
    ]


def _images_of(pod: Pod) -> Iterator[tuple[str, str]]:
    """Yield the reference and digest of each image that a pod runs."""
    spec = pod.spec
    if spec is None:
        return
    digests = dict(_digests_of(pod))
    containers: list[Any] = [
        *(spec.containers or ()),
        *(spec.initContainers or ()),
        *(spec.ephemeralContainers or ()),
    ]
    for container in containers:
        if container.image:
            yield _image(container.image, digests.get(container.name, ""))
    for volume in spec.volumes or ():
        source = getattr(volume, "image", None)  # image volumes: Kubernetes 1.31 and newer
        if source is not None and source.reference:
            yield _image(source.reference, "")


def _image(reference: str, digest: str) -> tuple[str, str]:
    pinned = DIGEST.search(reference)
    return reference[:MAX_IMAGE_CHARS], digest or (pinned[1] if pinned else "")


def _digests_of(pod: Pod) -> Iterator[tuple[str, str]]:
    status = pod.status
    if status is None:
        return
    every: list[ContainerStatus] = [
        *(status.containerStatuses or ()),
        *(status.initContainerStatuses or ()),
        *(status.ephemeralContainerStatuses or ()),
    ]
    for each in every:
        found = DIGEST.search(each.imageID or "")
        if found is not None:
            yield each.name, found[1]
