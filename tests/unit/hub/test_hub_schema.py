"""The migrations make the schema, once, on whatever is stored already."""

import dataclasses
from pathlib import Path

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from support.hub_world import CLUSTER_TOKENS, START, TOKENS, World
from tidegate.domain.errors import ConfigurationError, NotPermittedError
from tidegate.hub.app import prepare
from tidegate.hub.context import Hub
from tidegate.hub.settings import HubSettings
from tidegate.hub.store.database import Database
from tidegate.hub.store.migrate import head, migrate
from tidegate.hub.store.schema import metadata
from tidegate.hub.store.seed import read_bootstrap
from tidegate.wire.hub_v1 import ClusterEnrolV1, ScanRequestV1


def hub_with(settings: HubSettings, tokens: Path) -> Hub:
    own = dataclasses.replace(settings, bootstrap_tokens_file=tokens)
    return Hub(own, Database(own.database_url), lambda: START)


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_migrations_make_the_schema_that_the_code_uses(settings: HubSettings) -> None:
    database = Database(settings.database_url)
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
        version = await connection.execute(text("SELECT version_num FROM alembic_version"))
        assert version.scalar() == head()
    await database.close()


async def test_a_filled_database_keeps_everything_when_migrated_again(world: World) -> None:
    await world.admin.enrol_cluster(ClusterEnrolV1("c3"))
    await world.admin.request_scan(ScanRequestV1("r.example", "a", "sha256:" + "a" * 64))
    rules, clusters = await world.admin.list_rules(), await world.admin.list_clusters()
    audit = (await world.admin.list_audit()).items
    await prepare(world.hub)
    assert await world.admin.list_rules() == rules
    assert await world.admin.list_clusters() == clusters
    assert (await world.admin.list_audit()).items == audit


async def test_the_version_before_can_still_write_jobs(world: World) -> None:
    row = dict.fromkeys(("worker", "error", "lease_hash", "lease_expires_at", "finished_at"), "")
    row |= {"id": "1", "registry": "r.example", "repository": "a", "digest": "sha256:" + "a" * 64}
    row |= {"media_type": "", "state": "queued", "attempt": 0, "not_before": "", "created_at": ""}
    row |= {"requested_by": "x"}
    columns = f"({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"
    async with world.hub.database.write() as connection:
        await connection.execute(text(f"INSERT INTO jobs {columns}"), row)
    job = await world.scanner.lease_job("w")
    assert job is not None
    assert job.attach


async def test_a_database_of_a_newer_version_is_refused(settings: HubSettings) -> None:
    database = Database(settings.database_url)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer version"):
        await migrate(database)
    await database.close()


async def test_a_failed_transaction_leaves_nothing(world: World) -> None:
    async def fail() -> None:
        async with world.hub.database.write() as connection:
            await connection.execute(text("DELETE FROM rules"))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        await fail()
    assert len(await world.reader.list_rules()) == 1


@pytest.mark.usefixtures("on_sqlite")
async def test_sqlite_is_set_up_for_many_readers_and_safety(world: World) -> None:
    async with world.hub.database.read() as connection:
        for pragma, value in (
            ("journal_mode", "wal"),
            ("synchronous", 1),
            ("foreign_keys", 1),
            ("busy_timeout", 10_000),
        ):
            assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar() == value


async def test_a_new_bootstrap_file_replaces_the_tokens_of_the_old(
    world: World, settings: HubSettings, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    fresh = {"admin": "n" * 40, "clusters": {"c1": "m" * 40, "c9": "o" * 40}}
    other.write_bytes(msgspec.json.encode(fresh))
    hub = hub_with(settings, other)
    await prepare(hub)
    await hub.database.close()
    with pytest.raises(NotPermittedError):
        await world.client(TOKENS["admin"]).list_rules()
    with pytest.raises(NotPermittedError):
        await world.client(CLUSTER_TOKENS["c1"]).fetch_policy("c1")
    assert await world.client("n" * 40).list_rules()
    assert await world.client("m" * 40).fetch_policy("c1")
    assert await world.client("o" * 40).fetch_policy("c9")
    assert await world.client(TOKENS["scanner"]).list_jobs()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "truncated", id="empty"),
        pytest.param(b'{"admin": "short"}', "admin has 5 characters", id="short"),
        pytest.param(b'{"clusters": {"c": ""}}', "clusters.c has 0", id="empty-cluster-token"),
        pytest.param(b'{"admni": "x"}', "unknown field `admni`", id="misspelt"),
        pytest.param(
            b'{"clusters": {"a/b": "' + b"x" * 40 + b'"}}', "'a/b' is no name", id="bad-name"
        ),
    ],
)
def test_a_bootstrap_file_that_cannot_be_meant_stops_the_start(
    tmp_path: Path, content: bytes, why: str
) -> None:
    path = tmp_path / "tokens.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=why):
        read_bootstrap(path)


def test_a_bootstrap_error_shows_no_token(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_bytes(b'{"admin": "hunter2"}')
    with pytest.raises(ConfigurationError) as refused:
        read_bootstrap(path)
    assert "hunter2" not in str(refused.value)


async def test_one_token_cannot_be_two_callers(settings: HubSettings, tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_bytes(msgspec.json.encode({"admin": "x" * 40, "scanner": "x" * 40}))
    hub = hub_with(settings, path)
    with pytest.raises(ConfigurationError, match="share one token"):
        await prepare(hub)
    await hub.database.close()
