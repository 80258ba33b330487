"""`defender.microsoft.com/v1alpha3` SecurityArtifactPolicy objects, read for import.

The reference system's rules have our fields under the same names, fewer of them. What is not known
here is left out of the rule, and each such field is named: a condition must not vanish silently.
`null` is read as absent. Metadata and annotations are the object's, not the rules'.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tidegate.domain.errors import InvalidPolicyError
from tidegate.wire.policy_v1alpha1 import RuleV1, rule_of

API_VERSION = "defender.microsoft.com/v1alpha3"
KIND = "SecurityArtifactPolicy"
RULES_FIELD = "vulnerabilityAssessmentGatedDeployment"

MAX_NAME_CHARS = 256

_RULE = frozenset(
    {"name", "action", "enabled", "description", "scopeName", "scope", "configuration"}
)
_SCOPE = frozenset({"matcherType", "anyOf", "operator"})
_CONFIGURATION = frozenset(
    {
        "blockUnscannedImages",
        "exemptions",
        "forbiddenCves",
        "ignoredCves",
        "maxAllowedSeverities",
        "maximumVaFileAge",
        "unsupportedRegistries",
    }
)
_SEVERITIES = frozenset({"critical", "high", "medium", "low"})
_EXEMPTION = frozenset({"type", "value", "matcherType", "timeBound", "reason"})
_TIME_BOUND = frozenset({"endDate"})
_SPEC = frozenset({"policyLastEditTime", RULES_FIELD})


@dataclass(frozen=True, slots=True)
class ImportedRules:
    """The rules of one object, and what of it they do not carry."""

    rules: tuple[RuleV1, ...]
    warnings: tuple[str, ...]
    """A sentence for each field left out."""


@dataclass(slots=True)
class ImportedRule:
    """One rule of an object: a rule, or the reason why it is none."""

    name: str
    """As it stands there, cut to what a name may have; empty: it has none."""
    rule: RuleV1 | None = None
    problem: str = ""
    warnings: list[str] = field(default_factory=list)
    """A sentence for each field of it left out."""


def convert_policy_object(body: dict[str, Any]) -> ImportedRules:
    """Return the rules of the decoded object `body`.

    Raises:
        InvalidPolicyError: not an object of this kind, or a rule that means nothing.
    """
    warnings: list[str] = []
    rules = []
    for found in convert_each(body, warnings):
        if found.rule is None:
            raise InvalidPolicyError(found.problem)
        rules.append(found.rule)
        warnings.extend(found.warnings)
    return ImportedRules(tuple(rules), tuple(warnings))


def convert_each(body: dict[str, Any], warnings: list[str]) -> Iterator[ImportedRule]:
    """Yield the rules of the decoded object `body`, each judged by itself.

    `warnings` gets a sentence for each field of the object left out.

    Raises:
        InvalidPolicyError: not an object of this kind.
    """
    came = f"{body.get('apiVersion')} {body.get('kind')}"[:200]
    if came != f"{API_VERSION} {KIND}":
        raise InvalidPolicyError(f"got an object {came!r}, want {API_VERSION} {KIND}")
    spec = _mapping(body.get("spec"), "spec")
    entries = _list(spec.get(RULES_FIELD), f"spec.{RULES_FIELD}")
    warnings.extend(_unknown(spec, _SPEC, "spec"))
    for index, entry in enumerate(entries):
        place = f"spec.{RULES_FIELD}[{index}]"
        found = ImportedRule(named(entry))
        try:
            found.rule = _convert_rule(_mapping(entry, place), place, found.warnings)
        except InvalidPolicyError as error:
            found.problem = str(error)
        yield found


def named(entry: object) -> str:
    """Return what a rule calls itself, whatever else is wrong with it."""
    name = entry.get("name") if isinstance(entry, dict) else None
    return name[:MAX_NAME_CHARS] if isinstance(name, str) else ""


def _convert_rule(entry: dict[str, Any], place: str, warnings: list[str]) -> RuleV1:
    kept = _keep(entry, _RULE, place, warnings)
    kept["scope"] = _keep_each(entry.get("scope"), _SCOPE, f"{place}.scope", warnings)
    configuration = _mapping(entry.get("configuration"), f"{place}.configuration")
    kept["configuration"] = _convert_configuration(
        configuration, f"{place}.configuration", warnings
    )
    try:
        rule = msgspec.convert(kept, RuleV1)
    except msgspec.ValidationError as error:
        raise InvalidPolicyError(f"{place}: {error}") from error
    rule_of(rule)
    return rule


def _convert_configuration(
    configuration: dict[str, Any], place: str, warnings: list[str]
) -> dict[str, Any]:
    kept = _keep(configuration, _CONFIGURATION, place, warnings)
    if "maxAllowedSeverities" in kept:
        severities = _mapping(kept["maxAllowedSeverities"], f"{place}.maxAllowedSeverities")
        kept["maxAllowedSeverities"] = _keep(
            severities, _SEVERITIES, f"{place}.maxAllowedSeverities", warnings
        )
    exemptions = _keep_each(kept.get("exemptions"), _EXEMPTION, f"{place}.exemptions", warnings)
    for index, exemption in enumerate(exemptions):
        if "timeBound" in exemption:
            bound_place = f"{place}.exemptions[{index}].timeBound"
            bound = _mapping(exemption["timeBound"], bound_place)
            exemption["timeBound"] = _keep(bound, _TIME_BOUND, bound_place, warnings)
    kept["exemptions"] = exemptions
    return kept


def _keep_each(
    value: object, known: frozenset[str], place: str, warnings: list[str]
) -> list[dict[str, Any]]:
    return [
        _keep(_mapping(item, f"{place}[{index}]"), known, f"{place}[{index}]", warnings)
        for index, item in enumerate(_list(value, place))
    ]


def _keep(
    value: dict[str, Any], known: frozenset[str], place: str, warnings: list[str]
) -> dict[str, Any]:
    warnings.extend(_unknown(value, known, place))
    return {key: item for key, item in value.items() if key in known and item is not None}


def _unknown(value: dict[str, Any], known: frozenset[str], place: str) -> Iterator[str]:
    for key, item in value.items():
        if key not in known and item is not None:
            yield f"{place}.{key}: not known here, left out"


def _mapping(value: object, place: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidPolicyError(f"{place} is a {type(value).__name__}, want an object")
    return value


def _list(value: object, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidPolicyError(f"{place} is a {type(value).__name__}, want a list")
    return value
