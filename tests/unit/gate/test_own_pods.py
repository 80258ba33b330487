"""A workload's own pod in the story of a review: who is asked what, and what becomes of it."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from support.builders import DIGEST, NOW, deny
from support.gate_world import (
    CLEAN,
    VULNERABLE,
    Cluster,
    Evidence,
    Policies,
    Recorded,
    pod,
    review_of,
)
from tidegate.domain.break_glass import BreakGlass
from tidegate.domain.re_admission import PERIOD
from tidegate.domain.rule import Action, Policy
from tidegate.domain.workload import Lookup
from tidegate.gate.admitted import Admissions
from tidegate.gate.events import Origin
from tidegate.gate.own_pods import OwnPods
from tidegate.gate.review import Reviewer
from tidegate.gate.slots import Slots
from tidegate.wire.admitted_v1 import (
    AdmittedPageV1,
    AdmittedRowV1,
    admissions_of,
    rule_fingerprint,
)
from tidegate.wire.event_v1 import AdmissionEventV1

RULE = deny()
RS = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "name": "web-1",
    "uid": "u-rs",
    "controller": True,
}
CONTROLLER = {"username": "system:serviceaccount:kube-system:replicaset-controller"}
POD = pod(VULNERABLE, ownerReferences=[RS])
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default", "uid": "u-web"},
    "spec": {"template": {"spec": pod(CLEAN)["spec"]}},
}


class Glasses:
    """Break-glass objects, all about the one namespace."""

    def __init__(self, objects: tuple[BreakGlass, ...]) -> None:
        self._objects = objects

    def of(self, _namespace: str) -> tuple[BreakGlass, ...]:
        return self._objects


class World:
    """A gate whose index says that the Deployment was admitted three days ago."""

    def __init__(self, *let_in: BreakGlass) -> None:
        self.policies = Policies(Policy(rules=(RULE,), re_admits=True))
        self.cluster, self.journal = Cluster(uids=("u-rs", "u-web")), Recorded()
        self.index = Admissions()
        at = (NOW - timedelta(days=3)).isoformat(timespec="microseconds")
        row = AdmittedRowV1("u-web", DIGEST, [rule_fingerprint(RULE)], at)
        self.index.take(AdmittedPageV1("c", [row], reset=True))
        self.reviewer = Reviewer(
            self.policies,
            Evidence(),
            self.cluster,
            self.journal,
            slots=Slots(8),
            break_glass=Glasses(let_in),
            own_pods=OwnPods(self.cluster, self.index),
        )

    async def ask(
        self,
        obj: dict[str, Any] = POD,
        *,
        now: datetime = NOW,
        origin: Origin = "api-server",
        budget_s: float = 1.0,
        **changes: Any,  # noqa: ANN401 any field of a request
    ) -> dict[str, Any]:
        body = review_of(obj, **{"userInfo": CONTROLLER} | changes)
        answer = await self.reviewer.review(body, now=now, budget_s=budget_s, origin=origin)
        response: dict[str, Any] = json.loads(answer.body)["response"]
        return response

    @property
    def event(self) -> AdmissionEventV1:
        (event,) = self.journal.events
        return event


async def test_an_own_pod_comes_back_with_a_warning_and_an_event() -> None:
    world = World()
    response = await world.ask()
    assert response["allowed"] is True
    assert response["warnings"][0].endswith('"deny" (deny), own pods come back until 2026-12-07')
    assert (world.event.action, world.event.owner_uids) == ("audit", ["u-rs", "u-web"])
    assert world.event.images[0].reason == "ReAdmitted"


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"userInfo": {"username": "alice"}}, id="by-a-user"),
        pytest.param({"userInfo": {}}, id="by-nobody"),
        pytest.param({"operation": "UPDATE", "oldObject": pod(CLEAN)}, id="changed"),
        pytest.param({"subResource": "ephemeralcontainers"}, id="of-a-subresource"),
        pytest.param({"origin": "direct"}, id="with-a-token"),
        pytest.param({"obj": pod(VULNERABLE)}, id="without-controller"),
        pytest.param(
            {"obj": pod(VULNERABLE, ownerReferences=[RS | {"controller": False}])}, id="owned-only"
        ),
    ],
)
async def test_t10_nothing_else_comes_back_and_the_cluster_is_not_asked(
    asked: dict[str, Any],
) -> None:
    world = World()
    assert (await world.ask(**asked))["allowed"] is False
    assert world.cluster.asked == 0
    assert world.event.owner_uids == []


async def test_t10_what_makes_pods_does_not_come_back_itself() -> None:
    world = World()
    spec = {"template": {"spec": pod(VULNERABLE)["spec"]}}
    assert (await world.ask(DEPLOYMENT | {"spec": spec}))["allowed"] is False
    assert world.cluster.asked == 0


@pytest.mark.parametrize(
    "uids",
    [
        pytest.param(Lookup.FAILED, id="not-found-out"),
        pytest.param(Lookup.ABSENT, id="not-there"),
        pytest.param((), id="nobodys"),
        pytest.param(("u-rs", "u-other"), id="anothers"),
    ],
)
async def test_t10_an_owner_that_was_not_admitted_or_is_not_known_brings_nothing_back(
    uids: tuple[str, ...] | Lookup,
) -> None:
    world = World()
    world.cluster.uids = uids
    assert (await world.ask())["allowed"] is False


async def test_t10_the_default_is_to_enforce() -> None:
    world = World()
    world.policies.policy = Policy(rules=(RULE,))
    assert (await world.ask())["allowed"] is False
    assert world.cluster.asked == 0


async def test_t10_an_index_not_heard_brings_nothing_back() -> None:
    world = World()
    world.index.forget()
    assert (await world.ask())["allowed"] is False
    assert world.event.owner_uids == ["u-rs", "u-web"], "the agent hears since when it is bad"


async def test_t10_a_changed_rule_brings_nothing_back() -> None:
    world = World()
    changed = replace(RULE, conditions=replace(RULE.conditions, block_unscanned=True))
    world.policies.policy = Policy(rules=(changed,), re_admits=True)
    assert (await world.ask())["allowed"] is False


async def test_its_time_ends_though_no_agent_is_there_to_say_so() -> None:
    world = World()
    for now, allowed in [
        (NOW, True),
        (NOW + PERIOD - timedelta.resolution, True),
        (NOW + PERIOD, False),
    ]:
        assert (await world.ask(now=now))["allowed"] is allowed


async def test_what_is_allowed_asks_nobody() -> None:
    world = World()
    assert (await world.ask(pod(CLEAN, ownerReferences=[RS])))["allowed"] is True
    assert world.cluster.asked == 0


async def test_what_runs_is_judged_by_the_rules_and_names_its_owners() -> None:
    world = World()
    body = review_of(POD, userInfo={}, dryRun=True)
    event = await world.reviewer.rejudge(body, now=NOW, budget_s=1.0)
    assert event is not None
    assert (event.action, event.owner_uids) == ("deny", ["u-rs", "u-web"])
    assert [told.owner for told in admissions_of([event]).bad] == ["u-rs", "u-web"]


async def test_a_workload_that_is_admitted_tells_by_which_rules() -> None:
    world = World()
    assert (await world.ask(DEPLOYMENT, userInfo={"username": "alice"}))["allowed"] is True
    (told,) = admissions_of(world.journal.events).admitted
    assert (told.owner, told.digest, told.rules) == ("u-web", DIGEST, [rule_fingerprint(RULE)])


async def test_what_was_admitted_with_a_warning_comes_back_when_the_rule_denies() -> None:
    world = World()
    world.policies.policy = Policy(rules=(replace(RULE, action=Action.AUDIT),), re_admits=True)
    bad = DEPLOYMENT | {"spec": {"template": {"spec": pod(VULNERABLE)["spec"]}}}
    assert (await world.ask(bad))["allowed"] is True
    (told,) = admissions_of(world.journal.events).admitted
    assert told.rules == [rule_fingerprint(RULE)]


async def test_t10_what_break_glass_let_in_was_admitted_by_no_rule() -> None:
    world = World(BreakGlass("x", "default", DIGEST, "urgent", NOW, NOW + timedelta(hours=1)))
    spec = {"template": {"spec": pod(VULNERABLE)["spec"]}}
    assert (await world.ask(DEPLOYMENT | {"spec": spec}))["allowed"] is True
    assert world.event.images[0].reason == "BreakGlass"
    assert admissions_of(world.journal.events).admitted == []


async def test_t10_a_dry_run_and_a_token_admit_nothing() -> None:
    world = World()
    await world.ask(DEPLOYMENT, dryRun=True)
    assert world.journal.events == []
    await world.ask(DEPLOYMENT, origin="direct")
    assert admissions_of(world.journal.events).admitted == []
    assert world.event.images[0].admitted_under == []
