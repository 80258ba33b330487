"""`tidegate up`: hub, registry, scan worker, agent, gate and a local cluster, on one machine.

All are children of this process and end with it, however it ends. The same data folder continues
where it was, on the same ports.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar, cast

import httpx2
import msgspec
import yaml

from tidegate.domain.errors import ClusterUnavailableError, ConfigurationError
from tidegate.evidence.trust_file import TrustFile
from tidegate.hubclient import HubClient
from tidegate.local.certificates import Authority
from tidegate.local.data_folder import CLUSTER_NAME, DataFolder, UpState, write_private
from tidegate.local.demo import run_demo
from tidegate.local.existing import ExistingCluster, find_existing
from tidegate.local.install import (
    install,
    local_webhook,
    register_webhook,
    unregister_webhook,
    write_account_kubeconfig,
)
from tidegate.local.kubernetes import LocalCluster, find_programs
from tidegate.local.part import Part, PartPlan
from tidegate.local.plans import (
    GATE_PATH,
    Site,
    plan_agent,
    plan_gate,
    plan_hub,
    plan_registry,
    plan_worker,
)
from tidegate.local.ports import wait_free

READY_S = 30.0
"""How long the gate may take to have the hub's rules in force."""

POLL_S = 0.1
WATCH_S = 2.0
"""How often the local cluster is looked after."""

T = TypeVar("T")

