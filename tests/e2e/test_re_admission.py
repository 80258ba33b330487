"""Own pods come back under the gate of `tidegate up`: real controllers, and all who only seem so.

The finding is an advisory about a package that no other test's image has. It comes after the
workloads were admitted, and the pods that come back are made by the real controller-manager.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.distributions import Installed, apk_files, system
from support.installation import Ground, until
from tidegate.local.images import DemoImage, build_image
from tidegate.wire.oci_v1 import OCI_MANIFEST

pytestmark = pytest.mark.e2e

WITHIN_S = 60
"""From an import to the verdict about what runs (PRODUCT, "Beyond the reference")."""

STRICT = {"maxAllowedSeverities": {"high": 0}, "blockUnscannedImages": True}
OWNERS = ("Deployment", "StatefulSet", "ReplicationController", "Job")

Import = Callable[[], None]


def record(package: str, *, severity: str) -> str:
    affected = {
        "package": {"ecosystem": "Alpine:v3.18", "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99-r0"}]}],
    }
    body = {
        "id": f"ALPINE-CVE-2026-{int(package[-6:], 16) + 10_000}",
        "modified": "2026-02-01T00:00:00Z",
        "database_specific": {"severity": severity},
        "affected": [affected],
    }
    return json.dumps(body)


@pytest.fixture
def turning(ground: Ground, tmp_path: Path) -> tuple[str, Import]:
    """An image that is fine, and what makes it bad."""
    package = f"lib-{secrets.token_hex(3)}"

    def import_record(name: str) -> None:
        (tmp_path / "record.json").write_text(record(name, severity="CRITICAL"))
        said = ground.site.tidegate(f"advisories import {tmp_path}")
        assert said.code == 0, said.err

    import_record("another-package-0000aa")  # from now on, Alpine 3.18 has advisories
    alpine = system("alpine", "3.18.4", **{"alpine-release": "3.18.4\n"})
    files = {path: text.encode() for path, text in alpine.items()}
    built = build_image([files | apk_files([Installed(package, "1.0-r0")])])
    image = DemoImage("demo/app", package, ((built.manifest, OCI_MANIFEST),), built.blobs)
    ground.site.push(image, package)
    name = f"{ground.site.state['registry']}/demo/app@{image.digest}"
    return name, lambda: import_record(package)


def workload(kind: str, name: str, image: str) -> dict[str, Any]:
    labels = {"app": name}
    pod: dict[str, Any] = {"containers": [{"name": "app", "image": image}]}
    spec: dict[str, Any] = {"template": {"metadata": {"labels": labels}, "spec": pod}}
    match kind:
        case "Job":
            version = "batch/v1"
            pod["restartPolicy"] = "Never"
        case "ReplicationController":
            version = "v1"
            spec |= {"selector": labels, "replicas": 1}
        case _:
            version = "apps/v1"
            spec |= {"selector": {"matchLabels": labels}, "replicas": 1}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def pods(ground: Ground) -> dict[str, str]:
    """Return the uid of the living pod of each app."""
    return {
        pod["metadata"]["labels"]["app"]: pod["metadata"]["uid"]
        for pod in ground.get("pods")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }


def answers(ground: Ground, action: str) -> list[dict[str, Any]]:
    """Return the image rows of admissions of pods by controllers, with `action`."""
    return [
        event["images"][0]
        for event in ground.site.events(ground.namespace)
        if (event["kind"], event["action"]) == ("Pod", action)
        and event.get("user", "").startswith("system:serviceaccount:kube-system:")
    ]


def say(ground: Ground, re_admission: str) -> None:
    """Put it in force: a rule in the same object, about a pod that is never made, shows when."""
    signal = f"signal-{secrets.token_hex(3)}"
    made = ground.get(f"sap {ground.namespace}")
    rules = made["spec"]["vulnerabilityAssessmentGatedDeployment"]
    here = {"matcherType": "namespace", "anyOf": [ground.namespace]}
    only = {"matcherType": "pod", "anyOf": [signal]}
    rules.insert(0, {**rules[-1], "name": signal, "scope": [here, only]})
    patch = {"vulnerabilityAssessmentGatedDeployment": rules, "reAdmission": re_admission}
    spec = json.dumps({"spec": patch})
    ground.works(f"patch sap {ground.namespace} --type=merge -p '{spec}'")
    probe = f"run {signal} --image={ground.site.image('critical')} --dry-run=server"
    until(lambda: ground(probe), lambda said: f'rule: "{signal}"' in said.err)


def running(ground: Ground, image: str, *kinds: str) -> dict[str, str]:
    """Make a workload of each kind; return its pods' uids by its name."""
    for kind in kinds:
        ground.works("create -f -", stdin=workload(kind, kind.lower(), image))
    return until(lambda: pods(ground), lambda seen: len(seen) == len(kinds))


