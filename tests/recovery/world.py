"""Everything that the matrix fails and starts: a cluster with the chart, and what is outside it.

Real are etcd, API server and controller-manager, PostgreSQL, hub, registry, scan worker, agent and
gates. The node is `node.Node`.
"""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import yaml

from recovery.node import NAMESPACE, Node, Site, api_client
from recovery.probing import NAMESPACE as APP
from recovery.probing import RULE, Prober, Record
from recovery.service import Service
from support.helm import CHART, find_helm
from support.postgres import Server, programs, running_postgres
from tidegate.evidence.trust_file import TrustFile
from tidegate.hubclient import HubClient
from tidegate.local.certificates import KeyPair
from tidegate.local.child import die_with_parent
from tidegate.local.data_folder import DataFolder, UpState
from tidegate.local.demo import push_image, run_demo, wait_scanned
from tidegate.local.images import DemoImage
from tidegate.local.install import write_account_kubeconfig
from tidegate.local.kubernetes import COMPONENTS, KubePrograms, LocalCluster
from tidegate.local.part import PartPlan
from tidegate.local.plans import Site as LocalSite
from tidegate.local.plans import plan_hub, plan_registry, plan_worker
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.wire.hub_v1 import ClusterEnrolV1, RuleApplyV1
from tidegate.wire.policy_v1alpha1 import RuleV1

ROOT = Path(__file__).parents[2]
CLUSTER = "recovery"
RELEASE = "tidegate"
OTHER_TAG = "other"
"""Tag of images that stand for another version of the code."""

POST_RENDERER = """\
#!{python}
import sys, yaml
for body in yaml.safe_load_all(sys.stdin):
    if body and body["kind"] == "Service" and body["metadata"]["name"] == "tidegate-gate":
        body["spec"] = {{"type": "ExternalName", "externalName": "localhost"}}
    print("---")
    print(yaml.safe_dump(body))
"""
HUB_S = 30.0
RECOVER_S = 150.0
"""When a row gives up: longer than any back-off that is met here."""


