"""Pods without a verdict are found, and why is told apart; nobody is blamed while verdicts are late."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidegate.agent.alarms import Alarms
from tidegate.agent.detection import CHOSEN_PER_LOOK, GRACE, LATE_ALARM, Detection, Gated
from tidegate.agent.detection_memory import (
    MAX_KEPT,
    Remembered,
    parse_memory,
    render_memory,
)
from tidegate.agent.kube_events import Note
from tidegate.agent.reasons import Level, Reason
from tidegate.agent.verdict_log import MAX_UIDS, VerdictLog
from tidegate.wire.event_v1 import AdmissionEventV1

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
WEBHOOK_SINCE = START - timedelta(days=1)
EXCLUDED = frozenset({"kube-system", "tidegate"})


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def verdict(
    uid: str, at: datetime, operation: str = "CREATE", kind: str = "Pod"
) -> AdmissionEventV1:
    return AdmissionEventV1(
        f"review-{uid}", stamp(at), "allow", kind, "p", [], operation=operation, object_uid=uid
    )


class Kept:
    """A memory without an API server."""

    def __init__(self, state: Remembered | None = None) -> None:
        self.state = state or Remembered()

    async def load(self) -> Remembered:
        return self.state

    async def save(self, state: Remembered) -> None:
        self.state = parse_memory(render_memory(state))

    async def close(self, state: Remembered) -> None:
        await self.save(state)


class World:
    """A cluster's pods, a clock, and an agent that may be started anew."""

    def __init__(self) -> None:
        self.now = START
        self.pods: dict[str, dict[str, Any]] = {}
        self.told: list[Note] = []
        self.memory = Kept()
        self.since: datetime | None = WEBHOOK_SINCE
        self.start()

    def start(self) -> None:
        self.verdicts = VerdictLog()
        self.alarms = Alarms(lambda: self.now, self.told.append)
        self.detection = Detection(
            self.list, self.verdicts, lambda: Gated(self.since, EXCLUDED), self.memory,
            alarms=self.alarms, tell=self.told.append, clock=lambda: self.now,
        )  # fmt: skip

    async def list(self) -> AsyncIterator[Mapping[str, Any]]:
        for pod in self.pods.values():
            yield pod

    def run(self, uid: str, namespace: str = "shop", **more: Any) -> None:  # noqa: ANN401, metadata
        metadata = {
            "uid": uid, "name": f"pod-{uid}", "namespace": namespace,
            "creationTimestamp": stamp(self.now), **more,
        }  # fmt: skip
        spec = {"containers": [{"name": "c", "image": f"r.example/{uid}"}]}
        self.pods[uid] = {"metadata": metadata, "spec": spec, "status": {"phase": "Running"}}

    def judge(self, *uids: str) -> None:
        self.verdicts.take([verdict(uid, self.now) for uid in uids], 0, self.now)

    async def later(self, seconds: float = 0.0) -> dict[str, str]:
        """Look after so long; return why each pod has no verdict."""
        self.now += timedelta(seconds=seconds)
        await self.detection.look()
        return {pod.name.removeprefix("pod-"): pod.why for pod in self.detection.unjudged}

    async def settled(self) -> dict[str, str]:
        """Look now and when every verdict would have come."""
        await self.later()
        return await self.later(GRACE.total_seconds())


@pytest.fixture
async def world() -> World:
    world = World()
    world.judge("first")  # gates do tell
    await world.later()
    world.now += timedelta(seconds=15)
    return world


async def test_t12_a_pod_without_a_verdict_is_found_told_once_and_alarmed(world: World) -> None:
    world.run("judged")
    world.run("unseen")
    world.judge("judged")
    assert await world.later() == {}  # its verdict may be on its way
    assert await world.later(GRACE.total_seconds()) == {"unseen": "failed-open"}
    assert await world.later(15) == {"unseen": "failed-open"}
    (about,) = [note for note in world.told if note.reason is Reason.NOT_JUDGED]
    assert (about.level, about.about.uid) == (Level.WARNING, "unseen")
    (alarm,) = world.alarms.standing
    assert (alarm.kind, "shop/pod-unseen" in alarm.message) == ("FailedOpen", True)
    del world.pods["unseen"]
    assert await world.later(15) == {}
    assert world.alarms.standing == []


@pytest.mark.parametrize(
    ("namespace", "more", "why"),
    [
        pytest.param("kube-system", {}, "excluded-namespace", id="excluded"),
        pytest.param(
            "shop", {"annotations": {"kubernetes.io/config.mirror": "x"}}, "static-pod", id="static"
        ),
        pytest.param(
            "shop",
            {"creationTimestamp": stamp(WEBHOOK_SINCE - timedelta(seconds=1))},
            "before-webhook",
            id="before-the-webhook",
        ),
    ],
)
async def test_what_was_chosen_is_told_apart_and_no_alarm(
    world: World, namespace: str, more: dict[str, Any], why: str
) -> None:
    world.run("p", namespace, **more)
    assert await world.settled() == {"p": why}
    assert world.alarms.standing == []
    assert [note.level for note in world.told] == [Level.NORMAL]


