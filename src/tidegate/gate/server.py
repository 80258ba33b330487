"""Serves the gate: TLS for the API server, an optional plain port for probes, clean start and end.

`net.http1` does HTTP; here are the handshake deadline, a certificate that is replaced while
serving, and an end that lets running reviews finish.
"""

import asyncio
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from tidegate.gate.app import GateApp
from tidegate.gate.metrics import CERTIFICATE_EXPIRES_AT, CUT_CONNECTIONS
from tidegate.gate.tls import RELOAD_INTERVAL_S, Certificate
from tidegate.net.bodies import Bodies
from tidegate.net.connections import Connections
from tidegate.net.http1 import Connection
from tidegate.net.limits import ConnectionLimits

HANDSHAKE_DEADLINE_S = 5.0
"""From the TCP connection to the end of the TLS handshake; uvloop's default is a minute."""

BACKLOG = 2048
"""Connections that wait to be accepted: an API server that starts opens many at once."""

LINGER_S = 1.0
"""At the end, how long connections are kept for reviews that are on their way already."""

DRAIN_S = 3.0
"""For running reviews after that; evidence takes no longer. The process has 5 s in all."""


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
    is_shared: bool = False
    """Other processes listen there too, and each connection is for one of them."""
    path: str = ""
    """Of a Unix socket, in the place of host and port."""


class HttpServer:
    """One listening port."""

    def __init__(self, app: GateApp, endpoint: Endpoint) -> None:
        self._app = app
        self._endpoint = endpoint
        self.connections: Connections | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen and return the base URL; a Unix socket has none.

        Raises:
            OSError: the address cannot be listened on.
        """
        endpoint = self._endpoint
        bodies = Bodies(self._app.max_body_bytes)
        connections = Connections(self._app, endpoint.limits, bodies, on_cut=_count_cut)
        self.connections = connections
        connection = partial(Connection, connections)
        loop = asyncio.get_running_loop()
        if endpoint.path:
            with suppress(FileNotFoundError):
                os.unlink(endpoint.path)  # noqa: PTH108 of a process before us
            self._server = await loop.create_unix_server(
                partial(Connection, connections), endpoint.path
            )
            return ""
        server = self._server = await loop.create_server(
            connection,
            host=endpoint.host,
            port=endpoint.port,
            ssl=endpoint.context,
            backlog=BACKLOG,
            reuse_port=endpoint.is_shared,
            ssl_handshake_timeout=HANDSHAKE_DEADLINE_S if endpoint.context else None,
        )
        host, port = server.sockets[0].getsockname()[:2]
        scheme = "https" if endpoint.context else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        """Stop to listen, answer what was sent, let running requests finish, close."""
        if self._server is not None:
            self._server.close()
        if self.connections is not None:
            await self.connections.end(DRAIN_S, LINGER_S)


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


def warnings_of(
    certificate: Certificate, *sources: Callable[[], tuple[str, ...]]
) -> Callable[[], tuple[str, ...]]:
    """Return what tells what is not as it should be now, and stops nothing."""

    def warnings() -> tuple[str, ...]:
        told = (source() for source in sources)
        return (*certificate.warnings(utc_now()), *(each for some in told for each in some))

    return warnings
