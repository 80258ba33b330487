"""Pods under the gate of `tidegate up`: what kubectl prints, what is stored, what is recorded."""

import json
import secrets
from typing import Any

import pytest

from support.installation import Ground, until
from tidegate.local.images import (
    CLEAN_DEBIAN,
    DemoImage,
    build_image,
    debian_files,
    python_files,
)
from tidegate.wire.oci_v1 import OCI_MANIFEST

pytestmark = pytest.mark.e2e


def pod(name: str, image: str, *finalizers: str, **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "finalizers": list(finalizers)},
        "spec": {"containers": [{"name": "app", "image": image}], **spec},
    }


def fresh_image(*packages: tuple[str, str]) -> DemoImage:
    """Return an image that nobody has seen before, with these Python packages."""
    marker = {"etc/made-for-this-run": secrets.token_bytes(8)}
    layers = [debian_files(CLEAN_DEBIAN), marker, *(python_files(*p) for p in packages)]
    built = build_image(layers)
    return DemoImage("demo/app", "fresh", ((built.manifest, OCI_MANIFEST),), built.blobs)


def test_an_audited_pod_runs_with_a_warning_and_an_event(ground: Ground) -> None:
    rule = ground.rule("audit")
    image = ground.site.image("critical")
    said = ground.works(f"run audited --image={image}")
    assert said.out == "pod/audited created\n"
    assert said.err == (
        f"Warning: {image}: Image contains 40 high or higher CVEs, which is more than the allowed "
        f'count of: 0; rule "{rule}" (audit)\n'
    )
    ground.saw(("audit", "Pod", "audited", "CREATE"))


def test_a_denied_pod_is_not_made_and_kubectl_says_why(ground: Ground) -> None:
    rule = ground.rule("deny")
    image = ground.site.image("critical")
    said = ground.denied(f"run denied --image={image}")
    assert f"{image}: Image contains 40 high or higher CVEs" in said
    assert f'  rule: "{rule}" (deny)' in said
    assert "CVE-2021-44228 critical, log4j-core 2.14.1 → 2.15.0; +37 more" in said
    assert ground("get pod denied").code == 1
    ground.saw(("deny", "Pod", "denied", "CREATE"))
    (event,) = ground.site.events(ground.namespace)
    assert f"all findings: tidegate explain {event['id']}" in said
    story = ground.site.tidegate(f"explain {event['id']}")
    assert story.code == 0, story.err
    assert "CVE-2021-44228" in story.out


def test_a_clean_image_is_let_in_without_a_word(ground: Ground) -> None:
    ground.rule("deny")
    said = ground.works(f"run clean --image={ground.site.image('clean')}")
    assert said.err == ""
    ground.saw(("allow", "Pod", "clean", "CREATE"))


def test_events_come_from_the_api_server_with_user_cluster_and_digest(ground: Ground) -> None:
    rule = ground.rule("audit")
    ground.works(f"run seen --image={ground.site.image('high')}")
    (event,) = until(lambda: ground.site.events(ground.namespace), lambda seen: len(seen) == 1)
    assert event.get("origin", "api-server") == "api-server"
    assert (event["user"], event["cluster"]) == ("tidegate-admin", "local")
    (row,) = event["images"]
    assert row["rule"] == rule
    assert row["violation"] == "High CVE: 4"
    assert row["digest"].startswith("sha256:")
    assert row["fieldPath"] == "spec.containers[0].image"


def test_a_dry_run_is_judged_and_leaves_no_event(ground: Ground) -> None:
    ground.rule("deny")
    image = ground.site.image("critical")
    said = ground.denied(f"run dry --image={image} --dry-run=server")
    assert "tidegate explain" not in said
    ground.rule("audit")
    said = ground.works(f"run dry --image={image} --dry-run=server").err
    assert said.startswith("Warning: ")
    ground.works(f"run real --image={image}")
    ground.saw(("audit", "Pod", "real", "CREATE"))


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("initContainers", id="init-container"),
        pytest.param("volumes", id="image-volume"),
        pytest.param("sidecar", id="restartable-init-container"),
    ],
)
def test_t10_every_place_of_an_image_is_judged(ground: Ground, place: str) -> None:
    ground.rule("deny")
    bad, clean = ground.site.image("critical"), ground.site.image("clean")
    spec: dict[str, Any] = {
        "initContainers": {"initContainers": [{"name": "x", "image": bad}]},
        "sidecar": {"initContainers": [{"name": "x", "image": bad, "restartPolicy": "Always"}]},
        "volumes": {"volumes": [{"name": "x", "image": {"reference": bad}}]},
    }[place]
    assert bad in ground.denied("create -f -", stdin=pod("hidden", clean, **spec))
    ground.saw(("deny", "Pod", "hidden", "CREATE"))


def test_t10_a_debug_container_is_judged(ground: Ground) -> None:
    ground.rule("deny")
    ground.works(f"run app --image={ground.site.image('clean')}")
    bad = ground.site.image("high")
    assert f"{bad}: Image contains 4 high" in ground.denied(
        f"debug app --image={bad} --profile=general"
    )
    assert "ephemeralContainers" not in ground.get("pod app")["spec"]
    ground.works(f"debug app --image={ground.site.image('low')} --profile=general")
    ground.saw(
        ("allow", "Pod", "app", "CREATE"),
        ("deny", "Pod", "app", "UPDATE"),
        ("allow", "Pod", "app", "UPDATE"),
    )
    of_subresource = [e for e in ground.site.events(ground.namespace) if e.get("subresource")]
    assert [e["subresource"] for e in of_subresource] == ["ephemeralcontainers"] * 2


