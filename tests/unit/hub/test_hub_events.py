"""Admission events are taken once, bounded, whoever's they are, and found again."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from support.hub_world import START, TOKENS, World
from tidegate.domain.errors import InputError, NotFoundError
from tidegate.domain.rule import Action
from tidegate.hub.clock import render_instant
from tidegate.hub.event_body import MAX_EVENT_BYTES, bounded
from tidegate.hub.jobs.pruning import prune
from tidegate.wire.event_v1 import (
    AdmissionEventV1,
    CountsV1,
    FindingV1,
    ImageRowV1,
    parse_event,
    render_event,
)
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, ExemptionV1, RuleV1


def event(event_id: str, at: datetime = START, **changes: object) -> AdmissionEventV1:
    row = ImageRowV1(
        image="registry.example/shop:1",
        field_path="spec.containers[0].image",
        action="deny",
        reason="PolicyEvaluation",
        message="Image contains 2 high or higher CVEs",
        digest="sha256:" + "a" * 64,
        rule="No high",
        violation="High CVE: 2",
        counts=CountsV1(high=2),
        findings=[FindingV1("CVE-2024-3094", "critical", "pkg:deb/xz", "xz", "5.6.0")],
    )
    made = AdmissionEventV1(
        id=event_id,
        time=render_instant(at),
        action="deny",
        kind="Pod",
        name="gate-test",
        namespace="shop",
        user="alice",
        images=[row],
    )
    return msgspec.structs.replace(made, **changes)


async def ids(world: World, **filters: str) -> list[str]:
    return [e.id for e in (await world.reader.list_events(**filters)).items]


async def test_events_come_back_as_they_went_in(world: World) -> None:
    sent = event("e1")
    await world.c1.post_events([sent])
    (listed,) = (await world.reader.list_events()).items
    assert listed == await world.reader.get_event("e1")
    assert listed == msgspec.structs.replace(sent, cluster="c1")


async def test_the_same_events_again_are_stored_once(world: World) -> None:
    batch = [event("e1"), event("e2"), event("e1")]
    first = await world.c1.post_events(batch)
    again = await world.c1.post_events(batch)
    assert (first.stored, first.duplicates, again.stored, again.duplicates) == (2, 1, 0, 3)
    assert sorted(await ids(world)) == ["e1", "e2"]


async def test_t23_the_cluster_comes_from_the_token(world: World) -> None:
    await world.c1.post_events([event("e1", cluster="c2")])
    assert (await world.reader.get_event("e1")).cluster == "c1"


async def test_t23_a_cluster_cannot_take_the_id_of_anothers_event(world: World) -> None:
    await world.c1.post_events([event("e1", name="real")])
    await world.c2.post_events([event("e1", name="forged")])
    assert (await world.reader.get_event("e1")).name == "real"
    assert (await world.reader.get_event("e1", cluster="c2")).name == "forged"
    await world.c1.post_events([event("e2", name="later")])
    assert (await world.reader.get_event("e2", cluster="c1")).name == "later"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({}, ["new", "old"], id="none"),
        pytest.param({"action": "audit"}, ["old"], id="action"),
        pytest.param({"cluster": "c2"}, ["new"], id="cluster"),
        pytest.param({"namespace": "shop"}, ["old"], id="namespace"),
        pytest.param({"namespace": "sho"}, [], id="namespace-is-whole"),
        pytest.param({"rule": "No high"}, ["old"], id="rule"),
        pytest.param({"image": "example/shop"}, ["new", "old"], id="part-of-image"),
        pytest.param({"image": "%"}, [], id="no-wildcards"),
        pytest.param({"search": "GATE-TEST"}, ["old"], id="search-ignores-case"),
        pytest.param({"search": "cve-2024-3094"}, ["new", "old"], id="search-finds-ids"),
        pytest.param({"since": "2026-11-23T09:30:00Z"}, ["new"], id="since"),
        pytest.param({"until": "2026-11-23T10:30:00+01:00"}, ["old"], id="until-with-offset"),
        pytest.param({"action": "audit", "cluster": "c2"}, [], id="all-must-match"),
    ],
)
async def test_filters(world: World, filters: dict[str, str], found: list[str]) -> None:
    await world.c1.post_events([event("old", action="audit")])
    world.later(3600)
    other = event("new", START + timedelta(hours=1), namespace="other", name="x")
    other.images[0].rule = "Other"
    await world.c2.post_events([other])
    assert await ids(world, **filters) == found


@pytest.mark.parametrize(
    "filters", [{"since": "yesterday"}, {"until": "1"}, {"action": "x"}, {"search": "x" * 2000}]
)
async def test_a_filter_that_means_nothing_is_refused(
    world: World, filters: dict[str, str]
) -> None:
    with pytest.raises(InputError):
        await world.reader.list_events(**filters)


async def test_pages_cover_all_events_once_newest_first(world: World) -> None:
    same_instant = [event(f"e{n:02}") for n in range(7)]
    await world.c1.post_events(same_instant)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await world.reader.list_events(cursor=cursor, limit=3)
        await world.c1.post_events([event(f"new{len(seen)}", START + timedelta(minutes=1))])
        seen += [e.id for e in page.items]
        cursor = page.next
    assert seen == [e.id for e in reversed(same_instant)]


async def test_delivery_order_does_not_matter_for_the_list(world: World) -> None:
    await world.c1.post_events([event("late", START - timedelta(hours=1)), event("now")])
    await world.c1.post_events([event("later", START - timedelta(hours=2))])
    assert await ids(world) == ["now", "late", "later"]


@pytest.mark.parametrize("time", ["", "soon", "9999-12-31T23:59:59Z", "2026-11-24T09:00:00Z"])
async def test_a_time_that_cannot_be_right_sorts_as_now(world: World, time: str) -> None:
    await world.c1.post_events([event("odd", time=time)])
    world.later(1)
    await world.c1.post_events([event("next", START + timedelta(seconds=1))])
    assert await ids(world) == ["next", "odd"]
    assert (await world.reader.get_event("odd")).time == time


async def test_t24_hostile_strings_come_back_as_they_are(world: World) -> None:
    name = "<script>alert(1)</script>\x1b[31m\x00'; DROP TABLE events; --\u202e"
    await world.c1.post_events([event("e1", name=name, namespace=name)])
    assert (await world.reader.get_event("e1")).name == name
    answer = await world.raw(TOKENS["reader"]).get("/api/v1/events")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert await ids(world, search="drop table") == ["e1"]


@pytest.mark.parametrize("event_id", ["", "x" * 129])
async def test_an_event_without_a_usable_id_is_refused(world: World, event_id: str) -> None:
    with pytest.raises(InputError, match="the uid of its review"):
        await world.c1.post_events([event(event_id), event("fine")])
    assert await ids(world) == []


async def test_a_batch_has_a_thousand_events_at_most(world: World) -> None:
    full = [event(f"e{n}", images=[]) for n in range(1000)]
    assert (await world.c1.post_events(full)).stored == 1000
    with pytest.raises(InputError, match="1000"):
        await world.c1.post_events([*full, event("more")])


async def test_only_events_may_have_large_bodies(world: World) -> None:
    padding = " " * (5 * 2**20)
    events = await world.raw("c1-" + "t" * 40).post(
        "/api/v1/events", content='{"events":[]}' + padding
    )
    rules = await world.raw(TOKENS["admin"]).post("/api/v1/rules", content="{}" + padding)
    assert (events.status_code, rules.status_code) == (200, 413)
    assert rules.headers["content-type"] == "application/problem+json"


async def test_unknown_event_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="there is no event with id 'nope'"):
        await world.reader.get_event("nope")


async def test_dropped_events_are_counted(world: World) -> None:
    await world.c1.post_events([], dropped=7)
    assert b'tidegate_hub_events_dropped_total{cluster="c1"} 7.0' in world.hub.metrics.render(
        None, world.hub.signals
    )


async def test_pruning_deletes_what_is_older_and_nothing_else(world: World) -> None:
    await world.c1.post_events([event("old", START - timedelta(days=91)), event("new")])
    deleted = await prune(world.hub.database, timedelta(days=90), world.now())
    rows = 1 + 1 + 2  # the event, its group, its counts: in all and of its rule
    assert (deleted, await ids(world)) == (rows, ["new"])
    assert (await world.c1.post_events([event("old", START)])).stored == 1


def test_a_huge_event_keeps_what_matters_most() -> None:
    findings = [FindingV1(f"CVE-{n}", "low", "p" * 4000, "n", "1") for n in range(200)]
    large = event("e1")
    large.images = [
        msgspec.structs.replace(large.images[0], findings=list(findings)) for _ in range(20)
    ]
    kept = bounded(large, "c1")
    assert len(render_event(kept)) <= MAX_EVENT_BYTES
    assert len(kept.images) == 20
    assert kept.images[0].findings[0].id == "CVE-0"
    assert all(len(row.findings) + row.findings_omitted == 200 for row in kept.images)
    assert len(large.images[0].findings) == 200


def test_an_event_of_huge_rules_and_strings_still_fits() -> None:
    exemptions = [ExemptionV1("permanent", "x" * 500, reason="y" * 1000) for _ in range(300)]
    rule = RuleV1("big", Action.DENY, ConfigurationV1(exemptions=exemptions))
    large = event("e1", name="n" * 1_000_000)
    row = msgspec.structs.replace(
        large.images[0], rule_configuration=rule, message="m" * 10_000, image="i" * 10_000
    )
    large.images = [row] * 20
    kept = bounded(large, "c1")
    assert len(render_event(kept)) <= MAX_EVENT_BYTES
    assert parse_event(render_event(kept)).id == "e1"


def test_instants_have_a_fixed_width() -> None:
    whole = datetime(2026, 1, 2, tzinfo=UTC)
    assert render_instant(whole) == "2026-01-02T00:00:00.000000Z"
