"""Security rules: scope, conditions, exemptions, and the policy they make together.

A value that cannot mean anything cannot exist: constructors refuse it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from tidegate.domain.errors import InvalidRuleError
from tidegate.domain.finding import normalize_id
from tidegate.domain.severity import Severity

DEFAULT_RULE_NAME = "Default vulnerability assessment rule"
DEFAULT_MAX_AGE = timedelta(days=365)
DEFAULT_UNSUPPORTED_REGISTRIES = frozenset(
    {"docker.io", "mcr.microsoft.com", "public.ecr.aws", "gcr.io", "jfrog.io"}
)
"""Registries that are not scanned by default, as the reference pre-fills them."""


class Action(StrEnum):
    """What a violation leads to."""

    AUDIT = "audit"
    DENY = "deny"


class EvaluationMode(StrEnum):
    """Which of several matching rules decide."""

    FIRST_MATCH = "FirstMatch"
    STRICTEST = "Strictest"


class Disposition(StrEnum):
    """Whether a state of evidence is a violation."""

    VIOLATE = "violate"
    IGNORE = "ignore"


class MatcherType(StrEnum):
    """What a scope entry looks at."""

    NAMESPACE = "namespace"
    CLUSTER = "cluster"
    LABEL = "label"
    NAMESPACE_LABEL = "namespaceLabel"
    DEPLOYMENT = "deployment"
    WORKLOAD = "workload"
    POD = "pod"
    IMAGE = "image"
    SERVICE_ACCOUNT = "serviceAccount"


class Operator(StrEnum):
    """In: any value matches. NotIn: none does."""

    IN = "In"
    NOT_IN = "NotIn"


class ResourceMatcher(StrEnum):
    """What a resource exemption looks at."""

    REGISTRY = "registry"
    REPOSITORY = "repository"
    IMAGE_DIGEST = "imageDigest"
    DEPLOYMENT = "deployment"
    NAMESPACE = "namespace"
    POD = "pod"


@dataclass(frozen=True, slots=True)
class ScopeEntry:
    """One condition on where a rule applies."""

    matcher: MatcherType
    any_of: tuple[str, ...]
    """Globs: `*` is any run of characters; nothing else is special; the whole string."""
    operator: Operator = Operator.IN

    def __post_init__(self) -> None:
        if not self.any_of or "" in self.any_of:
            raise InvalidRuleError(
                f"scope entry {self.matcher}: anyOf is {list(self.any_of)}; name at least "
                "one value, none empty (an entry without values would match everything or nothing)"
            )


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The largest allowed count per severity; None: no limit. `high` counts high and critical."""

    critical: int | None = None
    high: int | None = None
    medium: int | None = None
    low: int | None = None
    unknown: int | None = None
    """Limits vulnerabilities without any severity; it alone counts them."""

    def __post_init__(self) -> None:
        for name in ("critical", "high", "medium", "low", "unknown"):
            limit = getattr(self, name)
            if limit is not None and limit < 0:
                raise InvalidRuleError(f"maxAllowedSeverities.{name} is {limit}; want 0 or more")

    def limit(self, severity: Severity) -> int | None:
        """Return the largest allowed count for `severity`, None where there is none."""
        limits = (self.unknown, self.low, self.medium, self.high, self.critical)
        return limits[severity]

    @property
    def empty(self) -> bool:
        """Whether nothing is limited."""
        return all(self.limit(severity) is None for severity in Severity)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What makes an image violate a rule; any one suffices."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    forbidden_ids: frozenset[str] = frozenset()
    """Normalised vulnerability ids; one present is a violation, exemption or not."""
    block_unscanned: bool = False
    on_stale: Disposition = Disposition.IGNORE
    on_unavailable: Disposition = Disposition.VIOLATE
    max_age: timedelta = DEFAULT_MAX_AGE
    unsupported_registries: frozenset[str] = DEFAULT_UNSUPPORTED_REGISTRIES
    """Normalised hosts whose missing evidence is no violation."""

    def __post_init__(self) -> None:
        if self.max_age <= timedelta(0):
            raise InvalidRuleError(f"maximumVaFileAge is {self.max_age}; want more than nothing")
        if self.thresholds.empty and not self.forbidden_ids and not self.block_unscanned:
            raise InvalidRuleError(
                "the rule has no condition; give at least one of maxAllowedSeverities, "
                "forbiddenCves and blockUnscannedImages"
            )


def end_of_day(moment: datetime) -> datetime:
    """Return the first instant, UTC, after the UTC day of `moment`.

    A time-bound exemption holds through the end of its last day, UTC: while now < this instant.
    """
    day = moment.astimezone(UTC).date()
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class VulnerabilityExemption:
    """Takes one vulnerability out of the count."""

    vulnerability_id: str
    expires_at: datetime | None = None
    """First instant at which it no longer holds, UTC; None: no end."""
    reason: str = ""
    added_by: str = ""

    def __post_init__(self) -> None:
        if not normalize_id(self.vulnerability_id):
            raise InvalidRuleError(
                "a vulnerability exemption names no id; name one, like CVE-2022-42004"
            )

    def holds(self, now: datetime) -> bool:
        """Whether this exemption still holds at `now`."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class ResourceExemption:
    """Takes the images of one kind of resource out of a rule."""

    matcher: ResourceMatcher
    value: str
    """A glob, as in `ScopeEntry.any_of`."""
    expires_at: datetime | None = None
    reason: str = ""
    added_by: str = ""

    def __post_init__(self) -> None:
        if not self.value.strip():
            raise InvalidRuleError(
                f"a resource exemption by {self.matcher} has an empty value; name what it exempts "
                "(an exemption without criteria would cover everything)"
            )

    def holds(self, now: datetime) -> bool:
        """Whether this exemption still holds at `now`."""
        return self.expires_at is None or now < self.expires_at


Exemption = VulnerabilityExemption | ResourceExemption


@dataclass(frozen=True, slots=True)
class Rule:
    """One security rule."""

    name: str
    action: Action
    conditions: Conditions
    scope: tuple[ScopeEntry, ...] = ()
    """All must match; empty: everything."""
    enabled: bool = True
    description: str = ""
    scope_name: str = ""
    vulnerability_exemptions: tuple[VulnerabilityExemption, ...] = ()
    resource_exemptions: tuple[ResourceExemption, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InvalidRuleError("a rule has no name; names are shown at every denial")


def default_rule() -> Rule:
    """Return the rule that judges what no other rule matches, as it is out of the box."""
    return Rule(
        name=DEFAULT_RULE_NAME,
        action=Action.AUDIT,
        conditions=Conditions(thresholds=Thresholds(high=0)),
        description="Warns about images with vulnerabilities of high severity or worse.",
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules in force in one cluster at one instant, highest priority first."""

    rules: tuple[Rule, ...] = field(default_factory=lambda: (default_rule(),))
    mode: EvaluationMode = EvaluationMode.FIRST_MATCH
    gating_on: bool = True
    """Off: everything is admitted and journaled as GatingOff."""
    re_admits: bool = False
    """Whether a workload's own pods come back although a later finding turned their image bad."""
    generation: str = ""
    """Names this state of the rules; travels with every verdict."""
