"""`tidegate.io/v1alpha1` SecurityArtifactPolicy objects, to and from domain values.

Field names follow the reference system, so that its objects can be imported. The types here are
the one source of the CRD (`tidegate.wire.crd`) and of the hub's rule bodies: bounds in `Meta`
become schema limits. Unknown fields are refused: a misspelt condition must not vanish silently.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import takewhile
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tidegate.domain.errors import InvalidPolicyError, InvalidRuleError
from tidegate.domain.finding import normalize_id
from tidegate.domain.reference import normalize_host
from tidegate.domain.rule import (
    DEFAULT_UNSUPPORTED_REGISTRIES,
    Action,
    Conditions,
    Disposition,
    EvaluationMode,
    Exemption,
    MatcherType,
    Operator,
    ResourceExemption,
    ResourceMatcher,
    Rule,
    ScopeEntry,
    Thresholds,
    VulnerabilityExemption,
)
from tidegate.wire.policy_times import (
    parse_duration,
    parse_end_date,
    render_duration,
    render_end_date,
)

GROUP = "tidegate.io"
VERSION = "v1alpha1"
API_VERSION: Final = "tidegate.io/v1alpha1"
KIND: Final = "SecurityArtifactPolicy"
PLURAL = "securityartifactpolicies"
SHORT_NAME = "sap"
HUB_OBJECT_NAME = "tidegate-vulnerability-assessment-policy"
"""The object that the cluster agent writes; what is larger goes on in `…-policy-2`, …"""

MAX_RULES = 500
MAX_IDS = 1000
MAX_OBJECT_BYTES = 500 * 1024
"""Largest policy object; etcd refuses requests above 1.5 MiB and last good copies are kept too."""


Glob = Annotated[str, Meta(min_length=1, max_length=512)]
VulnerabilityId = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=1024)]
Limit = Annotated[int, Meta(ge=0, le=1_000_000)]
Host = Annotated[str, Meta(min_length=1, max_length=261)]
Duration = Annotated[str, Meta(pattern=r"^[0-9]{1,6}[dhm]$")]


class Wire(msgspec.Struct, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """Base of all objects here: camelCase names, defaults left out, unknown fields refused."""


class ScopeEntryV1(Wire, omit_defaults=False):
    """One condition on where a rule applies; all entries of a scope must match."""

    matcher_type: MatcherType
    any_of: Annotated[list[Glob], Meta(min_length=1, max_length=200)]
    operator: Operator = Operator.IN


class MaxAllowedSeveritiesV1(Wire):
    """Largest allowed count of vulnerabilities of a severity or higher."""

    critical: Limit | UnsetType = UNSET
    high: Limit | UnsetType = UNSET
    medium: Limit | UnsetType = UNSET
    low: Limit | UnsetType = UNSET
    unknown: Limit | UnsetType = UNSET


class TimeBoundV1(Wire):
    """The end of an exemption."""

    end_date: Annotated[str, Meta(min_length=10, max_length=40)]
    """A date, or a date-time whose UTC day is meant; the exemption holds through that day, UTC."""


class ExemptionV1(Wire):
    """A time-bound exemption of a vulnerability, or an exemption of a resource."""

    type: Literal["timeBased", "permanent"]
    value: Annotated[str, Meta(min_length=1, max_length=512)]
    matcher_type: ResourceMatcher | UnsetType = UNSET
    """Set: exempts resources matching `value`. Unset: exempts the vulnerability `value`."""
    time_bound: TimeBoundV1 | UnsetType = UNSET
    reason: Text = ""
    added_by: Annotated[str, Meta(max_length=256)] = ""


class ConfigurationV1(Wire):
    """Conditions and exemptions of a rule."""

    max_allowed_severities: MaxAllowedSeveritiesV1 = msgspec.field(
        default_factory=MaxAllowedSeveritiesV1
    )
    block_unscanned_images: bool = False
    on_stale: Disposition | UnsetType = UNSET
    on_unavailable: Disposition = Disposition.VIOLATE
    maximum_va_file_age: Duration = "365d"
    forbidden_cves: Annotated[list[VulnerabilityId], Meta(max_length=MAX_IDS)] = []
    ignored_cves: Annotated[list[VulnerabilityId], Meta(max_length=MAX_IDS)] = []
    exemptions: Annotated[list[ExemptionV1], Meta(max_length=MAX_IDS)] = []
    unsupported_registries: Annotated[list[Host], Meta(max_length=200)] | UnsetType = UNSET


class RuleV1(Wire, omit_defaults=False):
    """One security rule, as objects, the hub's API and `tidegate rules` write it."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    action: Action
    configuration: ConfigurationV1
    enabled: bool = True
    description: Text = ""
    scope_name: Annotated[str, Meta(max_length=256)] = ""
    scope: Annotated[list[ScopeEntryV1], Meta(max_length=50)] = []


