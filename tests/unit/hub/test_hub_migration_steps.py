"""Every migration, on a database with rows in every table, on both kinds of database.

Rows are made from what the tables are at each revision, so a table that a later revision adds is
filled too. Of each step: nothing that was there is lost or changed, and the release before can go on
reading and writing (it knows neither new tables nor new columns).
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from tidegate.hub.store.database import Database
from tidegate.hub.store.migrate import _config, head, migrate, revisions
from tidegate.hub.store.schema import metadata

ROWS = 3
"""Of each table at each revision; one at most where there can be no more."""

SINGLE = frozenset({"access_changes", "advisory_pass", "feed_order", "organisation"})
NUMBERED_BY_OTHERS = frozenset({"feed_batches", "package_images"})
"""Their key is a number that another table gave."""

T = TypeVar("T")
Rows = dict[str, list[dict[str, Any]]]

REVISIONS = tuple(reversed(revisions()))


def value(table: sa.Table, column: sa.Column[Any], number: int) -> Any:  # noqa: ANN401 # of the column's type
    """Return the `number`-th row's value of a column that refers to no other table."""
    match f"{table.name}.{column.name}":
        case "events.body":
            return json.dumps({"kind": "Pod", "user": "jane", "images": [{"image": f"a:{number}"}]})
        case "images.reports":
            return json.dumps([{"counts": {"high": number}}])
        case "advisory_pass.id" | "feed_order.id" | "organisation.id":
            return 1
    if column.name == "at" or column.name.endswith("_at"):
        return f"2026-11-23T08:{number % 60:02}:00.000000Z"
    match column.type:
        case sa.Boolean():
            return number % 2 == 0
        case sa.Integer():
            return number
        case sa.LargeBinary():
            return bytes([number % 256]) * 3
        case sa.String(length=length):
            return f"{number}.{table.name}.{column.name}"[:length]
    raise AssertionError(f"no value for {table.name}.{column.name} of type {column.type}")


def reflected(connection: Connection) -> sa.MetaData:
    found = sa.MetaData()
    found.reflect(connection)
    found.remove(found.tables["alembic_version"])
    return found


def counts_itself(column: sa.Column[Any]) -> bool:
    alone = len(column.table.primary_key.columns) == 1
    if column.table.name in NUMBERED_BY_OTHERS:
        return False
    return column.primary_key and alone and isinstance(column.type, sa.Integer)


def insert(connection: Connection, table: sa.Table, number: int) -> None:
    """Write a row with a value in each column that `table` was reflected with."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if counts_itself(column) and table.name not in SINGLE:
            continue
        if column.foreign_keys:
            (key,) = column.foreign_keys
            parent = key.column
            found = sa.select(parent).order_by(parent).offset(number % ROWS).limit(1)
            row[column.name] = connection.execute(found).scalar_one()
        else:
            row[column.name] = value(table, column, number)
    if "user_name" in row and "token_id" in row:
        row["token_id"] = None  # a session is of one or the other
    connection.execute(sa.insert(table).values(row))


def fill(connection: Connection, tables: sa.MetaData, first: int) -> None:
    for table in tables.sorted_tables:
        known = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        if table.name in SINGLE and known:
            continue
        for number in range(first, first + (1 if table.name in SINGLE else ROWS)):
            insert(connection, table, number)


def read(connection: Connection, tables: sa.MetaData) -> Rows:
    """Return all rows, with the columns of `tables`."""
    return {
        table.name: sorted(
            (dict(row) for row in connection.execute(sa.select(table)).mappings()), key=repr
        )
        for table in tables.sorted_tables
    }


def upgrade(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture
async def database(empty_database_url: str) -> AsyncIterator[Database]:
    made = Database(empty_database_url)
    yield made
    await made.close()


async def run(database: Database, what: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401 # of `what`
    """Run `what` in a transaction on a connection of its own, as another hub would."""
    await database.close()
    async with database.write() as connection:
        return await connection.run_sync(what, *arguments)


@pytest.mark.slow
async def test_every_step_keeps_all_rows_and_lets_the_release_before_go_on(
    database: Database,
) -> None:
    def first(connection: Connection) -> sa.MetaData:
        upgrade(connection, REVISIONS[0])
        tables = reflected(connection)
        fill(connection, tables, 0)
        return tables

    def go_on(connection: Connection, number: int, old: sa.MetaData) -> None:
        for table in old.sorted_tables:
            if table.name not in SINGLE:
                insert(connection, table, 100 * number + ROWS)

    def fill_all(connection: Connection, number: int) -> sa.MetaData:
        tables = reflected(connection)
        fill(connection, tables, 100 * (number + 1))
        return tables

    tables = await run(database, first)
    for number, revision in enumerate(REVISIONS[1:]):
        before = await run(database, read, tables)
        assert all(before.values()), "every table has rows"
        await run(database, upgrade, revision)
        assert await run(database, read, tables) == before, f"{revision} changed what was there"
        await run(database, go_on, number, tables)
        tables = await run(database, fill_all, number)
    async with database.read() as connection:
        differences = await connection.run_sync(
            lambda c: compare_metadata(MigrationContext.configure(c), metadata)
        )
    assert differences == []


@pytest.mark.slow
@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_filled_database_of_any_release_comes_to_this_one_in_one_start(
    database: Database, revision: str
) -> None:
    def make(connection: Connection) -> Rows:
        upgrade(connection, revision)
        tables = reflected(connection)
        fill(connection, tables, 0)
        return read(connection, tables)

    async with database.write() as connection:
        before = await connection.run_sync(make)
    await migrate(database)

    def kept(connection: Connection) -> Rows:
        tables = reflected(connection)
        return {
            name: sorted(
                ({key: row[key] for key in rows[0]} for row in read(connection, tables)[name]),
                key=repr,
            )
            for name, rows in before.items()
        }

    async with database.read() as connection:
        assert await connection.run_sync(kept) == before
        version = await connection.execute(sa.text("SELECT version_num FROM alembic_version"))
        assert version.scalar_one() == head()
