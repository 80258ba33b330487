"""Several policy objects become one policy: pure, and the same in gate, agent and CLI.

Rules of the merge (PRODUCT, "The policy object in the cluster"):

1. Objects are ordered by `priority`, then name; their rules follow one another in that order.
2. The default rule is last, whether an object names it or not. Where several do, the hub's object
   wins, then the first in order.
3. Strictest holds for all as soon as one object says so. Gating is honoured only in the object
   named `HUB_OBJECT_NAME`. A workload's own pods come back only where an object says so and none
   says otherwise.
4. A rule name used in two objects invalidates the one with the newer creationTimestamp (then by
   name), never one of the hub's.
5. An object that cannot be used keeps its last good version in force; without one, nothing of it
   is in force and the result says so: it never silently becomes "no rules".

Not done here: reading objects, keeping copies, deciding who is ready.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET

from tidegate.domain.errors import InvalidPolicyError
from tidegate.domain.rule import DEFAULT_RULE_NAME, EvaluationMode, Policy, Rule, default_rule
from tidegate.wire.policy_v1alpha1 import (
    HUB_OBJECT_NAME,
    MAX_OBJECT_BYTES,
    SpecV1,
    parse_policy_object,
    rules_of,
)

ORIGIN_ANNOTATION = "tidegate.io/origin"
"""The file that an object came from, where it came from one."""

_HUB_NAME = re.compile(rf"{HUB_OBJECT_NAME}(-[0-9]{{1,3}})?")


class LoadReason(StrEnum):
    """Why an object is in force or not: the reasons of its condition Active."""

    LOADED = "Loaded"
    INVALID = "Invalid"
    DUPLICATE_NAME = "DuplicateName"


@dataclass(frozen=True, slots=True)
class PolicyObject:
    """A policy object that can be put in force."""

    name: str
    content: str
    """Digest of the spec: equal exactly when the spec is."""
    rules: tuple[Rule, ...]
    priority: int = 1000
    mode: EvaluationMode = EvaluationMode.FIRST_MATCH
    gating_on: bool = True
    re_admits: bool | None = None
    """None: it leaves that to other objects."""
    created_at: str = ""
    """RFC 3339 in UTC and whole seconds, so that text order is time order; empty for a file."""
    generation: int = 0
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy object as last seen: what it says, or why that cannot be used."""

    name: str
    parsed: PolicyObject | None
    problem: str = ""
    created_at: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class ObjectState:
    """What became of one object."""

    name: str
    reason: LoadReason
    message: str
    """A sentence for people."""
    in_force: PolicyObject | None
    """This version, the last good one, or nothing."""
    generation: int = 0
    """`metadata.generation` of what was seen."""

    @property
    def lacking(self) -> bool:
        """Whether the object is broken and there is no good version of it."""
        return self.in_force is None


@dataclass(frozen=True, slots=True)
class Merged:
    """The policy in force and where it comes from."""

    policy: Policy
    states: tuple[ObjectState, ...]
    """By name."""


def load_candidate(body: Mapping[str, Any], origin: str = "") -> Candidate:
    """Return what the decoded object `body` says, or why it cannot be used; never raises."""
    metadata = body.get("metadata")
    facts = metadata if isinstance(metadata, Mapping) else {}
    name, generation = facts.get("name"), facts.get("generation")
    created_at = facts.get("creationTimestamp")
    named = isinstance(name, str) and name.isprintable() and bool(name)
    parsed, problem = None, ""
    try:
        parsed = load_object(body, origin)
    except InvalidPolicyError as error:
        problem = str(error)
    return Candidate(
        name=str(name) if named else origin or "(without a name)",
        parsed=parsed,
        problem=problem,
        created_at=created_at if isinstance(created_at, str) else "",
        generation=generation if isinstance(generation, int) else 0,
    )


