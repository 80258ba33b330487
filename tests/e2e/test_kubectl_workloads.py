"""Controllers under the gate of `tidegate up`: judged where they are made, their pods as well."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.installation import Ground, until

pytestmark = pytest.mark.e2e

KINDS = (
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "ReplicationController",
    "Job",
    "CronJob",
)


def workload(kind: str, image: str, *, name: str = "app", **pod: object) -> dict[str, Any]:
    """Return a workload of `kind` with one container and what `pod` adds to the pod's spec."""
    labels = {"app": name}
    template: dict[str, Any] = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": image}], **pod},
    }
    spec: dict[str, Any] = {"template": template}
    version = "apps/v1"
    match kind:
        case "ReplicationController":
            version, spec["selector"] = "v1", labels
        case "Job":
            version, template["spec"]["restartPolicy"] = "batch/v1", "Never"
        case "CronJob":
            version, template["spec"]["restartPolicy"] = "batch/v1", "Never"
            spec = {"schedule": "@yearly", "jobTemplate": {"spec": spec}}
        case _:
            spec["selector"] = {"matchLabels": labels}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def template_path(kind: str) -> str:
    return "spec.jobTemplate.spec.template.spec" if kind == "CronJob" else "spec.template.spec"


@pytest.mark.parametrize("kind", KINDS)
def test_t10_each_kind_is_judged_where_it_is_made(ground: Ground, kind: str) -> None:
    ground.rule("deny")
    bad, clean = ground.site.image("critical"), ground.site.image("clean")
    places = {
        "containers[0].image": workload(kind, bad),
        "initContainers[0].image": workload(
            kind, clean, initContainers=[{"name": "x", "image": bad}]
        ),
        "volumes[0].image.reference": workload(
            kind, clean, volumes=[{"name": "x", "image": {"reference": bad}}]
        ),
    }
    for manifest in places.values():
        ground.denied("create -f -", stdin=manifest)
    events = until(lambda: ground.site.events(ground.namespace), lambda seen: len(seen) == 3)
    denied = [row["fieldPath"] for e in events for row in e["images"] if row["action"] == "deny"]
    assert denied == [f"{template_path(kind)}.{place}" for place in places]
    assert {(e["action"], e["kind"], e["name"]) for e in events} == {("deny", kind, "app")}


def test_a_vulnerable_deployment_is_warned_about_and_so_are_its_pods(ground: Ground) -> None:
    rule = ground.rule("audit")
    image = ground.site.image("critical")
    said = ground.works(f"create deployment web --image={image}")
    assert said.out == "deployment.apps/web created\n"
    assert f"Warning: {image}: Image contains 40 high" in said.err
    assert f'rule "{rule}" (audit)' in said.err
    until(lambda: len(ground.site.events(ground.namespace)), lambda count: count == 2)
    first, second = ground.site.events(ground.namespace)
    assert (first["kind"], first["name"], first["action"]) == ("Deployment", "web", "audit")
    assert (second["kind"], second["action"]) == ("Pod", "audit")
    assert second["name"].startswith("web-")
    assert second["user"] == "system:serviceaccount:kube-system:replicaset-controller"


