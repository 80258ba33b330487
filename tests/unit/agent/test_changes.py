"""What the hub changed in a cluster's rules is said in the cluster, in a sentence."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate.agent.changes import change_event, describe_change, describe_repair

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PREFIX = "Rules as the hub has them since 2026-11-23: "


def policy(*rules: str, gating: str = "On", action: str = "deny") -> dict[str, Any]:
    listed = [{"name": name, "action": action} for name in rules]
    spec = {"vulnerabilityAssessmentGatedDeployment": listed, "gating": gating}
    return {"metadata": {"uid": "u1"}, "spec": {**spec, "policyLastEditTime": "2026-11-23"}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param(None, policy("a"), "added 'a'; gating unset -> On", id="first"),
        pytest.param(policy("a"), policy("a", "b"), "added 'b'", id="added"),
        pytest.param(policy("a", "b"), policy("b"), "removed 'a'", id="removed"),
        pytest.param(policy("a"), policy("a", action="audit"), "changed 'a'", id="relaxed"),
        pytest.param(policy("a", "b"), policy("b", "a"), "order changed", id="moved"),
        pytest.param(policy("a"), policy("a", gating="Off"), "gating On -> Off", id="gating"),
        pytest.param(policy("a"), None, "removed 'a'; gating On -> unset", id="deleted"),
        pytest.param({"spec": "text"}, policy("a"), "added 'a'; gating unset -> On", id="mangled"),
        pytest.param(
            policy("a"),
            policy("a", *(f"r{n}" for n in range(7))),
            "added 'r0', 'r1', 'r2', 'r3', 'r4' and 2 more",
            id="many",
        ),
    ],
)
def test_t21_a_rule_change_is_named(before: Any, after: Any, said: str) -> None:  # noqa: ANN401, any object of the cluster
    assert describe_change(before, after) == PREFIX + said


def test_t21_the_event_is_about_the_policy_object() -> None:
    event = change_event("tidegate", policy("a"), policy("a\x1b[2J" + "x" * 5000), NOW)
    assert event["reason"] == "RulesChanged"
    assert event["involvedObject"]["uid"] == "u1"
    assert event["metadata"]["namespace"] == "default"
    assert "\x1b" not in event["message"]
    assert len(event["message"]) <= 1024


def test_t21_a_repair_says_what_was_put_back_and_warns() -> None:
    event = change_event("tidegate", policy(gating="Off"), policy("a"), NOW, drifted=True)
    assert (event["type"], event["reason"]) == ("Warning", "RulesRepaired")
    said = "Changed by somebody else than the hub, and put back: added 'a'; gating Off -> On"
    assert event["message"] == said
    assert describe_repair(policy("a"), policy("a")).endswith("its labels, annotations or times")
