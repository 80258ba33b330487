"""Remembered judgements at the edges: where time, registry or platform make another one."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from support.builders import DIGEST, NOW, deny, finding, report
from tidegate.domain.evidence import Coverage, PlatformEvidence, Report
from tidegate.domain.judge import judge_evidence
from tidegate.domain.rule import Disposition, Policy, Rule, Thresholds, VulnerabilityExemption
from tidegate.domain.scope import CompiledRule, compile_policy
from tidegate.domain.verdict import Decision
from tidegate.gate.judgements import MAX_FINDINGS, Judgements

SCANNED = report().scanned_at
AGE = timedelta(days=2)
TICK = timedelta.resolution
OLD_AT = SCANNED + AGE
ENDS = NOW + timedelta(days=1)
HIGH = Thresholds(high=0)

GROWS_OLD = deny("old", thresholds=HIGH, max_age=AGE, on_stale=Disposition.VIOLATE)
EXEMPTED = replace(
    deny("exempted", thresholds=HIGH),
    vulnerability_exemptions=(VulnerabilityExemption("CVE-2024-0001", ENDS),),
)


def compiled(rule: Rule) -> CompiledRule:
    return compile_policy(Policy((rule,))).rules[0]


@pytest.mark.parametrize(
    ("rule", "found", "first", "then"),
    [
        pytest.param(GROWS_OLD, report(), NOW, OLD_AT, id="exactly-as-old-as-allowed"),
        pytest.param(GROWS_OLD, report(), NOW, OLD_AT + TICK, id="one-tick-too-old"),
        pytest.param(GROWS_OLD, report(), OLD_AT + TICK, OLD_AT + 2 * TICK, id="older-and-older"),
        pytest.param(GROWS_OLD, report(), OLD_AT + TICK, NOW, id="a-clock-that-is-set-back"),
        pytest.param(EXEMPTED, report(finding()), NOW, ENDS - TICK, id="last-tick-of-an-exemption"),
        pytest.param(EXEMPTED, report(finding()), NOW, ENDS, id="an-exemption-that-ends"),
        pytest.param(EXEMPTED, report(finding()), ENDS, NOW, id="back-before-its-end"),
    ],
)
def test_time_makes_another_judgement(
    rule: Rule, found: Report, first: datetime, then: datetime
) -> None:
    judgements, asked = Judgements(), compiled(rule)
    platform = PlatformEvidence("linux/amd64", DIGEST, found)
    for now in (first, then):
        assert judgements(asked, "", platform, now) == judge_evidence(asked, "", platform, now)


def test_the_same_question_gets_the_same_object_and_another_one_its_own() -> None:
    judgements, asked = Judgements(), compiled(EXEMPTED)
    platform = PlatformEvidence("linux/amd64", DIGEST, report())
    first = judgements(asked, "r.example", platform, NOW)
    assert judgements(asked, "r.example", platform, NOW + TICK) is first
    other = replace(platform, platform="linux/arm64")
    assert judgements(asked, "r.example", other, NOW).platform == "linux/arm64"


def test_a_registry_without_support_is_judged_by_itself() -> None:
    incomplete = report(coverage=Coverage(()))
    rule = compiled(
        deny(
            "scanned",
            thresholds=HIGH,
            block_unscanned=True,
            unsupported_registries=frozenset({"old.example"}),
        )
    )
    judgements, platform = Judgements(), PlatformEvidence("", DIGEST, incomplete)
    said = [judgements(rule, host, platform, NOW).decision for host in ("old.example", "r.example")]
    assert said == [Decision.ALLOW, Decision.DENY]


def test_what_is_remembered_is_bounded_by_findings() -> None:
    judgements, asked = Judgements(), compiled(EXEMPTED)
    for n in range(5):
        found = report(*(finding(f"CVE-2024-{n}{i:06}") for i in range(MAX_FINDINGS // 3)))
        judgements(asked, "", PlatformEvidence("", DIGEST, found), NOW)
        assert 0 < judgements.findings <= MAX_FINDINGS
