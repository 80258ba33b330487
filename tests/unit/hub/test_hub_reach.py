"""The cloud scope decides which cluster gets which rule."""

import pytest

from tidegate.hub.reach import reaches
from tidegate.wire.hub_v1 import CloudScopeV1, ClusterV1

CLUSTER = ClusterV1(
    name="prod-eu-1",
    provider="aws",
    account="4711",
    labels={"env": "prod", "team": "pay"},
    enrolled_at="",
)


@pytest.mark.parametrize(
    ("scope", "reached"),
    [
        pytest.param(CloudScopeV1(), True, id="empty"),
        pytest.param(CloudScopeV1(providers=["aws"]), True, id="provider"),
        pytest.param(CloudScopeV1(providers=["azure", "gcp"]), False, id="other-providers"),
        pytest.param(CloudScopeV1(accounts=["4711"]), True, id="account"),
        pytest.param(CloudScopeV1(accounts=["471"]), False, id="account-is-whole"),
        pytest.param(CloudScopeV1(clusters=["prod-*"]), True, id="cluster-glob"),
        pytest.param(CloudScopeV1(clusters=["prod"]), False, id="cluster-is-whole"),
        pytest.param(CloudScopeV1(labels=["env=prod"]), True, id="label"),
        pytest.param(CloudScopeV1(labels=["env=dev", "team=*"]), True, id="any-of-the-labels"),
        pytest.param(CloudScopeV1(labels=["prod"]), False, id="label-without-key"),
        pytest.param(
            CloudScopeV1(providers=["aws"], clusters=["dev-*"]), False, id="all-lists-must-match"
        ),
    ],
)
def test_scope(scope: CloudScopeV1, *, reached: bool) -> None:
    assert reaches(scope, CLUSTER) is reached