def turn_bad(ground: Ground, make_bad: Import, count: int) -> None:
    """Return when all that runs here is judged bad."""
    make_bad()
    until(
        lambda: [action for action, _ in ground.rejudged()],
        lambda seen: seen == ["deny"] * count,
        WITHIN_S,
    )


def delete_all(ground: Ground) -> None:
    ground.works("delete pods --all --force --grace-period=0")


def test_own_pods_come_back_and_nobody_elses(ground: Ground, turning: tuple[str, Import]) -> None:
    image, make_bad = turning
    rule = ground.rule("deny", **STRICT)
    say(ground, "Audit")
    before = running(ground, image, *OWNERS)
    turn_bad(ground, make_bad, len(OWNERS))

    delete_all(ground)
    back = until(lambda: pods(ground), lambda seen: len(seen) == len(OWNERS))
    assert not set(back.values()) & set(before.values())
    rows = until(lambda: answers(ground, "audit"), lambda seen: len(seen) >= len(OWNERS))
    assert {row["reason"] for row in rows} == {"ReAdmitted"}
    assert {row["rule"] for row in rows} == {rule}
    assert "Image contains 1 high or higher CVEs" in rows[0]["message"]
    assert "so that its own pods may come back until 20" in rows[0]["message"]

    ground.works("scale deployment/deployment --replicas=2")
    until(lambda: len(ground.get("pods")["items"]), lambda count: count == len(OWNERS) + 1)

    # The same owner reference, written by somebody else, is a claim.
    own = next(
        p for p in ground.get("pods")["items"] if p["metadata"]["labels"]["app"] == "deployment"
    )
    ground.denied(
        "create -f -", stdin=claiming("mine", own["metadata"]["ownerReferences"], own, image)
    )
    # The same image in another workload was never admitted.
    for kind in OWNERS:
        ground.denied("create -f -", stdin=workload(kind, f"another-{kind.lower()}", image))
    ground.denied(f"run bare --image={image}")


def claiming(
    name: str, owners: list[dict[str, Any]], like: Mapping[str, Any], image: str
) -> dict[str, Any]:
    metadata = {"name": name, "labels": like["metadata"]["labels"], "ownerReferences": owners}
    spec = {"containers": [{"name": "app", "image": image}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda ground: say(ground, "Enforce"), id="enforced"),
        pytest.param(
            lambda ground: ground.rule("deny", forbiddenCves=["CVE-1999-0001"], **STRICT),
            id="changed-rule",
        ),
    ],
)
def test_t10_own_pods_stay_out(
    ground: Ground, turning: tuple[str, Import], change: Callable[[Ground], object]
) -> None:
    image, make_bad = turning
    ground.rule("deny", **STRICT)
    say(ground, "Audit")
    running(ground, image, "StatefulSet")
    turn_bad(ground, make_bad, 1)
    change(ground)

    delete_all(ground)
    (row, *_) = until(lambda: answers(ground, "deny"), bool)
    assert "Image contains 1 high or higher CVEs" in row["message"]
    assert answers(ground, "audit") == []
    assert pods(ground) == {}
