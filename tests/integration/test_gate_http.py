"""The gate's own HTTP/1.1 over raw sockets: framing, smuggling, pipelines, expectations, its end."""

import asyncio
import gc
import json
import ssl
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.gate_server import Gate, running_gate
from support.gate_world import CLEAN, VULNERABLE, pod, review_of
from tidegate.net.http1 import MAX_PIPELINED

pytestmark = pytest.mark.integration

REVIEW = review_of(pod(CLEAN))
POST = b"POST /admit?timeout=10s HTTP/1.1\r\nhost: gate\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: gate\r\n\r\n"


def whole(body: bytes = REVIEW, head: bytes = POST, more: bytes = b"") -> bytes:
    return head + b"content-length: %d\r\n%b\r\n" % (len(body), more) + body


def chunked(body: bytes, size: int = 100, ending: bytes = b"0\r\n\r\n") -> bytes:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return POST + b"transfer-encoding: chunked\r\n\r\n" + framed + ending


@asynccontextmanager
async def connected(gate: Gate) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    context = ssl.create_default_context(cafile=str(gate.files.certificate))
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port, ssl=context)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.transport.abort()


async def answer(reader: asyncio.StreamReader, *, head_only: bool = False) -> tuple[int, bytes]:
    """Return status and body of the next answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if status == 100 or head_only:
        return status, head
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
    return status, await reader.readexactly(length)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the gate closes."""
    try:
        return await reader.read()
    except (ConnectionResetError, ssl.SSLError):
        return b""


async def write_on(writer: asyncio.StreamWriter, data: bytes) -> None:
    for _ in range(100_000):
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0)


def allowed(body: bytes) -> bool:
    return bool(json.loads(body)["response"]["allowed"])


WAYS = {
    "length": whole(),
    "chunked": chunked(REVIEW),
    "chunks-of-one": chunked(REVIEW, 1),
    "trailer": chunked(REVIEW, ending=b"0\r\nx-check: 1\r\n\r\n"),
    "chunk-extension": chunked(REVIEW).replace(b"64\r\n", b"64;a=b\r\n"),
    "crlf-before": b"\r\n\r\n" + whole(),
    "more-headers": whole(more=b"".join(b"x-%d: y\r\n" % n for n in range(100))),
}


@pytest.mark.parametrize("sent", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("step", [1, 7, 1000, 10**9])
async def test_a_review_is_answered_however_it_is_cut_up(
    tmp_path: Path, sent: bytes, step: int
) -> None:
    async with running_gate(tmp_path) as gate, connected(gate) as (reader, writer):
        for at in range(0, len(sent), step):
            writer.write(sent[at : at + step])
            if step < 1000:
                await asyncio.sleep(0)  # often a TLS record of its own
        status, body = await answer(reader)
        assert (status, allowed(body)) == (200, True)
        writer.write(HEALTH)
        assert await answer(reader) == (200, b"ok\n")


BOTH = b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
SMUGGLED = {
    "length-and-chunked": POST + BOTH + HEALTH,
    "two-lengths": POST + b"content-length: 0\r\ncontent-length: 5\r\n\r\n" + HEALTH,
    "length-list": POST + b"content-length: 0, 5\r\n\r\n" + HEALTH,
    "negative-length": POST + b"content-length: -1\r\n\r\n" + HEALTH,
    "signed-length": POST + b"content-length: +5\r\n\r\nhello" + HEALTH,
    "hexadecimal-length": POST + b"content-length: 0x5\r\n\r\nhello" + HEALTH,
    "length-beyond-64-bits": POST + b"content-length: 18446744073709551621\r\n\r\nhello" + HEALTH,
    "coding-not-known": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + HEALTH,
    "chunked-not-last": POST + b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + HEALTH,
    "coding-with-a-tab": POST + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + HEALTH,
    "space-before-colon": POST + b"content-length : 5\r\n\r\nhello" + HEALTH,
    "bare-newlines": b"POST /admit HTTP/1.1\nhost: gate\ncontent-length: 0\n\n" + HEALTH,
    "bare-return": POST + b"x: a\rcontent-length: 5\r\n\r\n" + HEALTH,
    "null-in-header": POST + b"x: a\0b\r\ncontent-length: 0\r\n\r\n" + HEALTH,
    "folded-header": POST + b"x: a\r\n content-length: 5\r\n\r\n" + HEALTH,
    "chunk-size-signed": POST + b"transfer-encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n" + HEALTH,
    "chunk-size-prefixed": POST + b"transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n" + HEALTH,
    "chunk-size-too-long": POST + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\nx" + HEALTH,
    "chunk-without-end": POST + b"transfer-encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n" + HEALTH,
    "upgrade": POST + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 0\r\n\r\n" + HEALTH,
    "connect": b"CONNECT gate:443 HTTP/1.1\r\nhost: gate\r\n\r\n" + HEALTH,
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HEALTH,
    "no-http": b"\x16\x03\x01\x02\x00\x01" + HEALTH,
    "http-0.9": b"GET /healthz\r\n" + HEALTH,
}  # fmt: skip


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED)
async def test_t11_what_can_be_read_in_two_ways_ends_the_connection(
    tmp_path: Path, sent: bytes
) -> None:
    async with running_gate(tmp_path) as gate:
        async with connected(gate) as (reader, writer):
            writer.write(sent)
            said = await rest(reader)
            assert said.startswith(b"HTTP/1.1 4")
            assert said.count(b"HTTP/1.1") == 1  # what stands behind it is not a request
            assert b"ok\n" not in said
        async with connected(gate) as (reader, writer):
            writer.write(whole())
            assert allowed((await answer(reader))[1])
        assert len(gate.journal.events) == 1


