"""What is known about the workload and the images of a review: held in memory, or asked for.

`held` waits for nobody and answers nearly every review. `find_out` asks the cluster and registries
within a budget; what could not be found out by then is a fact of its own, for rules to judge.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

import msgspec

from tidegate.domain.decide import JudgedImage
from tidegate.domain.errors import InvalidReferenceError
from tidegate.domain.evidence import ImageEvidence, Unavailable, UnavailableReason
from tidegate.domain.identity import IdentityTable
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.scope import CompiledPolicy
from tidegate.domain.workload import (
    MAX_PODS,
    ImageUse,
    Lookup,
    ObjectFacts,
    Owner,
    Workload,
    node_platforms,
    workload_of,
)
from tidegate.gate.ports import ClusterSource, EvidenceSource
from tidegate.gate.slots import Slots
from tidegate.gate.verdicts import Verdicts
from tidegate.wire.admission_v1 import AdmissionRequest

MAX_IMAGES = 256
"""Images of one review that evidence is gathered for; the rest are unavailable."""

MAX_PARSED = 4096
"""Image texts whose reading is remembered: clusters start the same few again and again."""

CLUSTER_BUDGET_S = 1.0
"""For owners and namespace labels together: the API server that asks is there to answer."""

GRACE_S = 0.25
"""How long after its budget a source may answer before it is left behind."""


LATE = ImageEvidence.of(Unavailable(UnavailableReason.DEADLINE))
OVER_LIMIT = ImageEvidence.of(
    Unavailable(UnavailableReason.LIMITS, f"more than {MAX_IMAGES} images in one object")
)

First = TypeVar("First")
Second = TypeVar("Second")


class Question(msgspec.Struct, frozen=True, gc=False):
    """What is to be judged, by which rules."""

    request: AdmissionRequest
    object: ObjectFacts
    images: tuple[ImageUse, ...]
    policy: CompiledPolicy
    verdicts: Verdicts
    """By `policy`."""
    now: datetime
    answer_by_s: float
    """On the monotonic clock: the caller waits no longer."""


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What is known about it."""

    workload: Workload
    judged: Sequence[JudgedImage]
    """The very same again for the same images while what is known about them is the same."""


@dataclass(slots=True)
class _Images:
    """Images that are asked about together, and what was known of them last."""

    parsed: list[ImageReference | Unavailable]
    wanted: list[ImageReference]
    evidence: dict[ImageReference, ImageEvidence] | None = None
    judged: Sequence[JudgedImage] = ()