def load_object(body: bytes | Mapping[str, Any], origin: str = "") -> PolicyObject:
    """Return the policy object in JSON bytes or a decoded mapping, ready to be put in force.

    Raises:
        InvalidPolicyError: it does not parse, or its spec is larger than 500 KiB.
    """
    parsed = parse_policy_object(body if isinstance(body, bytes) else dict(body))
    metadata, spec = parsed.metadata, parsed.spec
    encoded = _encode(spec)
    if len(encoded) > MAX_OBJECT_BYTES:
        raise InvalidPolicyError(
            f"policy object {metadata.name!r}: its spec has {len(encoded)} bytes, want at most "
            f"{MAX_OBJECT_BYTES}; spread the rules over several objects"
        )
    return PolicyObject(
        name=metadata.name,
        content=hashlib.sha256(encoded).hexdigest(),
        rules=rules_of(parsed),
        priority=spec.priority,
        mode=spec.evaluation_mode,
        gating_on=spec.gating == "On",
        re_admits=None if spec.re_admission is UNSET else spec.re_admission == "Audit",
        created_at=metadata.creation_timestamp or "",
        generation=metadata.generation or 0,
        origin=origin or metadata.annotations.get(ORIGIN_ANNOTATION, ""),
    )


def merge(candidates: Iterable[Candidate], last_good: Mapping[str, PolicyObject]) -> Merged:
    """Return the policy that `candidates` make; `last_good` has earlier versions by name."""
    states: list[ObjectState] = []
    users: dict[str, str] = {}
    for candidate in sorted(candidates, key=_seniority):
        state = _judge(candidate, users, last_good.get(candidate.name))
        states.append(state)
        for rule in state.in_force.rules if state.in_force else ():
            users.setdefault(rule.name, candidate.name)
    objects = sorted(
        (state.in_force for state in states if state.in_force), key=lambda o: (o.priority, o.name)
    )
    return Merged(_policy(objects), tuple(sorted(states, key=lambda state: state.name)))


def is_hub_name(name: str) -> bool:
    """Whether an object of this name is one of those that the cluster agent writes."""
    return _HUB_NAME.fullmatch(name) is not None


def _seniority(candidate: Candidate) -> tuple[bool, str, str]:
    return (not is_hub_name(candidate.name), candidate.created_at, candidate.name)


def _judge(
    candidate: Candidate, users: Mapping[str, str], last_good: PolicyObject | None
) -> ObjectState:
    parsed, generation = candidate.parsed, candidate.generation
    reason, problem = LoadReason.INVALID, candidate.problem
    if parsed is not None:
        names = (rule.name for rule in parsed.rules if rule.name != DEFAULT_RULE_NAME)
        taken = next((name for name in names if name in users), None)
        if taken is None:
            message = f"{len(parsed.rules)} rules are in force"
            return ObjectState(candidate.name, LoadReason.LOADED, message, parsed, generation)
        reason = LoadReason.DUPLICATE_NAME
        problem = f"rule name {taken!r} is used in object {users[taken]!r} too; rename one of them"
    kept = (
        "nothing of it is in force, and gates that start now are not ready"
        if last_good is None
        else f"its last good version ({len(last_good.rules)} rules) stays in force"
    )
    return ObjectState(candidate.name, reason, f"{problem}; {kept}", last_good, generation)


def _policy(objects: list[PolicyObject]) -> Policy:
    rules = [rule for o in objects for rule in o.rules if rule.name != DEFAULT_RULE_NAME]
    by_rank = sorted(objects, key=lambda o: (o.name != HUB_OBJECT_NAME, not is_hub_name(o.name)))
    named = [rule for o in by_rank for rule in o.rules if rule.name == DEFAULT_RULE_NAME]
    strictest = any(o.mode is EvaluationMode.STRICTEST for o in objects)
    said = [o.re_admits for o in objects if o.re_admits is not None]
    state = "\n".join(f"{o.name} {o.content}" for o in objects)
    return Policy(
        rules=(*rules, named[0] if named else default_rule()),
        mode=EvaluationMode.STRICTEST if strictest else EvaluationMode.FIRST_MATCH,
        gating_on=all(o.gating_on for o in objects if o.name == HUB_OBJECT_NAME),
        generation=hashlib.sha256(state.encode()).hexdigest()[:12],
        re_admits=bool(said) and all(said),
    )


def _encode(spec: SpecV1) -> bytes:
    return msgspec.json.encode(spec)