def test_t10_a_raw_patch_of_ephemeral_containers_is_judged(ground: Ground) -> None:
    ground.rule("deny")
    ground.works(f"run app --image={ground.site.image('clean')}")
    containers = [{"name": "raw", "image": ground.site.image("high")}]
    patch = json.dumps({"spec": {"ephemeralContainers": containers}})
    ground.denied(f"patch pod app --subresource=ephemeralcontainers -p '{patch}'")


def test_a_changed_image_of_a_pod_is_judged_and_other_changes_pass(ground: Ground) -> None:
    ground.works(f"run app --image={ground.site.image('critical')}")
    ground.rule("deny")
    ground.works("label pod app team=a")
    ground.works("annotate pod app note=b")
    ground.denied(f"set image pod/app app={ground.site.image('high')}")
    ground.works(f"set image pod/app app={ground.site.image('clean')}")
    ground.denied(f"set image pod/app app={ground.site.image('critical')}")
    ground.saw(
        ("audit", "Pod", "app", "CREATE"),  # by the default rule
        ("deny", "Pod", "app", "UPDATE"),
        ("allow", "Pod", "app", "UPDATE"),
        ("deny", "Pod", "app", "UPDATE"),
    )


def test_t10_an_image_changed_on_a_pod_that_is_being_deleted_is_judged(ground: Ground) -> None:
    ground.rule("deny")
    held = pod("held", ground.site.image("clean"), "tidegate.io/e2e-hold")
    ground.works("create -f -", stdin=held)
    ground.works("delete pod held --wait=false")
    assert ground.get("pod held")["metadata"]["deletionTimestamp"]
    try:
        ground.denied(f"set image pod/held app={ground.site.image('critical')}")
    finally:
        ground.works('patch pod held --type=merge -p \'{"metadata":{"finalizers":[]}}\'')
    until(lambda: ground("get pod held"), lambda said: said.code == 1)


def test_a_vulnerable_pod_can_be_deleted_and_its_finalizers_removed(ground: Ground) -> None:
    held = pod("held", ground.site.image("critical"), "tidegate.io/e2e-hold")
    ground.works("create -f -", stdin=held)
    ground.rule("deny")
    ground.works("delete pod held --wait=false")
    ground.works('patch pod held --type=merge -p \'{"metadata":{"finalizers":[]}}\'')
    until(lambda: ground("get pod held"), lambda said: said.code == 1)
    ground.saw(("audit", "Pod", "held", "CREATE"))


def test_t10_a_pod_that_claims_an_owner_is_judged(ground: Ground) -> None:
    ground.rule("deny")
    claimed = pod("claimed", ground.site.image("critical"))
    claimed["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": "made-up",
            "uid": "00000000-0000-0000-0000-000000000001",
            "controller": True,
        }
    ]
    ground.denied("create -f -", stdin=claimed)


def test_t06_a_tag_that_moved_is_judged_by_its_new_content(ground: Ground) -> None:
    ground.rule("deny")
    before = ground.site.push(fresh_image(), "moving")
    moving = ground.site.image("moving")
    ground.works(f"run before --image={moving}")
    after = ground.site.push(fresh_image(("Django", "3.2")), "moving")
    # What a tag stood for is taken for a second: pods that start together read it once.
    until(
        lambda: ground(f"run after --image={moving} --dry-run=server").code,
        lambda code: code == 1,
        within_s=3,
    )
    ground.denied(f"run after --image={moving}")
    ground.saw(("allow", "Pod", "before", "CREATE"), ("deny", "Pod", "after", "CREATE"))
    digests = [event["images"][0]["digest"] for event in ground.admissions()]
    assert digests == [before, after]


def test_an_image_that_was_never_pushed_is_unscanned(ground: Ground) -> None:
    ground.rule("deny", blockUnscannedImages=True, maxAllowedSeverities={"high": 0})
    said = ground.denied(f"run ghost --image={ground.site.image('never-pushed')}")
    assert "never-pushed: " in said
    elsewhere = ground.denied("run elsewhere --image=registry.example/app:1")
    assert "its registry is not configured here" in elsewhere
    until(lambda: ground.site.events(ground.namespace), lambda seen: len(seen) == 2)
    ghost, _ = ground.site.events(ground.namespace)
    assert ghost["images"][0]["reason"] in {"MissingArtifact", "Unavailable"}


def test_an_index_is_judged_by_the_worst_platform_that_may_run(ground: Ground) -> None:
    ground.rule("deny")
    image = ground.site.image("multi-arch")
    said = ground.denied(f"run anywhere --image={image}")
    assert f"{image} (linux/arm64): Image contains 4 high" in said
    here = pod("here", image, nodeSelector={"kubernetes.io/arch": "amd64"})
    ground.works("create -f -", stdin=here)
    there = pod("there", image, nodeSelector={"kubernetes.io/arch": "arm64"})
    ground.denied("create -f -", stdin=there)
