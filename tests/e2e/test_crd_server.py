"""The real API server takes the CRD, refuses bad objects in words, stores only what parses."""

import copy
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tidegate.wire.policy_v1alpha1 import parse_policy_object

pytestmark = pytest.mark.e2e

Mapping = dict[str, Any]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]
Change = Callable[[Mapping], object]
CONFIGURATION: Mapping = {"maxAllowedSeverities": {"high": 0}}
FULL: Mapping = {
    "name": "Lab example",
    "enabled": True,
    "action": "deny",
    "description": "d",
    "scopeName": "s",
    "scope": [
        {"matcherType": "pod", "anyOf": ["*gate*"]},
        {"matcherType": "namespace", "anyOf": ["a", "b"], "operator": "NotIn"},
    ],
    "configuration": {
        "maxAllowedSeverities": {"critical": 0, "high": 0, "medium": 1, "low": 2, "unknown": 3},
        "blockUnscannedImages": True,
        "onStale": "violate",
        "onUnavailable": "violate",
        "maximumVaFileAge": "365d",
        "forbiddenCves": ["CVE-2024-3094"],
        "ignoredCves": ["CVE-1234-56789"],
        "exemptions": [
            {
                "type": "timeBased",
                "value": "CVE-2022-42004",
                "timeBound": {"endDate": "2026-12-03"},
                "reason": "fix scheduled",
                "addedBy": "someone",
            },
            {"type": "permanent", "matcherType": "namespace", "value": "kube-*"},
        ],
        "unsupportedRegistries": ["docker.io"],
    },
}


def made(change: Change | None = None, **spec: object) -> Mapping:
    entry = copy.deepcopy(FULL)
    if change:
        change(entry)
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": "schema-probe"},
        "spec": {"vulnerabilityAssessmentGatedDeployment": [entry], **spec},
    }


def exemption(**fields: object) -> Change:
    return lambda entry: entry["configuration"].update(exemptions=[fields])


def configured(**fields: object) -> Change:
    return lambda entry: entry["configuration"].update(fields)


def only(**fields: object) -> Change:
    return lambda entry: entry.update(configuration=fields)


REFUSED = [
    pytest.param(made(lambda e: e.update(action="block")), '"audit", "deny"', id="action"),
    pytest.param(made(lambda e: e.update(name="")), "name", id="no-name"),
    pytest.param(made(lambda e: e.update(name=" \u00a0\t")), "name", id="invisible-name"),
    pytest.param(made(lambda e: e.update(name="n" * 257)), "256", id="long-name"),
    pytest.param(made(lambda e: e.pop("configuration")), "Required", id="no-configuration"),
    pytest.param(made(only()), "the rule has no condition", id="no-condition"),
    pytest.param(
        made(only(maxAllowedSeverities={}, forbiddenCves=[], blockUnscannedImages=False)),
        "the rule has no condition",
        id="empty-conditions",
    ),
    pytest.param(made(configured(maxAllowedSeverities={"high": -1})), "equal to 0", id="negative"),
    pytest.param(made(configured(maxAllowedSeverities={"hihg": 1})), "unknown field", id="typo"),
    pytest.param(made(configured(maximumVaFileAge="0d")), "maximumVaFileAge", id="age-zero"),
    pytest.param(made(configured(maximumVaFileAge="1y")), "maximumVaFileAge", id="age-unit"),
    pytest.param(made(configured(onStale="allow")), '"violate", "ignore"', id="on-stale"),
    pytest.param(made(configured(ignoredCves=[" "])), "ignoredCves", id="blank-id"),
    pytest.param(made(configured(forbiddenCves=["C"] * 1001)), "1000", id="many-ids"),
    pytest.param(
        made(exemption(type="timeBased", value="CVE-1")), "needs timeBound.endDate", id="no-end"
    ),
    pytest.param(
        made(exemption(type="permanent", value="C", timeBound={"endDate": "2026-12-03"})),
        "has no timeBound",
        id="permanent-with-end",
    ),
    pytest.param(
        made(exemption(type="timeBased", value="C", timeBound={"endDate": "3 December"})),
        "endDate",
        id="end-in-words",
    ),
    pytest.param(
        made(exemption(type="permanent", value="x", matcherType="node")), "namespace", id="matcher"
    ),
    pytest.param(
        made(lambda e: e.update(scope=[{"matcherType": "pod", "anyOf": []}])), "1 item", id="any-of"
    ),
    pytest.param(
        made(lambda e: e.update(scope=[{"matcherType": "pod", "anyOf": [""]}])), "1 char", id="glob"
    ),
    pytest.param(
        made(lambda e: e.update(scope=[{"matcherType": "pod", "anyOf": ["*"], "operator": "Is"}])),
        '"In", "NotIn"',
        id="operator",
    ),
    pytest.param(made(gating=True), "must be of type string", id="bare-yaml-on"),
    pytest.param(made(evaluationMode="Best"), '"FirstMatch", "Strictest"', id="mode"),
    pytest.param(made(priority=-1), "priority", id="priority"),
    pytest.param(
        made() | {"spec": {"vulnerabilityAssessmentGatedDeployment": [FULL, FULL]}},
        "Duplicate value",
        id="duplicate-name",
    ),
    pytest.param(made() | {"spec": {}}, "Required value", id="no-rules"),
]


