"""Which workloads a manifest holds, and what the verdicts about them mean together."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from support.builders import COMPLETE, POD, deny, finding, report, verdict_of
from tidegate.cli.check import exit_code
from tidegate.cli.exit_codes import ExitCode
from tidegate.cli.judging import Judged
from tidegate.cli.manifests import facts_of, read_manifests
from tidegate.cli.pods import build_pod, parse_labels, review_of
from tidegate.cli.verdict_words import summary, verdict_items, verdict_lines
from tidegate.domain.errors import InputError
from tidegate.domain.evidence import Missing, MissingReason, Unavailable, UnavailableReason
from tidegate.domain.rule import Action, Conditions, Disposition, Rule, Thresholds
from tidegate.domain.verdict import Verdict
from tidegate.domain.workload import Lookup, images_of
from tidegate.wire.admission_v1 import parse_review

MANIFESTS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {tier: gold}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: init, image: a/init}]
      containers: [{name: web, image: a/web}]
      volumes: [{name: v, image: {reference: a/volume}}]
---
apiVersion: v1
kind: List
items:
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: nightly}
  spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: a/cron}]}}}}}
- apiVersion: v1
  kind: Service
  metadata: {name: svc}
- apiVersion: example.io/v1
  kind: Deployment
  metadata: {name: not-ours}
"""


def test_every_kind_that_runs_images_is_found_and_the_rest_named(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(MANIFESTS)
    found = read_manifests([str(path)], "fallback")
    assert [(w.kind, w.name, w.namespace) for w in found.workloads] == [
        ("Deployment", "web", "shop"),
        ("CronJob", "nightly", "fallback"),
    ]
    assert [use.image for w in found.workloads for use in images_of(w)] == [
        "a/web",
        "a/init",
        "a/volume",
        "a/cron",
    ]
    assert found.skipped == ["Namespace/shop", "Service/svc", "Deployment/not-ours"]
    assert found.labels_of("shop") == {"tier": "gold", "kubernetes.io/metadata.name": "shop"}
    assert found.labels_of("other") is Lookup.FAILED


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("kind: Pod", "without apiVersion", id="no-api-version"),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: 3}]}",
            "Pod/: ",
            id="image-is-a-number",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nspec: {containers: {}}",
            "Pod/: ",
            id="containers-is-an-object",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{image: a}]}\nspec: {}",
            "stands twice",
            id="t17-repeated-spec",
        ),
    ],
)
def test_bad_manifests_are_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=why):
        read_manifests([str(path)], "default")


ALLOWED = verdict_of(report(), deny())
DENIED = verdict_of(report(finding()), deny())
AUDITED = verdict_of(report(finding()), Rule("warn", Action.AUDIT, Conditions(Thresholds(high=0))))
MISSING = verdict_of(
    Missing(MissingReason.NO_REPORT, unverifiable=("sha256:x: unsigned",)),
    deny(block_unscanned=True),
)
AWAY = verdict_of(Unavailable(UnavailableReason.REGISTRY), deny())
NO_REFERENCE = verdict_of(Unavailable(UnavailableReason.INVALID_REFERENCE), deny())
AWAY_AUDITED = verdict_of(
    Unavailable(UnavailableReason.REGISTRY),
    Rule("warn", Action.AUDIT, Conditions(Thresholds(high=0))),
)


def judged(verdict: Verdict) -> Judged:
    return Judged(facts_of(build_pod("gate-1", "a/b", "default", {}), "default"), verdict)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([ALLOWED], 0, id="allowed"),
        pytest.param([AUDITED], 0, id="audited"),
        pytest.param([AWAY_AUDITED], 0, id="unavailable-audited"),
        pytest.param([DENIED], 1, id="denied"),
        pytest.param([MISSING], 1, id="missing"),
        pytest.param([AWAY], 3, id="unavailable"),
        pytest.param([ALLOWED, AWAY, AUDITED], 3, id="one-unavailable"),
        pytest.param([AWAY, DENIED], 1, id="known-denial-outweighs"),
        pytest.param([NO_REFERENCE], 1, id="no-reference-stays-none"),
    ],
)
def test_exit_codes_of_check(verdicts: list[Verdict], code: int) -> None:
    assert exit_code([judged(verdict) for verdict in verdicts]) == ExitCode(code)


def test_a_denial_names_rule_and_worst_findings() -> None:
    lines = list(verdict_lines(judged(DENIED)))
    assert lines[0].startswith(
        "deny   default/Pod/gate-1  registry.example/team/app:1.0: Image contains 1 high"
    )
    assert lines[1:] == [
        '       rule: "deny" (deny)',
        "       CVE-2024-0001 high, django 1.0 → 2.0",
    ]
    assert list(verdict_lines(judged(MISSING)))[-1] == "       refused: sha256:x: unsigned"


def test_verdicts_as_data_and_in_sum() -> None:
    (item,) = verdict_items(judged(DENIED))
    assert (item["action"], item["reason"], item["counts"]["high"]) == (
        "deny",
        "PolicyEvaluation",
        1,
    )
    assert (
        summary([DENIED, ALLOWED, AUDITED])
        == "workloads: 3, images: 3 (deny: 1, audit: 1, allow: 1)"
    )


def test_a_stale_report_is_told_as_the_gate_tells_it() -> None:
    old = verdict_of(
        report(age=timedelta(days=400), coverage=COMPLETE),
        deny(on_stale=Disposition.VIOLATE),
        workload=POD,
    )
    assert "too old" in next(verdict_lines(judged(old)))


def test_the_pod_is_the_one_that_kubectl_run_makes() -> None:
    pod = build_pod("web", "localhost:5000/a/b", "shop", {})
    assert pod["metadata"]["labels"] == {"run": "web"}
    assert pod["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    assert (
        build_pod("w", "a/b@sha256:00", "x", {})["spec"]["containers"][0]["imagePullPolicy"]
        == "IfNotPresent"
    )
    request = parse_review(json.dumps(review_of(pod, "alice", dry_run=True)).encode())
    assert (request.kind, request.operation, request.user, request.dry_run) == (
        "Pod",
        "CREATE",
        "alice",
        True,
    )
    assert request.object is not None
    assert (request.object.name, request.object.namespace) == ("web", "shop")
    assert [use.image for use in images_of(request.object)] == ["localhost:5000/a/b"]


@pytest.mark.parametrize(
    ("text", "labels"),
    [("", {}), ("a=b", {"a": "b"}), ("x.io/a=,b=1_2.3", {"x.io/a": "", "b": "1_2.3"})],
)
def test_labels_are_read(text: str, labels: dict[str, str]) -> None:
    assert parse_labels(text) == labels


@pytest.mark.parametrize(
    "text", ["a", "=b", "a=b c", "-a=b", "a=-", "a/b/c=d", "ä=b", "a=" + "x" * 64]
)
def test_labels_that_kubernetes_refuses_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="KEY=VALUE"):
        parse_labels(text)
