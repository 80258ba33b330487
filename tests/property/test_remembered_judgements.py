"""What remembering judgements must not change: each is what it would be if it was made now."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from support.builders import DIGEST, NOW
from support.strategies import evidence, rules
from tidegate.domain.evidence import Missing, PlatformEvidence, Report, Unavailable
from tidegate.domain.judge import changes_at, judge_evidence
from tidegate.domain.rule import Policy, Rule, end_of_day
from tidegate.domain.scope import CompiledRule, compile_policy
from tidegate.gate.judgements import Judgements

# Where exemptions end and reports grow old, and just before and after.
instants = st.builds(
    lambda base, by: base + by,
    st.integers(-4, 4).map(lambda days: NOW + timedelta(days=days))
    | st.integers(-4, 4).map(lambda days: end_of_day(NOW + timedelta(days=days))),
    st.sampled_from([timedelta(0), -timedelta.resolution, timedelta.resolution]),
)


def compiled(rule: Rule) -> CompiledRule:
    return compile_policy(Policy((rule,))).rules[0]


enabled_rules = rules.filter(lambda rule: rule.enabled).map(compiled)
asked = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.sampled_from(["", "registry.example"]), instants
)


@given(
    st.lists(enabled_rules, min_size=3, max_size=3),
    st.lists(evidence, min_size=3, max_size=3),
    st.lists(asked, max_size=12),
)
def test_a_remembered_judgement_is_the_one_that_would_be_made_now(
    known_rules: list[CompiledRule],
    known: list[Report | Missing | Unavailable],
    questions: list[tuple[int, int, str, datetime]],
) -> None:
    judgements = Judgements()
    for rule, report, registry, now in questions:
        platform = PlatformEvidence("linux/amd64", DIGEST, known[report])
        question = (known_rules[rule], registry, platform, now)
        assert judgements(*question) == judge_evidence(*question)


@given(enabled_rules, evidence.filter(lambda each: isinstance(each, Report)), instants, instants)
def test_nothing_changes_before_the_instant_that_is_told(
    rule: CompiledRule, report: Report, now: datetime, later: datetime
) -> None:
    until = changes_at(rule, report, now)
    if until is None or not now <= later < until:
        return
    platform = PlatformEvidence("", DIGEST, report)
    assert judge_evidence(rule, "", platform, later) == judge_evidence(rule, "", platform, now)
