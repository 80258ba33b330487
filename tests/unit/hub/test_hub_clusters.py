"""Clusters get their rules, and nothing they say about themselves changes that."""

import asyncio
import json
import time

import msgspec
import pytest

from support.hub_world import CLUSTER_TOKENS, World, until
from tidegate.domain.errors import ConflictError, InputError, NotFoundError
from tidegate.domain.rule import DEFAULT_RULE_NAME, Action, EvaluationMode
from tidegate.wire.hub_v1 import (
    CloudScopeV1,
    ClusterEnrolV1,
    ClusterPolicyV1,
    HeartbeatV1,
    RuleApplyV1,
    RuleWriteV1,
    SettingsV1,
)
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1
from tidegate.wire.protection_v1 import AlarmV1, BreakGlassV1, ProtectionV1, UnjudgedPodV1


def body(name: str, scope: CloudScopeV1 | None = None, *, enabled: bool = True) -> RuleWriteV1:
    configuration = ConfigurationV1(block_unscanned_images=True)
    entry = RuleV1(name, Action.DENY, configuration, enabled=enabled)
    return RuleWriteV1(entry, scope or CloudScopeV1())


async def policy_of(world: World, name: str) -> ClusterPolicyV1:
    policy = await world.reader.fetch_policy(name)
    assert policy is not None
    return policy


def names(policy: ClusterPolicyV1) -> list[str]:
    return [entry.name for entry in policy.rules]


async def test_rules_reach_the_clusters_of_their_scope(world: World) -> None:
    await world.admin.create_rule(body("everywhere"))
    await world.admin.create_rule(body("one", CloudScopeV1(clusters=["c1"])))
    await world.admin.create_rule(body("off", enabled=False))
    assert names(await policy_of(world, "c1")) == ["everywhere", "one", DEFAULT_RULE_NAME]
    assert names(await policy_of(world, "c2")) == ["everywhere", DEFAULT_RULE_NAME]


async def test_a_disabled_default_rule_reaches_clusters_as_disabled(world: World) -> None:
    (default,) = await world.reader.list_rules()
    await world.admin.disable_rule(default.id)
    (entry,) = (await policy_of(world, "c1")).rules
    assert (entry.name, entry.enabled) == (DEFAULT_RULE_NAME, False)


async def test_generation_changes_exactly_when_the_content_does(world: World) -> None:
    first = await policy_of(world, "c1")
    made = await world.admin.create_rule(body("for c2", CloudScopeV1(clusters=["c2"])))
    assert (await policy_of(world, "c1")).generation == first.generation
    await world.admin.set_gating("c1", "Off")
    off = await policy_of(world, "c1")
    assert (off.gating, off.generation != first.generation) == ("Off", True)
    await world.admin.set_gating("c1", "On")
    assert (await policy_of(world, "c1")).generation == first.generation
    await world.admin.put_settings(SettingsV1(EvaluationMode.STRICTEST))
    assert (await policy_of(world, "c1")).generation != first.generation
    await world.admin.delete_rule(made.id)


async def test_the_generation_in_force_gets_no_answer(world: World) -> None:
    policy = await policy_of(world, "c1")
    assert await world.c1.fetch_policy("c1", policy.generation) is None
    started = time.monotonic()
    assert await world.c1.fetch_policy("c1", policy.generation, wait_s=0.2) is None
    assert time.monotonic() - started >= 0.2


async def test_a_waiting_agent_learns_of_a_change_within_a_tenth_of_a_second(world: World) -> None:
    policy = await policy_of(world, "c1")
    waiting = asyncio.create_task(world.c1.fetch_policy("c1", policy.generation, wait_s=20))
    await until(lambda: world.hub.signals.policy.waiting == 1)
    await world.admin.create_rule(body("new"))
    started = time.monotonic()
    changed = await waiting
    assert time.monotonic() - started < 0.1
    assert changed is not None
    assert names(changed) == ["new", DEFAULT_RULE_NAME]


async def test_a_change_for_others_does_not_end_the_waiting(world: World) -> None:
    policy = await policy_of(world, "c1")
    waiting = asyncio.create_task(world.c1.fetch_policy("c1", policy.generation, wait_s=0.4))
    await until(lambda: world.hub.signals.policy.waiting == 1)
    await world.admin.create_rule(body("for c2", CloudScopeV1(clusters=["c2"])))
    assert await waiting is None


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("2026-11-23T09:00:00.5+00:00", "2026-11-23T09:00:00.500000Z"),
        ("", ""),
        ("lately", ""),
    ],
)
async def test_heartbeat_says_when_the_feed_last_came(world: World, told: str, shown: str) -> None:
    await world.c1.send_heartbeat("c1", HeartbeatV1("1.2", "", feed_at=told))
    assert (await world.reader.get_cluster("c1")).feed_at == shown


async def test_heartbeat_shows_what_is_in_force_and_what_is_wrong(world: World) -> None:
    policy = await policy_of(world, "c1")
    world.later(5)
    await world.c1.send_heartbeat("c1", HeartbeatV1("1.2", policy.generation, ["no webhook"]))
    cluster = await world.reader.get_cluster("c1")
    assert cluster.policy_generation == cluster.wanted_generation == policy.generation
    assert (cluster.agent_version, cluster.problems) == ("1.2", ["no webhook"])
    assert cluster.last_seen_at == "2026-11-23T09:00:05.000000Z"


