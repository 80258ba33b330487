"""What the chart renders, by the real helm: whole, for each value set, and piece by piece."""

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from support.helm import (
    CHART,
    VALUE_SETS,
    Manifest,
    helm,
    is_hook,
    of_kind,
    pods_of,
    render,
    try_render,
)
from tidegate.agent import settings as agent_settings
from tidegate.agent.webhook_source import KEY, parse_chosen
from tidegate.gate import settings as gate_settings
from tidegate.hub import settings as hub_settings
from tidegate.scan import settings as scan_settings
from tidegate.trust.configuration import parse_trust_configuration
from tidegate.wire import break_glass_v1alpha1
from tidegate.wire.crd import custom_resource_definition
from tidegate.wire.rbac import agent_manifests, certificate_manifests, gate_manifests
from tidegate.wire.webhook import service_client, webhook_configuration
from tidegate.wire.webhook_drift import differences

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "chart"
SETS = [path.name.removesuffix("-values.yaml") for path in VALUE_SETS]
RBAC = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@pytest.fixture(scope="session")
def rendered() -> dict[str, list[Manifest]]:
    return {name: render(name) for name in SETS}


def bare(body: Manifest) -> Manifest:
    """Return `body` without what marks it as helm's."""
    body = deepcopy(body)
    body["metadata"].pop("labels", None)
    body["metadata"].pop("annotations", None)
    return body


@pytest.mark.parametrize("name", SETS)
def test_what_is_rendered_is_what_was_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    objects = render(name)
    for crd in of_kind(objects, "CustomResourceDefinition"):
        crd["spec"] = "as config/crd/ has it"
    for shown in of_kind(objects, "ConfigMap", "tidegate-dashboard"):
        shown["data"] = dict.fromkeys(shown["data"], "as files/dashboard.json has it")
    text = yaml.safe_dump_all(objects, sort_keys=False, width=100)
    golden = GOLDEN / f"{name}.yaml"
    if request.config.getoption("--rewrite-golden"):
        golden.write_text(text, "utf-8")
    assert golden.read_text("utf-8") == text, "see the diff; `make golden` rewrites"


@pytest.mark.parametrize("name", SETS)
def test_helm_finds_nothing_to_say(name: str) -> None:
    values = CHART / "ci" / f"{name}-values.yaml"
    done = helm("lint", CHART, "--strict", "--namespace", "tidegate", "--values", values)
    assert done.returncode == 0, done.stdout + done.stderr


# What every pod is denied


