"""Events, rules and times in words."""

from datetime import UTC, datetime

import pytest

from tidegate.cli.event_words import describe_event, finding_rows, next_steps, tell_image, tell_rule
from tidegate.cli.explain import _tell_row
from tidegate.cli.gate import Response, Status
from tidegate.cli.moments import parse_since, short_moment
from tidegate.cli.rule_words import cloud_scope_words, describe_body, status_word
from tidegate.cli.run import denial
from tidegate.domain.errors import InputError
from tidegate.domain.rule import Action, Disposition, MatcherType, Operator, ResourceMatcher
from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1, FindingV1, ImageRowV1
from tidegate.wire.hub_v1 import CloudScopeV1, RuleRecordV1
from tidegate.wire.policy_v1alpha1 import (
    ConfigurationV1,
    ExemptionV1,
    MaxAllowedSeveritiesV1,
    RuleV1,
    ScopeEntryV1,
    TimeBoundV1,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def finding(
    identifier: str, name: str = "django", version: str = "3.2", fixed: str = "", *aliases: str
) -> FindingV1:
    return FindingV1(
        identifier, "high", f"pkg:pypi/{name}@{version}", name, version, fixed, list(aliases)
    )


RULE = RuleV1(
    "no high",
    Action.DENY,
    ConfigurationV1(
        max_allowed_severities=MaxAllowedSeveritiesV1(critical=0, high=3, unknown=1),
        block_unscanned_images=True,
        on_unavailable=Disposition.IGNORE,
        forbidden_cves=["CVE-2021-44228"],
        ignored_cves=["CVE-2020-1"],
        exemptions=[
            ExemptionV1(
                "timeBased",
                "CVE-2024-1",
                time_bound=TimeBoundV1("2026-12-03"),
                reason="fix scheduled",
                added_by="ann",
            ),
            ExemptionV1("permanent", "kube-*", matcher_type=ResourceMatcher.NAMESPACE),
        ],
    ),
    scope=[
        ScopeEntryV1(MatcherType.POD, ["*gate*", "x"]),
        ScopeEntryV1(MatcherType.NAMESPACE, ["dev"], Operator.NOT_IN),
    ],
)
ROW = ImageRowV1(
    image="localhost:5000/a/b:1",
    field_path="spec.containers[0].image",
    action="deny",
    reason="PolicyEvaluation",
    message="a/b: Image contains 3 high or higher CVEs",
    digest="sha256:00",
    rule="no high",
    rule_configuration=RULE,
    violation="High CVE: 3",
    counts=CountsV1(critical=1, high=2),
    evidence="report",
    scanned_at="2026-11-23T09:00:00.123456Z",
    evidence_source="feed",
    evidence_at="2026-11-23T11:59:00Z",
    findings=[
        finding("PYSEC-1", "django", "3.2", "3.2.9", "GHSA-x", "CVE-2022-0001"),
        finding("CVE-2022-0002", "django", "3.2", "3.2.13"),
        finding("CVE-2022-0003", "zlib", "1.0"),
    ],
    exempted=[
        FindingV1(
            "CVE-2020-1",
            "low",
            "pkg:pypi/x@1",
            "x",
            "1",
            exempted_by=["CVE-2020-1, until 2026: why"],
        )
    ],
)


def test_the_story_of_an_image_says_what_decided_and_why() -> None:
    told = "\n".join(tell_image(ROW))
    for text in (
        "sha256:00",
        "deny (PolicyEvaluation)",
        "High CVE: 3",
        "report, scanned 2026-11-23T09:00:00Z; by the feed of 2026-11-23T11:59:00Z",
        "critical: 1, high: 2",
        ROW.message,
    ):
        assert text in told
    assert next(iter(tell_rule(ROW))) == "Rule 'no high' (deny)"


def test_findings_go_by_the_id_that_people_know() -> None:
    assert [row[0] for row in finding_rows(ROW.findings, exempted=False)] == [
        "CVE-2022-0001",
        "CVE-2022-0002",
        "CVE-2022-0003",
    ]
    assert [row[4] for row in finding_rows(ROW.findings, exempted=False)] == [
        "3.2.9",
        "3.2.13",
        "no fix",
    ]
    assert [row[4] for row in finding_rows(ROW.exempted, exempted=True)] == [
        "CVE-2020-1, until 2026: why"
    ]


def test_what_a_trusted_statement_clears_is_explained_with_who_says_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cleared = finding("CVE-2024-0001", fixed="4.0")
    cleared.cleared_by = ["component_not_present, says Example Inc (vendor), 2026-11-20"]
    row = ImageRowV1(
        "r.example/a:1", "spec.containers[0].image", "allow", "PolicyEvaluation", "fine",
        not_affected=[cleared], not_affected_omitted=2,
    )  # fmt: skip
    _tell_row(row)
    told = capsys.readouterr().out
    assert "Not affected: 3\n" in told
    assert "CVE-2024-0001" in told
    assert "says Example Inc (vendor)" in " ".join(told.split())
    assert "and 2 more" in told
    assert "Counted" not in told


def test_next_steps_name_each_package_once_with_the_largest_fix() -> None:
    steps = list(next_steps(ROW))
    assert steps[0] == "upgrade django 3.2 to 3.2.13 or newer (fixes 2 of 2)"
    assert "no fix is known for 1 of the findings" in steps
    assert not any("zlib" in step for step in steps)


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ("missing", "tidegate scan localhost:5000/a/b@sha256:00 --attach"),
        ("stale", "scan the image again"),
        ("unavailable", "try again"),
    ],
)
def test_next_steps_without_findings(evidence: str, said: str) -> None:
    row = ImageRowV1(
        "localhost:5000/a/b:1", "spec", "audit", "x", "m", digest="sha256:00", evidence=evidence
    )
    assert said in "\n".join(next_steps(row))


