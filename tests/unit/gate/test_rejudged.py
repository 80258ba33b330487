"""What of a verdict about running workloads is an answer, and what only says that nobody knows."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from support.builders import DIGEST, NOW, deny, finding, report
from support.gate_world import CLEAN, Cluster, Evidence, Policies, Recorded, pod, review_of
from tidegate.domain.evidence import (
    ImageEvidence,
    Missing,
    MissingReason,
    PlatformEvidence,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.reference import ImageReference
from tidegate.domain.rule import MatcherType, Policy, ScopeEntry
from tidegate.domain.workload import Lookup, Owner
from tidegate.gate.review import Reviewer
from tidegate.gate.slots import Slots

OWNED = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "name": "web-1",
    "uid": "u",
    "controller": True,
}
AWAY = Unavailable(UnavailableReason.REGISTRY)
NONE = Missing(MissingReason.NO_REPORT)


class Platforms(Evidence):
    """One image of these platforms, whatever is asked for."""

    def __init__(self, *evidence: Report | Missing | Unavailable) -> None:
        super().__init__()
        self.evidence = evidence

    async def gather(
        self, references: Sequence[ImageReference], **_: object
    ) -> dict[ImageReference, ImageEvidence]:
        platforms = tuple(
            PlatformEvidence(f"linux/{place}", DIGEST, each)
            for place, each in enumerate(self.evidence)
        )
        return {each: ImageEvidence(DIGEST, platforms) for each in references}


def reviewer(evidence: Evidence, policy: Policy, cluster: Cluster | None = None) -> Reviewer:
    sources = (Policies(policy), evidence, cluster or Cluster(), Recorded())
    return Reviewer(*sources, slots=Slots(8))


EVIDENCE = {
    "registry-away": ((AWAY,), True),
    "late": ((Unavailable(UnavailableReason.DEADLINE),), True),
    "known-but-unreadable": ((Unavailable(UnavailableReason.UNREADABLE),), True),
    "one-platform-of-two": ((report(), AWAY), True),
    "denied-for-what-was-read": ((report(finding()), AWAY), False),
    "flooded": ((Unavailable(UnavailableReason.LIMITS),), False),
    "no-report": ((NONE,), False),
    "report": ((report(),), False),
}


@pytest.mark.parametrize(("evidence", "unanswered"), EVIDENCE.values(), ids=EVIDENCE)
async def test_t14_what_could_not_be_read_is_no_verdict_about_what_runs(
    evidence: tuple[Report | Missing | Unavailable, ...], *, unanswered: bool
) -> None:
    gate = reviewer(Platforms(*evidence), Policy(rules=(deny(),)))
    event = await gate.rejudge(review_of(pod(CLEAN)), now=NOW, budget_s=1.0)
    assert event is not None
    assert [row.unanswered for row in event.images] == [unanswered]


FACTS = {
    "away": (Lookup.FAILED, True),
    "owner-is-gone": (Lookup.ABSENT, False),
    "told": ((Owner("ReplicaSet", "web-1"), Owner("Deployment", "web")), False),
}


@pytest.mark.parametrize(("chain", "unanswered"), FACTS.values(), ids=FACTS)
async def test_t14_a_cluster_that_does_not_answer_changes_no_verdict(
    chain: tuple[Owner, ...] | Lookup, *, unanswered: bool
) -> None:
    by_owner = ScopeEntry(MatcherType.DEPLOYMENT, ("web",))
    gate = reviewer(
        Evidence(), Policy(rules=(replace(deny(), scope=(by_owner,)),)), Cluster(chain=chain)
    )
    body = review_of(pod(CLEAN, ownerReferences=[OWNED]))
    event = await gate.rejudge(body, now=NOW, budget_s=1.0)
    assert event is not None
    assert [row.unanswered for row in event.images] == [unanswered]


async def test_a_gate_that_is_switched_off_answers_without_asking() -> None:
    gate = reviewer(Platforms(AWAY), Policy(rules=(deny(),), gating_on=False))
    event = await gate.rejudge(review_of(pod(CLEAN)), now=NOW, budget_s=1.0)
    assert event is not None
    assert [(row.action, row.unanswered) for row in event.images] == [("allow", False)]
