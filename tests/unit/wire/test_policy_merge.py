"""Objects become one policy: order, default rule, duplicates, last good versions."""

from collections.abc import Mapping
from typing import Any

import pytest

from tidegate.domain.errors import InvalidPolicyError
from tidegate.domain.rule import DEFAULT_RULE_NAME, Action, EvaluationMode, default_rule
from tidegate.domain.scope import compile_policy
from tidegate.wire.policy_book import PolicyBook
from tidegate.wire.policy_merge import (
    Candidate,
    LoadReason,
    PolicyObject,
    load_candidate,
    load_object,
    merge,
)
from tidegate.wire.policy_v1alpha1 import HUB_OBJECT_NAME

JAN, FEB, MAR = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"


def body(name: str, *rules: str, created: str = JAN, **spec: Any) -> dict[str, Any]:  # noqa: ANN401, any field of the spec
    entries = [
        {"name": rule, "action": "deny", "configuration": {"blockUnscannedImages": True}}
        for rule in rules
    ]
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": name, "creationTimestamp": created, "generation": 1},
        "spec": {"vulnerabilityAssessmentGatedDeployment": entries, **spec},
    }


def seen(name: str, *rules: str, created: str = JAN, **spec: Any) -> Candidate:  # noqa: ANN401, as body
    return load_candidate(body(name, *rules, created=created, **spec))


def broken(name: str, created: str = JAN) -> Candidate:
    return Candidate(name, None, "it is broken", created, 2)


def good(name: str, *rules: str) -> dict[str, PolicyObject]:
    return {name: load_object(body(name, *rules))}


def names(candidates: list[Candidate], last_good: Mapping[str, PolicyObject]) -> list[str]:
    policy = merge(candidates, last_good).policy
    assert policy.rules[-1].name == DEFAULT_RULE_NAME
    return [rule.name for rule in policy.rules[:-1]]


@pytest.mark.parametrize(
    ("candidates", "last_good", "expected"),
    [
        pytest.param([], {}, [], id="nothing-but-the-default-rule"),
        pytest.param([seen("b", "2"), seen("a", "1")], {}, ["1", "2"], id="by-name"),
        pytest.param(
            [seen("a", "1"), seen("z", "2", priority=999)],
            {},
            ["2", "1"],
            id="lower-priority-first",
        ),
        pytest.param([seen("a", "2", "1")], {}, ["2", "1"], id="order-within-an-object-stays"),
        pytest.param(
            [seen("a", DEFAULT_RULE_NAME, "1")], {}, ["1"], id="named-default-rule-moves-last"
        ),
        pytest.param(
            [seen("a", "1", created=FEB), seen("b", "1", created=JAN)], {}, ["1"], id="duplicate"
        ),
        pytest.param([broken("a"), seen("b", "2")], {}, ["2"], id="broken-without-copy"),
        pytest.param(
            [broken("a"), seen("b", "2")], good("a", "1"), ["1", "2"], id="broken-with-copy"
        ),
        pytest.param([seen("b", "2")], good("a", "1"), ["2"], id="copy-of-a-deleted-object"),
    ],
)
def test_rules_in_force(
    candidates: list[Candidate], last_good: dict[str, PolicyObject], expected: list[str]
) -> None:
    assert names(candidates, last_good) == expected


@pytest.mark.parametrize(
    ("first", "second", "loser"),
    [
        pytest.param(("a", FEB), ("b", JAN), "a", id="the-newer-one"),
        pytest.param(("a", JAN), ("b", JAN), "b", id="equal-age-then-the-later-name"),
        pytest.param((HUB_OBJECT_NAME, MAR), ("b", JAN), "b", id="never-the-hubs"),
        pytest.param((f"{HUB_OBJECT_NAME}-2", MAR), ("b", JAN), "b", id="nor-the-hubs-second"),
        pytest.param((f"{HUB_OBJECT_NAME}-x", MAR), ("b", JAN), f"{HUB_OBJECT_NAME}-x", id="alike"),
    ],
)
def test_a_duplicate_rule_name_invalidates(
    first: tuple[str, str], second: tuple[str, str], loser: str
) -> None:
    candidates = [seen(n, "same", n, created=at) for n, at in (first, second)]
    states = {state.name: state for state in merge(candidates, {}).states}
    winner = next(n for n, _ in (first, second) if n != loser)
    assert states[winner].reason is LoadReason.LOADED
    assert states[loser].reason is LoadReason.DUPLICATE_NAME
    assert states[loser].lacking
    assert f"'same' is used in object {winner!r} too" in states[loser].message


def test_a_duplicate_keeps_its_own_last_good_version() -> None:
    candidates = [seen("a", "1"), seen("b", "1", "2", created=FEB)]
    assert names(candidates, good("b", "2")) == ["1", "2"]


def test_a_name_taken_by_a_last_good_version_is_taken() -> None:
    merged = merge([broken("a"), seen("b", "1", created=FEB)], good("a", "1"))
    assert [state.reason for state in merged.states] == ["Invalid", "DuplicateName"]


def test_the_hub_object_sets_the_default_rule() -> None:
    off = {"name": DEFAULT_RULE_NAME, "action": "audit", "enabled": False}
    off["configuration"] = {"maxAllowedSeverities": {"low": 1}}
    hub = body(HUB_OBJECT_NAME)
    hub["spec"]["vulnerabilityAssessmentGatedDeployment"] = [off]
    merged = merge([seen("a", DEFAULT_RULE_NAME, priority=0), load_candidate(hub)], {})
    (rule,) = merged.policy.rules
    assert (rule.enabled, rule.action, rule.conditions.thresholds.low) == (False, Action.AUDIT, 1)
    assert all(state.reason is LoadReason.LOADED for state in merged.states)


