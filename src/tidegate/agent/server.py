"""The agent as a process: settings to running loops and a listening socket, and a clean end."""

import asyncio
import contextlib
import signal
import socket
import sqlite3
import time
from collections.abc import Coroutine, Generator, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
import uvicorn
from lightkube import AsyncClient
from prometheus_client import generate_latest

from tidegate.agent.admitted import open_index
from tidegate.agent.admitted_link import AdmittedLink, living_in
from tidegate.agent.certificates import GateSecrets
from tidegate.agent.enrolment import FilePlace, SecretPlace, TokenPlace, obtain_token
from tidegate.agent.feed import FeedLink
from tidegate.agent.feed_copy import open_copy
from tidegate.agent.folder import FolderKeeper
from tidegate.agent.gate_link import GateLink
from tidegate.agent.hub_link import HubLink
from tidegate.agent.inventory import InventoryLink
from tidegate.agent.keeper import ClusterKeeper
from tidegate.agent.protection import Protection
from tidegate.agent.rejudge import Rejudge
from tidegate.agent.relay import Relay
from tidegate.agent.running import list_pods
from tidegate.agent.settings import Settings
from tidegate.domain.errors import ConfigurationError, MissingSettingError
from tidegate.hubclient import HubClient
from tidegate.kube.client import connect
from tidegate.net.metrics_port import metrics_port
from tidegate.process import announce, configure_logs, listen

DRAIN_S = 3
"""For requests under way at SIGTERM; the process has 5 s in all."""

FIELD_MANAGER = "tidegate-agent"

log = structlog.get_logger()


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: the settings cannot work.
    """
    configure_logs(settings.log_level)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        client = _cluster(settings)
        early: list[asyncio.Task[None]] = []
        gate_secrets = _gate_secrets(settings, client)
        if client is not None:
            stack.push_async_callback(client.close)
        if gate_secrets is not None:
            # Before the hub is asked for anything: gates wait for their certificate.
            early.append(asyncio.create_task(gate_secrets.run()))
            stack.push_async_callback(_end, early)
        token = await _until_stopped(stop, _token(settings, client))
        if token is None:
            return
        keeper = _keeper(settings, client)
        hub = HubClient(settings.hub_url, token) if settings.hub_url else None
        if hub is not None:
            await stack.enter_async_context(hub)
        protection = _protection(settings, client, keeper)
        feed = _feed(settings, hub, stack)
        admitted = _admitted(settings, client, stack)
        relay = Relay(
            hub,
            settings.gate_token_file,
            lambda: (*keeper.problems, *(gate_secrets.problems if gate_secrets else ())),
            feed,
            admitted,
            protection,
        )
        loops = [keeper.run(), *(protection.loops() if protection else ())]
        if feed is not None:
            loops.append(feed.run())
        if admitted is not None:
            loops.append(admitted.run())
        if hub is not None:
            seen = protection.report if protection else None
            link = HubLink(hub, settings.cluster, keeper, feed, protection=seen)
            loops.append(link.run())
            if client is not None and isinstance(keeper, ClusterKeeper):
                loops.append(InventoryLink(hub, settings.cluster, client).run())
                loops.extend(_rejudging(settings, hub, client, keeper, admitted, stack))
        listener = stack.enter_context(contextlib.closing(listen(settings.host, settings.port)))
        await stack.enter_async_context(
            metrics_port(settings.host, settings.metrics_port, _render_metrics)
        )
        server = _Server(relay)
        tasks = [asyncio.create_task(loop) for loop in (*loops, server.serve([listener]))]
        stopping = asyncio.create_task(stop.wait())
        _announce(listener)
        try:
            await asyncio.wait({stopping, *early, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.should_exit = True
            await asyncio.wait({tasks[-1]}, timeout=DRAIN_S + 1)
            await _end((stopping, *tasks))


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what runs; raise what ended by a failure, so that the process does not linger."""
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


