"""Enrolment with a one-time token: once, under one name, and nobody else's."""

import asyncio
from datetime import timedelta

import pytest

from support.hub_world import World
from tidegate.domain.errors import ConflictError, InputError, NotPermittedError
from tidegate.domain.rule import Action
from tidegate.hub.api.enrolments import VALIDITY
from tidegate.hubclient import HubClient
from tidegate.wire.hub_v1 import (
    CloudScopeV1,
    ClusterEnrolV1,
    EnrolV1,
    HeartbeatV1,
    RuleWriteV1,
)
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1

PROD = ClusterEnrolV1("prod", "aws", "42", {"env": "prod"})


def agent(world: World) -> HubClient:
    """An agent that has no token yet."""
    return world.client("")


async def enrolled(world: World, body: ClusterEnrolV1 = PROD) -> HubClient:
    announced = await world.admin.announce_cluster(body)
    answer = await agent(world).enrol(EnrolV1(announced.token, "1.0", body.name))
    return world.client(answer.token)


async def actions(world: World) -> list[str]:
    return [entry.action for entry in (await world.admin.list_audit()).items]


async def test_a_one_time_token_gives_the_clusters_token(world: World) -> None:
    announced = await world.admin.announce_cluster(PROD)
    assert announced.name == "prod"
    waiting = await world.reader.get_cluster("prod")
    assert (waiting.enrolled_at, waiting.provider, waiting.labels) == ("", "aws", {"env": "prod"})
    answer = await agent(world).enrol(EnrolV1(announced.token, "1.0", "prod"))
    assert answer.name == "prod"
    assert await world.client(answer.token).fetch_policy("prod") is not None
    assert (await world.reader.get_cluster("prod")).enrolled_at
    assert {"cluster.announce", "cluster.enrol", "token.create"} <= set(await actions(world))


async def test_t26_a_one_time_token_opens_nothing_else(world: World) -> None:
    announced = await world.admin.announce_cluster(PROD)
    with pytest.raises(NotPermittedError, match="unknown or revoked"):
        await world.client(announced.token).fetch_policy("prod")


async def test_t26_a_second_use_is_refused_and_alarmed_until_acknowledged(world: World) -> None:
    announced = await world.admin.announce_cluster(PROD)
    first = await agent(world).enrol(EnrolV1(announced.token, "1.0"))
    with pytest.raises(NotPermittedError, match="a second time"):
        await agent(world).enrol(EnrolV1(announced.token, "1.0"))
    (problem,) = (await world.reader.get_cluster("prod")).problems
    assert "came a second time" in problem
    assert "delete the cluster and enrol it anew" in problem
    assert (await actions(world))[0] == "cluster.enrol.refused"
    own = world.client(first.token)
    await own.send_heartbeat("prod", HeartbeatV1("1.0", "", ["disk full"]))
    listed = {cluster.name: cluster for cluster in await world.reader.list_clusters()}
    assert listed["prod"].problems == [problem, "disk full"]
    await world.admin.acknowledge_alarms("prod")
    assert (await world.reader.get_cluster("prod")).problems == ["disk full"]
    assert (await actions(world))[0] == "cluster.alarms.acknowledge"


async def test_t26_of_many_who_come_at_once_with_one_token_one_is_let_in(world: World) -> None:
    announced = await world.admin.announce_cluster(PROD)
    tried = [agent(world).enrol(EnrolV1(announced.token, "1.0")) for _ in range(8)]
    results = await asyncio.gather(*tried, return_exceptions=True)
    refused = [result for result in results if isinstance(result, NotPermittedError)]
    assert len(refused) == 7


async def test_t26_a_cluster_under_anothers_name_is_refused_alarmed_and_uses_nothing_up(
    world: World,
) -> None:
    announced = await world.admin.announce_cluster(PROD)
    with pytest.raises(NotPermittedError, match="named 'test'"):
        await agent(world).enrol(EnrolV1(announced.token, "1.0", "test"))
    (problem,) = (await world.reader.get_cluster("prod")).problems
    assert "a cluster named 'test' came with the enrolment token of 'prod'" in problem
    assert (await agent(world).enrol(EnrolV1(announced.token, "1.0", "prod"))).name == "prod"


async def test_t26_nobody_announces_a_name_that_is_enrolled(world: World) -> None:
    with pytest.raises(ConflictError, match="enrolled already"):
        await world.admin.announce_cluster(ClusterEnrolV1("c1"))
    await enrolled(world)
    with pytest.raises(ConflictError, match="enrolled already"):
        await world.admin.announce_cluster(PROD)


async def test_a_token_announced_again_ends_the_earlier_one(world: World) -> None:
    earlier = await world.admin.announce_cluster(PROD)
    later = await world.admin.announce_cluster(ClusterEnrolV1("prod", "gcp"))
    with pytest.raises(NotPermittedError, match="unknown"):
        await agent(world).enrol(EnrolV1(earlier.token, "1.0"))
    await agent(world).enrol(EnrolV1(later.token, "1.0"))
    assert (await world.reader.get_cluster("prod")).provider == "gcp"


async def test_a_token_is_good_for_a_day(world: World) -> None:
    announced = await world.admin.announce_cluster(PROD)
    world.later((VALIDITY - timedelta(seconds=1)).total_seconds())
    late = await world.admin.announce_cluster(ClusterEnrolV1("late"))
    await agent(world).enrol(EnrolV1(announced.token, "1.0"))
    world.later(VALIDITY.total_seconds() + 1)
    with pytest.raises(NotPermittedError, match="expired at"):
        await agent(world).enrol(EnrolV1(late.token, "1.0"))
    assert (await world.reader.get_cluster("late")).problems == []


@pytest.mark.parametrize("token", ["x", "tgt_" + "A" * 43, "' OR 1=1 --", "\u0000"])
async def test_a_token_nobody_gave_is_refused(world: World, token: str) -> None:
    with pytest.raises(NotPermittedError, match="unknown"):
        await agent(world).enrol(EnrolV1(token, "1.0"))


async def test_no_cluster_takes_the_name_of_a_path(world: World) -> None:
    with pytest.raises(InputError, match="another name"):
        await world.admin.announce_cluster(ClusterEnrolV1("enrolments"))


async def test_t23_a_clusters_own_words_never_change_its_rules(world: World) -> None:
    scopes = {
        "by-provider": CloudScopeV1(providers=["aws"]),
        "by-account": CloudScopeV1(accounts=["42"]),
        "by-label": CloudScopeV1(labels=["env=prod"]),
        "others": CloudScopeV1(providers=["azure"], labels=["env=test"]),
    }
    for name, scope in scopes.items():
        entry = RuleV1(name, Action.DENY, ConfigurationV1(block_unscanned_images=True))
        await world.admin.create_rule(RuleWriteV1(entry, scope))
    prod = await enrolled(world)
    before = await prod.fetch_policy("prod")
    assert before is not None
    assert [rule.name for rule in before.rules][:-1] == ["by-provider", "by-account", "by-label"]
    await prod.send_heartbeat("prod", HeartbeatV1("azure env=test", "x" * 16, ["env=test"]))
    raw = world.raw()
    for claim in ({"provider": "azure"}, {"labels": {"env": "test"}}, {"name": "others"}):
        beat = {"agentVersion": "1", "policyGeneration": "", "problems": [], **claim}
        refused = await raw.post("/api/v1/clusters/prod/heartbeat", json=beat)
        assert refused.status_code in (400, 401)
    assert await prod.fetch_policy("prod") == before
    with pytest.raises(NotPermittedError):
        await prod.announce_cluster(ClusterEnrolV1("prod", "azure"))
