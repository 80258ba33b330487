"""A rule in words, for a terminal."""

from collections.abc import Iterator

from msgspec import UNSET

from tidegate.domain.rule import DEFAULT_UNSUPPORTED_REGISTRIES, Disposition
from tidegate.wire.hub_v1 import CloudScopeV1, RuleRecordV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, ExemptionV1, RuleV1, ScopeEntryV1

SEVERITIES = ("critical", "high", "medium", "low", "unknown")


def status_word(record: RuleRecordV1) -> str:
    """Return whether the rule is on, and what everybody should see of it at once."""
    words = ["Enabled" if record.rule.enabled else "Disabled"]
    if record.rule.configuration.on_unavailable is Disposition.IGNORE:
        words.append("ignores unavailable findings")
    if record.warnings:
        words.append(f"warnings: {len(record.warnings)}")
    return ", ".join(words)


def cloud_scope_words(scope: CloudScopeV1) -> str:
    """Return which clusters a rule reaches."""
    parts = [
        f"{name} {'|'.join(values)}"
        for name, values in (
            ("provider", scope.providers),
            ("account", scope.accounts),
            ("cluster", scope.clusters),
            ("label", scope.labels),
        )
        if values
    ]
    return ", ".join(parts) or "all clusters"


def describe_rule(record: RuleRecordV1) -> Iterator[str]:
    """Yield a rule as lines: title, scope, conditions, exemptions, warnings."""
    rule = record.rule
    yield f"Name:         {rule.name}"
    if rule.description:
        yield f"Description:  {rule.description}"
    yield f"Priority:     {record.priority}{' (default rule)' if record.is_default else ''}"
    yield f"Action:       {rule.action.value}"
    yield f"Status:       {status_word(record)}"
    yield f"Cloud scope:  {cloud_scope_words(record.cloud_scope)}"
    yield from describe_body(rule)
    yield f"Changed:      {record.updated_at} by {record.updated_by}"
    for warning in record.warnings:
        yield f"Warning:      {warning}"


def describe_body(rule: RuleV1) -> Iterator[str]:
    """Yield scope, conditions and exemptions, as they also stand in an admission event."""
    yield f"Scope:        {_scope(rule.scope)}"
    yield "Conditions:"
    yield from (f"  {line}" for line in _conditions(rule.configuration))
    exemptions = list(_exemptions(rule.configuration))
    if exemptions:
        yield "Exemptions:"
        yield from (f"  {line}" for line in exemptions)


def _scope(entries: list[ScopeEntryV1]) -> str:
    return (
        " and ".join(
            f"{entry.matcher_type.value} {'is' if entry.operator == 'In' else 'is not'} "
            f"{' or '.join(entry.any_of)}"
            for entry in entries
        )
        or "everything"
    )


def _conditions(configuration: ConfigurationV1) -> Iterator[str]:
    limits = configuration.max_allowed_severities
    for severity in SEVERITIES:
        limit = getattr(limits, severity)
        if limit is not UNSET:
            level = severity if severity in ("critical", "unknown") else f"{severity} or higher"
            yield f"at most {limit} of severity {level}"
    if configuration.forbidden_cves:
        yield f"none of {', '.join(configuration.forbidden_cves)}"
    if configuration.block_unscanned_images:
        yield "images without findings are violations"
        hosts = configuration.unsupported_registries
        if hosts is UNSET:
            hosts = sorted(DEFAULT_UNSUPPORTED_REGISTRIES)
        yield f"  except from {', '.join(hosts) or 'nowhere'}"
    stale = configuration.on_stale
    word = "as unscanned ones" if stale is UNSET else stale.value
    yield f"findings older than {configuration.maximum_va_file_age}: {word}"
    yield f"findings that cannot be read: {configuration.on_unavailable.value}"


def _exemptions(configuration: ConfigurationV1) -> Iterator[str]:
    yield from configuration.ignored_cves
    for exemption in configuration.exemptions:
        yield _exemption(exemption)


def _exemption(exemption: ExemptionV1) -> str:
    matcher = exemption.matcher_type
    what = exemption.value if matcher is UNSET else f"{matcher.value} {exemption.value}"
    bound = exemption.time_bound
    until = "" if bound is UNSET else f" through {bound.end_date}"
    reason = f": {exemption.reason}" if exemption.reason else ""
    return f"{what}{until}{reason}" + (f" ({exemption.added_by})" if exemption.added_by else "")
