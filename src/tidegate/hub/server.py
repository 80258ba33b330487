"""Runs the hub: reads the clock, listens, says when it is ready, ends on SIGTERM."""

import asyncio
import gc
import signal
import socket
from datetime import UTC, datetime
from functools import partial
from types import FrameType

import uvicorn
import uvloop

from tidegate.hub.api.health import render_metrics
from tidegate.hub.app import make_app, running
from tidegate.hub.context import Hub
from tidegate.hub.oidc.provider import Provider
from tidegate.hub.settings import HubSettings
from tidegate.hub.store.database import Database
from tidegate.hub.store.migrate import migrate
from tidegate.net.guard import guarded
from tidegate.net.limits import ConnectionLimits
from tidegate.net.metrics_port import metrics_port
from tidegate.process import announce

KEEP_ALIVE_S = 75
"""Longer than clients keep an idle connection (5 s, 60 s): the one who closes must not be the one
who does not know that a request is under way."""

CONNECTION_LIMITS = ConnectionLimits(
    header_deadline_s=10,
    body_deadline_s=30,
    min_body_bytes_per_s=64 * 1024,  # details of a scan are tens of megabytes, over slow lines too
    max_connections=4096,
)
"""A caller that sends a byte a minute must not keep a connection for ever."""

GRACE_S = 3
"""Requests that are under way at SIGTERM have so long to end."""


def now() -> datetime:
    """Return the present instant, UTC."""
    return datetime.now(UTC)


def serve(settings: HubSettings) -> int:
    """Serve until SIGTERM; return the exit code.

    Raises:
        ConfigurationError: the database or the bootstrap file cannot be used.
    """
    sign_in = settings.sign_in
    provider = Provider(sign_in.oidc, sign_in.public_url) if sign_in.oidc else None
    hub = Hub(settings, Database(settings.database_url, settings.database), now, provider=provider)
    server = make_server(hub)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignore)  # uvicorn raises it once more after a clean end

    async def run() -> None:
        port = metrics_port(settings.host, settings.metrics_port, partial(render_metrics, hub))
        async with running(hub), port:
            await server.serve()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
    return 0 if server.started else 1


def make_server(hub: Hub, limits: ConnectionLimits = CONNECTION_LIMITS) -> uvicorn.Server:
    """Return the server of a hub; its `serve` runs until SIGTERM or `should_exit`."""
    return _Server(_config(hub, limits), hub)


def migrate_only(settings: HubSettings) -> None:
    """Bring the database to this version's schema and end."""

    async def run() -> None:
        database = Database(settings.database_url)
        try:
            await migrate(database)
        finally:
            await database.close()

    asyncio.run(run())


def _ignore(_: int, __: FrameType | None) -> None:
    """Do nothing."""


class _Server(uvicorn.Server):
    """Uvicorn, with the ready line on standard output and an end to all waiting at its end."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            gc.collect()
            gc.freeze()  # what is loaded by now stays: collections need not look at it again
            announce("hub", self._url())

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._hub.signals.close()
        super().handle_exit(sig, frame)

    def _url(self) -> str:
        host, port, *_ = self.servers[0].sockets[0].getsockname()
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(hub: Hub, limits: ConnectionLimits) -> uvicorn.Config:
    def count_cut(reason: str) -> None:
        hub.metrics.cut.labels(reason).inc()

    return uvicorn.Config(
        make_app(hub),
        host=hub.settings.host,
        port=hub.settings.port,
        http=guarded(limits, count_cut),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # a header must not make a stranger look like loopback
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
