"""The canary's answer is fixed for the agent's own dry run, and for nobody and nothing else."""

import json
from typing import Any

import pytest

from tidegate.gate.canary import canary_answer
from tidegate.wire.admission_v1 import parse_review
from tidegate.wire.canary import AGENT_USER, BAD_IMAGE, GOOD_IMAGE, canary_pod

NAME = "canary-bad-1"


def review(image: str = BAD_IMAGE, pod: dict[str, Any] | None = None, **changes: Any) -> bytes:  # noqa: ANN401
    request = {
        "uid": "u",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": NAME,
        "namespace": "tidegate-canary",
        "operation": "CREATE",
        "userInfo": {"username": AGENT_USER},
        "object": pod or canary_pod(NAME, image),
        "dryRun": True,
    }
    body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    return json.dumps({**body, "request": {**request, **changes}}).encode()


def answered(body: bytes) -> dict[str, Any] | None:
    answer = canary_answer(parse_review(body))
    return None if answer is None else dict(json.loads(answer)["response"])


def test_t12_the_agents_canaries_have_fixed_answers() -> None:
    bad, good = answered(review()), answered(review(GOOD_IMAGE))
    assert good == {"uid": "u", "allowed": True}
    assert bad is not None
    assert not bad["allowed"]
    assert NAME in bad["status"]["message"]


def with_more(section: str) -> dict[str, Any]:
    pod = canary_pod(NAME, GOOD_IMAGE)
    more = {"name": "more", "image": "evil.example/x"}
    pod["spec"][section] = [*pod["spec"].get(section, []), more]
    return pod


def with_volume() -> dict[str, Any]:
    pod = canary_pod(NAME, GOOD_IMAGE)
    pod["spec"]["volumes"] = [{"name": "v", "image": {"reference": "evil.example/x"}}]
    return pod


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(review(GOOD_IMAGE, dryRun=False), id="for-real"),
        pytest.param(review(GOOD_IMAGE, dryRun=None), id="dry-run-not-said"),
        pytest.param(review(GOOD_IMAGE, userInfo={"username": "admin"}), id="another-user"),
        pytest.param(
            review(GOOD_IMAGE, userInfo={"username": AGENT_USER.replace("tidegate:", "x:", 1)}),
            id="of-another-namespace",
        ),
        pytest.param(review(GOOD_IMAGE, userInfo={}), id="no-user"),
        pytest.param(review(GOOD_IMAGE, namespace="default"), id="another-namespace"),
        pytest.param(review(GOOD_IMAGE, operation="UPDATE"), id="an-update"),
        pytest.param(review(f"{GOOD_IMAGE}:latest"), id="with-a-tag"),
        pytest.param(review(f"{GOOD_IMAGE}/more"), id="below-it"),
        pytest.param(review("r.example/app"), id="another-image"),
        pytest.param(review(pod=with_more("containers")), id="a-second-container"),
        pytest.param(review(pod=with_more("initContainers")), id="an-init-container"),
        pytest.param(review(pod=with_more("ephemeralContainers")), id="an-ephemeral-container"),
        pytest.param(review(pod=with_volume()), id="an-image-volume"),
    ],
)
def test_t12_everything_else_is_judged(body: bytes) -> None:
    assert answered(body) is None
