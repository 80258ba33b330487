"""The gate's verdict, computed here: the same evidence, the same decision, the same words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.cli.manifests import Manifests
from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.errors import InvalidReferenceError
from tidegate.domain.evidence import ImageEvidence, Unavailable, UnavailableReason
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.scope import CompiledPolicy
from tidegate.domain.verdict import Verdict
from tidegate.domain.workload import (
    ImageUse,
    Lookup,
    ObjectFacts,
    Owner,
    changed_images,
    node_platforms,
    workload_of,
)
from tidegate.evidence.cache import EvidenceCache
from tidegate.evidence.gather import Gatherer
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import ReportMemory
from tidegate.oci.client import RegistryClient
from tidegate.trust.configuration import TrustConfiguration
from tidegate.wire.webhook import EXCLUDED_NAMESPACES

BUDGET_S = 60.0
"""For the evidence of one workload; nobody's admission waits for it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One workload and the verdict about it."""

    workload: ObjectFacts
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judge:
    """All that verdicts are made from."""

    policy: CompiledPolicy
    gatherer: Gatherer
    cluster: str
    now: datetime

    async def judge(self, workload: ObjectFacts, manifests: Manifests) -> Judged:
        """Return the verdict that the gate would give when `workload` is created."""
        if workload.namespace in EXCLUDED_NAMESPACES:
            return Judged(workload, Verdict(()))
        images = await self._judged(workload)
        # Only the cluster knows who owns an object that claims an owner.
        owners: tuple[Owner, ...] | Lookup = () if workload.controller is None else Lookup.FAILED
        facts = workload_of(
            workload,
            cluster=self.cluster,
            namespace_labels=manifests.labels_of(workload.namespace),
            owners=owners,
        )
        return Judged(workload, decide(self.policy, facts, images, self.now))

    async def _judged(self, workload: ObjectFacts) -> list[JudgedImage]:
        parsed = [(use, _parse(use)) for use in changed_images(workload, None)]
        references = [r for _, r in parsed if isinstance(r, ImageReference)]
        evidence = await self.gatherer.gather(
            references, now=self.now, budget_s=BUDGET_S, platforms=node_platforms(workload.pod)
        )
        return [
            JudgedImage(use, reference, evidence[reference])
            if isinstance(reference, ImageReference)
            else JudgedImage(use, None, ImageEvidence.of(reference))
            for use, reference in parsed
        ]


async def judge_all(
    client: RegistryClient,
    trust: TrustConfiguration,
    policy: CompiledPolicy,
    manifests: Manifests,
    cluster: str,
    now: datetime,
) -> Sequence[Judged]:
    """Return the verdict about each workload, in order."""
    limits = EvidenceLimits(flight_timeout_s=BUDGET_S)
    cache = EvidenceCache(limits)
    gatherer = Gatherer(client, lambda: trust, ReportMemory(), cache, limits=limits)
    judge = Judge(policy, gatherer, cluster, now)
    try:
        return [await judge.judge(workload, manifests) for workload in manifests.workloads]
    finally:
        await gatherer.aclose()


def _parse(use: ImageUse) -> ImageReference | Unavailable:
    try:
        return parse_reference(use.image)
    except InvalidReferenceError as error:
        return Unavailable(UnavailableReason.INVALID_REFERENCE, str(error))
