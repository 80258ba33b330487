"""The rules in a file's objects, our own and the reference system's, each judged by itself.

A file that is no policy object at all is refused; within one, a rule that means nothing is told
with its reason beside those that do, so that whoever takes the file over sees all of it at once.

Not done here: reading files, and what is there already.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tidegate.domain.errors import InputError, InvalidPolicyError
from tidegate.domain.rule import EvaluationMode
from tidegate.wire import policy_defender_v1alpha3 as defender
from tidegate.wire.policy_defender_v1alpha3 import ImportedRule, named
from tidegate.wire.policy_v1alpha1 import (
    API_VERSION,
    KIND,
    MAX_RULES,
    PolicyObjectV1,
    RuleV1,
    rule_of,
)
from tidegate.wire.strict_yaml import load_documents

_PLACE = re.compile(r" - at `\$\.?([^`]{0,200})`$")
"""How msgspec says where it was; `$` means nothing to whoever wrote the file."""

RULES_FIELD = "vulnerabilityAssessmentGatedDeployment"


@dataclass(slots=True)
class RuleFile:
    """The rules of a file, in the order in which they stand there."""

    rules: list[ImportedRule] = field(default_factory=list)
    mode: EvaluationMode | None = None
    """Set where an object says so itself; Strictest if any does."""
    warnings: list[str] = field(default_factory=list)
    """What the objects say that is not the rules'."""


def read_rule_file(body: bytes, source: str, max_bytes: int) -> RuleFile:
    """Return the rules in the YAML or JSON text `body`.

    Raises:
        InputError: not strict YAML, no policy object, or more rules than one change may bring.
    """
    found = RuleFile()
    for document in load_documents(body, source, max_bytes):
        for item in objects_of(document, source):
            _read_object(item, source, found)
    if not found.rules:
        raise InputError(f"{source}: holds no rule; want {KIND} objects in YAML or JSON")
    if len(found.rules) > MAX_RULES:
        raise InputError(
            f"{source}: {len(found.rules)} rules, want at most {MAX_RULES}; split the file"
        )
    _refuse_twice(found.rules)
    return found


def objects_of(document: object, source: str) -> list[dict[str, Any]]:
    """Return the Kubernetes objects of a document; lists are taken apart.

    Raises:
        InputError: it is no object, or a list of something else.
    """
    if not isinstance(document, dict):
        raise InputError(
            f"{source}: got a {type(document).__name__}, want an object with apiVersion and kind"
        )
    if not str(document.get("kind", "")).endswith("List"):
        return [document]
    items = document.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InputError(f"{source}: a {document['kind']} without a list of objects as items")
    return items


def without_status(body: dict[str, Any]) -> dict[str, Any]:
    """Return an object without what its cluster says of it."""
    return {key: value for key, value in body.items() if key != "status"}


def stricter(
    known: EvaluationMode | None, spec: dict[str, Any], mode: EvaluationMode
) -> EvaluationMode | None:
    """Return the mode of several objects, of which one more says `spec`, which means `mode`."""
    if "evaluationMode" not in spec or known is EvaluationMode.STRICTEST:
        return known
    return mode


def not_applied(spec: dict[str, Any], source: str, name: str) -> Iterator[str]:
    """Name what an object says that the hub does not take from files."""
    if spec.get("gating", "On") != "On":
        yield (
            f"{source}: {name} says gating: Off, which is not applied; gating is switched per "
            "cluster in the hub"
        )
    if spec.get("reAdmission", "Enforce") != "Enforce":
        yield (
            f"{source}: {name} says reAdmission: Audit, which the hub does not keep; "
            "apply this object to the cluster itself"
        )


def _read_object(body: dict[str, Any], source: str, found: RuleFile) -> None:
    came = f"{body.get('apiVersion')} {body.get('kind')}"[:200]
    try:
        if came == f"{defender.API_VERSION} {defender.KIND}":
            found.rules.extend(defender.convert_each(body, found.warnings))
        elif came == f"{API_VERSION} {KIND}":
            _read_own(body, source, found)
        else:
            raise InvalidPolicyError(
                f"an object {came!r}; want {API_VERSION} or {defender.API_VERSION} {KIND}"
            )
    except InvalidPolicyError as error:
        raise InvalidPolicyError(f"{source}: {error}") from error


def _read_own(body: dict[str, Any], source: str, found: RuleFile) -> None:
    spec = body.get("spec")
    entries = spec.get(RULES_FIELD) if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(entries, list):
        raise InvalidPolicyError(f"spec.{RULES_FIELD} is missing; want a list of rules")
    frame = {**without_status(body), "spec": {**spec, RULES_FIELD: []}}
    try:
        policy = msgspec.convert(frame, PolicyObjectV1)
    except msgspec.ValidationError as error:
        raise InvalidPolicyError(str(error)) from error
    found.mode = stricter(found.mode, spec, policy.spec.evaluation_mode)
    found.warnings.extend(not_applied(spec, source, policy.metadata.name))
    found.rules.extend(map(_found, entries))


def _found(entry: object) -> ImportedRule:
    name = named(entry)
    try:
        rule = msgspec.convert(entry, RuleV1)
        rule_of(rule)
    except msgspec.ValidationError as error:
        return ImportedRule(name, None, _PLACE.sub(r" at \1", str(error)))
    except InvalidPolicyError as error:
        return ImportedRule(name, None, str(error))
    return ImportedRule(rule.name, rule)


def _refuse_twice(rules: Iterable[ImportedRule]) -> None:
    """Refuse rules that share a name: which of them is meant is nobody's to guess."""
    counts = Counter(found.name for found in rules)
    for found in rules:
        if counts[found.name] > 1 and not found.problem:
            found.rule = None
            found.problem = (
                f"the name stands {counts[found.name]} times in this file; rules are updated by "
                "name, so give each name once"
            )
