"""The agent's process on a real API server, beside a small hub."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import msgspec

from tidegate.domain.rule import EvaluationMode, default_rule
from tidegate.local.install import write_account_kubeconfig
from tidegate.local.kubernetes import LocalCluster
from tidegate.wire.hub_v1 import ClusterPolicyV1, EventBatchV1, HeartbeatV1
from tidegate.wire.policy_v1alpha1 import HUB_OBJECT_NAME, entry_of

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


class Hub:
    """A small hub on a real socket: one cluster's rules, heartbeats and events."""

    def __init__(self) -> None:
        self.heartbeats: list[HeartbeatV1] = []
        self.events: list[str] = []
        self._news = Condition()
        self.publish("g1", "one")
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.wait_past(self.path)
                self._send(200, msgspec.json.encode(hub.policy))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path.endswith("/heartbeat"):
                    hub.heartbeats.append(msgspec.json.decode(body, type=HeartbeatV1))
                    self._send(204, b"")
                else:
                    batch = msgspec.json.decode(body, type=EventBatchV1)
                    hub.events.extend(event.id for event in batch.events)
                    self._send(200, b'{"stored": 1, "duplicates": 0}')

            def _send(self, status: int, body: bytes) -> None:
                with contextlib.suppress(ConnectionError):
                    self.send_response(status)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:  # noqa: ANN401, the base class's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def publish(self, generation: str, *names: str) -> None:
        default = entry_of(default_rule())
        rules = [msgspec.structs.replace(default, name=name) for name in names]
        self.policy = ClusterPolicyV1(
            generation, [*rules, default], EvaluationMode.FIRST_MATCH, "On", "2026-11-23T09:00:00Z"
        )
        with self._news:
            self._news.notify_all()

    def wait_past(self, path: str) -> None:
        with self._news:
            self._news.wait_for(lambda: f"generation={self.policy.generation}" not in path, 20)

    def close(self) -> None:
        self.publish("end")
        self._server.shutdown()
        self._server.server_close()


class Agent:
    """The agent's process under its own account, and what its cluster shows."""

    def __init__(self, kubectl: Kubectl, url: str, process: asyncio.subprocess.Process) -> None:
        self._kubectl = kubectl
        self.url = url
        self.process = process

    async def get(self, name: str = HUB_OBJECT_NAME) -> dict[str, Any]:
        answer = await asyncio.to_thread(
            self._kubectl, "get", "sap", name, "-o", "json", "--ignore-not-found"
        )
        return json.loads(answer.stdout or "{}")

    async def rules(self, name: str = HUB_OBJECT_NAME) -> list[str]:
        spec = (await self.get(name)).get("spec", {})
        return [rule["name"] for rule in spec.get("vulnerabilityAssessmentGatedDeployment", [])]

    async def condition(self, name: str) -> dict[str, Any]:
        conditions = (await self.get(name)).get("status", {}).get("conditions", [{}])
        return dict(conditions[0])


async def until(seen: Callable[[], Any], within_s: float = 15.0) -> None:
    """Wait until `seen`, which may be a coroutine function, says something true."""
    async with asyncio.timeout(within_s):
        while True:
            answer = seen()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def agent(
    cluster: LocalCluster, kubectl: Kubectl, hub: Hub | None, **more: object
) -> AsyncIterator[Agent]:
    """Run an agent under its own account until the end of the block; `more`: settings."""
    folder = cluster.data_dir
    kubeconfig = folder / "agent.kubeconfig"
    await write_account_kubeconfig(cluster, "tidegate-agent", kubeconfig)
    token = folder / "token"
    await asyncio.to_thread(token.write_text, "token")
    settings: dict[str, object] = {"KUBECONFIG": kubeconfig, "GATE_TOKEN_FILE": token}
    if hub:
        settings |= {"HUB_URL": hub.url, "TOKEN_FILE": token, "CLUSTER": "here"}
    environment = {
        f"TIDEGATE_AGENT_{name}": str(value) for name, value in (settings | more).items()
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidegate.agent",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )
    assert process.stdout
    async with asyncio.timeout(15):
        first = await process.stdout.readline()
        assert first, (await process.communicate())[1].decode()
        line = json.loads(first)
    assert line["part"] == "agent"
    try:
        yield Agent(kubectl, line["url"], process)
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            output, errors = await process.communicate()
        assert (process.returncode, output) == (0, b""), errors.decode()
        print(errors.decode())  # noqa: T201, shown with a failure
