"""The connection to the database: one writer at a time on SQLite, snapshots for readers on both."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from enum import IntEnum

import asyncpg  # type: ignore[import-untyped]  # it has no annotations; two exceptions are used
import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import ArgumentError, InvalidRequestError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tidegate.domain.errors import ConfigurationError
from tidegate.hub.settings import DatabaseLimits
from tidegate.hub.store.access_watch import AccessWatch
from tidegate.hub.store.engines import make_engines
from tidegate.hub.store.faults import meaning_of, of_other_schema, unreachable
from tidegate.hub.store.turnstile import Turnstile

_NO_CONNECTION = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What the drivers raise, as it is, when there is nobody to speak to, or not with us."""

_USUAL = DatabaseLimits()

_log = structlog.get_logger()


class Turn(IntEnum):
    """What one transaction at a time may do, on all hubs of a database; SQLite has one anyway.

    The numbers are keys of advisory locks: other programs may use the same database.
    """

    MIGRATE = 0x7467_0001
    EVENTS = 0x7467_0002
    """Places of events are given in the order in which they can be seen: a tail misses none."""
    IMAGES = 0x7467_0003
    """The same push told twice at once is one image and one job."""
    PACKAGES = 0x7467_0004
    """Which images carry a package is read and rewritten whole."""
    FEED = 0x7467_0005
    """Places in the feed are given in the order in which they can be seen, like those of events."""


class Database:
    """Opens transactions; both kinds roll back when the block raises."""

    def __init__(self, url: str, limits: DatabaseLimits = _USUAL) -> None:
        self._turns = {turn: asyncio.Lock() for turn in Turn}
        self.on_access_taken: Callable[[], None] = _ignore
        """Called at the end of a transaction after which somebody may do less than before."""
        self.on_overload: Callable[[], None] = _ignore
        """Called for each that is refused because too many wait."""
        try:
            engines = make_engines(url, limits.connections)
        except (ArgumentError, InvalidRequestError, ImportError) as error:
            # The URL may hold a password, and the library's own words the URL.
            raise ConfigurationError(
                "TIDEGATE_HUB_DATABASE_URL cannot be used; want "
                "postgresql://USER:PASSWORD@HOST:5432/NAME, or the form of an async driver and a "
                "file, like sqlite+aiosqlite:////var/lib/tidegate/hub.db"
            ) from error
        self._readers, self._writers = engines.readers, engines.writers
        self._glancers, self._listener = engines.glancers, engines.listener
        self._watch = AccessWatch(self._writers)
        self._reading, self._writing = (
            Turnstile(places, limits.queue, on_refused=self._refused)
            for places in (engines.max_readers, engines.max_writers)
        )

    @property
    def is_shared(self) -> bool:
        """Whether other hubs may work on the same database."""
        return self._writers.dialect.name == "postgresql"

    @property
    def waiting(self) -> int:
        """How many wait for a connection now."""
        return self._reading.waiting + self._writing.waiting

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads.

        Raises:
            DatabaseUnavailableError: the database cannot do it now; says why.
            OverloadedError: too many wait for it already.
        """
        async with self._reading.place(), _connected(self._readers) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for one statement that only reads: it sees one state by itself.

        Without a transaction around it, it goes to the database and back once instead of thrice.

        Raises:
            DatabaseUnavailableError: the database cannot do it now; says why.
            OverloadedError: too many wait for it already.
        """
        async with self._reading.place(), _connected(self._glancers) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that is committed at the end of the block.

        Raises:
            DatabaseUnavailableError: the database cannot do it now; nothing was stored.
            ConflictError: another transaction stored what must be unique.
            OverloadedError: too many wait for it already; nothing was stored.
        """
        async with self._writing.place(), _connected(self._writers) as connection:
            try:
                async with connection.begin():
                    yield connection
            finally:  # a commit that failed may have been heard of by the database all the same
                if self._watch.touched(connection):
                    self.on_access_taken()

    @contextlib.asynccontextmanager
    async def write_in_turn(self, turn: Turn) -> AsyncIterator[AsyncConnection]:
        """Open a transaction as `write` does, once it has `turn`.

        Those of this process queue up without a connection: others go on to find one.
        """
        async with self._turns[turn], self.write() as connection:
            await take_turn(connection, turn)
            yield connection

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for something else than transactions; it is not used again."""
        async with _connected(self._listener) as connection:
            try:
                yield connection
            finally:
                await connection.invalidate()

    def _refused(self) -> None:
        self.on_overload()

    async def close(self) -> None:
        """Close all connections."""
        await self._readers.dispose()
        await self._writers.dispose()
        await self._listener.dispose()


async def take_turn(connection: AsyncConnection, turn: Turn) -> None:
    """Wait until no other transaction has this turn; it ends with the transaction."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(int(turn))))


@contextlib.asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with contextlib.AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(engine.connect())
        except _NO_CONNECTION as error:
            _log.warning("no connection to the database", why=type(error).__name__)
            raise unreachable() from error
        except SQLAlchemyError as error:
            raise _told(error) from error
        try:
            yield connection
        except SQLAlchemyError as error:
            raise _told(error) from error


def _ignore() -> None:
    """Do nothing."""


def _told(error: SQLAlchemyError) -> Exception:
    meaning = meaning_of(error) or of_other_schema(error)
    if meaning is None:
        return error
    _log.warning("the database refused", why=str(meaning), kind=type(error).__name__)
    return meaning
