"""The agent's process on a real API server: it writes, repairs, tells and remembers."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.agent_process import Hub, Kubectl, agent, until
from tidegate.agent.enrolment import SecretPlace
from tidegate.domain.errors import ClusterUnavailableError
from tidegate.domain.rule import default_rule
from tidegate.gate.policy import PolicyStore
from tidegate.gate.policy_watch import KubernetesSource
from tidegate.kube.client import connect
from tidegate.local.install import write_account_kubeconfig
from tidegate.local.kubernetes import LocalCluster
from tidegate.wire.policy_v1alpha1 import HUB_OBJECT_NAME
from tidegate.wire.rbac import AGENT_TOKEN_SECRET

pytestmark = pytest.mark.e2e

EVENT = {
    "id": "e1",
    "time": "2026-11-23T09:00:00.000000Z",
    "action": "deny",
    "kind": "Pod",
    "name": "p",
    "images": [],
}


RULES = "/spec/vulnerabilityAssessmentGatedDeployment"
FOREIGN = {"name": "foreign", "action": "audit", "configuration": {"blockUnscannedImages": True}}
PATCH = ("patch", "sap", HUB_OBJECT_NAME, "--type=json")


def json_patch(operation: str, what: dict[str, Any], index: int) -> str:
    return "-p=" + json.dumps([{"op": operation, "path": f"{RULES}/{index}", **what}])


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def tidy(kubectl: Kubectl) -> Iterator[None]:
    yield
    kubectl("delete", "sap", "--all")
    kubectl("delete", "configmap", "-n", "tidegate", "-l", "tidegate.io/last-good=true")


def manifest(name: str, *rules: str, end_date: str = "2026-12-03") -> str:
    exemption = {"type": "timeBased", "value": "CVE-2022-1", "timeBound": {"endDate": end_date}}
    configuration = {"blockUnscannedImages": True, "exemptions": [exemption]}
    entries = [{"name": rule, "action": "deny", "configuration": configuration} for rule in rules]
    return json.dumps(
        {
            "apiVersion": "tidegate.io/v1alpha1",
            "kind": "SecurityArtifactPolicy",
            "metadata": {"name": name},
            "spec": {"vulnerabilityAssessmentGatedDeployment": entries},
        }
    )


async def apply(kubectl: Kubectl, body: str) -> None:
    answer = await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=body)
    assert answer.returncode == 0, answer.stderr


async def test_rules_of_the_hub_are_written_changed_and_told(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub
) -> None:
    default = default_rule().name
    async with agent(cluster, kubectl, hub) as running:
        await until(lambda: hub.heartbeats and hub.heartbeats[-1].policy_generation == "g1")
        assert await running.rules() == ["one", default]
        hub.publish("g2", "two", "one")
        await until(lambda: hub.heartbeats[-1].policy_generation == "g2")
        assert await running.rules() == ["two", "one", default]
        table = await asyncio.to_thread(kubectl, "get", "sap")
        header, row = table.stdout.splitlines()
        assert header.split() == ["NAME", "RULES", "MODE", "ACTIVE", "REASON", "AGE"]
        assert row.split()[:-1] == [HUB_OBJECT_NAME, "3", "FirstMatch", "True", "Loaded"]


async def messages(kubectl: Kubectl) -> list[str]:
    answer = await asyncio.to_thread(
        kubectl, "get", "events", "-n", "default", "-o", "json",
        "--field-selector=reason=RulesChanged",
    )  # fmt: skip
    return [item["message"] for item in json.loads(answer.stdout)["items"]]


async def test_t21_a_rule_change_of_the_hub_is_an_event_in_the_cluster(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub
) -> None:
    async with agent(cluster, kubectl, hub):
        await until(lambda: hub.heartbeats and hub.heartbeats[-1].policy_generation == "g1")
        hub.publish("g2", "relaxed")
        await until(lambda: hub.heartbeats[-1].policy_generation == "g2")
        said = "added 'relaxed'; removed 'one'"

        async def told() -> bool:
            return any(message.endswith(said) for message in await messages(kubectl))

        await until(told)


async def test_t26_an_agents_account_keeps_its_token_in_its_secret_and_sees_no_other(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub, tmp_path: Path
) -> None:
    for name in (AGENT_TOKEN_SECRET, "other"):
        await asyncio.to_thread(kubectl, "-n", "tidegate", "create", "secret", "generic", name)
    async with agent(cluster, kubectl, hub):  # makes the account
        pass
    kubeconfig = tmp_path / "kubeconfig"
    await write_account_kubeconfig(cluster, "tidegate-agent", kubeconfig)
    client = connect(kubeconfig, "test")
    own = SecretPlace(client, AGENT_TOKEN_SECRET, "tidegate")
    assert await own.load() == ""
    await own.try_out()
    assert await own.load() == ""
    await own.keep("cluster-token")
    assert await own.load() == "cluster-token"
    other = SecretPlace(client, "other", "tidegate")
    for call in (other.load(), other.try_out(), SecretPlace(client, "none", "tidegate").load()):
        # Forbidden: an API server that has just started says so to everybody, so it is waited for.
        with pytest.raises(ClusterUnavailableError, match="create secret generic"):
            await call
    await client.close()
    for name in (AGENT_TOKEN_SECRET, "other"):
        await asyncio.to_thread(kubectl, "-n", "tidegate", "delete", "secret", name)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("delete", "sap", HUB_OBJECT_NAME), id="deleted"),
        pytest.param(
            ("patch", "sap", HUB_OBJECT_NAME, "--type=merge", '-p={"spec":{"gating":"Off"}}'),
            id="gating-off",
        ),
        pytest.param(
            (*PATCH, json_patch("move", {"from": f"{RULES}/0"}, 1)),
            id="order",
        ),
        pytest.param((*PATCH, json_patch("add", {"value": FOREIGN}, 0)), id="foreign-rule"),
        pytest.param(
            ("label", "sap", HUB_OBJECT_NAME, "app.kubernetes.io/managed-by-"), id="label"
        ),
    ],
)
async def test_drift_is_repaired(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub, change: tuple[str, ...]
) -> None:
    async with agent(cluster, kubectl, hub) as running:
        await until(lambda: hub.heartbeats and hub.heartbeats[-1].policy_generation == "g1")
        before = await running.get()
        answer = await asyncio.to_thread(kubectl, *change)
        assert answer.returncode == 0, answer.stderr

        async def repaired() -> bool:
            found = await running.get()
            return (
                bool(found)
                and found["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
                and found["spec"] == before["spec"]
                and found["metadata"].get("labels") == before["metadata"]["labels"]
            )

        await until(repaired)


async def test_surplus_objects_go_and_other_peoples_stay(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub
) -> None:
    hub.publish("g1", *(f"{index:04}" for index in range(600)))
    await apply(kubectl, manifest("theirs", "their rule"))
    async with agent(cluster, kubectl, hub) as running:
        await until(lambda: hub.heartbeats and hub.heartbeats[-1].policy_generation == "g1")
        assert len(await running.rules(f"{HUB_OBJECT_NAME}-2")) == 101
        hub.publish("g2", "one")
        await until(lambda: hub.heartbeats[-1].policy_generation == "g2")

        async def gone() -> bool:
            return not await running.get(f"{HUB_OBJECT_NAME}-2")

        await until(gone)
        assert await running.rules("theirs") == ["their rule"]


async def test_events_go_through_to_the_hub(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub
) -> None:
    async with (
        agent(cluster, kubectl, hub) as running,
        httpx2.AsyncClient(trust_env=False) as client,
    ):
        headers = {"authorization": "Bearer token"}
        url = f"{running.url}/v1/events"
        answer = await client.post(url, json={"events": [EVENT]}, headers=headers)
        assert (answer.status_code, hub.events) == (200, ["e1"])
        refused = await client.post(url, json={"events": [EVENT]})
        assert (refused.status_code, hub.events) == (401, ["e1"])


async def test_a_bad_object_says_so_keeps_its_copy_and_a_new_gate_uses_that(
    cluster: LocalCluster, kubectl: Kubectl
) -> None:
    async with agent(cluster, kubectl, None) as running:
        await apply(kubectl, manifest("own", "one"))

        async def reason(wanted: str) -> bool:
            return (await running.condition("own")).get("reason") == wanted

        await until(lambda: reason("Loaded"))
        await apply(kubectl, manifest("own", "two", end_date="2026-02-31"))
        await until(lambda: reason("Invalid"))
        condition = await running.condition("own")
        assert condition["status"] == "False"
        assert "endDate '2026-02-31'" in condition["message"]
        assert "its last good version (1 rules) stays in force" in condition["message"]
        wait = ("wait", "--for=condition=Active", "--timeout=1s", "sap/own")
        waited = await asyncio.to_thread(kubectl, *wait)
        assert "timed out" in waited.stderr
        shown = await asyncio.to_thread(
            kubectl, "get", "events", "--field-selector=reason=Invalid", "-o", "json"
        )
        assert "2026-02-31" in json.loads(shown.stdout)["items"][0]["message"]
    client = connect(cluster.data_dir / "agent.kubeconfig", "tidegate-gate")
    store = PolicyStore()
    gate = asyncio.create_task(KubernetesSource(store, client, "tidegate").run())
    try:
        await until(lambda: store.ready == (True, ()))
        assert [rule.name for rule in store.snapshot().rules[:-1]] == ["one"]
    finally:
        gate.cancel()
        await asyncio.gather(gate, return_exceptions=True)
        await client.close()
    async with agent(cluster, kubectl, None) as running:  # and so does a new agent
        await until(lambda: reason("Invalid"))
        assert (await running.get("own"))["status"]["ruleCount"] == 1
        await apply(kubectl, manifest("own", "three"))
        wait = ("wait", "--for=condition=Active", "--timeout=10s", "sap/own")
        assert (await asyncio.to_thread(kubectl, *wait)).returncode == 0
        assert await running.rules("own") == ["three"]


async def test_a_duplicate_rule_name_is_told_at_the_newer_object(
    cluster: LocalCluster, kubectl: Kubectl
) -> None:
    async with agent(cluster, kubectl, None) as running:
        await apply(kubectl, manifest("z-older", "same"))
        await asyncio.sleep(1.1)  # creationTimestamp counts whole seconds
        await apply(kubectl, manifest("a-newer", "same"))

        async def told() -> bool:
            return (await running.condition("a-newer")).get("reason") == "DuplicateName"

        await until(told)
        assert (await running.condition("z-older"))["reason"] == "Loaded"


async def test_a_restart_of_the_api_server_is_survived(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub
) -> None:
    async with agent(cluster, kubectl, hub) as running:
        await until(lambda: hub.heartbeats and hub.heartbeats[-1].policy_generation == "g1")
        await cluster.stop_component("kube-apiserver")
        hub.publish("g2", "two")
        await until(lambda: any("cluster: " in p for p in hub.heartbeats[-1].problems))
        await cluster.start_component("kube-apiserver")
        await until(lambda: hub.heartbeats[-1].policy_generation == "g2")
        assert (await running.rules())[0] == "two"


async def test_the_agent_may_not_change_other_peoples_rules(
    cluster: LocalCluster, kubectl: Kubectl
) -> None:
    account = "--as=system:serviceaccount:tidegate:tidegate-agent"
    asked = {
        ("patch", f"sap/{HUB_OBJECT_NAME}"): "yes",
        ("patch", f"sap/{HUB_OBJECT_NAME}-20"): "yes",
        ("patch", "sap/theirs"): "no",
        ("delete", "sap/theirs"): "no",
        ("get", "secrets"): "no",
        ("create", "pods"): "no",
    }
    said = {
        question: kubectl("auth", "can-i", *question, account).stdout.strip() for question in asked
    }
    assert said == asked
    assert cluster.pids.keys() == {"etcd", "kube-apiserver", "kube-controller-manager"}