async def _until_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, str]) -> str | None:
    """Return what `work` does; None where the process is told to end meanwhile."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    done = working.result() if working.done() else None
    await _end((working, stopping))
    return done


async def _token(settings: Settings, client: AsyncClient | None) -> str:
    """Return the cluster's token for the hub; empty without a hub."""
    if not settings.hub_url:
        return ""
    async with HubClient(settings.hub_url, "") as hub:
        return await obtain_token(settings, _place(settings, client), hub)


def _place(settings: Settings, client: AsyncClient | None) -> TokenPlace:
    if client is not None and settings.token_secret:
        return SecretPlace(client, settings.token_secret, settings.namespace)
    if settings.token_file is None:
        raise MissingSettingError("TIDEGATE_AGENT_TOKEN_FILE is not set")
    return FilePlace(settings.token_file)


def _cluster(settings: Settings) -> AsyncClient | None:
    return None if settings.policy_dir else connect(settings.kubeconfig, FIELD_MANAGER)


def _gate_secrets(settings: Settings, client: AsyncClient | None) -> GateSecrets | None:
    if client is None or not (settings.gate_service or settings.gate_token_secret):
        return None
    return GateSecrets(
        client,
        settings.namespace,
        _now,
        service=settings.gate_service,
        token_secret=settings.gate_token_secret,
    )


def _keeper(settings: Settings, client: AsyncClient | None) -> ClusterKeeper | FolderKeeper:
    if client is not None:
        return ClusterKeeper(client, settings.namespace, _now)
    if settings.policy_dir is None:
        raise MissingSettingError("TIDEGATE_AGENT_POLICY_DIR is not set")
    return FolderKeeper(settings.policy_dir, _now)


def _protection(
    settings: Settings, client: AsyncClient | None, keeper: ClusterKeeper | FolderKeeper
) -> Protection | None:
    if client is None or not isinstance(keeper, ClusterKeeper):
        return None
    return Protection(client, settings, keeper, _now)


def _now() -> datetime:
    return datetime.now(UTC)


async def _render_metrics() -> bytes:
    return generate_latest()


def _gate(settings: Settings, stack: contextlib.AsyncExitStack) -> GateLink | None:
    if not (settings.gate_url and settings.gate_token_file):
        return None
    gate = GateLink(settings.gate_url, settings.gate_ca_file, settings.gate_token_file)
    stack.push_async_callback(gate.aclose)
    return gate


def _rejudging(
    settings: Settings,
    hub: HubClient,
    client: AsyncClient,
    keeper: ClusterKeeper,
    admitted: AdmittedLink | None,
    stack: contextlib.AsyncExitStack,
) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what judges again, where there is a gate to ask."""
    gate = _gate(settings, stack)
    if gate is not None:
        pods = partial(list_pods, client)
        yield Rejudge(hub, settings.cluster, gate, pods, keeper, admitted).run()


def _feed(
    settings: Settings, hub: HubClient | None, stack: contextlib.AsyncExitStack
) -> FeedLink | None:
    if settings.data_dir is None:
        return None
    try:
        copy = open_copy(settings.data_dir / "feed")
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(
            f"TIDEGATE_AGENT_DATA_DIR {settings.data_dir}: the feed cannot be kept there: {error}"
        ) from error
    stack.callback(copy.close)
    return FeedLink(hub, copy, time.time)


def _admitted(
    settings: Settings, client: AsyncClient | None, stack: contextlib.AsyncExitStack
) -> AdmittedLink | None:
    if settings.data_dir is None or client is None:
        return None
    try:
        index = open_index(settings.data_dir / "admitted")
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(
            f"TIDEGATE_AGENT_DATA_DIR {settings.data_dir}: the index of admissions cannot be kept "
            f"there: {error}"
        ) from error
    stack.callback(index.close)
    return AdmittedLink(index, living_in(client), _now)


def _announce(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    log.info("serving", url=url)
    announce("agent", url)


class _Server(uvicorn.Server):
    """uvicorn's server that leaves signals to the process."""

    def __init__(self, app: Relay) -> None:
        config = uvicorn.Config(
            app,
            interface="asgi3",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=256,
            timeout_graceful_shutdown=DRAIN_S,
        )
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone."""
        yield
