"""What somebody changes of the webhook configuration is seen, whatever it is."""

import copy
from typing import Any

import pytest

from tidegate.wire.webhook import service_client, webhook_configuration
from tidegate.wire.webhook_drift import (
    MAX_NAMED,
    describe_differences,
    differences,
    last_writer,
    repaired,
)

CHOSEN = webhook_configuration(service_client("tidegate-gate", "Q0E="), "Fail")
HOOK = "gate.tidegate.io"


def as_served(body: dict[str, Any]) -> dict[str, Any]:
    """Return `body` as an API server gives it back: with every default."""
    served = copy.deepcopy(body)
    for hook in served["webhooks"]:
        hook.setdefault("objectSelector", {})
        hook.setdefault("matchPolicy", "Equivalent")
    return served


def changed(field: str, value: Any) -> dict[str, Any]:  # noqa: ANN401, any field
    served = as_served(CHOSEN)
    where = served["webhooks"][0]
    *path, last = field.split(".")
    for part in path:
        where = where[part]
    where[last] = value
    return served


def test_as_the_api_server_writes_it_out_nothing_differs() -> None:
    assert differences(as_served(CHOSEN), CHOSEN) == []
    bare = copy.deepcopy(CHOSEN)
    for name in ("timeoutSeconds", "failurePolicy", "matchPolicy"):
        bare["webhooks"][0].pop(name)
    del bare["webhooks"][0]["clientConfig"]["service"]["port"]
    assert differences(as_served(CHOSEN), bare) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("failurePolicy", "Ignore", id="failure-policy"),
        pytest.param("timeoutSeconds", 1, id="timeout"),
        pytest.param("sideEffects", "Some", id="side-effects"),
        pytest.param("matchPolicy", "Exact", id="match-policy"),
        pytest.param("rules", CHOSEN["webhooks"][0]["rules"][1:], id="rules"),
        pytest.param("namespaceSelector", {}, id="namespaces"),
        pytest.param("objectSelector", {"matchLabels": {"a": "b"}}, id="objects"),
        pytest.param("matchConditions", [{"name": "n", "expression": "false"}], id="conditions"),
        pytest.param("admissionReviewVersions", ["v1beta1"], id="versions"),
        pytest.param("clientConfig.caBundle", "RVZJTA==", id="authority"),
        pytest.param("clientConfig.url", "https://elsewhere.example/", id="url"),
        pytest.param("newerField", True, id="unknown"),
    ],
)
def test_t13_a_field_that_differs_is_named_and_put_back(field: str, value: Any) -> None:  # noqa: ANN401
    found = changed(field, value)
    assert differences(found, CHOSEN) == [f"{HOOK}.{field}"]
    assert differences({"webhooks": repaired(found, CHOSEN)}, CHOSEN) == []


def test_t13_the_service_that_is_asked_is_compared() -> None:
    assert differences(changed("clientConfig.service.name", "other"), CHOSEN) == [
        f"{HOOK}.clientConfig.service"
    ]


@pytest.mark.parametrize(
    ("webhooks", "named"),
    [
        pytest.param([], [f"{HOOK} is missing"], id="none"),
        pytest.param(None, [f"{HOOK} is missing"], id="null"),
        pytest.param(
            [*as_served(CHOSEN)["webhooks"], {**as_served(CHOSEN)["webhooks"][0], "name": "x"}],
            ["x was added"],
            id="one-more",
        ),
        pytest.param(as_served(CHOSEN)["webhooks"] * 2, ["a webhook stands twice"], id="twice"),
    ],
)
def test_t13_webhooks_that_are_missing_or_added_are_named(webhooks: Any, named: list[str]) -> None:  # noqa: ANN401
    assert differences({"webhooks": webhooks}, CHOSEN) == named


def test_an_authority_that_others_write_is_left_to_them() -> None:
    chosen = copy.deepcopy(CHOSEN)
    del chosen["webhooks"][0]["clientConfig"]["caBundle"]
    injected = changed("clientConfig.caBundle", "SU5KRUNURUQ=")
    assert differences(injected, chosen) == []
    injected["webhooks"][0]["failurePolicy"] = "Ignore"
    (hook,) = repaired(injected, chosen)
    assert (hook["failurePolicy"], hook["clientConfig"]["caBundle"]) == ("Fail", "SU5KRUNURUQ=")


def test_many_differences_are_counted() -> None:
    named = [f"f{index}" for index in range(MAX_NAMED + 2)]
    assert describe_differences(named).endswith(f"f{MAX_NAMED - 1} and 2 more")


def test_who_wrote_last_is_who_did_and_not_the_agent() -> None:
    managed = [
        {"manager": "install", "time": "2026-11-23T09:00:00Z"},
        {"manager": "kubectl-edit", "time": "2026-11-23T10:00:00Z"},
        {"manager": "tidegate-agent", "time": "2026-11-23T11:00:00Z"},
    ]
    assert last_writer({"metadata": {"managedFields": managed}}, "tidegate-agent") == "kubectl-edit"
    assert last_writer({"metadata": {}}, "tidegate-agent") == ""
