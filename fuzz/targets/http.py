"""HTTP/1.1: what the gate takes for requests does not depend on how the bytes arrive."""

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

from tidegate.net.bodies import Bodies
from tidegate.net.connections import Connections
from tidegate.net.http1 import Connection
from tidegate.net.limits import ConnectionLimits
from tidegate.net.messages import Request, Response

LOOP = asyncio.new_event_loop()
LIMITS = ConnectionLimits(max_header_bytes=1024)
MAX_BODY_BYTES = 2048
ANSWER = b"answer\n"


def check_http(data: bytes) -> None:
    """Send all at once and in pieces of `data[0]` bytes: the same requests, well-formed answers."""
    step, sent = max(1, data[0]) if data else 1, data[1:]
    at_once = _Served(sent, len(sent) or 1)
    in_pieces = _Served(sent, step)
    shorter = min(len(at_once.requests), len(in_pieces.requests))
    assert at_once.requests[:shorter] == in_pieces.requests[:shorter]
    if not (at_once.was_cut or in_pieces.was_cut):  # limits look at what came at a time
        assert at_once.requests == in_pieces.requests
    for served in (at_once, in_pieces):
        served.require_answers()


class _Served:
    """A connection that got some bytes; an app and a transport that keep what they see."""

    def __init__(self, sent: bytes, step: int) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.written = b""
        self.closed = False
        self.was_cut = False
        shared = Connections(self, LIMITS, Bodies(MAX_BODY_BYTES), self._on_cut, loop=LOOP)
        connection = Connection(shared)
        connection.connection_made(cast(asyncio.Transport, self))
        for at in range(0, len(sent), step):
            if self.closed:
                break
            piece = sent[at : at + step]
            connection.get_buffer(len(piece))[: len(piece)] = piece
            connection.buffer_updated(len(piece))
            if any(path == "/wait" for _, path, _ in self.requests):
                LOOP.run_until_complete(asyncio.sleep(0))
        for _ in range(2 * sent.count(b"/wait") + 1):  # two turns for each answer that is awaited
            LOOP.run_until_complete(asyncio.sleep(0))
        connection.connection_lost(None)
        LOOP.run_until_complete(shared.end(0.0))

    def refuse(self, request: Request) -> Response | None:
        return Response(404, b"refused\n") if request.path == "/refused" else None

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        assert len(request.body) <= MAX_BODY_BYTES
        assert sum(len(n) + len(v) for n, v in request.headers) <= LIMITS.max_header_bytes
        self.requests.append((request.method, request.path, request.body))
        answer = Response(200, ANSWER)
        return _later(answer) if request.path == "/wait" else answer

    def require_answers(self) -> None:
        """Each request has one answer, refusals and one last complaint aside."""
        rest, answered = self.written, 0
        while rest:
            head, found, rest = rest.partition(b"\r\n\r\n")
            assert found, "half a head"
            assert head.startswith(b"HTTP/1.1 "), head[:40]
            if head == b"HTTP/1.1 100 Continue":
                continue
            length = int(head.partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
            answered += head.startswith(b"HTTP/1.1 200")
            if rest[:length] == ANSWER or not head.startswith(b"HTTP/1.1 200"):
                rest = rest[length:]  # a HEAD's answer has no body
        assert answered <= len(self.requests)

    def write(self, data: bytes) -> None:
        assert not self.closed, "written after the end"
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Whoever drives this asks the connection itself."""

    def resume_reading(self) -> None:
        """As above."""

    def get_extra_info(self, _name: str) -> Any:  # noqa: ANN401 - a transport's signature
        return None

    def _on_cut(self, _reason: str) -> None:
        self.was_cut = True


async def _later(answer: Response) -> Response:
    await asyncio.sleep(0)
    return answer
