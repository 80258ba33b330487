"""The reference system's policy objects."""

from typing import Any

import pytest
from msgspec import UNSET

from tidegate.domain.errors import InvalidPolicyError
from tidegate.domain.rule import Action, MatcherType
from tidegate.wire.policy_defender_v1alpha3 import convert_policy_object
from tidegate.wire.policy_v1alpha1 import rule_of

# As the lab's screenshot shows it (exercise 4, `kubectl get securityartifactpolicies -o json`).
RULE: dict[str, Any] = {
    "action": "deny",
    "configuration": {
        "blockUnscannedImages": True,
        "exemptions": [],
        "forbiddenCves": [],
        "ignoredCves": ["CVE-1234-56789"],
        "maxAllowedSeverities": {"high": 0},
        "maximumVaFileAge": "365d",
        "unsupportedRegistries": [
            "mcr.microsoft.com",
            "docker.io",
            "public.ecr.aws",
            "gcr.io",
            "jfrog.io",
        ],
    },
    "name": "MDC Lab Example",
    "scope": [{"anyOf": ["*gate*"], "matcherType": "pod"}],
}


def an_object(*rules: object, **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "defender.microsoft.com/v1alpha3",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"annotations": {"updatetime": "12/02/2025 21:46:56"}, "generation": 8, "name": "mdc-vulnerability-assessment-policy"},
        "spec": {"policyLastEditTime": "2025-12-02T21:46:47.000000+00:00", "vulnerabilityAssessmentGatedDeployment": list(rules), **spec},
    }  # fmt: skip


def changed(path: str, value: object) -> dict[str, Any]:
    """RULE with another value at a dotted path."""
    *parents, last = path.split(".")
    rule: dict[str, Any] = {**RULE, "configuration": {**RULE["configuration"]}}
    place = rule
    for parent in parents:
        place = place[parent]
    place[last] = value
    return rule


def test_the_labs_object_becomes_our_rule_without_a_warning() -> None:
    imported = convert_policy_object(an_object(RULE))
    assert imported.warnings == ()
    (entry,) = imported.rules
    rule = rule_of(entry)
    assert (rule.name, rule.action, rule.enabled) == ("MDC Lab Example", Action.DENY, True)
    assert [(s.matcher, s.any_of) for s in rule.scope] == [(MatcherType.POD, ("*gate*",))]
    assert rule.conditions.thresholds.high == 0
    assert rule.conditions.block_unscanned
    assert [e.vulnerability_id for e in rule.vulnerability_exemptions] == ["CVE-1234-56789"]


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("severityOverride", 1, "[0].severityOverride"),
        ("configuration.gracePeriod", "3d", "[0].configuration.gracePeriod"),
        ("configuration.maxAllowedSeverities", {"high": 0, "kev": 1}, "[0].configuration.maxAllowedSeverities.kev"),
        ("scope", [{"anyOf": ["a"], "matcherType": "pod", "noneOf": ["b"]}], "[0].scope[0].noneOf"),
        ("configuration.exemptions", [{"type": "permanent", "value": "CVE-2024-1", "owner": "x"}], "[0].configuration.exemptions[0].owner"),
        ("configuration.exemptions", [{"type": "timeBased", "value": "CVE-2024-1", "timeBound": {"endDate": "2026-12-03", "startDate": "2026-01-01"}}], "[0].configuration.exemptions[0].timeBound.startDate"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_left_out_and_named(path: str, value: object, place: str) -> None:
    imported = convert_policy_object(an_object(changed(path, value)))
    assert imported.warnings == (
        f"spec.vulnerabilityAssessmentGatedDeployment{place}: not known here, left out",
    )
    rule_of(imported.rules[0])


def test_an_unknown_field_beside_the_rules_is_named() -> None:
    imported = convert_policy_object(an_object(RULE, secretScanGatedDeployment=[]))
    assert imported.warnings == ("spec.secretScanGatedDeployment: not known here, left out",)


def test_null_is_absent() -> None:
    rule = changed("configuration.unsupportedRegistries", None)
    rule = {**rule, "scope": None, "somethingNew": None}
    imported = convert_policy_object(an_object(rule))
    assert imported.warnings == ()
    assert imported.rules[0].scope == []
    assert imported.rules[0].configuration.unsupported_registries is UNSET


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(
            {"apiVersion": "tidegate.io/v1alpha1", "kind": "SecurityArtifactPolicy"},
            "want defender",
            id="ours",
        ),
        pytest.param({}, "got an object 'None None'", id="empty"),
        pytest.param(an_object("x"), "want an object", id="rule-is-text"),
        pytest.param(
            an_object(changed("configuration", [])),
            "configuration is a list",
            id="configuration-is-a-list",
        ),
        pytest.param(an_object(changed("scope", {})), "scope is a dict", id="scope-is-an-object"),
        pytest.param(
            an_object(changed("action", "warn")),
            r"\[0\]: Invalid enum value 'warn'",
            id="unknown-action",
        ),
        pytest.param(an_object({**RULE, "configuration": {}}), "no condition", id="no-condition"),
        pytest.param(
            an_object(
                changed("configuration.exemptions", [{"type": "timeBased", "value": "CVE-1"}])
            ),
            "endDate",
            id="no-end",
        ),
        pytest.param(
            an_object(changed("configuration.maximumVaFileAge", "1y")), "maximumVaFileAge", id="age"
        ),
    ],
)
def test_what_means_nothing_is_refused_by_name(body: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidPolicyError, match=why):
        convert_policy_object(body)
