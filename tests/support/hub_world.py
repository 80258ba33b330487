"""A whole hub in one process: real database, real routing, a clock that tests move."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx2
from litestar.types import ASGIApp

from tidegate.hub.context import Hub
from tidegate.hub.settings import HubSettings
from tidegate.hub.store.database import Database
from tidegate.hubclient import HubClient

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TOKENS = {role: f"{role}-{'t' * 40}" for role in ("admin", "reader", "scanner", "registry")}
CLUSTER_TOKENS = {name: f"{name}-{'t' * 40}" for name in ("c1", "c2")}


class World:
    """One hub, clients of every role, and its clock."""

    def __init__(self, app: ASGIApp, settings: HubSettings, stack: AsyncExitStack) -> None:
        self.app, self._stack = app, stack
        self.hub = Hub(settings, Database(settings.database_url), self.now)
        self.moment = START
        self.admin = self.client(TOKENS["admin"])
        self.reader = self.client(TOKENS["reader"])
        self.scanner = self.client(TOKENS["scanner"])
        self.c1 = self.client(CLUSTER_TOKENS["c1"])
        self.c2 = self.client(CLUSTER_TOKENS["c2"])

    def now(self) -> datetime:
        return self.moment

    def later(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def client(self, token: str) -> HubClient:
        transport = httpx2.ASGITransport(app=self.app)
        client = HubClient("http://hub.test", token, transport=transport)
        self._stack.push_async_callback(client.close)
        return client

    def raw(self, token: str = "", **headers: str) -> httpx2.AsyncClient:
        given = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url="http://hub.test",
            headers={**given, **headers},
        )
        self._stack.push_async_callback(client.aclose)
        return client


async def until(holds: Callable[[], bool], deadline_s: float = 5) -> None:
    """Return once `holds`, which another task brings about."""
    for _ in range(int(deadline_s / 0.005)):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"still not so after {deadline_s:g} s")
