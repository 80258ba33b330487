"""Limits on connections that the HTTP server lacks: time, size and number.

uvicorn has no deadline for a first request, a half header or a half body, no cap on headers with
httptools and none on connections that answers politely (tried with 0.54; INTEROP, "uvicorn"). This
subclass adds them. It leans on its internals (`connections`, the parser callbacks, `transport`),
so the tests that dribble bytes at a real server must pass with each new version.
"""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tidegate.net.limits import ConnectionLimits


def guarded(
    limits: ConnectionLimits,
    on_cut: Callable[[str], None],
    protocol: "type[GuardedProtocol] | None" = None,
) -> type[HttpToolsProtocol]:
    """Return the protocol class with `limits`, as uvicorn's `http` setting takes it.

    `on_cut` gets the reason for which a connection was cut.
    """
    own = {"limits": limits, "on_cut": lambda _, reason: on_cut(reason)}
    return type("LimitedProtocol", (protocol or GuardedProtocol,), own)


class GuardedProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection that is cut when it takes too long or too much."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def on_cut(self, reason: str) -> None:
        """Take note of a cut connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection and start the clock; uvicorn narrows the argument likewise."""
        self._deadline: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._body_bytes = 0
        self._body_began_at = 0.0
        self._in_header = True
        self._message_ended = False
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._cut("too many connections")
            return
        self._restart(self.limits.header_deadline_s, "header deadline")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bound the header, whose end the parser has not seen when this returns."""
        if self._in_header and self._deadline is None:
            self._restart(self.limits.header_deadline_s, "header deadline")
        self._message_ended = False
        super().data_received(data)
        if self._in_header and not self._message_ended and not self.transport.is_closing():
            # All of `data` belonged to a header that is not complete yet.
            self._header_bytes += len(data)
            if self._header_bytes > self.limits.max_header_bytes:
                self._cut("header too large")

    def on_headers_complete(self) -> None:
        """Go on to the body, unless the header came whole and too large."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.limits.max_header_bytes:
            self._cut("header too large")
            return
        self._in_header = False
        self._body_bytes, self._body_began_at = 0, self.loop.time()
        self._stop()
        self._deadline = self.loop.call_later(self.limits.body_deadline_s, self._look_at_body)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless the request was cut."""
        if not self.transport.is_closing():
            self._body_bytes += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole; what comes next is another header."""
        self._stop()
        self._in_header = self._message_ended = True
        self._header_bytes = 0
        if not self.transport.is_closing():
            super().on_message_complete()

    def _restart(self, seconds: float, reason: str) -> None:
        self._stop()
        self._deadline = self.loop.call_later(seconds, self._cut, reason)

    def _look_at_body(self) -> None:
        """Cut a body that is late, or wait on for as long as what came of it allows."""
        rate, remaining_s = self.limits.min_body_bytes_per_s, 0.0
        if rate:
            allowed_s = self.limits.body_deadline_s + self._body_bytes / rate
            remaining_s = self._body_began_at + allowed_s - self.loop.time()
        if remaining_s > 0:
            self._deadline = self.loop.call_later(remaining_s, self._look_at_body)
        else:
            self._cut("body deadline")

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self, reason: str) -> None:
        self._stop()
        self.on_cut(reason)
        self.transport.abort()
