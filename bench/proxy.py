"""A proxy before a registry that adds a round-trip time and writes down every exchange.

Requests on one connection are passed on one after the other, those on several side by side. A
connection's first exchange takes one round trip more: that of opening it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MAX_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as the proxy saw them."""

    path: str
    started_s: float
    ended_s: float


@dataclass
class Proxy:
    """What the proxy does now, and what it saw."""

    upstream_port: int
    rtt_s: float = 0.0
    port: int = 0
    connections: int = 0
    exchanges: list[Exchange] = field(default_factory=list)
    open_ones: "set[asyncio.Task[None] | None]" = field(default_factory=set)

    def forget(self) -> None:
        """Begin to count anew."""
        self.connections, self.exchanges = 0, []

    async def refusal(self) -> bytes:
        """Return what is answered in the registry's place; empty: the registry is asked.

        Raises:
            ConnectionError: the connection ends here.
        """
        return b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what comes on one connection, until one side closes it."""
        self.connections += 1
        self.open_ones.add(asyncio.current_task())
        upstream, downstream = await asyncio.open_connection(
            "127.0.0.1", self.upstream_port, limit=MAX_HEAD_BYTES
        )
        try:
            opening_s = self.rtt_s
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                started_s = time.perf_counter()
                await asyncio.sleep(opening_s + self.rtt_s / 2)
                opening_s = 0.0
                answer = await self.refusal()
                if not answer:
                    downstream.write(head)
                    answer = await _answer(upstream)
                await asyncio.sleep(self.rtt_s / 2)
                writer.write(answer)
                await writer.drain()
                path = head.split(b" ", 2)[1].decode()
                self.exchanges.append(Exchange(path, started_s, time.perf_counter()))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # one side is done
        finally:
            downstream.close()
            writer.close()
            self.open_ones.discard(asyncio.current_task())


async def _answer(upstream: asyncio.StreamReader) -> bytes:
    """Return one whole answer; all that is read here says its length."""
    head = await upstream.readuntil(b"\r\n\r\n")
    _, found, rest = head.lower().partition(b"content-length:")
    if not found:
        raise ValueError(f"an answer without a length, which this proxy cannot pass on: {head!r}")
    return head + await upstream.readexactly(int(rest.split(b"\r\n", 1)[0]))


@asynccontextmanager
async def proxied(upstream_port: int) -> AsyncIterator[Proxy]:
    """Run a proxy in this process until the end of the block."""
    proxy = Proxy(upstream_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=MAX_HEAD_BYTES)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        ending = [task for task in proxy.open_ones if task is not None]
        if ending:  # their clients have ended: they only have to notice
            await asyncio.wait(ending, timeout=1)


def sequential_rounds(exchanges: Sequence[Exchange]) -> int:
    """Return the length of the longest chain in which each exchange began after the one before."""
    rounds, last_end_s = 0, 0.0
    for each in sorted(exchanges, key=lambda e: e.ended_s):
        if each.started_s >= last_end_s:
            rounds += 1
            last_end_s = each.ended_s
    return rounds
