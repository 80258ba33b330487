"""READ FIRST: what happens to one AdmissionReview, from its bytes to the answer.

`Reviewer.review` is the story. Everything it calls is pure (reading, deciding, wording) or answers
within the budget it is given (owners, namespace labels, evidence). Nothing here turns an error
into an allowed workload: what could not be found out is evidence of its own, judged by the rules,
and any other error leaves this module, to be answered as a denial by `gate.app`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Literal, Protocol, TypeVar

from tidegate.domain.break_glass import BreakGlass, let_in
from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.digest import Digest
from tidegate.domain.errors import InvalidReferenceError, UnavailableError
from tidegate.domain.evidence import ImageEvidence, Unavailable, UnavailableReason
from tidegate.domain.explain import denial_message, warnings
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.rule import Policy
from tidegate.domain.scope import CompiledPolicy, compile_policy
from tidegate.domain.verdict import Decision, ScanAnswer, Verdict
from tidegate.domain.workload import (
    ControllerReference,
    ImageUse,
    Lookup,
    ObjectFacts,
    Owner,
    Workload,
    changed_images,
    node_platforms,
    workload_of,
)
from tidegate.gate.events import ACTIONS, Moment, Origin, event_of
from tidegate.gate.first_sight import WAIT_S, WantedScan, wanted_scans, with_answers
from tidegate.gate.judgements import Judgements
from tidegate.gate.own_pods import OwnPods
from tidegate.gate.rejudged import with_unanswered
from tidegate.gate.slots import Slots
from tidegate.wire.admission_v1 import AdmissionRequest, parse_review, render_response
from tidegate.wire.event_v1 import Action, AdmissionEventV1

MAX_IMAGES = 256
"""Images of one review that evidence is gathered for; the rest are unavailable."""

MAX_PARSED = 4096
"""Image texts whose reading is remembered: clusters start the same few again and again."""

CLUSTER_BUDGET_S = 1.0
"""For owners and namespace labels together: the API server that asks is there to answer."""

GRACE_S = 0.25
"""How long after its budget a source may answer before it is left behind."""


First = TypeVar("First")
Second = TypeVar("Second")


class PolicySource(Protocol):
    """The rules in force, kept up to date by somebody else."""

    @property
    def ready(self) -> tuple[bool, tuple[str, ...]]:
        """Whether the rules may be relied on, and what is wrong."""
        ...

    def snapshot(self) -> Policy:
        """Return the rules in force; the same object as long as nothing changed."""
        ...


class EvidenceSource(Protocol):
    """What is known about images."""

    async def gather(
        self,
        references: Sequence[ImageReference],
        *,
        now: datetime,
        budget_s: float,
        platforms: tuple[str, ...] = (),
    ) -> dict[ImageReference, ImageEvidence]:
        """Return what is known about each image; never raises, answers within the budget."""
        ...


class ClusterSource(Protocol):
    """What only the cluster knows about an object."""

    async def owners(
        self, namespace: str, controller: ControllerReference, *, budget_s: float
    ) -> tuple[Owner, ...] | Lookup:
        """Return the controllers above an object, direct one first; never raises."""
        ...

    async def owner_uids(
        self, namespace: str, controller: ControllerReference, *, budget_s: float
    ) -> tuple[str, ...] | Lookup:
        """Return the uids of those who control an object, each shown to exist; never raises."""
        ...

    async def namespace_labels(self, namespace: str, *, budget_s: float) -> dict[str, str] | Lookup:
        """Return the labels of `namespace`; never raises."""
        ...


class BreakGlassSource(Protocol):
    """What is let in although rules deny it."""

    def of(self, namespace: str) -> Sequence[BreakGlass]:
        """Return the objects about `namespace`, ended ones too."""
        ...


class Scans(Protocol):
    """Asks for scans of images without a report."""

    async def ask(
        self, namespace: str, wanted: Iterable[WantedScan], wait_s: float
    ) -> dict[Digest, ScanAnswer]:
        """Return what is known of each after at most `wait_s`; never raises."""
        ...


class Journal(Protocol):
    """Takes verdicts; never waits and never raises."""

    def record(self, action: Action, build: Callable[[], AdmissionEventV1]) -> None:
        """Take one event, to be built later."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A response and what it says."""

    body: bytes
    action: Literal["pass", "allow", "audit", "deny"]
    """`pass`: nothing in the request is judged."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """A verdict with what it rests on."""

    workload: Workload
    verdict: Verdict
    policy: CompiledPolicy
    judged: Sequence[JudgedImage]
    owner_uids: tuple[str, ...] = ()
    """Of those that control the pod, where that was asked."""


class Reviewer:
    """Answers AdmissionReviews from what the given sources know."""

    def __init__(  # noqa: PLR0913 - the sources, each a part of its own
        self,
        policies: PolicySource,
        evidence: EvidenceSource,
        cluster: ClusterSource,
        journal: Journal,
        *,
        slots: Slots,
        scans: Scans | None = None,
        break_glass: BreakGlassSource | None = None,
        own_pods: OwnPods | None = None,
        cluster_name: str = "",
    ) -> None:
        self._policies = policies
        self._evidence = evidence
        self._cluster = cluster
        self._journal = journal
        self._slots = slots
        self._scans = scans
        self._break_glass = break_glass
        self._own_pods = own_pods
        self._cluster_name = cluster_name
        self._compiled: tuple[Policy, CompiledPolicy] | None = None
        self._judgements = Judgements()

    async def review(
        self, body: bytes, *, now: datetime, budget_s: float, origin: Origin = "api-server"
    ) -> Answer:
        """Return the answer to the review in `body`.

        Raises:
            MalformedReviewError: `body` is no AdmissionReview.
            UnavailableError: the gate has no rules to decide by.
        """
        began_s = asyncio.get_running_loop().time()
        request = parse_review(body)
        decided = await self._decide(request, now, budget_s)
        if decided is None:
            return Answer(render_response(request.uid, allowed=True), "pass")
        left_s = budget_s - (asyncio.get_running_loop().time() - began_s)
        decided = await self._with_own_pods(request, decided, Moment(now, began_s, origin), left_s)
        if not request.dry_run:
            left_s = budget_s - (asyncio.get_running_loop().time() - began_s)
            decided = await self._with_scans(request, decided, min(WAIT_S, left_s))
        return self._answer(request, decided, Moment(now, began_s, origin))

    async def rejudge(
        self, body: bytes, *, now: datetime, budget_s: float
    ) -> AdmissionEventV1 | None:
        """Return what would be decided now about a workload that runs, written down nowhere.

        None: nothing in it is judged. `body` is the review that its creation would be. Rows that
        rest on what could not be found out are marked: they are no change of a verdict.

        Raises:
            MalformedReviewError: `body` is no AdmissionReview.
            UnavailableError: the gate has no rules to decide by.
        """
        began_s = asyncio.get_running_loop().time()
        request = parse_review(body)
        decided = await self._decide(request, now, budget_s)
        if decided is None:
            return None
        asked = Moment(now, began_s, "rejudged")
        decided = await self._with_own_pods(request, decided, asked, budget_s)
        decided = await self._with_scans(request, decided, 0.0)
        asked = replace(asked, ended_s=asyncio.get_running_loop().time())
        event = event_of(request, decided.workload, decided.verdict, asked, decided.owner_uids)
        return with_unanswered(
            event, decided.verdict, decided.policy, decided.workload, decided.judged
        )

    async def _decide(
        self, request: AdmissionRequest, now: datetime, budget_s: float
    ) -> _Decided | None:
        """Return the verdict about what the request changes; None: no image."""
        images = changed_images(request.object, request.old) if request.object else ()
        if request.object is None or not images:
            return None
        policy = self._policy_in_force()
        with self._slots.take(request.namespace) as granted:
            seconds = budget_s if granted and policy.gating_on else 0.0
            workload, judged = await _both(
                self._workload(policy, request.object, seconds),
                self._judged(request.object, images, now, seconds),
                side_by_side=policy.asks_cluster,
            )
        verdict = decide(policy, workload, judged, now, self._judgements)
        if self._break_glass is not None and not verdict.allowed:
            namespace = request.namespace
            verdict = let_in(verdict, namespace, self._break_glass.of(namespace), now)
        return _Decided(workload, verdict, policy, judged)

    def _policy_in_force(self) -> CompiledPolicy:
        ready, problems = self._policies.ready
        if not ready:
            raise UnavailableError(f"the gate has no rules to decide by: {'; '.join(problems)}")
        policy = self._policies.snapshot()
        if self._compiled is None or self._compiled[0] is not policy:
            self._compiled = (policy, compile_policy(policy))
            self._judgements = Judgements()  # what the old rules said is of no use any more
        return self._compiled[1]

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

    async def _judged(
        self, obj: ObjectFacts, images: tuple[ImageUse, ...], now: datetime, budget_s: float
    ) -> list[JudgedImage]:
        """Return each image with its evidence, in the order of `images`."""
        parsed = [(use, _parse(use.image)) for use in images]
        references = dict.fromkeys(r for _, r in parsed if isinstance(r, ImageReference))
        wanted = list(references)[:MAX_IMAGES]
        evidence = await self._gathered(wanted, now, budget_s, node_platforms(obj.pod))
        over_limit = ImageEvidence.of(
            Unavailable(UnavailableReason.LIMITS, f"more than {MAX_IMAGES} images in one object")
        )
        return [
            JudgedImage(use, reference, evidence.get(reference, over_limit))
            if isinstance(reference, ImageReference)
            else JudgedImage(use, None, ImageEvidence.of(reference))
            for use, reference in parsed
        ]

    async def _gathered(
        self,
        references: Sequence[ImageReference],
        now: datetime,
        budget_s: float,
        platforms: tuple[str, ...],
    ) -> dict[ImageReference, ImageEvidence]:
        """Return evidence for every one of `references`, in time."""
        found: dict[ImageReference, ImageEvidence] = {}
        if references and budget_s > 0:
            try:
                async with asyncio.timeout(budget_s + GRACE_S):
                    found = await self._evidence.gather(
                        references, now=now, budget_s=budget_s, platforms=platforms
                    )
            except TimeoutError:
                pass  # every image without an answer is unavailable, below
        late = ImageEvidence.of(Unavailable(UnavailableReason.DEADLINE))
        return {reference: found.get(reference, late) for reference in references}

    async def _with_own_pods(
        self, request: AdmissionRequest, decided: _Decided, asked: Moment, left_s: float
    ) -> _Decided:
        """Let a workload's own pod come back where the policy says so; asked about denials only."""
        if self._own_pods is None or decided.verdict.allowed or not decided.policy.re_admits:
            return decided
        verdict, owners = await self._own_pods.let_back(request, decided.verdict, asked, left_s)
        return replace(decided, verdict=verdict, owner_uids=owners)

    async def _with_scans(
        self, request: AdmissionRequest, decided: _Decided, wait_s: float
    ) -> _Decided:
        """Ask for scans of images without a report; the answer is waited for where it is shown."""
        wanted = wanted_scans(decided.verdict, decided.judged)
        if self._scans is None or not wanted:
            return decided
        shown = decided.verdict.decision is not Decision.ALLOW
        answers = await self._scans.ask(request.namespace, wanted, wait_s if shown else 0.0)
        return replace(decided, verdict=with_answers(decided.verdict, answers))

    def _answer(self, request: AdmissionRequest, decided: _Decided, asked: Moment) -> Answer:
        workload, verdict = decided.workload, decided.verdict
        action = ACTIONS[verdict.decision]
        if not request.dry_run:
            asked = replace(asked, ended_s=asyncio.get_running_loop().time())
            build = partial(event_of, request, workload, verdict, asked, decided.owner_uids)
            self._journal.record(action, build)
        event_id = "" if request.dry_run else request.uid
        message = "" if verdict.allowed else denial_message(verdict, event_id)
        body = render_response(
            request.uid, allowed=verdict.allowed, message=message, warnings=warnings(verdict)
        )
        return Answer(body, action)


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
