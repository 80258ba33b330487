"""Serves the gate: TLS for the API server, an optional plain port for probes, clean start and end.

uvicorn does HTTP; around it stand what it lacks: a handshake deadline, guarded connections, a
certificate that is replaced while serving, and an end that lets running reviews finish.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn

from tidegate.gate.app import GateApp
from tidegate.gate.metrics import CERTIFICATE_EXPIRES_AT, CUT_CONNECTIONS
from tidegate.gate.tls import RELOAD_INTERVAL_S, Certificate
from tidegate.net.guard import ConnectionLimits, GuardedProtocol, guarded

HANDSHAKE_DEADLINE_S = 5.0
"""From the TCP connection to the end of the TLS handshake; uvloop's default is a minute."""

KEEP_ALIVE_S = 120
"""Longer than the 90 s after which Go's client closes an idle connection: it must be the one to
close, or a review may be sent into a connection that just ended."""

DRAIN_S = 3
"""For running reviews at the end; evidence takes no longer. The process has 5 s in all."""


def utc_now() -> datetime:
    """Return the current instant, UTC: the one place where the gate reads the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen, and how."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: one that is free."""
    context: ssl.SSLContext | None = None
    """None: plain HTTP."""
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)


class HttpServer:
    """One listening port."""

    def __init__(self, app: GateApp, endpoint: Endpoint) -> None:
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
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
        )
        self._server = _Listener(config, endpoint)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Listen and return the base URL.

        Raises:
            OSError: the address cannot be listened on.
        """
        self._task = asyncio.create_task(self._server.serve())
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait({self._task, listening}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            listening.cancel()
            self._task.result()  # raises why it could not listen
        return self._server.url

    async def stop(self) -> None:
        """Stop to listen, let running requests finish within `DRAIN_S`, close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Listener(uvicorn.Server):
    """uvicorn's server with its own way to listen; signals are the caller's business."""

    def __init__(self, config: uvicorn.Config, endpoint: Endpoint) -> None:
        super().__init__(config)
        self._endpoint = endpoint
        self.listening = asyncio.Event()
        self.url = ""

    async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401, ARG002 uvicorn's signature
        """Listen; uvicorn's own startup has no way to set the handshake deadline."""
        endpoint = self._endpoint
        protocol = guarded(endpoint.limits, _count_cut, _TlsProtocol)

        def connection() -> asyncio.Protocol:
            return protocol(config=self.config, server_state=self.server_state, app_state={})

        server = await asyncio.get_running_loop().create_server(
            connection,
            host=endpoint.host,
            port=endpoint.port,
            ssl=endpoint.context,
            backlog=self.config.backlog,
            ssl_handshake_timeout=HANDSHAKE_DEADLINE_S if endpoint.context else None,
        )
        self.servers = [server]
        host, port = server.sockets[0].getsockname()[:2]
        scheme = "https" if endpoint.context else "http"
        self.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        self.started = True
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone."""
        yield


class _TlsProtocol(GuardedProtocol):
    """Tells the application whether the client showed a certificate that was verified."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        verified = bool(transport.get_extra_info("peercert"))
        self.app_state = {**self.app_state, "client_verified": verified}


def _count_cut(reason: str) -> None:
    CUT_CONNECTIONS.labels(reason).inc()


async def keep_certificate_fresh(certificate: Certificate) -> None:
    """Replace the serving certificate whenever its files change; runs until cancelled."""
    while True:
        CERTIFICATE_EXPIRES_AT.set(certificate.expires_at.timestamp())
        await asyncio.sleep(RELOAD_INTERVAL_S)
        certificate.reload_if_changed()


def problems_of(
    certificate: Certificate, *sources: Callable[[], tuple[str, ...]]
) -> Callable[[], tuple[str, ...]]:
    """Return what tells why the gate cannot enforce now: nothing where it can."""

    def problems() -> tuple[str, ...]:
        found = list(certificate.problems(utc_now()))
        for source in sources:
            found.extend(source())
        return tuple(found)

    return problems
