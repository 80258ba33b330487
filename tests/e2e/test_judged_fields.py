"""No field of the real API server's objects that names an image is forgotten."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from support.judged_fields import judged_fields as script
from tidegate.domain.workload import POD_SPEC_PATHS

pytestmark = pytest.mark.e2e

Kubectl = Callable[..., subprocess.CompletedProcess[str]]
OLD, NEW = "registry.example/team/app:1.0", "registry.example/team/evil:1.0"
API = {
    "Pod": ("v1", "pods"),
    "ReplicationController": ("v1", "replicationcontrollers"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "Job": ("batch/v1", "jobs"),
    "CronJob": ("batch/v1", "cronjobs"),
}


@dataclass(frozen=True)
class Served:
    """What the API server says of its objects."""

    version: str
    fields: list[Any]


_served: list[Served] = []


@pytest.fixture
def served(kubectl: Kubectl) -> Served:
    """Ask once in a session: the documents have ten megabytes."""
    if not _served:
        index = json.loads(raw(kubectl, "/openapi/v3"))["paths"].values()
        documents = (json.loads(raw(kubectl, each["serverRelativeURL"])) for each in index)
        version = json.loads(raw(kubectl, "/version"))
        name = f"{version['major']}.{version['minor']}"
        _served.append(Served(name, script.fields_of(documents)))
    return _served[0]


def raw(kubectl: Kubectl, path: str) -> str:
    said = kubectl("get", "--raw", path)
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_t10_no_field_that_names_an_image_is_forgotten(served: Served) -> None:
    assert script.forgotten(served.fields) == []


def test_t10_every_kind_with_a_pod_specification_is_judged_in_all_its_places(
    served: Served,
) -> None:
    judged = {(f.kind, f.path) for f in served.fields if script.is_judged(f)}
    places = ("containers[].image", "initContainers[].image", "ephemeralContainers[].image")
    wanted = {
        (kind, f"{path}.{place}")
        for kind, path in POD_SPEC_PATHS.items()
        for place in (*places, "volumes[].image.reference")
    }
    assert judged == wanted


def test_every_reason_explains_a_field_that_is_not_judged(served: Served) -> None:
    told = {script.exemption_of(f) for f in served.fields if not script.is_judged(f)}
    assert [each for each in script.EXEMPTIONS if each not in told] == []


def test_the_page_is_what_the_api_server_serves(
    served: Served, request: pytest.FixtureRequest
) -> None:
    page = script.render(served.fields, served.version)
    if request.config.getoption("rewrite_golden", default=False):
        script.PAGE.write_text(page, "utf-8")
    assert script.PAGE.read_text("utf-8") == page, "run: make golden"


def made(kind: str, name: str, image: str) -> dict[str, Any]:
    """Return an object of `kind` that the API server takes, with `image` wherever it may stand."""
    labels = {"app": name}
    restart = "OnFailure" if kind in {"Job", "CronJob"} else "Always"
    pod = {
        "restartPolicy": restart,
        "containers": [{"name": "c", "image": image}],
        "initContainers": [{"name": "i", "image": image}],
        "volumes": [{"name": "v", "image": {"reference": image}}],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec: dict[str, Any]
    match kind:
        case "Pod":
            spec = pod
        case "CronJob":
            spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}
        case "Job":
            spec = {"template": template, "suspend": True}
        case "ReplicationController":
            spec = {"selector": labels, "template": template, "replicas": 0}
        case "StatefulSet":
            spec = {
                "selector": {"matchLabels": labels}, "template": template, "replicas": 0,
                "serviceName": name,
            }  # fmt: skip
        case "DaemonSet":
            spec = {"selector": {"matchLabels": labels}, "template": template}
        case _:
            spec = {"selector": {"matchLabels": labels}, "template": template, "replicas": 0}
    return {
        "apiVersion": API[kind][0],
        "kind": kind,
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": spec,
    }


@pytest.fixture
def stored(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[str]:
    """The path of an object of the kind that the test is about, in the API server."""
    kind: str = request.param
    name = f"kept-{kind.lower()}"
    said = kubectl("create", "-f", "-", stdin=json.dumps(made(kind, name, OLD)))
    assert said.returncode == 0, said.stderr
    version, resource = API[kind]
    prefix = "api" if version == "v1" else "apis"
    try:
        yield f"/{prefix}/{version}/namespaces/default/{resource}/{name}"
    finally:
        kubectl("delete", resource, name, "--wait=false", "--force", "--grace-period=0")


def with_other_images(kubectl: Kubectl, path: str) -> str:
    """Return the stored object as JSON, with another image in each place."""
    current = json.loads(raw(kubectl, path))
    del current["metadata"]["resourceVersion"]
    return json.dumps(current).replace(OLD, NEW)


@pytest.mark.parametrize("stored", POD_SPEC_PATHS, indirect=True)
def test_t10_a_request_about_the_status_changes_no_image(kubectl: Kubectl, stored: str) -> None:
    changed = with_other_images(kubectl, stored)
    assert NEW in changed
    said = kubectl("replace", "--raw", f"{stored}/status", "-f", "-", stdin=changed)
    assert said.returncode == 0, said.stderr
    after = raw(kubectl, stored)
    assert NEW not in after
    assert OLD in after


@pytest.mark.parametrize("stored", ["Pod"], indirect=True)
def test_t10_a_request_to_resize_changes_no_image(kubectl: Kubectl, stored: str) -> None:
    changed = with_other_images(kubectl, stored)
    said = kubectl("replace", "--raw", f"{stored}/resize", "-f", "-", stdin=changed)
    assert said.returncode == 0, said.stderr
    after = raw(kubectl, stored)
    assert NEW not in after
    assert OLD in after
