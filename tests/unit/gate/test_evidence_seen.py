from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from support.builders import DIGEST, IMAGE, NOW, report
from tidegate.domain.decide import JudgedImage
from tidegate.domain.evidence import (
    EvidenceOrigin,
    EvidenceSource,
    ImageEvidence,
    Missing,
    MissingReason,
    PlatformEvidence,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.reference import parse_reference
from tidegate.domain.workload import ImageUse
from tidegate.gate.evidence_seen import EVIDENCE_SEEN, MAX_WAITING, EvidenceSeen

FED = EvidenceOrigin(EvidenceSource.FEED, datetime(2026, 11, 23, 11, tzinfo=UTC))
READ = EvidenceOrigin(EvidenceSource.REGISTRY, datetime(2026, 11, 23, 11, tzinfo=UTC))


def judged(*platforms: PlatformEvidence) -> JudgedImage:
    use = ImageUse("spec.containers[0].image", IMAGE, "app")
    return JudgedImage(use, parse_reference(IMAGE), ImageEvidence(DIGEST, platforms))


def platform(
    evidence: Report | Missing | Unavailable, origin: EvidenceOrigin | None
) -> PlatformEvidence:
    return PlatformEvidence("linux/amd64", DIGEST, evidence, origin)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("evidence", "origin", "found", "source"),
    [
        pytest.param(report(), FED, "report", "feed", id="row"),
        pytest.param(report(), READ, "report", "registry", id="report"),
        pytest.param(Missing(MissingReason.NO_REPORT), READ, "missing", "registry", id="no-report"),
        pytest.param(
            Unavailable(UnavailableReason.DEADLINE), None, "unavailable", "none", id="late"
        ),
    ],
)
def test_each_platform_is_counted_by_what_was_known_and_where(
    evidence: Report | Missing | Unavailable,
    origin: EvidenceOrigin | None,
    found: str,
    source: str,
) -> None:
    before = sample("tidegate_gate_evidence_total", found=found, source=source)
    image = judged(platform(evidence, origin), platform(evidence, origin))
    EVIDENCE_SEEN.count([image, image], NOW)
    EVIDENCE_SEEN.flush()
    assert sample("tidegate_gate_evidence_total", found=found, source=source) == before + 4


def test_the_age_of_a_report_is_since_its_scan() -> None:
    def within(seconds: float) -> float:
        return sample("tidegate_gate_report_age_seconds_bucket", le=str(seconds))

    day, week = within(86400.0), within(7 * 86400.0)
    EVIDENCE_SEEN.count([judged(platform(report(age=timedelta(days=3)), FED))], NOW)
    EVIDENCE_SEEN.flush()
    assert (within(86400.0), within(7 * 86400.0)) == (day, week + 1)
    EVIDENCE_SEEN.count([judged(platform(Missing(MissingReason.NO_REPORT), READ))], NOW)
    EVIDENCE_SEEN.flush()
    assert within(7 * 86400.0) == week + 1, "what is no report has no age"


def test_reviews_of_the_same_list_are_counted_each() -> None:
    before = sample("tidegate_gate_evidence_total", found="missing", source="registry")
    seen = EvidenceSeen()
    images = [judged(platform(Missing(MissingReason.NO_REPORT), READ))]
    for _ in range(MAX_WAITING):
        seen.count(images, NOW)
    after = sample("tidegate_gate_evidence_total", found="missing", source="registry")
    assert after == before + MAX_WAITING