def test_nothing_is_to_be_done_about_an_allowed_image() -> None:
    assert list(next_steps(ImageRowV1("a", "spec", "allow", "PolicyEvaluation", "fine"))) == []


def test_an_event_at_a_glance() -> None:
    event = AdmissionEventV1(
        "id-1",
        "2026-11-23T09:00:00Z",
        "deny",
        "Pod",
        "web",
        [ROW],
        namespace="shop",
        user="ann",
        operation="UPDATE",
        subresource="ephemeralcontainers",
        origin="direct",
    )
    text = "\n".join(describe_event(event))
    for said in (
        "id-1",
        "Pod/web",
        "shop",
        "ann",
        "UPDATE ephemeralcontainers",
        "direct",
        "localhost:5000/a/b:1: deny (PolicyEvaluation)",
        ROW.message,
    ):
        assert said in text


def test_a_rule_in_words() -> None:
    text = "\n".join(describe_body(RULE))
    for said in (
        "pod is *gate* or x and namespace is not dev", "at most 0 of severity critical", "at most 3 of severity high or higher",
        "at most 1 of severity unknown", "none of CVE-2021-44228", "except from docker.io, gcr.io, jfrog.io",
        "findings that cannot be read: ignore", "CVE-2020-1", "CVE-2024-1 through 2026-12-03: fix scheduled (ann)", "namespace kube-*",
    ):  # fmt: skip
        assert said in text


def test_a_rule_that_ignores_unavailable_findings_shows_it_in_every_list() -> None:
    record = RuleRecordV1(
        "1",
        1,
        RULE,
        CloudScopeV1(),
        is_default=False,
        updated_at="t",
        updated_by="ann",
        etag="e",
        warnings=["beware"],
    )
    assert status_word(record) == "Enabled, ignores unavailable findings, warnings: 1"
    assert cloud_scope_words(record.cloud_scope) == "all clusters"
    assert (
        cloud_scope_words(CloudScopeV1(clusters=["a*", "b"], labels=["x=y"]))
        == "cluster a*|b, label x=y"
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", "2026-11-23T11:30:00Z"), ("24h", "2026-11-22T12:00:00Z"), ("7d", "2026-11-16T12:00:00Z"), ("90s", "2026-11-23T11:58:30Z"),
        ("2026-11-01", "2026-11-01T00:00:00Z"), ("2026-11-01T02:00:00+02:00", "2026-11-01T00:00:00Z"), ("2026-11-01T10:00", "2026-11-01T10:00:00Z"),
    ],
)  # fmt: skip
def test_since_takes_how_long_ago_or_a_time(text: str, moment: str) -> None:
    assert parse_since(text, NOW) == moment


@pytest.mark.parametrize("text", ["yesterday", "1w", "999999d", "-1h", ""])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="30m, 24h or 7d"):
        parse_since(text, NOW)


def test_short_times_leave_other_text_alone() -> None:
    assert short_moment("2026-11-23T09:00:00.5Z") == "2026-11-23T09:00:00Z"
    assert short_moment("soon") == "soon"


@pytest.mark.parametrize(
    ("status", "printed"),
    [
        pytest.param(
            Status("too bad", "Forbidden"),
            'Error from server (Forbidden): admission webhook "gate.tidegate.io" denied the request: too bad',
            id="reason-and-message",
        ),
        pytest.param(
            Status("too bad", ""),
            'Error from server: admission webhook "gate.tidegate.io" denied the request: too bad',
            id="message",
        ),
        pytest.param(
            Status("", "Forbidden"),
            'Error from server (Forbidden): admission webhook "gate.tidegate.io" denied the request: Forbidden',
            id="reason",
        ),
        pytest.param(
            None,
            'Error from server: admission webhook "gate.tidegate.io" denied the request without explanation',
            id="nothing",
        ),
    ],
)
def test_a_denial_reads_as_kubectl_prints_it(status: Status | None, printed: str) -> None:
    assert denial(Response("uid", allowed=False, status=status)) == printed
