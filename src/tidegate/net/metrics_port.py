"""A port of its own for `/metrics` and `/healthz`, plain HTTP: Prometheus needs no other door.

It takes no body, knows no token and answers nothing else, so that a network policy can open it to
a Prometheus and keep the part's own port for those who have business there. Whoever reaches it may
read the numbers: they hold names of clusters, registries and keys, and no secret.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import structlog
from prometheus_client import CONTENT_TYPE_LATEST

from tidegate.domain.errors import ConfigurationError
from tidegate.net.bodies import Bodies
from tidegate.net.connections import Connections
from tidegate.net.http1 import Connection
from tidegate.net.limits import ConnectionLimits
from tidegate.net.messages import Request, Response

LIMITS = ConnectionLimits(max_header_bytes=8 * 1024, max_connections=64)
"""A Prometheus or two, and nobody who may stay for long without asking."""

DRAIN_S = 1.0
KIND = CONTENT_TYPE_LATEST.encode()

log = structlog.get_logger(__name__)


class MetricsApp:
    """Answers `GET /metrics` with what `render` returns, made once for all who ask meanwhile."""

    def __init__(self, render: Callable[[], Awaitable[bytes]]) -> None:
        self._render = render
        self._under_way: asyncio.Task[bytes] | None = None

    def refuse(self, request: Request) -> Response | None:
        """Return why `request` is refused before its body is read; None: it is not."""
        if request.method not in ("GET", "HEAD"):
            return Response(405, f"got {request.method}, want GET /metrics\n".encode())
        if request.path not in ("/metrics", "/healthz"):
            return Response(404, b"nothing here; want GET /metrics or /healthz\n")
        return None

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        """Return the answer to a request that was not refused, or what gives it later."""
        return Response(200, b"ok\n") if request.path == "/healthz" else self._metrics()

    async def _metrics(self) -> Response:
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.ensure_future(self._render())
        # Shielded: who asked first may leave, and others wait for the same answer.
        return Response(200, await asyncio.shield(self._under_way), KIND)


@asynccontextmanager
async def metrics_port(
    host: str, port: int | None, render: Callable[[], Awaitable[bytes]]
) -> AsyncIterator[str]:
    """Listen while the context lasts; give the base URL, empty where `port` is None.

    `port` 0 takes one that is free; the log says which.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    if port is None:
        yield ""
        return
    loop = asyncio.get_running_loop()
    connections = Connections(MetricsApp(render), LIMITS, Bodies(0), loop=loop)
    try:
        server = await loop.create_server(partial(Connection, connections), host, port)
    except OSError as error:
        await connections.end(0)
        raise ConfigurationError(f"{host}:{port}: cannot serve metrics there: {error}") from error
    try:
        name, number = server.sockets[0].getsockname()[:2]
        url = f"http://{f'[{name}]' if ':' in name else name}:{number}"
        log.info("metrics", url=url)
        yield url
    finally:
        server.close()
        await connections.end(DRAIN_S)
