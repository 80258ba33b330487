"""A node of the cluster: runs Tidegate's pods as processes, as a scheduler and a kubelet would.

It says that it lives (Node, Lease), binds pods of Tidegate's namespace to itself, brings their
volumes, starts and restarts their process, probes it, writes the pod's status, and ends it as asked.
So Deployments, their rolling updates and the pods' creation are the real controller-manager's
and go through the real admission. Addresses are loopback's, and the Service is `service.Service`.
"""

import asyncio
import base64
import os
import shutil
import signal
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import yaml

from support.outside_pod import NotThereError, chosen_files
from tidegate.local.child import die_with_parent

NAME = "here"
NAMESPACE = "tidegate"

LOOK_S = 0.3
VOLUMES_S = 60.0
"""How long mounted Secrets and ConfigMaps may be behind, as with a kubelet."""

LEASE_S = 10.0
PROBE_S = 1.0
BACK_OFF_S = (10.0, 300.0)
"""Pauses before a container that ended is started again: kubelet's first and last."""

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"

Body = dict[str, Any]


def api_client(url: str, authority: Path, kubeconfig: Path) -> httpx2.AsyncClient:
    """Return a client of the API server with the administrator's certificate."""
    context = ssl.create_default_context(cafile=str(authority))
    (user,) = yaml.safe_load(kubeconfig.read_text())["users"]
    context.load_cert_chain(user["user"]["client-certificate"], user["user"]["client-key"])
    return httpx2.AsyncClient(base_url=url, verify=context, timeout=15, trust_env=False)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Site:
    """What the node needs to know of where it stands."""

    folder: Path
    kubeconfigs: Mapping[str, Path]
    """Of the service accounts, by part."""
    sources: dict[str, Path] = field(default_factory=dict)
    """Code of each image tag; the first is that of any other."""
    agent_port: int = field(default_factory=free_port)
    clock_offset: Path | None = None
    """File with the seconds that the gates' clocks are off; None: they are right."""


