"""A database that is full, locked, away or behind: a clear message, and nothing half-saved."""

import base64
import dataclasses
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert, inspect, text

from support.hub_world import START, TOKENS, World
from tidegate.domain.errors import ConfigurationError, ConflictError, DatabaseUnavailableError
from tidegate.hub.app import prepare
from tidegate.hub.context import Hub
from tidegate.hub.settings import HubSettings
from tidegate.hub.store import clusters, events, migrations, organisation
from tidegate.hub.store.database import Database
from tidegate.hub.store.migrate import head, migrate, revisions
from tidegate.hub.store.schema import rules
from tidegate.wire.hub_v1 import ScanRequestV1

RULE = {"rule": {"name": "big", "action": "deny", "configuration": {"blockUnscannedImages": True}}}
DIGEST = "sha256:" + "a" * 64
REFUSE = (
    """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$""",
    "CREATE TRIGGER refuse BEFORE INSERT ON audit EXECUTE FUNCTION refuse()",
)


async def fill_up(world: World) -> None:
    """Let the next write find no room: on SQLite by its quota, on PostgreSQL as the disk says."""
    async with world.hub.database.write() as connection:
        if not world.hub.database.is_shared:
            pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
            await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
            return
        for statement in REFUSE:
            await connection.execute(text(statement))


async def make_room(world: World) -> None:
    async with world.hub.database.write() as connection:
        if world.hub.database.is_shared:
            await connection.execute(text("DROP TRIGGER refuse ON audit"))
        else:
            await connection.execute(text("PRAGMA max_page_count = 1000000"))


async def create(world: World, **more: str) -> httpx2.Response:
    rule = {**RULE["rule"], "description": "x" * 900, **more}
    return await world.raw(TOKENS["admin"]).post("/api/v1/rules", json={"rule": rule})


async def test_a_full_database_says_so_and_saves_nothing_half(world: World) -> None:
    await fill_up(world)
    for number in range(60):  # what is left of the last pages is used up first
        refused = await create(world, name=f"r{number}")
        if refused.status_code != 201:
            break
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert "no room left" in refused.json()["detail"]
    assert "nothing of this request was stored" in refused.json()["detail"]
    kept = await world.reader.list_rules()
    audit = (await world.admin.list_audit(limit=500)).items
    assert len(kept) - 1 == len([e for e in audit if e.action == "rule.create"])
    await make_room(world)
    assert (await create(world, name="afterwards")).status_code == 201


async def test_a_locked_database_says_so_and_saves_nothing(world: World) -> None:
    if world.hub.database.is_shared:
        await lock_on_postgresql(world)
    else:
        await lock_on_sqlite(world)
    assert len(await world.reader.list_rules()) == 1
    assert (await create(world)).status_code == 201


async def delete_all(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("SET LOCAL lock_timeout = 50"))
        await connection.execute(text("DELETE FROM tokens"))
        await connection.execute(text("DELETE FROM rules"))


async def lock_on_postgresql(world: World) -> None:
    other = Database(world.hub.settings.database_url)
    async with other.write() as holder:
        await holder.execute(text("LOCK TABLE rules IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DatabaseUnavailableError, match="locked by another program"):
            await delete_all(world.hub.database)
    await other.close()


async def lock_on_sqlite(world: World) -> None:
    async with world.hub.database.write() as connection:
        await connection.execute(text("COMMIT"))
        await connection.execute(text("PRAGMA busy_timeout = 50"))
        await connection.execute(text("BEGIN"))
    file = world.hub.settings.database_url.partition("///")[2]
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    answer = await create(world)
    holder.execute("ROLLBACK")
    holder.close()
    assert answer.status_code == 503
    assert "locked by another program" in answer.json()["detail"]


async def test_of_two_who_store_the_same_at_once_the_later_gets_a_conflict(world: World) -> None:
    async with world.hub.database.read() as connection:
        row = dict((await connection.execute(text("SELECT * FROM rules"))).mappings().one())
    with pytest.raises(ConflictError, match="at the same moment"):
        async with world.hub.database.write() as connection:
            await connection.execute(insert(rules).values(**row))
    assert len(await world.reader.list_rules()) == 1


async def test_a_database_that_is_away_is_a_503_and_names_no_credential() -> None:
    database = Database("postgresql://tidegate:hunter2@127.0.0.1:9/hub")
    with pytest.raises(DatabaseUnavailableError, match="does not answer") as refused:
        async with database.read():
            raise AssertionError("connected to nobody")
    assert "hunter2" not in str(refused.value)
    await database.close()


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "sqlite+aiosqlite://", "::"])
def test_an_address_of_no_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="want postgresql://") as refused:
        Database(url)
    assert "hunter2" not in str(refused.value)


