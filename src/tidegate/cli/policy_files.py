"""Rules in files: our own policy objects, and the reference system's."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tidegate.cli.files import read_objects
from tidegate.domain.errors import InvalidPolicyError
from tidegate.domain.rule import EvaluationMode, Policy
from tidegate.wire import policy_defender_v1alpha3 as defender
from tidegate.wire.policy_merge import LoadReason, load_candidate, merge
from tidegate.wire.policy_v1alpha1 import API_VERSION, KIND, RuleV1, parse_policy_object
from tidegate.wire.rule_files import not_applied, stricter, without_status


@dataclass(slots=True)
class RuleSet:
    """The rules of some files, in the order in which they stand there."""

    rules: list[RuleV1] = field(default_factory=list)
    mode: EvaluationMode | None = None
    """Set where an object says so itself; Strictest if any does."""
    warnings: list[str] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    """File by rule name."""

    def add(self, rules: Iterable[RuleV1], path: str) -> None:
        """Add the rules of one object.

        Raises:
            InvalidPolicyError: a name that another rule has.
        """
        for rule in rules:
            if rule.name in self.origins:
                raise InvalidPolicyError(
                    f"{path}: rule {rule.name!r} stands in {self.origins[rule.name]} too; "
                    "rules are updated by name, so give each name once"
                )
            self.origins[rule.name] = path
            self.rules.append(rule)


def read_rules(paths: Iterable[str]) -> RuleSet:
    """Return the rules of our own policy objects in the files `paths`.

    Raises:
        InputError: a file cannot be read, or holds something else.
    """
    found = RuleSet()
    for path in paths:
        for body in read_objects(path):
            _require_ours(body, path)
            try:
                policy = parse_policy_object(without_status(body))
            except InvalidPolicyError as error:
                raise InvalidPolicyError(f"{path}: {error}") from error
            found.add(policy.spec.vulnerability_assessment_gated_deployment, path)
            found.mode = stricter(found.mode, body["spec"], policy.spec.evaluation_mode)
            found.warnings.extend(not_applied(body["spec"], path, policy.metadata.name))
    return found


def read_reference_rules(path: str) -> RuleSet:
    """Return the rules of the reference system's policy objects in the file `path`.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    found = RuleSet()
    for body in read_objects(path):
        try:
            imported = defender.convert_policy_object(body)
        except InvalidPolicyError as error:
            raise InvalidPolicyError(f"{path}: {error}") from error
        found.add(imported.rules, path)
        found.warnings.extend(f"{path}: {warning}" for warning in imported.warnings)
    return found


def merged_policy(paths: Iterable[str]) -> Policy:
    """Return the policy that the objects in the files `paths` make, as a gate merges them.

    Raises:
        InputError: a file cannot be read, or an object could not be put in force.
    """
    candidates = [load_candidate(body, path) for path in paths for body in read_objects(path)]
    names = [candidate.name for candidate in candidates]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidPolicyError(f"policy objects given twice: {', '.join(twice)}")
    merged = merge(candidates, {})
    broken = [f"{s.name}: {s.message}" for s in merged.states if s.reason is not LoadReason.LOADED]
    if broken:
        raise InvalidPolicyError("; ".join(broken))
    return merged.policy


def _require_ours(body: dict[str, Any], path: str) -> None:
    came = f"{body.get('apiVersion')} {body.get('kind')}"[:200]
    if came == f"{defender.API_VERSION} {defender.KIND}":
        raise InvalidPolicyError(f"{path}: an object {came}; take it over with `rules import`")
    if came != f"{API_VERSION} {KIND}":
        raise InvalidPolicyError(f"{path}: an object {came!r}; want {API_VERSION} {KIND}")
