"""READ FIRST: what happens to one AdmissionReview, from its bytes to the answer.

`Reviewer.start` is the story. Everything it calls is pure (reading, deciding, wording) or says at
once what is held in memory. Where that is not enough, `gate.facts` finds out about owners,
namespace labels and evidence, within the budget that it is given; then the same functions decide
and answer. So nearly every review is answered without a task, a future or a timer.

Nothing here turns an error into an allowed workload: what could not be found out is evidence of its
own, judged by the rules, and any other error leaves this module, to be answered as a denial by
`gate.app`.
"""

from collections.abc import Awaitable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Literal

import msgspec
from msgspec.structs import replace

from tidegate.domain.break_glass import let_in
from tidegate.domain.errors import UnavailableError
from tidegate.domain.explain import denial_message, warnings
from tidegate.domain.rule import Policy
from tidegate.domain.scope import CompiledPolicy, compile_policy
from tidegate.domain.verdict import Decision, Verdict
from tidegate.domain.workload import Workload, changed_images
from tidegate.gate.canary import canary_answer
from tidegate.gate.events import ACTIONS, Moment, Origin, event_of
from tidegate.gate.evidence_seen import EVIDENCE_SEEN
from tidegate.gate.facts import GRACE_S, FactFinder, Facts, Question
from tidegate.gate.first_sight import (
    WAIT_S,
    WantedScan,
    count_unavailable,
    is_refused_only_until_scanned,
    wanted_scans,
    with_answers,
)
from tidegate.gate.own_pods import OwnPods
from tidegate.gate.ports import (
    BreakGlassSource,
    ClusterSource,
    EvidenceSource,
    Journal,
    PolicySource,
    Scans,
)
from tidegate.gate.rejudged import with_unanswered
from tidegate.gate.report_wait import ReportWait
from tidegate.gate.slots import Slots
from tidegate.gate.verdicts import Verdicts
from tidegate.wire.admission_v1 import AdmissionRequest, parse_review, render_response
from tidegate.wire.event_v1 import AdmissionEventV1


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A response and what it says."""

    body: bytes
    action: Literal["pass", "allow", "audit", "deny", "canary"]
    """`pass`: nothing in the request is judged. `canary`: of the agent's; its answer is fixed."""


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
        self._facts = FactFinder(evidence, cluster, slots, cluster_name)
        self._journal = journal
        self._scans = scans
        self._reports = reports
        self._break_glass = break_glass
        self._own_pods = own_pods
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
        facts = self._facts.held(question)
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
        facts = self._facts.held(question) or await self._facts.find_out(question, budget_s)
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
    ) -> "Question | AdmissionRequest":
        """Return what is to be judged; the request alone where that is nothing."""
        request = parse_review(body)
        obj = request.object
        images = () if obj is None else changed_images(obj, request.old)
        if obj is None or not images:
            return request
        return Question(request, obj, images, *self._policy_in_force(), now, answer_by_s)

    async def _later(self, question: Question, asked: Moment, budget_s: float) -> Answer:
        """Find out what is not held, and answer."""
        facts = await self._facts.find_out(question, budget_s)
        found = self._finish(question, facts, asked, budget_s)
        return found if isinstance(found, Answer) else await found

    def _finish(
        self, question: Question, facts: Facts, asked: Moment, budget_s: float
    ) -> Answer | Awaitable[Answer]:
        """Return the answer, or what gives it once all is known that only some denials ask for."""
        if question.policy.gating_on:
            EVIDENCE_SEEN.count(facts.judged, question.now)
        verdict = self._decide(question, facts)
        if self._own_pods is not None and question.policy.re_admits and not verdict.allowed:
            return self._finish_own_pod(self._own_pods, question, facts, verdict, asked, budget_s)
        return self._conclude(question, facts, verdict, asked, budget_s)

    async def _finish_own_pod(
        self,
        own_pods: OwnPods,
        question: Question,
        facts: Facts,
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
        self, question: Question, facts: Facts, verdict: Verdict, asked: Moment, budget_s: float
    ) -> Answer | Awaitable[Answer]:
        """Return the answer, or what gives it once it is known what becomes of wanted scans."""
        wanted = [] if question.request.dry_run else self._wanted_scans(verdict, facts)
        if wanted:
            left_s = min(WAIT_S, budget_s - (monotonic() - asked.began_s))
            return self._answer_with_scans(question, facts, verdict, wanted, asked, left_s)
        return self._answer(question.request, facts.workload, verdict, asked)

    def _decide(self, question: Question, facts: Facts) -> Verdict:
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

    def _wanted_scans(self, verdict: Verdict, facts: Facts) -> list[WantedScan]:
        return [] if self._scans is None else wanted_scans(verdict, facts.judged)

    async def _answer_with_scans(
        self,
        question: Question,
        facts: Facts,
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
        question: Question,
        facts: Facts,
        verdict: Verdict,
        asked: Moment,
    ) -> tuple[Facts, Verdict]:
        """Return what is known and decided once the scans are done, or else by the end of time."""
        known, decided = facts, verdict

        async def look(left_s: float) -> bool:
            nonlocal known, decided
            passed = timedelta(seconds=monotonic() - asked.began_s)
            again = replace(question, now=question.now + passed)
            found = self._facts.held(again) or await self._facts.find_out(again, left_s)
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
