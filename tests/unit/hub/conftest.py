"""A hub of its own for each test, on a copy of one prepared database."""

import asyncio
import dataclasses
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from litestar import Litestar

from support.hub_world import (
    CLUSTER_TOKENS,
    INITIAL_PASSWORD,
    START,
    TOKENS,
    World,
    cheap_passwords,
)
from tidegate.hub.app import prepare, route
from tidegate.hub.context import Hub
from tidegate.hub.headers import with_headers
from tidegate.hub.settings import HubSettings, JobLimits
from tidegate.hub.sign_in_settings import SignInSettings
from tidegate.hub.store.database import Database


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> HubSettings:
    """A database as it is after the first start."""
    folder = tmp_path_factory.mktemp("hub")
    tokens = folder / "tokens.json"
    tokens.write_bytes(msgspec.json.encode({**TOKENS, "clusters": CLUSTER_TOKENS}))
    password = folder / "admin.password"
    password.write_text(f"{INITIAL_PASSWORD}\n")
    settings = HubSettings(
        database_url=f"sqlite+aiosqlite:///{folder / 'hub.db'}",
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


@pytest.fixture
def settings(tmp_path: Path, prepared: HubSettings) -> HubSettings:
    shutil.copy(prepared.database_url.partition("///")[2], tmp_path / "hub.db")
    return dataclasses.replace(prepared, database_url=f"sqlite+aiosqlite:///{tmp_path / 'hub.db'}")


@pytest.fixture
async def world(settings: HubSettings, routed: Litestar) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        world = World(with_headers(routed), settings, stack)
        stack.push_async_callback(world.hub.database.close)
        routed.state.hub = world.hub
        yield world
