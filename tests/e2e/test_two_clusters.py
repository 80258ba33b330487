"""Two clusters with real API servers under one hub: each gets its own rules, and tells its own.

"west" says of itself that it is "east", where a cluster can say a name: at its gate. What counts is
what an administrator fixed at its enrolment.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import Container, PodSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Event, Pod
from lightkube.types import PatchType

from tidegate.domain.rule import DEFAULT_RULE_NAME, Action
from tidegate.hubclient import HubClient
from tidegate.kube.client import SecurityArtifactPolicy, connect
from tidegate.local.kubernetes import KubePrograms
from tidegate.local.part import Part
from tidegate.testing.fleet import Fleet, Ground, running_fleet
from tidegate.wire.hub_v1 import CloudScopeV1, ClusterEnrolV1, RuleWriteV1
from tidegate.wire.policy_v1alpha1 import HUB_OBJECT_NAME, ConfigurationV1, RuleV1

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

EAST = ClusterEnrolV1("east", "aws", "42", {"env": "prod"})
WEST = ClusterEnrolV1("west", "azure", "subscription-7", {"env": "test"})
IMAGE = "registry.example/nobody/scanned:this"
SETTLE_S = 30.0

T = TypeVar("T")


class World:
    """The fleet, with a client of the hub and of each API server."""

    def __init__(self, fleet: Fleet, hub: HubClient, clusters: dict[str, AsyncClient]) -> None:
        self.fleet = fleet
        self.hub = hub
        self.clusters = clusters

    async def rules_in(self, name: str) -> list[str]:
        """Return the names of the hub's rules in a cluster's policy object."""
        found = await self.clusters[name].get(SecurityArtifactPolicy, HUB_OBJECT_NAME)
        return [rule["name"] for rule in found["spec"]["vulnerabilityAssessmentGatedDeployment"]]

    async def denies(self, name: str, pod: str, *, dry_run: bool = True) -> str:
        """Return what the gate of a cluster says against a pod; empty: it was admitted."""
        body = Pod(
            metadata=ObjectMeta(name=pod, namespace="default"),
            spec=PodSpec(containers=[Container(name="c", image=IMAGE)]),
        )
        try:
            await self.clusters[name].create(body, dry_run=dry_run)
        except ApiError as error:
            if "denied the request" not in str(error):
                raise
            return str(error)
        return ""

    async def denied_events(self) -> list[tuple[str, str]]:
        """Return cluster and pod of every denial that the hub was told of."""
        page = await self.hub.list_events(action="deny", limit=500)
        assert page.next is None
        return sorted((event.cluster, event.name) for event in page.items)


async def until(look: Callable[[], Awaitable[T]], reached: Callable[[T], bool]) -> T:
    """Look again until what is seen is what is wanted; return it."""
    seen: Any = None
    try:
        async with asyncio.timeout(SETTLE_S):
            while not reached(seen := await look()):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not reached within {SETTLE_S} s; last seen: {seen}") from None
    return seen  # type: ignore[no-any-return] # what `look` gave


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(
    programs: KubePrograms, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    root = tmp_path_factory.mktemp("fleet")
    path = os.pathsep.join(
        [str(Path(__file__).parents[2] / "src"), os.environ.get("PYTHONPATH", "")]
    )
    ground = Ground(root, programs, {**os.environ, "PYTHONPATH": path}, lambda: datetime.now(UTC))
    claims = {"west": {"TIDEGATE_GATE_CLUSTER": "east"}}
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(running_fleet(ground, [EAST, WEST], claims))
        hub = await stack.enter_async_context(fleet.client())
        clusters = {}
        for member in fleet.members.values():
            client = connect(member.kubeconfig, "test")
            stack.push_async_callback(client.close)
            clusters[member.name] = client
        yield World(fleet, hub, clusters)


@pytest_asyncio.fixture(loop_scope="module")
async def world(two: World) -> AsyncIterator[World]:
    """The world without rules of an earlier test."""
    yield two
    for record in await two.hub.list_rules():
        if record.rule.name != DEFAULT_RULE_NAME:
            await two.hub.delete_rule(record.id)
    for name in two.clusters:
        await until(lambda name=name: two.rules_in(name), lambda seen: seen == [DEFAULT_RULE_NAME])


def rule(name: str, scope: CloudScopeV1, *, enabled: bool = True) -> RuleWriteV1:
    configuration = ConfigurationV1(block_unscanned_images=True)
    return RuleWriteV1(RuleV1(name, Action.DENY, configuration, enabled=enabled), scope)


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(CloudScopeV1(labels=["env=prod"]), id="label"),
        pytest.param(CloudScopeV1(providers=["aws"]), id="provider"),
        pytest.param(CloudScopeV1(accounts=["42"]), id="account"),
        pytest.param(CloudScopeV1(clusters=["ea*"]), id="name"),
    ],
)
async def test_a_rule_is_enforced_in_the_cluster_that_was_enrolled_so_and_in_no_other(
    world: World, scope: CloudScopeV1
) -> None:
    await world.hub.create_rule(rule("for east", scope))
    await world.hub.create_rule(rule("for nobody", CloudScopeV1(), enabled=False))
    await until(lambda: world.denies("east", "p"), lambda said: '"for east" (deny)' in said)

    async def settled() -> bool:
        clusters = [await world.hub.get_cluster(name) for name in world.clusters]
        return all(c.policy_generation == c.wanted_generation for c in clusters)

    await until(settled, bool)
    assert await world.rules_in("east") == ["for east", DEFAULT_RULE_NAME]
    assert await world.rules_in("west") == [DEFAULT_RULE_NAME]
    assert await world.denies("west", "p") == ""


async def test_t23_an_agent_that_says_it_is_another_cluster_gets_no_rules_and_changes_none(
    world: World,
) -> None:
    agent = world.fleet.members["west"].agent
    claim = {**agent.plan.environment, "TIDEGATE_AGENT_CLUSTER": "east"}
    claiming = Part(replace(agent.plan, environment=claim), world.fleet.environment)
    await world.hub.create_rule(rule("for west", CloudScopeV1(clusters=["west"])))
    await until(
        lambda: world.rules_in("west"), lambda seen: seen == ["for west", DEFAULT_RULE_NAME]
    )
    await agent.stop()
    await claiming.start()
    try:

        async def refused() -> bool:
            return (
                "bound to cluster 'west' and cannot speak for 'east'" in agent.plan.log.read_text()
            )

        await until(refused, bool)
        east = await world.hub.get_cluster("east")
        assert east.policy_generation == east.wanted_generation
        assert await world.rules_in("west") == ["for west", DEFAULT_RULE_NAME]
        assert await world.denies("west", "p"), "the rules in force stay"
    finally:
        await claiming.stop()
        await agent.start()


async def test_drift_in_one_cluster_is_repaired_and_told_and_the_other_is_left_alone(
    world: World,
) -> None:
    await world.hub.create_rule(rule("everywhere", CloudScopeV1()))
    for name in world.clusters:
        await until(lambda name=name: world.denies(name, "p"), bool)
    other = await world.clusters["east"].get(SecurityArtifactPolicy, HUB_OBJECT_NAME)
    edit = {"spec": {"gating": "Off", "vulnerabilityAssessmentGatedDeployment": []}}
    await world.clusters["west"].patch(
        SecurityArtifactPolicy, HUB_OBJECT_NAME, edit, patch_type=PatchType.MERGE
    )
    await until(
        lambda: world.rules_in("west"), lambda seen: seen == ["everywhere", DEFAULT_RULE_NAME]
    )
    await until(lambda: world.denies("west", "p"), bool)

    async def told() -> list[str]:
        return (await world.hub.get_cluster("west")).problems

    (problem,) = await until(told, bool)
    assert HUB_OBJECT_NAME in problem
    assert "was changed here by somebody else than the hub, and put back: once" in problem
    assert (await world.hub.get_cluster("east")).problems == []
    same = await world.clusters["east"].get(SecurityArtifactPolicy, HUB_OBJECT_NAME)
    assert same["metadata"]["generation"] == other["metadata"]["generation"]
    events = [
        event.message
        async for event in world.clusters["west"].list(Event, namespace="default")
        if event.reason == "RulesRepaired"
    ]
    assert len(events) == 1
    assert "gating Off -> On" in events[0]


async def test_events_of_both_arrive_each_once_also_after_the_hub_was_away(world: World) -> None:
    await world.hub.create_rule(rule("everywhere", CloudScopeV1()))
    for name in world.clusters:
        await until(lambda name=name: world.denies(name, "probe"), bool)
    wanted = sorted((name, "before") for name in world.clusters)
    for name, pod in wanted:
        assert await world.denies(name, pod, dry_run=False)
    assert await until(world.denied_events, lambda seen: len(seen) >= 2) == wanted

    await world.fleet.hub.stop()
    away = [(name, f"away-{number}") for name in world.clusters for number in range(10)]
    said = await asyncio.gather(*(world.denies(n, p, dry_run=False) for n, p in away))
    assert all(said), "with the hub away the rules stay in force"
    await world.fleet.hub.start()

    wanted = sorted([*wanted, *away])
    assert await until(world.denied_events, lambda seen: len(seen) >= len(wanted)) == wanted
    for name, pod in (("east", "after"), ("west", "after")):
        assert await world.denies(name, pod, dry_run=False)
    wanted = sorted([*wanted, ("east", "after"), ("west", "after")])
    assert await until(world.denied_events, lambda seen: len(seen) >= len(wanted)) == wanted
