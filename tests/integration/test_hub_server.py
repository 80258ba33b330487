"""The hub's HTTP server over raw sockets: who is slow, or sends too much, is cut; others serve."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import uvicorn

from support.hub_world import CLUSTER_TOKENS, START, TOKENS, until
from tidegate.hub.app import running
from tidegate.hub.context import Hub
from tidegate.hub.server import make_server
from tidegate.hub.settings import HubSettings
from tidegate.hub.store.database import Database
from tidegate.hubclient import HubClient
from tidegate.net.limits import ConnectionLimits
from tidegate.wire.hub_v1 import ScanRequestV1

pytestmark = pytest.mark.integration

QUICK = ConnectionLimits(
    header_deadline_s=0.4,
    body_deadline_s=0.6,
    min_body_bytes_per_s=1000,
    max_header_bytes=8192,
    max_connections=4,
)
HEAD = (
    "POST /api/v1/tokens HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\n"
    f"authorization: Bearer {TOKENS['admin']}\r\n"
).encode()
BODY = b'{"name": "t", "role": "reader"}'


@dataclass
class Served:
    hub: Hub
    port: int
    server: uvicorn.Server

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    def cut(self, reason: str) -> float:
        text = self.hub.metrics.render(None, self.hub.signals).decode()
        named = f'tidegate_hub_cut_connections_total{{reason="{reason}"}} '
        return sum(float(line.removeprefix(named)) for line in text.splitlines() if named in line)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    tokens = tmp_path / "tokens.json"
    tokens.write_bytes(msgspec.json.encode({**TOKENS, "clusters": CLUSTER_TOKENS}))
    url = f"sqlite+aiosqlite:///{tmp_path / 'hub.db'}"
    settings = HubSettings(url, port=0, bootstrap_tokens_file=tokens)
    hub = Hub(settings, Database(url), lambda: START)
    async with running(hub):
        server = make_server(hub, QUICK)
        task = asyncio.create_task(server.serve())
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        yield Served(hub, server.servers[0].sockets[0].getsockname()[1], server)
        server.should_exit = True
        await task


async def seconds_until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """Wait until the hub closes the connection; return how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        async with asyncio.timeout(5):
            while await reader.read(65536):
                continue
    writer.transport.abort()
    return loop.time() - began


SLOW = {
    "nothing": (b"", 0.4, "header deadline"),
    "half-header": (HEAD, 0.4, "header deadline"),
    "half-body": (HEAD + b"content-length: 100\r\n\r\n{", 0.6, "body deadline"),
    "large-header": (HEAD + b"x: " + b"y" * 9000 + b"\r\n", 0.0, "header too large"),
}


@pytest.mark.parametrize(("sent", "cut_after_s", "reason"), SLOW.values(), ids=SLOW)
async def test_t11_slow_and_oversized_requests_to_the_hub_are_cut(
    served: Served, sent: bytes, cut_after_s: float, reason: str
) -> None:
    began = asyncio.get_running_loop().time()
    reader, writer = await served.open()
    writer.write(sent)
    await seconds_until_closed(reader, writer)
    assert asyncio.get_running_loop().time() - began >= cut_after_s, "cut before its time"
    assert served.cut(reason) == 1


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nx: ", "header deadline", id="header"),
        pytest.param(HEAD + b"content-length: 9999\r\n\r\n", "body deadline", id="body"),
    ],
)
async def test_t11_a_byte_now_and_then_does_not_keep_a_connection(
    served: Served, prefix: bytes, reason: str
) -> None:
    reader, writer = await served.open()
    writer.write(prefix)

    async def dribble() -> None:
        for _ in range(100):
            writer.write(b"{")
            await asyncio.sleep(0.05)

    dribbling = asyncio.create_task(dribble())
    assert await seconds_until_closed(reader, writer) < 2
    dribbling.cancel()
    assert served.cut(reason) == 1


async def test_a_large_body_that_keeps_coming_has_its_time(served: Served) -> None:
    reader, writer = await served.open()
    body = b" " * 8000 + BODY
    writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), 1000):
        writer.write(body[start : start + 1000])
        await asyncio.sleep(0.15)  # longer than the deadline in all, and faster than the least rate
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 201")
    assert served.cut("body deadline") == 0
    writer.transport.abort()


async def test_t11_a_second_request_on_a_connection_to_the_hub_has_its_deadline_too(
    served: Served,
) -> None:
    reader, writer = await served.open()
    writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 201")
    writer.write(HEAD)
    assert await seconds_until_closed(reader, writer) < 2


async def test_a_request_that_waits_for_news_is_not_cut(served: Served) -> None:
    reader, writer = await served.open()
    token = CLUSTER_TOKENS["c1"]
    head = f"HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    writer.write(b"GET /api/v1/clusters/c1/policy " + head)
    answer = (await reader.readuntil(b"\r\n\r\n")).lower()
    generation = answer.partition(b'etag: "')[2].partition(b'"')[0]
    length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    path = b"GET /api/v1/clusters/c1/policy?wait_s=1.5&generation=" + generation + b" "
    writer.write(path + head)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 304")
    writer.transport.abort()


async def test_t11_connections_beyond_the_hubs_cap_are_cut_and_others_serve(
    served: Served,
) -> None:
    kept = []
    for _ in range(4):
        reader, writer = await served.open()
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: hub\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await reader.readexactly(2)
        kept.append((reader, writer))
    await seconds_until_closed(*await served.open())
    assert served.cut("too many connections") == 1
    reader, writer = kept[0]
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: hub\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    for _, other in kept:
        other.transport.abort()


async def test_a_worker_that_went_while_it_waited_takes_no_job_along(served: Served) -> None:
    _, writer = await served.open()
    asked = b'{"worker": "stopped", "waitS": 20}'
    writer.write(
        b"POST /api/v1/jobs/lease HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\n"
        b"authorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
        % (TOKENS["scanner"].encode(), len(asked), asked)
    )
    await until(lambda: served.hub.signals.jobs.waiting == 1)
    writer.transport.abort()
    await until(lambda: not served.server.server_state.connections)
    url = f"http://127.0.0.1:{served.port}"
    async with HubClient(url, TOKENS["admin"]) as admin, HubClient(url, TOKENS["scanner"]) as other:
        digest = "sha256:" + "a" * 64
        await admin.request_scan(ScanRequestV1("registry.example", "shop/web", digest))
        job = await other.lease_job("other", 3.0)
    assert job is not None
    assert (job.digest, job.attempt) == (digest, 1)
