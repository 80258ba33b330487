"""The gate as a process: everything put together, from start to end."""

import asyncio
import fcntl
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import structlog

from tidegate.domain.errors import ConfigurationError
from tidegate.gate.admitted import Admissions, Follower, Teller
from tidegate.gate.app import Access, GateApp
from tidegate.gate.delivery import AgentDelivery
from tidegate.gate.first_sight import FirstSight
from tidegate.gate.heap import keep_trimmed
from tidegate.gate.journal import Journal
from tidegate.gate.members import member_folder
from tidegate.gate.own_pods import OwnPods
from tidegate.gate.review import Reviewer
from tidegate.gate.server import (
    Endpoint,
    HttpServer,
    keep_certificate_fresh,
    problems_of,
    utc_now,
    warnings_of,
)
from tidegate.gate.settings import Settings
from tidegate.gate.siblings import Siblings, bound_path
from tidegate.gate.slots import Slots
from tidegate.gate.sources import Sources, keep_running, open_sources
from tidegate.gate.spool import Spool
from tidegate.gate.tls import Certificate, TlsFiles
from tidegate.net.limits import ConnectionLimits

FIRST_RULES_S = 5.0
"""How long the gate keeps its first word for rules; it answers without them too, by denying."""

COLLECT_AFTER = (20_000, 10, 10)
"""A review makes some thousand objects for a moment, none in a cycle: looking for cycles after each
700, as Python does, is work for nothing."""

SWITCH_AFTER_S = 0.0005
"""How long the spool's thread may go on while reviews wait: Python's own 5 ms are more than the
slowest of a hundred reviews should take."""

_MIB = 1024 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """Which of several processes of one gate this is."""

    data_dir: Path
    """Of the gate."""
    index: int
    count: int

    @property
    def others(self) -> list[Path]:
        """The folders of the other processes."""
        return [member_folder(self.data_dir, n) for n in range(self.count) if n != self.index]


async def run_gate(
    settings: Settings,
    stop: asyncio.Event,
    announce: Callable[[str], None],
    member: Member | None = None,
) -> None:
    """Serve until `stop` is set; `announce` is told the base URL when the gate answers.

    Nobody else may use the data folder meanwhile; one of several processes sees to that itself. The
    end comes in this order: running reviews finish, their events are written, sources close.

    Raises:
        TidegateError: the settings cannot work.
        OSError: an address cannot be listened on.
    """
    files = TlsFiles(settings.tls_cert_file, settings.tls_key_file, settings.client_ca_file)
    certificate = Certificate(files)
    async with AsyncExitStack() as stack:
        if member is not None:
            stack.enter_context(alone_in(settings.data_dir))
        sources = await open_sources(settings, stack, utc_now)
        sources.runs += [partial(keep_certificate_fresh, certificate), keep_trimmed]
        for run in sources.runs:
            stack.push_async_callback(_end, asyncio.create_task(keep_running(run)))
        agent = _agent(settings)
        teller = Teller(agent) if agent is not None and settings.policy_dir is None else None
        journal = _open_journal(settings, agent, teller)
        journal.start()
        stack.push_async_callback(journal.close)
        own_pods = _own_pods(sources, agent, teller, stack)
        scans = None
        if agent is not None:
            time = asyncio.get_running_loop().time
            scans = FirstSight(agent, sources.evidence.canonical, time)
            stack.push_async_callback(scans.aclose)
        reviewer = _reviewer(settings, sources, journal, scans, own_pods)
        app = _app(settings, sources, certificate, reviewer)
        limits = ConnectionLimits(max_connections=settings.max_connections)
        if member is not None:
            directory, path = bound_path(settings.data_dir)
            stack.callback(os.close, directory)
            await _serve(app.probes_only(), Endpoint(path=path, limits=limits), stack)
            app = app.beside(Siblings(member.others))
            await _rules_read(sources)  # before reviews come: the others have rules
        shared = member is not None
        main = Endpoint(settings.host, settings.port, certificate.context, limits, is_shared=shared)
        url = await _serve(app, main, stack)
        if settings.metrics_port is not None:
            probes = Endpoint(settings.host, settings.metrics_port, limits=limits, is_shared=shared)
            log.info("probes and metrics", url=await _serve(app.probes_only(), probes, stack))
        await _rules_read(sources)
        gc.collect()
        gc.freeze()  # what is loaded by now stays: collections need not look at it again
        gc.set_threshold(*COLLECT_AFTER)
        sys.setswitchinterval(SWITCH_AFTER_S)
        log.info("the gate answers", url=url)
        announce(url)
        await stop.wait()
        log.info("the gate ends")


def _own_pods(
    sources: Sources, agent: AgentDelivery | None, teller: Teller | None, stack: AsyncExitStack
) -> OwnPods | None:
    """Return what lets a workload's own pods come back, kept up to date by the agent."""
    if agent is None or teller is None:
        return None
    admitted, policies = Admissions(), sources.policies
    follower = Follower(admitted, agent, lambda: policies.snapshot().re_admits)
    for run in (teller.run, follower.run):
        stack.push_async_callback(_end, asyncio.create_task(keep_running(run)))
    return OwnPods(sources.cluster, admitted)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold `folder` against a second gate: spool and memory are not for two."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"TIDEGATE_GATE_DATA_DIR {folder} is another gate's; give each gate its own"
            ) from error
        yield


async def _serve(app: GateApp, endpoint: Endpoint, stack: AsyncExitStack) -> str:
    server = HttpServer(app, endpoint)
    url = await server.start()
    stack.push_async_callback(server.stop)
    return url


async def _rules_read(sources: Sources) -> None:
    """Wait for the first rules, for a moment: reviews before them are denied."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_RULES_S):
            while not sources.policies.ready[0]:
                await asyncio.sleep(0.02)


def _agent(settings: Settings) -> AgentDelivery | None:
    if not settings.agent_url:
        return None
    return AgentDelivery(settings.agent_url, settings.agent_token_file)


def _open_journal(
    settings: Settings, agent: AgentDelivery | None, teller: Teller | None
) -> Journal:
    spool = Spool(settings.data_dir / "spool", settings.spool_max_mib * _MIB)
    return Journal(spool, agent, tell=teller.tell if teller is not None else None)


def _reviewer(
    settings: Settings,
    sources: Sources,
    journal: Journal,
    scans: FirstSight | None,
    own_pods: OwnPods | None,
) -> Reviewer:
    return Reviewer(
        sources.policies,
        sources.evidence,
        sources.cluster,
        journal,
        slots=Slots(settings.max_in_flight),
        scans=scans,
        reports=sources.reports if settings.first_sight_wait_s else None,
        break_glass=sources.break_glass,
        own_pods=own_pods,
        cluster_name=settings.cluster,
    )


def _app(
    settings: Settings, sources: Sources, certificate: Certificate, reviewer: Reviewer
) -> GateApp:
    return GateApp(
        reviewer,
        clock=utc_now,
        timer=monotonic,
        problems=problems_of(certificate, sources.problems),
        warnings=warnings_of(certificate, sources.warnings),
        access=Access(
            settings.client_ca_file is not None,
            settings.direct_token_file,
            settings.agent_token_file,
        ),
        max_body_bytes=settings.max_body_mib * _MIB,
    )


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