@pytest.mark.parametrize(("body", "said"), REFUSED)
def test_a_bad_object_is_refused_in_words(kubectl: Kubectl, body: Mapping, said: str) -> None:
    answer = kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(body))
    assert answer.returncode == 1
    assert said in answer.stderr


STORED = [
    pytest.param(made(), id="full"),
    pytest.param(made(only(blockUnscannedImages=True)), id="only-unscanned"),
    pytest.param(made(only(forbiddenCves=["x"])), id="only-forbidden"),
    pytest.param(made(only(maxAllowedSeverities={"unknown": 0})), id="only-unknown"),
    pytest.param(made(only(maxAllowedSeverities={"low": 1000000})), id="largest-limit"),
    pytest.param(made(configured(maximumVaFileAge="999999d")), id="largest-age"),
    pytest.param(made(lambda e: e.update(name="é漢\U0001f600" * 80)), id="unicode-name"),
    pytest.param(made(lambda e: e.update(scope=[])), id="everywhere"),
    pytest.param(made(configured(maxAllowedSeverities=None)), id="null-object"),
    pytest.param(made(configured(unsupportedRegistries=[])), id="no-unsupported"),
    pytest.param(made(priority=0, evaluationMode="Strictest", gating="Off"), id="modes"),
    pytest.param(made(reAdmission="Audit", policyLastEditTime="yesterday"), id="free-edit-time"),
    pytest.param(made() | {"spec": {"vulnerabilityAssessmentGatedDeployment": []}}, id="empty"),
    *(
        pytest.param(
            made(exemption(type="timeBased", value="CVE-1", timeBound={"endDate": end})), id=end
        )
        for end in (
            "2026-12-31",
            "0001-01-01",
            "2024-02-29",
            "2026-12-03T12:00",
            "2026-12-03 12:00:59Z",
            "2026-12-03T23:59:59.123456789+14:00",
            "2026-12-03T23:59:59-23:59",
        )
    ),
]


@pytest.mark.parametrize("body", STORED)
def test_what_the_server_stores_parses(kubectl: Kubectl, body: Mapping) -> None:
    arguments = ("create", "--dry-run=server", "-o", "json", "-f", "-")
    answer = kubectl(*arguments, stdin=json.dumps(body))
    assert answer.returncode == 0, answer.stderr
    parse_policy_object(answer.stdout.encode())


def test_a_number_with_a_fraction_of_zero_parses_as_stored(kubectl: Kubectl) -> None:
    body = json.dumps(made()).replace('"high": 0', '"high": 0.0')
    path = "/apis/tidegate.io/v1alpha1/securityartifactpolicies?dryRun=All"
    answer = kubectl("create", "--raw", path, "-f", "-", stdin=body)
    assert answer.returncode == 0, answer.stderr
    parse_policy_object(answer.stdout.encode())


def test_kubectl_explains_a_field(kubectl: Kubectl) -> None:
    path = "sap.spec.vulnerabilityAssessmentGatedDeployment.configuration.onUnavailable"
    answer = kubectl("explain", path)
    assert "onUnavailable says whether findings" in answer.stdout


def test_t10_an_admin_of_a_namespace_may_not_write_policies(kubectl: Kubectl) -> None:
    kubectl("create", "clusterrolebinding", "probe", "--clusterrole=admin", "--user=probe")
    try:
        answer = kubectl("auth", "can-i", "create", "sap", "--as=probe")
        other = kubectl("auth", "can-i", "create", "pods", "--as=probe")
    finally:
        kubectl("delete", "clusterrolebinding", "probe")
    assert answer.stdout.strip() == "no"
    assert other.stdout.strip() == "yes"
