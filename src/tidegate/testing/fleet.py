"""One hub and several clusters on this machine, each with a real API server, an agent and a gate.

Clusters are enrolled as they are anywhere: announced with what an administrator says they are, then
the agent comes with the one-time token. Parts are the processes that `tidegate up` starts; each can
be ended and started again. There is no registry: every image is one that nobody scanned.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import httpx2

from tidegate.hubclient import HubClient
from tidegate.local.certificates import Authority
from tidegate.local.data_folder import DataFolder, write_private
from tidegate.local.install import install, register_webhook, write_account_kubeconfig
from tidegate.local.kubernetes import KubePrograms, LocalCluster
from tidegate.local.part import Part, PartPlan
from tidegate.local.plans import GATE_PATH, Site, plan_agent, plan_gate, plan_hub
from tidegate.wire.hub_v1 import ClusterEnrolV1

READY_S = 40.0
"""How long a cluster may take until its gate has the hub's rules in force."""

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fleet is made on."""

    root: Path
    """An empty folder."""
    programs: KubePrograms
    environment: Mapping[str, str]
    """What processes inherit."""
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Member:
    """One cluster of a fleet."""

    name: str
    cluster: LocalCluster
    agent: Part
    gate: Part

    @property
    def kubeconfig(self) -> Path:
        """Of an administrator of the cluster."""
        return self.cluster.kubeconfig


@dataclass(frozen=True, slots=True)
class Fleet:
    """What runs."""

    site: Site
    """Where the hub is."""
    hub: Part
    members: Mapping[str, Member]
    environment: Mapping[str, str]
    """What processes inherit."""

    @property
    def url(self) -> str:
        """Base URL of the hub."""
        return self.site.url("hub")

    def client(self) -> HubClient:
        """Return a client of the hub with an administrator's token."""
        return HubClient(self.url, self.site.folder.token("admin"))


@asynccontextmanager
async def running_fleet(
    ground: Ground,
    clusters: Sequence[ClusterEnrolV1],
    settings: Mapping[str, Mapping[str, str]] | None = None,
) -> AsyncIterator[Fleet]:
    """Start a hub and `clusters`; yield once every gate has the hub's rules in force.

    `settings`: by the cluster's name, environment that its agent and gate have besides.

    Raises:
        ExceptionGroup: a part or an API server did not come up; quotes its log.
    """
    async with AsyncExitStack() as stack:
        maker = _Maker(ground, stack)
        site = maker.site("hub")
        hub = await maker.start(plan_hub(site))
        async with asyncio.TaskGroup() as starting:
            made = [
                starting.create_task(maker.member(site, body, (settings or {}).get(body.name, {})))
                for body in clusters
            ]
        members = [task.result() for task in made]
        named = {member.name: member for member in members}
        yield Fleet(site, hub, named, ground.environment)


class _Maker:
    """Makes the parts of one fleet; they end with `stack`."""

    def __init__(self, ground: Ground, stack: AsyncExitStack) -> None:
        self._ground = ground
        self._stack = stack

    def site(self, name: str) -> Site:
        root = self._ground.root / name
        folder = DataFolder(root)
        ports = folder.ensure()
        now = self._ground.clock()
        authority = Authority(root / "tls", "ca").ensure(now)
        pair = authority.issue("gate", now, common_name="gate", hosts=("127.0.0.1", "localhost"))
        return Site(folder, ports, pair)

    async def start(self, plan: PartPlan) -> Part:
        part = Part(plan, self._ground.environment)
        self._stack.push_async_callback(part.stop)
        await part.start()
        return part

    async def member(self, hub: Site, body: ClusterEnrolV1, settings: Mapping[str, str]) -> Member:
        own = self.site(body.name)
        root = own.folder.root
        cluster = LocalCluster(root / "cluster", self._ground.programs, self._ground.clock)
        self._stack.push_async_callback(cluster.stop)
        await cluster.start()
        await install(cluster)
        kubeconfigs = {name: root / f"{name}.kubeconfig" for name in ("gate", "agent")}
        for name, path in kubeconfigs.items():
            await write_account_kubeconfig(cluster, f"tidegate-{name}", path)
        site = replace(
            own,
            ports={**own.ports, "hub": hub.ports["hub"]},
            gate_kubeconfig=kubeconfigs["gate"],
            agent_kubeconfig=kubeconfigs["agent"],
        )
        agent = await self.start(await _enrolling(hub, site, body, settings))
        named = {"TIDEGATE_GATE_CLUSTER": body.name, **_of("gate", settings)}
        gate = await self.start(_with(plan_gate(site), named))
        await _wait_in_force(hub, site, body.name)
        await register_webhook(cluster, f"{site.url('gate')}{GATE_PATH}", root / "tls" / "ca.crt")
        return Member(body.name, cluster, agent, gate)


async def _enrolling(
    hub: Site, site: Site, body: ClusterEnrolV1, settings: Mapping[str, str]
) -> PartPlan:
    """Return how an agent is started that first enrols as `body` with a one-time token."""
    async with HubClient(hub.url("hub"), hub.folder.token("admin")) as client:
        announced = await client.announce_cluster(body)
    one_time = site.folder.root / "enrol.token"
    write_private(one_time, announced.token.encode())
    environment = {
        "TIDEGATE_AGENT_CLUSTER": body.name,
        "TIDEGATE_AGENT_TOKEN_FILE": str(site.folder.root / "enrolled.token"),
        "TIDEGATE_AGENT_ENROL_TOKEN_FILE": str(one_time),
    }
    return _with(plan_agent(site), {**environment, **_of("agent", settings)})


async def _wait_in_force(hub: Site, site: Site, name: str) -> None:
    """Return once the gate judges by the rules that the hub wants in cluster `name`."""
    context = ssl.create_default_context(cafile=site.folder.root / "tls" / "ca.crt")
    client = HubClient(hub.url("hub"), hub.folder.token("admin"))
    async with client, httpx2.AsyncClient(verify=context) as http, asyncio.timeout(READY_S):
        while (await http.get(f"{site.url('gate')}/readyz")).status_code != httpx2.codes.OK:
            await asyncio.sleep(POLL_S)
        found = await client.get_cluster(name)
        while not found.policy_generation or found.policy_generation != found.wanted_generation:
            await asyncio.sleep(POLL_S)
            found = await client.get_cluster(name)


def _with(plan: PartPlan, environment: Mapping[str, str]) -> PartPlan:
    return replace(plan, environment={**plan.environment, **environment})


def _of(part: str, settings: Mapping[str, str]) -> dict[str, str]:
    prefix = f"TIDEGATE_{part.upper()}_"
    return {name: value for name, value in settings.items() if name.startswith(prefix)}
