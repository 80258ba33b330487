"""Where rules apply: scopes and resource exemptions, compiled once per policy.

A scope answers in four ways. Yes and no are plain. *Deferred*: the rule asks for a pod's name and
the object is a controller whose pods may or may not get a matching one; the pods are judged
instead. *Unknown*: the cluster did not tell what the rule asks, so the image is unavailable for it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

from tidegate.domain.digest import Digest
from tidegate.domain.errors import InvalidReferenceError
from tidegate.domain.finding import normalize_id
from tidegate.domain.glob import compile_globs, glob_matches_extensions
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.rule import (
    EvaluationMode,
    MatcherType,
    Operator,
    Policy,
    ResourceExemption,
    ResourceMatcher,
    Rule,
    ScopeEntry,
    VulnerabilityExemption,
)
from tidegate.domain.rule_index import Condition, RuleIndex
from tidegate.domain.workload import Lookup, Workload


class Match(IntEnum):
    """Whether a rule applies. Of several conditions that must all hold, the smallest tells."""

    NO = 0
    DEFERRED = 1
    UNKNOWN = 2
    YES = 3


Matcher = Callable[[Workload, ImageReference | None], Match]


@dataclass(frozen=True, slots=True)
class _Globs:
    """Globs of one entry, any of which may match, ready to be asked."""

    texts: tuple[str, ...]
    any_matches: Callable[[str], bool]

    @classmethod
    def of(cls, *texts: str) -> "_Globs":
        return cls(texts, compile_globs(texts))


_INVERSE = {Match.NO: Match.YES, Match.YES: Match.NO}
_OF_WORKLOAD = (ResourceMatcher.DEPLOYMENT, ResourceMatcher.NAMESPACE, ResourceMatcher.POD)
"""Resource exemptions that ask what scope entries of the same name ask."""


@dataclass(frozen=True, slots=True)
class CompiledExemption:
    """A resource exemption, ready to be asked."""

    exemption: ResourceExemption
    matches: Callable[[Workload, ImageReference | None, Digest | None], Match]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule, ready to be asked."""

    rule: Rule
    matchers: tuple[Matcher, ...]
    resource_exemptions: tuple[CompiledExemption, ...]
    vulnerability_exemptions: dict[str, tuple[VulnerabilityExemption, ...]]
    """By normalised id."""

    def matches(self, workload: Workload, reference: ImageReference | None) -> Match:
        """Whether this rule's scope includes an image of `workload`."""
        result = Match.YES
        for matcher in self.matchers:
            match = matcher(workload, reference)
            if match is Match.NO:
                return match
            if match is not Match.YES:
                result = min(result, match)
        return result


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy, ready to be asked; made once per generation."""

    rules: tuple[CompiledRule, ...]
    """Enabled rules, highest priority first."""
    mode: EvaluationMode
    gating_on: bool
    re_admits: bool
    generation: str
    needs_owners: bool
    """Whether any rule asks who controls an object."""
    needs_namespace_labels: bool
    index: RuleIndex
    """Of `rules`."""
    pod_globs: tuple[Callable[[str], bool], ...]
    """Each asks whether a pod has a name that some rule or exemption asks for."""

    @property
    def asks_cluster(self) -> bool:
        """Whether any rule asks what only the cluster knows."""
        return self.needs_owners or self.needs_namespace_labels


def compile_policy(policy: Policy) -> CompiledPolicy:
    """Return `policy` ready to be asked."""
    enabled = tuple(rule for rule in policy.rules if rule.enabled)
    asked = {entry.matcher for rule in enabled for entry in rule.scope}
    exempting = {e.matcher for rule in enabled for e in rule.resource_exemptions}
    return CompiledPolicy(
        rules=tuple(map(_compile_rule, enabled)),
        mode=policy.mode,
        gating_on=policy.gating_on,
        re_admits=policy.re_admits and policy.gating_on,
        generation=policy.generation,
        needs_owners=bool(asked & {MatcherType.DEPLOYMENT, MatcherType.WORKLOAD})
        or ResourceMatcher.DEPLOYMENT in exempting,
        needs_namespace_labels=MatcherType.NAMESPACE_LABEL in asked,
        index=RuleIndex([_conditions_of(rule) for rule in enabled]),
        pod_globs=tuple(compile_globs(globs) for globs in dict.fromkeys(_pod_globs_of(enabled))),
    )


def _conditions_of(rule: Rule) -> list[Condition]:
    """Return the conditions that rules can be found by: each of them must hold."""
    return [(e.matcher, _globs_of(e)) for e in rule.scope if e.operator is Operator.IN]


def _pod_globs_of(rules: Iterable[Rule]) -> Iterator[tuple[str, ...]]:
    for rule in rules:
        yield from (e.any_of for e in rule.scope if e.matcher is MatcherType.POD)
        for exemption in rule.resource_exemptions:
            if exemption.matcher is ResourceMatcher.POD:
                yield (exemption.value,)


def _compile_rule(rule: Rule) -> CompiledRule:
    by_id: dict[str, tuple[VulnerabilityExemption, ...]] = {}
    for exemption in rule.vulnerability_exemptions:
        key = normalize_id(exemption.vulnerability_id)
        by_id[key] = (*by_id.get(key, ()), exemption)
    return CompiledRule(
        rule,
        tuple(map(_compile_entry, rule.scope)),
        tuple(CompiledExemption(e, _compile_exemption(e)) for e in rule.resource_exemptions),
        by_id,
    )


def _compile_entry(entry: ScopeEntry) -> Matcher:
    matcher = partial(_ASK[entry.matcher], _Globs.of(*_globs_of(entry)))
    if entry.operator is Operator.IN:
        return matcher

    def none_matches(workload: Workload, reference: ImageReference | None) -> Match:
        match = matcher(workload, reference)
        return _INVERSE.get(match, match)

    return none_matches


def _globs_of(entry: ScopeEntry) -> tuple[str, ...]:
    """Return the globs of `entry` as they are matched."""
    if entry.matcher is MatcherType.IMAGE:
        return tuple(map(_normalize_image_glob, entry.any_of))
    return entry.any_of


def _compile_exemption(
    exemption: ResourceExemption,
) -> Callable[[Workload, ImageReference | None, Digest | None], Match]:
    globs = _Globs.of(exemption.value)

    def by_image(_: Workload, reference: ImageReference | None, digest: Digest | None) -> Match:
        return _yes_no(
            reference is not None
            and any(map(globs.any_matches, _image_values(exemption, reference, digest)))
        )

    def by_workload(
        workload: Workload, reference: ImageReference | None, _: Digest | None
    ) -> Match:
        return ask(globs, workload, reference)

    if exemption.matcher not in _OF_WORKLOAD:
        return by_image
    ask = _ASK[MatcherType(exemption.matcher.value)]
    return by_workload


def _image_values(
    exemption: ResourceExemption, reference: ImageReference, digest: Digest | None
) -> Iterable[str]:
    match exemption.matcher:
        case ResourceMatcher.REGISTRY:
            return (reference.registry,)
        case ResourceMatcher.REPOSITORY:
            return (reference.repository, reference.name)
        case _:
            return () if digest is None else (digest,)


def _normalize_image_glob(glob: str) -> str:
    """Return a plain repository as references are normalised; a glob with `*` as it is."""
    if "*" in glob:
        return glob
    try:
        reference = parse_reference(glob)
    except InvalidReferenceError:
        return glob
    return reference.name


def _ask_namespace(globs: _Globs, workload: Workload, _: object) -> Match:
    return _yes_no(globs.any_matches(workload.namespace))


def _ask_cluster(globs: _Globs, workload: Workload, _: object) -> Match:
    return _yes_no(globs.any_matches(workload.cluster))


def _ask_label(globs: _Globs, workload: Workload, _: object) -> Match:
    return _ask_labels(globs, workload.labels)


def _ask_namespace_label(globs: _Globs, workload: Workload, _: object) -> Match:
    if isinstance(workload.namespace_labels, Lookup):
        return Match.UNKNOWN
    return _ask_labels(globs, workload.namespace_labels)


def _ask_labels(globs: _Globs, labels: dict[str, str]) -> Match:
    return _yes_no(any(globs.any_matches(f"{key}={value}") for key, value in labels.items()))


def _ask_deployment(globs: _Globs, workload: Workload, _: object) -> Match:
    if workload.kind == "Deployment":
        return _yes_no(globs.any_matches(workload.name))
    match workload.owners:
        case Lookup.FAILED:
            return Match.UNKNOWN
        case Lookup.ABSENT:
            return Match.NO
        case owners:
            names = (owner.name for owner in owners if owner.kind == "Deployment")
            return _yes_no(any(map(globs.any_matches, names)))


def _ask_workload(globs: _Globs, workload: Workload, _: object) -> Match:
    match workload.owners:
        case Lookup.FAILED:
            return Match.UNKNOWN
        case Lookup.ABSENT:
            return Match.NO
        case ():
            return _yes_no(globs.any_matches(f"{workload.kind}/{workload.name}"))
        case owners:
            return _yes_no(globs.any_matches(f"{owners[-1].kind}/{owners[-1].name}"))


def _ask_pod(globs: _Globs, workload: Workload, _: object) -> Match:
    if workload.pod_name:
        return _yes_no(globs.any_matches(workload.pod_name))
    prefix = workload.pod_name_prefix
    answers = {glob_matches_extensions(glob, prefix) for glob in globs.texts}
    if True in answers:
        return Match.YES
    return Match.DEFERRED if None in answers else Match.NO


def _ask_image(globs: _Globs, _: Workload, reference: ImageReference | None) -> Match:
    return Match.UNKNOWN if reference is None else _yes_no(globs.any_matches(reference.name))


def _ask_service_account(globs: _Globs, workload: Workload, _: object) -> Match:
    return _yes_no(globs.any_matches(workload.service_account))


_ASK: dict[MatcherType, Callable[[_Globs, Workload, ImageReference | None], Match]] = {
    MatcherType.NAMESPACE: _ask_namespace,
    MatcherType.CLUSTER: _ask_cluster,
    MatcherType.LABEL: _ask_label,
    MatcherType.NAMESPACE_LABEL: _ask_namespace_label,
    MatcherType.DEPLOYMENT: _ask_deployment,
    MatcherType.WORKLOAD: _ask_workload,
    MatcherType.POD: _ask_pod,
    MatcherType.IMAGE: _ask_image,
    MatcherType.SERVICE_ACCOUNT: _ask_service_account,
}


def _yes_no(condition: bool) -> Match:  # noqa: FBT001 the argument is the whole question
    return Match.YES if condition else Match.NO
