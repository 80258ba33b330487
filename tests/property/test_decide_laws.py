"""The laws of the decision: what must hold for every rule set, workload and evidence."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from support.builders import DIGEST, IMAGE, NOW
from support.strategies import (
    findings,
    image_evidence,
    reports,
    rule_lists,
    workloads,
)
from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.evidence import (
    ImageEvidence,
    Missing,
    MissingReason,
    PlatformEvidence,
    Report,
    ReportSource,
)
from tidegate.domain.finding import Finding
from tidegate.domain.reference import parse_reference
from tidegate.domain.rule import EvaluationMode, Policy, Rule
from tidegate.domain.scope import compile_policy
from tidegate.domain.tally import units_of
from tidegate.domain.verdict import Decision, Reason, Verdict
from tidegate.domain.workload import ImageUse, Workload

modes = st.sampled_from(EvaluationMode)


def judge(
    rules: tuple[Rule, ...], mode: EvaluationMode, workload: Workload, known: ImageEvidence
) -> Verdict:
    image = JudgedImage(ImageUse("spec.containers[0].image", IMAGE), parse_reference(IMAGE), known)
    return decide(compile_policy(Policy(rules=rules, mode=mode)), workload, (image,), NOW)


def with_report(known: ImageEvidence, report: Report) -> ImageEvidence:
    first = replace(known.platforms[0], evidence=report)
    return ImageEvidence(DIGEST, (first, *known.platforms[1:]))


@given(rule_lists, modes, workloads, image_evidence, reports, findings)
def test_one_more_finding_never_turns_deny_into_allow(
    rules: tuple[Rule, ...],
    mode: EvaluationMode,
    workload: Workload,
    known: ImageEvidence,
    report: Report,
    extra: Finding,
) -> None:
    before = judge(rules, mode, workload, with_report(known, report))
    grown = replace(report, findings=(*report.findings, extra))
    after = judge(rules, mode, workload, with_report(known, grown))
    assert after.decision >= before.decision


@given(rule_lists, modes, workloads, image_evidence, st.data())
def test_removing_a_vulnerability_exemption_never_helps(
    rules: tuple[Rule, ...],
    mode: EvaluationMode,
    workload: Workload,
    known: ImageEvidence,
    data: st.DataObject,
) -> None:
    exempting = [n for n, rule in enumerate(rules) if rule.vulnerability_exemptions]
    if not exempting:
        return
    place = data.draw(st.sampled_from(exempting))
    rule = rules[place]
    gone = data.draw(st.integers(0, len(rule.vulnerability_exemptions) - 1))
    kept = tuple(e for n, e in enumerate(rule.vulnerability_exemptions) if n != gone)
    fewer = (*rules[:place], replace(rule, vulnerability_exemptions=kept), *rules[place + 1 :])
    before, after = judge(rules, mode, workload, known), judge(fewer, mode, workload, known)
    assert after.decision >= before.decision


@given(rule_lists, modes, workloads, image_evidence, reports, st.integers(0, 800))
def test_ageing_never_helps(
    rules: tuple[Rule, ...],
    mode: EvaluationMode,
    workload: Workload,
    known: ImageEvidence,
    report: Report,
    days: int,
) -> None:
    source = report.sources[0]
    older = ReportSource(
        source.scanner, source.signer, source.scanned_at - timedelta(days=days), source.artifact
    )
    before = judge(rules, mode, workload, with_report(known, report))
    after = judge(rules, mode, workload, with_report(known, replace(report, sources=(older,))))
    assert after.decision >= before.decision


@given(rule_lists, modes, workloads)
def test_an_unverified_file_judges_like_no_file(
    rules: tuple[Rule, ...], mode: EvaluationMode, workload: Workload
) -> None:
    none = ImageEvidence.of(Missing(MissingReason.NO_REPORT), DIGEST)
    refused = ImageEvidence.of(Missing(MissingReason.UNVERIFIABLE, "", ("unsigned",)), DIGEST)
    assert (
        judge(rules, mode, workload, refused).decision
        == judge(rules, mode, workload, none).decision
    )


@given(rule_lists, modes, workloads, reports)
def test_every_finding_is_counted_exempted_below_the_rule_or_not_affected(
    rules: tuple[Rule, ...], mode: EvaluationMode, workload: Workload, report: Report
) -> None:
    judgement = judge(rules, mode, workload, ImageEvidence.of(report)).images[0].judgement
    if judgement is None or judgement.evidence != report:
        return
    everything = Counter(units_of(report.findings))
    exempted = Counter((e.finding, e.vulnerability_id) for e in judgement.exempted)
    assert Counter(judgement.remaining) + exempted == everything
    assert all(e.exemptions for e in judgement.exempted)
    seen = {*judgement.counted, *judgement.below, *(e.finding for e in judgement.exempted)}
    assert seen | {*judgement.not_affected} == set(report.findings)
    forbidden = judgement.rule.conditions.forbidden_ids
    assert all(f.ids & forbidden for f in seen if f.not_affected)


@given(rule_lists, modes, workloads, reports, st.data())
def test_a_finding_that_trusted_statements_clear_counts_like_none(
    rules: tuple[Rule, ...],
    mode: EvaluationMode,
    workload: Workload,
    report: Report,
    data: st.DataObject,
) -> None:
    # But for ids that a rule forbids by name: no statement of anyone's allows those.
    cleared = data.draw(findings.filter(lambda finding: bool(finding.not_affected)))
    forbidden = frozenset(i for rule in rules for i in rule.conditions.forbidden_ids)
    before = judge(rules, mode, workload, ImageEvidence.of(report))
    marked = replace(report, findings=(*report.findings, cleared))
    after = judge(rules, mode, workload, ImageEvidence.of(marked))
    assert after.decision >= before.decision
    if not cleared.ids & forbidden:
        assert after.decision == before.decision


@given(rule_lists, modes, workloads, reports, st.integers(0, 5))
def test_taking_a_statement_back_never_helps(
    rules: tuple[Rule, ...], mode: EvaluationMode, workload: Workload, report: Report, place: int
) -> None:
    if place >= len(report.findings):
        return
    bare = replace(report.findings[place], not_affected=())
    rest = report.findings[:place] + report.findings[place + 1 :]
    before = judge(rules, mode, workload, ImageEvidence.of(report))
    after = judge(rules, mode, workload, ImageEvidence.of(replace(report, findings=(*rest, bare))))
    assert after.decision >= before.decision


@given(st.permutations(range(4)), rule_lists, workloads, image_evidence)
def test_under_strictest_rule_order_is_irrelevant(
    order: list[int], rules: tuple[Rule, ...], workload: Workload, known: ImageEvidence
) -> None:
    shuffled = tuple(rules[n] for n in order if n < len(rules))
    before = judge(rules, EvaluationMode.STRICTEST, workload, known)
    after = judge(shuffled, EvaluationMode.STRICTEST, workload, known)
    assert after.decision == before.decision
    assert [i.judgement for i in after.images] == [i.judgement for i in before.images]


@given(rule_lists, workloads, image_evidence, st.data())
def test_under_strictest_removing_any_exemption_never_helps(
    rules: tuple[Rule, ...], workload: Workload, known: ImageEvidence, data: st.DataObject
) -> None:
    if workload.pod_name_prefix:
        return  # a controller may be left to its pods, which are judged by their own names
    exempting = [n for n, rule in enumerate(rules) if rule.resource_exemptions]
    if not exempting:
        return
    place = data.draw(st.sampled_from(exempting))
    rule = rules[place]
    gone = data.draw(st.integers(0, len(rule.resource_exemptions) - 1))
    kept = tuple(e for n, e in enumerate(rule.resource_exemptions) if n != gone)
    fewer = (*rules[:place], replace(rule, resource_exemptions=kept), *rules[place + 1 :])
    before = judge(rules, EvaluationMode.STRICTEST, workload, known)
    after = judge(fewer, EvaluationMode.STRICTEST, workload, known)
    assert after.decision >= before.decision


@given(rule_lists, modes, workloads, image_evidence)
def test_a_denial_names_its_violations_and_an_allow_has_none(
    rules: tuple[Rule, ...], mode: EvaluationMode, workload: Workload, known: ImageEvidence
) -> None:
    for image in judge(rules, mode, workload, known).images:
        violated = bool(image.judgement and image.judgement.violations)
        assert violated is (image.decision is not Decision.ALLOW)


@given(rule_lists, modes, workloads, image_evidence, image_evidence)
def test_another_platform_never_helps(
    rules: tuple[Rule, ...],
    mode: EvaluationMode,
    workload: Workload,
    known: ImageEvidence,
    more: ImageEvidence,
) -> None:
    extra = tuple(
        PlatformEvidence(f"other/{n}", p.digest, p.evidence) for n, p in enumerate(more.platforms)
    )
    wider = ImageEvidence(DIGEST, (*known.platforms, *extra))
    before, after = judge(rules, mode, workload, known), judge(rules, mode, workload, wider)
    assert after.decision >= before.decision


@given(rule_lists, modes, workloads, image_evidence)
def test_gating_off_admits_everything_and_says_so(
    rules: tuple[Rule, ...], mode: EvaluationMode, workload: Workload, known: ImageEvidence
) -> None:
    image = JudgedImage(ImageUse("spec.containers[0].image", IMAGE), parse_reference(IMAGE), known)
    policy = compile_policy(Policy(rules=rules, mode=mode, gating_on=False))
    verdict = decide(policy, workload, (image,), NOW)
    assert verdict.allowed
    assert {i.reason for i in verdict.images} == {Reason.GATING_OFF}