def to_first(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


FIRST_ROWS = (
    "INSERT INTO organisation VALUES (1, 'FirstMatch', 'On', 7, '2026-11-01T00:00:00.000000Z')",
    "INSERT INTO clusters VALUES ('old', 'aws', '42', '{\"env\":\"prod\"}', 'On', '2026', '', '', '', '[]')",
    "INSERT INTO tokens VALUES ('t1', 'cluster:old', 'cluster', 'old', 'h', '2026')",
    """INSERT INTO events (cluster, id, at, action, namespace, search, body) VALUES (
        'old', 'e1', '2026-11-01T00:00:00.000000Z', 'deny', 'n', 's',
        '{"id":"e1","time":"2026-11-01T00:00:00Z","action":"deny","kind":"Pod","name":"p","images":[]}'
    )""",
    "INSERT INTO audit (at, actor, role, action, target) VALUES ('2026', 'a', 'admin', 'x', 'y')",
)


@pytest.fixture
async def first(empty_database_url: str) -> AsyncIterator[Database]:
    """A database as the first schema left it, with rows in it."""
    database = Database(empty_database_url)
    async with database.write() as connection:
        await connection.run_sync(to_first)
        for row in FIRST_ROWS:
            await connection.exec_driver_sql(row)
    yield database
    await database.close()


async def version_of(database: Database) -> str:
    async with database.read() as connection:
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
        return str(found.scalar_one())


async def test_a_database_one_schema_behind_is_brought_forward_with_all_its_rows(
    first: Database, settings: HubSettings, empty_database_url: str
) -> None:
    behind = dataclasses.replace(settings, database_url=empty_database_url)
    hub = Hub(behind, Database(empty_database_url), lambda: START)
    await prepare(hub)
    async with hub.database.read() as connection:
        cluster = await clusters.load(connection, "old")
        assert (cluster.provider, cluster.account, cluster.labels) == ("aws", "42", {"env": "prod"})
        assert (await events.load(connection, "e1", "old")).action == "deny"
        assert (await organisation.load(connection)).revision == 7
    await hub.database.close()
    assert await version_of(first) == head()


async def test_a_migration_that_fails_leaves_the_database_as_it_was(first: Database) -> None:
    async with first.write() as connection:  # in the way of what a migration makes
        await connection.exec_driver_sql("CREATE TABLE enrolments (x integer)")
        before = await connection.run_sync(lambda c: sorted(inspect(c).get_table_names()))
    with pytest.raises(ConfigurationError, match="nothing of it was changed"):
        await migrate(first)
    assert await version_of(first) == "0001"
    async with first.read() as connection:
        after = await connection.run_sync(lambda c: sorted(inspect(c).get_table_names()))
    assert after == before


SET_VERSION = "UPDATE alembic_version SET version_num = :version"


async def execute(world: World, statement: str, **values: str) -> None:
    async with world.hub.database.write() as connection:
        await connection.execute(text(statement), values)


async def test_a_database_put_back_under_a_running_hub_is_not_ready_and_says_what_to_do(
    world: World,
) -> None:
    client = world.raw(TOKENS["admin"])
    assert (await client.get("/readyz")).text == "ok"
    before = revisions()[1]
    await execute(world, SET_VERSION, version=before)
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert f"has schema {before}, want {head()}: start the hub again" in answer.text
    await execute(world, SET_VERSION, version="9999")
    assert (await client.get("/readyz")).text == "ok", "the release before works on a newer schema"


@pytest.mark.parametrize(
    ("statement", "method", "path"),
    [
        pytest.param("DROP TABLE scans", "GET", "images/lookup", id="table"),
        pytest.param("ALTER TABLE audit RENAME COLUMN action TO act", "GET", "audit", id="column"),
        pytest.param(
            "ALTER TABLE audit RENAME COLUMN action TO act", "POST", "rules", id="inserted-column"
        ),
    ],
)
async def test_a_request_that_meets_another_schema_says_so_and_stores_nothing(
    world: World, statement: str, method: str, path: str
) -> None:
    await world.admin.request_scan(ScanRequestV1("r.example", "a", DIGEST))
    await execute(world, statement)
    image = {"registry": "r.example", "repository": "a", "digest": DIGEST}
    answer = await world.raw(TOKENS["admin"]).request(
        method,
        f"/api/v1/{path}",
        params=image if path == "images/lookup" else None,
        json=RULE if method == "POST" else None,
    )
    assert answer.status_code == 503, answer.text
    assert "another schema than this version of the hub" in answer.json()["detail"]
    assert "start the hub again" in answer.json()["detail"]
    assert len(await world.reader.list_rules()) == 1


async def test_a_migration_under_a_running_hub_costs_one_request_at_most(world: World) -> None:
    client = world.raw(TOKENS["admin"])
    assert (await client.get("/api/v1/audit")).is_success
    if world.hub.database.is_shared:
        await execute(world, "ALTER TABLE audit ALTER COLUMN action TYPE varchar(80)")
        first = await client.get("/api/v1/audit")
        assert first.status_code == 503
        assert "brought to another schema at this moment" in first.json()["detail"]
    else:
        await execute(world, "ALTER TABLE audit ADD COLUMN more text")
    assert (await client.get("/api/v1/audit")).is_success


HOSTILE = [
    pytest.param("\x00", id="nul"),
    pytest.param("a\x00b", id="nul-within"),
    pytest.param("\ud7ff\U0010ffff", id="last-characters"),
    pytest.param("' OR 1=1 --", id="sql"),
    pytest.param("%_\\", id="wildcards"),
]
FILTERED = [
    ("/api/v1/events", ("cluster", "namespace", "rule", "image", "search", "since", "until")),
    ("/api/v1/images", ("registry", "repository", "status", "tag", "search")),
    ("/api/v1/rules", ("search",)),
]


@pytest.mark.parametrize("text_sent", HOSTILE)
async def test_no_text_in_a_query_or_path_is_a_fault(world: World, text_sent: str) -> None:
    client = world.raw(TOKENS["admin"])
    for path, names in FILTERED:
        for name in names:
            answer = await client.get(path, params={name: text_sent})
            assert answer.status_code < 500, (path, name)
    for path in ("clusters", "rules", "events"):
        answer = await client.get(f"/api/v1/{path}/{quote(text_sent, safe='')}")
        assert answer.status_code in (400, 404), path
    for path in ("clusters", "rules"):
        answer = await client.delete(f"/api/v1/{path}/{quote(text_sent, safe='')}")
        assert answer.status_code < 500, path


@pytest.mark.parametrize("text_sent", HOSTILE)
async def test_no_text_in_a_body_is_a_fault_and_what_is_refused_is_not_stored(
    world: World, text_sent: str
) -> None:
    client = world.raw(TOKENS["admin"])
    clusters_before = await world.reader.list_clusters()
    bodies = {
        "/api/v1/clusters": {"name": "n", "account": text_sent, "labels": {text_sent: text_sent}},
        "/api/v1/rules": {"rule": {**RULE["rule"], "name": text_sent, "description": text_sent}},
        "/api/v1/tokens": {"name": text_sent, "role": "reader"},
        "/api/v1/images/scan": {
            "registry": text_sent,
            "repository": text_sent,
            "digest": text_sent,
        },
    }
    for path, body in bodies.items():
        answer = await client.post(path, json=body)
        assert answer.status_code < 500, (path, answer.text)
        if path == "/api/v1/clusters" and answer.status_code >= 400:
            assert await world.reader.list_clusters() == clusters_before


@pytest.mark.parametrize("place", [2**63, -(2**70), 10**30], ids=["64-bits", "negative", "huge"])
@pytest.mark.parametrize("path", ["events", "images", "audit", "jobs"])
async def test_a_cursor_beyond_all_places_is_refused(world: World, path: str, place: int) -> None:
    values = ("2026", place) if path in ("events", "images") else (place,)
    cursor = base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
    answer = await world.raw(TOKENS["admin"]).get(f"/api/v1/{path}", params={"cursor": cursor})
    assert answer.status_code == 400
    assert "cursor" in answer.json()["detail"]
