"""The hub's rules for this cluster as policy objects, and whether an object is as it should be."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tidegate.domain.errors import InvalidPolicyError
from tidegate.wire.hub_v1 import ClusterPolicyV1
from tidegate.wire.policy_merge import is_hub_name, load_object
from tidegate.wire.policy_v1alpha1 import (
    API_VERSION,
    KIND,
    MAX_OBJECT_BYTES,
    MAX_RULES,
    RuleV1,
    SpecV1,
)
from tidegate.wire.rbac import MAX_HUB_OBJECTS, hub_object_name

FIRST_PRIORITY = 500
"""Priority of the first object; the others follow, all before objects without a priority (1000)."""

MANAGED_BY = ("app.kubernetes.io/managed-by", "tidegate-agent")
GENERATION_ANNOTATION = "tidegate.io/hub-generation"
"""Generation of the hub's rules that an object was written from."""

FRAME_BYTES = 1024
"""Room for the other fields of a spec."""

Body = Mapping[str, Any]


def render_objects(policy: ClusterPolicyV1) -> dict[str, Body]:
    """Return the policy objects for `policy` by name: one, or as many as its size needs.

    Raises:
        InvalidPolicyError: a rule cannot be used or is too large, or there are too many.
    """
    objects: dict[str, Body] = {}
    for index, rules in enumerate(_portions(policy.rules)):
        if index == MAX_HUB_OBJECTS:
            raise InvalidPolicyError(
                f"{len(policy.rules)} rules do not fit into {MAX_HUB_OBJECTS} policy objects of "
                f"{MAX_RULES} rules and {MAX_OBJECT_BYTES} bytes; remove or merge rules"
            )
        body = _object(policy, index, rules)
        load_object(body)
        objects[hub_object_name(index)] = body
    return objects


def is_as_wanted(found: Body | None, wanted: Body) -> bool:
    """Whether `found`, as the API server has it, is what the agent would write."""
    return (
        found is not None
        and found.get("spec") == wanted["spec"]
        and _annotation(found) == _annotation(wanted)
        and is_ours(found)
    )


def is_ours(found: Body) -> bool:
    """Whether `found` is an object that an agent wrote, by its name and label."""
    metadata = found.get("metadata") or {}
    key, value = MANAGED_BY
    return (
        is_hub_name(str(metadata.get("name"))) and (metadata.get("labels") or {}).get(key) == value
    )


def _portions(rules: list[RuleV1]) -> Iterator[list[RuleV1]]:
    portion: list[RuleV1] = []
    size = FRAME_BYTES
    for rule in rules:
        rule_size = len(msgspec.json.encode(rule)) + 1
        if portion and (len(portion) == MAX_RULES or size + rule_size > MAX_OBJECT_BYTES):
            yield portion
            portion, size = [], FRAME_BYTES
        portion.append(rule)
        size += rule_size
    yield portion


def _object(policy: ClusterPolicyV1, index: int, rules: list[RuleV1]) -> Body:
    spec = SpecV1(
        vulnerability_assessment_gated_deployment=rules,
        policy_last_edit_time=policy.edited_at,
        priority=FIRST_PRIORITY + index,
        evaluation_mode=policy.evaluation_mode,
        gating=policy.gating,
    )
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": hub_object_name(index),
            "labels": dict([MANAGED_BY]),
            "annotations": {GENERATION_ANNOTATION: policy.generation},
        },
        "spec": msgspec.to_builtins(spec),
    }


def _annotation(body: Body) -> str | None:
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    found = annotations.get(GENERATION_ANNOTATION)
    return found if isinstance(found, str) else None
