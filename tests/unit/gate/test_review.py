"""The story of one review on a world in memory."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from support.builders import NOW, deny, finding, report
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
from tidegate.domain.errors import MalformedReviewError, UnavailableError
from tidegate.domain.rule import Disposition, MatcherType, Policy, Rule, ScopeEntry
from tidegate.domain.workload import Lookup, Owner
from tidegate.gate.facts import MAX_IMAGES
from tidegate.gate.review import Reviewer
from tidegate.gate.slots import Slots
from tidegate.wire.canary import (
    AGENT_USER,
    BAD_IMAGE,
    GOOD_IMAGE,
    canary_message,
    canary_pod,
)

RS = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "name": "web-1",
    "uid": "u",
    "controller": True,
}


class World:
    def __init__(self, *rules: Rule, max_in_flight: int = 8) -> None:
        self.policies = Policies(Policy(rules=rules) if rules else Policy())
        self.evidence, self.cluster, self.journal = Evidence(), Cluster(), Recorded()
        self.slots = Slots(max_in_flight)
        self.reviewer = Reviewer(
            self.policies, self.evidence, self.cluster, self.journal, slots=self.slots
        )

    async def ask(self, body: bytes, budget_s: float = 1.0) -> dict[str, Any]:
        answer = await self.reviewer.review(body, now=NOW, budget_s=budget_s)
        response: dict[str, Any] = json.loads(answer.body)["response"]
        return response


async def test_a_violation_of_a_deny_rule_is_refused_with_its_sentence() -> None:
    world = World(deny("No high"))
    response = await world.ask(review_of(pod(VULNERABLE)))
    assert response["allowed"] is False
    assert response["status"]["message"].startswith(
        f"{VULNERABLE}: Image contains 1 high or higher CVEs, which is more than the allowed "
        "count of: 0"
    )
    assert "tidegate explain 6f1c-0001" in response["status"]["message"]


async def test_a_violation_of_an_audit_rule_is_a_warning() -> None:
    world = World()
    response = await world.ask(review_of(pod(VULNERABLE)))
    assert response["allowed"] is True
    (warning,) = response["warnings"]
    assert warning.startswith(f"{VULNERABLE}: Image contains 1 high or higher CVEs")
    assert [event.action for event in world.journal.events] == ["audit"]


async def test_an_allow_of_a_judged_workload_is_journaled_with_its_images() -> None:
    world = World()
    assert await world.ask(review_of(pod(CLEAN))) == {"uid": "6f1c-0001", "allowed": True}
    (event,) = world.journal.events
    assert (event.id, event.action, event.user, event.kind) == (
        "6f1c-0001",
        "allow",
        "alice",
        "Pod",
    )
    assert [(row.image, row.field_path) for row in event.images] == [
        (CLEAN, "spec.containers[0].image")
    ]


async def test_a_dry_run_is_judged_and_leaves_no_event() -> None:
    world = World(deny())
    response = await world.ask(review_of(pod(VULNERABLE), dryRun=True))
    assert response["allowed"] is False
    assert "tidegate explain" not in response["status"]["message"]
    assert world.journal.events == []


CANARY = {
    "dryRun": True,
    "namespace": "tidegate-canary",
    "userInfo": {"username": AGENT_USER},
    "name": "canary-x",
}


async def test_t12_the_agents_canary_is_answered_without_rules_or_events() -> None:
    world = World(deny(), deny("Another"))
    bad = await world.ask(review_of(canary_pod("canary-x", BAD_IMAGE), **CANARY))
    good = await world.ask(review_of(canary_pod("canary-x", GOOD_IMAGE), **CANARY))
    assert (bad["allowed"], good["allowed"]) == (False, True)
    assert canary_message("canary-x") in bad["status"]["message"]
    assert (world.journal.events, world.evidence.asked) == ([], [])


async def test_t12_a_gate_without_rules_does_not_pass_the_canary() -> None:
    world = World(deny())
    world.policies.ready = (False, ("broken object",))
    with pytest.raises(UnavailableError, match="broken object"):
        await world.ask(review_of(canary_pod("canary-x", GOOD_IMAGE), **CANARY))


async def test_t12_the_canarys_verdict_is_not_given_at_another_door() -> None:
    world = World()
    body = review_of(canary_pod("canary-x", BAD_IMAGE), **CANARY)
    answer = await world.reviewer.review(body, now=NOW, budget_s=1.0, origin="direct")
    assert answer.action != "canary"


async def test_only_the_changed_image_of_an_update_is_judged() -> None:
    world = World(deny())
    old = pod(VULNERABLE, VULNERABLE)
    body = review_of(pod(VULNERABLE, CLEAN), operation="UPDATE", oldObject=old)
    assert (await world.ask(body))["allowed"] is True
    assert world.evidence.asked == [CLEAN]


async def test_t10_a_deletion_timestamp_does_not_hide_a_changed_image() -> None:
    world = World(deny())
    gone = {"deletionTimestamp": "2026-11-23T12:00:00Z"}
    body = review_of(pod(VULNERABLE, **gone), operation="UPDATE", oldObject=pod(CLEAN, **gone))
    assert (await world.ask(body))["allowed"] is False


async def test_an_update_of_labels_passes_without_a_rule_or_evidence() -> None:
    world = World(deny())
    world.policies.ready = (False, ("no policy",))
    body = review_of(
        pod(VULNERABLE, labels={"a": "b"}), operation="UPDATE", oldObject=pod(VULNERABLE)
    )
    assert await world.ask(body) == {"uid": "6f1c-0001", "allowed": True}
    assert world.journal.events == []


async def test_rules_that_are_not_ready_are_an_error_and_no_answer() -> None:
    world = World(deny())
    world.policies.ready = (False, ("broken object",))
    with pytest.raises(UnavailableError, match="broken object"):
        await world.ask(review_of(pod(CLEAN)))


async def test_a_malformed_review_is_an_error_and_no_answer() -> None:
    with pytest.raises(MalformedReviewError):
        await World().ask(b"{}")


async def test_t11_evidence_later_than_its_budget_is_unavailable() -> None:
    world = World(deny())
    world.evidence.delay_s = 30.0
    response = await world.ask(review_of(pod(CLEAN)), budget_s=0.05)
    assert response["allowed"] is False
    assert "no answer within the time" in response["status"]["message"]


async def test_t11_a_namespace_that_floods_leaves_slots_to_others() -> None:
    world = World(deny(), max_in_flight=4)
    world.evidence.delay_s = 0.2
    flood = [asyncio.create_task(world.ask(review_of(pod(CLEAN)))) for _ in range(6)]
    other = await world.ask(review_of(pod(CLEAN), namespace="quiet"))
    answers = [(await task)["allowed"] for task in flood]
    assert other["allowed"] is True
    assert answers == [True, True, False, False, False, False]
    assert world.slots.in_flight == 0


async def test_t11_a_review_without_a_slot_is_judged_by_what_is_remembered() -> None:
    """A flood of its own cannot bring a known image past a rule that ignores the unavailable."""
    lenient = replace(
        deny(), conditions=replace(deny().conditions, on_unavailable=Disposition.IGNORE)
    )
    world = World(lenient, max_in_flight=2)
    world.evidence.delay_s = 0.2
    world.evidence.remembers = {VULNERABLE: report(finding())}
    flood = asyncio.create_task(world.ask(review_of(pod(CLEAN))))
    await asyncio.sleep(0)
    both = await world.ask(review_of(pod(VULNERABLE, CLEAN)))
    assert world.slots.in_flight == 1
    assert both["allowed"] is False
    assert "more than the allowed" in both["status"]["message"]
    assert (await flood)["allowed"] is True


async def test_t11_evidence_that_comes_too_late_is_judged_by_what_is_remembered() -> None:
    world = World(deny())
    world.evidence.delay_s = 30.0
    world.evidence.remembers = {CLEAN: report()}
    response = await world.ask(review_of(pod(CLEAN)), budget_s=0.05)
    assert response["allowed"] is True


async def test_t03_images_beyond_the_limit_are_unavailable_and_not_gathered() -> None:
    world = World(deny())
    images = [f"r.example/i{n}:1" for n in range(MAX_IMAGES + 1)]
    response = await world.ask(review_of(pod(*images)))
    assert len(world.evidence.asked) == MAX_IMAGES
    assert response["allowed"] is False
    assert "limits exceeded" in response["status"]["message"]


@pytest.mark.parametrize(
    "image", ["UPPER", "r.example/a@sha256:12", " ", "r.example/a:" + "t" * 200]
)
async def test_t17_text_that_is_no_reference_is_a_violation(image: str) -> None:
    response = await World(deny()).ask(review_of(pod(image)))
    assert response["allowed"] is False
    assert "cannot be read" in response["status"]["message"]


async def test_gating_off_admits_without_asking_for_evidence() -> None:
    world = World(deny())
    world.policies.policy = replace(world.policies.policy, gating_on=False)
    assert (await world.ask(review_of(pod(VULNERABLE))))["allowed"] is True
    assert world.evidence.asked == []
    assert [row.reason for row in world.journal.events[0].images] == ["GatingOff"]


async def test_t07_node_selectors_reach_the_evidence() -> None:
    world = World(deny())
    obj = pod(CLEAN)
    obj["spec"]["nodeSelector"] = {"kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux"}
    await world.ask(review_of(obj))
    assert world.evidence.platforms == ("linux/arm64",)


@pytest.mark.parametrize(
    ("chain", "allowed"),
    [
        pytest.param((Owner("ReplicaSet", "web-1"), Owner("Deployment", "web")), False, id="known"),
        pytest.param(Lookup.ABSENT, True, id="absent-matches-no-in"),
        pytest.param(Lookup.FAILED, False, id="failed-is-unavailable"),
    ],
)
async def test_owners_are_asked_for_by_rules_that_need_them(
    chain: tuple[Owner, ...] | Lookup, *, allowed: bool
) -> None:
    scope = (ScopeEntry(MatcherType.DEPLOYMENT, ("web",)),)
    world = World(replace(deny(), scope=scope))
    world.cluster.chain = chain
    owned = review_of(pod(VULNERABLE, ownerReferences=[RS]))
    assert (await world.ask(owned))["allowed"] is allowed
    assert world.cluster.asked == 1


async def test_the_cluster_is_not_asked_what_no_rule_asks() -> None:
    world = World(deny())
    await world.ask(review_of(pod(CLEAN, ownerReferences=[RS])))
    assert world.cluster.asked == 0
    assert world.journal.events[0].top_owner == "ReplicaSet/web-1"


async def test_an_error_of_a_source_leaves_the_review_as_an_error() -> None:
    world = World(deny())
    world.evidence.error = RuntimeError("bug")
    with pytest.raises(RuntimeError):
        await world.ask(review_of(pod(CLEAN)))
    assert world.slots.in_flight == 0


async def test_a_new_policy_decides_the_next_review() -> None:
    world = World(deny())
    assert (await world.ask(review_of(pod(VULNERABLE))))["allowed"] is False
    world.policies.policy = Policy()
    assert (await world.ask(review_of(pod(VULNERABLE))))["allowed"] is True
