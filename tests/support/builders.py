"""Short ways to make domain values in tests."""

from datetime import UTC, datetime, timedelta

from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.digest import Digest
from tidegate.domain.evidence import (
    Coverage,
    EcosystemCoverage,
    ImageEvidence,
    Missing,
    Report,
    ReportSource,
    Unavailable,
)
from tidegate.domain.finding import Finding
from tidegate.domain.reference import parse_reference
from tidegate.domain.rule import Action, Conditions, EvaluationMode, Policy, Rule, Thresholds
from tidegate.domain.scope import compile_policy
from tidegate.domain.severity import Severity
from tidegate.domain.verdict import Verdict
from tidegate.domain.workload import ImageUse, Workload

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DIGEST = Digest("sha256:" + "ab" * 32)
COMPLETE = Coverage((EcosystemCoverage("PyPI", 3, "OSV"),))
POD = Workload(kind="Pod", name="gate-1", namespace="default", pod_name="gate-1")
IMAGE = "registry.example/team/app:1.0"


def finding(
    identifier: str = "CVE-2024-0001",
    severity: Severity = Severity.HIGH,
    aliases: tuple[str, ...] = (),
    fixed: str = "2.0",
) -> Finding:
    return Finding(identifier, severity, "pkg:pypi/django@1.0", "1.0", fixed, frozenset(aliases))


def report(
    *findings: Finding, age: timedelta = timedelta(hours=1), coverage: Coverage = COMPLETE
) -> Report:
    source = ReportSource("Tidegate", "evidence", NOW - age)
    return Report(DIGEST, findings, coverage, (source,))


def deny(name: str = "deny", **conditions: object) -> Rule:
    conditions.setdefault("thresholds", Thresholds(high=0))
    return Rule(name=name, action=Action.DENY, conditions=Conditions(**conditions))  # type: ignore[arg-type] # a test's shorthand


def judged(evidence: Report | Missing | Unavailable, image: str = IMAGE) -> JudgedImage:
    return JudgedImage(
        ImageUse("spec.containers[0].image", image, "app"),
        parse_reference(image),
        ImageEvidence.of(evidence, DIGEST),
    )


def verdict_of(
    evidence: Report | Missing | Unavailable,
    *rules: Rule,
    workload: Workload = POD,
    mode: EvaluationMode = EvaluationMode.FIRST_MATCH,
    now: datetime = NOW,
    image: str = IMAGE,
) -> Verdict:
    policy = compile_policy(Policy(rules=rules, mode=mode))
    return decide(policy, workload, (judged(evidence, image),), now)
