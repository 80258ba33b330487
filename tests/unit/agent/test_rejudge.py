"""What is pending is judged, told, and not forgotten when something is away."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import httpx2
import msgspec
import pytest

from tidegate.agent.rejudge import PROBE, Rejudge
from tidegate.domain.errors import InputError, UnavailableError
from tidegate.hubclient import HubClient
from tidegate.wire.event_v1 import AdmissionEventV1, ImageRowV1
from tidegate.wire.hub_data_v1 import MAX_REJUDGED, RejudgementsV1


class Gate:
    """Says deny of all, and fails where it is told to."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.away: set[str] = set()
        """What it cannot find out enough about."""
        self.asked: list[str] = []

    async def rejudge(self, review: bytes) -> AdmissionEventV1 | None:
        name = msgspec.json.decode(review)["request"]["name"]
        self.asked.append(name)
        if self.failure is not None:
            raise self.failure
        row = ImageRowV1("a:1", "", "deny", "", "", unanswered=name in self.away)
        return AdmissionEventV1("id", "", "deny", "Pod", name, [row], origin="rejudged")


class Rules:
    policy = "same"


class Index:
    """Hears verdicts."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def hear(self, events: Iterable[AdmissionEventV1]) -> None:
        self.heard += [event.name for event in events]


class Site:
    """A rejudge with a gate, pods, and a hub that keeps what it is told."""

    def __init__(self, hub: HubClient, index: Index | None = None) -> None:
        self.gate, self.names = Gate(), ["p1", "p2"]
        self.rejudge = Rejudge(hub, "here", self.gate, self.pods, Rules(), index)

    async def pods(self) -> AsyncIterator[Mapping[str, Any]]:
        for name in self.names:
            metadata = {"name": name, "namespace": "shop", "uid": name}
            yield {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "a:1"}]}}


class Hub:
    def __init__(self) -> None:
        self.status = 200
        self.told: list[list[str]] = []

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/api/v1/clusters/here/rejudgements"
        body = msgspec.json.decode(request.content, type=RejudgementsV1)
        self.told.append([event.name for event in body.verdicts])
        return httpx2.Response(self.status, content=self.words())

    async def words(self) -> AsyncIterator[bytes]:
        yield b'{"stored": 0, "duplicates": 0}'

    def client(self) -> HubClient:
        return HubClient("http://hub", "t", transport=httpx2.MockTransport(self.answer))


async def test_at_the_start_everything_is_judged_and_then_nothing() -> None:
    hub = Hub()
    async with hub.client() as client:
        site = Site(client)
        assert await site.rejudge.look()
        assert await site.rejudge.look()
    assert hub.told == [["p1", "p2"]]


@pytest.mark.parametrize("away", ["gate", "hub"])
async def test_what_could_not_be_judged_or_told_stays_pending(away: str) -> None:
    hub = Hub()
    async with hub.client() as client:
        site = Site(client)
        if away == "gate":
            site.gate.failure = UnavailableError("away")
        else:
            hub.status = 503
        assert not await site.rejudge.look()
        site.gate.failure, hub.status = None, 200
        assert await site.rejudge.look()
    assert hub.told[-1] == ["p1", "p2"]


@pytest.mark.parametrize("status", [pytest.param(200, id="hub"), pytest.param(503, id="hub-away")])
async def test_the_index_hears_what_is_bad_by_now_whatever_the_hub_says(status: int) -> None:
    hub, index = Hub(), Index()
    hub.status = status
    async with hub.client() as client:
        site = Site(client, index)
        assert await site.rejudge.look() is (status == 200)
    assert index.heard == ["p1", "p2"]


async def test_a_workload_that_the_gate_refuses_does_not_hold_up_the_others() -> None:
    hub = Hub()
    async with hub.client() as client:
        site = Site(client)
        site.gate.failure = InputError("no review")
        assert await site.rejudge.look()
    assert hub.told == []
    assert sorted(site.gate.asked) == ["p1", "p2"]


async def test_many_workloads_are_told_in_batches() -> None:
    hub = Hub()
    async with hub.client() as client:
        site = Site(client)
        site.names = [f"p{n}" for n in range(MAX_REJUDGED + 1)]
        assert await site.rejudge.look()
    assert [len(batch) for batch in hub.told] == [MAX_REJUDGED, 1]


async def test_what_had_no_answer_is_asked_again_until_it_has_one() -> None:
    hub = Hub()
    async with hub.client() as client:
        site = Site(client)
        site.gate.away = {"p2"}
        assert await site.rejudge.look()
        assert await site.rejudge.look()
        site.gate.away = set()
        assert await site.rejudge.look()
        assert await site.rejudge.look()
    assert hub.told == [["p1", "p2"], ["p2"], ["p2"]]


async def test_while_nothing_has_an_answer_only_a_few_are_asked_again() -> None:
    hub = Hub()
    async with hub.client() as client:
        site = Site(client)
        site.names = [f"p{n}" for n in range(3 * PROBE)]
        site.gate.away = set(site.names)
        assert await site.rejudge.look()
        assert await site.rejudge.look()
        assert [len(batch) for batch in hub.told] == [3 * PROBE, PROBE]
        site.gate.away = set()
        assert await site.rejudge.look()
        assert await site.rejudge.look()
    assert sorted(name for batch in hub.told[2:] for name in batch) == sorted(site.names)


async def test_what_ended_meanwhile_is_not_asked_about() -> None:
    hub = Hub()
    async with hub.client() as client:
        site = Site(client)
        site.gate.away = {"p2"}
        assert await site.rejudge.look()
        site.names = ["p1"]
        assert await site.rejudge.look()
    assert hub.told == [["p1", "p2"]]