class Program:
    """One part outside the cluster."""

    def __init__(self, plan: PartPlan) -> None:
        self._plan = plan
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, without waiting for anything."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
        with self._plan.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._plan.module,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                env={**inherited, **self._plan.environment, "PYTHONPATH": str(ROOT / "src")},
                preexec_fn=die_with_parent(),
            )  # fmt: skip

    async def kill(self) -> None:
        """End it as a crash does."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()


class World:
    """One installation; its parts can be lost and started one by one."""

    def __init__(self, folder: Path, kube: KubePrograms, postgres: Server) -> None:
        self.folder = folder
        self.postgres = postgres
        self.database = ""
        self._data = DataFolder(folder / "data")
        ports = self._data.ensure()
        self.local = LocalSite(
            self._data, ports, KeyPair(folder / "none", folder / "none"),
            audience=TrustFile(self._data.trust).current().audience,
        )  # fmt: skip
        self.cluster = LocalCluster(
            folder / "cluster", kube, lambda: datetime.now(UTC), avoid=ports.values()
        )
        self.hub = self._hub()
        self._registry = Program(plan_registry(self.local))
        self._worker = Program(plan_worker(self.local))
        self._renderer = folder / "post-renderer"
        self._renderer.write_text(POST_RENDERER.format(python=sys.executable))
        self._renderer.chmod(self._renderer.stat().st_mode | stat.S_IXUSR)
        accounts = {part: folder / f"{part}.kubeconfig" for part in ("gate", "agent")}
        self.site = Site(folder, accounts, {"": ROOT / "src"})
        self.node: Node
        self.service: Service
        self.api: httpx2.AsyncClient
        self.prober: Prober

    def image(self, tag: str) -> str:
        return f"{self.local.registry_host}/demo/app:{tag}"

    # What is outside the cluster

    def _hub(self) -> Program:
        plan = plan_hub(self.local)
        url = {"TIDEGATE_HUB_DATABASE_URL": self.postgres.url(self.database)}
        return Program(replace(plan, environment={**plan.environment, **url}))

    async def start_hub(self) -> None:
        """Start the hub, and return when it answers."""
        await self.hub.start()
        async with httpx2.AsyncClient(trust_env=False) as client:
            await until(lambda: _answers(client, f"{self.local.url('hub')}/healthz"), HUB_S)

    def ask_hub(self) -> HubClient:
        """Return a client with an administrator's rights."""
        return HubClient(self.local.url("hub"), self._data.token("admin"))

    async def start_outside(self) -> None:
        """Start database, hub, registry and worker; push and scan the demo's images."""
        self.database = await asyncio.to_thread(self.postgres.create)
        self.hub = self._hub()
        await self.start_hub()
        await self._registry.start()
        await self._worker.start()
        async with httpx2.AsyncClient(trust_env=False) as client:
            url = self.local.url("registry")
            await until(lambda: _answers(client, f"{url}/v2/", 401, 200), HUB_S)
        state = UpState(
            hub=self.local.url("hub"), portal="", registry=self.local.registry_host, gate="",
            gate_ca="", kubeconfig=None, admin_token=self._data.token("admin"),
            data_dir=str(self._data.root), public_key=str(self._data.public_key),
        )  # fmt: skip
        await run_demo(state, lambda _line: None)
        await self.apply_rule()

    async def end_outside(self) -> None:
        """End what `start_outside` started."""
        for part in (self._worker, self._registry, self.hub):
            await part.kill()

    async def apply_rule(self) -> None:
        """Let the hub deny bad images in the namespace that is probed."""
        rule = {
            "name": RULE,
            "action": "deny",
            "scope": [{"matcherType": "namespace", "anyOf": [APP]}],
            "configuration": {"maxAllowedSeverities": {"high": 0}, "blockUnscannedImages": True},
        }
        async with self.ask_hub() as hub:
            await hub.apply_rules(RuleApplyV1(rules=[msgspec.convert(rule, RuleV1)]))

    async def push(self, image: DemoImage, tag: str) -> None:
        """Push `image` to demo/app, and return when it is scanned."""
        moved = replace(image, repository="demo/app", tag=tag)
        host = self.local.registry_host
        config = RegistryConfig(host=host, plain_http=True, allow_private=True)
        async with RegistryClient([config]) as registry:
            await push_image(registry, host, moved)
        async with self.ask_hub() as hub:
            await wait_scanned(hub, host, moved.repository, moved.digest)

    # The cluster

    async def start_cluster(self, stack: AsyncExitStack) -> None:
        """Start a new cluster with a node and a namespace of somebody's."""
        stack.push_async_callback(self.cluster.stop)
        await self.cluster.start()
        self.api = api_client(self.cluster.url, self.cluster.ca_bundle, self.cluster.kubeconfig)
        stack.push_async_callback(self.api.aclose)
        self.node = Node(self.api, self.site)
        self.service = Service(self.node.endpoints)
        await self.service.start()
        stack.push_async_callback(self.service.stop)
        self.prober = Prober(self.api, self.image("clean"), self.image("critical"))
        await self.api.post("/api/v1/namespaces", json={"metadata": {"name": APP}})
        account = f"/api/v1/namespaces/{APP}/serviceaccounts/default"
        await until(lambda: _answers(self.api, account), HUB_S)

    async def install(self, *words: str, chart: Path = CHART) -> None:
        """Install or upgrade by helm, and let the node run what it makes."""
        trust = yaml.safe_load((self._data.root / "trust.yaml").read_text("utf-8"))
        values = {
            "image": {"registry": "registry.example/platform"},
            "cluster": {"name": CLUSTER},
            "webhook": {"failurePolicy": "Fail"},
            "trust": {"keys": trust["keys"], "registries": trust["registries"]},
            "feed": {"audience": trust["feed"]["audience"]},
            "gate": {"servicePort": self.service.port},
            "agent": {
                "hub": {"url": self.local.url("hub"), "enrolTokenSecret": "enrolment"},
                "canarySeconds": 5,
            },
        }
        path = self.folder / "values.yaml"
        path.write_text(yaml.safe_dump(values), "utf-8")
        await self.helm(
            "upgrade", "--install", RELEASE, chart, "--create-namespace", "--values", path,
            "--post-renderer", self._renderer, *words,
        )  # fmt: skip

    async def helm(self, *words: str | Path) -> str:
        """Run helm on the cluster; it must succeed."""
        done = await asyncio.to_thread(
            subprocess.run,
            [find_helm(), *words, "--namespace", NAMESPACE],
            capture_output=True, text=True, check=False, timeout=120,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(self.folder),
                "KUBECONFIG": str(self.cluster.kubeconfig),
            },
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    async def enrol(self) -> None:
        """Give the agent its one-time token, as `tidegate cluster enrol` prints it."""
        async with self.ask_hub() as hub:
            token = (await hub.announce_cluster(ClusterEnrolV1(CLUSTER, "on-premises"))).token
        await self.api.post(
            f"/api/v1/namespaces/{NAMESPACE}/secrets",
            json={"metadata": {"name": "enrolment"}, "stringData": {"token": token}},
        )

    async def make_accounts(self) -> None:
        """Write kubeconfigs for the accounts that the chart made."""
        for part, path in self.site.kubeconfigs.items():
            await write_account_kubeconfig(self.cluster, f"tidegate-{part}", path)

    async def kill_cluster(self) -> None:
        """Let etcd, API server and controller-manager crash."""
        for pid in self.cluster.pids.values():
            os.kill(pid, signal.SIGKILL)
        for name in reversed(COMPONENTS):
            await self.cluster.stop_component(name)

    async def start_cluster_again(self) -> None:
        """Start the three, on the same state."""
        for name in COMPONENTS:
            await self.cluster.start_component(name)

    # What is seen

    async def recovered(self, record: Record, event_s: float) -> float:
        """Return the seconds from `event_s` to answers that are right and stay so."""

        async def is_right() -> bool:
            return record.right_since(event_s) is not None

        await until(is_right, RECOVER_S, lambda: self.trouble(record))
        right_since = record.right_since(event_s)
        assert right_since is not None
        return right_since - event_s

    def trouble(self, record: Record) -> str:
        """Return what a person needs to know of a cluster that does not recover."""
        last = record.sights[-1] if record.sights else None
        pods = [f"{p.name}: restarts {p.restarts}\n{p.log()}" for p in self.node.pods.values()]
        return f"last seen: {last}\n" + "\n".join(pods)

    async def create_both(self) -> tuple[str, str]:
        """Make both pods for real; return what came of them."""
        good, _ = await self.prober.try_pod(self.prober.good, dry_run=False)
        bad, _ = await self.prober.try_pod(self.prober.bad, dry_run=False)
        return good.value, bad.value

    async def gate_metric(self, name: str) -> list[float]:
        """Return a number of each gate that answers."""
        found = []
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as client:
            for pod in self.node.of("gate"):
                with suppress(httpx2.HTTPError):
                    text = (await client.get(f"http://127.0.0.1:{pod.metrics_port}/metrics")).text
                    found += [
                        float(line.rpartition(" ")[2])
                        for line in text.splitlines()
                        if line.startswith((f"{name} ", f"{name}{{"))
                    ]
        return found

    async def get(self, path: str) -> Any:  # noqa: ANN401 JSON
        """Return an object of the API server."""
        return (await self.api.get(path)).raise_for_status().json()