@pytest.mark.parametrize("name", SETS)
def test_no_pod_may_be_root_or_keep_a_right(name: str, rendered: dict[str, list[Manifest]]) -> None:
    pods = pods_of(rendered[name])
    assert pods
    for where, pod in pods.items():
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True, where
        assert security["runAsUser"] > 0, where
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert pod["enableServiceLinks"] is False, where
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), where
        assert all("hostPath" not in volume for volume in pod.get("volumes", [])), where
        for mount in (m for c in pod["containers"] for m in c.get("volumeMounts", [])):
            assert mount.get("readOnly") or mount["name"] in ("data", "tmp"), (where, mount)
        for container in (*pod.get("initContainers", []), *pod["containers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, where
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), where
            assert "memory" in container["resources"]["limits"], where


@pytest.mark.parametrize("name", SETS)
def test_only_gate_and_agent_have_a_token_of_the_cluster(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    for where, pod in pods_of(rendered[name]).items():
        in_cluster = pod["serviceAccountName"] in ("tidegate-gate", "tidegate-agent")
        assert in_cluster or pod["automountServiceAccountToken"] is False, where
    for account in of_kind(rendered[name], "ServiceAccount"):
        in_cluster = account["metadata"]["name"] in ("tidegate-gate", "tidegate-agent")
        assert in_cluster or account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", SETS)
def test_t15_secrets_are_named_and_of_our_namespace(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    for role in of_kind(rendered[name], "ClusterRole"):
        assert not any("secrets" in rule["resources"] for rule in role["rules"])
    for role in of_kind(rendered[name], "Role"):
        for rule in role["rules"]:
            if "secrets" in rule["resources"]:
                assert rule["resourceNames"], role["metadata"]["name"]
                assert set(rule["verbs"]) <= {"get", "patch"}
                assert role["metadata"]["namespace"] == "tidegate"
    every = [o for kind in ("ClusterRole", "Role") for o in of_kind(rendered[name], kind)]
    assert not any("*" in str(rule) for role in every for rule in role["rules"])
    assert not any("aggregat" in str(role) for role in every)


@pytest.mark.parametrize("name", SETS)
def test_every_secret_and_config_map_is_ours_or_was_named(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    objects = rendered[name]
    ours = {o["metadata"]["name"] for o in objects if o["kind"] in ("Secret", "ConfigMap")}
    ours |= {o["spec"]["secretName"] for o in of_kind(objects, "Certificate")}
    values = (CHART / "ci" / f"{name}-values.yaml").read_text("utf-8")
    for where, pod in pods_of(objects).items():
        for volume in pod.get("volumes", []):
            source = volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get(
                "name"
            )
            named = source is None or source in ours or re.search(rf"\b{source}\b", values)
            assert named or source == "tidegate-gate-tls", f"{where}: {source}"


# What is taken from the code


@pytest.mark.parametrize("name", SETS)
def test_rights_are_those_that_the_code_asks_for(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    values = yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text("utf-8"))
    trust = values.get("trust", {})
    pull = sorted(
        {r["pullSecret"] for r in trust.get("registries", []) if "pullSecret" in r}
        | set(trust.get("pullSecrets", []))
    )
    wanted: list[Manifest] = []
    gate = values.get("gate", {}).get("enabled", True)
    agent = values.get("agent", {}).get("enabled", True)
    if gate:
        wanted += gate_manifests(pull)
    if agent:
        wanted += agent_manifests()
    if gate and agent and values.get("certificates", {}).get("provider", "agent") == "agent":
        wanted += certificate_manifests()
    found = [bare(o) for o in rendered[name] if o["kind"] in RBAC]
    own = {"tidegate-hub", "tidegate-worker"}  # accounts without any right

    def key(body: Manifest) -> str:
        return json.dumps(body, sort_keys=True)

    got = sorted((o for o in found if o["metadata"]["name"] not in own), key=key)
    assert got == sorted((o for o in wanted if o["kind"] in RBAC), key=key)
    (canarys,) = [o for o in wanted if o["kind"] not in RBAC] or [None]
    if canarys is not None:
        (made,) = of_kind(rendered[name], "Namespace")
        assert made["metadata"]["name"] == canarys["metadata"]["name"]
        assert canarys["metadata"]["labels"].items() <= made["metadata"]["labels"].items()


def test_the_kinds_are_those_that_the_code_reads(rendered: dict[str, list[Manifest]]) -> None:
    kinds = of_kind(rendered["gate"], "CustomResourceDefinition")
    wanted = [custom_resource_definition(), break_glass_v1alpha1.custom_resource_definition()]
    assert sorted(map(bare, kinds), key=str) == sorted(wanted, key=str)
    for crd in kinds:
        assert crd["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    for crd in of_kind(rendered["gitops"], "CustomResourceDefinition"):
        assert "annotations" not in crd["metadata"]


def webhook_of(objects: list[Manifest]) -> Manifest:
    (found,) = [o for o in of_kind(objects, "ValidatingWebhookConfiguration") if not is_hook(o)]
    return found


def test_the_webhook_is_the_codes_own_completed(rendered: dict[str, list[Manifest]]) -> None:
    wanted = webhook_configuration(service_client("tidegate-gate", ""), "Fail")
    del wanted["webhooks"][0]["clientConfig"]["caBundle"]  # the agent writes it
    assert bare(webhook_of(rendered["gate"])) == wanted
    (changed,) = webhook_of(rendered["gitops"])["webhooks"]
    assert changed["failurePolicy"] == "Ignore"
    assert changed["namespaceSelector"]["matchExpressions"][0]["values"] == [
        "kube-system",
        "tidegate",
        "calico-system",
    ]


def test_t13_the_webhook_leaves_before_anything_else(rendered: dict[str, list[Manifest]]) -> None:
    (hook,) = [o for o in rendered["gate"] if is_hook(o)]
    assert hook["webhooks"] == []
    assert hook["metadata"]["name"] == webhook_of(rendered["gate"])["metadata"]["name"]
    assert hook["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-delete",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("chart", ROOT / "hack/chart.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["chart"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


# Settings reach the parts


def environment_of(pod: Manifest) -> dict[str, str]:
    (container,) = pod["containers"]
    return {e["name"]: str(e.get("value", "postgresql://db/t")) for e in container["env"]}


def workloads() -> Iterator[Any]:
    for name in SETS:
        for part in ("gate", "agent", "hub", "worker"):
            yield pytest.param(name, part, id=f"{name}-{part}")


@pytest.mark.parametrize(("name", "part"), list(workloads()))
def test_each_part_starts_with_what_it_is_given(
    name: str,
    part: str,
    rendered: dict[str, list[Manifest]],
    tmp_path: Path,
) -> None:
    pods = {where.partition("/")[2]: pod for where, pod in pods_of(rendered[name]).items()}
    pod = pods.get(f"tidegate-{part}")
    values = yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text("utf-8"))
    enabled = values.get(part, {}).get("enabled", part in ("gate", "agent"))
    assert (pod is not None) == enabled
    if pod is None:
        return
    given = environment_of(pod)
    mounts = [m["mountPath"] for m in pod["containers"][0].get("volumeMounts", [])]
    for setting, value in given.items():
        if value.startswith("/"):
            assert any(value.startswith(mount) for mount in mounts), f"{setting}={value}"
    match part:
        case "gate":
            assert gate_settings.read_settings(given).port == 8443
        case "agent":
            assert agent_settings.read_settings(given).port == 8080
        case "hub":
            secret = tmp_path / "secret"
            secret.write_text("s")
            moved = given | {"TIDEGATE_HUB_DATA_DIR": str(tmp_path)}
            if "TIDEGATE_HUB_OIDC_CLIENT_SECRET_FILE" in moved:
                moved["TIDEGATE_HUB_OIDC_CLIENT_SECRET_FILE"] = str(secret)
            assert hub_settings.read_settings(moved).port == 8080
        case _:
            assert scan_settings.read_settings(given).deadline_s == 600


@pytest.mark.parametrize("name", SETS)
def test_trust_files_are_ones_that_can_be_read(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    for body in of_kind(rendered[name], "ConfigMap"):
        for file, text in body["data"].items():
            if file not in ("webhook.yaml", "tidegate.json"):
                parse_trust_configuration(text.encode())


@pytest.mark.parametrize("name", SETS)
def test_t13_the_agent_keeps_the_webhook_that_is_installed(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    kept = [o for o in of_kind(rendered[name], "ConfigMap") if "webhook.yaml" in o["data"]]
    agents = [o for o in of_kind(rendered[name], "Deployment") if "agent" in o["metadata"]["name"]]
    if not (agents and of_kind(rendered[name], "ValidatingWebhookConfiguration")):
        assert kept == []
        return
    (body,) = kept
    (agent,) = agents
    (container,) = agent["spec"]["template"]["spec"]["containers"]
    named = {e["name"]: e["value"] for e in container["env"]}["TIDEGATE_AGENT_WEBHOOK_CONFIG_MAP"]
    assert named == body["metadata"]["name"]
    chosen = parse_chosen(body["data"][KEY].encode(), "the chart")
    assert differences(webhook_of(rendered[name]), chosen) == []


# How parts reach each other


@pytest.mark.parametrize("name", SETS)
def test_every_part_has_a_network_policy_for_both_ways(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    objects = rendered[name]
    policies = {p["metadata"]["name"]: p["spec"] for p in of_kind(objects, "NetworkPolicy")}
    if name == "gitops":  # whose values switch them off
        assert policies == {}
        return
    parts = {where.partition("/")[2].rstrip("-0123456789") for where in pods_of(objects)}
    assert policies.keys() == parts
    for part, spec in policies.items():
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        assert all(rule.get("ports") for rule in spec["egress"]), part
        assert all(rule["ports"] for rule in spec["ingress"]), part


def test_t20_the_agent_hears_gates_alone(rendered: dict[str, list[Manifest]]) -> None:
    (policy,) = of_kind(rendered["everything"], "NetworkPolicy", "tidegate-agent")
    rule, metrics = policy["spec"]["ingress"]
    assert (rule["ports"], metrics["ports"]) == (
        [{"port": "http", "protocol": "TCP"}],
        [{"port": "metrics", "protocol": "TCP"}],
    )
    gate = {"app.kubernetes.io/name": "tidegate", "app.kubernetes.io/component": "gate"}
    assert rule["from"] == [{"podSelector": {"matchLabels": gate}}]


@pytest.mark.parametrize("name", SETS)
def test_services_select_pods_and_name_ports_that_those_have(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    objects = rendered[name]
    templates = [
        o["spec"]["template"] for o in objects if o["kind"] in ("Deployment", "StatefulSet")
    ]
    for service in of_kind(objects, "Service"):
        selected = [
            t
            for t in templates
            if service["spec"]["selector"].items() <= t["metadata"]["labels"].items()
        ]
        assert len(selected) == 1, service["metadata"]["name"]
        ports = {p["name"] for c in selected[0]["spec"]["containers"] for p in c.get("ports", [])}
        assert {p["targetPort"] for p in service["spec"].get("ports", [])} <= ports


def test_a_gate_may_go_and_the_others_are_elsewhere(rendered: dict[str, list[Manifest]]) -> None:
    (budget,) = of_kind(rendered["gate"], "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    (gates,) = of_kind(rendered["gate"], "Deployment", "tidegate-gate")
    assert gates["spec"]["replicas"] == 2
    assert gates["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = gates["spec"]["template"]["spec"]
    assert [c["topologyKey"] for c in pod["topologySpreadConstraints"]] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]
    grace = pod["terminationGracePeriodSeconds"]
    (container,) = pod["containers"]
    assert grace >= container["lifecycle"]["preStop"]["sleep"]["seconds"] + 5  # the gate's own end


def test_each_worker_has_its_index_renewed_on_its_own_volume(
    rendered: dict[str, list[Manifest]],
) -> None:
    (workers,) = of_kind(rendered["hub-postgresql"], "StatefulSet")
    jobs = of_kind(rendered["hub-postgresql"], "CronJob")
    assert len(jobs) == workers["spec"]["replicas"] == 2
    for number, job in enumerate(jobs):
        pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (claim,) = (v["persistentVolumeClaim"] for v in pod["volumes"] if "emptyDir" not in v)
        assert claim == {"claimName": f"data-tidegate-worker-{number}"}
        at_start = workers["spec"]["template"]["spec"]["initContainers"]
        by_schedule = [*pod["initContainers"], *pod["containers"]]
        for one, other in zip(at_start, by_schedule, strict=True):
            assert one["args"][2:] == other["args"]  # at the start the exit code is let go
            assert {**one, "args": []} == {**other, "args": []}
    (bare_set,) = of_kind(rendered["everything"], "StatefulSet")  # without sources
    assert "initContainers" not in bare_set["spec"]["template"]["spec"]
    assert of_kind(rendered["everything"], "CronJob") == []


def test_one_agent_writes_at_a_time(rendered: dict[str, list[Manifest]]) -> None:
    (agent,) = of_kind(rendered["gate"], "Deployment", "tidegate-agent")
    assert (agent["spec"]["replicas"], agent["spec"]["strategy"]) == (1, {"type": "Recreate"})


# What is refused


@pytest.mark.parametrize(
    ("values", "sets", "says"),
    [
        pytest.param("gate", ["webhook.failurePolicy="], "one of 'Fail', 'Ignore'", id="policy"),
        pytest.param("gate", ["webhook.failurePolicy=fail"], "one of 'Fail', 'Ignore'", id="case"),
        pytest.param("gate", ["gate.replicas=1"], "/gate/replicas", id="one gate"),
        pytest.param("gate", ["gate.replica=3"], "'replica' not allowed", id="misspelt"),
        pytest.param("gate", ["image.registry="], "/image/registry", id="no registry"),
        pytest.param("gate", ["image.gate.digest=sha256:1"], "digest", id="digest"),
        pytest.param("gate", ["agent.enabled=false"], "nobody would make", id="no certificate"),
        pytest.param(
            "gate", ["certificates.provider=secret"], "caBundle", id="certificate of nobody"
        ),
        pytest.param("gate", ["agent.hub.url=https://h"], "cluster.name is empty", id="no name"),
        pytest.param("hub-sqlite", ["hub.replicas=2"], "several hubs need PostgreSQL", id="sqlite"),
        pytest.param("hub-postgresql", ["hub.publicUrl="], "hub.publicUrl is empty", id="oidc"),
        pytest.param("hub-postgresql", ["hub.ingress.tlsSecret="], "tlsSecret", id="no tls"),
        pytest.param("hub-postgresql", ["worker.tokenSecret="], "tokenSecret", id="no token"),
        pytest.param("hub-postgresql", ["worker.key.secret="], "one of secret and uri", id="key"),
        pytest.param(
            "hub-postgresql", ["worker.key.uri=awskms:alias/x"], "one of secret and uri", id="keys"
        ),
        pytest.param(
            "hub-postgresql", ["worker.credentialsKeySecret="], "sealed for itself", id="sealed"
        ),
        pytest.param("hub-postgresql", ["hub.enabled=false"], "no hub", id="worker without hub"),
        pytest.param("gate", ["agent.auditLog.file=audit.log"], "where it is", id="log of nowhere"),
        pytest.param("gate", ["agent.auditLog.hostPath=/var/log"], "a file", id="log of no name"),
        pytest.param("gate", ["agent.auditLog.file=../shadow"], "/agent/auditLog/file", id="up"),
        pytest.param(
            "gate",
            ["agent.auditLog.file=a", "agent.auditLog.hostPath=/var/../etc"],
            "/agent/auditLog/hostPath",
            id="up by the folder",
        ),
        pytest.param(
            "everything", ["agent.auditLog.hostPath=/var/log"], "both set", id="log of two places"
        ),
    ],
)
def test_what_cannot_work_is_refused_by_name(values: str, sets: list[str], says: str) -> None:
    done = try_render(values, *sets)
    assert done.returncode != 0
    assert says in done.stderr


def test_another_namespace_is_refused() -> None:
    done = try_render("gate", namespace="elsewhere")
    assert "want tidegate" in done.stderr


# What is said about values and alerts


def test_the_schema_knows_every_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))

    def compared(schema: dict[str, Any], values: dict[str, Any], path: str) -> None:
        if "properties" not in schema:
            return
        assert schema["additionalProperties"] is False, path
        assert schema["properties"].keys() - {"global"} == values.keys(), path
        for name, inner in values.items():
            if isinstance(inner, dict):
                compared(schema["properties"][name], inner, f"{path}.{name}")

    compared(schema, yaml.safe_load((CHART / "values.yaml").read_text("utf-8")), "")


def leaves(values: dict[str, Any], said: set[str], path: str = "") -> Iterator[str]:
    for name, value in values.items():
        here = f"{path}{name}"
        if isinstance(value, dict) and here not in said:
            yield from leaves(value, said, f"{here}.")
        else:
            yield here


def test_every_value_is_explained_where_it_stands() -> None:
    text = (CHART / "values.yaml").read_text("utf-8")
    said = [value.path for value in generator().documented_values(text)]
    assert sorted(said) == sorted(leaves(yaml.safe_load(text), set(said)))


def alerts() -> list[Manifest]:
    groups = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_has_a_runbook(rule: Manifest) -> None:
    page = ROOT / "docs" / "runbooks" / f"{rule['annotations']['runbook']}.md"
    text = page.read_text("utf-8")
    assert rule["alert"] in text
    for heading in ("## What it means", "## What to look at", "## What to do"):
        assert heading in text, page


def test_every_runbook_is_an_alerts() -> None:
    pages = {page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md")} - {"README"}
    assert pages == {rule["annotations"]["runbook"] for rule in alerts()}
    index = (ROOT / "docs/runbooks/README.md").read_text("utf-8")
    assert all(f"({page}.md)" in index for page in pages)


def test_alerts_link_to_where_runbooks_are_served(rendered: dict[str, list[Manifest]]) -> None:
    rules = [
        rule
        for body in of_kind(rendered["cert-manager"], "PrometheusRule")
        for group in body["spec"]["groups"]
        for rule in group["rules"]
    ]
    bases = [rule["annotations"].pop("runbook_url") for rule in rules]
    of_parts_there = ("tidegate_gate_", "tidegate_agent_")
    assert rules == [rule for rule in alerts() if any(p in rule["expr"] for p in of_parts_there)]
    assert bases == [
        f"https://runbooks.example/tidegate/{rule['annotations']['runbook']}.md" for rule in rules
    ]


# What Prometheus reads


def parts_of(objects: list[Manifest]) -> set[str]:
    return {
        where.rpartition("-")[2]
        for where in pods_of(objects)
        if where.startswith(("Deployment/", "StatefulSet/"))
    }


@pytest.mark.parametrize("name", SETS)
def test_every_part_has_its_metrics_behind_a_service_and_an_open_port(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    objects = rendered[name]
    for part in parts_of(objects):
        (service,) = of_kind(objects, "Service", f"tidegate-{part}-metrics")
        assert service["spec"]["selector"]["app.kubernetes.io/component"] == part
        for policy in of_kind(objects, "NetworkPolicy", f"tidegate-{part}"):
            assert [{"port": "metrics", "protocol": "TCP"}] in [
                rule["ports"] for rule in policy["spec"]["ingress"]
            ]


@pytest.mark.parametrize("name", SETS)
def test_prometheus_reads_every_part_by_its_service(
    name: str, rendered: dict[str, list[Manifest]]
) -> None:
    objects = rendered[name]
    monitors = of_kind(objects, "ServiceMonitor")
    rules = of_kind(objects, "PrometheusRule")
    wanted = parts_of(objects) if name in ("everything", "cert-manager") else set()
    assert {m["metadata"]["name"] for m in monitors} == {f"tidegate-{part}" for part in wanted}
    assert {m["metadata"]["name"] for m in rules} == {f"tidegate-{part}" for part in wanted}
    for monitor in monitors:
        labels = monitor["spec"]["selector"]["matchLabels"]
        selected = [
            s
            for s in of_kind(objects, "Service")
            if labels.items() <= s["metadata"]["labels"].items()
        ]
        (service,) = selected
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]


def test_the_dashboard_is_where_grafanas_sidecar_looks(
    rendered: dict[str, list[Manifest]],
) -> None:
    (shown,) = of_kind(rendered["everything"], "ConfigMap", "tidegate-dashboard")
    assert shown["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert shown["metadata"]["annotations"] == {"grafana_folder": "Platform"}
    assert json.loads(shown["data"]["tidegate.json"])["uid"] == "tidegate"
    assert of_kind(rendered["gate"], "ConfigMap", "tidegate-dashboard") == []


def test_the_audit_log_is_read_only_and_by_its_folder(
    rendered: dict[str, list[Manifest]],
) -> None:
    """A file that is mounted by itself stays the one that was rotated away."""
    by_claim = pods_of(rendered["everything"])["Deployment/tidegate-agent"]
    by_path = pods_of(
        render("gate", "agent.auditLog.file=audit.log", "agent.auditLog.hostPath=/var/log/kube")
    )["Deployment/tidegate-agent"]
    wanted = (
        (by_claim, {"persistentVolumeClaim": {"claimName": "audit-log", "readOnly": True}}),
        (by_path, {"hostPath": {"path": "/var/log/kube", "type": "Directory"}}),
    )
    for pod, source in wanted:
        assert {"name": "audit-log", **source} in pod["volumes"]
        (container,) = pod["containers"]
        (mount,) = [m for m in container["volumeMounts"] if m["name"] == "audit-log"]
        assert mount["readOnly"] is True
        log = environment_of(pod)["TIDEGATE_AGENT_AUDIT_LOG"]
        assert log == f"{mount['mountPath']}/audit.log"
    without = pods_of(rendered["gate"])["Deployment/tidegate-agent"]
    assert "TIDEGATE_AGENT_AUDIT_LOG" not in environment_of(without)
