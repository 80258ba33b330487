from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate.agent.status import event_of, status_of
from tidegate.wire.policy_merge import LoadReason, ObjectState, PolicyObject

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
EARLIER = "2026-11-22T09:00:00Z"
LOADED = ObjectState("a", LoadReason.LOADED, "0 rules are in force", PolicyObject("a", "c", ()), 4)
BROKEN = ObjectState("a", LoadReason.INVALID, "bad\nnews", None, 5)


def found(active: str = "", reason: str = "", message: str = "") -> dict[str, Any]:
    condition = {"type": "Active", "status": active, "reason": reason, "message": message}
    condition["lastTransitionTime"] = EARLIER
    status = {"status": {"conditions": [condition]}} if active else {}
    return {"metadata": {"name": "a", "uid": "u"}, **status}


def test_a_loaded_object_says_how_many_rules_are_in_force() -> None:
    assert status_of(LOADED, found(), NOW) == {
        "observedGeneration": 4,
        "ruleCount": 0,
        "conditions": [
            {
                "type": "Active",
                "status": "True",
                "reason": "Loaded",
                "message": "0 rules are in force",
                "lastTransitionTime": "2026-11-23T09:00:00Z",
                "observedGeneration": 4,
            }
        ],
    }


@pytest.mark.parametrize(
    ("before", "since"),
    [
        pytest.param(found("True", "Loaded"), EARLIER, id="still-active"),
        pytest.param(found("False", "Invalid"), "2026-11-23T09:00:00Z", id="newly-active"),
        pytest.param(
            {"metadata": {}, "status": {"conditions": None}}, "2026-11-23T09:00:00Z", id="odd"
        ),
    ],
)
def test_the_time_is_that_of_the_last_change(before: dict[str, Any], since: str) -> None:
    assert status_of(LOADED, before, NOW)["conditions"][0]["lastTransitionTime"] == since


def test_t24_a_message_has_no_control_characters() -> None:
    assert status_of(BROKEN, found(), NOW)["conditions"][0]["message"] == "badnews"


@pytest.mark.parametrize(
    ("state", "before", "told"),
    [
        pytest.param(BROKEN, found("True", "Loaded"), True, id="newly-broken"),
        pytest.param(BROKEN, found("False", "Invalid", "badnews"), False, id="told-before"),
        pytest.param(BROKEN, found("False", "Invalid", "else"), True, id="other-reason"),
        pytest.param(LOADED, found("False", "Invalid"), False, id="healed"),
    ],
)
def test_an_event_is_made_once(state: ObjectState, before: dict[str, Any], *, told: bool) -> None:
    assert (event_of(state, before, NOW) is not None) is told
