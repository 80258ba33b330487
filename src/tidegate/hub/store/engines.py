"""How the two databases are connected to: what makes each of them safe under many callers."""

from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

BUSY_TIMEOUT_MS = 10_000
"""Another process (a backup, `migrate`) may hold SQLite's lock for so long."""

LOCK_TIMEOUT_MS = 10_000
"""A row or table of PostgreSQL may be held by another for so long."""

STATEMENT_TIMEOUT_MS = 30_000
IDLE_TIMEOUT_MS = 60_000
"""A transaction that says nothing for so long is of a hub that hangs; it holds locks."""

CONNECT_TIMEOUT_S = 5.0
POOL_SIZE = 20
"""Connections of one hub; PostgreSQL takes 100 in all unless told otherwise."""

POOL_TIMEOUT_S = 10.0

_PRAGMAS = (
    "journal_mode = WAL",  # readers never wait for the writer
    "synchronous = NORMAL",  # durable across a crash of the process; SQLite docs, "WAL", 3.2
    "foreign_keys = ON",
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
)


def make_engines(text: str) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the engine of readers and the engine of writers, which may share connections.

    Raises:
        ArgumentError: no URL of a database that the hub can use.
    """
    url = make_url(text)
    match url.get_backend_name():
        case "postgresql" | "postgres":
            return _postgresql(url)
        case "sqlite":
            return _sqlite(url)
        case other:
            raise NoSuchModuleError(f"{other} is no database that the hub knows")


def _postgresql(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    engine = create_async_engine(
        _with_driver(url),
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,  # the server may have been restarted meanwhile
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "server_settings": {
                "application_name": "tidegate-hub",
                "timezone": "UTC",
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
            },
        },
    )
    # A reader's statements see one state, as they do on SQLite.
    readers = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return readers, engine


def _with_driver(url: URL) -> URL:
    """Return the URL that people have, `postgresql://…?sslmode=…`, as the async driver takes it."""
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


def _sqlite(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    if url.database in (None, "", ":memory:"):
        raise ArgumentError("a database in memory has one connection and ends with it")
    # A transaction that begins by reading cannot become a writing one while another writes
    # (SQLITE_BUSY at once, without waiting), so writers take the lock first.
    return (
        _sqlite_engine(url, "BEGIN", pool_size=4, max_overflow=12),
        _sqlite_engine(url, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0),
    )


def _sqlite_engine(url: URL, begin: str, *, pool_size: int, max_overflow: int) -> AsyncEngine:
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
