"""Events: a row per image with what decided, and bounded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from support.builders import COMPLETE, DIGEST, NOW, deny, finding, judged, report
from support.gate_world import pod, review_of
from tidegate.domain.decide import decide
from tidegate.domain.digest import digest_of
from tidegate.domain.evidence import (
    EvidenceOrigin,
    EvidenceSource,
    ImageEvidence,
    Missing,
    MissingReason,
    PlatformEvidence,
    Report,
    ReportSource,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.finding import VexMark, VexStatus
from tidegate.domain.rule import (
    Policy,
    ResourceExemption,
    ResourceMatcher,
    Rule,
    VulnerabilityExemption,
)
from tidegate.domain.scope import compile_policy
from tidegate.domain.severity import Severity
from tidegate.domain.workload import Lookup, workload_of
from tidegate.gate.events import MAX_EVENT_BYTES, Moment, event_of, render_fitted
from tidegate.wire.admission_v1 import parse_review
from tidegate.wire.event_v1 import MAX_FINDINGS, AdmissionEventV1, parse_event, render_event

MOMENT = Moment(NOW, 10.0, "api-server", 10.002)
NOON_OF_FEED = NOW - timedelta(minutes=1)
OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "w", "uid": "u", "controller": True}


def event(
    *evidence: Report | Missing | Unavailable, rule: Rule, **metadata: object
) -> AdmissionEventV1:
    request = parse_review(review_of(pod("r.example/a:1", **metadata)))
    assert request.object is not None
    workload = workload_of(request.object, owners=Lookup.FAILED)
    images = [judged(each, f"r.example/i{n}:1") for n, each in enumerate(evidence)]
    verdict = decide(compile_policy(Policy((rule,), generation="g1")), workload, images, NOW)
    return parse_event(render_fitted(event_of(request, workload, verdict, MOMENT)))


def test_an_event_says_who_asked_for_what_when_and_what_was_found() -> None:
    low = finding("CVE-2024-0002", Severity.LOW)
    made = event(report(finding(), low), rule=deny("No high"), ownerReferences=[OWNER])
    assert (made.id, made.time, made.action) == ("6f1c-0001", "2026-11-23T12:00:00.000000Z", "deny")
    assert (made.user, made.operation, made.top_owner) == ("alice", "CREATE", "ReplicaSet/w")
    assert (made.generation, made.duration_us) == ("g1", 2000)
    (row,) = made.images
    assert (row.rule, row.violation, row.evidence) == ("No high", "High CVE: 1", "report")
    assert (row.digest, row.scanned_at) == (DIGEST, "2026-11-23T11:00:00Z")
    assert (row.counts.high, row.counts.low) == (1, 1)
    assert [each.id for each in row.findings] == ["CVE-2024-0001"]
    assert row.rule_configuration is not None
    assert parse_event(render_event(made)) == made


def test_t22_an_event_says_where_its_evidence_comes_from_and_how_old_it_may_be() -> None:
    request = parse_review(review_of(pod("r.example/a:1")))
    assert request.object is not None
    at = NOON_OF_FEED.astimezone(timezone(timedelta(hours=2)))
    told = EvidenceOrigin(EvidenceSource.FEED, at)
    other = EvidenceOrigin(EvidenceSource.REGISTRY, NOW)
    clean, bad = digest_of(b"clean"), digest_of(b"bad")
    evidence = ImageEvidence(
        DIGEST,
        (
            PlatformEvidence("linux/amd64", clean, report(), other),
            PlatformEvidence("linux/arm64", bad, report(finding()), told),
        ),
    )
    image = replace(judged(report()), evidence=evidence)
    policy = compile_policy(Policy((deny("No high"),)))
    verdict = decide(policy, workload_of(request.object, owners=Lookup.FAILED), [image], NOW)
    (row,) = event_of(
        request, workload_of(request.object, owners=Lookup.FAILED), verdict, MOMENT
    ).images
    assert row.platform == "linux/arm64"
    assert (row.evidence_source, row.evidence_at) == ("feed", "2026-11-23T11:59:00Z")


def test_what_trusted_statements_clear_travels_with_who_says_why() -> None:
    said_at = datetime(2026, 11, 20, tzinfo=UTC)
    mark = VexMark(
        VexStatus.NOT_AFFECTED, "component_not_present", "Example\x1b Inc", "vendor", said_at, "no"
    )
    fixed = VexMark(VexStatus.FIXED, "fixed", "", "distro")
    cleared = replace(finding(), not_affected=(mark, fixed))
    (row,) = event(report(cleared), rule=deny()).images
    assert (row.action, row.findings, row.counts.high) == ("allow", [], 0)
    (shown,) = row.not_affected
    assert (shown.id, shown.severity) == ("CVE-2024-0001", "high")
    assert shown.cleared_by == [
        "component_not_present, says Example Inc (vendor), 2026-11-20: no",
        "fixed: fixed, says distro",
    ]
    many = [replace(cleared, vulnerability_id=f"CVE-2024-{n:04}") for n in range(MAX_FINDINGS + 3)]
    (row,) = event(report(*many), rule=deny()).images
    assert (len(row.not_affected), row.not_affected_omitted) == (MAX_FINDINGS, 3)


def test_what_was_exempted_travels_with_the_exemption_that_did_it() -> None:
    until = datetime(2026, 12, 4, tzinfo=UTC)
    exempting = replace(
        deny(),
        vulnerability_exemptions=(
            VulnerabilityExemption("CVE-2024-0001", until, "fix scheduled", "bob"),
        ),
    )
    (row,) = event(report(finding()), rule=exempting).images
    assert (row.action, row.findings) == ("allow", [])
    (exempted,) = row.exempted
    assert exempted.exempted_by == ["CVE-2024-0001, until 2026-12-04T00:00:00Z: fix scheduled"]
    resource = ResourceExemption(ResourceMatcher.NAMESPACE, "default")
    skipping = replace(deny("No high"), resource_exemptions=(resource,))
    (row,) = event(report(finding()), rule=skipping).images
    assert (row.reason, row.rule) == ("ResourceExempted", "")
    assert row.resource_exemptions == ['rule "No high": namespace default']


@pytest.mark.parametrize(
    ("evidence", "state", "reason"),
    [
        (Missing(MissingReason.NO_REPORT), "missing", "MissingArtifact"),
        (
            Missing(MissingReason.UNVERIFIABLE, unverifiable=("x",) * 50),
            "missing",
            "UnverifiableArtifact",
        ),
        (Unavailable(UnavailableReason.REGISTRY), "unavailable", "Unavailable"),
    ],
)
def test_evidence_that_is_no_report_is_named(
    evidence: Missing | Unavailable, state: str, reason: str
) -> None:
    (row,) = event(evidence, rule=deny(block_unscanned=True)).images
    assert (row.evidence, row.reason) == (state, reason)
    assert len(row.unverifiable) <= 20


@pytest.mark.slow
def test_a_large_event_is_cut_where_it_hurts_least_and_counts_stay_whole() -> None:
    many = tuple(finding(f"CVE-2024-{n:05}") for n in range(3000))
    source = ReportSource("Tidegate", "evidence", NOW)
    large = Report(DIGEST, many, COMPLETE, (source,))
    (row,) = event(large, rule=deny()).images
    assert (len(row.findings), row.findings_omitted) == (MAX_FINDINGS, 3000 - MAX_FINDINGS)
    wide = replace(
        deny(),
        vulnerability_exemptions=tuple(
            VulnerabilityExemption(f"GHSA-{n}", None, "r" * 500) for n in range(900)
        ),
    )
    made = event(*(large for _ in range(100)), rule=wide)
    assert len(render_event(made)) <= MAX_EVENT_BYTES
    assert all(row.counts.high == 3000 for row in made.images)
    assert all(len(row.findings) + row.findings_omitted == 3000 for row in made.images)
