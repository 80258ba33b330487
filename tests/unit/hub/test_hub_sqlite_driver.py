"""One turn of the connection's thread for a statement, and no statement outside its transaction."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tidegate.hub.store.sqlite_driver import OneTurnConnection, open_connection

SLOW = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000)
    INSERT INTO t SELECT i FROM n"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "x.db") as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE t (a)")
    made.close()
    return tmp_path / "x.db"


@pytest.fixture
def other(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program at the same file, which does not wait."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    yield connection
    connection.close()


@pytest.fixture
async def connection(path: Path) -> AsyncIterator[OneTurnConnection]:
    opened = await open_connection([str(path)], {"check_same_thread": False, "timeout": 0})
    yield opened
    await opened.close()


def rows_in(other: sqlite3.Connection) -> int:
    return int(other.execute("SELECT count(*) FROM t").fetchone()[0])


async def test_begin_goes_with_the_first_statement_alone(
    connection: OneTurnConnection, other: sqlite3.Connection
) -> None:
    connection.begin("BEGIN IMMEDIATE")
    for number in range(2):
        cursor = await connection.cursor().execute("INSERT INTO t VALUES (?)", (number,))
        assert cursor.rowcount == 1
    assert rows_in(other) == 0
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("INSERT INTO t VALUES (9)")
    await connection.commit()
    assert rows_in(other) == 2
    other.execute("INSERT INTO t VALUES (9)")


async def test_rows_come_with_the_statement(connection: OneTurnConnection) -> None:
    await connection.cursor().executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (3,)])
    cursor = connection.cursor()
    await cursor.execute("DELETE FROM t WHERE a > 1 RETURNING a AS gone")
    assert cursor.description[0][0] == "gone"
    assert await cursor.fetchall() == [(2,), (3,)]
    assert await cursor.fetchall() == ()
    assert cursor.rowcount == 2
    await cursor.execute("INSERT INTO t VALUES (4)")
    assert (cursor.description, cursor.lastrowid) == (None, 2)


async def test_statements_that_stand_alone_are_in_force_at_once(
    connection: OneTurnConnection, other: sqlite3.Connection
) -> None:
    connection.begin("")
    await connection.cursor().execute("INSERT INTO t VALUES (1)")
    await connection.rollback()
    assert rows_in(other) == 1


async def test_what_is_rolled_back_never_was(
    connection: OneTurnConnection, other: sqlite3.Connection
) -> None:
    connection.begin("BEGIN IMMEDIATE")
    await connection.cursor().execute("INSERT INTO t VALUES (1)")
    await connection.rollback()
    assert rows_in(other) == 0
    other.execute("BEGIN IMMEDIATE")  # nobody holds the lock


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_an_end_without_a_statement_leaves_no_begin_for_the_next(
    connection: OneTurnConnection, other: sqlite3.Connection, end: str
) -> None:
    connection.begin("BEGIN IMMEDIATE")
    await getattr(connection, end)()
    await connection.cursor().execute("SELECT 1")
    other.execute("BEGIN IMMEDIATE")


async def test_after_a_begin_that_failed_no_statement_runs_by_itself(
    connection: OneTurnConnection, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")
    connection.begin("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await connection.cursor().execute("INSERT INTO t VALUES (1)")
    other.execute("ROLLBACK")
    await connection.cursor().execute("INSERT INTO t VALUES (2)")
    assert rows_in(other) == 0
    await connection.rollback()
    assert rows_in(other) == 0


async def test_a_first_statement_that_is_cancelled_leaves_no_transaction_open(
    connection: OneTurnConnection, other: sqlite3.Connection
) -> None:
    connection.begin("BEGIN IMMEDIATE")
    sent = asyncio.Event()

    async def insert() -> None:
        sent.set()
        await connection.cursor().execute(SLOW)

    task = asyncio.create_task(insert())
    await sent.wait()
    task.cancel()
    assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], BaseException)
    await connection.rollback()  # as whoever held it does at last
    assert rows_in(other) == 0
    other.execute("BEGIN IMMEDIATE")
