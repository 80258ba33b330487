"""Boundary tables of the decision: each comparison on both sides and on the line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from support.builders import IMAGE, NOW, POD, deny, finding, report, verdict_of
from tidegate.domain.evidence import (
    Coverage,
    EcosystemCoverage,
    Missing,
    MissingReason,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.finding import VexMark, VexStatus
from tidegate.domain.rule import (
    Action,
    Disposition,
    EvaluationMode,
    MatcherType,
    Operator,
    ResourceExemption,
    ResourceMatcher,
    Rule,
    ScopeEntry,
    Thresholds,
    VulnerabilityExemption,
    end_of_day,
)
from tidegate.domain.severity import Severity
from tidegate.domain.verdict import Decision, Reason
from tidegate.domain.workload import Lookup, Owner, Workload

LAST_DAY = datetime(2026, 12, 3, tzinfo=UTC)
VIOLATE, IGNORE = Disposition.VIOLATE, Disposition.IGNORE
HIGH = finding()


@pytest.mark.parametrize(
    ("now", "denied"),
    [
        pytest.param(LAST_DAY - timedelta(days=1), False, id="the-day-before"),
        pytest.param(LAST_DAY, False, id="first-instant-of-the-last-day"),
        pytest.param(LAST_DAY + timedelta(hours=23, minutes=59, seconds=59, microseconds=999999),
                     False, id="last-microsecond-of-the-last-day"),
        pytest.param(LAST_DAY + timedelta(days=1), True, id="first-instant-after-it"),
        pytest.param(LAST_DAY + timedelta(days=1, microseconds=1), True, id="then-on"),
    ],
)  # fmt: skip
def test_an_exemption_holds_through_the_end_of_its_last_day_utc(
    now: datetime,
    denied: bool,  # noqa: FBT001
) -> None:
    expiry = end_of_day(LAST_DAY + timedelta(hours=9))
    for rule in (
        replace(deny(), vulnerability_exemptions=(VulnerabilityExemption(HIGH.vulnerability_id, expiry),)),
        replace(deny(), resource_exemptions=(ResourceExemption(ResourceMatcher.NAMESPACE, "default", expiry),)),
    ):  # fmt: skip
        fresh = replace(report(HIGH), sources=(replace(report().sources[0], scanned_at=now),))
        assert verdict_of(fresh, rule, now=now).allowed is not denied


@pytest.mark.parametrize(
    ("severity", "limits", "decision"),
    [
        pytest.param(Severity.HIGH, Thresholds(high=0), Decision.DENY, id="one-high-none-allowed"),
        pytest.param(Severity.HIGH, Thresholds(high=1), Decision.ALLOW, id="one-high-one-allowed"),
        pytest.param(Severity.CRITICAL, Thresholds(high=0), Decision.DENY, id="critical-counts-as-high"),
        pytest.param(Severity.CRITICAL, Thresholds(low=0), Decision.DENY, id="critical-counts-as-low"),
        pytest.param(Severity.HIGH, Thresholds(critical=0), Decision.ALLOW, id="high-is-not-critical"),
        pytest.param(Severity.MEDIUM, Thresholds(high=0), Decision.ALLOW, id="medium-is-below-high"),
        pytest.param(Severity.MEDIUM, Thresholds(medium=0), Decision.DENY, id="medium"),
        pytest.param(Severity.LOW, Thresholds(low=0), Decision.DENY, id="low"),
        pytest.param(Severity.LOW, Thresholds(medium=0), Decision.ALLOW, id="low-is-below-medium"),
        pytest.param(Severity.UNKNOWN, Thresholds(low=0), Decision.ALLOW, id="unknown-stands-apart"),
        pytest.param(Severity.UNKNOWN, Thresholds(unknown=0), Decision.DENY, id="unknown-limited"),
        pytest.param(Severity.UNKNOWN, Thresholds(unknown=1), Decision.ALLOW, id="unknown-within-limit"),
    ],
)  # fmt: skip
def test_thresholds_are_cumulative_and_exceeded_only_above_the_limit(
    severity: Severity, limits: Thresholds, decision: Decision
) -> None:
    verdict = verdict_of(report(finding(severity=severity)), deny(thresholds=limits))
    assert verdict.decision is decision


def test_the_first_threshold_exceeded_from_critical_down_is_reported() -> None:
    worst = finding("CVE-2024-0002", Severity.CRITICAL)
    rule = deny(thresholds=Thresholds(critical=0, high=0))
    (image,) = verdict_of(report(HIGH, worst), rule).images
    assert image.judgement is not None
    (violation,) = image.judgement.violations
    assert (violation.severity, violation.count) == (Severity.CRITICAL, 1)  # type: ignore[union-attr] # a CountExceeded, or this fails


@pytest.mark.parametrize(
    ("findings", "count"),
    [
        pytest.param([finding("CVE-2024-0001"), finding("CVE-2024-0001")], 1, id="same-id-twice"),
        pytest.param([finding("GHSA-1", aliases=("CVE-2024-0001",)), finding("CVE-2024-0001")], 1,
                     id="joined-by-cve-alias"),
        pytest.param([finding("GHSA-1"), finding("GHSA-2")], 2, id="two-own-ids"),
        pytest.param([finding("GHSA-1", aliases=("CVE-2024-0001", "CVE-2024-0002"))], 2,
                     id="a-record-of-two-cves-counts-twice"),
        pytest.param([finding("cve-2024-0001"), finding("CVE-2024-0001")], 1, id="case-folded"),
        pytest.param([finding("GHSA-1", Severity.LOW, ("CVE-2024-0001",)), finding("CVE-2024-0001")],
                     1, id="severities-join-to-the-highest"),
    ],
)  # fmt: skip
def test_distinct_vulnerabilities_are_counted(findings: list[object], count: int) -> None:
    full = report(*findings)  # type: ignore[arg-type] # findings, from the table
    assert verdict_of(full, deny(thresholds=Thresholds(high=count))).allowed
    assert not verdict_of(full, deny(thresholds=Thresholds(high=count - 1))).allowed


@pytest.mark.parametrize(
    ("exempted", "allowed"),
    [
        pytest.param("CVE-2024-0001", True, id="by-its-cve"),
        pytest.param("ghsa-1", True, id="by-its-own-id-in-another-case"),
        pytest.param("PYSEC-7", True, id="by-another-alias"),
        pytest.param("CVE-2024-9999", False, id="by-a-foreign-id"),
    ],
)
def test_a_vulnerability_exemption_matches_id_and_aliases(exempted: str, *, allowed: bool) -> None:
    found = finding("GHSA-1", aliases=("CVE-2024-0001", "PYSEC-7"))
    rule = replace(deny(), vulnerability_exemptions=(VulnerabilityExemption(exempted),))
    verdict = verdict_of(report(found), rule)
    assert verdict.allowed is allowed
    judgement = verdict.images[0].judgement
    assert judgement is not None
    assert bool(judgement.exempted) is allowed


def test_a_second_opinion_does_not_take_a_vulnerability_out_of_the_unknown_count() -> None:
    unrated, rated = finding(severity=Severity.UNKNOWN), finding(severity=Severity.LOW)
    rule = deny(thresholds=Thresholds(unknown=0))
    assert not verdict_of(report(unrated), rule).allowed
    assert not verdict_of(report(unrated, rated), rule).allowed


def test_exempting_one_cve_of_a_record_of_two_leaves_the_other() -> None:
    both = finding("GHSA-1", aliases=("CVE-2024-0001", "CVE-2024-0002"))
    rule = replace(deny(), vulnerability_exemptions=(VulnerabilityExemption("CVE-2024-0001"),))
    assert not verdict_of(report(both), rule).allowed


MARK = VexMark(VexStatus.NOT_AFFECTED, "component_not_present", "Example Inc", "vendor")


def test_what_a_trusted_statement_clears_counts_nowhere_and_travels_along() -> None:
    cleared = replace(finding(), not_affected=(MARK,))
    verdict = verdict_of(report(cleared, finding("CVE-2024-0002")), deny())
    judgement = verdict.images[0].judgement
    assert judgement is not None
    assert judgement.counts.high == 1
    assert judgement.not_affected == (cleared,)
    assert verdict_of(report(cleared), deny()).decision is Decision.ALLOW
    # Found again by who knows nothing of the statement, it counts.
    assert verdict_of(report(cleared, finding()), deny()).decision is Decision.DENY


def test_a_forbidden_cve_wins_over_a_trusted_statement_and_is_named() -> None:
    cleared = replace(finding(), not_affected=(MARK,))
    rule = deny(thresholds=Thresholds(), forbidden_ids=frozenset({"CVE-2024-0001"}))
    verdict = verdict_of(report(cleared), rule)
    assert (verdict.decision, verdict.images[0].reason) == (Decision.DENY, Reason.FORBIDDEN_CVE)
    judgement = verdict.images[0].judgement
    assert judgement is not None
    assert judgement.counted == (cleared,)


def test_a_forbidden_cve_wins_over_its_exemption() -> None:
    rule = replace(
        deny(thresholds=Thresholds(), forbidden_ids=frozenset({"CVE-2024-0001"})),
        vulnerability_exemptions=(VulnerabilityExemption("CVE-2024-0001"),),
    )
    (image,) = verdict_of(report(finding(severity=Severity.LOW)), rule).images
    assert (image.decision, image.reason) == (Decision.DENY, Reason.FORBIDDEN_CVE)


MISSING = Missing(MissingReason.NO_REPORT)
UNSOURCED = Coverage((EcosystemCoverage("Go", 4),))
NOT_UNDERSTOOD = Coverage((EcosystemCoverage("PyPI", 4, "OSV"),), ("1 jar known only by hash",))


@pytest.mark.parametrize(
    ("evidence", "conditions", "reason"),
    [
        pytest.param(MISSING, {}, None, id="missing-is-let-pass-by-default"),
        pytest.param(MISSING, {"block_unscanned": True}, Reason.MISSING_ARTIFACT, id="missing-blocked"),
        pytest.param(Missing(MissingReason.UNVERIFIABLE), {"block_unscanned": True},
                     Reason.UNVERIFIABLE_ARTIFACT, id="unverifiable-is-missing"),
        pytest.param(Missing(MissingReason.NOT_CONFIGURED), {"block_unscanned": True},
                     Reason.MISSING_ARTIFACT, id="unconfigured-registry-is-missing"),
        pytest.param(MISSING, {"block_unscanned": True,
                               "unsupported_registries": frozenset({"registry.example"})},
                     None, id="missing-of-an-unsupported-registry"),
        pytest.param(MISSING, {"block_unscanned": True,
                               "unsupported_registries": frozenset({"example", "a.registry.example"})},
                     Reason.MISSING_ARTIFACT, id="unsupported-is-an-exact-host"),
        pytest.param(report(HIGH), {"unsupported_registries": frozenset({"registry.example"})},
                     Reason.POLICY_EVALUATION, id="a-report-of-an-unsupported-registry-is-judged"),
        pytest.param(report(), {"block_unscanned": True}, None, id="clean-and-complete"),
        pytest.param(report(coverage=Coverage(())), {"block_unscanned": True},
                     Reason.INCOMPLETE_REPORT, id="no-package-recognised-is-not-clean"),
        pytest.param(report(coverage=UNSOURCED), {"block_unscanned": True},
                     Reason.INCOMPLETE_REPORT, id="packages-without-advisories-are-not-clean"),
        pytest.param(report(coverage=NOT_UNDERSTOOD), {"block_unscanned": True},
                     Reason.INCOMPLETE_REPORT, id="not-understood-is-not-clean"),
        pytest.param(report(coverage=UNSOURCED), {}, None, id="incomplete-passes-where-missing-does"),
        pytest.param(report(HIGH, coverage=UNSOURCED), {}, Reason.POLICY_EVALUATION,
                     id="findings-of-an-incomplete-report-count"),
        pytest.param(Unavailable(UnavailableReason.REGISTRY), {}, Reason.UNAVAILABLE,
                     id="unavailable-violates-by-default"),
        pytest.param(Unavailable(UnavailableReason.REGISTRY), {"on_unavailable": IGNORE}, None,
                     id="unavailable-ignored-where-written"),
        pytest.param(Unavailable(UnavailableReason.LIMITS), {"on_unavailable": IGNORE},
                     Reason.UNAVAILABLE, id="limits-violate-under-either"),
        pytest.param(Unavailable(UnavailableReason.INVALID_REFERENCE), {"on_unavailable": IGNORE},
                     Reason.UNAVAILABLE, id="an-unreadable-reference-violates-under-either"),
        pytest.param(report(age=timedelta(days=365)), {"on_stale": VIOLATE}, None,
                     id="exactly-as-old-as-allowed"),
        pytest.param(report(age=timedelta(days=365, microseconds=1)), {"on_stale": VIOLATE},
                     Reason.STALE_ARTIFACT, id="older-than-allowed"),
        pytest.param(report(age=timedelta(days=400)), {"on_stale": IGNORE}, None, id="stale-ignored"),
        pytest.param(report(HIGH, age=timedelta(days=400)), {"on_stale": IGNORE},
                     Reason.POLICY_EVALUATION, id="findings-of-an-ignored-stale-report-count"),
    ],
)  # fmt: skip
def test_each_state_of_evidence(
    evidence: Report | Missing | Unavailable, conditions: dict[str, object], reason: Reason | None
) -> None:
    (image,) = verdict_of(evidence, deny(**conditions)).images
    assert image.decision is (Decision.ALLOW if reason is None else Decision.DENY)
    assert reason is None or image.reason is reason


def test_violations_are_named_forbidden_counts_incomplete_stale() -> None:
    rule = deny(forbidden_ids=frozenset({"CVE-2024-0001"}), block_unscanned=True, on_stale=VIOLATE)
    evidence = report(HIGH, age=timedelta(days=400), coverage=UNSOURCED)
    judgement = verdict_of(evidence, rule).images[0].judgement
    assert judgement is not None
    assert [v.reason for v in judgement.violations] == [
        Reason.FORBIDDEN_CVE,
        Reason.POLICY_EVALUATION,
        Reason.INCOMPLETE_REPORT,
        Reason.STALE_ARTIFACT,
    ]


def audit(name: str = "audit", **conditions: object) -> Rule:
    return replace(deny(name, **conditions), action=Action.AUDIT)


@pytest.mark.parametrize(
    ("rules", "mode", "decision"),
    [
        pytest.param((audit(), deny()), EvaluationMode.FIRST_MATCH, Decision.AUDIT, id="first-decides"),
        pytest.param((audit(thresholds=Thresholds(critical=0)), deny()), EvaluationMode.FIRST_MATCH,
                     Decision.ALLOW, id="first-decides-also-without-violation"),
        pytest.param((replace(audit(), enabled=False), deny()), EvaluationMode.FIRST_MATCH,
                     Decision.DENY, id="disabled-rules-do-not-decide"),
        pytest.param((audit(), deny()), EvaluationMode.STRICTEST, Decision.DENY, id="strictest"),
        pytest.param((audit(thresholds=Thresholds(critical=0)), deny()), EvaluationMode.STRICTEST,
                     Decision.DENY, id="strictest-judges-all"),
        pytest.param((), EvaluationMode.FIRST_MATCH, Decision.ALLOW, id="no-rule"),
    ],
)  # fmt: skip
def test_which_rule_decides(
    rules: tuple[Rule, ...], mode: EvaluationMode, decision: Decision
) -> None:
    assert verdict_of(report(HIGH), *rules, mode=mode).decision is decision


def test_a_resource_exemption_hands_the_image_to_the_next_rule() -> None:
    exempting = replace(
        deny(), resource_exemptions=(ResourceExemption(ResourceMatcher.REPOSITORY, "team/*"),)
    )
    (image,) = verdict_of(report(HIGH), exempting, audit()).images
    assert image.decision is Decision.AUDIT
    (skipped,) = image.skipped
    assert skipped.rule.name == "deny"
    (alone,) = verdict_of(report(HIGH), exempting).images
    assert (alone.decision, alone.reason) == (Decision.ALLOW, Reason.RESOURCE_EXEMPTED)


WEB = Workload(
    kind="Pod",
    name="web-abc-xyz",
    namespace="prod",
    cluster="c1",
    labels={"app": "web"},
    namespace_labels={"tier": "gold"},
    service_account="robot",
    owners=(Owner("ReplicaSet", "web-abc"), Owner("Deployment", "web")),
    pod_name="web-abc-xyz",
)


@pytest.mark.parametrize(
    ("matcher", "value", "workload", "matches"),
    [
        pytest.param(MatcherType.NAMESPACE, "prod", WEB, True, id="namespace"),
        pytest.param(MatcherType.NAMESPACE, "pro", WEB, False, id="namespace-whole-string"),
        pytest.param(MatcherType.CLUSTER, "c*", WEB, True, id="cluster"),
        pytest.param(MatcherType.LABEL, "app=w*", WEB, True, id="label"),
        pytest.param(MatcherType.LABEL, "App=web", WEB, False, id="label-case"),
        pytest.param(MatcherType.NAMESPACE_LABEL, "tier=gold", WEB, True, id="namespace-label"),
        pytest.param(MatcherType.DEPLOYMENT, "web", WEB, True, id="deployment-of-a-pod"),
        pytest.param(MatcherType.DEPLOYMENT, "web-abc", WEB, False, id="replicaset-is-no-deployment"),
        pytest.param(MatcherType.WORKLOAD, "Deployment/web", WEB, True, id="top-most-owner"),
        pytest.param(MatcherType.WORKLOAD, "ReplicaSet/*", WEB, False, id="not-the-one-between"),
        pytest.param(MatcherType.WORKLOAD, "Pod/gate-1", POD, True, id="a-pod-is-its-own-top"),
        pytest.param(MatcherType.POD, "web-*", WEB, True, id="pod"),
        pytest.param(MatcherType.IMAGE, "registry.example/team/app", WEB, True, id="image"),
        pytest.param(MatcherType.IMAGE, "*/team/*", WEB, True, id="image-glob"),
        pytest.param(MatcherType.IMAGE, "registry.example/team", WEB, False, id="image-whole"),
        pytest.param(MatcherType.SERVICE_ACCOUNT, "robot", WEB, True, id="service-account"),
        pytest.param(MatcherType.DEPLOYMENT, "web", replace(WEB, owners=Lookup.ABSENT), False,
                     id="an-absent-owner-matches-nothing"),
    ],
)  # fmt: skip
def test_each_matcher_in_and_not_in(
    matcher: MatcherType, value: str, workload: Workload, *, matches: bool
) -> None:
    for operator, applies in ((Operator.IN, matches), (Operator.NOT_IN, not matches)):
        rule = replace(deny(), scope=(ScopeEntry(matcher, (value,), operator),))
        assert verdict_of(report(HIGH), rule, workload=workload).allowed is not applies


@pytest.mark.parametrize(
    "matcher", [MatcherType.DEPLOYMENT, MatcherType.WORKLOAD, MatcherType.NAMESPACE_LABEL]
)
@pytest.mark.parametrize("operator", list(Operator))
def test_a_failed_look_up_makes_the_image_unavailable_for_the_rule(
    matcher: MatcherType, operator: Operator
) -> None:
    rule = replace(deny(), scope=(ScopeEntry(matcher, ("x",), operator),))
    lost = replace(WEB, owners=Lookup.FAILED, namespace_labels=Lookup.FAILED)
    (image,) = verdict_of(report(), rule, workload=lost).images
    assert (image.decision, image.reason) == (Decision.DENY, Reason.UNAVAILABLE)


def test_an_unknown_scope_does_not_shield_an_image_from_a_stricter_rule_below() -> None:
    scope = (ScopeEntry(MatcherType.NAMESPACE_LABEL, ("tier=gold",)),)
    softer = replace(audit(), scope=scope)
    lost = replace(WEB, namespace_labels=Lookup.FAILED)
    assert verdict_of(report(HIGH), softer, deny(), workload=lost).decision is Decision.DENY


CONTROLLER = Workload(kind="Deployment", name="web", namespace="prod", pod_name_prefix="web-")


@pytest.mark.parametrize(
    ("glob", "decision", "deferred"),
    [
        pytest.param("web-*", Decision.DENY, False, id="every-pod-will-match"),
        pytest.param("*gate*", Decision.AUDIT, False, id="no-pod-can-match"),
        pytest.param("api-*", Decision.AUDIT, False, id="another-prefix"),
        pytest.param("*-x", Decision.ALLOW, True, id="its-pods-decide"),
    ],
)
def test_a_pod_matcher_on_a_controller(glob: str, decision: Decision, *, deferred: bool) -> None:
    rule = replace(deny(), scope=(ScopeEntry(MatcherType.POD, (glob,)),))
    (image,) = verdict_of(report(HIGH), rule, audit(), workload=CONTROLLER).images
    assert (image.decision, image.deferred) == (decision, deferred)


@pytest.mark.parametrize(
    ("matcher", "value", "exempt"),
    [
        pytest.param(ResourceMatcher.REGISTRY, "registry.example", True, id="registry"),
        pytest.param(ResourceMatcher.REGISTRY, "example", False, id="registry-whole"),
        pytest.param(ResourceMatcher.REPOSITORY, "team/app", True, id="repository-path"),
        pytest.param(ResourceMatcher.REPOSITORY, "registry.example/team/*", True, id="repository-name"),
        pytest.param(ResourceMatcher.IMAGE_DIGEST, "sha256:abab*", True, id="digest"),
        pytest.param(ResourceMatcher.IMAGE_DIGEST, "sha256:cd*", False, id="another-digest"),
        pytest.param(ResourceMatcher.DEPLOYMENT, "web", True, id="deployment"),
        pytest.param(ResourceMatcher.NAMESPACE, "prod", True, id="namespace"),
        pytest.param(ResourceMatcher.POD, "web-*", True, id="pod"),
        pytest.param(ResourceMatcher.POD, "web", False, id="pod-whole"),
    ],
)  # fmt: skip
def test_each_resource_exemption(matcher: ResourceMatcher, value: str, *, exempt: bool) -> None:
    rule = replace(deny(), resource_exemptions=(ResourceExemption(matcher, value),))
    assert verdict_of(report(HIGH), rule, workload=WEB).allowed is exempt


def test_a_host_is_compared_after_normalisation() -> None:
    rule = deny(block_unscanned=True, unsupported_registries=frozenset({"docker.io"}))
    assert verdict_of(MISSING, rule, image="nginx").allowed
    assert not verdict_of(MISSING, rule, image="quay.io/nginx").allowed
    assert verdict_of(MISSING, rule, image=IMAGE).images[0].reason is Reason.MISSING_ARTIFACT
    assert NOW.tzinfo is UTC
