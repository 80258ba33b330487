"""The hub's rules become one policy object, or as many as their size needs."""

import copy
from typing import Any

import msgspec
import pytest

from tidegate.agent.objects import is_as_wanted, render_objects
from tidegate.domain.errors import InvalidPolicyError
from tidegate.domain.rule import DEFAULT_RULE_NAME, EvaluationMode, default_rule
from tidegate.wire.hub_v1 import ClusterPolicyV1
from tidegate.wire.policy_merge import load_candidate, merge
from tidegate.wire.policy_v1alpha1 import HUB_OBJECT_NAME, RuleV1, entry_of

DEFAULT = entry_of(default_rule())


def rule(name: str, padding: int = 0) -> RuleV1:
    changed = msgspec.structs.replace(DEFAULT, name=name)
    ids = [f"{index:07}".ljust(127, "x") for index in range(padding // 130)]
    configuration = msgspec.structs.replace(changed.configuration, ignored_cves=ids)
    return msgspec.structs.replace(changed, configuration=configuration)


def policy(*rules: RuleV1, **fields: Any) -> ClusterPolicyV1:  # noqa: ANN401, any field
    facts: dict[str, Any] = {
        "generation": "g1",
        "evaluation_mode": EvaluationMode.FIRST_MATCH,
        "gating": "On",
        "edited_at": "2026-11-23T09:00:00Z",
    }
    return ClusterPolicyV1(rules=[*rules, DEFAULT], **(facts | fields))


def rule_names(objects: dict[str, Any]) -> list[str]:
    merged = merge(map(load_candidate, objects.values()), {}).policy
    return [rule.name for rule in merged.rules]


@pytest.mark.parametrize(
    ("rules", "objects"),
    [
        pytest.param([], 1, id="only-the-default-rule"),
        pytest.param([rule(f"{i:04}") for i in range(499)], 1, id="500-rules-with-the-default"),
        pytest.param([rule(f"{i:04}") for i in range(500)], 2, id="one-more"),
        pytest.param([rule(f"{i:04}", 100_000) for i in range(6)], 2, id="500-kib"),
    ],
)
def test_rules_are_split_in_order(rules: list[RuleV1], objects: int) -> None:
    rendered = render_objects(policy(*rules))
    assert list(rendered) == [HUB_OBJECT_NAME, f"{HUB_OBJECT_NAME}-2"][:objects]
    assert rule_names(rendered) == [*(r.name for r in rules), DEFAULT_RULE_NAME]
    assert [body["spec"]["priority"] for body in rendered.values()] == [500, 501][:objects]


def test_mode_gating_and_generation_travel() -> None:
    body = render_objects(policy(gating="Off", evaluation_mode=EvaluationMode.STRICTEST))
    merged = merge(map(load_candidate, body.values()), {}).policy
    assert (merged.gating_on, merged.mode) == (False, EvaluationMode.STRICTEST)
    metadata = body[HUB_OBJECT_NAME]["metadata"]
    assert metadata["annotations"] == {"tidegate.io/hub-generation": "g1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([rule("large", 600_000)], id="one-rule-over-500-kib"),
        pytest.param([rule(f"{i:05}") for i in range(10_000)], id="over-20-objects"),
        pytest.param([rule("twice"), rule("twice")], id="a-name-twice"),
    ],
)
def test_rules_that_cannot_be_written_are_refused(rules: list[RuleV1]) -> None:
    with pytest.raises(InvalidPolicyError):
        render_objects(policy(*rules))


@pytest.mark.parametrize(
    "drift",
    [
        pytest.param(lambda body: body["spec"].update(gating="Off"), id="field"),
        pytest.param(
            lambda body: body["spec"]["vulnerabilityAssessmentGatedDeployment"].reverse(),
            id="order",
        ),
        pytest.param(lambda body: body["spec"].update(extra=1), id="another-field"),
        pytest.param(lambda body: body["metadata"]["labels"].clear(), id="label"),
        pytest.param(lambda body: body["metadata"]["annotations"].clear(), id="generation"),
        pytest.param(lambda body: body.pop("spec"), id="no-spec"),
        pytest.param(lambda body: body["metadata"].update(labels=None), id="null-labels"),
    ],
)
def test_drift_is_seen(drift: Any) -> None:  # noqa: ANN401, a change in place
    wanted = render_objects(policy(rule("one")))[HUB_OBJECT_NAME]
    found = copy.deepcopy(dict(wanted))
    found["metadata"]["resourceVersion"] = "1"
    found["status"] = {"ruleCount": 2}
    assert is_as_wanted(found, wanted)
    drift(found)
    assert not is_as_wanted(found, wanted)
    assert not is_as_wanted(None, wanted)
