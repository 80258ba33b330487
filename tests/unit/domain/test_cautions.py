"""Cautions name what a rule means but may not intend, and nothing else."""

import pytest

from tidegate.domain.cautions import cautions_of
from tidegate.domain.rule import (
    Action,
    Conditions,
    Disposition,
    MatcherType,
    ResourceExemption,
    ResourceMatcher,
    Rule,
    ScopeEntry,
    Thresholds,
    VulnerabilityExemption,
    default_rule,
)

STRICT = Conditions(thresholds=Thresholds(high=0, unknown=0))
DENY = Rule("deny", Action.DENY, STRICT)
POD = ScopeEntry(MatcherType.POD, ("gate-*",))
NAMESPACE = ScopeEntry(MatcherType.NAMESPACE, ("lab",))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        pytest.param([default_rule()], "", id="default-rule"),
        pytest.param([DENY], "", id="nothing-to-say"),
        pytest.param(
            [Rule("r", Action.DENY, Conditions(Thresholds(high=0)))],
            "unknown severity",
            id="unknown-not-limited",
        ),
        pytest.param(
            [Rule("r", Action.DENY, Conditions(block_unscanned=True))],
            "docker.io",
            id="public-registries",
        ),
        pytest.param(
            [
                Rule(
                    "r",
                    Action.DENY,
                    Conditions(block_unscanned=True, unsupported_registries=frozenset()),
                )
            ],
            "",
            id="no-registry-excepted",
        ),
        pytest.param(
            [
                Rule(
                    "r",
                    Action.AUDIT,
                    Conditions(Thresholds(high=0), on_unavailable=Disposition.IGNORE),
                )
            ],
            "onUnavailable is ignore",
            id="ignores-unavailable",
        ),
        pytest.param(
            [
                Rule(
                    "r",
                    Action.DENY,
                    Conditions(forbidden_ids=frozenset({"CVE-2024-3094"})),
                    vulnerability_exemptions=(VulnerabilityExemption("cve-2024-3094"),),
                )
            ],
            "CVE-2024-3094 is forbidden and exempted",
            id="forbidden-and-exempted",
        ),
        pytest.param(
            [Rule("r", Action.AUDIT, STRICT, scope=(POD,)), DENY],
            "anyone who may create pods",
            id="audit-by-claim-above-deny",
        ),
        pytest.param([Rule("r", Action.AUDIT, STRICT, scope=(POD,))], "", id="no-deny-below"),
        pytest.param(
            [Rule("r", Action.AUDIT, STRICT, scope=(POD, NAMESPACE)), DENY],
            "",
            id="claim-within-a-namespace",
        ),
        pytest.param(
            [Rule("r", Action.AUDIT, STRICT, scope=(POD,), enabled=False), DENY],
            "",
            id="disabled",
        ),
        pytest.param(
            [
                Rule(
                    "r",
                    Action.DENY,
                    STRICT,
                    resource_exemptions=(ResourceExemption(ResourceMatcher.POD, "x*"),),
                )
            ],
            "the exemption of pod 'x*'",
            id="exemption-by-claim",
        ),
    ],
)
def test_first_rules_cautions(rules: list[Rule], said: str) -> None:
    first, *_ = cautions_of(rules)
    assert (said in " ".join(first)) if said else not first
