"""Kubernetes Events are few: equal ones are counted, too many are dropped, and both are told."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
from lightkube import AsyncClient, KubeConfig
from lightkube.config.models import Cluster, User
from prometheus_client import REGISTRY

from tidegate.agent.alarms import Alarms
from tidegate.agent.kube_events import BURST, OBJECT_BURST, REPEAT_S, KubeEvents, Note, Subject
from tidegate.agent.reasons import MEANINGS, Level, Reason

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DEPLOYMENT = Subject("apps/v1", "Deployment", "web", "shop", "u-1")


def note(message: str = "denied", about: Subject = DEPLOYMENT) -> Note:
    return Note(about, Level.WARNING, Reason.DENIED, message)


class Api:
    """Keeps Events by name as an API server does; `refuse` answers all with that status."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.refuse = 0

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        self.calls.append(request.method)
        if self.refuse:
            return httpx2.Response(self.refuse, json={"message": "no"})
        if request.method == "POST":
            name = body["metadata"]["name"]
            if name in self.kept:
                return httpx2.Response(409, json={"message": "exists", "code": 409})
            self.kept[name] = body
            return httpx2.Response(201, json=body)
        name = request.url.path.rpartition("/")[2]
        if name not in self.kept:
            return httpx2.Response(404, json={"message": "gone", "code": 404})
        self.kept[name] |= body
        return httpx2.Response(200, json=self.kept[name])

    @property
    def events(self) -> list[dict[str, Any]]:
        return list(self.kept.values())


class Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@contextlib.asynccontextmanager
async def writing(api: Api, clock: Clock) -> AsyncIterator[KubeEvents]:
    config = KubeConfig.from_one(cluster=Cluster(server="http://api"), user=User(token="t"))  # noqa: S106, of this test
    client = AsyncClient(
        config=config, transport=httpx2.MockTransport(api.answer), field_manager="test"
    )
    events = KubeEvents(client, lambda: NOW, clock)
    task = asyncio.create_task(events.run())
    try:
        yield events
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


async def until(seen: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not seen():
            await asyncio.sleep(0)


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("tidegate_agent_kube_events_total", {"result": result}) or 0


async def test_an_event_is_about_the_object_and_says_what_kubectl_says() -> None:
    api = Api()
    async with writing(api, Clock()) as events:
        events.tell(note("image: 3 CVEs\x1b[31m" + "x" * 2000))
        await until(lambda: api.events)
    (event,) = api.events
    assert event["involvedObject"] == {
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "shop",
        "uid": "u-1",
    }  # fmt: skip
    assert (event["type"], event["reason"], event["count"]) == ("Warning", "Denied", 1)
    assert len(event["message"]) <= 1024
    assert "\x1b" not in event["message"]
    assert event["metadata"]["namespace"] == "shop"


async def test_a_thousand_retries_are_one_event_that_counts() -> None:
    api, clock = Api(), Clock()
    before = counted("repeated")
    async with writing(api, clock) as events:
        for _ in range(1000):
            events.tell(note())
        await until(lambda: api.events)
        clock.s += REPEAT_S
        events.tell(note())
        await until(lambda: "PATCH" in api.calls and api.events[0]["count"] == 1001)
    assert api.calls.count("POST") + api.calls.count("PATCH") <= 3
    assert counted("repeated") - before == 999


async def test_an_event_that_expired_is_written_anew() -> None:
    api, clock = Api(), Clock()
    async with writing(api, clock) as events:
        events.tell(note())
        await until(lambda: api.events)
        api.kept.clear()
        clock.s += 2 * REPEAT_S
        events.tell(note())
        await until(lambda: api.events)
    assert api.events[0]["count"] == 2


async def test_a_restarted_agent_writes_no_event_twice() -> None:
    api = Api()
    for _ in range(2):
        async with writing(api, Clock()) as events:
            events.tell(note())
            await until(lambda: api.events)
    async with writing(api, Clock()) as events:
        events.tell(note("another"))  # written in order: what came before was answered
        await until(lambda: len(api.events) > 1)
    assert len(api.events) == 2


async def test_one_object_cannot_use_up_what_all_have() -> None:
    api, clock = Api(), Clock()
    before = counted("dropped")
    async with writing(api, clock) as events:
        for index in range(OBJECT_BURST + 5):
            events.tell(note(f"message {index}"))
        other = Subject("v1", "Pod", "p", "shop", "u-2")
        events.tell(note(about=other))
        await until(lambda: len(api.events) == OBJECT_BURST + 1)
    assert counted("dropped") - before == 5


async def test_a_storm_is_limited_in_all_and_what_is_dropped_is_counted() -> None:
    api, clock = Api(), Clock()
    before = counted("dropped")
    async with writing(api, clock) as events:
        for index in range(BURST + 50):
            events.tell(note(about=Subject("v1", "Pod", f"p{index}", "shop")))
        await until(lambda: len(api.events) == BURST)
        assert counted("dropped") - before == 50
        clock.s += 10  # ten more a ten seconds later
        for index in range(20):
            events.tell(note(about=Subject("v1", "Pod", f"q{index}", "shop")))
        await until(lambda: len(api.events) == BURST + 10)


async def test_a_refusal_ends_with_the_event_and_not_with_the_agent() -> None:
    api, clock = Api(), Clock()
    api.refuse = 403
    before = counted("failed")
    async with writing(api, clock) as events:
        events.tell(note())
        await until(lambda: counted("failed") > before)
        api.refuse = 0
        events.tell(note("another"))
        await until(lambda: api.events)


# Alarms


def test_an_alarm_is_told_once_and_its_end_too() -> None:
    told: list[Note] = []
    now = [NOW]
    alarms = Alarms(lambda: now[0], told.append)
    about = Subject("v1", "Namespace", "tidegate-canary")
    for second in range(3):  # the words differ each time
        alarms.raise_(Reason.CANARY_REFUSED, f"at second {second}", about)
    (standing,) = alarms.standing
    assert (standing.kind, standing.message) == ("CanaryRefused", "At second 2")
    alarms.end(Reason.CANARY_REFUSED, Reason.CANARY_ADMITTED)
    assert alarms.standing == []
    assert [each.reason for each in told] == [Reason.CANARY_REFUSED, Reason.RESTORED]
    assert [each.level for each in told] == [Level.WARNING, Level.NORMAL]


def test_every_reason_has_a_meaning() -> None:
    assert list(MEANINGS) == list(Reason)