def test_t10_denied_pods_of_a_passed_replica_set_show_in_its_events(ground: Ground) -> None:
    rule = ground.rule("deny", {"matcherType": "pod", "anyOf": ["probe", "web-*-*"]})
    image = ground.site.image("critical")
    ground.works(f"create deployment web --image={image}")
    said = until(
        lambda: ground("get events --field-selector=reason=FailedCreate -o json").out,
        lambda out: "denied the request" in out,
    )
    message = json.loads(said)["items"][0]
    assert message["involvedObject"]["kind"] == "ReplicaSet"
    assert f"{image}: Image contains 40 high or higher CVEs" in message["message"]
    assert rule in message["message"]
    assert ground.get("pods")["items"] == []
    (made,) = ground.get("replicasets")["items"]  # it passed without evidence: its pods are judged
    assert made["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
    assert {kind for _, kind, _, _ in ground.verdicts()} == {"Deployment", "Pod"}


def test_a_changed_image_of_a_deployment_is_judged(ground: Ground) -> None:
    ground.rule("deny")
    ground.works(f"create deployment web --image={ground.site.image('clean')}")
    bad = ground.site.image("critical")
    assert bad in ground.denied(f"set image deployment/web app={bad}")
    image = ground.get("deployment web")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == ground.site.image("clean")
    ground.works(f"set image deployment/web app={ground.site.image('low')}")


@pytest.fixture
def vulnerable(ground: Ground) -> Ground:
    """A vulnerable Deployment that ran before the rule on deny came."""
    manifest = workload("Deployment", ground.site.image("critical"), name="web")
    clean = {"name": "clean", "image": ground.site.image("clean")}
    manifest["spec"]["template"]["spec"]["containers"].append(clean)
    ground.works("create -f -", stdin=manifest)
    until(lambda: ground.get("pods")["items"], lambda pods: len(pods) == 1)
    ground.rule("deny")
    return ground


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("scale deployment web --replicas=3", id="scale"),
        pytest.param("""patch deployment web -p '{"spec":{"replicas":2}}'""", id="replicas"),
        pytest.param("label deployment web team=a", id="label"),
        pytest.param("annotate deployment web note=b", id="annotate"),
        pytest.param("rollout pause deployment web", id="pause"),
        pytest.param("rollout restart deployment web", id="restart"),
        pytest.param("set env deployment/web A=b", id="environment"),
        pytest.param("delete deployment web", id="delete"),
        pytest.param("delete pods --all", id="delete-pods"),
    ],
)
def test_what_changes_no_image_passes_under_deny(vulnerable: Ground, command: str) -> None:
    assert "Warning" not in vulnerable.works(command).err
    about = [v for v in vulnerable.verdicts() if v[1] == "Deployment"]
    assert about == [("audit", "Deployment", "web", "CREATE")]


def test_pods_of_a_scaled_vulnerable_deployment_are_judged(vulnerable: Ground) -> None:
    vulnerable.works("scale deployment web --replicas=2")
    until(
        lambda: vulnerable("get events --field-selector=reason=FailedCreate").out,
        lambda out: "denied the request" in out,
    )
    assert len(vulnerable.get("pods")["items"]) == 1


@pytest.mark.parametrize(
    ("change", "judged"),
    [
        pytest.param(lambda pod: pod["containers"].reverse(), False, id="reordered"),
        pytest.param(
            lambda pod: pod.update(nodeSelector={"kubernetes.io/arch": "arm64"}),
            True,
            id="other-nodes",
        ),
        pytest.param(
            lambda pod: pod.update(initContainers=[{"name": "app-2", "image": "BAD"}]),
            True,
            id="also-in-an-init-container",
        ),
        pytest.param(
            lambda pod: (
                pod["containers"].reverse()
                or [
                    c.update(name=n)
                    for c, n in zip(pod["containers"], ("app", "clean"), strict=True)
                ]
            ),
            True,
            id="moved-to-another-container",
        ),
        pytest.param(
            lambda pod: pod.update(volumes=[{"name": "v", "image": {"reference": "BAD"}}]),
            True,
            id="also-in-a-volume",
        ),
    ],
)
def test_t10_an_image_in_another_place_is_judged(
    vulnerable: Ground,
    change: Callable[[dict[str, Any]], object],
    judged: bool,  # noqa: FBT001 a row of the table
) -> None:
    manifest = vulnerable.get("deployment web")
    change(manifest["spec"]["template"]["spec"])
    text = json.dumps(manifest).replace("BAD", vulnerable.site.image("critical"))
    if judged:
        vulnerable.denied("replace -f -", stdin=text)
    else:
        vulnerable.works("replace -f -", stdin=text)


def test_a_job_of_a_cron_job_passes_and_its_pod_is_judged(ground: Ground) -> None:
    ground.works("create -f -", stdin=workload("CronJob", ground.site.image("critical")))
    ground.rule("deny")
    ground.works("create job now --from=cronjob/app")
    until(
        lambda: ground("get events --field-selector=reason=FailedCreate").out,
        lambda out: "denied the request" in out,
    )
    assert ground.get("pods")["items"] == []
    assert "Job" not in {kind for _, kind, _, _ in ground.verdicts()}
