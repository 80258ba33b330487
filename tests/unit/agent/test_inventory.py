"""Which images run, as pods say, and when the hub is told."""

from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest
from lightkube.resources.core_v1 import Pod

from tidegate.agent.inventory import (
    TELL_AGAIN_S,
    UNSURE_S,
    InventoryLink,
    count_images,
    pause_after,
)
from tidegate.domain.errors import HubUnavailableError
from tidegate.hubclient import HubClient
from tidegate.wire.hub_data_v1 import MAX_INVENTORY_IMAGES, InventoryV1, RunningImageV1

A, B = ("sha256:" + letter * 64 for letter in "ab")
APP = "r.example/app:1"


def pod(
    images: dict[str, str], ids: dict[str, str] | None = None, phase: str = "", **spec: object
) -> Pod:
    containers = [{"name": name, "image": image} for name, image in images.items()]
    statuses = [
        {"name": n, "imageID": i, "image": "", "ready": True, "restartCount": 0}
        for n, i in (ids or {}).items()
    ]
    status = {"containerStatuses": statuses, "phase": phase} if ids is not None or phase else None
    body = {
        "metadata": {"name": "p", "namespace": spec.pop("namespace", "shop")},
        "spec": {"containers": containers, **spec},
        **({"status": status} if status else {}),
    }
    return Pod.from_dict(body)


async def listed(*pods: Pod) -> AsyncIterator[Pod]:
    for each in pods:
        yield each


@pytest.mark.parametrize(
    ("image_id", "digest"),
    [
        pytest.param(f"r.example/app@{A}", A, id="containerd"),
        pytest.param(f"docker-pullable://r.example/app@{A}", A, id="docker"),
        pytest.param(A, "", id="config-digest"),
        pytest.param("", "", id="not-started"),
        pytest.param("r.example/app@sha256:short", "", id="malformed"),
        pytest.param(f"r.example/app@{A}\n", "", id="newline"),
    ],
)
async def test_a_digest_is_what_the_kubelet_says(image_id: str, digest: str) -> None:
    (found,) = await count_images(listed(pod({"c": APP}, {"c": image_id})))
    assert found == RunningImageV1(APP, digest, 1, ["shop"])


async def test_without_a_status_the_reference_goes_alone_but_a_pinned_one_says_itself() -> None:
    found = await count_images(listed(pod({"a": APP, "b": f"r.example/b@{B}"})))
    assert {(image.image, image.digest) for image in found} == {
        (APP, ""),
        (f"r.example/b@{B}", B),
    }


async def test_every_place_of_an_image_counts_and_a_pod_counts_once() -> None:
    whole = pod(
        {"a": APP, "b": APP},
        initContainers=[{"name": "i", "image": "init"}],
        ephemeralContainers=[{"name": "e", "image": "debug"}],
        volumes=[{"name": "v", "image": {"reference": "model"}}],
    )
    other = pod({"a": APP}, namespace="team")
    found = {image.image: image for image in await count_images(listed(whole, other))}
    assert set(found) == {APP, "init", "debug", "model"}
    assert (found[APP].pods, found[APP].namespaces) == (2, ["shop", "team"])


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_ended_pods_run_nothing(phase: str) -> None:
    assert await count_images(listed(pod({"a": APP}, {}, phase))) == []


async def test_more_images_than_the_hub_takes_are_cut_the_rarest_first() -> None:
    rare = [pod({"a": f"rare{n}"}) for n in range(MAX_INVENTORY_IMAGES)]
    found = await count_images(listed(pod({"a": APP}), pod({"a": APP}), *rare))
    assert len(found) == MAX_INVENTORY_IMAGES
    assert APP in {image.image for image in found}


class Cluster:
    def __init__(self) -> None:
        self.pods = [pod({"a": APP}, {"a": f"x@{A}"})]

    def list(self, *_: object, **__: object) -> AsyncIterator[Pod]:
        return listed(*self.pods)


async def answered(statuses: list[int], told: list[InventoryV1]) -> httpx2.MockTransport:
    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    async def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/api/v1/clusters/here/inventory"
        told.append(msgspec.json.decode(request.content, type=InventoryV1))
        status = statuses.pop(0) if statuses else 204
        return httpx2.Response(status, content=nothing())

    return httpx2.MockTransport(answer)


async def test_the_hub_is_told_what_changed_and_again_after_a_failure() -> None:
    told: list[InventoryV1] = []
    transport = await answered([503], told)
    cluster, seconds = Cluster(), [0.0]
    async with HubClient("http://hub", "t", transport=transport) as hub:
        link = InventoryLink(hub, "here", cluster, lambda: seconds[0])
        with pytest.raises(HubUnavailableError):
            await link.look()
        await link.look()
        seconds[0] = TELL_AGAIN_S - 1
        await link.look()
        assert len(told) == 2, "the same is not told twice"
        cluster.pods = []
        await link.look()
        assert [len(inventory.images) for inventory in told] == [1, 1, 0]
        seconds[0] += TELL_AGAIN_S
        await link.look()
        assert len(told) == 4, "now and then it is told again"


async def test_an_image_without_a_digest_is_told_again_soon_for_the_hub_may_know_it_then() -> None:
    told: list[InventoryV1] = []
    cluster, seconds = Cluster(), [0.0]
    cluster.pods = [pod({"a": APP})]
    async with HubClient("http://hub", "t", transport=await answered([], told)) as hub:
        link = InventoryLink(hub, "here", cluster, lambda: seconds[0])
        for at in (0, UNSURE_S - 1, UNSURE_S, UNSURE_S + 1):
            seconds[0] = at
            await link.look()
    assert len(told) == 2


@pytest.mark.parametrize(
    ("took_s", "pause_s"),
    [(0.01, 5), (0.2, 10), (3600, 60)],
    ids=["small-cluster", "large-cluster", "hanging-cluster"],
)
def test_a_list_that_takes_long_is_asked_for_seldom(took_s: float, pause_s: float) -> None:
    assert pause_after(took_s) == pytest.approx(pause_s)
