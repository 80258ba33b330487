"""The overview: counts by time, rules that decided, what runs, what needs attention."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from support.hub_world import START, TOKENS, World
from support.image_world import HOST, index, lease, manifest, report, scanned, tell, upload
from tidegate.domain.errors import InputError, NotPermittedError
from tidegate.hub.clock import render_instant
from tidegate.hub.jobs.pruning import prune
from tidegate.hub.metrics import Seen
from tidegate.wire.event_v1 import AdmissionEventV1, ImageRowV1
from tidegate.wire.hub_data_v1 import (
    AdvisorySourceV1,
    OverviewV1,
    RunningImageV1,
    WorkerHeartbeatV1,
)
from tidegate.wire.hub_v1 import ClusterEnrolV1, HeartbeatV1, RuleApplyV1, SettingsV1
from tidegate.wire.oci_v1 import OCI_INDEX
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, ExemptionV1, RuleV1, TimeBoundV1
from tidegate.wire.protection_v1 import BreakGlassV1, ProtectionV1

HOSTILE = "<img src=x onerror=alert(1)>\u202e\x1b[31m\0\"'--"


def event(event_id: str, hours: float = 0, action: str = "deny", **row: str) -> AdmissionEventV1:
    given = {"rule": "R", "reason": "PolicyEvaluation", "evidence": "report", **row}
    image = ImageRowV1(
        given.pop("image", "r.example/app:1"), "spec", action, given.pop("reason"), "", **given
    )
    at = render_instant(START - timedelta(hours=hours))
    return AdmissionEventV1(event_id, at, action, "Pod", event_id, [image])


def sums(shown: OverviewV1) -> tuple[int, int, int, int]:
    b = shown.buckets
    return (
        sum(x.denied for x in b),
        sum(x.audited for x in b),
        sum(x.allowed for x in b),
        sum(x.unscanned for x in b),
    )


async def test_events_are_counted_by_hour_and_by_rule(world: World) -> None:
    await world.c1.post_events(
        [
            event("1"),
            event("2", 0.5),
            event("3", 1.5, "audit", rule="Q", evidence="missing"),
            event("4", 2.5, "allow"),
            event("old", 24.5),
        ]
    )
    await world.c1.post_events([event("1")])  # again
    shown = await world.reader.get_overview()
    assert (len(shown.buckets), shown.bucket_s) == (24, 3600)
    assert sums(shown) == (2, 1, 1, 1)
    newest, before = shown.buckets[-1], shown.buckets[-2]
    assert (newest.start, newest.denied) == ("2026-11-23T09:00:00.000000Z", 1)
    assert (before.denied, shown.buckets[-3].audited, shown.buckets[-3].unscanned) == (1, 1, 1)
    assert [(r.rule, r.denied, r.audited) for r in shown.top_rules] == [("R", 2, 0), ("Q", 0, 1)]


@pytest.mark.parametrize(
    ("hours", "count", "length_s"),
    [
        (1, 6, 600),
        (4, 24, 600),
        (24, 24, 3600),
        (48, 48, 3600),
        (168, 28, 21600),
        (2160, 90, 86400),
    ],
)
async def test_every_span_has_buckets_without_gaps_and_loses_nothing(
    world: World, hours: int, count: int, length_s: int
) -> None:
    await world.c1.post_events([event("now"), event("ahead", -0.15), event("start", hours * 0.8)])
    shown = await world.reader.get_overview(hours)
    assert (len(shown.buckets), shown.bucket_s) == (count, length_s)
    starts = [b.start for b in shown.buckets]
    assert starts == sorted(set(starts))
    assert sums(shown)[0] == 3


@pytest.mark.parametrize("hours", ["0", "2161", "-1", "x", "1e9"])
async def test_other_spans_are_refused(world: World, hours: str) -> None:
    answer = await world.raw(TOKENS["reader"]).get("/api/v1/overview", params={"hours": hours})
    assert answer.status_code == 400


async def test_counts_end_with_the_retention(world: World) -> None:
    await world.c1.post_events([event("new"), event("old", 50)])
    await prune(world.hub.database, timedelta(hours=49), world.now())
    shown = await world.reader.get_overview(72)
    assert sums(shown)[0] == 1


async def test_what_runs_is_ranked_by_its_findings(world: World) -> None:
    mild = await scanned(world, "mild", "shop/mild", high=9)
    bad = await scanned(world, "bad", "shop/bad", critical=1)
    idle = await scanned(world, "idle", "shop/idle", critical=5)
    clean = await scanned(world, "clean", "shop/clean")
    images = [RunningImageV1(f"{HOST}/x@{d}", d) for d in (mild, bad, clean)]
    await world.c1.send_inventory("c1", images)
    await world.c2.send_inventory("c2", images[:1])
    shown = (await world.reader.get_overview()).riskiest_images
    assert [(i.repository, i.digest, i.running_in) for i in shown] == [
        ("shop/bad", bad, ["c1"]),
        ("shop/mild", mild, ["c1", "c2"]),
    ]
    assert idle not in {i.digest for i in shown}
    assert (shown[0].tags, shown[0].counts.critical) == (["v1"], 1)
    await world.c1.send_inventory("c1", [])
    shown = (await world.reader.get_overview()).riskiest_images
    assert [(i.repository, i.running_in) for i in shown] == [("shop/mild", ["c2"])]


async def test_a_running_platform_stands_for_its_index(world: World) -> None:
    amd, amd_digest = manifest("amd")
    body, digest = index(("amd64", amd_digest))
    job = await lease(world, digest)
    await tell(world, job, upload(body, digest, media_type=OCI_INDEX, config=None, statement=""))
    await tell(world, job, upload(amd, amd_digest))
    await world.scanner.complete_job(job, [report(amd_digest, high=1)])
    await world.c1.send_inventory("c1", [RunningImageV1("app", amd_digest)])
    (shown,) = (await world.reader.get_overview()).riskiest_images
    assert (shown.digest, shown.running_in) == (digest, ["c1"])


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(f"{HOST}/shop/judged:1", id="judged-when-admitted"),
        pytest.param(f"{HOST}/shop/web:v1", id="by-tag"),
        pytest.param("@", id="by-digest"),
    ],
)
async def test_a_reference_without_a_digest_is_resolved(world: World, image: str) -> None:
    digest = await scanned(world, high=1)
    judged = event("1", image=f"{HOST}/shop/judged:1", digest=digest)
    await world.c1.post_events([judged])
    pinned = f"{HOST}/shop/web@{digest}" if image == "@" else image
    await world.c1.send_inventory("c1", [RunningImageV1(pinned)])
    (shown,) = (await world.reader.get_overview()).riskiest_images
    assert (shown.digest, shown.running_in) == (digest, ["c1"])


async def test_t23_what_another_cluster_judged_resolves_nothing_here(world: World) -> None:
    digest = await scanned(world, high=1)
    await world.c2.post_events([event("1", image=f"{HOST}/shop/judged:1", digest=digest)])
    await world.c1.send_inventory("c1", [RunningImageV1(f"{HOST}/shop/judged:1")])
    assert (await world.reader.get_overview()).riskiest_images == []


async def test_t23_a_cluster_tells_its_own_inventory_only(world: World) -> None:
    with pytest.raises(NotPermittedError, match="bound to cluster 'c1'"):
        await world.c1.send_inventory("c2", [])


@pytest.mark.slow
async def test_an_inventory_of_ten_thousand_and_hostile_names_is_kept(world: World) -> None:
    many = [
        RunningImageV1(f"r.example/{n}", "sha256:" + f"{n:064}", 2, ["a", "b"])
        for n in range(10_000)
    ]
    hostile = [RunningImageV1(HOSTILE), RunningImageV1("x" * 4096), RunningImageV1("x" * 4095)]
    await world.c1.send_inventory("c1", [*many, *hostile])
    async with world.hub.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT count(*) FROM running_images")
        assert rows.scalar() == 10_002, "long references that begin alike are one"
    await world.c1.send_inventory("c1", many[:1])
    async with world.hub.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT count(*) FROM running_images")
        assert rows.scalar() == 1


@pytest.mark.parametrize(
    "images",
    [
        pytest.param([RunningImageV1("a", "latest")], id="no-digest"),
        pytest.param([RunningImageV1("a", pods=0)], id="no-pods"),
        pytest.param([RunningImageV1("a")] * 20_001, id="too-many"),
    ],
)
async def test_an_inventory_that_cannot_be_is_refused_whole(
    world: World, images: Sequence[RunningImageV1]
) -> None:
    with pytest.raises(InputError):
        await world.c1.send_inventory("c1", images)


def rule(*exemptions: ExemptionV1, name: str = "R", enabled: bool = True) -> RuleV1:
    configuration = ConfigurationV1(block_unscanned_images=True, exemptions=list(exemptions))
    return RuleV1(name=name, action="deny", enabled=enabled, configuration=configuration)


def until(day: str, value: str = "CVE-2024-0001", **changes: object) -> ExemptionV1:
    made = ExemptionV1(type="timeBased", value=value, time_bound=TimeBoundV1(day), reason="soon")
    return msgspec.structs.replace(made, **changes)


async def test_exemptions_about_to_end_are_shown_the_next_first(world: World) -> None:
    soon = [
        until("2026-12-06", "CVE-2024-0003"),
        until("2026-11-23", "CVE-2024-0001"),
        until("2026-11-30", "shop", matcher_type="namespace"),
        until("2026-12-08", "CVE-2024-0004"),
    ]
    await world.admin.apply_rules(
        RuleApplyV1([rule(*soon), rule(until("2026-11-24"), name="off", enabled=False)])
    )
    shown = (await world.reader.get_overview()).expiring_exemptions
    assert [(e.kind, e.value, e.end_date[:10], e.rule) for e in shown] == [
        ("vulnerability", "CVE-2024-0001", "2026-11-23", "R"),
        ("resource", "shop", "2026-11-30", "R"),
        ("vulnerability", "CVE-2024-0003", "2026-12-06", "R"),
    ]


async def test_clusters_that_may_not_enforce_are_named_with_the_reason(world: World) -> None:
    wanted = (await world.reader.get_cluster("c1")).wanted_generation
    world.later(60)
    await world.c1.send_heartbeat("c1", HeartbeatV1("1", wanted))
    problems = (await world.reader.get_overview()).clusters
    assert [(c.name, c.problem) for c in problems] == [
        ("c2", "Its agent has not been heard of yet.")
    ]
    await world.admin.set_gating("c1", "Off")
    await world.c2.send_heartbeat("c2", HeartbeatV1("1", "other", ["drift repaired"]))
    world.later(16)
    problems = (await world.reader.get_overview()).clusters
    assert {(c.name, c.problem) for c in problems} == {
        ("c1", "Security gating is off: everything is admitted."),
        ("c1", "The rules in force there are not the current ones."),
        ("c2", "The rules in force there are not the current ones."),
        ("c2", "drift repaired"),
    }
    world.later(31)
    problems = (await world.reader.get_overview()).clusters
    assert ("c1", "Its agent has not been heard of since 2026-11-23T09:01:00Z.") in {
        (c.name, c.problem) for c in problems
    }


def glass(name: str, until_h: float) -> BreakGlassV1:
    until = render_instant(START + timedelta(hours=until_h))
    since = render_instant(START)
    return BreakGlassV1(name, "shop", f"sha256:{'ab' * 32}", "checkout is down", since, until)


async def test_what_is_let_in_by_hand_is_shown_until_it_ends_also_with_its_agent_away(
    world: World,
) -> None:
    seen = ProtectionV1(break_glass=[glass("two", 2), glass("one", 1)], break_glass_count=2)
    await world.c1.send_heartbeat("c1", HeartbeatV1("1", "", [], seen))
    many = ProtectionV1(break_glass=[glass("three", 3)], break_glass_count=30)
    await world.c2.send_heartbeat("c2", HeartbeatV1("1", "", [], many))

    async def shown() -> tuple[list[tuple[str, str]], int]:
        found = await world.reader.get_overview()
        return [(each.cluster, each.object.name) for each in found.break_glass], (
            found.break_glass_count
        )

    assert await shown() == ([("c2", "three"), ("c1", "two"), ("c1", "one")], 32)
    world.later(3600)
    assert await shown() == ([("c2", "three"), ("c1", "two")], 31)
    await world.c2.send_heartbeat("c2", HeartbeatV1("1", "", [], ProtectionV1(break_glass=[])))
    assert await shown() == ([("c1", "two")], 1)


async def test_an_end_that_is_no_instant_is_shown_nowhere(world: World) -> None:
    odd = glass("odd", 1)
    odd.until = HOSTILE
    seen = ProtectionV1(break_glass=[odd], break_glass_count=1)
    await world.c1.send_heartbeat("c1", HeartbeatV1("1", "", [], seen))
    assert (await world.reader.get_overview()).break_glass == []


async def test_feeds_are_shown_the_oldest_first_and_one_that_stands_still_is_a_problem(
    world: World,
) -> None:
    wanted = (await world.reader.get_cluster("c1")).wanted_generation
    for name in ("c3", "c4"):
        enrolled = await world.admin.enrol_cluster(ClusterEnrolV1(name))
        body = HeartbeatV1("1", wanted, feed_at=render_instant(START) if name == "c4" else "")
        await world.client(enrolled.token).send_heartbeat(name, body)
    world.later(300)
    now = render_instant(START + timedelta(seconds=300))
    await world.c1.send_heartbeat("c1", HeartbeatV1("1", wanted, feed_at=now))
    found = await world.reader.get_overview()
    # c2's agent was never heard of, which the problems say.
    assert [(each.cluster, each.old) for each in found.feeds] == [
        ("c4", False),
        ("c1", False),
        ("c3", False),
    ]
    world.later(1)
    found = await world.reader.get_overview()
    assert (found.feeds[0].cluster, found.feeds[0].old) == ("c4", True)
    told = [(each.name, each.problem) for each in found.clusters]
    assert ("c4", "No findings were fed to it since 2026-11-23T09:00:00Z.") in told
    assert not [problem for name, problem in told if name in ("c1", "c3") and "fed" in problem]


async def test_registries_and_repositories_are_counted(world: World) -> None:
    await scanned(world, "a", "shop/a", high=1)
    await scanned(world, "b", "shop/a", critical=1)
    await scanned(world, "c", "team/c")
    assert [(r.repository_count, r.image_count, r.access) for r in (
        await world.reader.list_registries()
    ).items] == [(2, 3, "NotConfigured")]  # fmt: skip
    found = (await world.reader.list_repositories(HOST)).items
    assert [(r.repository, r.image_count, r.tag_count) for r in found] == [
        ("shop/a", 2, 1),
        ("team/c", 1, 1),
    ]
    assert (found[0].worst.critical, found[0].worst.high) == (1, 0)
    first = await world.reader.list_repositories(limit=1)
    rest = await world.reader.list_repositories(cursor=first.next or "")
    assert [r.repository for r in (*first.items, *rest.items)] == ["shop/a", "team/c"]
    assert [r.repository for r in (await world.reader.list_repositories(search="TEAM")).items] == [
        "team/c"
    ]
    assert (await world.reader.list_repositories(search="%")).items == []


def heartbeat(**changes: object) -> WorkerHeartbeatV1:
    made = WorkerHeartbeatV1("1", "f" * 64, "PEM", "2026-11-23T08:00:00Z", registries=[HOST])
    return msgspec.structs.replace(made, **changes)


async def test_workers_tell_their_registries_keys_and_advisories(world: World) -> None:
    await scanned(world)
    old = AdvisorySourceV1("PyPI", "export", 5, "2026-11-01T00:00:00Z")
    new = msgspec.structs.replace(old, updated_at="2026-11-20T00:00:00Z")
    await world.scanner.put_worker("w1", heartbeat(advisories=[new]))
    await world.scanner.put_worker("w2", heartbeat(advisories=[old], key_used_at=""))
    await world.scanner.put_worker("w2", heartbeat(advisories=[old], key_fingerprint="g" * 64))
    assert await world.reader.list_advisories() == [old], "some images are judged by the oldest"
    keys = await world.reader.list_keys()
    assert [(k.name, k.fingerprint[0], k.public_key) for k in keys] == [
        ("w1", "f", "PEM"),
        ("w2", "g", "PEM"),
    ]
    assert keys[0].last_used_at == "2026-11-23T08:00:00.000000Z"
    heard = [
        (w.name, w.last_seen_at, w.key_fingerprint[0], w.registries)
        for w in await world.reader.list_workers()
    ]
    at = render_instant(START)
    assert heard == [("w1", at, "f", [HOST]), ("w2", at, "g", [HOST])]
    (registry,) = (await world.reader.list_registries()).items
    assert registry.access == "On"
    world.later(301)
    (registry,) = (await world.reader.list_registries()).items
    assert registry.access == "NotConfigured", "nobody was heard of lately"


async def test_the_advisories_that_workers_judge_by_are_counted_with_their_age(
    world: World,
) -> None:
    source = AdvisorySourceV1(
        "PyPI", "export", 5, "2026-11-01T00:00:00Z", imported_at="2026-11-02T00:00:00Z"
    )
    demo = AdvisorySourceV1("npm", "demo set", 3, "2026-10-01T00:00:00Z")
    await world.scanner.put_worker("w1", heartbeat(advisories=[source, demo]))
    assert await world.reader.list_advisories() == [source, demo]
    text = world.hub.metrics.render(Seen({}, [source, demo]), world.hub.signals).decode()
    assert 'tidegate_hub_advisories{ecosystem="PyPI"} 5.0' in text
    assert 'advisories_updated_at_seconds{ecosystem="PyPI"} 1.7934912e+09' in text
    assert 'advisories_imported_at_seconds{ecosystem="PyPI"} 1.7935776e+09' in text
    assert 'advisories_imported_at_seconds{ecosystem="npm"}' not in text
    again = world.hub.metrics.render(Seen({}, [demo]), world.hub.signals).decode()
    assert 'ecosystem="PyPI"' not in again, "an ecosystem that is gone must not look young"


async def test_a_key_used_in_the_future_counts_as_used_now(world: World) -> None:
    await world.scanner.put_worker("w1", heartbeat(key_used_at="2099-01-01T00:00:00Z"))
    (key,) = await world.reader.list_keys()
    assert key.last_used_at == render_instant(START)


async def test_with_registry_access_off_no_job_is_leased_and_none_goes_on(world: World) -> None:
    _, digest = manifest()
    job = await lease(world, digest)
    _, other = manifest("other")
    current = await world.admin.get_settings()
    off = msgspec.structs.replace(current, registry_access="Off")
    assert await world.admin.put_settings(off) == off
    for call in (world.scanner.lease_job("w1"), world.scanner.report_progress(job)):
        with pytest.raises(InputError, match="registry access is switched off"):
            await call
    (entry, *_) = (await world.admin.list_audit()).items
    assert (entry.before["registryAccess"], entry.after["registryAccess"]) == ("On", "Off")
    await world.admin.put_settings(current)
    await world.scanner.report_progress(job)
    assert other != digest


async def test_new_clusters_start_with_the_default_of_gating(world: World) -> None:
    current = await world.admin.get_settings()
    await world.admin.put_settings(msgspec.structs.replace(current, security_gating="Off"))
    await world.admin.enrol_cluster(ClusterEnrolV1("c3"))
    assert (await world.reader.get_cluster("c3")).gating == "Off"
    assert (await world.reader.get_cluster("c1")).gating == "On"
    assert SettingsV1(current.evaluation_mode).registry_access == "On"
