"""Counts what reviews had to go by: was there a report, where was it learnt, how old was it.

Reviews of one workload go by the very same list of images, so each list is looked at once for many
of them: `flush` has to be called before the numbers are read.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from prometheus_client import Counter

from tidegate.domain.decide import JudgedImage
from tidegate.domain.evidence import Missing, PlatformEvidence, Report
from tidegate.gate.metrics import EVIDENCE, REPORT_AGE_SECONDS

MAX_WAITING = 256
"""Reviews that are not in the numbers yet, at most."""


class EvidenceSeen:
    """Counts for one process, which answers reviews in one thread."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Sequence[JudgedImage], int]] = {}
        self._reviews = 0
        self._now: datetime | None = None

    def count(self, judged: Sequence[JudgedImage], now: datetime) -> None:
        """Count each platform of the images of one review, judged at `now`."""
        _, before = self._waiting.get(id(judged), (judged, 0))
        self._waiting[id(judged)] = (judged, before + 1)
        self._now = now
        self._reviews += 1
        if self._reviews >= MAX_WAITING:
            self.flush()

    def flush(self) -> None:
        """Bring the numbers up to date; ages are those of the last review."""
        for judged, times in self._waiting.values():
            for image in judged:
                for platform in image.evidence.platforms:
                    self._add(platform, times)
        self._waiting.clear()
        self._reviews = 0

    def _add(self, platform: PlatformEvidence, times: int) -> None:
        evidence = platform.evidence
        _counter(_found(platform), _source(platform)).inc(times)
        if isinstance(evidence, Report) and self._now is not None:
            age_s = (self._now - evidence.scanned_at).total_seconds()
            REPORT_AGE_SECONDS.observe(age_s, times)


def _found(platform: PlatformEvidence) -> str:
    match platform.evidence:
        case Report():
            return "report"
        case Missing():
            return "missing"
        case _:
            return "unavailable"


def _source(platform: PlatformEvidence) -> str:
    return "none" if platform.origin is None else platform.origin.source.value


@cache
def _counter(found: str, source: str) -> Counter:
    """Return the counter for these labels; looking one up costs more than counting."""
    return EVIDENCE.labels(found, source)


EVIDENCE_SEEN = EvidenceSeen()
