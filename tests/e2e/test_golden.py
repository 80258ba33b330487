"""Records golden reviews from the real API server, or shows that it still sends the same.

`--rewrite-golden` writes `review.json` and `expected.json` of every case; review the diff.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest

from support.gate_server import write_pair
from support.golden import FOLDER, masked, replay
from tidegate.gate.app import Access, GateApp
from tidegate.gate.review import Answer
from tidegate.gate.server import Endpoint, HttpServer
from tidegate.gate.tls import Certificate
from tidegate.local.install import kubectl as run_kubectl
from tidegate.local.install import register_webhook, unregister_webhook
from tidegate.local.kubernetes import LocalCluster
from tidegate.wire.admission_v1 import AdmissionRequest, parse_review, render_response
from tidegate.wire.names import CONFIGURATION_NAME

pytestmark = pytest.mark.e2e

VULNERABLE, CLEAN = "r.example/vulnerable:1", "r.example/clean:1"
EVIDENCE = {
    VULNERABLE: {
        "report": [
            {
                "id": "CVE-2022-42004",
                "severity": "high",
                "package": "pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.9.5",
                "version": "2.9.5",
                "fixedVersion": "2.12.7.1",
            }
        ]
    },
    CLEAN: {"report": []},
}
POLICY = {
    "apiVersion": "tidegate.io/v1alpha1",
    "kind": "SecurityArtifactPolicy",
    "metadata": {"name": "golden"},
    "spec": {
        "vulnerabilityAssessmentGatedDeployment": [
            {
                "name": "No high",
                "action": "deny",
                "configuration": {"maxAllowedSeverities": {"high": 0}},
            }
        ]
    },
}


@dataclass(frozen=True)
class Case:
    """What kubectl does, and which of the reviews that follow is kept."""

    name: str
    command: str
    kind: str
    manifest: dict[str, Any] | None = None
    operation: str = "CREATE"


def workload(kind: str, name: str, *, image: str = VULNERABLE) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": image}]},
    }
    spec: dict[str, Any] = {"template": template}
    if kind != "Job":
        selector = {"app": name}
        spec["selector"] = (
            selector if kind == "ReplicationController" else {"matchLabels": selector}
        )
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "Job":
        template["spec"]["restartPolicy"] = "Never"
    version = {"Job": "batch/v1", "ReplicationController": "v1"}.get(kind, "apps/v1")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def bare_pod(name: str, **spec: object) -> dict[str, Any]:
    containers = [{"name": "app", "image": CLEAN}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": containers, **spec},
    }


CASES = (
    Case("pod-run", f"run gate-1 --image={VULNERABLE}", "Pod"),
    Case("pod-run-clean", f"run clean-1 --image={CLEAN}", "Pod"),
    Case("pod-dry-run", f"run dry-1 --image={VULNERABLE} --dry-run=server", "Pod"),
    Case("pod-labelled", "label pod gate-1 team=a", "Pod", operation="UPDATE"),
    Case("pod-image-set", f"set image pod/clean-1 clean-1={VULNERABLE}", "Pod", operation="UPDATE"),
    Case(
        "pod-init-container",
        "apply -f -",
        "Pod",
        bare_pod("init-1", initContainers=[{"name": "init", "image": VULNERABLE}]),
    ),
    Case(
        "pod-image-volume",
        "apply -f -",
        "Pod",
        bare_pod("volume-1", volumes=[{"name": "data", "image": {"reference": VULNERABLE}}]),
    ),
    Case(
        "pod-debugged",
        f"debug gate-1 --image={VULNERABLE} --profile=general",
        "Pod",
        operation="UPDATE",
    ),
    Case("deployment", f"create deployment web --image={VULNERABLE}", "Deployment"),
    Case("replica-set-owned", "", "ReplicaSet"),
    Case("pod-of-deployment", "", "Pod"),
    Case("deployment-scaled", "scale deployment web --replicas=2", "Pod"),
    Case(
        "deployment-image-set",
        f"set image deployment/web vulnerable={CLEAN}",
        "Deployment",
        operation="UPDATE",
    ),
    Case("cron-job", f"create cronjob nightly --image={VULNERABLE} --schedule=@yearly", "CronJob"),
    *(
        Case(f"{kind.lower()}-applied", "apply -f -", kind, workload(kind, f"own-{kind.lower()}"))
        for kind in ("Job", "StatefulSet", "DaemonSet", "ReplicationController", "ReplicaSet")
    ),
)


@dataclass
class Recorder:
    """Admits everything and keeps what it was sent."""

    bodies: list[bytes] = field(default_factory=list)

    def start(self, body: bytes, **_: object) -> Answer:
        self.bodies.append(body)
        return Answer(render_response(parse_review(body).uid, allowed=True), "pass")

    async def take(self, case: Case) -> bytes:
        """Return the first review of the case's kind and operation since the last one taken."""
        async with asyncio.timeout(20):
            while True:
                for index, body in enumerate(self.bodies):
                    request = parse_review(body)
                    if (request.kind, request.operation) == (case.kind, case.operation):
                        del self.bodies[: index + 1]
                        return body
                await asyncio.sleep(0.05)


