"""HTTP/1.1 for a server that takes requests whole and answers each with a few bytes.

One `asyncio.BufferedProtocol` per connection, with llhttp as its parser (httptools). A request
whose answer needs no wait is answered in the very callback that brought its last byte: no task, no
future, no timer. What must wait becomes a task; requests that come behind it wait their turn.

What one connection may take is bounded (`net.limits.ConnectionLimits`): time to the end of a header
and of a body, size of a header, number of connections; bodies one by one and together
(`net.bodies`). The listener looks at all deadlines a few times a second, so that keeping one costs
a request two assignments.

Messages that could be read in two ways (RFC 9112 sections 6.1 and 6.3: both lengths, a length
twice, a coding that is not known) are refused by llhttp in its strict mode, and the connection is
closed; nothing that follows on it is read. There is no upgrade to any other protocol.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
from http import HTTPStatus
from typing import cast

import httptools
import structlog

from tidegate.net.bodies import ALLOWANCE_BYTES, BodyRefusedError, Reading
from tidegate.net.connections import Connections
from tidegate.net.messages import Request, Response

KEEP_ALIVE_S = 120.0
"""Longer than the 90 s after which Go's client closes an idle connection: it must be the one to
close, or a review may be sent into a connection that just ended."""

LINGER_S = 1.0
"""After a refusal the rest of a body is read and dropped for so long: a close with unread bytes
would reset the connection and take the answer with it."""

CLOSE_S = 5.0
"""For the last bytes of a connection that is closed to go out."""

MAX_PIPELINED = 32
"""Requests that may wait on one connection; those who send more do not wait for answers."""

log = structlog.get_logger(__name__)


_HEADS: dict[tuple[int, bytes], bytes] = {}


def _head(status: int, kind: bytes) -> bytes:
    """Return the part of an answer's head that is the same each time."""
    head = _HEADS.get((status, kind))
    if head is None:
        phrase = HTTPStatus(status).phrase.encode()
        head = b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: " % (status, phrase, kind)
        _HEADS[status, kind] = head
    return head


class _Gone(asyncio.Transport):
    """In the place of the transport of a connection that was lost."""

    def is_closing(self) -> bool:
        """Whether nothing more goes out: it does not."""
        return True

    def abort(self) -> None:
        """Do nothing: there is nothing to end."""

    def get_write_buffer_size(self) -> int:
        """Return the bytes that wait to go out: none."""
        return 0


_GONE = _Gone()


