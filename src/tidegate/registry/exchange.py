"""One HTTP exchange over raw ASGI: the request with its capped body, and the response."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tidegate.registry.refusals import RefusedError, too_large

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_IDLE_S = 60.0
"""Longest pause within a body before the request is given up."""

MAX_DISCARDED_BYTES = 16 * 2**20
"""Read and thrown away of a refused body, so that its sender lives to read the refusal."""

MAX_QUERY_FIELDS = 16
"""More than any endpoint knows."""

SEND_BYTES = 256 * 2**10
"""One read of a file that is sent: large enough to keep the thread hop below a tenth."""


class ClientGoneError(ConnectionError):
    """The client closed the connection before its request was whole."""


class Request:
    """What the client asked; the body is read at most once."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._whole = False
        self._touched = False
        self.received_bytes = 0
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        client = scope.get("client")
        self.address: str = f"{client[0]}:{client[1]}" if client else ""
        self._query_string: bytes = scope["query_string"]

    def query(self) -> dict[str, str]:
        """Return the fields of the query; of a repeated one the first.

        Raises:
            RefusedError: not UTF-8, or too many fields.
        """
        try:
            text = self._query_string.decode("ascii")
            fields = parse_qsl(
                text, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS, errors="strict"
            )
        except ValueError as error:
            raise RefusedError(
                400, "UNSUPPORTED", f"query: want at most {MAX_QUERY_FIELDS} fields in UTF-8"
            ) from error
        return dict(reversed(fields))

    def content_length(self) -> int | None:
        """Return the announced length of the body; None where it is sent in chunks."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    async def chunks(self, max_bytes: int, what: str) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            RefusedError: more than `max_bytes`, announced or sent, or a pause that is too long.
            ClientGoneError: the connection ended first.
        """
        if (self.content_length() or 0) > max_bytes:
            raise too_large(what, max_bytes)
        left = max_bytes
        while not self._whole:
            chunk = await self._next_chunk()
            left -= len(chunk)
            if left < 0:
                raise too_large(what, max_bytes)
            if chunk:
                yield chunk

    async def body(self, max_bytes: int, what: str) -> bytes:
        """Return the whole body; raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks(max_bytes, what)])

    async def discard(self) -> bool:
        """Read what is left of the body, within limits; return whether its end was reached.

        A client that waits for `100 Continue` has sent nothing and needs no reading.
        """
        if "expect" in self.headers and not self._touched:
            return False
        left = MAX_DISCARDED_BYTES
        with suppress(RefusedError):  # a sender that pauses now is cut off, which is all we can do
            while not self._whole and left > 0:
                left -= len(await self._next_chunk())
        return self._whole

    async def _next_chunk(self) -> bytes:
        self._touched = True
        try:
            async with asyncio.timeout(MAX_IDLE_S):
                message = await self._receive()
        except TimeoutError as error:
            raise RefusedError(
                408, "BLOB_UPLOAD_INVALID", f"body: nothing came for {MAX_IDLE_S:g} s"
            ) from error
        if message["type"] != "http.request":
            raise ClientGoneError
        self._whole = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        self.received_bytes += len(chunk)
        return chunk


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of a file that are sent as they are."""

    path: Path
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Response:
    """What we answer; `Content-Length` is added from the body."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | FilePart = b""

    @property
    def length(self) -> int:
        """Bytes of the body, sent or (to HEAD) only announced."""
        return self.body.length if isinstance(self.body, FilePart) else len(self.body)


def json_response(content: object, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Answer 200 with `content` as JSON."""
    return Response(
        200, (("Content-Type", "application/json"), *headers), msgspec.json.encode(content)
    )


async def send_response(send: Send, response: Response, *, with_body: bool) -> None:
    """Send `response`; without its body to HEAD, and where the status forbids one."""
    fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]
    fields.append(
        (b"docker-distribution-api-version", b"registry/2.0")
    )  # older clients look for it
    if response.status != 204:  # RFC 9110, 8.6: no Content-Length with 204
        fields.append((b"content-length", str(response.length).encode()))
    with_body = with_body and response.length > 0
    if with_body and isinstance(response.body, FilePart):
        await _send_file(send, response.status, fields, response.body)
        return
    await send({"type": "http.response.start", "status": response.status, "headers": fields})
    body = response.body if with_body else b""
    await send({"type": "http.response.body", "body": body})


async def _send_file(
    send: Send, status: int, fields: list[tuple[bytes, bytes]], part: FilePart
) -> None:
    with part.path.open("rb", buffering=0) as file:
        await asyncio.to_thread(file.seek, part.start)
        await send({"type": "http.response.start", "status": status, "headers": fields})
        left = part.length
        while left > 0:
            block = await asyncio.to_thread(file.read, min(left, SEND_BYTES))
            if not block:
                raise EOFError(f"{part.path.name}: ends {left} bytes early")
            left -= len(block)
            await send({"type": "http.response.body", "body": block, "more_body": left > 0})
