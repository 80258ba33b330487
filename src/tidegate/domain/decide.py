"""The decision: rules, workload and evidence to a verdict. Pure and total.

Each image is judged by itself, and a workload's verdict is the strictest of its images'.

Under FirstMatch the first rule whose scope includes the image, and which exempts no resource of
its, decides: also when it finds no violation. Under Strictest all such rules are judged and deny
beats audit beats allow. A rule for which the cluster did not tell whether it applies judges the
image as unavailable and does not end the search: what could not be found out makes no answer
softer. A rule that only the pods' names can decide leaves a controller to its pods.

Not done here: gathering evidence (`tidegate.evidence`), words for people (`explain`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.domain.digest import Digest
from tidegate.domain.evidence import ImageEvidence, Unavailable, UnavailableReason
from tidegate.domain.judge import judge_evidence
from tidegate.domain.reference import ImageReference
from tidegate.domain.rule import EvaluationMode
from tidegate.domain.scope import CompiledPolicy, CompiledRule, Match
from tidegate.domain.severity import RATED
from tidegate.domain.verdict import (
    Decision,
    ImageVerdict,
    Reason,
    RuleJudgement,
    SkippedRule,
    Verdict,
)
from tidegate.domain.workload import ImageUse, Workload


@dataclass(frozen=True, slots=True)
class JudgedImage:
    """One image of a workload with all that is known about it."""

    use: ImageUse
    reference: ImageReference | None
    """None: the text is no image reference; its evidence says so."""
    evidence: ImageEvidence


@dataclass(frozen=True, slots=True)
class _Considered:
    """What one rule has to say about one image."""

    judgement: RuleJudgement | None = None
    skipped: SkippedRule | None = None
    deferred: bool = False
    ends_search: bool = False


def decide(
    policy: CompiledPolicy, workload: Workload, images: Sequence[JudgedImage], now: datetime
) -> Verdict:
    """Return the verdict about `workload` at `now`; total: every input has one."""
    if not policy.gating_on:
        return Verdict(tuple(map(_admit_ungated, images)), policy.generation)
    candidates = policy.index.candidates(workload)
    decided = [
        _decide_image(policy, candidates.positions(image.reference), workload, image, now)
        for image in images
    ]
    return Verdict(tuple(decided), policy.generation)


def _admit_ungated(image: JudgedImage) -> ImageVerdict:
    return ImageVerdict(
        image.use, _name(image), Decision.ALLOW, Reason.GATING_OFF, digest=image.evidence.digest
    )


def _decide_image(
    policy: CompiledPolicy,
    positions: Sequence[int],
    workload: Workload,
    image: JudgedImage,
    now: datetime,
) -> ImageVerdict:
    """Return the verdict about `image`; `positions`: the rules that may include it."""
    judgements: list[RuleJudgement] = []
    skipped: list[SkippedRule] = []
    deferred = False
    first_match = policy.mode is EvaluationMode.FIRST_MATCH
    for position in positions:
        considered = _consider(policy.rules[position], workload, image, now)
        if considered is None:
            continue
        if considered.judgement is not None:
            judgements.append(considered.judgement)
        if considered.skipped is not None:
            skipped.append(considered.skipped)
        deferred = deferred or considered.deferred
        if first_match and considered.ends_search:
            break
    return _conclude(image, judgements, tuple(skipped), deferred=deferred)


def _consider(
    compiled: CompiledRule, workload: Workload, image: JudgedImage, now: datetime
) -> _Considered | None:
    """Return what `compiled` says about `image`; None where it does not apply."""
    match = compiled.matches(workload, image.reference)
    if match is Match.NO:
        return None
    if match is Match.DEFERRED:
        return _Considered(deferred=True, ends_search=True)
    exempting, may_exempt = _find_exemption(compiled, workload, image, now)
    if exempting is not None:
        return _Considered(skipped=exempting)
    if may_exempt:
        return _Considered(deferred=True, ends_search=True)
    if match is Match.UNKNOWN:
        unknown = Unavailable(UnavailableReason.CLUSTER)
        judgements = _judge_platforms(compiled, image, ImageEvidence.of(unknown), now)
        return _Considered(judgement=_worst(judgements))
    judgements = _judge_platforms(compiled, image, image.evidence, now)
    return _Considered(judgement=_worst(judgements), ends_search=True)


def _find_exemption(
    compiled: CompiledRule, workload: Workload, image: JudgedImage, now: datetime
) -> tuple[SkippedRule | None, bool]:
    """Return the exemption that takes `image` out, and whether only its pods can tell of one.

    An exemption that cannot be decided for lack of an answer does not exempt.
    """
    deferred = False
    for candidate in compiled.resource_exemptions:
        if not candidate.exemption.holds(now):
            continue
        match = candidate.matches(workload, image.reference, image.evidence.digest)
        if match is Match.YES:
            return SkippedRule(compiled.rule, candidate.exemption), False
        deferred = deferred or match is Match.DEFERRED
    return None, deferred


def _judge_platforms(
    compiled: CompiledRule, image: JudgedImage, evidence: ImageEvidence, now: datetime
) -> Sequence[RuleJudgement]:
    registry = "" if image.reference is None else image.reference.registry
    return [judge_evidence(compiled, registry, platform, now) for platform in evidence.platforms]


def _worst(judgements: Sequence[RuleJudgement]) -> RuleJudgement:
    """Return the strictest judgement; among equals the one with the most vulnerabilities."""
    if len(judgements) == 1:
        return judgements[0]
    return max(
        judgements,
        key=lambda j: (j.decision, *(j.counts.of(s) for s in RATED), len(j.violations)),
    )


def _conclude(
    image: JudgedImage,
    judgements: Sequence[RuleJudgement],
    skipped: tuple[SkippedRule, ...],
    *,
    deferred: bool,
) -> ImageVerdict:
    digest: Digest | None = image.evidence.digest
    if not judgements:
        reason = Reason.RESOURCE_EXEMPTED if skipped else Reason.POLICY_EVALUATION
        return ImageVerdict(
            image.use, _name(image), Decision.ALLOW, reason, None, digest, skipped, deferred
        )
    # Among equals the first name is told, so that the order of rules changes nothing.
    chosen = judgements[0]
    if len(judgements) > 1:
        chosen = min(judgements, key=lambda j: (-j.decision, j.rule.name))
    return ImageVerdict(
        image.use,
        _name(image),
        chosen.decision,
        _reason(chosen, skipped),
        chosen,
        digest,
        skipped,
        deferred,
    )


def _reason(judgement: RuleJudgement, skipped: tuple[SkippedRule, ...]) -> Reason:
    if judgement.violations:
        return judgement.violations[0].reason
    return Reason.RESOURCE_EXEMPTED if skipped else Reason.POLICY_EVALUATION


def _name(image: JudgedImage) -> str:
    return image.use.image if image.reference is None else str(image.reference)
