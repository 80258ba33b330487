"""Events are acknowledged exactly when the hub stored them."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from tidegate.agent import relay as relay_module
from tidegate.agent.relay import Relay
from tidegate.domain.errors import HubUnavailableError, InputError, NotPermittedError
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.first_sight_v1 import WantedResultV1, WantedScansResultV1, WantedScansV1
from tidegate.wire.hub_v1 import EventBatchResultV1

TOKEN = "gate-token"  # noqa: S105, of this test
EVENT = {
    "id": "1",
    "time": "2026-11-23T09:00:00.000000Z",
    "action": "deny",
    "kind": "Pod",
    "name": "p",
    "images": [],
}


class Hub:
    """A hub that stores, or answers with `error`."""

    def __init__(self) -> None:
        self.stored: dict[str, AdmissionEventV1] = {}
        self.dropped = 0
        self.error: Exception | None = None
        self.wanted: list[WantedScansV1] = []
        self.open = asyncio.Event()
        self.open.set()

    async def ask_for_scans(self, body: WantedScansV1) -> WantedScansResultV1:
        if self.error:
            raise self.error
        self.wanted.append(body)
        await self.open.wait()
        return WantedScansResultV1([WantedResultV1("queued") for _ in body.images])

    async def post_events(
        self, events: list[AdmissionEventV1], dropped: int = 0
    ) -> EventBatchResultV1:
        if self.error:
            raise self.error
        new = {event.id: event for event in events if event.id not in self.stored}
        self.stored |= new
        self.dropped += dropped
        return EventBatchResultV1(len(new), len(events) - len(new))


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture
def relay(hub: Hub, token_file: Path) -> Relay:
    return Relay(hub, token_file, lambda: ())


async def call(
    relay: Relay,
    method: str = "POST",
    path: str = "/v1/events",
    **options: Any,  # noqa: ANN401, of the client
) -> httpx2.Response:
    options.setdefault("headers", {"authorization": f"Bearer {TOKEN}"})
    transport = httpx2.ASGITransport(app=relay)  # type: ignore[arg-type]  # a plain ASGI callable
    async with httpx2.AsyncClient(transport=transport, base_url="http://agent") as client:
        return await client.request(method, path, **options)


async def test_stored_events_are_acknowledged(relay: Relay, hub: Hub) -> None:
    for expected in ({"stored": 1, "duplicates": 0}, {"stored": 0, "duplicates": 1}):
        response = await call(relay, json={"events": [EVENT], "dropped": 2})
        assert (response.status_code, response.json()) == (200, expected)
    assert hub.stored["1"].action == "deny"
    assert hub.dropped == 4


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(HubUnavailableError("away"), 503, id="hub-away"),
        pytest.param(NotPermittedError("token revoked"), 503, id="our-token-is-wrong"),
        pytest.param(InputError("no such field"), 400, id="hub-refuses-the-bytes"),
    ],
)
async def test_events_not_stored_are_not_acknowledged(
    relay: Relay, hub: Hub, error: Exception, status: int
) -> None:
    hub.error = error
    response = await call(relay, json={"events": [EVENT]})
    assert response.status_code == status
    assert str(error) in response.json()["detail"]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="none"),
        pytest.param("Bearer wrong", id="wrong"),
        pytest.param(f"Basic {TOKEN}", id="other-scheme"),
        pytest.param(f"Bearer {TOKEN}x", id="longer"),
    ],
)
async def test_t20_without_the_gates_token_nothing_is_taken(
    relay: Relay, hub: Hub, header: str
) -> None:
    response = await call(relay, json={"events": [EVENT]}, headers={"authorization": header})
    assert response.status_code == 401
    assert hub.stored == {}


@pytest.fixture(params=[b"", b"\n"], ids=["empty", "blank"])
def empty_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "empty"
    path.write_bytes(request.param)
    return path


async def test_t20_an_empty_token_file_lets_nobody_in(hub: Hub, empty_file: Path) -> None:
    relay = Relay(hub, empty_file, lambda: ())
    response = await call(relay, json={"events": []}, headers={"authorization": "Bearer "})
    assert response.status_code == 401


async def test_a_changed_token_holds_from_the_next_request(relay: Relay, token_file: Path) -> None:
    await asyncio.to_thread(token_file.write_text, "new")
    assert (await call(relay, json={"events": []})).status_code == 401


@pytest.mark.parametrize(
    "relay",
    [
        pytest.param(Relay(None, Path("/nowhere"), lambda: ()), id="unreadable-token"),
        pytest.param(Relay(None, None, lambda: ()), id="no-token-configured"),
    ],
)
async def test_without_a_token_of_its_own_the_agent_takes_nothing(relay: Relay) -> None:
    assert (await call(relay, json={"events": []})).status_code in (403, 503)


async def test_without_a_hub_events_stay_with_the_gate(token_file: Path) -> None:
    response = await call(Relay(None, token_file, lambda: ()), json={"events": []})
    assert response.status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"events": [{}]}', id="no-event"),
        pytest.param(b'{"events": [], "cluster": "other"}', id="unknown-field"),
        pytest.param(msgspec.json.encode({"events": [EVENT] * 1001}), id="too-many"),
    ],
)
async def test_t03_bytes_that_are_no_batch_are_refused_for_good(relay: Relay, body: bytes) -> None:
    assert (await call(relay, content=body)).status_code == 400


async def test_t03_a_body_past_the_cap_is_cut_off(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "MAX_BATCH_BYTES", 1000)

    async def endless() -> Any:  # noqa: ANN401, an async iterator
        while True:
            yield b"x" * 500

    assert (await call(relay, content=endless())).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/healthz", 200, id="health"),
        pytest.param("GET", "/readyz", 200, id="ready"),
        pytest.param("GET", "/v1/events", 404, id="get-events"),
        pytest.param("POST", "/", 404, id="root"),
    ],
)
async def test_paths(relay: Relay, method: str, path: str, status: int) -> None:
    assert (await call(relay, method, path)).status_code == status


async def test_not_ready_says_why(token_file: Path) -> None:
    response = await call(Relay(None, token_file, lambda: ("cluster: away",)), "GET", "/readyz")
    assert (response.status_code, response.json()) == (503, {"problems": ["cluster: away"]})


WANTED = {
    "namespace": "shop",
    "images": [
        {"registry": "r", "repository": "a", "digest": "sha256:" + "a" * 64, "waiting": True}
    ],
}


async def test_a_question_for_scans_gets_the_hubs_answer(relay: Relay, hub: Hub) -> None:
    response = await call(relay, path="/v1/scans", json=WANTED)
    assert (response.status_code, response.json()["results"][0]["state"]) == (200, "queued")
    assert [each.namespace for each in hub.wanted] == ["shop"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(HubUnavailableError("away"), 503, id="hub-away"),
        pytest.param(NotPermittedError("token revoked"), 503, id="our-token-is-wrong"),
        pytest.param(InputError("no such field"), 400, id="hub-refuses-the-question"),
    ],
)
async def test_a_question_without_an_answer_is_no_queued_scan(
    relay: Relay, hub: Hub, error: Exception, status: int
) -> None:
    hub.error = error
    assert (await call(relay, path="/v1/scans", json=WANTED)).status_code == status


@pytest.mark.parametrize(
    ("options", "status"),
    [
        pytest.param({"json": WANTED, "headers": {}}, 401, id="no-token"),
        pytest.param({"content": b"{}"}, 400, id="no-question"),
        pytest.param({"content": b" " * (relay_module.MAX_WANTED_BYTES + 1)}, 413, id="too-large"),
    ],
)
async def test_t20_only_gates_ask_for_scans_and_only_so_much(
    relay: Relay, hub: Hub, options: dict[str, Any], status: int
) -> None:
    assert (await call(relay, path="/v1/scans", **options)).status_code == status
    assert hub.wanted == []


async def test_questions_for_scans_are_few_at_a_time_and_leave_room_for_events(
    relay: Relay, hub: Hub
) -> None:
    hub.open.clear()
    some = [
        asyncio.create_task(call(relay, path="/v1/scans", json=WANTED))
        for _ in range(relay_module.MAX_WANTED_IN_FLIGHT)
    ]
    while len(hub.wanted) < len(some):
        await asyncio.sleep(0)
    assert (await call(relay, path="/v1/scans", json=WANTED)).status_code == 503
    assert (await call(relay, json={"events": [EVENT]})).status_code == 200
    hub.open.set()
    assert {response.status_code for response in await asyncio.gather(*some)} == {200}