class SpecV1(Wire, omit_defaults=False):
    """The rules of one object and how objects go together."""

    vulnerability_assessment_gated_deployment: Annotated[list[RuleV1], Meta(max_length=MAX_RULES)]
    policy_last_edit_time: str | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=0, le=1_000_000)] = 1000
    evaluation_mode: EvaluationMode = EvaluationMode.FIRST_MATCH
    gating: Literal["On", "Off"] = "On"
    re_admission: Literal["Enforce", "Audit"] | UnsetType = UNSET
    """Unset: this object leaves it to others."""


class ObjectMetaV1(msgspec.Struct, rename="camel", omit_defaults=True):
    """What we read of an object's metadata; the API server owns the rest."""

    name: str
    creation_timestamp: str | None = None
    generation: int | None = None
    resource_version: str | None = None
    uid: str | None = None
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class PolicyObjectV1(msgspec.Struct, rename="camel", omit_defaults=True):
    """A SecurityArtifactPolicy; `status` is the agent's and is not read here."""

    api_version: Literal["tidegate.io/v1alpha1"]
    kind: Literal["SecurityArtifactPolicy"]
    metadata: ObjectMetaV1
    spec: SpecV1


def parse_policy_object(body: bytes | dict[str, Any]) -> PolicyObjectV1:
    """Return the policy object in JSON bytes, or in a decoded mapping.

    Every rule is converted once, so an object that parses can be put in force.

    Raises:
        InvalidPolicyError: names the field, what came and what was wanted.
    """
    if isinstance(body, bytes) and len(body) > 3 * MAX_OBJECT_BYTES:
        raise InvalidPolicyError(
            f"policy object of {len(body)} bytes; want at most 500 KiB of spec"
        )
    try:
        if isinstance(body, bytes):
            parsed = msgspec.json.decode(body, type=PolicyObjectV1)
        else:
            parsed = msgspec.convert(body, PolicyObjectV1)
            msgspec.json.encode(parsed)  # half a surrogate pair could never be written again
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidPolicyError(f"policy object: {error}") from error
    rules_of(parsed)
    return parsed


