"""Which running pods are judged again, and as which review."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tidegate.agent.running import Renewed, RunningWorkload, group_pods, review_of
from tidegate.wire.admission_v1 import parse_review
from tidegate.wire.hub_data_v1 import RenewedImageV1
from tidegate.wire.names import NAMESPACE

A, B = ("sha256:" + letter * 64 for letter in "ab")
APP = "r.example/team/app:1"


def pod(name: str, image: str = APP, *, owner: str = "", image_id: str = "", **changes: Any) -> Any:  # noqa: ANN401 JSON
    owners = [{"kind": "ReplicaSet", "name": owner, "uid": f"uid-{owner}", "controller": True}]
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "managedFields": [{}]}
    if owner:
        metadata["ownerReferences"] = owners
    statuses = [{"name": "c", "imageID": image_id}] if image_id else []
    body = {
        "metadata": metadata | changes.pop("metadata", {}),
        "spec": {"containers": [{"name": "c", "image": image}], **changes.pop("spec", {})},
        "status": {"phase": "Running", "containerStatuses": statuses} | changes.pop("status", {}),
    }
    assert not changes
    return body


async def listed(*pods: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
    for each in pods:
        yield each


async def grouped(*pods: Mapping[str, Any]) -> list[RunningWorkload]:
    return await group_pods(listed(*pods))


async def test_pods_of_one_controller_with_the_same_images_are_one_workload() -> None:
    found = await grouped(pod("w-1", owner="w"), pod("w-2", owner="w"), pod("x-1", owner="x"))
    assert [each.name for each in found] == ["w-1", "x-1"]


async def test_a_pod_that_runs_another_digest_is_judged_by_itself() -> None:
    found = await grouped(
        pod("w-1", owner="w", image_id=f"r.example/team/app@{A}"),
        pod("w-2", owner="w", image_id=f"r.example/team/app@{B}"),
    )
    assert [each.images for each in found] == [{f"{APP}@{A}"}, {f"{APP}@{B}"}]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"metadata": {"namespace": "kube-system"}}, id="excluded-namespace"),
        pytest.param({"metadata": {"namespace": NAMESPACE}}, id="own-namespace"),
        pytest.param({"status": {"phase": "Succeeded"}}, id="succeeded"),
        pytest.param({"status": {"phase": "Failed"}}, id="failed"),
    ],
)
async def test_what_is_not_gated_or_ended_is_not_judged(changes: dict[str, Any]) -> None:
    assert await grouped(pod("p", **changes)) == []


@pytest.mark.parametrize(
    ("image", "image_id", "judged"),
    [
        pytest.param(APP, f"docker-pullable://r.example/x@{A}", f"{APP}@{A}", id="by-the-kubelet"),
        pytest.param(f"{APP}@{B}", f"r.example/x@{A}", f"{APP}@{B}", id="pinned-stays"),
        pytest.param(APP, A, APP, id="config-digest-names-no-image"),
        pytest.param(APP, "", APP, id="not-started"),
    ],
)
async def test_an_image_is_judged_by_the_digest_that_runs(
    image: str, image_id: str, judged: str
) -> None:
    (found,) = await grouped(pod("p", image, image_id=image_id))
    review = parse_review(review_of(found))
    assert review.object is not None
    assert review.dry_run
    assert found.pod["spec"]["containers"][0]["image"] == judged


async def test_every_place_of_an_image_is_looked_at() -> None:
    spec = {
        "initContainers": [{"name": "i", "image": "init:1"}],
        "ephemeralContainers": [{"name": "e", "image": "debug:1"}],
        "volumes": [{"name": "v", "image": {"reference": "model:1"}}, {"name": "w"}],
    }
    (found,) = await grouped(pod("p", spec=spec))
    assert found.images == {APP, "init:1", "debug:1", "model:1"}


async def test_a_review_keeps_what_rules_ask_and_leaves_the_rest_out() -> None:
    (found,) = await grouped(pod("p", owner="w", metadata={"labels": {"app": "p"}}))
    request = json.loads(review_of(found))["request"]
    assert request["object"]["metadata"]["labels"] == {"app": "p"}
    assert request["object"]["metadata"]["ownerReferences"][0]["name"] == "w"
    assert set(request["object"]) == {"apiVersion", "kind", "metadata", "spec"}
    assert "managedFields" not in request["object"]["metadata"]


@pytest.mark.parametrize(
    ("image", "touched"),
    [
        pytest.param(f"r.example/team/app@{A}", True, id="its-digest"),
        pytest.param(f"mirror.example/app@{A}", True, id="its-digest-at-a-mirror"),
        pytest.param("r.example/team/app:2", True, id="a-tag-of-its-repository"),
        pytest.param(f"r.example/team/app@{B}", True, id="an-index-that-may-list-it"),
        pytest.param("r.example/team/other:1", False, id="another-repository"),
        pytest.param(f"mirror.example/app@{B}", False, id="another-digest-elsewhere"),
        pytest.param("no reference", False, id="no-reference"),
    ],
)
def test_which_images_a_new_report_may_be_about(image: str, *, touched: bool) -> None:
    renewed = Renewed.of([RenewedImageV1("r.example", "team/app", [A])])
    assert renewed.may_be(image) is touched