async def test_t12_what_made_a_webhook_anew_does_not_hide_what_came_before(world: World) -> None:
    world.since = None  # somebody deleted it
    world.run("p")
    await world.settled()
    world.since = world.now  # and put it back
    assert await world.later(15) == {"p": "failed-open"}


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(verdict("p", START, operation="UPDATE"), id="an-update"),
        pytest.param(verdict("p", START, kind="Deployment"), id="another-kind"),
    ],
)
async def test_t12_another_verdict_is_none_about_the_pod(
    world: World, event: AdmissionEventV1
) -> None:
    world.run("p")
    world.verdicts.take([event], 0, START)
    assert await world.settled() == {"p": "failed-open"}


async def test_while_verdicts_are_held_up_nobody_is_blamed_and_it_is_told(world: World) -> None:
    world.run("p")
    late = LATE_ALARM.total_seconds() / 10
    for _ in range(11):
        world.verdicts.hold_up(world.now)
        assert await world.later(late) == {}
    assert world.detection.state == "late"
    assert [alarm.kind for alarm in world.alarms.standing] == ["VerdictsLate"]
    world.judge("p")
    assert await world.later(120) == {}
    assert (world.detection.state, world.alarms.standing) == ("on", [])


async def test_an_old_event_means_that_others_wait(world: World) -> None:
    world.verdicts.take([verdict("x", world.now - timedelta(hours=1))], 0, world.now)
    world.run("p")
    assert await world.later(GRACE.total_seconds()) == {}
    assert world.detection.state == "late"


async def test_a_gate_that_never_told_anything_is_an_alarm_of_its_own() -> None:
    world = World()
    await world.later()
    world.run("p")
    assert await world.later(30) == {}
    await world.later(LATE_ALARM.total_seconds())
    (alarm,) = world.alarms.standing
    assert "No gate has told" in alarm.message


async def test_records_that_a_gate_gave_up_blame_nobody(world: World) -> None:
    world.run("p")
    await world.later()
    world.verdicts.take([], 3, world.now)
    assert await world.later(GRACE.total_seconds()) == {"p": "not-recorded"}
    assert world.alarms.standing == []


async def test_clocks_that_differ_by_minutes_hide_nothing_and_blame_nobody(world: World) -> None:
    for minutes in (-5, 5):
        made = stamp(world.now + timedelta(minutes=minutes))
        world.run(f"judged{minutes}", creationTimestamp=made)
        world.run(f"unseen{minutes}", creationTimestamp=made)
        world.judge(f"judged{minutes}")
    assert await world.settled() == {"unseen-5": "failed-open", "unseen5": "failed-open"}


# Over a restart


async def restarted(world: World, *, gracefully: bool) -> None:
    if gracefully:
        await world.memory.close(world.detection._remembered(world.verdicts.uids))  # noqa: SLF001
    world.start()
    world.judge("x")


async def test_what_an_agent_compared_the_next_one_knows(world: World) -> None:
    world.run("judged")
    world.run("unseen")
    world.judge("judged")
    await world.settled()
    world.now += timedelta(seconds=5)
    world.run("newest")
    world.judge("newest")
    await world.later(1)
    await restarted(world, gracefully=False)
    assert await world.settled() == {"unseen": "failed-open"}


async def test_a_verdict_that_came_before_the_pod_was_listed_outlives_a_restart(
    world: World,
) -> None:
    world.judge("next")
    await restarted(world, gracefully=True)
    world.run("next")
    assert await world.settled() == {}


async def test_t12_a_pod_made_while_no_agent_looked_is_told_as_such(world: World) -> None:
    world.run("old")
    world.judge("old")
    await world.settled()
    world.now += timedelta(minutes=10)
    world.run("meanwhile")
    world.now += timedelta(minutes=10)
    await restarted(world, gracefully=False)
    assert await world.settled() == {"meanwhile": "not-watched"}
    assert world.alarms.standing == []


async def test_a_thousand_pods_of_excluded_namespaces_are_told_little_by_little(
    world: World,
) -> None:
    for index in range(1000):
        world.run(f"p{index}", "kube-system")
    await world.later()
    assert len(world.told) == CHOSEN_PER_LOOK
    await world.later(15)
    assert len(world.told) == 2 * CHOSEN_PER_LOOK
    assert world.detection.counts == {"excluded-namespace": 1000}
    assert len(world.detection.unjudged) == 100


def test_what_is_kept_is_bounded() -> None:
    many = frozenset(f"{index:036}" for index in range(10 * MAX_KEPT))
    kept = render_memory(Remembered(judged=many, unjudged=dict.fromkeys(many, "failed-open")))
    assert len(kept) < 200_000


def test_t03_a_flood_of_verdicts_is_held_to_a_limit_and_told() -> None:
    log = VerdictLog()
    events = [verdict(str(index), START) for index in range(MAX_UIDS + 1)]
    log.take(events, 0, START)
    assert len(log.uids) == MAX_UIDS
    assert log.dropped_at == START