def test_without_objects_the_default_rule_is_as_out_of_the_box() -> None:
    policy = merge([], {}).policy
    assert (policy.rules, policy.mode, policy.gating_on) == (
        (default_rule(),),
        EvaluationMode.FIRST_MATCH,
        True,
    )


@pytest.mark.parametrize(
    ("candidates", "mode", "gating_on"),
    [
        pytest.param([seen("a", "1")], "FirstMatch", True, id="defaults"),
        pytest.param(
            [seen("a", "1"), seen("b", "2", evaluationMode="Strictest")],
            "Strictest",
            True,
            id="one",
        ),
        pytest.param([seen("a", "1", gating="Off")], "FirstMatch", True, id="off-by-anyone"),
        pytest.param([seen(f"{HUB_OBJECT_NAME}-2", gating="Off")], "FirstMatch", True, id="second"),
        pytest.param([seen(HUB_OBJECT_NAME, gating="Off")], "FirstMatch", False, id="off-by-hub"),
    ],
)
def test_modes(candidates: list[Candidate], mode: str, *, gating_on: bool) -> None:
    policy = merge(candidates, {}).policy
    assert (policy.mode, policy.gating_on) == (mode, gating_on)


@pytest.mark.parametrize(
    ("candidates", "re_admits"),
    [
        pytest.param([], False, id="no-object"),
        pytest.param([seen("a", "1")], False, id="nobody-says"),
        pytest.param([seen("a", "1"), seen("b", "2", reAdmission="Audit")], True, id="one-says"),
        pytest.param(
            [seen("a", "1", reAdmission="Enforce"), seen("b", "2", reAdmission="Audit")],
            False,
            id="t10-another-enforces",
        ),
    ],
)
def test_own_pods_come_back_where_an_object_says_so_and_none_otherwise(
    candidates: list[Candidate], *, re_admits: bool
) -> None:
    merged = merge(candidates, {})
    assert all(state.reason is LoadReason.LOADED for state in merged.states)
    assert merged.policy.re_admits is re_admits


def test_own_pods_do_not_come_back_where_nothing_is_judged() -> None:
    off = seen(HUB_OBJECT_NAME, gating="Off", reAdmission="Audit")
    assert not compile_policy(merge([off], {}).policy).re_admits


def test_the_generation_follows_content_and_nothing_else() -> None:
    one = merge([seen("a", "1", created=JAN)], {}).policy.generation
    assert merge([seen("a", "1", created=FEB)], {}).policy.generation == one
    assert merge([broken("a")], good("a", "1")).policy.generation == one
    assert merge([seen("a", "2")], {}).policy.generation != one
    assert merge([seen("b", "1")], {}).policy.generation != one


def test_a_spec_over_500_kib_is_refused_with_its_size() -> None:
    large = body("a", *(f"{index:03}" for index in range(400)))
    for entry in large["spec"]["vulnerabilityAssessmentGatedDeployment"]:
        entry["description"] = "d" * 1024
        entry["configuration"]["ignoredCves"] = ["x" * 100] * 10
    with pytest.raises(InvalidPolicyError, match=r"bytes, want at most 512000"):
        load_object(large)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param({}, id="empty"),
        pytest.param({"metadata": None}, id="null-metadata"),
        pytest.param({"metadata": {"name": 1, "generation": "x"}}, id="wrong-types"),
        pytest.param(body("a") | {"spec": []}, id="list-for-spec"),
        pytest.param(body("a") | {"apiVersion": "tidegate.io/v9"}, id="other-version"),
        pytest.param(body("a", surprise=1), id="unknown-field"),
        pytest.param(body("\ud800", "1"), id="half-a-character-as-name"),
        pytest.param(body("a", "\ud800"), id="half-a-character-as-rule"),
        pytest.param(body("a", "1") | {"\ud800": 1}, id="half-a-character-as-field"),
    ],
)
def test_an_odd_object_becomes_a_problem_and_never_raises(hostile: dict[str, Any]) -> None:
    candidate = load_candidate(hostile, "some.yaml")
    assert candidate.parsed is None
    assert candidate.problem.encode()
    assert candidate.name.encode()
    assert merge([candidate], {}).states[0].lacking


def test_the_book_keeps_what_was_good_until_the_object_is_deleted() -> None:
    book = PolicyBook()
    book.replace([seen("a", "1")])
    assert book.put(broken("a")).policy.rules[0].name == "1"
    assert book.lacking == ()
    book.remove("a")
    assert book.put(broken("a")).policy.rules[0].name == DEFAULT_RULE_NAME
    assert book.lacking == ("a",)


def test_the_book_takes_copies_before_and_after_the_first_list() -> None:
    book = PolicyBook()
    book.offer_copies(good("a", "1").values())
    assert book.replace([broken("a"), broken("b")]).policy.rules[0].name == "1"
    assert book.lacking == ("b",)
    book.offer_copies([*good("b", "2").values(), *good("a", "older").values()])
    assert [rule.name for rule in book.merged.policy.rules[:-1]] == ["1", "2"]


def test_an_unchanged_book_gives_the_same_snapshot() -> None:
    book = PolicyBook()
    before = book.replace([seen("a", "1")])
    assert book.replace([seen("a", "1")]) is before
