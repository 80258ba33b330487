"""How the two databases are connected to: what makes each of them safe under many callers."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DisconnectionError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from tidegate.hub.store.sqlite_driver import OneTurnConnection, open_connection

BUSY_TIMEOUT_MS = 10_000
"""Another process (a backup, `migrate`) may hold SQLite's lock for so long."""

LOCK_TIMEOUT_MS = 10_000
"""A row or table of PostgreSQL may be held by another for so long."""

STATEMENT_TIMEOUT_MS = 30_000
LOOK_AFTER_S = 30.0
"""A connection that was not used for so long is tried before it is: a broken network says nothing.
One that the server closed is known without asking."""

IDLE_TIMEOUT_MS = 60_000
"""A transaction that says nothing for so long is of a hub that hangs; it holds locks."""

CONNECT_TIMEOUT_S = 5.0
POOL_TIMEOUT_S = 10.0
"""Never used up in ordinary work: `turnstile` lets in no more than there are connections."""

SQLITE_READERS = 8
"""Each is a thread, and reads without waiting for anybody; more than cores are of no use."""

WAL_KEPT_BYTES = 64 * 2**20
"""What SQLite leaves of its log after a checkpoint; a long reader can let it grow beyond."""

_ALONE = "tidegate_alone"
"""Execution option of SQLite's engines: statements stand alone, in no transaction."""

_PRAGMAS = (
    "journal_mode = WAL",  # readers never wait for the writer
    "synchronous = NORMAL",  # durable across a crash of the process; SQLite docs, "WAL", 3.2
    "foreign_keys = ON",
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    f"journal_size_limit = {WAL_KEPT_BYTES}",
)


@dataclass(frozen=True, slots=True)
class Engines:
    """How one database is read and written, and by how many at a time."""

    readers: AsyncEngine
    glancers: AsyncEngine
    """For single statements: the readers' connections, without a transaction."""
    writers: AsyncEngine
    """May share its connections with the readers: then it is the same pool."""
    listener: AsyncEngine
    """For connections that are kept apart from both."""
    max_readers: int
    max_writers: int


def make_engines(text: str, connections: int) -> Engines:
    """Return the engines of the database at a URL.

    Raises:
        ArgumentError: no URL of a database that the hub can use.
    """
    url = make_url(text)
    match url.get_backend_name():
        case "postgresql" | "postgres":
            return _postgresql(url, connections)
        case "sqlite":
            return _sqlite(url, connections)
        case other:
            raise NoSuchModuleError(f"{other} is no database that the hub knows")


def _postgresql(url: URL, connections: int) -> Engines:
    options: dict[str, Any] = {
        "timeout": CONNECT_TIMEOUT_S,
        "server_settings": {
            "application_name": "tidegate-hub",
            "timezone": "UTC",
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
        },
    }
    address = _with_driver(url)
    # Two pools, so that readers never take the last connection from a writer, nor the reverse.
    writing = max(1, connections // 3)
    reading = max(1, connections - writing)
    readers, writers = (
        create_async_engine(
            address,
            pool_size=size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            connect_args=options,
        )
        for size in (reading, writing)
    )
    _look_at_idle(readers)
    _look_at_idle(writers)
    return Engines(
        # A reader's statements see one state, as they do on SQLite.
        readers.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
        readers.execution_options(isolation_level="AUTOCOMMIT"),
        writers,
        create_async_engine(address, poolclass=NullPool, connect_args=options),
        max_readers=reading,
        max_writers=writing,
    )


def _look_at_idle(engine: AsyncEngine) -> None:
    """Replace connections that ended while nobody used them.

    SQLAlchemy's own `pool_pre_ping` asks at each use, with a transaction of three messages.
    """

    def on_checkout(connection: DBAPIConnection, record: ConnectionPoolEntry, _: Any) -> None:  # noqa: ANN401  # the pool's own proxy
        driver: Any = record.driver_connection
        idle_s = time.monotonic() - record.info.get("used_at", time.monotonic())
        if driver.is_closed():
            raise DisconnectionError("the server closed it")
        if idle_s > LOOK_AFTER_S:
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:
                raise DisconnectionError("it does not answer") from error

    def on_checkin(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    event.listen(engine.sync_engine, "checkout", on_checkout)
    event.listen(engine.sync_engine, "checkin", on_checkin)


def _with_driver(url: URL) -> URL:
    """Return the URL that people have, `postgresql://…?sslmode=…`, as the async driver takes it."""
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


def _sqlite(url: URL, connections: int) -> Engines:
    if url.database in (None, "", ":memory:"):
        raise ArgumentError("a database in memory has one connection and ends with it")
    # A transaction that begins by reading cannot become a writing one while another writes
    # (SQLITE_BUSY at once, without waiting), so writers take the lock first.
    reading = min(connections - 1, SQLITE_READERS)
    writers = _sqlite_engine(url, "BEGIN IMMEDIATE", 1)
    readers = _sqlite_engine(url, "BEGIN", reading)
    glancers = readers.execution_options(**{_ALONE: True})
    return Engines(readers, glancers, writers, writers, max_readers=reading, max_writers=1)


def _sqlite_engine(url: URL, begin: str, size: int) -> AsyncEngine:
    arguments, options = url.get_dialect()().create_connect_args(url)

    def connect() -> OneTurnConnection:
        return open_connection(arguments, options)

    engine = create_async_engine(
        url, pool_size=size, max_overflow=0, pool_timeout=POOL_TIMEOUT_S, async_creator=connect
    )

    def on_connect(connection: DBAPIConnection, _: Any) -> None:  # noqa: ANN401  # SQLAlchemy's own record type is private
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.begin("" if connection.get_execution_options().get(_ALONE) else begin)

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)
    return engine