ClusterMode = Literal["auto", "local", "kubeconfig", "none"]


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the command line asks for."""

    data_dir: Path
    cluster: ClusterMode
    demo: bool
    state_file: Path
    """Where other commands look for what was started last."""
    environment: Mapping[str, str]
    """What children inherit."""


class Up:
    """One run; `say` takes a line of progress."""

    def __init__(
        self, options: UpOptions, say: Callable[[str], None], clock: Callable[[], datetime]
    ) -> None:
        self._options = options
        self._say = say
        self._clock = clock
        self._folder = DataFolder(options.data_dir)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[UpState]:
        """Start everything; give what others need to know; end everything.

        Raises:
            ConfigurationError: a part did not come up; names it and quotes its log.
            ClusterUnavailableError: `local` or `kubeconfig` was asked for and cannot be had.
        """
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(self._folder.locked())
            site = self._prepare_site()
            await _demand_free(site)
            cluster = await self._start_parts(stack, site)
            state = self._state(site, cluster)
            await self._wait_in_force(site)
            state.admin_password = await self._initial_password(site)
            if self._options.demo:
                await run_demo(state, self._say)
            body = msgspec.json.encode(state)
            for path in (self._folder.state, self._options.state_file):
                write_private(path, body)
            yield state

    def _prepare_site(self) -> Site:
        ports = self._folder.ensure()
        now = self._clock()
        authority = Authority(self._folder.root / "tls", "ca").ensure(now)
        pair = authority.issue("gate", now, common_name="gate", hosts=("127.0.0.1", "localhost"))
        audience = TrustFile(self._folder.trust).current().audience
        return Site(self._folder, ports, pair, audience=audience)

    async def _start_parts(
        self, stack: contextlib.AsyncExitStack, site: Site
    ) -> LocalCluster | ExistingCluster | None:
        cluster = await _together(
            self._start_cluster(stack, site),
            *(self._start_part(stack, plan) for plan in (plan_hub(site), plan_registry(site))),
        )
        if cluster is not None:
            site = await self._install(cluster, site)
        plans = (plan_worker(site), plan_agent(site), plan_gate(site))
        await _together(*(self._start_part(stack, plan) for plan in plans))
        if cluster is not None:
            ca = self._folder.authority
            await register_webhook(cluster, f"{site.url('gate')}{GATE_PATH}", ca)
            if isinstance(cluster, ExistingCluster):
                # Left behind with failurePolicy Fail, it would refuse every pod of that cluster.
                stack.push_async_callback(unregister_webhook, cluster)
        return cluster

    async def _start_part(self, stack: contextlib.AsyncExitStack, plan: PartPlan) -> None:
        part = Part(plan, self._options.environment)
        stack.push_async_callback(part.stop)
        line = await part.start()
        self._say(f"{plan.name:<10}{line.url or 'running'}")
        _keep(stack, part.keep(self._say))

    async def _start_cluster(
        self, stack: contextlib.AsyncExitStack, site: Site
    ) -> LocalCluster | ExistingCluster | None:
        match self._options.cluster:
            case "none":
                return None
            case "kubeconfig":
                return find_existing(self._options.environment, self._folder.root / "cluster")
            case "local" | "auto":
                pass
        try:
            programs = find_programs(self._options.environment)
        except ClusterUnavailableError as error:
            if self._options.cluster == "local":
                raise
            self._say(f"cluster   none: {error}")
            return None
        folder = self._folder.root / "cluster"
        # The parts start meanwhile: their ports are free still, and are not to be taken for it.
        cluster = LocalCluster(folder, programs, self._clock, avoid=site.ports.values())
        stack.push_async_callback(cluster.stop)
        await cluster.start()
        self._say(f"cluster   {cluster.url}")
        _keep(stack, self._watch(cluster))
        return cluster

    async def _watch(self, cluster: LocalCluster) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                cluster.demand_alive()
            except ClusterUnavailableError as error:
                self._say(f"the local cluster is gone, start `tidegate up` again: {error}")
                return

    async def _install(self, cluster: LocalCluster | ExistingCluster, site: Site) -> Site:
        trusted = TrustFile(self._folder.trust).current()
        pull_secrets = {each.pull_secret for each in trusted.registries if each.pull_secret}
        await install(cluster, sorted(pull_secrets))
        folder = self._folder.root / "cluster"
        folder.mkdir(exist_ok=True, mode=0o700)
        kubeconfigs = {name: folder / f"{name}.kubeconfig" for name in ("gate", "agent")}
        for name, path in kubeconfigs.items():
            await write_account_kubeconfig(cluster, f"tidegate-{name}", path)
        webhook = local_webhook(f"{site.url('gate')}{GATE_PATH}", self._folder.authority)
        (folder / "webhook.yaml").write_text(yaml.safe_dump(webhook, sort_keys=False))
        return replace(
            site,
            gate_kubeconfig=kubeconfigs["gate"],
            agent_kubeconfig=kubeconfigs["agent"],
            webhook_file=folder / "webhook.yaml",
        )

    def _state(self, site: Site, cluster: LocalCluster | ExistingCluster | None) -> UpState:
        return UpState(
            hub=site.url("hub"),
            portal=site.url("hub"),
            registry=site.registry_host,
            gate=site.url("gate"),
            gate_ca=str(self._folder.authority),
            kubeconfig=None if cluster is None else str(cluster.kubeconfig),
            admin_token=self._folder.token("admin"),
            data_dir=str(self._folder.root.absolute()),
            public_key=str(self._folder.public_key.absolute()),
        )

    async def _initial_password(self, site: Site) -> str:
        """Return the password of the user `admin` while it is still the initial one."""
        async with HubClient(site.url("hub"), self._folder.token("admin")) as hub:
            users = await hub.list_users()
        initial = any(user.name == "admin" and user.must_change_password for user in users)
        return self._folder.admin_password.read_text().strip() if initial else ""

    async def _wait_in_force(self, site: Site) -> None:
        """Return when the gate is ready and the cluster has the rules that the hub wants there.

        Raises:
            ConfigurationError: not within `READY_S`; says what is lacking.
        """
        lacking = "no answer"
        context = ssl.create_default_context(cafile=self._folder.authority)
        hub = HubClient(site.url("hub"), self._folder.token("admin"))
        async with hub, httpx2.AsyncClient(verify=context) as http:
            try:
                async with asyncio.timeout(READY_S):
                    while lacking := await self._lacking(hub, http, site):
                        await asyncio.sleep(POLL_S)
            except TimeoutError as error:
                raise ConfigurationError(
                    f"not ready within {READY_S:g} s: {lacking}; logs are in "
                    f"{self._folder.root / 'logs'}"
                ) from error

    async def _lacking(self, hub: HubClient, http: httpx2.AsyncClient, site: Site) -> str:
        try:
            answer = await http.get(f"{site.url('gate')}/readyz")
        except httpx2.HTTPError as error:
            return f"the gate does not answer: {error}"
        if answer.status_code != 200:
            return f"the gate is not ready: {answer.text[:500]}"
        cluster = await hub.get_cluster(CLUSTER_NAME)
        if not cluster.policy_generation or cluster.policy_generation != cluster.wanted_generation:
            return "the cluster does not have the hub's rules yet"
        return ""


def _keep(stack: contextlib.AsyncExitStack, watching: Coroutine[object, object, None]) -> None:
    """Run `watching` until the stack ends it, before what was put there earlier is ended."""
    task = asyncio.create_task(watching)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


async def _together(first: Awaitable[T], *others: Awaitable[object]) -> T:
    """Run all at once and return the first one's result; where one fails, end the others.

    Raises:
        TidegateError: the one that failed first.
    """
    tasks = [asyncio.ensure_future(each) for each in (first, *others)]
    try:
        result, *_ = await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    return cast("T", result)


async def _demand_free(site: Site) -> None:
    """Do nothing when every port that the parts kept is free.

    Raises:
        ConfigurationError: somebody else listens on one; names it.
    """
    taken = await wait_free(site.ports)
    if taken:
        named = ", ".join(f"{port} ({part})" for part, port in taken.items())
        raise ConfigurationError(
            f"ports of this data folder are taken: {named}; end what listens there, or remove "
            f"{site.folder.root / 'ports.json'} for new ones"
        )
