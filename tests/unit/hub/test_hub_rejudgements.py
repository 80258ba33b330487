"""A verdict about what runs is an event where it differs from the one before, once."""

from datetime import timedelta

import msgspec
import pytest

from support.hub_world import START, World
from tidegate.domain.errors import InputError, NotPermittedError
from tidegate.hub.clock import render_instant
from tidegate.hub.jobs.pruning import prune
from tidegate.wire.event_v1 import Action, AdmissionEventV1, CountsV1, ImageRowV1
from tidegate.wire.hub_data_v1 import MAX_REJUDGED, RenewedImageV1
from tidegate.wire.hub_v1 import PlatformReportV1, ScanRequestV1

A, B = ("sha256:" + letter * 64 for letter in "ab")
APP = "r.example/app:1"
_numbers = iter(range(10_000))


def verdict(action: Action, *, image: str = APP, **changes: object) -> AdmissionEventV1:
    row = ImageRowV1(image, "spec.containers[0].image", action, "PolicyEvaluation", "", digest=A)
    made = AdmissionEventV1(
        id=f"e{next(_numbers)}",
        time=render_instant(START),
        action=action,
        kind="Pod",
        name="w-1",
        images=[row],
        namespace="shop",
        top_owner="Deployment/w",
    )
    return msgspec.structs.replace(made, **changes)


async def rejudged(world: World, *verdicts: AdmissionEventV1) -> list[str]:
    """Tell the hub; return the actions of the events that came of it."""
    answer = await world.c1.send_rejudgements("c1", list(verdicts))
    listed = [e for e in (await world.reader.list_events()).items if e.origin == "rejudged"]
    return [event.action for event in listed[: answer.stored]]


async def test_a_changed_verdict_is_an_event_once_and_an_unchanged_one_is_none(
    world: World,
) -> None:
    await world.c1.post_events([verdict("audit", name="w-1*")])
    told = [await rejudged(world, verdict(action)) for action in ("audit", "deny", "deny", "allow")]
    assert told == [[], ["deny"], [], ["allow"]]


ADMISSIONS = {
    "same-owner": ({}, []),
    "another-owner": ({"top_owner": "Deployment/x"}, ["audit"]),
    "another-namespace": ({"namespace": "other"}, ["audit"]),
    "asked-directly": ({"origin": "direct"}, ["audit"]),
    "another-image": ({"image": "r.example/b:1"}, ["audit"]),
}


@pytest.mark.parametrize(("admitted", "told"), ADMISSIONS.values(), ids=ADMISSIONS)
async def test_the_first_verdict_is_compared_with_the_admission(
    world: World, admitted: dict[str, str], told: list[str]
) -> None:
    await world.c1.post_events([verdict("audit", **admitted)])
    assert await rejudged(world, verdict("audit")) == told


async def test_a_tag_at_admission_is_the_digest_that_the_kubelet_tells_later(world: World) -> None:
    await world.c1.post_events([verdict("audit")])
    assert await rejudged(world, verdict("audit", image=f"{APP}@{A}")) == []


async def test_a_refused_attempt_is_not_what_runs(world: World) -> None:
    await world.c1.post_events([verdict("allow")])
    await world.c1.post_events([verdict("deny")])
    assert await rejudged(world, verdict("deny")) == ["deny"]


async def test_each_image_of_a_workload_counts_and_the_event_has_all(world: World) -> None:
    rows = verdict("allow").images + verdict("allow", image="r.example/b:1").images
    await rejudged(world, verdict("allow", images=rows))
    rows[1] = msgspec.structs.replace(rows[1], action="deny", image="r.example/b:1")
    assert await rejudged(world, verdict("deny", images=rows)) == ["deny"]
    (event,) = (await world.reader.list_events()).items
    assert [row.action for row in event.images] == ["allow", "deny"]


async def test_what_runs_is_not_counted_as_admitted_or_refused(world: World) -> None:
    assert await rejudged(world, verdict("deny")) == ["deny"]
    overview = await world.reader.get_overview()
    assert sum(bucket.denied for bucket in overview.buckets) == 0


async def test_it_is_found_by_its_origin_and_grouped_apart(world: World) -> None:
    await world.c1.post_events([verdict("deny")])
    await rejudged(world, verdict("deny"))
    assert len((await world.reader.list_events(origin="rejudged")).items) == 1
    assert len((await world.reader.list_event_groups()).items) == 2


