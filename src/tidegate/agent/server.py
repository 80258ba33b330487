"""The agent as a process: settings to running loops and a listening socket, and a clean end."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Generator, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
import uvicorn
from lightkube import AsyncClient

from tidegate.agent.folder import FolderKeeper
from tidegate.agent.hub_link import HubLink
from tidegate.agent.inventory import InventoryLink
from tidegate.agent.keeper import ClusterKeeper
from tidegate.agent.relay import Relay
from tidegate.agent.settings import Settings
from tidegate.domain.errors import ConfigurationError, MissingSettingError
from tidegate.hubclient import HubClient
from tidegate.kube.client import connect

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
        cluster = await stack.enter_async_context(_cluster(settings))
        keeper = _keeper(settings, cluster)
        hub = await stack.enter_async_context(_hub(settings)) if settings.hub_url else None
        relay = Relay(hub, settings.gate_token_file, lambda: keeper.problems)
        loops = [keeper.run()]
        if hub is not None:
            loops.append(HubLink(hub, settings.cluster, keeper).run())
            if cluster is not None:
                loops.append(InventoryLink(hub, settings.cluster, cluster).run())
        listener = stack.enter_context(contextlib.closing(_listen(settings)))
        server = _Server(relay)
        tasks = [asyncio.create_task(loop) for loop in (*loops, server.serve([listener]))]
        stopping = asyncio.create_task(stop.wait())
        _announce(listener)
        try:
            await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
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


@contextlib.asynccontextmanager
async def _cluster(settings: Settings) -> AsyncIterator[AsyncClient | None]:
    """Connect to the cluster; None where policy objects go to a folder."""
    if settings.policy_dir is not None:
        yield None
        return
    client = connect(settings.kubeconfig, FIELD_MANAGER)
    try:
        yield client
    finally:
        await client.close()


def _keeper(settings: Settings, cluster: AsyncClient | None) -> ClusterKeeper | FolderKeeper:
    if settings.policy_dir is not None:
        return FolderKeeper(settings.policy_dir)
    if cluster is None:
        raise MissingSettingError("TIDEGATE_AGENT_KUBECONFIG is not set, and there is no cluster")
    return ClusterKeeper(cluster, settings.namespace, lambda: datetime.now(UTC))


def _hub(settings: Settings) -> HubClient:
    if settings.token_file is None:
        raise MissingSettingError("TIDEGATE_AGENT_TOKEN_FILE is not set")
    try:
        token = settings.token_file.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"TIDEGATE_AGENT_TOKEN_FILE {settings.token_file}: {error.strerror}"
        ) from error
    return HubClient(settings.hub_url, token)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"{settings.host}:{settings.port}: cannot listen there: {error}"
        ) from error


def _announce(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    log.info("serving", url=url)
    sys.stdout.write(msgspec.json.encode({"part": "agent", "url": url}).decode() + "\n")
    sys.stdout.flush()


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


def configure_logs(level: str) -> None:
    """Send everything from `level` up as JSON lines to standard error, libraries' too."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: tuple[structlog.types.Processor, ...] = (
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    )
    render = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=render, foreign_pre_chain=shared)
    )
    # Libraries log each request at INFO; what matters of them is WARNING and above.
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
