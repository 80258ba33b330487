"""VEX and attestations as the tools wrote them, read: `tests/samples/README.md`."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from support.report_documents import Json
from tidegate.domain.errors import MalformedReportError
from tidegate.formats.documents import ReadDocument, read_document
from tidegate.plugins import BUILT_IN_FORMATS, load_formats

SAMPLES = Path(__file__).parents[2] / "samples"
FORMATS = load_formats()
BLOB = "2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea"
FOLDERS = ("cosign", "cyclonedx-vex", "in-toto", "openvex")


def sample(name: str) -> Json:
    return json.loads((SAMPLES / name).read_bytes())


def inside(name: str) -> Json:
    """Return the statement in what cosign signed: an envelope, since 3.x in a bundle."""
    signed = sample(name)
    envelope = signed.get("dsseEnvelope", signed)
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    return json.loads(base64.b64decode(envelope["payload"]))


def read(document: Json) -> ReadDocument:
    return read_document(json.dumps(document).encode(), FORMATS)


@pytest.mark.parametrize(
    ("name", "form", "said", "products"),
    [
        pytest.param(
            "openvex/go-vex.json", "openvex",
            {"not_affected": 26, "fixed": 13, "under_investigation": 12}, 51, id="go-vex",
        ),
        # "Unknown Product" names neither image nor package: such a statement reaches nothing.
        pytest.param("openvex/govulncheck.json", "openvex", {"affected": 1}, 0, id="govulncheck"),
        pytest.param(
            "cyclonedx-vex/cyclonedx-python-lib.json", "cyclonedx",
            {"not_affected": 4, "fixed": 2, "affected": 2, "under_investigation": 2}, 10,
            id="cyclonedx-python-lib",
        ),
        # lib4vex writes no `affects`.
        pytest.param(
            "cyclonedx-vex/lib4vex.json", "cyclonedx",
            {"not_affected": 4, "fixed": 2, "affected": 2, "under_investigation": 2}, 0,
            id="lib4vex",
        ),
    ],
)  # fmt: skip
def test_vex_is_read_and_is_nobodys_scan(
    name: str, form: str, said: dict[str, int], products: int
) -> None:
    document = read(sample(name))
    report = document.report
    assert (document.format, report.scanner) == (form, None)
    assert Counter(claim.status.value for claim in report.claims) == said
    assert sum(bool(claim.products) for claim in report.claims) == products
    assert all(claim.said_at for claim in report.claims)
    assert all(claim.justification for claim in report.claims)


def test_go_vex_speaks_of_packages_in_an_image_and_of_packages_anywhere() -> None:
    claims = read(sample("openvex/go-vex.json")).report.claims
    found = Counter(bool(p.image_digests) for claim in claims for p in claim.products)
    assert found == {True: 26, False: 25}
    assert all(p.packages for claim in claims for p in claim.products)


def test_in_totos_own_bindings_write_what_is_read() -> None:
    document = read(sample("in-toto/critical.statement.json"))
    report = document.report
    assert (document.format, document.subjects) == ("in-toto-vulns", {f"sha256:{'ab' * 32}"})
    assert report.scanner is not None
    assert (report.scanner.name, report.scanner.version) == ("Trivy", "0.76.0")
    words = Counter(f.severity.word for f in report.findings)
    assert words == {"critical": 12, "high": 28, "medium": 11}
    assert not report.coverage.complete, "the predicate does not say what was looked at"


@pytest.mark.parametrize("name", ["cosign/cosign.vuln.json", "cosign/cosign-3.vuln.json"])
def test_what_cosign_signs_of_a_report_is_the_report(name: str) -> None:
    signed, alone = read(inside(name)), read(sample("trivy/critical.cosign-vuln.json"))
    assert (signed.format, signed.subjects) == ("cosign-vuln", {f"sha256:{BLOB}"})
    assert signed.report.findings == alone.report.findings
    assert signed.report.scanner == alone.report.scanner
    assert signed.report.scanned_at == alone.report.scanned_at


def change(*path: str, value: object) -> Callable[[Json], Json]:
    """Return what sets one place of a document to another version."""

    def changed(document: Json) -> Json:
        place = document
        for key in path[:-1]:
            place = place[int(key)] if isinstance(place, list) else place[key]
        assert path[-1] in place, "what is changed is there"
        place[path[-1]] = value
        return document

    return changed


VERSIONS = [
    pytest.param("trivy", "trivy/high.json.json", change("SchemaVersion", value=3), "'3'", id="trivy"),
    pytest.param("grype", "grype/high.json.json", change("descriptor", "version", value="1.0.0"), "'1.0.0'", id="grype"),
    pytest.param("sarif", "trivy/high.sarif.json", change("version", value="2.2.0"), "'2.2.0'", id="sarif"),
    pytest.param("cyclonedx", "trivy/high.cyclonedx.json", change("specVersion", value="2.0"), "'2.0'", id="cyclonedx"),
    pytest.param("cyclonedx", "cyclonedx-vex/lib4vex.json", change("specVersion", value="1.8"), "'1.8'", id="cyclonedx-vex"),
    pytest.param("openvex", "openvex/go-vex.json", change("@context", value="https://openvex.dev/ns/v0.3.0"), "v0.3.0'", id="openvex"),
    pytest.param("openvex", "openvex/govulncheck.json", change("@context", value="https://openvex.dev/ns/v1"), "ns/v1'", id="openvex-1"),
    pytest.param("in-toto-vulns", "in-toto/critical.statement.json", change("predicateType", value="https://in-toto.io/attestation/vulns/v0.3"), "vulns/v0.3'", id="in-toto-vulns"),
    pytest.param("in-toto-vulns", "in-toto/critical.statement.json", change("_type", value="https://in-toto.io/Statement/v2"), "Statement/v2'", id="in-toto-statement"),
    pytest.param("cosign-vuln", "cosign/cosign.vuln.json", change("predicateType", value="https://cosign.sigstore.dev/attestation/vuln/v2"), "vuln/v2'", id="cosign-vuln"),
    pytest.param("cosign-vuln", "cosign/cosign-3.vuln.json", change("predicate", "scanner", "result", "SchemaVersion", value=3), "'3'", id="cosign-vuln-inside"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "name", "later", "named"), VERSIONS)
def test_a_later_version_of_a_real_document_is_refused_by_name(
    form: str, name: str, later: Callable[[Json], Json], named: str
) -> None:
    document = inside(name) if name.startswith("cosign/") else sample(name)
    assert read(document).format == form
    with pytest.raises(MalformedReportError, match="is not known; known: ") as refused:
        read(later(document))
    assert named in str(refused.value)


def test_every_format_and_every_sample_is_tried() -> None:
    assert {param.values[0] for param in VERSIONS} == set(BUILT_IN_FORMATS)
    files = {f"{folder}/{p.name}" for folder in FOLDERS for p in (SAMPLES / folder).iterdir()}
    assert files <= {param.values[1] for param in VERSIONS} | {
        "cyclonedx-vex/cyclonedx-python-lib.json"
    }
