"""Nothing fails in silence: the agent's process watches a real webhook and tries a real gate."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from support.agent_process import Agent, Hub, Kubectl, agent, until
from support.gate_server import write_pair
from tidegate.agent.alarms import Alarms
from tidegate.agent.audit_log import AuditLog
from tidegate.agent.detection import Detection, Gated
from tidegate.agent.detection_memory import ConfigMapMemory
from tidegate.agent.kube_events import Note
from tidegate.agent.reasons import Reason
from tidegate.agent.relay import Relay
from tidegate.agent.running import list_pods
from tidegate.agent.server import _Server
from tidegate.agent.verdict_log import VerdictLog
from tidegate.gate.run import run_gate
from tidegate.gate.settings import Settings
from tidegate.kube.client import connect
from tidegate.local.install import (
    install,
    register_webhook,
    unregister_webhook,
    write_account_kubeconfig,
)
from tidegate.local.install import kubectl as run_kubectl
from tidegate.local.kubernetes import KubePrograms, LocalCluster
from tidegate.process import listen
from tidegate.wire.canary import BAD_IMAGE, GOOD_IMAGE, canary_pod
from tidegate.wire.hub_v1 import EventBatchV1
from tidegate.wire.protection_v1 import ProtectionV1

pytestmark = pytest.mark.e2e

KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""
WEBHOOK = ("validatingwebhookconfiguration", "tidegate")
DENY_UNSCANNED = {
    "apiVersion": "tidegate.io/v1alpha1",
    "kind": "SecurityArtifactPolicy",
    "metadata": {"name": "canary-e2e"},
    "spec": {
        "vulnerabilityAssessmentGatedDeployment": [
            {
                "name": "No unscanned",
                "action": "deny",
                "configuration": {"blockUnscannedImages": True},
            }
        ]
    },
}


class Gate:
    """A gate in this process that can be taken down and come back at its address."""

    def __init__(self, cluster: LocalCluster, folder: Path, settings: Settings) -> None:
        self._cluster = cluster
        self.settings = settings
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.authority = folder / "tls.crt"
        self.url = ""
        self.chosen = folder / "webhook.yaml"

    async def start(self) -> None:
        self._stop = asyncio.Event()
        url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(run_gate(self.settings, self._stop, url.set_result))
        self.url = await url

    async def stop(self) -> None:
        self._stop.set()
        if self._task:
            await self._task

    async def register(self, failure_policy: Any = "Fail") -> None:  # noqa: ANN401, a literal
        await register_webhook(self._cluster, f"{self.url}/admit", self.authority, failure_policy)


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    yield server
    server.close()


@pytest.fixture
async def gate(cluster: LocalCluster, kubectl: Kubectl, tmp_path: Path) -> AsyncIterator[Gate]:
    pair = write_pair(tmp_path)
    trust = tmp_path / "trust.yaml"
    trust.write_text(json.dumps({"keys": [{"name": "k", "publicKey": KEY}], "registries": []}))
    kubeconfig = tmp_path / "gate.kubeconfig"
    await write_account_kubeconfig(cluster, "tidegate-gate", kubeconfig)
    settings = Settings(pair.certificate, pair.key, tmp_path / "data", trust, kubeconfig=kubeconfig)
    gate = Gate(cluster, tmp_path, settings)
    gate.authority = pair.certificate
    await gate.start()
    await gate.register()
    body = json.loads((await asyncio.to_thread(kubectl, "get", *WEBHOOK, "-o=json")).stdout)
    kept = {"apiVersion": body["apiVersion"], "kind": body["kind"], "webhooks": body["webhooks"]}
    gate.chosen.write_text(yaml.safe_dump({**kept, "metadata": {"name": "tidegate"}}))
    try:
        yield gate
    finally:
        await unregister_webhook(cluster)
        await gate.stop()
        await asyncio.to_thread(kubectl, "delete", "sap", "--all")


def seen(hub: Hub) -> ProtectionV1:
    """Return what the agent last told its hub."""
    told = hub.heartbeats[-1].protection if hub.heartbeats else None
    return told or ProtectionV1()


def alarms(hub: Hub) -> dict[str, str]:
    return {alarm.kind: alarm.message for alarm in seen(hub).alarms}


async def metric(running: Agent, name: str) -> float:
    async with httpx2.AsyncClient() as client:
        text = (await client.get(f"{running.url}/metrics")).text
    (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return float(line.split()[-1])


async def events(kubectl: Kubectl, reason: str) -> list[dict[str, Any]]:
    answer = await asyncio.to_thread(
        kubectl, "get", "events", "-A", "-o=json", f"--field-selector=reason={reason}"
    )
    return list(json.loads(answer.stdout)["items"])


async def webhook(kubectl: Kubectl) -> dict[str, Any]:
    answer = await asyncio.to_thread(kubectl, "get", *WEBHOOK, "-o=json", "--ignore-not-found")
    if not answer.stdout:
        return {}
    (hook,) = json.loads(answer.stdout)["webhooks"]
    return dict(hook)


def watching(gate: Gate) -> dict[str, object]:
    return {"WEBHOOK_FILE": gate.chosen, "WEBHOOK_CA_FILE": gate.authority}


SOFTER = {
    "failurePolicy": "Ignore",
    "objectSelector": {"matchLabels": {"gate": "me"}},
    "matchConditions": [{"name": "never", "expression": "false"}],
}
"""Of the fields that decide who is gated: tests/unit/wire/test_webhook_drift.py has them all."""


async def test_t13_what_is_changed_of_the_webhook_is_put_back_and_told(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub, gate: Gate
) -> None:
    as_chosen = await webhook(kubectl)
    async with agent(cluster, kubectl, hub, CANARY_S=0, **watching(gate)) as running:
        await until(lambda: seen(hub).webhook == "as wanted")
        for field, value in SOFTER.items():
            patch = json.dumps([{"op": "add", "path": f"/webhooks/0/{field}", "value": value}])
            before = await metric(running, "tidegate_agent_webhook_repairs_total")
            said = await asyncio.to_thread(kubectl, "patch", *WEBHOOK, "--type=json", f"-p={patch}")
            assert said.returncode == 0, said.stderr

            async def repaired(since: float = before) -> bool:
                return await metric(running, "tidegate_agent_webhook_repairs_total") > since

            await until(repaired, 40)
            assert await webhook(kubectl) == as_chosen, field
        told = [event["message"] for event in await events(kubectl, "WebhookRepaired")]
        assert (
            "Changed by 'kubectl-patch' and put back as it was chosen: gate.tidegate.io" not in told
        )
        assert any("'kubectl-patch'" in one and one.endswith("failurePolicy") for one in told), told
        await until(lambda: any("put back" in p for p in hub.heartbeats[-1].problems))


async def test_t13_a_deleted_webhook_is_an_alarm_and_is_not_made_again(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub, gate: Gate
) -> None:
    async with agent(cluster, kubectl, hub, CANARY_S=0, **watching(gate)) as running:
        await until(lambda: seen(hub).webhook == "as wanted")
        await unregister_webhook(cluster)
        await until(lambda: "WebhookMissing" in alarms(hub))
        assert seen(hub).webhook == "missing"
        assert "nothing is gated" in hub.heartbeats[-1].problems[0]
        assert await metric(running, "tidegate_agent_webhook_present") == 0
        assert any("was deleted" in e["message"] for e in await events(kubectl, "WebhookMissing"))
        assert await webhook(kubectl) == {}
        await gate.register()
        await until(lambda: seen(hub).webhook == "as wanted" and not alarms(hub))


async def test_t15_the_agents_account_may_put_its_webhook_back_and_no_more(
    cluster: LocalCluster, kubectl: Kubectl, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "agent.kubeconfig"
    await write_account_kubeconfig(cluster, "tidegate-agent", kubeconfig)
    who = f"--kubeconfig={kubeconfig}"
    kind = "validatingwebhookconfigurations.admissionregistration.k8s.io"
    for verb, name, allowed in (
        ("patch", "/tidegate", True),
        ("delete", "/tidegate", False),
        ("create", "", False),
        ("patch", "/other", False),
        ("list", "", False),
    ):
        said = await asyncio.to_thread(kubectl, who, "auth", "can-i", verb, f"{kind}{name}")
        assert (said.stdout.strip() == "yes") is allowed, (verb, name)
    for place, allowed in (("tidegate-canary", True), ("default", False), ("kube-system", False)):
        said = await asyncio.to_thread(kubectl, who, "auth", "can-i", "create", "pods", "-n", place)
        assert (said.stdout.strip() == "yes") is allowed, place


async def test_break_glass_in_force_and_re_admission_are_told_to_the_hub(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub, tmp_path: Path
) -> None:
    glass = {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "BreakGlass",
        "metadata": {"name": "incident-told"},
        "spec": {
            "namespace": "shop",
            "digest": "sha256:" + "ab" * 32,
            "reason": "checkout is down, the fix comes tonight",
            "duration": "90m",
        },
    }
    policy = {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": "re-admission"},
        "spec": {"reAdmission": "Audit", "vulnerabilityAssessmentGatedDeployment": []},
    }

    async def apply(body: dict[str, Any]) -> None:
        said = await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=json.dumps(body))
        assert said.returncode == 0, said.stderr

    try:
        async with agent(cluster, kubectl, hub, CANARY_S=0):
            await until(lambda: seen(hub).break_glass == [] and seen(hub).re_admission == "Enforce")
            await apply(glass)
            await until(lambda: seen(hub).break_glass_count == 1)
            (told,) = seen(hub).break_glass or []
            assert (told.name, told.namespace) == ("incident-told", "shop")
            assert told.reason == "checkout is down, the fix comes tonight"
            since, until_ = datetime.fromisoformat(told.since), datetime.fromisoformat(told.until)
            assert until_ - since == timedelta(minutes=90)
            await apply(policy)
            await until(lambda: seen(hub).re_admission == "Audit without an index")
            await asyncio.to_thread(kubectl, "delete", "breakglass", "incident-told")
            await until(lambda: seen(hub).break_glass == [])
        async with agent(cluster, kubectl, hub, CANARY_S=0, DATA_DIR=tmp_path / "agent"):
            await until(lambda: seen(hub).re_admission == "Audit")
    finally:
        await asyncio.to_thread(
            kubectl, "delete", "breakglass", "incident-told", "--ignore-not-found"
        )
        await asyncio.to_thread(kubectl, "delete", "sap", "--all")


async def test_t12_the_canary_passes_and_sees_a_gate_that_fails_open(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub, gate: Gate
) -> None:
    async with agent(cluster, kubectl, hub, CANARY_S=1) as running:
        await until(lambda: seen(hub).canary == "passing", 60)
        assert seen(hub).canary_passed_at
        assert await metric(running, "tidegate_agent_canary_passing") == 1
        await gate.register("Ignore")
        await gate.stop()
        await until(lambda: "CanaryAdmitted" in alarms(hub), 30)
        assert seen(hub).canary == "failing"
        assert await metric(running, "tidegate_agent_canary_passing") == 0
        assert await events(kubectl, "CanaryAdmitted")
        await gate.register("Fail")
        await until(lambda: set(alarms(hub)) == {"CanaryNotReached"}, 30)
        await gate.start()
        await gate.register("Fail")
        await until(lambda: seen(hub).canary == "passing" and not alarms(hub), 30)
        assert await events(kubectl, "ProtectionRestored")


@pytest.mark.usefixtures("gate")
async def test_t12_a_refusal_by_somebody_else_is_told_apart(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub
) -> None:
    quota = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "none", "namespace": "tidegate-canary"},
            "spec": {"hard": {"pods": "0"}},
        }
    )
    await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=quota)
    try:
        async with agent(cluster, kubectl, hub, CANARY_S=1):
            await until(lambda: "CanaryBlocked" in alarms(hub), 60)
            assert "exceeded quota" in alarms(hub)["CanaryBlocked"]
            assert seen(hub).canary == "blocked"
            await asyncio.to_thread(
                kubectl, "delete", "quota", "none", "--namespace=tidegate-canary"
            )
            await until(lambda: seen(hub).canary == "passing" and not alarms(hub), 60)
    finally:
        await asyncio.to_thread(
            kubectl, "delete", "quota", "none", "-n=tidegate-canary", "--ignore-not-found"
        )


@pytest.mark.usefixtures("gate")
@pytest.mark.parametrize("image", [BAD_IMAGE, GOOD_IMAGE], ids=["bad", "good"])
async def test_t12_the_canarys_images_are_like_all_others_for_everybody_else(
    cluster: LocalCluster, kubectl: Kubectl, tmp_path: Path, image: str
) -> None:
    applied = await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=json.dumps(DENY_UNSCANNED))
    assert applied.returncode == 0, applied.stderr
    pod = json.dumps(canary_pod("canary-x", image))
    judged = f"{image}:latest: Image has no findings"

    async def said_to(*words: str) -> str:
        said = await asyncio.to_thread(kubectl, *words, "create", "-f", "-", stdin=pod)
        return said.stderr if said.returncode else "admitted"

    async def denied() -> bool:
        return judged in await said_to("--dry-run=server")  # an administrator's dry run

    await until(denied)
    kubeconfig = tmp_path / "agent.kubeconfig"
    await write_account_kubeconfig(cluster, "tidegate-agent", kubeconfig)
    agents = f"--kubeconfig={kubeconfig}"
    assert judged in await said_to(agents), "of the agent, but for real"
    as_agent = "--as=system:serviceaccount:other:tidegate-agent"
    assert judged in await said_to(as_agent, "--as-group=system:masters", "--dry-run=server")
    fixed = await said_to(agents, "--dry-run=server")
    assert "refused, as it should be" in fixed if image == BAD_IMAGE else fixed == "admitted"


async def test_a_denial_is_an_event_on_the_deployment_that_its_pods_are_of(
    cluster: LocalCluster, kubectl: Kubectl, gate: Gate
) -> None:
    await asyncio.to_thread(kubectl, "create", "namespace", "told")
    async with agent(cluster, kubectl, None, CANARY_S=0) as running:  # GitOps: there is no hub
        await gate.stop()
        token = cluster.data_dir / "token"
        gate.settings = replace(gate.settings, agent_url=running.url, agent_token_file=token)
        await gate.start()
        await gate.register()
        made = await asyncio.to_thread(
            kubectl, "-n=told", "create", "deployment", "web", "--image=r.example/app:1",
            "--replicas=0",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=json.dumps(DENY_UNSCANNED))

        async def denied() -> bool:
            said = await asyncio.to_thread(
                kubectl, "-n=told", "run", "x", "--image=r.example/app:1", "--dry-run=server"
            )
            return said.returncode != 0

        await until(denied)
        await asyncio.to_thread(kubectl, "-n=told", "scale", "deployment", "web", "--replicas=3")

        async def told() -> str:
            said = await asyncio.to_thread(kubectl, "-n=told", "describe", "deployment", "web")
            return said.stdout

        async def shown() -> bool:
            return "tidegate-agent" in await told()

        await until(shown)
        (line,) = [line for line in (await told()).splitlines() if "tidegate-agent" in line]
        assert line.split()[:2] == ["Warning", "Denied"]
        assert "Pod was refused: r.example/app:1: Image has no findings" in line
        assert 'rule "No unscanned"' in line
        on_it = [e for e in await events(kubectl, "Denied") if e["involvedObject"]["name"] == "web"]
        assert len(on_it) == 1  # of however many pods were tried
    await asyncio.to_thread(kubectl, "delete", "namespace", "told", "--wait=false")


class Seen:
    """What a relay hears, for a detection in this process."""

    def __init__(self) -> None:
        self.verdicts = VerdictLog()

    def take(self, batch: EventBatchV1) -> None:
        self.verdicts.take(batch.events, batch.dropped, datetime.now(UTC))

    def hold_up(self) -> None:
        self.verdicts.hold_up(datetime.now(UTC))


async def test_t12_a_pod_that_failed_open_is_found_among_those_that_were_judged(
    cluster: LocalCluster, kubectl: Kubectl, gate: Gate, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "agent.kubeconfig"
    await write_account_kubeconfig(cluster, "tidegate-agent", kubeconfig)
    token = tmp_path / "token"
    token.write_text("token")
    client = connect(kubeconfig, "tidegate-agent")
    seen_by = Seen()
    listener = listen("127.0.0.1", 0)
    server = _Server(Relay(None, token, tuple, witness=seen_by))
    serving = asyncio.create_task(server.serve([listener]))
    told: list[Note] = []
    alarms = Alarms(lambda: datetime.now(UTC), told.append)
    since = datetime.now(UTC) - timedelta(days=1)
    detection = Detection(
        partial(list_pods, client),
        seen_by.verdicts,
        lambda: Gated(since, frozenset({"kube-system"})),
        ConfigMapMemory(client, "tidegate", asyncio.get_running_loop().time),
        alarms=alarms,
        tell=told.append,
        clock=lambda: datetime.now(UTC),
        grace=timedelta(seconds=2),
    )
    await asyncio.to_thread(kubectl, "create", "namespace", "open")

    async def run(name: str, namespace: str = "open") -> None:
        async def made() -> bool:
            said = await asyncio.to_thread(
                kubectl, f"-n={namespace}", "run", name, "--image=r.example/app:1"
            )
            return said.returncode == 0 or "already exists" in said.stderr

        await until(made)

    async def found() -> dict[str, str]:
        await detection.look()
        return {pod.name: pod.why for pod in detection.unjudged if pod.namespace != "told"}

    try:
        await gate.stop()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        gate.settings = replace(gate.settings, agent_url=url, agent_token_file=token)
        await gate.start()
        await gate.register("Ignore")
        await run("judged")
        await until(lambda: seen_by.verdicts.uids)
        await found()
        await gate.stop()
        await run("unseen")
        await run("system", "kube-system")
        wanted = {"unseen": "failed-open", "system": "excluded-namespace"}

        async def told_apart() -> bool:
            return await found() == wanted

        await until(told_apart, 30)
        assert [alarm.kind for alarm in alarms.standing] == ["FailedOpen"]
        assert "open/unseen" in alarms.standing[0].message
        assert {note.about.name for note in told if note.reason is Reason.NOT_JUDGED} == set(wanted)
        kept = await ConfigMapMemory(client, "tidegate", lambda: 0.0).load()
        assert (list(kept.unjudged.values()), kept.heard) == (["failed-open"], True)
    finally:
        server.should_exit = True
        await serving
        listener.close()
        await client.close()
        await asyncio.to_thread(kubectl, "-n=kube-system", "delete", "pod", "system", "--now")
        await asyncio.to_thread(kubectl, "delete", "namespace", "open", "--wait=false")
        await asyncio.to_thread(
            kubectl,
            "-n=tidegate",
            "delete",
            "configmap",
            "tidegate-detection",
            "--ignore-not-found",
        )


class Audited(LocalCluster):
    """A cluster whose API server writes an audit log."""

    def _apiserver_arguments(self, *pairs: Any) -> list[str]:  # noqa: ANN401, as the base class
        policy = self.data_dir / "audit-policy.yaml"
        rules = [{"level": "Metadata", "omitStages": ["RequestReceived"]}]
        policy.write_text(
            yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules})
        )
        log = self.data_dir / "audit.log"
        return [
            *super()._apiserver_arguments(*pairs),
            f"--audit-policy-file={policy}",
            f"--audit-log-path={log}",
            "--audit-log-mode=blocking",
        ]


async def test_t12_the_audit_log_tells_exactly_what_failed_open(
    programs: KubePrograms, tmp_path: Path
) -> None:
    cluster = Audited(tmp_path, programs, lambda: datetime.now(UTC))
    await cluster.start()
    try:
        await install(cluster)
        ca = tmp_path / "ca.crt"
        ca.write_bytes(write_pair(tmp_path).certificate.read_bytes())
        await register_webhook(cluster, "https://127.0.0.1:1/admit", ca, "Ignore")
        told: list[Note] = []
        alarms = Alarms(lambda: datetime.now(UTC), told.append)
        log = AuditLog(tmp_path / "audit.log", alarms, lambda: datetime.now(UTC))
        log.look()
        before = log.count
        for index in range(3):
            await run_kubectl(
                cluster, "create", "deployment", f"d{index}", "--image=r.example/a", "--replicas=0"
            )
        log.look()
        assert log.count - before >= 3  # their ReplicaSets fail open as well
        log.close()
    finally:
        await cluster.stop()
