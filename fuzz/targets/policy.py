"""Policy objects: one that parses can be put in force, and is the same after writing it again."""

import json
from datetime import UTC, datetime

import msgspec

from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.errors import InvalidPolicyError
from tidegate.domain.evidence import ImageEvidence, Missing, MissingReason
from tidegate.domain.explain import denial_message
from tidegate.domain.reference import parse_reference
from tidegate.domain.scope import compile_policy
from tidegate.domain.workload import ImageUse, Workload
from tidegate.wire.policy_merge import load_candidate, load_object, merge
from tidegate.wire.policy_v1alpha1 import entry_of, parse_policy_object, rule_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
IMAGE = "registry.example/team/app:1.0"
JUDGED = JudgedImage(
    ImageUse("spec.containers[0].image", IMAGE, "app"),
    parse_reference(IMAGE),
    ImageEvidence.of(Missing(MissingReason.NO_REPORT)),
)
POD = Workload(kind="Pod", name="gate-1", namespace="default", pod_name="gate-1")


def check_policy(data: bytes) -> None:
    """Parse, write again, merge and decide by it."""
    try:
        decoded = json.loads(data)
    except (ValueError, RecursionError):
        decoded = None
    if isinstance(decoded, dict):  # what a watch hands over; never raises
        candidate = load_candidate(decoded)
        assert (candidate.parsed is None) == bool(candidate.problem)
        merged = merge([candidate], {})
        verdict = decide(compile_policy(merged.policy), POD, [JUDGED], NOW)
        denial_message(verdict, "")
    try:
        parsed = load_object(data)
    except InvalidPolicyError as error:
        assert str(error)
        return
    for rule in parsed.rules:
        assert rule_of(entry_of(rule)) == rule
    again = load_object(msgspec.json.encode(parse_policy_object(data)))
    assert again == parsed
