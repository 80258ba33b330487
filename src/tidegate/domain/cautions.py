"""What a rule means but may not intend: sentences for whoever writes or lists rules.

A caution changes no verdict and refuses nothing.
"""

from collections.abc import Iterator, Sequence

from tidegate.domain.finding import normalize_id
from tidegate.domain.rule import Action, Disposition, MatcherType, ResourceMatcher, Rule

CLAIMS = frozenset(
    {
        MatcherType.POD,
        MatcherType.DEPLOYMENT,
        MatcherType.WORKLOAD,
        MatcherType.LABEL,
        MatcherType.SERVICE_ACCOUNT,
    }
)
"""Matchers of what whoever writes the workload may write (PRODUCT, "Resource scope")."""

EXEMPTION_CLAIMS = frozenset({ResourceMatcher.POD, ResourceMatcher.DEPLOYMENT})


def cautions_of(rules: Sequence[Rule]) -> tuple[tuple[str, ...], ...]:
    """Return the cautions about each of `rules`, which are in order, highest priority first."""
    return tuple(
        (*_own(rule), *_about_claims(rule, rules[place + 1 :])) for place, rule in enumerate(rules)
    )


def _own(rule: Rule) -> Iterator[str]:
    conditions = rule.conditions
    if conditions.on_unavailable is Disposition.IGNORE:
        yield "onUnavailable is ignore: an image whose findings cannot be found out is let in"
    if rule.action is Action.DENY:
        if not conditions.thresholds.empty and conditions.thresholds.unknown is None:
            yield (
                "vulnerabilities of unknown severity are not limited; "
                "set maxAllowedSeverities.unknown to limit them"
            )
        if conditions.block_unscanned and conditions.unsupported_registries:
            hosts = ", ".join(sorted(conditions.unsupported_registries))
            yield f"unscanned images of {hosts} are let in, and anyone can push to public hosts"
    exempted = {normalize_id(e.vulnerability_id) for e in rule.vulnerability_exemptions}
    for both in sorted(conditions.forbidden_ids & exempted):
        yield f"{both} is forbidden and exempted; forbidden wins"


def _about_claims(rule: Rule, below: Sequence[Rule]) -> Iterator[str]:
    if not rule.enabled:
        return
    softens = rule.action is Action.AUDIT and any(
        other.enabled and other.action is Action.DENY for other in below
    )
    if softens and rule.scope and all(entry.matcher in CLAIMS for entry in rule.scope):
        yield (
            "stands above a deny rule and rests on names or labels alone: anyone who may create "
            "pods here can choose this rule; add a namespace or image to its scope"
        )
    if rule.action is Action.DENY:
        for exemption in rule.resource_exemptions:
            if exemption.matcher in EXEMPTION_CLAIMS:
                yield (
                    f"the exemption of {exemption.matcher} {exemption.value!r} rests on a name "
                    "alone: anyone who may create pods here can choose it"
                )
