"""READ FIRST: what happens to one AdmissionReview, from its bytes to the answer.

`Reviewer.start` is the story. Everything it calls is pure (reading, deciding, wording) or says at
once what is held in memory. Where that is not enough, `_find_out` waits for owners, namespace
labels and evidence, within the budget that it is given; then the same functions decide and answer.
So nearly every review is answered without a task, a future or a timer.

Nothing here turns an error into an allowed workload: what could not be found out is evidence of its
own, judged by the rules, and any other error leaves this module, to be answered as a denial by
`gate.app`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from time import monotonic
from typing import Literal, Protocol, TypeVar

from tidegate.domain.break_glass import BreakGlass, let_in
from tidegate.domain.decide import JudgedImage
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
from tidegate.gate.canary import canary_answer
from tidegate.gate.events import ACTIONS, Moment, Origin, event_of
from tidegate.gate.first_sight import (
    WAIT_S,
    WantedScan,
    count_unavailable,
    is_refused_only_until_scanned,
    wanted_scans,
    with_answers,
)
from tidegate.gate.own_pods import OwnPods
from tidegate.gate.rejudged import with_unanswered
from tidegate.gate.report_wait import ReportWait
from tidegate.gate.slots import Slots
from tidegate.gate.verdicts import Verdicts
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


LATE = ImageEvidence.of(Unavailable(UnavailableReason.DEADLINE))
OVER_LIMIT = ImageEvidence.of(
    Unavailable(UnavailableReason.LIMITS, f"more than {MAX_IMAGES} images in one object")
)

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

    def held(
        self, references: Sequence[ImageReference], now: datetime, platforms: tuple[str, ...] = ()
    ) -> dict[ImageReference, ImageEvidence] | None:
        """Return what `gather` would say without asking anybody; None where it has to ask."""
        ...

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

    def remembered(
        self, references: Sequence[ImageReference], now: datetime, platforms: tuple[str, ...] = ()
    ) -> dict[ImageReference, ImageEvidence]:
        """Return what is known of each, however old, without asking; without those not known."""
        ...


class ClusterSource(Protocol):
    """What only the cluster knows about an object."""

    def owners_held(
        self, namespace: str, controller: ControllerReference
    ) -> tuple[Owner, ...] | Lookup | None:
        """Return what `owners` would say without asking anybody; None where it has to ask."""
        ...

    def namespace_labels_held(self, namespace: str) -> dict[str, str] | Lookup | None:
        """Return what `namespace_labels` would say without asking; None where it has to ask."""
        ...

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
    action: Literal["pass", "allow", "audit", "deny", "canary"]
    """`pass`: nothing in the request is judged. `canary`: of the agent's; its answer is fixed."""