class Connection(asyncio.BufferedProtocol):
    """One connection of a client; the `on_…` methods are called by its parser."""

    def __init__(self, shared: Connections) -> None:
        self.due_s = float("inf")
        """When the connection has to be looked at, on the event loop's clock."""
        self._shared = shared
        self._limits = shared.limits
        self._why = ""
        self._loop = shared.loop
        self._parser = httptools.HttpRequestParser(self)
        self._verified = False
        self._in_header = True
        self._completed = False
        """Whether the bytes that are being read ended a request."""
        self._header_bytes = 0
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expects = False
        self._request: Request | None = None
        self._refusal: Response | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._reading: Reading | None = None
        self._small = min(ALLOWANCE_BYTES, shared.bodies.max_body_bytes)
        self._body_began_s = 0.0
        self._whole: deque[tuple[Request, Response | None]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writable = True
        self._unread: list[bytes] = []
        self._lingers = False
        self._ended = False

    @property
    def unsent_bytes(self) -> int:
        """Bytes of answers that the client did not take yet."""
        return self._transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the clock of the first header runs."""
        self._transport: asyncio.Transport = cast(asyncio.Transport, transport)
        self._verified = bool(transport.get_extra_info("peercert"))
        self._shared.open.add(self)
        if len(self._shared.open) > self._limits.max_connections:
            self._cut("too many connections")
            return
        if not self._shared.lingering:
            self.abort()
            return
        self._set_due(self._limits.header_deadline_s, "header deadline")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 the base's signature
        """Forget the connection; what is being answered goes on, and its answer goes nowhere."""
        self._ended = True
        self._shared.open.discard(self)
        for request, _ in self._whole:
            _free(request.reading)
        self._whole.clear()
        self._unread.clear()
        _free(self._reading)
        # They hold us and we hold them; what TLS keeps for a connection (256 KiB) would stay with
        # us until somebody looks for cycles, and a gate seldom does.
        self._transport = _GONE
        del self._parser

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 the base's signature
        """Return where bytes are read into."""
        return self._shared.read_into

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes; while a request is being answered, or answers are not read, they wait."""
        data = self._shared.read_into[:nbytes]
        if self._task is not None or not self._writable:
            self._unread.append(bytes(data))
            self._transport.pause_reading()
            return
        self._read(data)

    def pause_writing(self) -> None:
        """Answer nothing to who does not read answers."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on."""
        self._writable = True
        self._go_on()

    def close_when_idle(self) -> None:
        """Close now, or once the request under way is answered."""
        if self._task is None and not self._whole and self._request is None:
            self._close()

    def abort(self) -> None:
        """Close at once."""
        self._ended = True
        self._transport.abort()

    def time_is_up(self, now_s: float) -> None:
        """End the connection for what it was waiting for, unless its body may take longer."""
        rate = self._limits.min_body_bytes_per_s
        if rate and self._why == "body deadline":
            due_s = self._body_began_s + self._limits.body_deadline_s + self._size / rate
            if due_s > now_s:
                self.due_s = due_s
                return
        if self._why:
            self._cut(self._why)
        elif self._ended:
            self.abort()
        else:
            self._close()

    def on_message_begin(self) -> None:
        """Begin a request: its header has its own deadline."""
        if self._why != "header deadline":
            self._set_due(self._limits.header_deadline_s, "header deadline")

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header, or a trailer behind a body, which is counted and dropped."""
        if self._in_header:
            self._headers.append((name, value))
            if len(name) == 6 and name.lower() == b"expect":
                self._expects = value.lower() == b"100-continue"
            return
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > self._limits.max_header_bytes:
            self._cut("header too large")

    def on_headers_complete(self) -> None:
        """Go on to the body, unless the header came whole and too large."""
        if self._ended:
            return
        if self._parser.should_upgrade():
            raise httptools.HttpParserError("want no upgrade")
        size = len(self._target)
        for name, value in self._headers:
            size += len(name) + len(value)
        if size > self._limits.max_header_bytes:
            self._cut("header too large")
            return
        self._in_header, self._header_bytes = False, 0
        request = Request(self._parser.get_method(), self._target, self._headers)
        request.keep_alive, request.verified = self._parser.should_keep_alive(), self._verified
        self._request = request
        self._target, self._headers = b"", []
        self._set_due(self._limits.body_deadline_s, "body deadline")
        self._body_began_s = self._loop.time()
        self._refusal = self._shared.app.refuse(request)
        if self._expects and self._refusal is None and self._task is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._expects = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, or drop it where the request is refused."""
        if self._ended:
            return
        self._size += len(body)
        if self._refusal is None:
            if self._size > self._small and not self._has_room():
                return
            self._parts.append(body)
        elif self._size > ALLOWANCE_BYTES and not self._lingers:
            self._refuse(self._refusal)

    def on_message_complete(self) -> None:
        """Answer the request; what comes next is another header."""
        request, refusal = self._request, self._refusal
        self._request = self._refusal = None
        self._in_header = self._completed = True
        self._header_bytes = 0
        if self._ended or request is None:
            return
        if self._lingers:  # it has its answer
            self._close()
            return
        parts, self._parts, self._size = self._parts, [], 0
        request.body = parts[0] if len(parts) == 1 else b"".join(parts)
        request.reading, self._reading = self._reading, None
        if self._task is None and self._writable and not self._whole:
            self._answer(request, refusal)
            return
        self._whole.append((request, refusal))
        if len(self._whole) > MAX_PIPELINED:
            self._cut("too many requests at once")

    def _read(self, data: bytes | memoryview) -> None:
        """Let the parser see `data`; a header whose end it has not seen is counted."""
        self._completed = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserUpgrade, httptools.HttpParserError) as error:
            self._malformed(error)
            return
        if self._in_header and not self._completed and not self._ended and self._why:
            # All of `data` belonged to a header that is not complete yet.
            self._header_bytes += len(data)
            if self._header_bytes > self._limits.max_header_bytes:
                self._cut("header too large")

    def _malformed(self, error: Exception) -> None:
        if self._ended or self._transport.is_closing():
            return
        cause = error.__context__
        if isinstance(error, httptools.HttpParserCallbackError) and not isinstance(
            cause, httptools.HttpParserError
        ):
            log.error("a request failed in the HTTP layer", error=repr(cause or error))
        self._request = None
        if not self._lingers:
            self._refuse(Response(400, b"no request that can be read in one way only\n"))
        if self._task is None:
            self._close()

    def _has_room(self) -> bool:
        """Count a body that is no longer small; refuse it where there is no room."""
        if self._reading is None:
            self._reading = Reading(self._shared.bodies)
        try:
            self._reading.count(self._size)
        except BodyRefusedError as error:
            self._parts.clear()
            self._refuse(Response(error.status, f"{error}\n".encode()))
            return False
        return True

    def _refuse(self, response: Response) -> None:
        """Answer before the request is whole, and drop the rest of it."""
        _free(self._reading)
        self._reading = None
        if self._task is not None or self._whole:  # those before have their answers, then it ends
            self._ended = True
            return
        self._write(response, head_only=False, close=True)
        self._lingers, self._refusal = True, response
        self._set_due(LINGER_S, "")

    def _answer(self, request: Request, refusal: Response | None) -> None:
        self.due_s = float("inf")
        answer: Response | Awaitable[Response]
        try:
            answer = refusal or self._shared.app.answer(request)
        except Exception:
            log.exception("a request could not be answered")
            answer = Response(500, b"an error inside; see the log\n")
        if isinstance(answer, Response):
            self._answer_with(answer, request)
        else:
            self._task = self._loop.create_task(self._answer_later(request, answer))

    async def _answer_later(self, request: Request, answer: Awaitable[Response]) -> None:
        try:
            response = await answer
        except Exception:
            log.exception("a request could not be answered")
            response = Response(500, b"an error inside; see the log\n")
        self._task = None
        self._answer_with(response, request)
        self._go_on()

    def _go_on(self) -> None:
        """Answer requests that waited, then read what came meanwhile."""
        while self._whole and self._task is None and self._writable:
            self._answer(*self._whole.popleft())
        while self._unread and self._task is None and self._writable and not self._ended:
            self._read(self._unread.pop(0))
        if self._task is None and self._writable and not self._transport.is_closing():
            self._transport.resume_reading()

    def _answer_with(self, response: Response, request: Request) -> None:
        """Send `response` and wait for the next request, or close."""
        _free(request.reading)
        if self._transport.is_closing():
            return
        last = self._ended and not self._whole
        close = not request.keep_alive or last or self._shared.ending
        self._write(response, head_only=request.method == "HEAD", close=close)
        if close:
            self._close()
        else:
            self._set_due(KEEP_ALIVE_S, "")

    def _write(self, response: Response, *, head_only: bool, close: bool) -> None:
        status, body, kind = response
        self._transport.write(
            b"%b%d\r\ndate: %b\r\n%b\r\n%b"
            % (
                _head(status, kind),
                len(body),
                self._shared.date(),
                b"connection: close\r\n" if close else b"",
                b"" if head_only else body,
            )
        )

    def _close(self) -> None:
        """Close once what was written is out, and take nothing more."""
        self._ended = True
        self._whole.clear()
        self._transport.close()
        self._set_due(CLOSE_S, "")

    def _set_due(self, seconds: float, why: str) -> None:
        self.due_s, self._why = self._loop.time() + seconds, why

    def _cut(self, reason: str) -> None:
        self._shared.on_cut(reason)
        self.abort()


def _free(reading: Reading | None) -> None:
    if reading is not None:
        reading.close()
