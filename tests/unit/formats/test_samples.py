"""What the real tools wrote about the demo images, read: `tests/samples/README.md`."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tidegate.domain.digest import Digest
from tidegate.domain.errors import MalformedReportError, SubjectMismatchError
from tidegate.formats.documents import ReadDocument, read_document
from tidegate.formats.report import require_about
from tidegate.local.images import build_demo_images
from tidegate.plugins import load_formats
from tidegate.wire.oci_v1 import OCI_MANIFEST, parse_manifest

SAMPLES = Path(__file__).parents[2] / "samples"
FORMATS = load_formats()
IMAGES = {image.tag: image for image in build_demo_images() if image.tag != "multi-arch"}
CLEAN: dict[str, int] = {}
TRIVY_HIGH, TRIVY_CRITICAL = {"high": 4, "medium": 4}, {"critical": 12, "high": 28, "medium": 11}
GRYPE_HIGH, GRYPE_CRITICAL = {"high": 3, "medium": 4}, {"critical": 8, "high": 14, "medium": 7}
SCANNERS = ("grype", "syft", "trivy")
FILES = sorted(
    str(path.relative_to(SAMPLES)) for tool in SCANNERS for path in (SAMPLES / tool).glob("*.json")
)
"""Of scanners; the others are read in test_samples_elsewhere.py."""


def read(name: str) -> ReadDocument:
    return read_document((SAMPLES / name).read_bytes(), FORMATS)


@pytest.mark.parametrize(
    ("name", "form", "counts", "packages"),
    [
        ("trivy/clean.json.json", "trivy", CLEAN, 7),
        ("trivy/clean.sarif.json", "sarif", CLEAN, 0),
        ("trivy/clean.cyclonedx.json", "cyclonedx", CLEAN, 7),
        ("trivy/clean.cosign-vuln.json", "cosign-vuln", CLEAN, 7),
        ("trivy/high.json.json", "trivy", TRIVY_HIGH, 9),
        ("trivy/high.sarif.json", "sarif", TRIVY_HIGH, 0),
        ("trivy/high.cyclonedx.json", "cyclonedx", TRIVY_HIGH, 9),
        ("trivy/high.cosign-vuln.json", "cosign-vuln", TRIVY_HIGH, 9),
        ("trivy/critical.json.json", "trivy", TRIVY_CRITICAL, 11),
        ("trivy/critical.sarif.json", "sarif", TRIVY_CRITICAL, 0),
        ("trivy/critical.cyclonedx.json", "cyclonedx", TRIVY_CRITICAL, 11),
        ("trivy/critical.cosign-vuln.json", "cosign-vuln", TRIVY_CRITICAL, 11),
        ("grype/clean.json.json", "grype", CLEAN, 0),
        ("grype/clean.sarif.json", "sarif", CLEAN, 0),
        ("grype/clean.cyclonedx.json", "cyclonedx", CLEAN, 7),
        ("grype/high.json.json", "grype", GRYPE_HIGH, 0),
        ("grype/high.sarif.json", "sarif", GRYPE_HIGH, 0),
        ("grype/high.cyclonedx.json", "cyclonedx", GRYPE_HIGH, 8),
        ("grype/critical.json.json", "grype", GRYPE_CRITICAL, 0),
        ("grype/critical.sarif.json", "sarif", GRYPE_CRITICAL, 0),
        ("grype/critical.cyclonedx.json", "cyclonedx", GRYPE_CRITICAL, 8),
    ],
)
def test_a_report_is_read_whole(
    name: str, form: str, counts: dict[str, int], packages: int
) -> None:
    document = read(name)
    report = document.report
    assert report.scanner is not None
    assert (document.format, report.scanner.name) == (form, name.partition("/")[0].capitalize())
    assert report.scanner.version
    assert Counter(f.severity.word for f in report.findings) == counts
    assert len(report.packages) == packages
    assert all(f.fixed_version for f in report.findings)
    assert all(f.version for f in report.findings)
    assert all(f.locations for f in report.findings if "pkg:deb" not in f.package)


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("syft/")])
def test_a_bill_of_materials_is_refused_as_one(name: str) -> None:
    with pytest.raises(MalformedReportError, match="bill of materials and no report"):
        read(name)


@pytest.mark.parametrize("name", [n for n in FILES if not n.startswith("syft/")])
def test_a_report_is_about_the_image_that_was_scanned(name: str) -> None:
    tag = name.partition("/")[2].partition(".")[0]
    subject = read(name).report.subject
    if name == f"grype/{tag}.sarif.json":
        assert not subject  # Grype's SARIF names no image: whoever attaches it has to
        return
    image = IMAGES[tag]
    other = next(each for each in IMAGES.values() if each is not image)
    require_about(subject, image.digest, config_of(image.manifests[-1][0]))
    with pytest.raises(SubjectMismatchError):
        require_about(subject, other.digest, config_of(other.manifests[-1][0]))


def config_of(body: bytes) -> Digest:
    config = parse_manifest(body, OCI_MANIFEST).config
    assert config is not None
    return config.digest


def test_one_run_says_the_same_in_every_form() -> None:
    for tool, tag in (("trivy", "high"), ("trivy", "critical"), ("grype", "critical")):
        said = [
            {
                (f.vulnerability_id, f.severity, f.version, f.fixed_version)
                for f in read(name).report.findings
            }
            for name in FILES
            if name.startswith(f"{tool}/{tag}.")
        ]
        assert all(each == said[0] for each in said), (tool, tag)


@pytest.mark.parametrize(
    ("name", "gap"),
    [
        ("trivy/clean.json.json", ""),
        ("trivy/high.json.json", ""),
        ("trivy/high.cosign-vuln.json", ""),
        ("trivy/high.cyclonedx.json", ""),
        ("grype/clean.cyclonedx.json", ""),
        ("grype/high.cyclonedx.json", ""),
        # Trivy writes the same where it did not look for vulnerabilities at all.
        ("trivy/clean.cyclonedx.json", "looks the same where none was looked for"),
        ("trivy/critical.json.json", "debian 11.1 is past its end of life"),
        ("trivy/high.sarif.json", "does not say which packages were looked at"),
        ("grype/high.json.json", "does not say which packages were looked at"),
        ("grype/clean.sarif.json", "does not say which packages were looked at"),
    ],
)
def test_a_report_is_complete_only_where_it_says_what_was_looked_at(name: str, gap: str) -> None:
    coverage = read(name).report.coverage
    assert coverage.complete is not bool(gap)
    assert gap in "\n".join(coverage.gaps)


def test_grypes_records_go_by_the_cve_that_they_are_about() -> None:
    report = read("grype/critical.json.json").report
    assert all(i.startswith("CVE-") for f in report.findings for i in f.canonical_ids)
    assert any(f.vulnerability_id.startswith("GHSA-") for f in report.findings)
    trivy = {i for f in read("trivy/critical.json.json").report.findings for i in f.canonical_ids}
    assert {i for f in report.findings for i in f.canonical_ids} <= trivy


def test_no_sample_names_the_machine_it_was_made_on() -> None:
    for name in FILES:
        text = (SAMPLES / name).read_text()
        assert not re.search(r"/(root|tmp|home|work)/", text), name