@asynccontextmanager
async def new_world(folder: Path, kube: KubePrograms) -> AsyncIterator[World]:
    """Yield a world in which nothing of the cluster runs yet, and all that is outside does."""
    found = programs()
    assert found is not None, "PostgreSQL is not installed (Debian: apt install postgresql)"
    with running_postgres(found) as postgres:
        world = World(folder, kube, postgres)
        try:
            await world.start_outside()
            yield world
        finally:
            await world.end_outside()


@asynccontextmanager
async def installed_world(
    folder: Path, kube: KubePrograms, other: Path | None = None
) -> AsyncIterator[World]:
    """Yield a world whose cluster has the chart, and whose answers are right.

    `other`: a checkout of another version, which is installed in the place of this one.
    """
    async with new_world(folder, kube) as world, AsyncExitStack() as stack:
        await world.start_cluster(stack)
        if other is None:
            await world.install()
        else:
            world.site.sources[OTHER_TAG] = other / "src"
            await world.install("--set", f"image.tag={OTHER_TAG}", chart=other / "charts/tidegate")
        await world.enrol()
        await run_node(world, stack)
        async with world.prober.running() as record:
            await world.recovered(record, time.monotonic())
        yield world


async def run_node(world: World, stack: AsyncExitStack) -> None:
    """Let the node run until `stack` ends."""
    await world.make_accounts()
    running = asyncio.create_task(world.node.run())

    async def end() -> None:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    stack.push_async_callback(end)


async def until(
    look: Callable[[], Awaitable[bool]], within_s: float, trouble: Callable[[], str] = lambda: ""
) -> None:
    """Return when `look` says so.

    Raises:
        AssertionError: not within `within_s`.
    """
    deadline = time.monotonic() + within_s
    while not await look():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {trouble()}"
        await asyncio.sleep(0.1)


async def _answers(client: httpx2.AsyncClient, url: str, *codes: int) -> bool:
    try:
        return (await client.get(url)).status_code in (codes or (200,))
    except httpx2.HTTPError:
        return False
