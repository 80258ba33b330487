"""The gate in a real cluster: its own account, rules from objects, owners by UID, real kubectl."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from support.gate_server import write_pair
from tidegate.gate.run import run_gate
from tidegate.gate.settings import Settings
from tidegate.local.install import register_webhook, unregister_webhook, write_account_kubeconfig
from tidegate.local.kubernetes import LocalCluster

pytestmark = pytest.mark.e2e

IMAGE = "r.example/app:1"
KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""


def policy(action: str, *scope: dict[str, Any]) -> str:
    rule = {
        "name": "No unscanned",
        "action": action,
        "scope": list(scope),
        "configuration": {"blockUnscannedImages": True},
    }
    return json.dumps(
        {
            "apiVersion": "tidegate.io/v1alpha1",
            "kind": "SecurityArtifactPolicy",
            "metadata": {"name": "gate-e2e"},
            "spec": {"vulnerabilityAssessmentGatedDeployment": [rule]},
        }
    )


class Shell:
    """kubectl beside a gate that runs in this process."""

    def __init__(self, cluster: LocalCluster, namespace: str) -> None:
        self._cluster = cluster
        self.namespace = namespace

    async def __call__(self, command: str, stdin: str = "") -> tuple[int, str]:
        """Return the exit code and everything that kubectl printed."""
        process = await asyncio.create_subprocess_exec(
            str(self._cluster.kubectl),
            f"--kubeconfig={self._cluster.kubeconfig}",
            f"--namespace={self.namespace}",
            *command.split(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate(stdin.encode())
        return process.returncode or 0, output.decode()

    async def until(self, command: str, reached: Callable[[int, str], bool]) -> str:
        """Repeat `command` until its result is what is wanted; return what it printed."""
        async with asyncio.timeout(20):
            while True:
                code, said = await self(command)
                if reached(code, said):
                    return said
                await asyncio.sleep(0.1)


@pytest.fixture
async def shell(cluster: LocalCluster, tmp_path: Path) -> AsyncIterator[Shell]:
    pair = write_pair(tmp_path)
    trust = tmp_path / "trust.yaml"
    trust.write_text(json.dumps({"keys": [{"name": "k", "publicKey": KEY}], "registries": []}))
    kubeconfig = tmp_path / "gate.kubeconfig"
    await write_account_kubeconfig(cluster, "tidegate-gate", kubeconfig)
    settings = Settings(pair.certificate, pair.key, tmp_path / "data", trust, kubeconfig=kubeconfig)
    stop = asyncio.Event()
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    gate = asyncio.create_task(run_gate(settings, stop, url.set_result))
    await register_webhook(cluster, f"{await url}/admit", pair.certificate)
    run = Shell(cluster, f"gate-{secrets.token_hex(4)}")
    await run(f"create namespace {run.namespace}")
    await run.until("get serviceaccount default", lambda code, _: code == 0)
    try:
        yield run
    finally:
        await unregister_webhook(cluster)
        await run("delete securityartifactpolicies gate-e2e --ignore-not-found")
        await run(f"delete namespace {run.namespace} --wait=false")
        stop.set()
        await gate


async def test_deny_and_warning_are_what_kubectl_shows(shell: Shell) -> None:
    code, said = await shell("create -f -", policy("deny"))
    assert code == 0, said
    said = await shell.until(
        f"run denied --image={IMAGE} --dry-run=server", lambda code, _: code != 0
    )
    assert said.startswith('Error from server (Forbidden): admission webhook "gate.tidegate.io"')
    assert f"{IMAGE}: Image has no findings: its registry is not configured here" in said
    code, said = await shell("apply -f -", policy("audit"))
    assert code == 0, said
    said = await shell.until(
        f"run audited --image={IMAGE} --dry-run=server", lambda code, _: code == 0
    )
    assert f"Warning: {IMAGE}: Image has no findings" in said
    assert 'rule "No unscanned" (audit)' in said


async def test_t10_pods_of_a_named_deployment_are_found_by_their_owners(shell: Shell) -> None:
    scope = {"matcherType": "deployment", "anyOf": ["web"]}
    await shell("create -f -", policy("deny", scope))
    await shell.until(
        f"create deployment web --image={IMAGE} --dry-run=server", lambda code, _: code != 0
    )
    code, said = await shell(f"create deployment other --image={IMAGE}")
    assert code == 0, said
    await shell.until(
        "get pods --selector=app=other --output=name", lambda _, said: "pod/other" in said
    )
    await shell("delete securityartifactpolicies gate-e2e")
    await shell.until(
        f"create deployment web --image={IMAGE} --replicas=0", lambda code, _: code == 0
    )
    await shell("create -f -", policy("deny", scope))
    await shell.until(
        f"create deployment web --image={IMAGE} --dry-run=server", lambda code, _: code != 0
    )
    code, said = await shell("scale deployment web --replicas=1")
    assert code == 0, said  # a scale passes, its pod does not
    said = await shell.until(
        "get events --output=jsonpath={.items[*].message}", lambda _, said: "denied" in said
    )
    assert "No unscanned" in said


async def test_namespace_labels_are_read_by_the_gates_own_account(shell: Shell) -> None:
    scope = {"matcherType": "namespaceLabel", "anyOf": ["gated=yes"]}
    await shell("create -f -", policy("deny", scope))
    await shell(f"label namespace {shell.namespace} gated=yes")
    await shell.until(f"run a --image={IMAGE} --dry-run=server", lambda code, _: code != 0)
    await shell(f"label namespace {shell.namespace} gated=no --overwrite")
    await shell.until(f"run a --image={IMAGE} --dry-run=server", lambda code, _: code == 0)