async def test_requests_in_a_row_are_answered_in_their_order(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, connected(gate) as (reader, writer):
        bodies = [review_of(pod(image), uid=f"u-{n}") for n, image in enumerate([CLEAN] * 8)]
        writer.write(whole(bodies[0]) + HEALTH + b"".join(map(whole, bodies[1:])))
        answers = [await answer(reader) for _ in range(9)]
        uids = [json.loads(body)["response"]["uid"] for _, body in answers if body != b"ok\n"]
        assert answers[1] == (200, b"ok\n")
        assert uids == [f"u-{n}" for n in range(8)]


async def test_a_request_behind_one_that_waits_is_answered_after_it(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, connected(gate) as (reader, writer):
        gate.evidence.delay_s = 0.2
        nothing_there = b"GET /nothing HTTP/1.1\r\nhost: gate\r\n\r\n"
        writer.write(whole() + nothing_there)
        await writer.drain()
        async with asyncio.timeout(5):
            while not gate.evidence.asked:
                await asyncio.sleep(0.01)
        writer.write(HEALTH)
        assert allowed((await answer(reader))[1])
        assert (await answer(reader))[0] == 404
        assert await answer(reader) == (200, b"ok\n")


async def test_t11_too_many_requests_behind_one_that_waits_end_the_connection(
    tmp_path: Path,
) -> None:
    async with running_gate(tmp_path) as gate, connected(gate) as (reader, writer):
        gate.evidence.delay_s = 1.0
        writer.write(whole() + HEALTH * (MAX_PIPELINED + 2))
        assert await rest(reader) == b""


async def test_t11_who_reads_no_answers_is_not_read(tmp_path: Path) -> None:
    big = b"GET /metrics HTTP/1.1\r\nhost: gate\r\n\r\n"
    async with running_gate(tmp_path) as gate, connected(gate) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined] # asyncio's own has it
        writing = asyncio.create_task(write_on(writer, big * 10))
        done, _ = await asyncio.wait([writing], timeout=1.0)
        # It waits for ever once nobody reads, or was cut for what it sent meanwhile.
        assert not done or isinstance(writing.exception(), ConnectionError)
        writing.cancel()
        shared = gate.server.connections
        assert shared is not None
        unsent = [each.unsent_bytes for each in shared.open]
        assert max(unsent, default=0) < 4 * 2**20
        async with gate.client() as client:
            assert (await client.get("/healthz")).status_code == 200


async def test_a_body_is_asked_for_where_the_client_expects_that(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, connected(gate) as (reader, writer):
        message = whole(more=b"expect: 100-continue\r\n")
        head, _, body = message.partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert (await answer(reader))[0] == 100
        writer.write(body)
        assert allowed((await answer(reader))[1])
        writer.write(
            b"POST /direct HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nhello"
        )
        assert (await answer(reader))[0] == 404  # refused without asking for the body


async def test_a_refusal_leaves_the_connection_in_use_unless_its_body_is_large(
    tmp_path: Path,
) -> None:
    async with running_gate(tmp_path) as gate, connected(gate) as (reader, writer):
        for _ in range(2):
            writer.write(whole(b"x" * 1000, b"POST /nothing HTTP/1.1\r\n"))
            assert (await answer(reader))[0] == 404
        writer.write(b"POST /nothing HTTP/1.1\r\ncontent-length: 9000000\r\n\r\n" + b"x" * 100_000)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404")
        assert b"connection: close" in head
        await rest(reader)


async def test_head_has_no_body_and_http_1_0_closes(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, connected(gate) as (reader, writer):
        writer.write(b"HEAD /healthz HTTP/1.1\r\n\r\n")
        status, head = await answer(reader, head_only=True)
        assert (status, b"content-length: 3" in head) == (200, True)
        writer.write(HEALTH)
        assert await answer(reader) == (200, b"ok\n")
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n" + HEALTH)
        said = await rest(reader)
        assert said.endswith(b"\r\n\r\nok\n")
        assert said.count(b"HTTP/1.1") == 1


async def test_the_end_answers_what_runs_and_closes_what_is_idle(tmp_path: Path) -> None:
    async with (
        running_gate(tmp_path) as gate,
        connected(gate) as (idle, _),
        connected(gate) as (reader, writer),
    ):
        gate.evidence.delay_s = 0.3
        writer.write(whole(review_of(pod(VULNERABLE))))
        async with asyncio.timeout(5):
            while not gate.evidence.asked:
                await asyncio.sleep(0.01)
        stopping = asyncio.create_task(gate.server.stop())
        assert await rest(idle) == b""
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"connection: close" in head
        await stopping


async def test_at_the_end_a_review_on_a_connection_in_use_is_answered_and_told_to_go_elsewhere(
    tmp_path: Path,
) -> None:
    """A rolling update: the API server may have written already when it hears of the end."""
    async with running_gate(tmp_path) as gate, connected(gate) as (reader, writer):
        writer.write(whole())
        assert (await answer(reader))[0] == 200
        stopping = asyncio.create_task(gate.server.stop())
        await asyncio.sleep(0)  # the end began
        assert gate.server.connections is not None
        assert gate.server.connections.ending
        writer.write(whole())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in head
        await rest(reader)
        await stopping


async def test_a_client_that_goes_away_costs_no_event_and_nobody_else(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate:
        gate.evidence.delay_s = 0.2
        async with connected(gate) as (_, writer):
            writer.write(whole())
            async with asyncio.timeout(5):
                while not gate.evidence.asked:
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            while not gate.journal.events:
                await asyncio.sleep(0.01)
        async with connected(gate) as (reader, writer):
            writer.write(whole())
            assert allowed((await answer(reader))[1])


@pytest.mark.parametrize("sent", [b"", POST, whole(), HEALTH * 3, b"no http\r\n\r\n"])
async def test_what_a_connection_held_is_free_once_it_is_closed(
    tmp_path: Path, sent: bytes
) -> None:
    async with running_gate(tmp_path) as gate:
        gc.collect()
        gc.disable()  # nobody looks for cycles
        try:
            async with connected(gate) as (reader, writer):
                writer.write(sent + HEALTH)
                await reader.read(1)
                assert gate.server.connections is not None
                held = [weakref.ref(each) for each in gate.server.connections.open]
            async with asyncio.timeout(10):
                while any(each() is not None for each in held):
                    await asyncio.sleep(0.01)
        finally:
            gc.enable()
        assert held
