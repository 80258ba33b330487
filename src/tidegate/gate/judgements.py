"""Judgements about reports, remembered for as long as nothing they rest on can change.

The same few images are judged by the same rules all day. A judgement rests on the rule, the
report, the platform, the registry, and on the time only where an exemption ends or the report
grows old. All of it is part of what is asked: nothing has to be dropped on somebody else's word.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from tidegate.domain.evidence import PlatformEvidence, Report
from tidegate.domain.judge import changes_at, judge_evidence
from tidegate.domain.scope import CompiledRule
from tidegate.domain.verdict import RuleJudgement

MAX_FINDINGS = 50_000
"""Of all reports that judgements hold: about 24 MiB where nothing else holds them."""

MAX_JUDGEMENTS = 10_000

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Remembered:
    compiled: CompiledRule
    platform: PlatformEvidence
    """Held, so that no other object gets their places in memory, which the key names."""
    judgement: RuleJudgement
    since: datetime
    until: datetime
    """The first instant at which it does not hold any more."""


class Judgements:
    """Does what `judge_evidence` does, and remembers it."""

    def __init__(self, max_findings: int = MAX_FINDINGS) -> None:
        self._max_findings = max_findings
        self._known: dict[tuple[int, int, str, str, str | None], _Remembered] = {}
        self.findings = 0
        """Of the reports that are held."""
        self.until = NEVER
        """The first instant at which a judgement given since this was set may be another."""

    def __call__(
        self, compiled: CompiledRule, registry: str, platform: PlatformEvidence, now: datetime
    ) -> RuleJudgement:
        """Return what the rule says about one platform, as `judge_evidence` would."""
        report = platform.evidence
        if not isinstance(report, Report):
            return judge_evidence(compiled, registry, platform, now)
        key = (id(compiled), id(report), registry, platform.platform, platform.digest)
        known = self._known.get(key)
        if known is not None and known.since <= now < known.until:
            self.until = min(self.until, known.until)
            return known.judgement
        judgement = judge_evidence(compiled, registry, platform, now)
        until = changes_at(compiled, report, now)
        self.until = min(self.until, now if until is None else until)
        if until is not None:
            self._keep(key, _Remembered(compiled, platform, judgement, now, until), report)
        return judgement

    def _keep(
        self, key: tuple[int, int, str, str, str | None], entry: _Remembered, report: Report
    ) -> None:
        size = 1 + len(report.findings)
        if size > self._max_findings:
            return
        if self.findings + size > self._max_findings or len(self._known) >= MAX_JUDGEMENTS:
            self._known.clear()  # all at once: what is in use is soon back
            self.findings = 0
        self.findings += size
        self._known[key] = entry