def rules_of(policy: PolicyObjectV1) -> tuple[Rule, ...]:
    """Return the object's rules in order.

    Raises:
        InvalidPolicyError: a rule means nothing, or two share a name.
    """
    entries = policy.spec.vulnerability_assessment_gated_deployment
    names = [entry.name for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidPolicyError(
            f"rule names are used twice: {', '.join(twice)}; want unique names"
        )
    return tuple(map(rule_of, entries))


def rule_of(entry: RuleV1) -> Rule:
    """Return the domain rule that `entry` means.

    Raises:
        InvalidPolicyError: the rule means nothing; names the rule, why, and its field.
    """
    try:
        return _rule_of(entry)
    except InvalidRuleError as error:
        raise InvalidPolicyError(f"rule {entry.name!r}: {error}", field=error.field) from error


def entry_of(rule: Rule) -> RuleV1:
    """Return `rule` as objects write it; `rule_of` of the result is `rule` again."""
    conditions = rule.conditions
    limits = conditions.thresholds
    return RuleV1(
        name=rule.name,
        action=rule.action,
        enabled=rule.enabled,
        description=rule.description,
        scope_name=rule.scope_name,
        scope=[ScopeEntryV1(e.matcher, list(e.any_of), e.operator) for e in rule.scope],
        configuration=ConfigurationV1(
            max_allowed_severities=MaxAllowedSeveritiesV1(
                *(
                    UNSET if limit is None else limit
                    for limit in (
                        limits.critical,
                        limits.high,
                        limits.medium,
                        limits.low,
                        limits.unknown,
                    )
                )
            ),
            block_unscanned_images=conditions.block_unscanned,
            on_stale=conditions.on_stale,
            on_unavailable=conditions.on_unavailable,
            maximum_va_file_age=render_duration(conditions.max_age),
            forbidden_cves=sorted(conditions.forbidden_ids),
            ignored_cves=[e.vulnerability_id for e in _ignored(rule)],
            exemptions=_exemption_entries(rule),
            unsupported_registries=sorted(conditions.unsupported_registries),
        ),
    )


def _rule_of(entry: RuleV1) -> Rule:
    conditions = _conditions_of(entry.configuration)
    scope = []
    for place, each in enumerate(entry.scope):
        with _at(f"scope[{place}].anyOf"):
            scope.append(ScopeEntry(each.matcher_type, tuple(each.any_of), each.operator))
    vulnerabilities, resources = _exemptions_of(entry.configuration)
    with _at("name"):
        return Rule(
            name=entry.name,
            action=entry.action,
            conditions=conditions,
            scope=tuple(scope),
            enabled=entry.enabled,
            description=entry.description,
            scope_name=entry.scope_name,
            vulnerability_exemptions=vulnerabilities,
            resource_exemptions=resources,
        )


def _conditions_of(configuration: ConfigurationV1) -> Conditions:
    severities = configuration.max_allowed_severities
    block_unscanned = configuration.block_unscanned_images
    default_on_stale = Disposition.VIOLATE if block_unscanned else Disposition.IGNORE
    hosts = configuration.unsupported_registries
    with _at("configuration.maximumVaFileAge"):
        max_age = parse_duration(configuration.maximum_va_file_age)
    with _at("configuration.maxAllowedSeverities"):
        limits = (
            severities.critical,
            severities.high,
            severities.medium,
            severities.low,
            severities.unknown,
        )
        thresholds = Thresholds(*(None if limit is UNSET else limit for limit in limits))
    on_stale = default_on_stale if configuration.on_stale is UNSET else configuration.on_stale
    with _at("configuration"):
        return Conditions(
            thresholds=thresholds,
            forbidden_ids=frozenset(map(normalize_id, configuration.forbidden_cves)),
            block_unscanned=block_unscanned,
            on_stale=on_stale,
            on_unavailable=configuration.on_unavailable,
            max_age=max_age,
            unsupported_registries=(
                DEFAULT_UNSUPPORTED_REGISTRIES
                if hosts is UNSET
                else frozenset(map(normalize_host, hosts))
            ),
        )


def _exemptions_of(
    configuration: ConfigurationV1,
) -> tuple[tuple[VulnerabilityExemption, ...], tuple[ResourceExemption, ...]]:
    vulnerabilities: list[VulnerabilityExemption] = []
    resources: list[ResourceExemption] = []
    for place, ignored in enumerate(configuration.ignored_cves):
        with _at(f"configuration.ignoredCves[{place}]"):
            vulnerabilities.append(VulnerabilityExemption(ignored))
    for place, each in enumerate(configuration.exemptions):
        field = f"configuration.exemptions[{place}]"
        with _at(f"{field}.timeBound.endDate"):
            expiry = _expiry(each)
        with _at(f"{field}.value"):
            if each.matcher_type is UNSET:
                vulnerabilities.append(
                    VulnerabilityExemption(each.value, expiry, each.reason, each.added_by)
                )
            else:
                resources.append(
                    ResourceExemption(
                        each.matcher_type, each.value, expiry, each.reason, each.added_by
                    )
                )
    return tuple(vulnerabilities), tuple(resources)


@contextmanager
def _at(field: str) -> Iterator[None]:
    """Say of a refusal from within at which field of the rule it is."""
    try:
        yield
    except InvalidRuleError as error:
        error.field = error.field or field
        raise


def _expiry(exemption: ExemptionV1) -> datetime | None:
    bound = exemption.time_bound
    if exemption.type == "permanent":
        if bound is not UNSET:
            raise InvalidRuleError(
                f"exemption {exemption.value!r} is permanent but has an endDate; "
                "say timeBased, or leave timeBound out"
            )
        return None
    if bound is UNSET:
        raise InvalidRuleError(
            f"exemption {exemption.value!r} is timeBased but has no timeBound.endDate; give one"
        )
    return parse_end_date(bound.end_date)


def _exemption_entries(rule: Rule) -> list[ExemptionV1]:
    vulnerabilities = (
        _exemption_entry(e, e.vulnerability_id, UNSET)
        for e in rule.vulnerability_exemptions[len(_ignored(rule)) :]
    )
    resources = (_exemption_entry(e, e.value, e.matcher) for e in rule.resource_exemptions)
    return [*vulnerabilities, *resources]


def _exemption_entry(
    exemption: Exemption, value: str, matcher: ResourceMatcher | UnsetType
) -> ExemptionV1:
    return ExemptionV1(
        type="permanent" if exemption.expires_at is None else "timeBased",
        value=value,
        matcher_type=matcher,
        time_bound=_time_bound(exemption.expires_at),
        reason=exemption.reason,
        added_by=exemption.added_by,
    )


def _ignored(rule: Rule) -> tuple[VulnerabilityExemption, ...]:
    """Return what `ignoredCves` says: it is read before `exemptions`, and the order stays."""
    return tuple(takewhile(_plainly_ignored, rule.vulnerability_exemptions))


def _plainly_ignored(exemption: VulnerabilityExemption) -> bool:
    return exemption.expires_at is None and not exemption.reason and not exemption.added_by


def _time_bound(expires_at: datetime | None) -> TimeBoundV1 | UnsetType:
    if expires_at is None:
        return UNSET
    return TimeBoundV1(render_end_date(expires_at))
