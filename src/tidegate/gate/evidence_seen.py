"""Counts what reviews had to go by: was there a report, where was it learnt, how old was it."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache

from prometheus_client import Counter

from tidegate.domain.decide import JudgedImage
from tidegate.domain.evidence import Missing, PlatformEvidence, Report
from tidegate.gate.metrics import EVIDENCE, REPORT_AGE_SECONDS


def count_evidence(judged: Iterable[JudgedImage], now: datetime) -> None:
    """Count each platform of the images of one review, judged at `now`."""
    for image in judged:
        for platform in image.evidence.platforms:
            evidence = platform.evidence
            _counter(_found(platform), _source(platform)).inc()
            if isinstance(evidence, Report):
                REPORT_AGE_SECONDS.observe((now - evidence.scanned_at).total_seconds())


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
