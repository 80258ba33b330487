from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.strategies import rules
from tidegate.domain.errors import InvalidPolicyError, InvalidRuleError
from tidegate.domain.rule import (
    DEFAULT_UNSUPPORTED_REGISTRIES,
    Disposition,
    ResourceMatcher,
    Rule,
    default_rule,
    end_of_day,
)
from tidegate.wire.policy_v1alpha1 import (
    RuleV1,
    entry_of,
    parse_duration,
    parse_end_date,
    parse_policy_object,
    render_duration,
    rule_of,
    rules_of,
)


def policy(**rule: object) -> dict[str, Any]:
    entry = {
        "name": "Lab example",
        "action": "deny",
        "configuration": {"maxAllowedSeverities": {"high": 0}},
        **rule,
    }
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": "x", "managedFields": [{"manager": "kubectl"}]},
        "spec": {"vulnerabilityAssessmentGatedDeployment": [entry]},
        "status": {"conditions": []},
    }


def test_the_example_of_the_reference_is_understood() -> None:
    configuration = {
        "maxAllowedSeverities": {"high": 0},
        "blockUnscannedImages": True,
        "maximumVaFileAge": "365d",
        "ignoredCves": ["CVE-1234-56789"],
        "exemptions": [
            {
                "type": "timeBased",
                "value": "CVE-2022-42004",
                "timeBound": {"endDate": "2026-12-03"},
                "reason": "fix scheduled",
            },
            {"type": "permanent", "matcherType": "namespace", "value": "kube-*"},
        ],
        "unsupportedRegistries": ["Docker.io", "mcr.microsoft.com"],
    }
    (rule,) = rules_of(parse_policy_object(policy(configuration=configuration)))
    ignored, bound = rule.vulnerability_exemptions
    assert (ignored.vulnerability_id, ignored.expires_at) == ("CVE-1234-56789", None)
    assert bound.expires_at == datetime(2026, 12, 4, tzinfo=UTC)
    assert rule.resource_exemptions[0].matcher is ResourceMatcher.NAMESPACE
    assert rule.conditions.on_stale is Disposition.VIOLATE
    assert rule.conditions.on_unavailable is Disposition.VIOLATE
    assert rule.conditions.unsupported_registries == {"docker.io", "mcr.microsoft.com"}


def test_what_is_left_out_is_the_default() -> None:
    (rule,) = rules_of(parse_policy_object(policy()))
    assert rule.conditions.on_stale is Disposition.IGNORE
    assert rule.conditions.max_age == timedelta(days=365)
    assert rule.conditions.unsupported_registries == DEFAULT_UNSUPPORTED_REGISTRIES
    assert rule.enabled


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"action": "block"}, "action", id="unknown-action"),
        pytest.param({"configuration": {"maxAllowedSeverties": {}}}, "maxAllowedSeverties", id="misspelt"),
        pytest.param({"configuration": {}}, "no condition", id="no-condition"),
        pytest.param({"configuration": {"maxAllowedSeverities": {"high": -1}}}, "high", id="negative"),
        pytest.param({"configuration": {"maxAllowedSeverities": {"high": 1.5}}}, "high", id="fraction"),
        pytest.param({"scope": [{"matcherType": "pod", "anyOf": []}]}, "anyOf", id="empty-scope-entry"),
        pytest.param({"scope": [{"matcherType": "pods", "anyOf": ["x"]}]}, "matcherType", id="matcher"),
        pytest.param({"name": ""}, "name", id="no-name"),
        pytest.param({"configuration": {"maximumVaFileAge": "0d"}}, "duration", id="no-age"),
        pytest.param(
            {"configuration": {"blockUnscannedImages": True, "exemptions": [{"type": "timeBased", "value": "CVE-1"}]}},
            "endDate", id="time-based-without-end"),
        pytest.param(
            {"configuration": {"blockUnscannedImages": True, "exemptions": [
                {"type": "timeBased", "value": "CVE-1", "timeBound": {"endDate": "2026-02-31"}}]}},
            "endDate", id="no-such-day"),
        pytest.param(
            {"configuration": {"blockUnscannedImages": True, "exemptions": [
                {"type": "permanent", "value": "CVE-1", "timeBound": {"endDate": "2026-12-03"}}]}},
            "endDate", id="permanent-with-end"),
        pytest.param(
            {"configuration": {"blockUnscannedImages": True, "exemptions": [
                {"type": "permanent", "matcherType": "namespace", "value": ""}]}},
            "value", id="empty-exemption"),
    ],
)  # fmt: skip
def test_a_broken_object_is_refused_and_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidPolicyError, match=said):
        parse_policy_object(policy(**change))


def test_two_rules_of_one_name_are_refused() -> None:
    twice = policy()
    entries = twice["spec"]["vulnerabilityAssessmentGatedDeployment"]
    entries.append(entries[0])
    with pytest.raises(InvalidPolicyError, match="used twice: Lab example"):
        parse_policy_object(twice)


def ending_with_a_day(rule: Rule) -> Rule:
    """Objects write days, so only exemptions that end with one can survive."""

    def ended(exemptions: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            replace(e, expires_at=None if e.expires_at is None else end_of_day(e.expires_at))
            for e in exemptions
        )

    return replace(
        rule,
        vulnerability_exemptions=ended(rule.vulnerability_exemptions),
        resource_exemptions=ended(rule.resource_exemptions),
    )


@given(rules.map(ending_with_a_day))
def test_a_rule_survives_being_written_and_read(rule: Rule) -> None:
    again = rule_of(msgspec.json.decode(msgspec.json.encode(entry_of(rule)), type=RuleV1))
    assert set(again.vulnerability_exemptions) == set(rule.vulnerability_exemptions)
    unordered = {"vulnerability_exemptions": ()}
    assert replace(again, **unordered) == replace(rule, **unordered)


def test_the_default_rule_survives_it_too() -> None:
    assert rule_of(entry_of(default_rule())) == default_rule()


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("2026-12-03", datetime(2026, 12, 4, tzinfo=UTC)),
        ("2026-12-03T00:00:00Z", datetime(2026, 12, 4, tzinfo=UTC)),
        ("2026-12-03T23:59:59Z", datetime(2026, 12, 4, tzinfo=UTC)),
        ("2026-12-03T23:59:59-05:00", datetime(2026, 12, 5, tzinfo=UTC)),
        ("2026-12-03T12:00:00", datetime(2026, 12, 4, tzinfo=UTC)),
    ],
)
def test_an_end_date_is_a_whole_utc_day(text: str, ends: datetime) -> None:
    assert parse_end_date(text) == ends


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "9999-12-31", "2026-12-3"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidRuleError, match="endDate"):
        parse_end_date(text)


@given(st.integers(1, 900_000))
def test_durations_survive_being_written_and_read(minutes: int) -> None:
    duration = timedelta(minutes=minutes)
    assert parse_duration(render_duration(duration)) == duration
