"""What a scanner with a database of its own found, held to the image that it had to look at."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from support.report_documents import (
    CONFIG_DIGEST,
    IMAGE_DIGEST,
    OTHER_DIGEST,
    Json,
    body,
    cyclonedx,
    grype,
    openvex,
    trivy,
)
from tidegate.advisories.demo import demo_set
from tidegate.domain.digest import Digest
from tidegate.domain.errors import ContentMismatchError, MalformedReportError
from tidegate.scan.answer import Answered, Scanned, judge_answer
from tidegate.scan.scanner import ForeignFindings, ScannerOutput

SCANNED = Scanned(Digest(IMAGE_DIGEST), CONFIG_DIGEST, ())
BUILT = datetime(2026, 11, 1, tzinfo=UTC)


def found(name: str, document: Json, **more: Json) -> Answered:
    findings = ForeignFindings(name, body(document), f"{name} DB", "2", BUILT)
    changes = {key: more.pop(key) for key in ("covered",) if key in more}
    output = ScannerOutput("application/json", b"", findings=replace(findings, **changes), **more)
    return judge_answer(output, SCANNED, demo_set())


def test_findings_coverage_and_age_are_the_scanners() -> None:
    judged = found("trivy", trivy())
    assert (judged.scanner.name, judged.scanner.db_updated_at) == ("Trivy", BUILT)
    assert [f.vulnerability_id for f in judged.findings] == ["CVE-2022-28346"]
    assert [(e.ecosystem, e.source, e.source_updated_at) for e in judged.coverage.ecosystems] == [
        ("Debian:12", "trivy DB", BUILT),
        ("PyPI", "trivy DB", BUILT),
    ]
    assert [p.name for p in judged.packages] == ["zlib1g", "Django"]
    assert judged.coverage.complete


def test_what_its_database_does_not_cover_is_a_gap() -> None:
    judged = found("trivy", trivy(), covered=frozenset({"PyPI"}))
    assert judged.coverage.gaps == ("1 Debian:12 packages without an advisory source",)


def test_what_it_could_not_look_into_is_a_gap() -> None:
    judged = found("trivy", trivy(), archives=("opt/a.jar",), not_understood=("2 layers",))
    assert judged.coverage.gaps == (
        "1 Java archives without Maven coordinates: opt/a.jar",
        "2 layers",
    )


@pytest.mark.parametrize(
    ("name", "document"),
    [
        pytest.param("trivy", trivy(Metadata={"ImageID": OTHER_DIGEST}), id="trivy"),
        pytest.param("cyclonedx", cyclonedx(metadata={"component": {"version": OTHER_DIGEST}, "tools": [{"name": "x"}]}), id="cyclonedx"),
    ],
)  # fmt: skip
def test_t05_a_scanner_that_looked_elsewhere_is_not_believed(name: str, document: Json) -> None:
    with pytest.raises(ContentMismatchError, match=OTHER_DIGEST):
        found(name, document)


def test_an_answer_that_names_no_image_or_no_scanner_is_not_believed() -> None:
    for name, document in (("grype", grype(source=None)), ("openvex", openvex())):
        with pytest.raises(MalformedReportError, match="does not say what it looked at"):
            found(name, document)


def test_packages_beside_a_report_are_held_to_the_image_too() -> None:
    output = ScannerOutput(
        "application/vnd.cyclonedx+json",
        body(cyclonedx(metadata={"component": {"version": OTHER_DIGEST}})),
        findings=ForeignFindings("grype", body(grype()), "Grype DB"),
    )
    with pytest.raises(ContentMismatchError, match="looked at image"):
        judge_answer(output, SCANNED, demo_set())
