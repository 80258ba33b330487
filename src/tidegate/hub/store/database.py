"""The connection to the database: one writer at a time on SQLite, snapshots for readers."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tidegate.domain.errors import ConfigurationError

BUSY_TIMEOUT_MS = 10_000
"""Another process (a backup, `migrate`) may hold the lock for so long."""

_PRAGMAS = (
    "journal_mode = WAL",  # readers never wait for the writer
    "synchronous = NORMAL",  # durable across a crash of the process; SQLite docs, "WAL", 3.2
    "foreign_keys = ON",
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
)


class Database:
    """Opens transactions; both kinds roll back when the block raises."""

    def __init__(self, url: str) -> None:
        try:
            self._readers, self._writers = _engines(url)
        except (ArgumentError, InvalidRequestError, ImportError) as error:
            # The URL may hold a password, and the library's own words the URL.
            raise ConfigurationError(
                "TIDEGATE_HUB_DATABASE_URL cannot be used; want the form of an async driver and a "
                "file, like sqlite+aiosqlite:////var/lib/tidegate/hub.db"
            ) from error

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads."""
        async with self._readers.connect() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that is committed at the end of the block."""
        async with self._writers.begin() as connection:
            yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self._readers.dispose()
        if self._writers is not self._readers:
            await self._writers.dispose()


def _engines(url: str) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the engine of readers and the engine of writers, which may be the same."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_async_engine(url, pool_pre_ping=True)
        return engine, engine
    if parsed.database in (None, "", ":memory:"):
        raise ArgumentError("a database in memory has one connection and ends with it")
    # A transaction that begins by reading cannot become a writing one while another writes
    # (SQLITE_BUSY at once, without waiting), so writers take the lock first.
    return (
        _sqlite_engine(url, "BEGIN", pool_size=4, max_overflow=12),
        _sqlite_engine(url, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0),
    )


def _sqlite_engine(url: str, begin: str, *, pool_size: int, max_overflow: int) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=max_overflow, pool_timeout=30
    )

    def on_connect(connection: DBAPIConnection, _: Any) -> None:  # noqa: ANN401  # SQLAlchemy's own record type is private
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)
    return engine
