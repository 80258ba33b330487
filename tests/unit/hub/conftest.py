"""A hub of its own for each test, on a copy of one prepared database."""

import asyncio
import dataclasses
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine

from support.hub_world import (
    CLUSTER_TOKENS,
    INITIAL_PASSWORD,
    START,
    TOKENS,
    World,
    cheap_passwords,
)
from support.postgres import Server
from tidegate.hub.app import prepare, route
from tidegate.hub.context import Hub
from tidegate.hub.headers import with_headers
from tidegate.hub.settings import HubSettings, JobLimits
from tidegate.hub.sign_in_settings import SignInSettings
from tidegate.hub.store import engines
from tidegate.hub.store.database import Database


@pytest.fixture(scope="session", autouse=True)
def _shared_statements() -> Iterator[None]:
    """Compile each statement once for all tests: a process has one engine, they have thousands.

    SQLAlchemy keeps compiled statements by engine and dialect, so these share both.
    """
    kept: dict[str, tuple[Any, Any]] = {}
    make = engines.create_async_engine

    def make_sharing(url: Any, **options: Any) -> AsyncEngine:  # noqa: ANN401 as SQLAlchemy's
        engine = make(url, **options)
        own = engine.sync_engine
        first = (own.dialect, own._compiled_cache)  # noqa: SLF001 there is no way to pass one
        own.dialect, own._compiled_cache = kept.setdefault(own.dialect.name, first)  # noqa: SLF001
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "create_async_engine", make_sharing)
        yield


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> HubSettings:
    """A database as it is after the first start."""
    folder = tmp_path_factory.mktemp("hub")
    return _prepare(folder, f"sqlite+aiosqlite:///{folder / 'hub.db'}")


@pytest.fixture(scope="session")
def prepared_postgres(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> HubSettings:
    """The same on PostgreSQL: what the databases of tests are copied from."""
    return _prepare(tmp_path_factory.mktemp("hub"), postgres.url(postgres.create()))


def _prepare(folder: Path, database_url: str) -> HubSettings:
    tokens = folder / "tokens.json"
    tokens.write_bytes(msgspec.json.encode({**TOKENS, "clusters": CLUSTER_TOKENS}))
    password = folder / "admin.password"
    password.write_text(f"{INITIAL_PASSWORD}\n")
    settings = HubSettings(
        database_url=database_url,
        bootstrap_tokens_file=tokens,
        event_retention_d=0,
        jobs=JobLimits(lease_s=60, max_attempts=3, backoff_s=5),
        sign_in=SignInSettings(bootstrap_password_file=password),
    )

    async def make() -> None:
        database = Database(settings.database_url)
        hub = Hub(settings, database, lambda: START, passwords=cheap_passwords())
        await prepare(hub)
        await hub.database.close()

    asyncio.run(make())
    return settings


@pytest.fixture(scope="session")
def routed(prepared: HubSettings) -> Litestar:
    """All handlers; made once, they find their hub in the state."""
    return route(Hub(prepared, Database(prepared.database_url), lambda: START))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, prepared: HubSettings
) -> Iterator[HubSettings]:
    """A prepared database of the test's own, on each kind of database that a hub may have."""
    if request.param == "sqlite":
        shutil.copy(prepared.database_url.partition("///")[2], tmp_path / "hub.db")
        yield dataclasses.replace(
            prepared, database_url=f"sqlite+aiosqlite:///{tmp_path / 'hub.db'}"
        )
        return
    server: Server = request.getfixturevalue("postgres")
    template: HubSettings = request.getfixturevalue("prepared_postgres")
    name = server.create(template.database_url.rpartition("/")[2])
    yield dataclasses.replace(template, database_url=server.url(name))
    server.drop(name)


@pytest.fixture
def empty_database_url(settings: HubSettings, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with nothing in it, of the kind that `settings` has."""
    if settings.database_url.startswith("sqlite"):
        yield settings.database_url.replace("hub.db", "empty.db")
        return
    server: Server = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def on_sqlite(settings: HubSettings) -> None:
    """Keep a test that is about SQLite alone to it."""
    if not settings.database_url.startswith("sqlite"):
        pytest.skip("about SQLite alone")


@pytest.fixture
async def world(settings: HubSettings, routed: Litestar) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        world = World(with_headers(routed), settings, stack)
        stack.push_async_callback(world.hub.database.close)
        routed.state.hub = world.hub
        yield world
