"""What the index of rules must not change: it leaves out no rule that may include an image."""

from hypothesis import example, given
from hypothesis import strategies as st

from support.strategies import rule_lists, workloads
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.rule import (
    Action,
    Conditions,
    MatcherType,
    Operator,
    Policy,
    Rule,
    ScopeEntry,
    Thresholds,
)
from tidegate.domain.scope import Match, compile_policy
from tidegate.domain.workload import Lookup, Workload

names = st.text("ab", max_size=5)
globs = st.text("ab*", min_size=1, max_size=6)
entries = st.builds(
    ScopeEntry,
    st.sampled_from(MatcherType),
    st.lists(globs, min_size=1, max_size=3).map(tuple),
    st.sampled_from(Operator),
)
ANY = Conditions(thresholds=Thresholds(high=0))
scoped_rules = st.builds(
    Rule,
    name=st.just("r"),
    action=st.just(Action.DENY),
    conditions=st.just(ANY),
    scope=st.lists(entries, max_size=3).map(tuple),
)
named_workloads = st.builds(
    Workload,
    kind=st.just("Pod"),
    name=names,
    namespace=names,
    cluster=names,
    labels=st.dictionaries(names, names, max_size=2),
    namespace_labels=st.just(Lookup.FAILED) | st.dictionaries(names, names, max_size=2),
    service_account=names,
    owners=st.sampled_from([(), Lookup.FAILED, Lookup.ABSENT]),
    pod_name=names,
    pod_name_prefix=names,
)
references = st.none() | names.map(lambda text: ImageReference("", text))


def left_out(
    rules: tuple[Rule, ...], workload: Workload, reference: ImageReference | None
) -> list[int]:
    """Return the rules that may include the image and that the index does not find."""
    policy = compile_policy(Policy(rules=rules))
    found = policy.index.candidates(workload).positions(reference)
    assert list(found) == sorted(set(found))
    return [
        position
        for position, rule in enumerate(policy.rules)
        if rule.matches(workload, reference) is not Match.NO and position not in found
    ]


@given(st.lists(scoped_rules, max_size=8).map(tuple), named_workloads, references)
@example((Rule("r", Action.DENY, ANY, (ScopeEntry(MatcherType.LABEL, ("a=*",)),)),), Workload("Pod", "", "", labels={"a": ""}), None)  # fmt: skip
@example((Rule("r", Action.DENY, ANY, (ScopeEntry(MatcherType.POD, ("a*",)),)),), Workload("Deployment", "", "", pod_name_prefix="a-"), None)  # fmt: skip
def test_no_rule_that_may_include_an_image_is_left_out(
    rules: tuple[Rule, ...], workload: Workload, reference: ImageReference | None
) -> None:
    assert left_out(rules, workload, reference) == []


@given(rule_lists, workloads, st.sampled_from([None, "registry.example/team/web:1", "web"]))
def test_nor_among_rules_of_every_kind(
    rules: tuple[Rule, ...], workload: Workload, image: str | None
) -> None:
    assert left_out(rules, workload, None if image is None else parse_reference(image)) == []


KINDS = {
    MatcherType.NAMESPACE: ("shop-{}", "shop-{}-*", "*-shop-{}", "*shop-{}*"),
    MatcherType.CLUSTER: ("cluster-{}", "*-{}-eu"),
    MatcherType.LABEL: ("team={}", "team={}-*"),
    MatcherType.POD: ("web-{}-*", "*job-{}*"),
    MatcherType.SERVICE_ACCOUNT: ("robot-{}",),
    MatcherType.IMAGE: ("registry.example/team-{}/*", "*/team-{}/web"),
}


def test_rules_about_others_are_not_looked_at() -> None:
    patterns = [(kind, text) for kind, texts in KINDS.items() for text in texts]
    others = tuple(
        Rule(f"{kind} {text} {n}", Action.DENY, ANY, (ScopeEntry(kind, (text.format(n),)),))
        for n in range(100, 200)
        for kind, text in patterns
    )
    policy = compile_policy(Policy(rules=(*others, Rule("all", Action.AUDIT, ANY))))
    pod = Workload("Pod", "web-7-x", "shop-7", "cluster-7", {"team": "7"}, pod_name="web-7-x")
    reference = parse_reference("registry.example/team-7/web:1")
    assert list(policy.index.candidates(pod).positions(reference)) == [len(others)]