@dataclass(frozen=True, slots=True)
class _Question:
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


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known about it."""

    workload: Workload
    judged: Sequence[JudgedImage]


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
        reports: ReportWait | None = None,
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
        self._reports = reports
        self._break_glass = break_glass
        self._own_pods = own_pods
        self._cluster_name = cluster_name
        self._compiled: tuple[Policy, tuple[CompiledPolicy, Verdicts]] | None = None

    def start(
        self,
        body: bytes,
        *,
        now: datetime,
        budget_s: float,
        answer_in_s: float = 0.0,
        origin: Origin = "api-server",
    ) -> Answer | Awaitable[Answer]:
        """Return the answer to the review in `body`, or what gives it within about `budget_s`.

        It may take up to `answer_in_s` where reports are waited for.

        Raises:
            MalformedReviewError: `body` is no AdmissionReview.
            UnavailableError: the gate has no rules to decide by.
        """
        asked = Moment(now, monotonic(), origin)
        question = self._question(body, now, asked.began_s + answer_in_s)
        if isinstance(question, AdmissionRequest):
            return Answer(render_response(question.uid, allowed=True), "pass")
        # Only now: a gate without rules cannot decide, and its canary must not pass.
        if origin == "api-server" and (fixed := canary_answer(question.request)) is not None:
            return Answer(fixed, "canary")
        facts = self._held(question)
        if facts is None:
            return self._later(question, asked, budget_s)
        return self._finish(question, facts, asked, budget_s)

    async def review(
        self,
        body: bytes,
        *,
        now: datetime,
        budget_s: float,
        answer_in_s: float = 0.0,
        origin: Origin = "api-server",
    ) -> Answer:
        """Return the answer to the review in `body`; raises what `start` raises."""
        found = self.start(body, now=now, budget_s=budget_s, answer_in_s=answer_in_s, origin=origin)
        return found if isinstance(found, Answer) else await found

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
        asked = Moment(now, monotonic(), "rejudged")
        question = self._question(body, now)
        if isinstance(question, AdmissionRequest):
            return None
        facts = self._held(question) or await self._find_out(question, budget_s)
        verdict = self._decide(question, facts)
        if self._own_pods is not None and question.policy.re_admits and not verdict.allowed:
            verdict = await self._own_pods.let_back(question.request, verdict, asked, budget_s)
        wanted = self._wanted_scans(verdict, facts)
        if wanted:
            verdict = await self._with_scans(question.request, verdict, wanted, 0.0)
        event = event_of(question.request, facts.workload, verdict, asked.ended())
        return with_unanswered(event, verdict, question.policy, facts.workload, facts.judged)

    def _question(
        self, body: bytes, now: datetime, answer_by_s: float = 0.0
    ) -> "_Question | AdmissionRequest":
        """Return what is to be judged; the request alone where that is nothing."""
        request = parse_review(body)
        obj = request.object
        images = () if obj is None else changed_images(obj, request.old)
        if obj is None or not images:
            return request
        return _Question(request, obj, images, *self._policy_in_force(), now, answer_by_s)

    def _held(self, question: _Question) -> _Facts | None:
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
        parsed = [_parse(use.image) for use in question.images]
        evidence = self._evidence_held(parsed, question)
        if evidence is None:
            return None
        return _Facts(
            workload_of(obj, cluster=self._cluster_name, namespace_labels=labels, owners=owners),
            _judged(question.images, parsed, evidence),
        )

    def _evidence_held(
        self, parsed: Sequence[ImageReference | Unavailable], question: _Question
    ) -> dict[ImageReference, ImageEvidence] | None:
        wanted = _distinct(parsed)
        if not question.policy.gating_on:
            return dict.fromkeys(wanted, LATE)
        return self._evidence.held(wanted, question.now, node_platforms(question.object.pod))

    async def _later(self, question: _Question, asked: Moment, budget_s: float) -> Answer:
        """Find out what is not held, and answer."""
        facts = await self._find_out(question, budget_s)
        found = self._finish(question, facts, asked, budget_s)
        return found if isinstance(found, Answer) else await found

    def _finish(
        self, question: _Question, facts: _Facts, asked: Moment, budget_s: float
    ) -> Answer | Awaitable[Answer]:
        """Return the answer, or what gives it once all is known that only some denials ask for."""
        verdict = self._decide(question, facts)
        if self._own_pods is not None and question.policy.re_admits and not verdict.allowed:
            return self._finish_own_pod(self._own_pods, question, facts, verdict, asked, budget_s)
        return self._conclude(question, facts, verdict, asked, budget_s)

    async def _finish_own_pod(
        self,
        own_pods: OwnPods,
        question: _Question,
        facts: _Facts,
        verdict: Verdict,
        asked: Moment,
        budget_s: float,
    ) -> Answer:
        """Answer with what is known of a denied pod's workload: it may be one's own come back."""
        left_s = budget_s - (monotonic() - asked.began_s)
        verdict = await own_pods.let_back(question.request, verdict, asked, left_s)
        found = self._conclude(question, facts, verdict, asked, budget_s)
        return found if isinstance(found, Answer) else await found

    def _conclude(
        self, question: _Question, facts: _Facts, verdict: Verdict, asked: Moment, budget_s: float
    ) -> Answer | Awaitable[Answer]:
        """Return the answer, or what gives it once it is known what becomes of wanted scans."""
        wanted = [] if question.request.dry_run else self._wanted_scans(verdict, facts)
        if wanted:
            left_s = min(WAIT_S, budget_s - (monotonic() - asked.began_s))
            return self._answer_with_scans(question, facts, verdict, wanted, asked, left_s)
        return self._answer(question.request, facts.workload, verdict, asked)

    async def _find_out(self, question: _Question, budget_s: float) -> _Facts:
        """Return the facts, what is not held asked for within the budget."""
        policy = question.policy
        with self._slots.take(question.request.namespace) as granted:
            seconds = budget_s if granted and policy.gating_on else 0.0
            workload, judged = await _both(
                self._workload(policy, question.object, seconds),
                self._gathered(question, seconds),
                side_by_side=policy.asks_cluster,
            )
        return _Facts(workload, judged)

    def _decide(self, question: _Question, facts: _Facts) -> Verdict:
        now = question.now
        verdict = question.verdicts(facts.workload, facts.judged, now)
        if self._break_glass is not None and not verdict.allowed:
            namespace = question.request.namespace
            verdict = let_in(verdict, namespace, self._break_glass.of(namespace), now)
        return verdict

    def _policy_in_force(self) -> tuple[CompiledPolicy, Verdicts]:
        ready, problems = self._policies.ready
        if not ready:
            raise UnavailableError(f"the gate has no rules to decide by: {'; '.join(problems)}")
        policy = self._policies.snapshot()
        if self._compiled is None or self._compiled[0] is not policy:
            compiled = compile_policy(policy)
            # What the old rules said is of no use any more.
            self._compiled = (policy, (compiled, Verdicts(compiled)))
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

    async def _gathered(self, question: _Question, budget_s: float) -> list[JudgedImage]:
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

    def _wanted_scans(self, verdict: Verdict, facts: _Facts) -> list[WantedScan]:
        return [] if self._scans is None else wanted_scans(verdict, facts.judged)

    async def _answer_with_scans(
        self,
        question: _Question,
        facts: _Facts,
        verdict: Verdict,
        wanted: list[WantedScan],
        asked: Moment,
        wait_s: float,
    ) -> Answer:
        """Answer with what is known of the scans after at most `wait_s`."""
        verdict = await self._with_scans(question.request, verdict, wanted, wait_s)
        if self._reports is not None and is_refused_only_until_scanned(verdict):
            facts, verdict = await self._after_scans(self._reports, question, facts, verdict, asked)
        return self._answer(question.request, facts.workload, verdict, asked)

    async def _after_scans(
        self,
        reports: ReportWait,
        question: _Question,
        facts: _Facts,
        verdict: Verdict,
        asked: Moment,
    ) -> tuple[_Facts, Verdict]:
        """Return what is known and decided once the scans are done, or else by the end of time."""
        known, decided = facts, verdict

        async def look(left_s: float) -> bool:
            nonlocal known, decided
            passed = timedelta(seconds=monotonic() - asked.began_s)
            again = replace(question, now=question.now + passed)
            found = self._held(again) or await self._find_out(again, left_s)
            if count_unavailable(found.judged) > count_unavailable(facts.judged):
                return False  # what was known for certain before is not given up for this
            known, decided = found, self._decide(again, found)
            wanted = self._wanted_scans(decided, found)
            if wanted:
                decided = await self._with_scans(question.request, decided, wanted, 0.0)
            return not is_refused_only_until_scanned(decided)

        await reports.hold(question.request.namespace, question.answer_by_s - GRACE_S, look)
        return known, decided

    async def _with_scans(
        self, request: AdmissionRequest, verdict: Verdict, wanted: list[WantedScan], wait_s: float
    ) -> Verdict:
        """Ask for scans of images without a report; the answer is waited for where it is shown."""
        assert self._scans is not None  # noqa: S101 - or none were wanted
        shown = verdict.decision is not Decision.ALLOW
        answers = await self._scans.ask(request.namespace, wanted, wait_s if shown else 0.0)
        return with_answers(verdict, answers)

    def _answer(
        self, request: AdmissionRequest, workload: Workload, verdict: Verdict, asked: Moment
    ) -> Answer:
        decision = verdict.decision
        action = ACTIONS[decision]
        if not request.dry_run:
            self._journal.record(
                action, partial(event_of, request, workload, verdict, asked.ended())
            )
        event_id = "" if request.dry_run else request.uid
        if decision is Decision.ALLOW:
            return Answer(render_response(request.uid, allowed=True), action)
        allowed = decision is not Decision.DENY
        message = "" if allowed else denial_message(verdict, event_id)
        body = render_response(
            request.uid, allowed=allowed, message=message, warnings=warnings(verdict)
        )
        return Answer(body, action)


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