async def test_an_agent_speaks_for_its_own_cluster_alone(world: World) -> None:
    with pytest.raises(NotPermittedError):
        await world.c2.send_rejudgements("c1", [verdict("deny")])
    with pytest.raises(NotPermittedError):
        await world.c2.fetch_renewals("c1", -1)


async def test_too_many_verdicts_at_once_are_refused(world: World) -> None:
    with pytest.raises(InputError, match="verdicts"):
        await world.c1.send_rejudgements("c1", [verdict("deny")] * (MAX_REJUDGED + 1))


async def test_verdicts_about_what_is_long_gone_are_pruned(world: World) -> None:
    await rejudged(world, verdict("deny"))
    later = START + timedelta(days=100)
    assert await prune(world.hub.database, timedelta(days=90), later) >= 1
    assert await rejudged(world, verdict("deny")) == ["deny"], "nothing is known any more"


async def scanned(world: World, digest: str) -> None:
    await world.admin.request_scan(ScanRequestV1("r.example", "app", digest))
    job = await world.scanner.lease_job("w")
    assert job is not None
    report = PlatformReportV1(
        digest, "linux/amd64", render_instant(START), "Tidegate", CountsV1(), complete=True
    )
    await world.scanner.complete_job(job, [report])


async def test_an_agent_hears_of_each_new_report_once(world: World) -> None:
    await scanned(world, A)
    first = await world.c1.fetch_renewals("c1", -1)
    assert (first.images, first.everything) == ([], True)
    await scanned(world, B)
    second = await world.c1.fetch_renewals("c1", first.cursor, 5)
    assert second.images == [RenewedImageV1("r.example", "app", [B])]
    assert not second.everything
    third = await world.c1.fetch_renewals("c1", second.cursor)
    assert (third.images, third.everything, third.cursor) == ([], False, second.cursor)


async def test_a_cursor_of_another_database_means_everything(world: World) -> None:
    await scanned(world, A)
    assert (await world.c1.fetch_renewals("c1", 10_000)).everything


def unanswered(action: Action, image: str = APP) -> AdmissionEventV1:
    """A verdict by the rule for what cannot be found out, as a gate tells it in an outage."""
    made = verdict(action, image=image)
    made.images[0].evidence, made.images[0].unanswered = "unavailable", True
    return made


async def test_t14_an_outage_of_a_registry_changes_no_verdict_neither_way(world: World) -> None:
    assert await rejudged(world, verdict("allow")) == []
    assert await rejudged(world, unanswered("deny")) == [], "the registry went away"
    assert await rejudged(world, verdict("allow")) == [], "and came back"
    assert await rejudged(world, verdict("deny")) == ["deny"], "what is known by then counts"
    metrics = (await world.raw().get("/metrics")).text
    for result, count in {"changed": 1, "same": 2, "unanswered": 1}.items():
        assert f'tidegate_hub_rejudged_images_total{{result="{result}"}} {count}.0' in metrics


async def test_t14_an_outage_that_lets_pass_changes_no_verdict_either(world: World) -> None:
    assert await rejudged(world, verdict("deny")) == ["deny"]
    assert await rejudged(world, unanswered("allow")) == []
    assert await rejudged(world, verdict("deny")) == []


async def test_t14_what_was_never_answered_is_compared_with_the_admission(world: World) -> None:
    await world.c1.post_events([verdict("audit")])
    assert await rejudged(world, unanswered("deny")) == []
    assert await rejudged(world, verdict("audit")) == []


async def test_an_event_says_the_strictest_of_what_was_answered(world: World) -> None:
    changed, away = verdict("audit"), unanswered("deny", "r.example/b:1")
    told = verdict("deny", images=changed.images + away.images)
    assert await rejudged(world, told) == ["audit"]


async def test_what_has_no_answer_for_long_keeps_its_verdict(world: World) -> None:
    await rejudged(world, verdict("deny"))
    for _ in range(2):
        world.later(80 * 86400)
        assert await rejudged(world, unanswered("allow")) == []
        await prune(world.hub.database, timedelta(days=90), world.hub.now())
    assert await rejudged(world, verdict("deny")) == []