@pytest.fixture
async def recorder(cluster: LocalCluster, tmp_path: Path) -> AsyncIterator[Recorder]:
    certificate = Certificate(write_pair(tmp_path))
    kept = Recorder()
    app = GateApp(
        kept,
        clock=lambda: datetime.now(UTC),
        timer=monotonic,
        problems=lambda: (),
        access=Access(),
        max_body_bytes=2**23,
    )
    server = HttpServer(app, Endpoint(context=certificate.context))
    url = await server.start()
    await register_webhook(cluster, f"{url}/admit", tmp_path / "tls.crt")
    # What changes no `spec` is recorded too, as an API server without matchConditions sends it.
    everything = '[{"op":"remove","path":"/webhooks/0/matchConditions"}]'
    configuration = f"validatingwebhookconfiguration/{CONFIGURATION_NAME}"
    await run_kubectl(cluster, "patch", configuration, "--type=json", f"--patch={everything}")
    try:
        yield kept
    finally:
        await unregister_webhook(cluster)
        await server.stop()


async def kubectl(cluster: LocalCluster, namespace: str, case: Case) -> None:
    """Run the case's command; kubectl's own exit code does not matter, the review does."""
    process = await asyncio.create_subprocess_exec(
        str(cluster.kubectl),
        f"--kubeconfig={cluster.kubeconfig}",
        f"--namespace={namespace}",
        *case.command.split(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(json.dumps(case.manifest).encode())
    assert process.returncode == 0, output.decode()


def comparable(body: bytes) -> AdmissionRequest:
    return msgspec.structs.replace(parse_review(masked(body)), uid="")


async def test_the_api_server_sends_what_the_golden_cases_hold(
    cluster: LocalCluster, recorder: Recorder, request: pytest.FixtureRequest
) -> None:
    rewrite = request.config.getoption("rewrite_golden", default=False)
    await kubectl(cluster, "default", Case("", "create namespace golden", ""))
    try:
        for case in CASES:
            if case.command:
                await started(cluster, recorder, case)
            body = await recorder.take(case)
            folder = FOLDER / case.name
            if rewrite:
                await asyncio.to_thread(write_case, folder, body)
            assert comparable(body) == comparable((folder / "review.json").read_bytes()), case.name
    finally:
        await kubectl(cluster, "default", Case("", "delete namespace golden --wait=false", ""))


async def started(cluster: LocalCluster, recorder: Recorder, case: Case) -> None:
    """Run a case's command; controllers' reviews of earlier cases do not count for it."""
    recorder.bodies.clear()
    await kubectl(cluster, "golden", case)


def write_case(folder: Path, body: bytes) -> None:
    folder.mkdir(exist_ok=True)
    for name, value in (
        ("review", json.loads(masked(body))),
        ("policy", POLICY),
        ("evidence", EVIDENCE),
    ):
        write_json(folder / f"{name}.json", value)
    write_json(folder / "expected.json", asyncio.run(replay(folder)))


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
