"""Which exemptions of the rules take a finding out of a count, told where findings are shown.

Whether one counts for a workload is its rule's matter: its scope, and what else it forbids.
"""

from collections.abc import Iterable
from datetime import datetime

from tidegate.domain.finding import is_cve, normalize_id
from tidegate.domain.rule import Rule, VulnerabilityExemption
from tidegate.wire.hub_data_v1 import FindingDetailV1
from tidegate.wire.image_report_v1 import ExemptionMarkV1
from tidegate.wire.policy_times import render_end_date


class ExemptionMarks:
    """The exemptions of vulnerabilities in a list of rules, by normalised id."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._by_id: dict[str, list[tuple[str, VulnerabilityExemption]]] = {}
        for rule in rules:
            if rule.enabled:
                for exemption in rule.vulnerability_exemptions:
                    key = normalize_id(exemption.vulnerability_id)
                    self._by_id.setdefault(key, []).append((rule.name, exemption))

    def marks_of(self, finding: FindingDetailV1, now: datetime) -> list[ExemptionMarkV1]:
        """Return the exemptions of `finding` that hold at `now`, in the order of the rules.

        As in the decision: of a finding with several CVEs, exempting another one leaves this.
        """
        own = normalize_id(finding.id)
        ids = {own, *(name for name in map(normalize_id, finding.aliases) if not is_cve(name))}
        return [
            ExemptionMarkV1(
                rule=rule,
                end_date=render_end_date(exemption.expires_at) if exemption.expires_at else "",
                reason=exemption.reason,
                added_by=exemption.added_by,
            )
            for name in sorted(ids & self._by_id.keys())
            for rule, exemption in self._by_id[name]
            if exemption.holds(now)
        ]
