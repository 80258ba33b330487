"""Re-admission: each condition, and what gets past the rules without it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from support.builders import DIGEST, IMAGE, NOW, POD, deny, finding, report
from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.digest import Digest
from tidegate.domain.evidence import (
    Coverage,
    ImageEvidence,
    Missing,
    MissingReason,
    PlatformEvidence,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.explain import sentence, warnings
from tidegate.domain.re_admission import PERIOD, Admitted, is_own_controller, re_admit
from tidegate.domain.reference import parse_reference
from tidegate.domain.rule import (
    Disposition,
    EvaluationMode,
    Policy,
    Rule,
    Thresholds,
    VulnerabilityExemption,
)
from tidegate.domain.scope import compile_policy
from tidegate.domain.severity import Severity
from tidegate.domain.verdict import Decision, Reason, Verdict
from tidegate.domain.workload import ControllerReference, ImageUse

OTHER = Digest("sha256:" + "cd" * 32)
ENTRY = Admitted("u-web", DIGEST, frozenset({"deny"}), NOW - timedelta(days=3))
TICK = timedelta.resolution
BAD = report(finding())
USE = ImageUse("spec.containers[0].image", IMAGE, "app")


def image_of(*platforms: PlatformEvidence, digest: Digest | None = DIGEST) -> JudgedImage:
    evidence = ImageEvidence(digest, platforms)
    return JudgedImage(USE, parse_reference(IMAGE), evidence)


def judged(evidence: Report | Missing | Unavailable) -> JudgedImage:
    return JudgedImage(USE, parse_reference(IMAGE), ImageEvidence.of(evidence, DIGEST))


def verdict_of(
    *images: JudgedImage, rules: tuple[Rule, ...] = (deny(),), strictest: bool = False
) -> Verdict:
    mode = EvaluationMode.STRICTEST if strictest else EvaluationMode.FIRST_MATCH
    return decide(compile_policy(Policy(rules=rules, mode=mode)), POD, images, NOW)


def decided(verdict: Verdict, *entries: Admitted) -> Verdict:
    known: dict[Digest, list[Admitted]] = {}
    for entry in entries:
        known.setdefault(entry.digest, []).append(entry)
    return re_admit(verdict, known, lambda rule: rule.name, NOW)


@pytest.mark.parametrize(
    ("entry", "decision"),
    [
        pytest.param(ENTRY, Decision.AUDIT, id="admitted-with-this-image-by-this-rule"),
        pytest.param(replace(ENTRY, digest=OTHER), Decision.DENY, id="t10-another-image"),
        pytest.param(replace(ENTRY, rules=frozenset({"x"})), Decision.DENY, id="t10-another-rule"),
        pytest.param(replace(ENTRY, rules=frozenset()), Decision.DENY, id="t10-no-rule"),
        pytest.param(
            replace(ENTRY, rules=frozenset({"x", "deny"})), Decision.AUDIT, id="this-rule-and-more"
        ),
        pytest.param(
            replace(ENTRY, bad_since=NOW - PERIOD + TICK), Decision.AUDIT, id="the-last-instant"
        ),
        pytest.param(replace(ENTRY, bad_since=NOW - PERIOD), Decision.DENY, id="t10-its-time-ended"),
    ],
)  # fmt: skip
def test_a_pod_comes_back_by_the_entry_of_its_owner(entry: Admitted, decision: Decision) -> None:
    assert decided(verdict_of(judged(BAD)), entry).decision is decision


def test_without_an_entry_the_pod_stays_out() -> None:
    verdict = verdict_of(judged(BAD))
    assert decided(verdict) is verdict


def test_one_of_several_owners_suffices() -> None:
    ended = replace(ENTRY, owner="u-rs", bad_since=NOW - PERIOD)
    assert decided(verdict_of(judged(BAD)), ended, ENTRY).allowed


@pytest.mark.parametrize(
    ("evidence", "conditions"),
    [
        pytest.param(BAD, {"forbidden_ids": frozenset({"CVE-2024-0001"})}, id="t10-forbidden-too"),
        pytest.param(
            report(finding(severity=Severity.LOW)),
            {"forbidden_ids": frozenset({"CVE-2024-0001"})},
            id="t10-forbidden-alone",
        ),
        pytest.param(
            report(finding(), coverage=Coverage(())), {"block_unscanned": True}, id="t10-incomplete"
        ),
        pytest.param(
            report(finding(), age=timedelta(days=400)),
            {"on_stale": Disposition.VIOLATE},
            id="t10-stale",
        ),
        pytest.param(report(finding(), age=timedelta(days=400)), {}, id="t10-stale-and-let-pass"),
        pytest.param(Missing(MissingReason.NO_REPORT), {"block_unscanned": True}, id="t10-missing"),
        pytest.param(
            Missing(MissingReason.UNVERIFIABLE), {"block_unscanned": True}, id="t10-unverifiable"
        ),
        pytest.param(Unavailable(UnavailableReason.REGISTRY), {}, id="t10-unavailable"),
        pytest.param(Unavailable(UnavailableReason.LIMITS), {}, id="t10-limits"),
    ],
)
def test_nothing_but_counts_of_a_report_lets_it_back(
    evidence: Report | Missing | Unavailable, conditions: dict[str, object]
) -> None:
    verdict = verdict_of(judged(evidence), rules=(deny(**conditions),))
    assert not verdict.allowed
    assert not decided(verdict, ENTRY).allowed


def test_t10_what_denies_on_another_platform_counts_too() -> None:
    worse = report(finding(), finding("CVE-2024-0002"))
    two = image_of(
        PlatformEvidence("linux/amd64", OTHER, worse),
        PlatformEvidence("linux/arm64", OTHER, Unavailable(UnavailableReason.REGISTRY)),
    )
    verdict = verdict_of(two)
    assert verdict.images[0].judgement is not None
    assert verdict.images[0].judgement.platform == "linux/amd64"
    assert not decided(verdict, ENTRY).allowed


def test_t10_what_another_rule_denies_counts_too() -> None:
    forbids = deny("forbids", thresholds=Thresholds(), forbidden_ids=frozenset({"CVE-2024-0001"}))
    verdict = verdict_of(judged(BAD), rules=(deny("deny"), forbids), strictest=True)
    both = replace(ENTRY, rules=frozenset({"deny", "forbids"}))
    assert verdict.images[0].reason is Reason.POLICY_EVALUATION
    assert not decided(verdict, both).allowed


def test_several_rules_let_it_back_where_each_let_it_in() -> None:
    verdict = verdict_of(judged(BAD), rules=(deny("deny"), deny("too")), strictest=True)
    assert not decided(verdict, ENTRY).allowed
    assert decided(verdict, replace(ENTRY, rules=frozenset({"deny", "too"}))).allowed


@pytest.mark.parametrize(
    ("identifier", "ends_at", "decision"),
    [
        pytest.param("cve-2024-0001", NOW, Decision.DENY, id="t10-ended-since"),
        pytest.param("CVE-2024-0001", ENTRY.at, Decision.AUDIT, id="ended-before"),
        pytest.param("CVE-2024-0002", NOW, Decision.AUDIT, id="of-another-vulnerability"),
    ],
)
def test_the_end_of_an_exemption_is_no_later_finding(
    identifier: str, ends_at: object, decision: Decision
) -> None:
    exemption = VulnerabilityExemption(identifier, ends_at)  # type: ignore[arg-type] # a datetime
    rule = replace(deny(), vulnerability_exemptions=(exemption,))
    assert decided(verdict_of(judged(BAD), rules=(rule,)), ENTRY).decision is decision


def test_an_image_whose_digest_is_not_known_stays_out() -> None:
    verdict = verdict_of(image_of(PlatformEvidence("", None, BAD), digest=None))
    assert not decided(verdict, ENTRY).allowed


def test_a_pod_with_an_image_that_stays_out_is_denied_as_it_was() -> None:
    fresh = JudgedImage(USE, parse_reference(IMAGE), ImageEvidence.of(BAD, OTHER))
    verdict = verdict_of(judged(BAD), fresh)
    assert decided(verdict, ENTRY) is verdict
    assert decided(verdict, ENTRY, replace(ENTRY, digest=OTHER)).allowed


def test_what_no_rule_denies_is_left_as_it_is() -> None:
    verdict = verdict_of(judged(report()))
    assert decided(verdict, ENTRY) == verdict


CONTROLLER = "system:serviceaccount:kube-system:"


@pytest.mark.parametrize(
    ("user", "version", "kind", "own"),
    [
        pytest.param(f"{CONTROLLER}replicaset-controller", "apps/v1", "ReplicaSet", True, id="rs"),
        pytest.param(f"{CONTROLLER}statefulset-controller", "apps/v1", "StatefulSet", True, id="st"),
        pytest.param(f"{CONTROLLER}daemon-set-controller", "apps/v1", "DaemonSet", True, id="ds"),
        pytest.param(f"{CONTROLLER}job-controller", "batch/v1", "Job", True, id="job"),
        pytest.param(
            f"{CONTROLLER}replication-controller", "v1", "ReplicationController", True, id="rc"
        ),
        pytest.param("system:kube-controller-manager", "apps/v1", "ReplicaSet", True, id="shared"),
        pytest.param("alice", "apps/v1", "ReplicaSet", False, id="t10-a-user"),
        pytest.param("", "apps/v1", "ReplicaSet", False, id="t10-nobody"),
        pytest.param(
            f"{CONTROLLER}job-controller", "apps/v1", "ReplicaSet", False, id="t10-another-kinds"
        ),
        pytest.param(
            "system:serviceaccount:shop:replicaset-controller",
            "apps/v1",
            "ReplicaSet",
            False,
            id="t10-of-another-namespace",
        ),
        pytest.param(
            "system:kube-controller-manager", "argoproj.io/v1", "ReplicaSet", False, id="t10-foreign"
        ),
        pytest.param(
            "system:kube-controller-manager", "apps/v1", "Deployment", False, id="makes-no-pods"
        ),
    ],
)  # fmt: skip
def test_only_the_controller_of_the_owners_kind_makes_own_pods(
    user: str, version: str, kind: str, *, own: bool
) -> None:
    assert is_own_controller(user, ControllerReference(version, kind, "web", "u")) is own


def test_the_words_tell_the_violation_the_admission_and_the_end() -> None:
    entry = replace(ENTRY, bad_since=NOW - timedelta(days=1))
    (image,) = decided(verdict_of(judged(BAD)), entry).images
    assert image.reason is Reason.RE_ADMITTED
    assert sentence(image).endswith(
        "Image contains 1 high or higher CVEs, which is more than the allowed count of: 0; its "
        "workload was admitted with it at 2026-11-20T12:00Z, so that its own pods may come back "
        "until 2026-12-06T12:00Z"
    )


@pytest.mark.parametrize("length", [1, 40, 256])
def test_the_warning_keeps_its_counts_and_fits(length: int) -> None:
    rule = deny("r" * length)
    entry = replace(ENTRY, rules=frozenset({rule.name}))
    (line,) = warnings(decided(verdict_of(judged(BAD), rules=(rule,)), entry))
    assert len(line) <= 256
    assert "Image contains 1 high or higher CVEs" in line
    assert line.endswith("(deny), own pods come back until 2026-12-07")
