"""A registry that does what it is told: lie, dawdle, break off, redirect, never end.

```python
async with HostileRegistry({"/v2/app/manifests/1": ScriptedAnswer(status=429)}) as hostile:
    RegistryConfig(hostile.authority, plain_http=True, allow_private=True)
```
Paths that no script names are answered with 404. Every request is kept in `seen`.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from tidegate.testing.loopback import LoopbackServer

SLOW_PIECE = b" "
ENDLESS_PIECE = b"0" * 65536


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """One answer; by default an honest one."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_length: int | None = None
    """Announced instead of the true length; after a wrong one the connection is closed."""
    endless: bool = False
    """After `body`, bytes without announced length for as long as the client takes them."""
    pause_s: float = 0.0
    """Before each further byte of an endless body, which then comes one by one."""
    wait_s: float = 0.0
    """Before the first byte of the answer."""
    hang_up: bool = False
    """Close the connection afterwards without having said so."""
    lost: bool = False
    """Close the connection instead of an answer, as one that died while it was idle."""


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as it came; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


Script = ScriptedAnswer | Callable[[SeenRequest], ScriptedAnswer]


class HostileRegistry(LoopbackServer):
    """Serves `scripts` by path on a loopback port of its own while entered."""

    def __init__(
        self, scripts: Mapping[str, Script] | None = None, *, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls=tls)
        self.scripts: dict[str, Script] = dict(scripts or {})
        self.seen: list[SeenRequest] = []
        self.bytes_sent = 0

    def paths(self) -> list[str]:
        """Return the paths asked for, in order."""
        return [request.path for request in self.seen]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests as the scripts say."""
        try:
            while (request := await _read_request(reader)) is not None:
                self.seen.append(request)
                script = self.scripts.get(request.path, ScriptedAnswer(404))
                answer = script if isinstance(script, ScriptedAnswer) else script(request)
                if not await self._send(writer, request, answer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client is gone, which is what a good client of this registry does
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _send(
        self, writer: asyncio.StreamWriter, request: SeenRequest, answer: ScriptedAnswer
    ) -> bool:
        """Send `answer`; return whether the connection can go on."""
        if answer.lost:
            return False
        await asyncio.sleep(answer.wait_s)
        length = len(answer.body) if answer.content_length is None else answer.content_length
        lines = [f"HTTP/1.1 {answer.status} Scripted"]
        if not answer.endless:
            lines.append(f"Content-Length: {length}")
        lines += [f"{name}: {value}" for name, value in answer.headers]
        body = b"" if request.method == "HEAD" else answer.body
        await self._write(writer, "\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        while answer.endless:
            await asyncio.sleep(answer.pause_s)
            await self._write(writer, SLOW_PIECE if answer.pause_s else ENDLESS_PIECE)
        return not answer.hang_up and length == len(answer.body)

    async def _write(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        writer.write(piece)
        await writer.drain()
        self.bytes_sent += len(piece)


async def _read_request(reader: asyncio.StreamReader) -> SeenRequest | None:
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return SeenRequest(method, target, headers, body)
