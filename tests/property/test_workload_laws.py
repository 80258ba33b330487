"""Nothing but images and what rules match on can change a verdict, whatever else a review holds."""

import json
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.builders import DIGEST, NOW
from support.reviews import IMAGES, Mapping, dressed, objects, review, written
from support.strategies import evidence, rule_lists
from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.errors import InvalidReferenceError
from tidegate.domain.evidence import (
    ImageEvidence,
    Missing,
    MissingReason,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.rule import (
    Action,
    Conditions,
    EvaluationMode,
    MatcherType,
    Operator,
    Policy,
    Rule,
    ScopeEntry,
)
from tidegate.domain.scope import compile_policy
from tidegate.domain.verdict import Verdict
from tidegate.domain.workload import POD_SPEC_PATHS, changed_images, workload_of
from tidegate.wire.admission_v1 import parse_review

KINDS = tuple(POD_SPEC_PATHS)
Known = dict[str, ImageEvidence]

any_object = st.sampled_from(KINDS).flatmap(objects)
modes = st.sampled_from(EvaluationMode)
writers = st.integers(0, 2**32).map(Random)
knowledge = st.fixed_dictionaries(
    {image: evidence.map(lambda known: ImageEvidence.of(known, DIGEST)) for image in IMAGES}
)
UNREADABLE = ImageEvidence.of(Unavailable(UnavailableReason.INVALID_REFERENCE))
NO_REPORT = ImageEvidence.of(Missing(MissingReason.NO_REPORT), DIGEST)


def parsed(image: str) -> ImageReference | None:
    try:
        return parse_reference(image)
    except InvalidReferenceError:
        return None


def judge(body: bytes, policy: Policy, known: Known) -> Verdict:
    """Return the verdict about the review in `body`, from its bytes on."""
    request = parse_review(body)
    assert request.object is not None
    judged = [
        JudgedImage(use, parsed(use.image), known[use.image] if parsed(use.image) else UNREADABLE)
        for use in changed_images(request.object, request.old)
    ]
    workload = workload_of(request.object)
    return decide(compile_policy(policy), workload, judged, NOW)


def said(verdict: Verdict) -> tuple[bool, Counter[object]]:
    """Return what a verdict says of each image, wherever in its list it stands."""
    return verdict.allowed, Counter(
        (i.use.field_path.partition("[")[0], i.use.container, i.use.image, i.decision, i.reason)
        for i in verdict.images
    )


@pytest.mark.parametrize("kind", KINDS)
@given(st.data(), writers, rule_lists, modes, knowledge)
def test_t10_no_other_field_changes_a_verdict(
    kind: str,
    data: st.DataObject,
    random: Random,
    rules: tuple[Rule, ...],
    mode: EvaluationMode,
    known: Known,
) -> None:
    new = data.draw(objects(kind))
    old = data.draw(st.none() | objects(kind))
    policy = Policy(rules=rules, mode=mode)
    plain = review(new, old)
    body = written(dressed(plain, random), random)
    assert said(judge(body, policy, known)) == said(
        judge(json.dumps(plain).encode(), policy, known)
    )


@given(any_object, writers)
def test_t10_an_update_of_other_fields_alone_is_not_judged(obj: Mapping, random: Random) -> None:
    update = review(dressed(obj, random), dressed(obj, random))
    request = parse_review(written(update, random))
    assert request.object is not None
    assert changed_images(request.object, request.old) == ()


@given(any_object, writers)
def test_t10_another_image_in_any_place_is_judged_whatever_else_changes(
    old: Mapping, random: Random
) -> None:
    old["metadata"].pop("ownerReferences", None)  # of those the pods are judged
    new = json.loads(json.dumps(old))
    pod = new
    for step in POD_SPEC_PATHS[old["kind"]].split("."):
        pod = pod[step]
    places = [
        *(
            c
            for s in ("containers", "initContainers", "ephemeralContainers")
            for c in pod.get(s, ())
        ),
        *(volume["image"] for volume in pod.get("volumes", ())),
    ]
    place = random.choice(places)
    place["image" if "image" in place else "reference"] = "r.example/evil:1"
    request = parse_review(written(dressed(review(new, old), random), random))
    assert request.object is not None
    assert [use.image for use in changed_images(request.object, request.old)] == [
        "r.example/evil:1"
    ]


READ_BY_RULES = {
    "label": (
        MatcherType.LABEL,
        "team=a",
        lambda obj: obj["metadata"].update(labels={"team": "a"}),
    ),
    "service-account": (
        MatcherType.SERVICE_ACCOUNT,
        "web",
        lambda obj: obj["spec"].update(serviceAccountName="web"),
    ),
    "name": (MatcherType.POD, "other", lambda obj: obj["metadata"].update(name="other")),
}


@pytest.mark.parametrize("field", READ_BY_RULES)
def test_what_rules_match_on_does_change_a_verdict(field: str) -> None:
    matcher, value, change = READ_BY_RULES[field]
    conditions = Conditions(block_unscanned=True, unsupported_registries=frozenset())
    scope = (ScopeEntry(matcher, (value,), Operator.IN),)
    policy = Policy(rules=(Rule("one", Action.DENY, conditions, scope=scope),))
    obj: Mapping = {
        "kind": "Pod",
        "metadata": {"name": "web-1"},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
    }
    known = dict.fromkeys(IMAGES, NO_REPORT)
    before = judge(json.dumps(review(obj, None)).encode(), policy, known)
    change(obj)
    after = judge(json.dumps(review(obj, None)).encode(), policy, known)
    assert (before.allowed, after.allowed) == (True, False)


@given(any_object, writers)
def test_a_value_is_written_in_other_words_and_stays_itself(obj: Mapping, random: Random) -> None:
    value = dressed(obj, random)
    texts = {written(value, random) for _ in range(4)}
    assert len(texts) > 1
    assert all(json.loads(text) == value for text in texts)
