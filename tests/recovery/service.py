"""A Service of the cluster, as kube-proxy makes one: connections go to an endpoint that is ready.

A connection stays with the endpoint that it was given, also when that one leaves; without any
endpoint it is refused.
"""

import asyncio
import random
import socket
from collections.abc import Callable
from contextlib import suppress

CHUNK_BYTES = 64 * 1024


class Service:
    """Listens on a port of loopback; `endpoints` says which ports are ready now."""

    def __init__(self, endpoints: Callable[[], list[int]]) -> None:
        self._endpoints = endpoints
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._accept, sock=self._listener)

    async def stop(self) -> None:
        """Close what is open."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(asyncio.CancelledError):
            await task

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            ports = self._endpoints()
            if not ports:
                return
            try:
                port = random.choice(ports)  # noqa: S311, spreads load
                there, back = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return  # an endpoint that died a moment ago
            await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        finally:
            writer.transport.abort()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(CHUNK_BYTES):
            target.write(chunk)
            await target.drain()
    except OSError:
        pass
    finally:
        target.close()
