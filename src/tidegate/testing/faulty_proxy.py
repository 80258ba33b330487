"""A proxy before a real registry that fails as told: hangs, refuses, answers in its stead.

```python
async with FaultyProxy(port) as proxy:
    proxy.hang_up = True
```
What it passes on it does not change. One request after another on each connection.
"""

import asyncio

from tidegate.testing.loopback import LoopbackServer

MAX_HEAD_BYTES = 64 * 1024


class FaultyProxy(LoopbackServer):
    """Passes requests on to 127.0.0.1:`upstream_port` while entered, unless told otherwise."""

    def __init__(self, upstream_port: int) -> None:
        super().__init__(limit=MAX_HEAD_BYTES)
        self._upstream_port = upstream_port
        self.open = asyncio.Event()
        """While clear, requests are taken and not answered."""
        self.open.set()
        self.answer = b""
        """Whole answer to every request instead of the registry's."""
        self.hang_up = False
        """Close connections instead of answering."""
        self.requests: list[str] = []
        """`GET /v2/…` of each request that came."""
        self.running = self.most_running = 0
        """Requests without an answer now, and the most at any time."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection's requests, unless told otherwise."""
        upstream, downstream = await asyncio.open_connection(
            "127.0.0.1", self._upstream_port, limit=MAX_HEAD_BYTES
        )
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head.split(b" HTTP/", 1)[0].decode())
                self.running += 1
                self.most_running = max(self.most_running, self.running)
                try:
                    body = await reader.readexactly(_length(head))
                    await self.open.wait()
                    if self.hang_up:
                        return
                    answer = self.answer
                    if not answer:
                        downstream.write(head + body)
                        answer = await _whole_answer(upstream, head)
                    writer.write(answer)
                    await writer.drain()
                finally:
                    self.running -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # one side is done
        finally:
            downstream.close()
            writer.close()


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def _whole_answer(upstream: asyncio.StreamReader, asked: bytes) -> bytes:
    """Return one answer; the registries that this stands before announce each one's length."""
    head = await upstream.readuntil(b"\r\n\r\n")
    if asked.startswith(b"HEAD "):
        return head
    return head + await upstream.readexactly(_length(head))