class FactFinder:
    """Finds out what rules ask of a workload and its images."""

    def __init__(
        self,
        evidence: EvidenceSource,
        cluster: ClusterSource,
        slots: Slots,
        cluster_name: str,
    ) -> None:
        self._evidence = evidence
        self._cluster = cluster
        self._slots = slots
        self._cluster_name = cluster_name
        self._images = IdentityTable[tuple[ImageUse, ...], _Images](MAX_PODS)

    def held(self, question: Question) -> Facts | None:
        """Return the facts where all of them are in memory, or none is asked for."""
        obj, policy = question.object, question.policy
        owners: tuple[Owner, ...] | Lookup | None = ()
        labels: dict[str, str] | Lookup | None = Lookup.FAILED
        if obj.controller is not None:
            owners = Lookup.FAILED
            if policy.needs_owners and policy.gating_on:
                owners = self._cluster.owners_held(obj.namespace, obj.controller)
        if policy.needs_namespace_labels and policy.gating_on:
            labels = self._cluster.namespace_labels_held(obj.namespace)
        if owners is None or labels is None:
            return None
        judged = self._judged_held(question)
        if judged is None:
            return None
        return Facts(
            workload_of(obj, cluster=self._cluster_name, namespace_labels=labels, owners=owners),
            judged,
        )

    def _judged_held(self, question: Question) -> Sequence[JudgedImage] | None:
        """Return each image with its evidence where all of it is in memory."""
        images = self._images_of(question.images)
        if not question.policy.gating_on:
            return _judged(question.images, images.parsed, dict.fromkeys(images.wanted, LATE))
        platforms = node_platforms(question.object.pod)
        evidence = self._evidence.held(images.wanted, question.now, platforms)
        if evidence is None:
            return None
        if evidence is not images.evidence:
            images.evidence = evidence
            images.judged = _judged(question.images, images.parsed, evidence)
        return images.judged

    def _images_of(self, uses: tuple[ImageUse, ...]) -> _Images:
        """Return `uses` with their texts read."""
        known = self._images.get(uses)
        if known is None:
            parsed = [_parse(use.image) for use in uses]
            known = _Images(parsed, _distinct(parsed))
            self._images.put(uses, known)
        return known

    async def find_out(self, question: Question, budget_s: float) -> Facts:
        """Return the facts, what is not held asked for within the budget."""
        policy = question.policy
        with self._slots.take(question.request.namespace) as granted:
            seconds = budget_s if granted and policy.gating_on else 0.0
            workload, judged = await _both(
                self._workload(policy, question.object, seconds),
                self._gathered(question, seconds),
                side_by_side=policy.asks_cluster,
            )
        return Facts(workload, judged)

    async def _workload(
        self, policy: CompiledPolicy, obj: ObjectFacts, budget_s: float
    ) -> Workload:
        """Return the facts about `obj`; the cluster is asked only what some rule asks."""
        seconds = min(budget_s, CLUSTER_BUDGET_S)
        owners, labels = await _both(
            self._owners(policy, obj, seconds),
            self._namespace_labels(policy, obj, seconds),
            side_by_side=policy.asks_cluster,
        )
        return workload_of(obj, cluster=self._cluster_name, namespace_labels=labels, owners=owners)

    async def _owners(
        self, policy: CompiledPolicy, obj: ObjectFacts, budget_s: float
    ) -> tuple[Owner, ...] | Lookup:
        if obj.controller is None:
            return ()
        if not (policy.needs_owners and budget_s):
            return Lookup.FAILED
        return await self._cluster.owners(obj.namespace, obj.controller, budget_s=budget_s)

    async def _namespace_labels(
        self, policy: CompiledPolicy, obj: ObjectFacts, budget_s: float
    ) -> dict[str, str] | Lookup:
        if not (policy.needs_namespace_labels and budget_s):
            return Lookup.FAILED
        return await self._cluster.namespace_labels(obj.namespace, budget_s=budget_s)

    async def _gathered(self, question: Question, budget_s: float) -> list[JudgedImage]:
        """Return each image with its evidence, in time and in their order."""
        parsed = [_parse(use.image) for use in question.images]
        wanted, found = _distinct(parsed), dict[ImageReference, ImageEvidence]()
        platforms = node_platforms(question.object.pod)
        if wanted and budget_s > 0:
            try:
                async with asyncio.timeout(budget_s + GRACE_S):
                    found = await self._evidence.gather(
                        wanted, now=question.now, budget_s=budget_s, platforms=platforms
                    )
            except TimeoutError:
                pass  # what is remembered has to do
        if question.policy.gating_on and len(found) < len(wanted):
            found = {**self._evidence.remembered(wanted, question.now, platforms), **found}
        evidence = {reference: found.get(reference, LATE) for reference in wanted}
        return _judged(question.images, parsed, evidence)


def _distinct(parsed: Sequence[ImageReference | Unavailable]) -> list[ImageReference]:
    """Return the references that evidence is wanted of, each once."""
    return list(dict.fromkeys(r for r in parsed if isinstance(r, ImageReference)))[:MAX_IMAGES]


def _judged(
    images: Sequence[ImageUse],
    parsed: Sequence[ImageReference | Unavailable],
    evidence: dict[ImageReference, ImageEvidence],
) -> list[JudgedImage]:
    """Return each image with its evidence; `evidence` has those of `_distinct` references."""
    return [
        JudgedImage(use, reference, evidence.get(reference, OVER_LIMIT))
        if isinstance(reference, ImageReference)
        else JudgedImage(use, None, ImageEvidence.of(reference))
        for use, reference in zip(images, parsed, strict=True)
    ]


async def _both(
    first: Awaitable[First], second: Awaitable[Second], *, side_by_side: bool
) -> tuple[First, Second]:
    """Return what both give; `side_by_side` costs two tasks and pays where the first one waits."""
    if side_by_side:
        return await asyncio.gather(first, second)
    return await first, await second


@lru_cache(maxsize=MAX_PARSED)
def _parse(image: str) -> ImageReference | Unavailable:
    try:
        return parse_reference(image)
    except InvalidReferenceError as error:
        return Unavailable(UnavailableReason.INVALID_REFERENCE, str(error))
