"""Rules as people see them: with their priority, and with what they mean but may not intend."""

from collections.abc import Sequence

from tidegate.domain.cautions import cautions_of
from tidegate.hub.store.rules import StoredRule
from tidegate.wire.hub_v1 import RuleRecordV1
from tidegate.wire.policy_v1alpha1 import rule_of


def records_of(stored: Sequence[StoredRule]) -> list[RuleRecordV1]:
    """Return all rules, in order; the cautions about one depend on those below it."""
    cautions = cautions_of([rule_of(rule.entry) for rule in stored])
    return [
        RuleRecordV1(
            id=rule.id,
            priority=priority,
            rule=rule.entry,
            cloud_scope=rule.cloud_scope,
            is_default=rule.is_default,
            updated_at=rule.updated_at,
            updated_by=rule.updated_by,
            etag=rule.etag,
            warnings=list(warnings),
        )
        for priority, (rule, warnings) in enumerate(zip(stored, cautions, strict=True), 1)
    ]
