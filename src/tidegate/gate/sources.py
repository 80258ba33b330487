"""What the gate decides by, put together from its settings: rules, evidence and the cluster.

Each source keeps itself up to date in a task of its own. A task that fails is started again: a
source that stopped without a word would leave yesterday's rules in force for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from tidegate.evidence.cache import EvidenceCache
from tidegate.evidence.gather import DEFAULT_LIMITS, Gatherer
from tidegate.evidence.memory import ReportMemory
from tidegate.evidence.trust_file import TrustFile
from tidegate.gate.feed_source import open_feed
from tidegate.gate.metrics import PROBLEMS
from tidegate.gate.owners import KubernetesFacts, LightkubeReader, NoCluster
from tidegate.gate.policy import PolicyStore
from tidegate.gate.ports import BreakGlassSource, ClusterSource
from tidegate.gate.registries import Registries
from tidegate.gate.report_wait import ReportWait
from tidegate.gate.settings import Settings
from tidegate.oci.pull_secret import SecretReader

if TYPE_CHECKING:
    from lightkube import AsyncClient

RESTART_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Sources:
    """Everything that a `Reviewer` asks, and why it may not be able to answer."""

    policies: PolicyStore
    evidence: Gatherer
    cluster: ClusterSource
    trust: TrustFile
    reports: ReportWait
    """Who waits for reports; what brings some to memory rings it."""
    break_glass: BreakGlassSource | None = None
    """None without a cluster: nobody could say who may make such objects."""
    feed_warnings: Callable[[], tuple[str, ...]] | None = None
    """What is wrong with the feed's age; None: there is no feed."""
    runs: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What keeps them up to date, each until cancelled."""

    def problems(self) -> tuple[str, ...]:
        """Return why the gate cannot enforce; empty where it can."""
        PROBLEMS.labels("policy").set(len(self.policies.problems))
        PROBLEMS.labels("trust").set(bool(self.trust.problem))
        ready, reasons = self.policies.ready
        found = () if ready else reasons
        if not self.trust.current().keys:
            found = (*found, "trust.yaml names no evidence key, so no findings can count; add one")
        return found

    def warnings(self) -> tuple[str, ...]:
        """Return what is not in force as it was written, or old; it stops nothing."""
        found = self.policies.problems if self.policies.ready[0] else ()
        if self.trust.problem:
            found = (*found, f"trust.yaml is not in force as it is: {self.trust.problem}")
        return (*found, *(self.feed_warnings() if self.feed_warnings else ()))


async def open_sources(
    settings: Settings, stack: AsyncExitStack, clock: Callable[[], datetime]
) -> Sources:
    """Return the sources that `settings` name; `stack` closes them.

    Raises:
        InvalidTrustError: trust.yaml, or a credential file that it names, cannot be used.
        MissingSettingError: there is no way to connect to the cluster.
    """
    trust = TrustFile(settings.trust_file)
    client = _connect(settings, stack)
    registries = Registries(trust, _secret_reader(client))
    cache = EvidenceCache(DEFAULT_LIMITS)
    memory = ReportMemory(settings.data_dir / "reports.jsonl")
    reports = ReportWait(settings.first_sight_wait_s, monotonic)
    feed = await open_feed(settings, trust.current, memory, clock, stack, ring=reports.ring)
    fed = None if feed is None else feed.evidence
    evidence = Gatherer(registries.client, trust.current, memory, cache, fed=fed)
    stack.push_async_callback(registries.aclose)
    stack.push_async_callback(evidence.aclose)
    store = PolicyStore()
    runs: list[Callable[[], Awaitable[None]]] = [lambda: registries.follow(evidence)]
    if feed is not None:
        runs.extend(feed.runs(evidence))
    cluster = await _open_policies(settings, store, runs, client)
    break_glass = _open_break_glass(runs, client)
    aged = None if feed is None else feed.age.warnings
    return Sources(store, evidence, cluster, trust, reports, break_glass, aged, runs)


async def keep_running(run: Callable[[], Awaitable[None]]) -> None:
    """Run `run` until cancelled; when it fails, say so and start it again."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("a source of the gate failed and is started again")
        await asyncio.sleep(RESTART_S)


def _connect(settings: Settings, stack: AsyncExitStack) -> "AsyncClient | None":
    """Return a client of the cluster; None where rules come from a folder."""
    if settings.policy_dir is not None:
        return None
    from tidegate.kube.client import connect  # noqa: PLC0415 12 MiB of client

    client: AsyncClient = connect(settings.kubeconfig, "tidegate-gate")
    stack.push_async_callback(client.aclose)
    return client


def _secret_reader(client: "AsyncClient | None") -> SecretReader | None:
    if client is None:
        return None
    from tidegate.kube.secrets import Secrets  # noqa: PLC0415 12 MiB of client
    from tidegate.wire.names import NAMESPACE  # noqa: PLC0415 beside its user

    return Secrets(client, NAMESPACE)


async def _open_policies(
    settings: Settings,
    store: PolicyStore,
    runs: list[Callable[[], Awaitable[None]]],
    client: "AsyncClient | None",
) -> ClusterSource:
    """Add what feeds `store` to `runs`; return who knows about the cluster."""
    if client is None:
        from tidegate.gate.policy_files import (  # noqa: PLC0415 only without a cluster
            DirectoryCopies,
            DirectorySource,
        )

        assert settings.policy_dir is not None  # noqa: S101 - or there were a client
        copies = DirectoryCopies(settings.data_dir / "policy")
        runs.append(DirectorySource(store, settings.policy_dir, copies).run)
        return NoCluster()
    from tidegate.gate.policy_watch import KubernetesSource  # noqa: PLC0415 12 MiB of client
    from tidegate.wire.names import NAMESPACE  # noqa: PLC0415 beside its user

    runs.append(KubernetesSource(store, client, NAMESPACE).run)
    return KubernetesFacts(LightkubeReader(client), asyncio.get_running_loop().time)


def _open_break_glass(
    runs: list[Callable[[], Awaitable[None]]], client: "AsyncClient | None"
) -> BreakGlassSource | None:
    if client is None:
        return None
    from tidegate.kube.break_glass import (  # noqa: PLC0415 12 MiB of client
        BreakGlasses,
        KubernetesBreakGlasses,
    )

    held = BreakGlasses()
    runs.append(KubernetesBreakGlasses(held, client).run)
    return held