async def test_enrolment_fixes_what_a_cluster_is(world: World) -> None:
    enrolled = await world.admin.enrol_cluster(
        ClusterEnrolV1("edge", "gcp", "p-1", {"env": "prod"})
    )
    client = world.client(enrolled.token)
    cluster = await client.get_cluster("edge")
    assert (cluster.provider, cluster.account, cluster.labels) == ("gcp", "p-1", {"env": "prod"})
    assert [c.name for c in await world.reader.list_clusters()] == ["c1", "c2", "edge"]


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a" * 129, "-a", "a\n"])
async def test_a_cluster_name_is_plain(world: World, name: str) -> None:
    with pytest.raises(InputError):
        await world.admin.enrol_cluster(ClusterEnrolV1(name))


async def test_an_unknown_cluster_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="no cluster named 'c9'"):
        await world.reader.fetch_policy("c9")
    with pytest.raises(NotFoundError):
        await world.admin.set_gating("c9", "Off")


async def test_gating_is_audited(world: World) -> None:
    await world.admin.set_gating("c1", "Off")
    entry = (await world.admin.list_audit(limit=1)).items[0]
    assert (entry.action, entry.target) == ("cluster.gating", "cluster/c1")
    assert (entry.before, entry.after) == ({"gating": "On"}, {"gating": "Off"})


async def test_a_change_that_was_rolled_back_reaches_nobody(world: World) -> None:
    before = await policy_of(world, "c1")
    await world.admin.create_rule(body("taken"))
    with pytest.raises(InputError):
        await world.admin.apply_rules(
            RuleApplyV1([body("gone").rule, RuleV1("x", Action.DENY, ConfigurationV1())])
        )
    with pytest.raises(ConflictError):
        await world.admin.create_rule(body("taken"))
    assert names(await policy_of(world, "c1")) == ["taken", DEFAULT_RULE_NAME]
    (made, _) = await world.reader.list_rules()
    await world.admin.delete_rule(made.id)
    assert (await policy_of(world, "c1")).generation == before.generation


UNSEEN = UnjudgedPodV1("shop", "web-1", "failed-open", "2026-11-23T09:00:00Z", ["r/app"])
ALARM = AlarmV1("CanaryAdmitted", "the API server admits all", "2026-11-23T09:00:00Z")
GLASS = BreakGlassV1(
    "incident-1",
    "shop",
    f"sha256:{'ab' * 32}",
    "checkout is down",
    "2026-11-23T09:00:00Z",
    "2026-11-23T11:00:00Z",
)
SEEN = ProtectionV1(
    webhook="as wanted",
    canary="failing",
    detection="on",
    unjudged={"failed-open": 1},
    unjudged_pods=[UNSEEN],
    alarms=[ALARM],
    break_glass=[GLASS],
    break_glass_count=1,
    re_admission="Audit",
)


async def test_what_an_agent_sees_of_its_gate_is_kept_and_told(world: World) -> None:
    assert (await world.reader.get_cluster("c1")).protection is None
    await world.c1.send_heartbeat("c1", HeartbeatV1("1", "", [ALARM.message], SEEN))
    assert (await world.reader.get_cluster("c1")).protection == SEEN
    listed = next(c for c in await world.reader.list_clusters() if c.name == "c1")
    assert listed.protection is not None
    assert (listed.protection.alarms, listed.protection.unjudged_pods) == ([ALARM], [])
    assert (listed.protection.break_glass, listed.protection.break_glass_count) == ([], 1)


async def test_what_a_newer_agent_sees_is_kept_as_far_as_it_is_known_here(world: World) -> None:
    body = json.loads(msgspec.json.encode(HeartbeatV1("2", "", [], SEEN)))
    body["protection"] |= {"learned": {"later": [1]}}
    body["protection"]["alarms"][0]["learned"] = True
    answer = await world.raw(CLUSTER_TOKENS["c1"]).post("/api/v1/clusters/c1/heartbeat", json=body)
    assert answer.status_code == 204, answer.text
    assert (await world.reader.get_cluster("c1")).protection == SEEN


async def test_alarms_of_all_clusters_stand_together_until_their_agents_end_them(
    world: World,
) -> None:
    for name, agent in (("c2", world.c2), ("c1", world.c1)):
        await agent.send_heartbeat(name, HeartbeatV1("1", "", [], SEEN))
    found = await world.reader.list_alarms()
    assert [(alarm.cluster, alarm.kind) for alarm in found.items] == [
        ("c1", "CanaryAdmitted"),
        ("c2", "CanaryAdmitted"),
    ]
    assert (found.total, found.clusters) == (2, 2)
    for name, agent in (("c2", world.c2), ("c1", world.c1)):
        await agent.send_heartbeat(name, HeartbeatV1("1", "", [], ProtectionV1()))
    assert (await world.reader.list_alarms()).items == []
