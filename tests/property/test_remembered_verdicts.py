"""What remembering verdicts must not change: each is what `decide` would say now."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from support.builders import NOW, deny, finding, report
from support.strategies import image_evidence, rule_lists
from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.evidence import ImageEvidence, Missing, MissingReason
from tidegate.domain.reference import ImageReference
from tidegate.domain.rule import (
    Conditions,
    Disposition,
    EvaluationMode,
    MatcherType,
    Operator,
    Policy,
    ResourceExemption,
    ResourceMatcher,
    Rule,
    ScopeEntry,
    end_of_day,
)
from tidegate.domain.scope import compile_policy
from tidegate.domain.workload import ImageUse, Lookup, Owner, Workload
from tidegate.gate.verdicts import MAX_NAME_GLOBS, Verdicts

NO_REPORT = Missing(MissingReason.NO_REPORT)

names = st.text("ab", max_size=3)
globs = st.text("ab*", min_size=1, max_size=4)
entries = st.builds(
    ScopeEntry,
    st.sampled_from(MatcherType),
    st.lists(globs, min_size=1, max_size=2).map(tuple),
    st.sampled_from(Operator),
)
scoped = st.builds(
    lambda rules, scopes: tuple(
        replace(rule, scope=tuple(scope)) for rule, scope in zip(rules, scopes, strict=False)
    ),
    rule_lists,
    st.lists(st.lists(entries, max_size=2), min_size=4, max_size=4),
)
labels = st.dictionaries(names, names, max_size=2)
controllers = st.sampled_from(
    [(), Lookup.FAILED, Lookup.ABSENT, (Owner("Deployment", "a"),), (Owner("ReplicaSet", "ab"),)]
)


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    kind, name = draw(st.sampled_from(["Pod", "Deployment", "DaemonSet"])), draw(names)
    return Workload(
        kind=kind,
        name=name,
        namespace=draw(names),
        labels=draw(labels),
        namespace_labels=draw(st.just(Lookup.FAILED) | labels),
        service_account=draw(names),
        owners=draw(controllers),
        pod_name=name if kind == "Pod" else "",
        pod_name_prefix="" if kind == "Pod" else f"{name}-",
    )


instants = st.builds(
    lambda days, end, by: (end_of_day(NOW + days) if end else NOW + days) + by,
    st.integers(-4, 4).map(lambda days: timedelta(days=days)),
    st.booleans(),
    st.sampled_from([timedelta(0), -timedelta.resolution, timedelta.resolution]),
)
places = st.builds(ImageUse, names, names, names)
references = st.none() | names.map(lambda text: ImageReference("r.example", f"{text}x"))


@given(
    scoped,
    st.sampled_from(EvaluationMode),
    st.lists(workloads(), min_size=2, max_size=3),
    st.lists(image_evidence, min_size=2, max_size=2),
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.lists(st.tuples(places, references, st.integers(0, 1)), max_size=2),
            instants,
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_a_remembered_verdict_is_the_one_that_would_be_made_now(
    rules: tuple[Rule, ...],
    mode: EvaluationMode,
    asking: list[Workload],
    known: list[ImageEvidence],
    questions: list[tuple[int, list[tuple[ImageUse, ImageReference | None, int]], datetime]],
) -> None:
    policy = compile_policy(Policy(rules=rules, mode=mode))
    verdicts = Verdicts(policy)
    for which, images, now in questions:
        judged = [JudgedImage(use, reference, known[e]) for use, reference, e in images]
        for workload in (asking[which], asking[-1], asking[which]):
            assert verdicts(workload, judged, now) == decide(policy, workload, judged, now)


def test_pods_that_differ_in_what_no_rule_asks_share_a_verdict() -> None:
    entry = ScopeEntry(MatcherType.POD, ("gate*",))
    policy = compile_policy(Policy(rules=(replace(Policy().rules[0], scope=(entry,)),)))
    verdicts = Verdicts(policy)
    use, reference = ImageUse("spec.containers[0].image", "a"), ImageReference("r.example", "a")
    evidence = ImageEvidence.of(NO_REPORT)
    judged = [JudgedImage(use, reference, evidence)]

    def of(name: str) -> object:
        return verdicts(Workload("Pod", name, "default", pod_name=name), judged, NOW)

    assert of("gate-1") is of("gate-2")
    assert of("web-1") is of("web-2")
    assert of("gate-1") is not of("web-1")


def test_many_rules_about_names_are_not_asked_for_each_pod() -> None:
    base = Policy().rules[0]
    rules = tuple(
        replace(base, name=f"r{n}", scope=(ScopeEntry(MatcherType.POD, (f"x{n}",)),))
        for n in range(MAX_NAME_GLOBS + 1)
    )
    verdicts = Verdicts(compile_policy(Policy(rules=rules)))
    judged = [JudgedImage(ImageUse("p", "a"), None, ImageEvidence.of(NO_REPORT))]
    one = verdicts(Workload("Pod", "a", "default", pod_name="a"), judged, NOW)
    other = verdicts(Workload("Pod", "b", "default", pod_name="b"), judged, NOW)
    assert one == other
    assert one is not other


WEB = Workload("Pod", "web-1", "default", pod_name="web-1")
USE = ImageUse("spec.containers[0].image", "r.example/a", "web")
REFERENCE = ImageReference("r.example", "a", "1")


def asked(verdicts: Verdicts, known: ImageEvidence, now: datetime = NOW) -> bool:
    return verdicts(WEB, [JudgedImage(USE, REFERENCE, known)], now).allowed


def test_other_evidence_about_the_same_image_is_judged_by_itself() -> None:
    verdicts = Verdicts(compile_policy(Policy(rules=(deny(),))))
    clean, bad = ImageEvidence.of(report()), ImageEvidence.of(report(finding()))
    assert [asked(verdicts, each) for each in (clean, bad, clean)] == [True, False, True]


def test_a_verdict_is_not_remembered_beyond_the_end_of_what_exempts_a_resource() -> None:
    until = NOW + timedelta(hours=1)
    exempted = ResourceExemption(ResourceMatcher.NAMESPACE, "default", until)
    rule = replace(deny(), resource_exemptions=(exempted,))
    verdicts = Verdicts(compile_policy(Policy(rules=(rule,))))
    bad = ImageEvidence.of(report(finding()))
    last = until - timedelta.resolution
    assert [asked(verdicts, bad, at) for at in (NOW, last, until)] == [True, True, False]


def test_a_verdict_is_not_remembered_beyond_the_age_of_a_report() -> None:
    old = Conditions(block_unscanned=True, max_age=timedelta(hours=1), on_stale=Disposition.VIOLATE)
    verdicts = Verdicts(compile_policy(Policy(rules=(replace(deny(), conditions=old),))))
    known = ImageEvidence.of(report())
    scanned_at = report().scanned_at
    end = scanned_at + timedelta(hours=1)
    instants = (scanned_at, end, end + timedelta.resolution)
    assert [asked(verdicts, known, at) for at in instants] == [True, True, False]
