"""The gate behind real TLS: verdicts, refusals, guards, certificates, a clean end."""

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import pytest

from support.builders import deny
from support.gate_server import Gate, running_gate, write_pair
from support.gate_world import (
    CLEAN,
    VULNERABLE,
    Cluster,
    Evidence,
    Policies,
    Recorded,
    pod,
    review_of,
)
from tidegate.domain.errors import ConfigurationError
from tidegate.domain.rule import Policy
from tidegate.gate.app import Access, GateApp
from tidegate.gate.review import Reviewer
from tidegate.gate.server import Endpoint, HttpServer, warnings_of
from tidegate.gate.slots import Slots
from tidegate.gate.tls import Certificate, TlsFiles
from tidegate.net.limits import ConnectionLimits
from tidegate.wire.event_v1 import parse_event

pytestmark = pytest.mark.integration

QUICK = ConnectionLimits(
    header_deadline_s=0.4, body_deadline_s=0.6, max_header_bytes=8192, max_connections=4
)
HEAD = b"POST /admit?timeout=10s HTTP/1.1\r\nhost: gate\r\ncontent-type: application/json\r\n"


def response_of(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.json()["response"]
    return response


async def opened(gate: Gate) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context(cafile=str(gate.files.certificate))
    return await asyncio.open_connection("127.0.0.1", gate.port, ssl=context)


async def seconds_until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """Wait until the gate closes the connection; return how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(5):
            while await reader.read(65536):
                continue
    except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
        pass
    writer.transport.abort()
    return loop.time() - began


def write_copy(files: TlsFiles, path: Path) -> TlsFiles:
    path.write_bytes(files.certificate.read_bytes())
    return TlsFiles(path, files.key)


async def test_allow_audit_and_deny_over_tls(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, gate.client() as client:
        allowed = response_of(await client.post("/admit", content=review_of(pod(CLEAN))))
        audited = response_of(await client.post("/admit", content=review_of(pod(VULNERABLE))))
        gate.policies.policy = Policy(rules=(deny(),))
        denied = response_of(await client.post("/admit", content=review_of(pod(VULNERABLE))))
    assert allowed == {"uid": "6f1c-0001", "allowed": True}
    assert (audited["allowed"], len(audited["warnings"])) == (True, 1)
    assert (denied["allowed"], denied["status"]["code"]) == (False, 403)
    assert [event.action for event in gate.journal.events] == ["allow", "audit", "deny"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(review_of(pod(CLEAN), operation="PATCH"), 200, id="uid-malformed"),
        pytest.param(b"{}", 400, id="no-uid"),
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"x" * 70_000, 413, id="t03-too-large"),
    ],
)
async def test_t03_no_bad_body_is_allowed_and_the_gate_lives_on(
    tmp_path: Path, body: bytes, status: int
) -> None:
    async with running_gate(tmp_path) as gate, gate.client() as client:
        answer = await client.post("/admit", content=body)
        assert answer.status_code == status
        if status == 200:
            assert response_of(answer)["allowed"] is False
        assert response_of(await client.post("/admit", content=review_of(pod(CLEAN))))["allowed"]


async def test_an_error_inside_never_becomes_allowed(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, gate.client() as client:
        gate.evidence.error = RuntimeError("secret detail")
        response = response_of(await client.post("/admit", content=review_of(pod(CLEAN))))
        assert (response["allowed"], response["uid"]) == (False, "6f1c-0001")
        assert "could not decide" in response["status"]["message"]
        assert "secret detail" not in response["status"]["message"]
        gate.evidence.error = None
        gate.policies.ready = (False, ("object x does not parse",))
        response = response_of(await client.post("/admit", content=review_of(pod(CLEAN))))
        assert response["allowed"] is False
        assert "object x does not parse" in response["status"]["message"]
        metrics = (await client.get("/metrics")).text
    assert 'tidegate_gate_reviews_total{answer="fault",origin="api-server"}' in metrics


async def test_t11_an_answer_comes_before_the_caller_gives_up(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, gate.client() as client:
        gate.policies.policy = Policy(rules=(deny(),))
        gate.evidence.delay_s = 60
        body = review_of(pod(CLEAN))
        async with asyncio.timeout(1):
            response = response_of(await client.post("/admit?timeout=1s", content=body))
    assert response["allowed"] is False


async def test_readiness_says_what_is_wrong(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, gate.client() as client:
        assert (await client.get("/healthz")).text == "ok\n"
        assert (await client.get("/readyz")).status_code == 200
        gate.policies.ready = (False, ("no policy\x1b[31m loaded",))
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "no policy[31m loaded\n")
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.get("/admit")).status_code == 405


async def test_direct_reviews_ask_for_the_token_and_say_so(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    async with (
        running_gate(tmp_path, access=Access(direct_token_file=token)) as gate,
        gate.client() as client,
    ):
        body = review_of(pod(CLEAN))
        assert (await client.post("/direct", content=body)).status_code == 401
        wrong = {"authorization": "Bearer other"}
        assert (await client.post("/direct", content=body, headers=wrong)).status_code == 401
        right = {"authorization": "Bearer s3cret"}
        assert response_of(await client.post("/direct", content=body, headers=right))["allowed"]
    assert [event.origin for event in gate.journal.events] == ["direct"]


async def test_direct_reviews_do_not_exist_without_a_token(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, gate.client() as client:
        assert (await client.post("/direct", content=review_of(pod(CLEAN)))).status_code == 404


async def test_the_agent_asks_what_would_be_decided_now_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    async with (
        running_gate(tmp_path, access=Access(agent_token_file=token)) as gate,
        gate.client() as client,
    ):
        right = {"authorization": "Bearer s3cret"}
        body = review_of(pod(VULNERABLE))
        assert (await client.post("/rejudge", content=body)).status_code == 401
        answer = await client.post("/rejudge", content=body, headers=right)
        told = parse_event(answer.content)
        empty = await client.post(
            "/rejudge",
            content=review_of(pod(CLEAN), operation="DELETE", object=None),
            headers=right,
        )
        malformed = await client.post("/rejudge", content=b"{", headers=right)
        gate.policies.ready = (False, ("none loaded",))
        undecided = await client.post("/rejudge", content=body, headers=right)
    assert (told.action, told.origin, told.images[0].image) == ("audit", "rejudged", VULNERABLE)
    assert (empty.status_code, empty.content) == (200, b"null")
    assert (malformed.status_code, undecided.status_code) == (400, 503)
    assert gate.journal.events == []


async def test_nobody_judges_again_without_a_token(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, gate.client() as client:
        assert (await client.post("/rejudge", content=review_of(pod(CLEAN)))).status_code == 404


async def test_reviews_ask_for_the_client_certificate_and_probes_do_not(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    own = write_pair(tmp_path / "api", "kube-apiserver")
    body = review_of(pod(CLEAN))
    async with running_gate(
        tmp_path, access=Access(client_certificate=True), client_ca=own.certificate
    ) as gate:
        async with gate.client() as stranger:
            assert (await stranger.post("/admit", content=body)).status_code == 403
            assert (await stranger.get("/healthz")).status_code == 200
        async with gate.client(own=own) as api_server:
            assert response_of(await api_server.post("/admit", content=body))["allowed"]


SLOW = {
    "nothing": (b"", 0.4),
    "half-header": (HEAD, 0.4),
    "half-body": (HEAD + b"content-length: 100\r\n\r\n{", 0.6),
    "large-header": (HEAD + b"x: " + b"y" * 9000 + b"\r\n", 0.0),
    "large-header-whole": (HEAD + b"x: " + b"y" * 9000 + b"\r\ncontent-length: 0\r\n\r\n", 0.0),
}


@pytest.mark.parametrize(("sent", "cut_after_s"), SLOW.values(), ids=SLOW)
async def test_t11_slow_and_oversized_requests_are_cut(
    tmp_path: Path, sent: bytes, cut_after_s: float
) -> None:
    async with running_gate(tmp_path, limits=QUICK) as gate:
        reader, writer = await opened(gate)
        writer.write(sent)
        assert cut_after_s <= await seconds_until_closed(reader, writer) < cut_after_s + 1.5


async def test_t11_a_second_request_on_a_connection_has_its_deadline_too(tmp_path: Path) -> None:
    body = review_of(pod(CLEAN))
    whole = HEAD + b"content-length: %d\r\n\r\n" % len(body) + body
    async with running_gate(tmp_path, limits=QUICK) as gate:
        reader, writer = await opened(gate)
        writer.write(whole)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        writer.write(HEAD)
        assert await seconds_until_closed(reader, writer) < 2


async def test_t11_connections_beyond_the_cap_are_cut_and_others_serve(tmp_path: Path) -> None:
    limits = ConnectionLimits(max_connections=3)
    async with running_gate(tmp_path, limits=limits) as gate:
        kept = [await opened(gate) for _ in range(3)]
        reader, writer = await opened(gate)
        await seconds_until_closed(reader, writer)
        reader, writer = kept[0]
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: gate\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        for _, other in kept:
            other.transport.abort()


async def test_t03_large_bodies_at_once_are_bounded_and_small_ones_find_room(
    tmp_path: Path,
) -> None:
    size = 512 * 1024
    head = HEAD + b"content-length: %d\r\n\r\n" % size
    async with running_gate(tmp_path, max_body_bytes=size) as gate, gate.client() as client:
        held = [await opened(gate) for _ in range(8)]
        for _, writer in held:
            writer.write(head + b" " * (size - 1))  # one byte is still to come
            await writer.drain()
        answers = [asyncio.create_task(reader.readuntil(b"\r\n\r\n")) for reader, _ in held]
        done, waiting = await asyncio.wait(answers, timeout=1.5)
        busy = [task.result() for task in done]
        assert busy
        assert all(answer.startswith(b"HTTP/1.1 503") for answer in busy)
        assert len(waiting) >= 4
        assert response_of(await client.post("/admit", content=review_of(pod(CLEAN))))["allowed"]
        for task in waiting:
            task.cancel()
        for _, writer in held:
            writer.transport.abort()


async def test_t13_a_new_certificate_is_served_and_open_connections_go_on(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, gate.client() as before:
        body = review_of(pod(CLEAN))
        assert (await before.post("/admit", content=body)).status_code == 200
        write_pair(tmp_path, "renewed")
        assert gate.certificate.reload_if_changed() is True
        async with gate.client() as after:  # trusts only the new one
            assert (await after.post("/admit", content=body)).status_code == 200
        assert (await before.post("/admit", content=body)).status_code == 200


async def test_t13_a_pair_that_does_not_fit_leaves_the_last_good_one(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate:
        (tmp_path / "other").mkdir()
        foreign = write_pair(tmp_path / "other")
        trusted = write_copy(gate.files, tmp_path / "old.crt")
        # The certificate comes first: loaded as it is, it would take the live key's place.
        gate.files.certificate.write_bytes(foreign.certificate.read_bytes())
        assert gate.certificate.reload_if_changed() is False
        gate.files.key.write_bytes(b"junk")
        assert gate.certificate.reload_if_changed() is False
        async with gate.client(trusted=trusted) as client:
            assert (await client.get("/healthz")).status_code == 200
        write_pair(tmp_path, "good again")
        assert gate.certificate.reload_if_changed() is True


async def test_t13_a_certificate_that_ended_is_a_problem(tmp_path: Path) -> None:
    certificate = Certificate(write_pair(tmp_path, days=-1))
    assert "ended" in certificate.problems(datetime.now(UTC))[0]
    assert Certificate(write_pair(tmp_path)).problems(datetime.now(UTC)) == ()


@pytest.mark.parametrize(
    ("after_days", "said"),
    [
        pytest.param(0, "", id="long"),
        pytest.param(24, "in 5 days", id="a-week-left"),
        pytest.param(-3, "by this gate's clock later", id="not-begun"),
        pytest.param(31, "", id="ended-is-a-problem"),
    ],
)
async def test_t13_a_certificate_that_will_end_is_a_warning(
    tmp_path: Path, after_days: int, said: str
) -> None:
    certificate = Certificate(write_pair(tmp_path))  # from two days ago, for thirty
    now = datetime.now(UTC) + timedelta(days=after_days)
    assert bool(certificate.warnings(now)) is bool(said)
    assert said in "".join(certificate.warnings(now))


async def test_what_stops_nothing_is_told_by_a_gate_that_is_ready(tmp_path: Path) -> None:
    certificate = Certificate(write_pair(tmp_path, days=1))
    probe = GateApp(
        Reviewer(Policies(), Evidence(), Cluster(), Recorded(), slots=Slots(1)),
        clock=lambda: datetime.now(UTC),
        timer=monotonic,
        problems=tuple,
        warnings=warnings_of(certificate, lambda: ("the feed is\nold",)),
        access=Access(),
        max_body_bytes=1024,
    )
    server = HttpServer(probe, Endpoint(context=None, limits=ConnectionLimits()))
    url = await server.start()
    try:
        async with httpx2.AsyncClient() as client:
            answer = await client.get(f"{url}/readyz")
    finally:
        await server.stop()
    assert answer.status_code == 200
    first, second, third = answer.text.splitlines()
    assert (first, third) == ("ready", "warning: the feed isold")
    assert second.startswith("warning: the serving certificate ends at ")


async def test_a_certificate_that_is_not_there_fails_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no-such"):
        Certificate(TlsFiles(tmp_path / "no-such.crt", tmp_path / "no-such.key"))


async def test_the_end_lets_a_running_review_finish(tmp_path: Path) -> None:
    async with running_gate(tmp_path) as gate, gate.client() as client:
        gate.evidence.delay_s = 0.5
        asked = asyncio.create_task(client.post("/admit", content=review_of(pod(CLEAN))))
        async with asyncio.timeout(5):
            while not gate.evidence.asked:
                await asyncio.sleep(0.01)
        await gate.server.stop()
        assert response_of(await asked)["allowed"] is True
        with pytest.raises(httpx2.ConnectError):
            await client.get("/healthz")


async def test_t17_every_prefix_of_a_review_gets_an_answer_that_is_no_allow(tmp_path: Path) -> None:
    body = review_of(pod(CLEAN))
    async with running_gate(tmp_path) as gate, gate.client() as client:
        for end in range(0, len(body) - 1, 37):
            answer = await client.post("/admit", content=body[:end])
            assert answer.status_code == 400
            assert "allowed" not in json.dumps(answer.text)
