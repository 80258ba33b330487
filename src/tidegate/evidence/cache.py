"""What was verified, kept by content and bounded by memory.

Two tables, both keyed with the generation of the trust configuration, so that a key's removal
drops at once what it signed:
*reports* by artifact digest: that an artifact was signed and says what it says never changes;
*states* by subject: the evidence last found, used while fresh, and as the last resort when the
registry does not answer in time. "No report" is used for seconds; errors are not kept.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from tidegate.domain.digest import Digest
from tidegate.domain.evidence import (
    EvidenceOrigin,
    EvidenceSource,
    Missing,
    Report,
    Unavailable,
)
from tidegate.domain.finding import Finding
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.verify import VerifiedReport

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

BYTES_PER_REPORT = 2048
BYTES_PER_FINDING = 480
"""Measured on CPython 3.11: the objects of one finding without its strings."""


@dataclass(frozen=True, slots=True)
class SubjectState:
    """Evidence about one subject, and when the registry was asked for it."""

    evidence: Report | Missing
    read_at: datetime
    origin: EvidenceOrigin


class SubjectKey(NamedTuple):
    """One manifest of one repository under one trust configuration."""

    generation: str
    repository_name: str
    subject: Digest


class EvidenceCache:
    """Verified reports and the last known state of each subject."""

    def __init__(self, limits: EvidenceLimits) -> None:
        self._limits = limits
        self._reports = Lru[tuple[SubjectKey, Digest], VerifiedReport](
            limits.max_cached_reports, limits.max_cached_bytes
        )
        self._states = Lru[SubjectKey, SubjectState](
            limits.max_cached_reports, limits.max_cached_bytes
        )
        self._generation = ""
        self.changes = 0
        """Grows whenever a state becomes another."""

    @property
    def estimated_bytes(self) -> int:
        """Memory that the cached reports are taken to use."""
        return self._reports.weight

    def use_generation(self, generation: str) -> None:
        """Drop everything verified under another trust configuration."""
        if generation != self._generation:
            self._reports.clear()
            self._states.clear()
            self._generation = generation
            self.changes += 1

    def report(self, key: SubjectKey, artifact: Digest) -> VerifiedReport | None:
        """Return the verified report in `artifact`."""
        return self._reports.get((key, artifact))

    def keep_report(self, key: SubjectKey, verified: VerifiedReport) -> None:
        """Keep a verified report, unless it is alone too large or of another generation."""
        if key.generation == self._generation:
            self._reports.put((key, verified.artifact), verified, _weight(verified.report))

    def fresh(self, key: SubjectKey, now: datetime) -> Report | Missing | None:
        """Return what was found so recently that the registry need not be asked."""
        state = self._states.get(key)
        # A clock set back must not keep anything for ever.
        if state is None or not state.read_at <= now < self._fresh_until(state):
            return None
        return state.evidence

    def fresh_until(self, key: SubjectKey) -> datetime | None:
        """Return the first instant at which what was found has to be asked for again."""
        state = self._states.get(key)
        return None if state is None else self._fresh_until(state)

    def ask_again_at(self, key: SubjectKey) -> datetime | None:
        """Return from when on what was found may be asked for anew, so that it is never too old."""
        state = self._states.get(key)
        if state is None:
            return None
        fresh_until = self._fresh_until(state)
        own = (1 + int(key.subject[-2:], 16) / 256) / 2
        return fresh_until - (fresh_until - state.read_at) * self._limits.refresh_ahead * own

    def _fresh_until(self, state: SubjectState) -> datetime:
        is_report = isinstance(state.evidence, Report)
        seconds = self._limits.fresh_s if is_report else self._limits.negative_s
        return state.read_at + timedelta(seconds=seconds)

    def last_report(self, key: SubjectKey) -> Report | None:
        """Return the report last found, however long ago."""
        state = self._states.get(key)
        if state is not None and isinstance(state.evidence, Report):
            return state.evidence
        return None

    def origin(
        self, key: SubjectKey, evidence: Report | Missing | Unavailable
    ) -> EvidenceOrigin | None:
        """Return when the registry was asked for `evidence`; None where it is not what is kept."""
        state = self._states.get(key)
        if state is None or state.evidence is not evidence:
            return None
        return state.origin

    def age_s(self, key: SubjectKey, now: datetime) -> float:
        """Return how long ago the registry was asked for what is known of `key`, in seconds."""
        state = self._states.get(key)
        return math.inf if state is None else (now - state.read_at).total_seconds()

    def keep_state(self, key: SubjectKey, evidence: Report | Missing, now: datetime) -> None:
        """Keep what was found; there is no way to keep an error."""
        if key.generation != self._generation:
            return
        weight = _weight(evidence) if isinstance(evidence, Report) else BYTES_PER_REPORT
        origin = EvidenceOrigin(EvidenceSource.REGISTRY, now)
        self._states.put(key, SubjectState(evidence, now, origin), weight)
        self.changes += 1


class Lru(Generic[K, V]):
    """A table that drops what was used longest ago when it is full, by number or by weight."""

    def __init__(self, max_entries: int, max_weight: int) -> None:
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._max_entries = max_entries
        self._max_weight = max_weight
        self.weight = 0

    def get(self, key: K) -> V | None:
        """Return what is kept for `key`, which counts as using it."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep `value`, unless it is alone too heavy."""
        self.forget(key)
        if weight > self._max_weight:
            return
        self._entries[key] = (value, weight)
        self.weight += weight
        while len(self._entries) > self._max_entries or self.weight > self._max_weight:
            self.forget(next(iter(self._entries)))

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self.weight = 0

    def forget(self, key: K) -> None:
        """Drop what is kept for `key`."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.weight -= entry[1]


def _weight(report: Report) -> int:
    """Return the memory that `report` is taken to use, in bytes."""
    return BYTES_PER_REPORT + sum(map(_finding_weight, report.findings))


def _finding_weight(finding: Finding) -> int:
    texts = (finding.package, finding.version, finding.fixed_version, *finding.aliases)
    return BYTES_PER_FINDING + sum(map(len, texts))
