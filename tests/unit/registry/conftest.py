from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from tidegate.registry.app import Pages, Parts, Registry
from tidegate.registry.push import PushRules
from tidegate.registry.store import Store, open_store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MAX_BLOB_BYTES = 2**21
MAX_MANIFEST_BYTES = 2**16


@pytest.fixture
def open_app(tmp_path: Path) -> Iterator[Callable[[], tuple[Store, httpx2.AsyncClient]]]:
    """Open the registry in this process; called again, as after a restart."""
    with ExitStack() as stack:

        def start() -> tuple[Store, httpx2.AsyncClient]:
            stack.close()
            store = stack.enter_context(open_store(tmp_path / "data"))
            rules = PushRules(
                MAX_BLOB_BYTES, MAX_MANIFEST_BYTES, notifies=True, public_url="http://r.example"
            )
            app = Registry(Parts(store, rules, Pages(referrers=2, names=3), lambda: NOW))
            transport = httpx2.ASGITransport(app)
            return store, httpx2.AsyncClient(transport=transport, base_url="http://r.example")

        yield start


@pytest.fixture
def opened(
    open_app: Callable[[], tuple[Store, httpx2.AsyncClient]],
) -> tuple[Store, httpx2.AsyncClient]:
    return open_app()


@pytest.fixture
def store(opened: tuple[Store, httpx2.AsyncClient]) -> Store:
    return opened[0]


@pytest.fixture
async def client(opened: tuple[Store, httpx2.AsyncClient]) -> AsyncIterator[httpx2.AsyncClient]:
    async with opened[1] as client:
        yield client