class RunningPod:
    """One pod that is bound here, and its process."""

    def __init__(self, body: Body, site: Site) -> None:
        self.body = body
        self.name: str = body["metadata"]["name"]
        self.uid: str = body["metadata"]["uid"]
        self.part: str = body["metadata"]["labels"]["app.kubernetes.io/component"]
        self.folder = site.folder / "pods" / f"{self.name}-{self.uid[:8]}"
        self.port = site.agent_port if self.part == "agent" else free_port()
        self.metrics_port = free_port()
        self.restarts = 0
        self.is_ready = False
        self.is_leaving = False
        self.is_mounted = False
        self.told: tuple[bool, int] | None = None
        """Readiness and restarts in the status that was last written."""
        self.process: asyncio.subprocess.Process | None = None
        self._site = site
        self._start_at_s = 0.0
        self._pause_s = BACK_OFF_S[0]

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def lose_data(self) -> None:
        """Empty what is the pod's own, as a node that is lost does."""
        shutil.rmtree(self.folder / "var", ignore_errors=True)

    def write(self, mount: str, files: Mapping[str, bytes]) -> None:
        target = self.folder / mount.lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            draft = target / f".{name}.new"
            draft.write_bytes(content)
            draft.replace(target / name)

    async def keep_running(self) -> None:
        """Start the process where it does not run and its back-off is over."""
        if self.is_running or self.is_leaving or not self.is_mounted:
            return
        now = time.monotonic()
        if self.process is not None:
            self.process, self.is_ready = None, False
            self.restarts += 1
            self._start_at_s = now + self._pause_s
            self._pause_s = min(BACK_OFF_S[1], 2 * self._pause_s)
        if now >= self._start_at_s:
            await self._start()

    def start_at_once(self) -> None:
        """Forget the back-off: somebody else stopped it."""
        self.process, self._start_at_s, self._pause_s = None, 0.0, BACK_OFF_S[0]

    async def _start(self) -> None:
        (container,) = self.body["spec"]["containers"]
        given = {e["name"]: str(e["value"]) for e in container["env"]}
        prefix = f"TIDEGATE_{self.part.upper()}_"
        here = {
            f"{prefix}HOST": "127.0.0.1",
            f"{prefix}PORT": str(self.port),
            f"{prefix}KUBECONFIG": str(self._site.kubeconfigs[self.part]),
        }
        words = list(container["args"])
        if self.part == "gate":
            here |= {
                f"{prefix}METRICS_PORT": str(self.metrics_port),
                f"{prefix}AGENT_URL": f"http://127.0.0.1:{self._site.agent_port}",
            }
            if self._site.clock_offset is not None:
                clocked = Path(__file__).parents[2] / "bench" / "clocked_gate.py"
                words = [str(clocked), str(self._site.clock_offset)]
        moved = {
            name: str(self.folder / value.lstrip("/")) if value.startswith(("/etc/", "/var/")) else value
            for name, value in given.items()
        }  # fmt: skip
        for mount in container.get("volumeMounts", ()):
            (self.folder / mount["mountPath"].lstrip("/")).mkdir(parents=True, exist_ok=True)
        tag = container["image"].rpartition(":")[2]
        source = self._site.sources.get(tag) or next(iter(self._site.sources.values()))
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, *words,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                env={**inherited, **moved, **here, "PYTHONPATH": str(source)},
                preexec_fn=die_with_parent(),
            )  # fmt: skip

    async def kill(self) -> None:
        """End the process as a crash does."""
        if self.process is not None and self.is_running:
            self.process.kill()
            await self.process.wait()
        self.is_ready = False

    async def end(self) -> None:
        """End the container as its pod asks for: the preStop pause, SIGTERM, then SIGKILL."""
        spec = self.body["spec"]
        (container,) = spec["containers"]
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        await asyncio.sleep(pause.get("seconds", 0) if self.is_running else 0)
        if self.process is not None and self.is_running:
            self.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(spec.get("terminationGracePeriodSeconds", 30)):
                    await self.process.wait()
            except TimeoutError:
                await self.kill()

    def log(self) -> str:
        """Return the end of what the process said."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""


class Node:
    """The one node of a cluster."""

    def __init__(self, api: httpx2.AsyncClient, site: Site) -> None:
        self._api = api
        self.site = site
        self.pods: dict[str, RunningPod] = {}
        """By UID."""
        self._held: set[str] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._probes = httpx2.AsyncClient(timeout=2, trust_env=False)

    def of(self, part: str) -> list[RunningPod]:
        """Return the pods of `part` that are here."""
        return [pod for pod in self.pods.values() if pod.part == part]

    def endpoints(self) -> list[int]:
        """Return the ports of gates that are in service."""
        return [p.port for p in self.of("gate") if p.is_ready and p.is_running and not p.is_leaving]

    async def hold(self, *parts: str, lose_data: bool = True) -> None:
        """Lose all processes of `parts` at once; they stay away until `release`."""
        self._held |= set(parts)
        lost = [pod for part in parts for pod in self.of(part)]
        await asyncio.gather(*(pod.kill() for pod in lost))
        if lose_data:
            for pod in lost:
                pod.lose_data()

    async def release(self, *parts: str) -> None:
        """Let `parts` run again, at once."""
        for pod in (pod for part in parts for pod in self.of(part)):
            pod.start_at_once()
        self._held -= set(parts)
        await self._keep_running()

    async def run(self) -> None:
        """Be a node until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for work, every_s in (
                    (self._live, LEASE_S),
                    (self._sync, LOOK_S),
                    (self._keep_running, LOOK_S),
                    (self._probe, PROBE_S),
                    (self._bring_all, VOLUMES_S),
                ):
                    tasks.create_task(_again(work, every_s))
        finally:
            for task in self._endings:
                task.cancel()
            await asyncio.gather(*(pod.kill() for pod in self.pods.values()))
            await self._probes.aclose()

    async def _live(self) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        spec = {"holderIdentity": NAME, "leaseDurationSeconds": 40, "renewTime": now}
        answer = await self._patch(f"{leases}/{NAME}", {"spec": spec})
        if answer.status_code == 404:
            await self._api.post("/api/v1/nodes", json={"metadata": {"name": NAME}})
            ready = {"type": "Ready", "status": "True", "reason": "Here", "message": "runs"}
            await self._patch(f"/api/v1/nodes/{NAME}/status", {"status": {"conditions": [ready]}})
            await self._api.post(leases, json={"metadata": {"name": NAME}, "spec": spec})

    async def _sync(self) -> None:
        listed = (await self._api.get(PODS)).raise_for_status().json()["items"]
        there = {body["metadata"]["uid"]: body for body in listed}
        for uid, pod in list(self.pods.items()):
            if uid not in there:  # deleted by force, or with the whole cluster
                await pod.kill()
                del self.pods[uid]
        for uid, body in there.items():
            if "nodeName" not in body["spec"]:
                target = {"target": {"kind": "Node", "name": NAME}}
                name = {"metadata": {"name": body["metadata"]["name"]}}
                await self._api.post(
                    f"{PODS}/{body['metadata']['name']}/binding", json=name | target
                )
            elif uid not in self.pods:
                self.pods[uid] = RunningPod(body, self.site)
            pod = self.pods.get(uid)
            if pod is not None:
                await self._follow(pod, body)

    async def _follow(self, pod: RunningPod, body: Body) -> None:
        pod.body = body
        if "deletionTimestamp" in body["metadata"]:
            if not pod.is_leaving:
                pod.is_leaving = True
                task = asyncio.create_task(self._end(pod))
                self._endings.add(task)
                task.add_done_callback(self._endings.discard)
            return
        if not pod.is_mounted:
            with suppress(NotThereError):
                await self._bring(pod)
                pod.is_mounted = True
                await pod.keep_running()
        if pod.told != (pod.is_ready, pod.restarts):
            await self._tell(pod)

    async def _end(self, pod: RunningPod) -> None:
        await pod.end()
        with suppress(httpx2.HTTPError):
            await self._api.request(
                "DELETE", f"{PODS}/{pod.name}",
                json={"gracePeriodSeconds": 0, "preconditions": {"uid": pod.uid}},
            )  # fmt: skip

    async def _keep_running(self) -> None:
        for pod in list(self.pods.values()):
            if pod.part not in self._held:
                await pod.keep_running()

    async def _probe(self) -> None:
        await asyncio.gather(*map(self._probe_one, list(self.pods.values())))

    async def _probe_one(self, pod: RunningPod) -> None:
        url = (
            f"http://127.0.0.1:{pod.metrics_port}/readyz"
            if pod.part == "gate"
            else f"http://127.0.0.1:{pod.port}/healthz"
        )
        try:
            pod.is_ready = pod.is_running and (await self._probes.get(url)).status_code == 200
        except httpx2.HTTPError:
            pod.is_ready = False

    async def _tell(self, pod: RunningPod) -> None:
        told = (pod.is_ready, pod.restarts)
        word = "True" if pod.is_ready else "False"
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        kinds = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
        status = {
            "phase": "Running",
            "podIP": "192.0.2.1",
            "conditions": [
                {
                    "type": kind,
                    "status": word if "Ready" in kind else "True",
                    "lastTransitionTime": now,
                }
                for kind in kinds
            ],
        }
        if (await self._patch(f"{PODS}/{pod.name}/status", {"status": status})).is_success:
            pod.told = told

    async def _bring_all(self) -> None:
        for pod in list(self.pods.values()):
            if pod.is_mounted:
                with suppress(NotThereError):
                    await self._bring(pod)

    async def _bring(self, pod: RunningPod) -> None:
        """Write the mounted volumes as they are now.

        Raises:
            NotThereError: one is not there that the pod has to wait for.
        """
        spec = pod.body["spec"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        (container,) = spec["containers"]
        brought = {}
        for mount in container.get("volumeMounts", ()):
            brought[mount["mountPath"]] = await self._files(volumes[mount["name"]])
        for path, files in brought.items():
            pod.write(path, files)

    async def _files(self, volume: Body) -> dict[str, bytes]:
        if (secret := volume.get("secret")) is not None:
            data = await self._data("secrets", secret["secretName"])
            if data is None and not secret.get("optional", False):
                raise NotThereError(secret["secretName"])
            decoded = {k: base64.b64decode(text) for k, text in (data or {}).items()}
            return chosen_files(decoded, secret)
        if (mapped := volume.get("configMap")) is not None:
            data = await self._data("configmaps", mapped["name"])
            if data is None:
                raise NotThereError(mapped["name"])
            return {name: text.encode() for name, text in data.items()}
        return {}  # an empty folder, or the account's token, which the kubeconfig holds

    async def _data(self, plural: str, name: str) -> dict[str, str] | None:
        answer = await self._api.get(f"/api/v1/namespaces/{NAMESPACE}/{plural}/{name}")
        if answer.status_code == 404:
            return None
        return answer.raise_for_status().json().get("data") or {}

    async def _patch(self, path: str, body: Body) -> httpx2.Response:
        kind = {"content-type": "application/merge-patch+json"}
        return await self._api.patch(path, json=body, headers=kind)


async def _again(work: Any, every_s: float) -> None:  # noqa: ANN401 a method without arguments
    """Do `work` again and again; an API server that is away is waited for."""
    while True:
        with suppress(httpx2.HTTPError):
            await work()
        await asyncio.sleep(every_s)
