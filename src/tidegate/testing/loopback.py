"""A server on a loopback port of its own while entered, which ends with all that it serves."""

import asyncio
import ssl
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Self


class LoopbackServer(ABC):
    """Accepts connections on 127.0.0.1; what becomes of each is `serve`'s."""

    def __init__(self, *, limit: int = 2**16, tls: ssl.SSLContext | None = None) -> None:
        """Take lines of up to `limit` bytes."""
        self._limit = limit
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self.connection_count = 0

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection and close it; cancelled when the server ends."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=self._limit, ssl=self._tls
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def authority(self) -> str:
        """Host and port, as an image reference names them."""
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        """Scheme and authority."""
        return f"{'https' if self._tls else 'http'}://{self.authority}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        task = asyncio.create_task(self.serve(reader, writer))
        self._tasks.add(task)
        with suppress(asyncio.CancelledError):
            await task
