"""Retries as one row of Admission Monitoring, and the filters of events and groups."""

from datetime import timedelta

import msgspec
import pytest

from support.hub_world import START, World
from tidegate.hub.clock import render_instant
from tidegate.wire.event_v1 import AdmissionEventV1, ImageRowV1
from tidegate.wire.hub_data_v1 import EventGroupV1

A, B = ("sha256:" + letter * 64 for letter in "ab")


def event(event_id: str, minutes: float = 0, **changes: object) -> AdmissionEventV1:
    row = ImageRowV1(
        "r.example/app:1", "spec", "deny", "PolicyEvaluation", "no", digest=A, rule="R"
    )
    made = AdmissionEventV1(
        id=event_id,
        time=render_instant(START + timedelta(minutes=minutes)),
        action="deny",
        kind="Pod",
        name=f"app-{event_id}",
        images=[row],
        namespace="shop",
        user="system:serviceaccount:kube-system:replicaset-controller",
        top_owner="Deployment/app",
    )
    fields = {k: v for k, v in changes.items() if k in AdmissionEventV1.__struct_fields__}
    row_fields = {k: v for k, v in changes.items() if k not in fields}
    made.images = [msgspec.structs.replace(row, **row_fields)]
    return msgspec.structs.replace(made, **fields)


async def groups(world: World, **filters: str) -> list[EventGroupV1]:
    return (await world.reader.list_event_groups(**filters)).items


async def test_retries_of_an_hour_are_one_growing_row(world: World) -> None:
    world.later(3600)
    await world.c1.post_events([event("1"), event("2", 1)])
    await world.c1.post_events([event("3", 59), event("4", 59.5)])
    (only,) = await groups(world)
    assert (only.count, only.event.id) == (4, "4")
    assert only.first_at == render_instant(START)
    assert only.last_at == render_instant(START + timedelta(minutes=59.5))


async def test_after_an_hour_a_new_row_begins(world: World) -> None:
    world.later(7200)
    await world.c1.post_events([event("1"), event("2", 30), event("3", 60), event("4", 100)])
    assert [(g.event.id, g.count) for g in await groups(world)] == [("4", 2), ("2", 2)]


async def test_an_event_that_comes_late_joins_its_row_and_shows_no_older_face(world: World) -> None:
    world.later(3600)
    await world.c1.post_events([event("new", 40)])
    await world.c1.post_events([event("old", 10)])
    (only,) = await groups(world)
    assert (only.count, only.event.id) == (2, "new")
    assert only.first_at == render_instant(START + timedelta(minutes=10))


async def test_the_same_event_twice_counts_once(world: World) -> None:
    await world.c1.post_events([event("1")])
    await world.c1.post_events([event("1"), event("2")])
    (only,) = await groups(world)
    assert only.count == 2


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"top_owner": "Deployment/other"}, id="owner"),
        pytest.param({"namespace": "other"}, id="namespace"),
        pytest.param({"digest": B}, id="digest"),
        pytest.param({"rule": "Q"}, id="rule"),
        pytest.param({"action": "audit"}, id="action"),
    ],
)
async def test_what_differs_is_a_row_of_its_own(world: World, changes: dict[str, object]) -> None:
    await world.c1.post_events([event("1"), event("2", **changes)])
    assert sorted(g.count for g in await groups(world)) == [1, 1]


async def test_clusters_are_never_grouped_together(world: World) -> None:
    await world.c1.post_events([event("1")])
    await world.c2.post_events([event("1")])
    assert sorted(g.event.cluster for g in await groups(world)) == ["c1", "c2"]


async def test_objects_without_an_owner_are_told_apart_by_name(world: World) -> None:
    await world.c1.post_events([event("1", top_owner=""), event("2", top_owner="")])
    assert len(await groups(world)) == 2


async def test_groups_are_paged_without_loss_or_repetition(world: World) -> None:
    owners = [event(str(n), n / 100, top_owner=f"Job/{n % 40}") for n in range(100)]
    world.later(600)
    await world.c1.post_events(owners)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await world.reader.list_event_groups(cursor=cursor, limit=7)
        seen += [g.event.top_owner for g in page.items]
        cursor = page.next
    assert sorted(seen) == sorted({e.top_owner for e in owners})


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({"kind": "Pod"}, {"1"}, id="kind"),
        pytest.param({"user": "jane"}, {"2"}, id="user"),
        pytest.param({"reason": "MissingArtifact"}, {"2"}, id="reason"),
        pytest.param({"kind": "Pod", "user": "jane"}, set(), id="all-must-match"),
        pytest.param({"user": "Jane"}, set(), id="names-have-case"),
        pytest.param({"rule": "R" * 512}, set(), id="long"),
        pytest.param({"kind": "Pod\0"}, set(), id="nul"),
        pytest.param({"since": "2026-11-23T09:00:30Z"}, {"2"}, id="since"),
        pytest.param({"until": "2026-11-23T09:00:30Z"}, {"1"}, id="until"),
        pytest.param({"search": "APP-2"}, {"2"}, id="search"),
    ],
)
async def test_filters_hold_for_events_and_groups(
    world: World, filters: dict[str, str], found: set[str]
) -> None:
    world.later(600)
    other = {"kind": "Deployment", "user": "jane", "reason": "MissingArtifact", "top_owner": "x"}
    await world.c1.post_events([event("1"), event("2", 1, **other)])
    assert {e.id for e in (await world.reader.list_events(**filters)).items} == found
    assert {g.event.id for g in await groups(world, **filters)} == found


async def test_a_rule_name_of_any_length_is_found_again(world: World) -> None:
    name = "R" * 1000
    await world.c1.post_events([event("1", rule=name)])
    assert [e.id for e in (await world.reader.list_events(rule=name)).items] == ["1"]


async def test_a_cursor_of_events_is_refused_by_groups(world: World) -> None:
    await world.c1.post_events([event(str(n), top_owner=f"Job/{n}") for n in range(3)])
    cursor = (await world.reader.list_events(limit=1)).next or ""
    answer = await world.raw("reader-" + "t" * 40).get(
        "/api/v1/events", params={"grouped": "true", "cursor": cursor}
    )
    assert answer.status_code == 400
    assert "cursor" in answer.json()["detail"]
