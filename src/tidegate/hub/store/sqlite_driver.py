"""SQLite's driver with one turn of its thread for each statement, where aiosqlite alone takes five.

aiosqlite sends BEGIN, the cursor's making, the statement, the reading of its rows and the cursor's
end to the connection's thread one after the other, and waits for each. While the event loop is busy
every wait may last as long as the interpreter lets one thread run (5 ms), so under load most of a
request's time was spent there. Here a statement goes over once, BEGIN with the first of a
transaction, and comes back with its rows.

What SQLAlchemy asks of a driver is in its `connectors/asyncio.py` (`AsyncIODBAPIConnection`).
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import aiosqlite


@dataclass(slots=True)
class _Result:
    """What a statement left."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: Sequence[Any] = ()


class OneTurnConnection(aiosqlite.Connection):
    """A connection whose transactions begin with their first statement."""

    _begins_with = ""
    """`BEGIN …` that the next statement is to send first."""
    _alone = True
    """Statements stand alone: there is nothing to end."""

    def begin(self, statement: str) -> None:
        """Open a transaction by `statement`, which goes with the next one; empty: open none."""
        self._begins_with, self._alone = statement, not statement

    def cursor(self) -> "OneTurnCursor":  # type: ignore[override]  # narrower than aiosqlite's, as SQLAlchemy wants it
        """Return a cursor, without a word to the thread."""
        return OneTurnCursor(self)

    async def run(self, statement: str, parameters: Any, *, many: bool) -> _Result:  # noqa: ANN401  # what sqlite3 takes
        """Run a statement in the connection's thread and return all that comes of it."""
        return await self._execute(self._run, statement, parameters, many)  # type: ignore[no-any-return, no-untyped-call]

    async def commit(self) -> None:
        """Commit, where anything was sent at all."""
        if self._alone:
            return
        await self._execute(self._end, self._conn.commit)  # type: ignore[no-untyped-call]

    async def rollback(self) -> None:
        """Roll back, where anything was sent at all."""
        if self._alone:
            return
        await self._execute(self._end, self._conn.rollback)  # type: ignore[no-untyped-call]

    def _end(self, end: Callable[[], None]) -> None:
        # In the thread: whoever was cancelled does not know whether BEGIN is still to come.
        if self._begins_with:
            self._begins_with = ""
        else:
            end()

    def _run(self, statement: str, parameters: Any, many: bool) -> _Result:  # noqa: ANN401, FBT001  # called by position in the thread
        connection = self._conn
        if self._begins_with:
            connection.execute(self._begins_with)
            self._begins_with = ""  # only now: a statement after a BEGIN that failed sends it again
        if many:
            cursor = connection.executemany(statement, parameters)
        else:
            cursor = connection.execute(statement, parameters)
        rows = cursor.fetchall() if cursor.description else ()
        found = _Result(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
        cursor.close()
        return found


class OneTurnCursor:
    """What SQLAlchemy sees of a statement: done when it was sent, all rows at hand."""

    arraysize = 1

    def __init__(self, connection: OneTurnConnection) -> None:
        self._connection = connection
        self._result = _Result()

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:  # noqa: ANN401  # PEP 249's tuples
        """The columns, None of a statement without rows."""
        return self._result.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._result.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The row inserted last."""
        return self._result.lastrowid

    async def execute(self, operation: str, parameters: Any = ()) -> Self:  # noqa: ANN401  # what sqlite3 takes
        """Run a statement."""
        self._result = await self._connection.run(operation, parameters, many=False)
        return self

    async def executemany(self, operation: str, parameters: Iterable[Any]) -> Self:
        """Run a statement for each of `parameters`."""
        self._result = await self._connection.run(operation, parameters, many=True)
        return self

    async def fetchall(self) -> Sequence[Any]:
        """Return all rows."""
        rows, self._result.rows = self._result.rows, ()
        return rows

    async def close(self) -> None:
        """Do nothing: the statement has ended."""


def open_connection(arguments: Sequence[Any], options: Mapping[str, Any]) -> OneTurnConnection:
    """Return a connection to be awaited; `sqlite3.connect` gets the arguments."""
    # The driver begins nothing by itself; SQLAlchemy says when.
    connect = partial(sqlite3.connect, *arguments, **options, isolation_level=None)
    connection = OneTurnConnection(connect, iter_chunk_size=64)
    connection._thread.daemon = True  # noqa: SLF001  # as SQLAlchemy does: a process ends without it
    return connection
