"""What an admission event says for the index, and what changes a rule's fingerprint."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from support.builders import NOW, deny
from tidegate.domain.errors import InvalidDigestError
from tidegate.domain.rule import (
    Action,
    Disposition,
    MatcherType,
    Rule,
    ScopeEntry,
    Thresholds,
    VulnerabilityExemption,
)
from tidegate.wire.admitted_v1 import (
    MAX_RULES_TOLD,
    AdmittedRowV1,
    AdmittedV1,
    BadV1,
    admissions_of,
    parse_row,
    rule_fingerprint,
)
from tidegate.wire.event_v1 import AdmissionEventV1, ImageRowV1

AT = "2026-11-23T12:00:00.000000Z"
DIGEST, INDEX = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
MARK = "0123456789abcdef" * 2


def row(**changes: Any) -> ImageRowV1:  # noqa: ANN401 any field
    made = ImageRowV1("a:1", "", "allow", "", "", digest=DIGEST, admitted_under=[MARK])
    return msgspec.structs.replace(made, **changes)


def event(image: ImageRowV1 | None = None, **changes: Any) -> AdmissionEventV1:  # noqa: ANN401
    made = AdmissionEventV1(
        "1",
        AT,
        "allow",
        "Deployment",
        "web",
        [image or row()],
        object_uid="u-web",
        operation="CREATE",
    )
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("given", "digest"),
    [
        pytest.param(event(), DIGEST, id="created"),
        pytest.param(event(operation="UPDATE", action="audit"), DIGEST, id="updated-with-warning"),
        pytest.param(event(row(resolved=INDEX)), INDEX, id="by-the-index"),
    ],
)
def test_an_owner_that_was_admitted_is_told(given: AdmissionEventV1, digest: str) -> None:
    told = admissions_of([given])
    assert told.admitted == [AdmittedV1("u-web", "Deployment", digest, [MARK], AT)]
    assert told.bad == []


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(event(origin="direct"), id="t10-asked-by-a-token"),
        pytest.param(event(origin="rejudged"), id="t10-runs-already"),
        pytest.param(event(action="deny"), id="t10-denied-for-another-image"),
        pytest.param(event(kind="Pod"), id="a-pod-owns-none"),
        pytest.param(event(operation="DELETE"), id="deleted"),
        pytest.param(event(subresource="scale"), id="of-a-subresource"),
        pytest.param(event(object_uid=""), id="without-uid"),
        pytest.param(event(object_uid="u" * 129), id="too-long-a-uid"),
        pytest.param(event(row(admitted_under=[])), id="t10-let-in-by-no-rule"),
        pytest.param(event(row(admitted_under=["../x"])), id="no-fingerprint"),
        pytest.param(event(row(admitted_under=[MARK] * (MAX_RULES_TOLD + 1))), id="too-many-rules"),
        pytest.param(event(row(digest="")), id="no-digest"),
        pytest.param(event(row(digest="sha256:x")), id="broken-digest"),
        pytest.param(event(time="yesterday"), id="no-time"),
    ],
)
def test_whatever_else_an_event_is_about_is_no_admission(given: AdmissionEventV1) -> None:
    assert admissions_of([given]).admitted == []


def pod(image: ImageRowV1, **changes: Any) -> AdmissionEventV1:  # noqa: ANN401 any field
    return event(image, **{"kind": "Pod", "owner_uids": ["u-rs", "u-web"]} | changes)


BAD = row(action="deny", admitted_under=[])


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(pod(BAD, action="deny", origin="rejudged"), id="judged-again"),
        pytest.param(pod(row(action="audit", reason="ReAdmitted"), action="audit"), id="came-back"),
        pytest.param(pod(BAD, action="deny"), id="stayed-out"),
    ],
)
def test_a_bad_image_is_told_for_each_owner(given: AdmissionEventV1) -> None:
    told = admissions_of([given])
    assert told.bad == [BadV1("u-rs", DIGEST, AT), BadV1("u-web", DIGEST, AT)]
    assert told.admitted == []


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(pod(row(action="allow")), id="allowed"),
        pytest.param(pod(row(action="audit", reason="BreakGlass")), id="broken-glass"),
        pytest.param(pod(row(action="deny", unanswered=True), origin="rejudged"), id="unanswered"),
        pytest.param(pod(BAD, origin="direct"), id="t10-asked-by-a-token"),
        pytest.param(pod(BAD, owner_uids=[]), id="owners-unknown"),
    ],
)
def test_whatever_else_a_verdict_is_it_starts_no_clock(given: AdmissionEventV1) -> None:
    assert admissions_of([given]).bad == []


RULE = deny()


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(RULE, name="other"), id="name"),
        pytest.param(deny(thresholds=Thresholds(high=1)), id="threshold"),
        pytest.param(deny(forbidden_ids=frozenset({"CVE-2024-0001"})), id="forbidden"),
        pytest.param(deny(block_unscanned=True), id="unscanned"),
        pytest.param(deny(on_stale=Disposition.VIOLATE), id="stale"),
        pytest.param(deny(max_age=timedelta(days=1)), id="age"),
        pytest.param(deny(unsupported_registries=frozenset()), id="registries"),
        pytest.param(
            replace(RULE, vulnerability_exemptions=(VulnerabilityExemption("CVE-2024-0001"),)),
            id="exemption",
        ),
    ],
)
def test_t10_a_changed_rule_is_another_one(changed: Rule) -> None:
    assert rule_fingerprint(changed) != rule_fingerprint(RULE)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(RULE, description="why", scope_name="where"), id="words"),
        pytest.param(replace(RULE, action=Action.AUDIT), id="action"),
        pytest.param(replace(RULE, scope=(ScopeEntry(MatcherType.NAMESPACE, ("a",)),)), id="scope"),
    ],
)
def test_words_place_and_consequence_change_no_rule(changed: Rule) -> None:
    assert rule_fingerprint(changed) == rule_fingerprint(RULE)


def test_a_row_is_read_as_it_was_written_and_without_rules_it_is_gone() -> None:
    found = parse_row(AdmittedRowV1("u-web", DIGEST, [MARK], AT, AT))
    assert found is not None
    assert (found.owner, found.digest, found.rules) == ("u-web", DIGEST, {MARK})
    assert (found.at, found.bad_since) == (NOW, NOW)
    assert parse_row(AdmittedRowV1("u-web", DIGEST)) is None


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        pytest.param(AdmittedRowV1("u", "x", [MARK], AT), InvalidDigestError, id="digest"),
        pytest.param(AdmittedRowV1("u", DIGEST, [MARK], ""), ValueError, id="no-time"),
        pytest.param(AdmittedRowV1("u", DIGEST, [MARK], AT[:-1]), ValueError, id="no-zone"),
        pytest.param(AdmittedRowV1("u", DIGEST, [MARK], AT, "x"), ValueError, id="end"),
    ],
)
def test_a_row_that_is_none_is_refused(broken: AdmittedRowV1, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_row(broken)
