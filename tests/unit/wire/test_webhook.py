import itertools

import pytest

from tidegate.wire.webhook import service_client, url_client, webhook_configuration

(WEBHOOK,) = webhook_configuration(url_client("https://127.0.0.1:1/admit", "Q0E="), "Fail")[
    "webhooks"
]
PAIRS = {
    (rule["apiGroups"][0], resource, operation)
    for rule in WEBHOOK["rules"]
    for resource, operation in itertools.product(rule["resources"], rule["operations"])
}


@pytest.mark.parametrize(
    ("group", "resource"),
    [
        ("", "pods"),
        ("", "replicationcontrollers"),
        ("apps", "replicasets"),
        ("apps", "deployments"),
        ("apps", "statefulsets"),
        ("apps", "daemonsets"),
        ("batch", "jobs"),
        ("batch", "cronjobs"),
    ],
)
def test_t10_every_kind_with_images_is_judged(group: str, resource: str) -> None:
    assert {(group, resource, "CREATE"), (group, resource, "UPDATE")} <= PAIRS


def test_t10_ephemeral_containers_are_judged_and_no_other_subresource() -> None:
    subresources = {pair for pair in PAIRS if "/" in pair[1]}
    assert subresources == {("", "pods/ephemeralcontainers", "UPDATE")}


def test_t10_namespaces_are_excluded_by_a_label_that_users_cannot_set() -> None:
    assert WEBHOOK["namespaceSelector"]["matchExpressions"] == [
        {
            "key": "kubernetes.io/metadata.name",
            "operator": "NotIn",
            "values": ["kube-system", "tidegate"],
        }
    ]
    assert "objectSelector" not in WEBHOOK


def test_a_gate_may_stand_behind_a_service() -> None:
    assert service_client("tidegate-gate", "Q0E=")["service"] == {
        "name": "tidegate-gate",
        "namespace": "tidegate",
        "path": "/admit",
        "port": 443,
    }


def test_updates_that_change_no_spec_stay_away_so_that_finalizers_go_on_without_a_gate() -> None:
    (condition,) = WEBHOOK["matchConditions"]
    assert condition["expression"] == (
        "request.operation != 'UPDATE' || object.spec != oldObject.spec"
    )
