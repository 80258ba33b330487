"""The decision: rules, workload and evidence to a verdict. Pure and total.

Each image is judged by itself, and a workload's verdict is the strictest of its images'.

Under FirstMatch the first rule whose scope includes the image, and which exempts no resource of
its, decides: also when it finds no violation. Under Strictest all such rules are judged and deny
beats audit beats allow. A rule for which the cluster did not tell whether it applies judges the
image as unavailable and does not end the search: what could not be found out makes no answer
softer. A rule that only the pods' names can decide leaves a controller to its pods.

Not done here: gathering evidence (`tidegate.evidence`), words for people (`explain`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.domain.digest import Digest
from tidegate.domain.evidence import EvidenceOrigin, ImageEvidence, Unavailable, UnavailableReason
from tidegate.domain.judge import Judge, judge_evidence
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
    """The strictest of `judgements`."""
    judgements: Sequence[RuleJudgement] = ()
    """One for each platform."""
    skipped: SkippedRule | None = None
    deferred: bool = False
    ends_search: bool = False


def decide(
    policy: CompiledPolicy,
    workload: Workload,
    images: Sequence[JudgedImage],
    now: datetime,
    judge: Judge = judge_evidence,
) -> Verdict:
    """Return the verdict about `workload` at `now`; total: every input has one."""
    if not policy.gating_on:
        return Verdict(tuple(map(_admit_ungated, images)), policy.generation)
    candidates = policy.index.candidates(workload)
    decided = [
        _decide_image(
            [policy.rules[position] for position in candidates.positions(image.reference)],
            policy.mode,
            _Asked(workload, image, now, judge),
        )
        for image in images
    ]
    return Verdict(tuple(decided), policy.generation)


def _admit_ungated(image: JudgedImage) -> ImageVerdict:
    return ImageVerdict(
        image.use, _name(image), Decision.ALLOW, Reason.GATING_OFF, digest=image.evidence.digest
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every rule is asked about one image."""

    workload: Workload
    image: JudgedImage
    now: datetime
    judge: Judge


def _decide_image(
    rules: Iterable[CompiledRule], mode: EvaluationMode, asked: _Asked
) -> ImageVerdict:
    """Return the verdict about an image; `rules`: those that may include it."""
    judgements: list[RuleJudgement] = []
    everyone: list[RuleJudgement] = []
    skipped: list[SkippedRule] = []
    deferred = False
    first_match = mode is EvaluationMode.FIRST_MATCH
    for rule in rules:
        considered = _consider(rule, asked)
        if considered is None:
            continue
        if considered.judgement is not None:
            judgements.append(considered.judgement)
            everyone.extend(considered.judgements)
        if considered.skipped is not None:
            skipped.append(considered.skipped)
        deferred = deferred or considered.deferred
        if first_match and considered.ends_search:
            break
    return _conclude(asked.image, judgements, everyone, tuple(skipped), deferred=deferred)


def _consider(compiled: CompiledRule, asked: _Asked) -> _Considered | None:
    """Return what `compiled` says about the image; None where it does not apply."""
    image = asked.image
    match = compiled.matches(asked.workload, image.reference)
    if match is Match.NO:
        return None
    if match is Match.DEFERRED:
        return _Considered(deferred=True, ends_search=True)
    if compiled.resource_exemptions:
        exempting, may_exempt = _find_exemption(compiled, asked)
        if exempting is not None:
            return _Considered(skipped=exempting)
        if may_exempt:
            return _Considered(deferred=True, ends_search=True)
    if match is Match.UNKNOWN:
        unknown = ImageEvidence.of(Unavailable(UnavailableReason.CLUSTER))
        judged = _judge_platforms(compiled, unknown, asked)
        return _Considered(_worst(judged), judged)
    judged = _judge_platforms(compiled, image.evidence, asked)
    return _Considered(_worst(judged), judged, ends_search=True)


def _find_exemption(compiled: CompiledRule, asked: _Asked) -> tuple[SkippedRule | None, bool]:
    """Return the exemption that takes the image out, and whether only its pods can tell of one.

    An exemption that cannot be decided for lack of an answer does not exempt.
    """
    image, deferred = asked.image, False
    for candidate in compiled.resource_exemptions:
        if not candidate.exemption.holds(asked.now):
            continue
        match = candidate.matches(asked.workload, image.reference, image.evidence.digest)
        if match is Match.YES:
            return SkippedRule(compiled.rule, candidate.exemption), False
        deferred = deferred or match is Match.DEFERRED
    return None, deferred


def _judge_platforms(
    compiled: CompiledRule, evidence: ImageEvidence, asked: _Asked
) -> Sequence[RuleJudgement]:
    reference = asked.image.reference
    registry = "" if reference is None else reference.registry
    return [asked.judge(compiled, registry, each, asked.now) for each in evidence.platforms]


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
    everyone: Sequence[RuleJudgement],
    skipped: tuple[SkippedRule, ...],
    *,
    deferred: bool,
) -> ImageVerdict:
    """Return the verdict: of `judgements`, each rule's strictest, the strictest decides."""
    digest: Digest | None = image.evidence.digest
    if not judgements:
        reason = Reason.RESOURCE_EXEMPTED if skipped else Reason.POLICY_EVALUATION
        return ImageVerdict(
            image.use,
            _name(image),
            Decision.ALLOW,
            reason,
            None,
            digest,
            skipped,
            deferred,
            image.evidence.tag_asked_at,
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
        image.evidence.tag_asked_at,
        judgements=tuple(everyone),
        origin=_origin(image.evidence, chosen),
    )


def _origin(evidence: ImageEvidence, chosen: RuleJudgement) -> EvidenceOrigin | None:
    """Return where the evidence of the platform that decided comes from."""
    of_platform = (p.origin for p in evidence.platforms if p.digest == chosen.digest)
    return next(of_platform, None)


def _reason(judgement: RuleJudgement, skipped: tuple[SkippedRule, ...]) -> Reason:
    if judgement.violations:
        return judgement.violations[0].reason
    return Reason.RESOURCE_EXEMPTED if skipped else Reason.POLICY_EVALUATION


def _name(image: JudgedImage) -> str:
    return image.use.image if image.reference is None else str(image.reference)
