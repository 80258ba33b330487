"""A whole hub in one process: real database, real routing, a clock that tests move."""

import asyncio
import subprocess
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher
from litestar.types import ASGIApp

from tidegate.hub.accounts.passwords import Passwords
from tidegate.hub.context import Hub
from tidegate.hub.settings import HubSettings
from tidegate.hub.store.database import Database
from tidegate.hubclient import HubClient
from tidegate.wire.sign_in_v1 import UserRole

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TOKENS = {role: f"{role}-{'t' * 40}" for role in ("admin", "reader", "scanner", "registry")}
PASSWORD = "correct horse battery"  # noqa: S105  # of tests
INITIAL_PASSWORD = "first-password-of-admin"  # noqa: S105  # of tests
CLUSTER_TOKENS = {name: f"{name}-{'t' * 40}" for name in ("c1", "c2")}


def cheap_passwords() -> Passwords:
    """Return password hashing that takes no time, which tests do not measure."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def database_bytes(url: str) -> bytes:
    """Return all that the database keeps."""
    if url.startswith("postgresql:"):
        return subprocess.run(["pg_dump", url], capture_output=True, check=True).stdout
    file = Path(url.partition("///")[2])
    return b"".join(path.read_bytes() for path in file.parent.glob("hub.db*"))


class Browser:
    """A browser on one of the hub's own pages: keeps cookies, adds what the page adds."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.csrf = ""

    async def sign_in(self, username: str, password: str) -> httpx2.Response:
        return await self._open({"username": username, "password": password})

    async def sign_in_with_token(self, token: str) -> httpx2.Response:
        return await self._open({"token": token})

    async def change_password(self, current: str, new: str) -> httpx2.Response:
        body = {"current": current, "new": new}
        return self._keep(await self.request("POST", "session/password", json=body))

    async def request(self, method: str, path: str, **given: Any) -> httpx2.Response:  # noqa: ANN401  # what httpx2 takes
        headers = {"X-Tidegate-CSRF": self.csrf} if self.csrf else {}
        headers |= given.pop("headers", {})
        return await self.http.request(
            method, path if path.startswith("/") else f"/api/v1/{path}", headers=headers, **given
        )

    async def _open(self, body: dict[str, str]) -> httpx2.Response:
        return self._keep(await self.http.post("/api/v1/session", json=body))

    def _keep(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.is_success:
            self.csrf = answer.json()["csrfToken"]
        return answer


class World:
    """One hub, clients of every role, and its clock."""

    def __init__(self, app: ASGIApp, settings: HubSettings, stack: AsyncExitStack) -> None:
        self.app, self._stack = app, stack
        self.hub = Hub(
            settings,
            Database(settings.database_url, settings.database),
            self.now,
            passwords=cheap_passwords(),
        )
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

    def browser(self, **headers: str) -> Browser:
        return Browser(self.raw(base_url="https://hub.test", **headers))

    async def person(self, name: str, role: UserRole) -> Browser:
        """Return the browser of a user who has signed in and changed the first password."""
        made = await self.raw(TOKENS["admin"]).post(
            "/api/v1/users", json={"name": name, "role": role}
        )
        browser = self.browser()
        assert (await browser.sign_in(name, made.json()["password"])).is_success
        changed = await browser.change_password(made.json()["password"], PASSWORD)
        assert changed.is_success, changed.text
        return browser

    def raw(
        self, token: str = "", base_url: str = "http://hub.test", **headers: str
    ) -> httpx2.AsyncClient:
        given = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url=base_url,
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
