"""What each format makes of its documents: severities, ids, fixes, coverage, subject, versions."""

import pytest

from support.report_documents import (
    CONFIG_DIGEST,
    DJANGO,
    IMAGE_DIGEST,
    MADE,
    OTHER_DIGEST,
    Json,
    body,
    cosign_vuln,
    cyclonedx,
    cyclonedx_vulnerability,
    grype,
    grype_match,
    in_toto_vulns,
    openvex,
    openvex_statement,
    sarif,
    statement,
    trivy,
    trivy_finding,
)
from tidegate.domain.digest import Digest
from tidegate.domain.errors import MalformedReportError, SubjectMismatchError
from tidegate.domain.finding import Finding, VexStatus
from tidegate.domain.severity import Severity
from tidegate.formats.documents import read_document, require_subject
from tidegate.formats.report import ForeignReport, require_about
from tidegate.plugins import load_formats

FORMATS = load_formats()


def read(name: str, document: Json) -> ForeignReport:
    return FORMATS[name].parse(body(document))


def lang(*found: dict[str, Json], **changes: Json) -> dict[str, Json]:
    result = {"Class": "lang-pkgs", "Type": "python-pkg", "Vulnerabilities": list(found)} | changes
    return trivy(Results=[result])


# Which format it is


@pytest.mark.parametrize("name", [n for n in MADE if n != "in-toto-vulns"])
def test_a_document_is_recognised_by_what_stands_at_its_top(name: str) -> None:
    assert read_document(body(MADE[name]()), FORMATS).format == name


@pytest.mark.parametrize("version", ["v0.1", "v1"])
@pytest.mark.parametrize(
    ("predicate_type", "name"),
    [(kind, name) for name, each in FORMATS.items() for kind in sorted(each.predicate_types)],
)
def test_a_statement_is_read_by_its_predicate_type(
    predicate_type: str, name: str, version: str
) -> None:
    kind = f"https://in-toto.io/Statement/{version}"
    document = read_document(body(statement(predicate_type, MADE[name](), _type=kind)), FORMATS)
    assert (document.format, document.subjects) == (name, {IMAGE_DIGEST})


@pytest.mark.parametrize(
    ("document", "wanted", "said"),
    [
        pytest.param({"a": 1}, "auto", r"of no format known \(a\); known: cosign-vuln, ", id="none"),
        pytest.param([], "auto", "no JSON object", id="a-list"),
        pytest.param(trivy(), "csv", "no format 'csv'; known: ", id="unknown-name"),
        pytest.param(trivy(), "grype", "Grype report", id="another-than-it-is"),
        pytest.param(
            statement("https://openvex.dev/ns", openvex()), "trivy", "holds openvex, not trivy",
            id="a-statement-of-another",
        ),
        pytest.param(
            statement("https://openvex.dev/ns", openvex(), _type="https://in-toto.io/Statement/v2"),
            "auto", "Statement/v2' is not known; known: https://in-toto.io/Statement/v0.1 and",
            id="a-later-statement",
        ),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_with_what_is(document: Json, wanted: str, said: str) -> None:
    with pytest.raises(MalformedReportError, match=said):
        read_document(body(document), FORMATS, wanted)


# Versions


@pytest.mark.parametrize(
    ("name", "document", "said"),
    [
        pytest.param("trivy", trivy(SchemaVersion=3), "SchemaVersion '3' is not known; known: 2", id="trivy-3"),
        pytest.param("trivy", trivy(SchemaVersion="2"), "SchemaVersion '2' is not known", id="trivy-text"),
        pytest.param("trivy", trivy(SchemaVersion=True), "SchemaVersion 'True'", id="trivy-boolean"),
        pytest.param("trivy", trivy(ArtifactType="filesystem"), "'filesystem' is not known; known: container_image", id="trivy-of-a-folder"),
        pytest.param("grype", grype(descriptor={"name": "grype", "version": "1.0.0"}), r"'1.0.0' is not known; known: 0.x", id="grype-1"),
        pytest.param("grype", grype(descriptor={"name": "other", "version": "0.1.0"}), "'other' is not known; known: grype", id="not-grype"),
        pytest.param("grype", grype(source={"type": "directory", "target": "/"}), "'directory' is not known; known: image", id="grype-of-a-folder"),
        pytest.param("sarif", sarif(version="2.2.0"), "'2.2.0' is not known; known: 2.1.0", id="sarif-2.2"),
        pytest.param("sarif", sarif("CodeQL"), "'CodeQL' is not known; known: Trivy, Grype", id="sarif-of-another"),
        pytest.param("cyclonedx", cyclonedx(specVersion="1.3"), "'1.3' is not known; known: 1.4, 1.5, 1.6, 1.7", id="cyclonedx-1.3"),
        pytest.param("cyclonedx", cyclonedx(specVersion="2.0"), "'2.0' is not known", id="cyclonedx-2"),
        pytest.param("cyclonedx", cyclonedx(bomFormat="SPDX"), "'SPDX' is not known; known: CycloneDX", id="not-cyclonedx"),
        pytest.param("openvex", openvex(**{"@context": "https://openvex.dev/ns/v0.3.0"}), "v0.3.0' is not known; known: https://openvex.dev/ns/v0.2.0", id="openvex-0.3"),
        pytest.param("openvex", openvex(**{"@context": "https://openvex.dev/ns"}), "ns' is not known", id="openvex-0.0"),
        pytest.param("cosign-vuln", cosign_vuln({"x": 1}), "no report that is read here; known: trivy, grype, sarif", id="cosign-vuln-of-another"),
        pytest.param("cosign-vuln", cosign_vuln(trivy(SchemaVersion=9)), "SchemaVersion '9'", id="cosign-vuln-trivy-9"),
    ],
)  # fmt: skip
def test_an_unknown_version_is_refused_by_name(name: str, document: Json, said: str) -> None:
    with pytest.raises(MalformedReportError, match=said):
        read(name, document)


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7"])
def test_known_cyclonedx_versions_are_read(version: str) -> None:
    tools: Json = [{"vendor": "aqua", "name": "trivy", "version": "0.50.0"}]
    if version != "1.4":
        tools = {"components": tools}
    metadata = {"timestamp": "2026-11-23T08:00:00Z", "tools": tools}
    report = read("cyclonedx", cyclonedx(specVersion=version, metadata=metadata))
    assert report.scanner is not None
    assert (report.scanner.name, len(report.findings)) == ("Trivy", 1)


@pytest.mark.parametrize("version", ["0.74.0", "v0.110.0", "0.121.0-rc.1", "[not provided]"])
def test_known_grype_versions_are_read(version: str) -> None:
    descriptor = grype()["descriptor"] | {"version": version}
    assert len(read("grype", grype(descriptor=descriptor)).findings) == 1


# Severities


@pytest.mark.parametrize(
    ("name", "document", "severity"),
    [
        pytest.param("trivy", lang(trivy_finding()), Severity.CRITICAL, id="trivy-word"),
        pytest.param("trivy", lang(trivy_finding(Severity="UNKNOWN", VendorSeverity={"nvd": 4})), Severity.UNKNOWN, id="trivy-unknown-stays"),
        pytest.param("trivy", lang(trivy_finding(Severity="")), Severity.UNKNOWN, id="trivy-none"),
        pytest.param("grype", grype(), Severity.CRITICAL, id="grype-word"),
        pytest.param("grype", grype(matches=[grype_match("Negligible")]), Severity.LOW, id="grype-negligible"),
        pytest.param("grype", grype(matches=[grype_match("Unknown")]), Severity.UNKNOWN, id="grype-unknown-stays"),
        pytest.param("sarif", sarif(), Severity.CRITICAL, id="sarif-trivy"),
        pytest.param("cyclonedx", cyclonedx(), Severity.CRITICAL, id="cyclonedx-word"),
        pytest.param("cyclonedx", cyclonedx(vulnerabilities=[cyclonedx_vulnerability(ratings=[{"severity": "low"}, {"severity": "high"}])]), Severity.HIGH, id="cyclonedx-highest"),
        pytest.param("cyclonedx", cyclonedx(vulnerabilities=[cyclonedx_vulnerability(ratings=[{"score": 9.8, "method": "CVSSv31"}])]), Severity.CRITICAL, id="cyclonedx-score"),
        pytest.param("cyclonedx", cyclonedx(vulnerabilities=[cyclonedx_vulnerability(ratings=[{"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "method": "CVSSv31"}])]), Severity.CRITICAL, id="cyclonedx-vector"),
        pytest.param("cyclonedx", cyclonedx(vulnerabilities=[cyclonedx_vulnerability(ratings=[{"score": 9.7, "method": "EPSS"}, {"score": 1.0, "method": "other"}])]), Severity.UNKNOWN, id="cyclonedx-epss-is-no-severity"),
        pytest.param("cyclonedx", cyclonedx(vulnerabilities=[cyclonedx_vulnerability(ratings=[{"severity": "unknown"}])]), Severity.UNKNOWN, id="cyclonedx-unknown-stays"),
        pytest.param("cyclonedx", cyclonedx(vulnerabilities=[cyclonedx_vulnerability(ratings=None)]), Severity.UNKNOWN, id="cyclonedx-none"),
        pytest.param("in-toto-vulns", in_toto_vulns(), Severity.CRITICAL, id="in-toto-score"),
        pytest.param("cosign-vuln", cosign_vuln(), Severity.CRITICAL, id="cosign-vuln"),
    ],
)  # fmt: skip
def test_severity_is_what_the_format_says(name: str, document: Json, severity: Severity) -> None:
    (found,) = read(name, document).findings
    assert found.severity is severity


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        ("9.8", Severity.CRITICAL),
        ("HIGH", Severity.HIGH),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Severity.HIGH),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", Severity.HIGH),
        (7.5, Severity.HIGH),
        ("CVSS:9.9/AV:N", Severity.UNKNOWN),
        ("nan", Severity.UNKNOWN),
        ("99", Severity.UNKNOWN),
        ("", Severity.UNKNOWN),
    ],
)
def test_in_toto_scores_are_numbers_vectors_or_words(
    score: str | float, severity: Severity
) -> None:
    result = {"id": "CVE-2022-1", "severity": [{"method": "x", "score": score}]}
    document = in_toto_vulns(scanner={"uri": "https://example.test/scanner", "result": [result]})
    assert read("in-toto-vulns", document).findings[0].severity is severity


def grype_sarif(severity_text: str, score: str, purls: list[str] | None = None) -> dict[str, Json]:
    text = (
        f"Vulnerability CVE-2022-28346\nSeverity: {severity_text}\nPackage: Django\nVersion: 3.2\n"
        "Fix Version: 3.2.13\nType: python\nLocation: /a\nLink: [x](https://example.test/x)"
    )
    rule = {
        "id": "CVE-2022-28346-Django",
        "help": {"text": text},
        "properties": {"security-severity": score, "purls": purls or [DJANGO]},
    }
    run = {
        "tool": {"driver": {"name": "Grype", "version": "0.121.0", "rules": [rule]}},
        "results": [{"ruleId": rule["id"], "message": {"text": "A high vulnerability"}}],
    }
    return sarif(runs=[run])


def test_grypes_sarif_calls_unknown_low_and_stays_unknown() -> None:
    (known,) = read("sarif", grype_sarif("high", "7.5")).findings
    (unknown,) = read("sarif", grype_sarif("low", "0.0")).findings
    assert (known.vulnerability_id, known.severity) == ("CVE-2022-28346", Severity.HIGH)
    assert (known.package, known.version, known.fixed_version) == (DJANGO, "3.2", "3.2.13")
    assert known.references == ("https://example.test/x",)
    assert unknown.severity is Severity.UNKNOWN


# Ids, fixes, packages, places


def only(name: str, document: Json) -> Finding:
    (found,) = read(name, document).findings
    return found


def test_aliases_are_ids_of_the_same_vulnerability_only() -> None:
    vendor = ["GHSA-2gwj-7jmv-h26r", "DSA-5254-1", "RHSA-2022:1", "CVE-2022-28346"]
    found = only("trivy", lang(trivy_finding(VendorIDs=vendor)))
    assert found.aliases == {"GHSA-2gwj-7jmv-h26r"}
    assert only("grype", grype()).canonical_ids == ("CVE-2022-28346",)
    named = cyclonedx_vulnerability(id="GHSA-2gwj-7jmv-h26r", references=[{"id": "CVE-2022-28346"}])
    assert only("cyclonedx", cyclonedx(vulnerabilities=[named])).canonical_ids == (
        "CVE-2022-28346",
    )
    result = {"id": "GHSA-1", "aliases": ["CVE-2022-1", "not an id"]}
    document = in_toto_vulns(scanner={"uri": "x/y", "result": [result]})
    assert only("in-toto-vulns", document).aliases == {"CVE-2022-1"}


VERSIONS = [
    {"version": "3.2", "status": "affected"},
    {"range": "vers:pypi/>=3.2.13", "status": "unaffected"},
]


@pytest.mark.parametrize(
    ("name", "document", "fixed"),
    [
        pytest.param("trivy", lang(trivy_finding(FixedVersion="3.1, 3.2.5")), "3.1, 3.2.5", id="trivy"),
        pytest.param("trivy", lang(trivy_finding(FixedVersion="")), "", id="trivy-none"),
        pytest.param("grype", grype(), "3.2.13", id="grype-suggested"),
        pytest.param("grype", grype(matches=[grype_match(matchDetails=None)]), "2.2.28", id="grype-first"),
        pytest.param("grype", grype(matches=[grype_match(vulnerability={"id": "CVE-1", "fix": {"versions": ["1"], "state": "wont-fix"}})]), "", id="grype-wont-fix"),
        pytest.param("sarif", sarif(), "3.2.13", id="sarif"),
        pytest.param("cyclonedx", cyclonedx(vulnerabilities=[cyclonedx_vulnerability(affects=[{"ref": "django", "versions": VERSIONS}])]), "3.2.13", id="cyclonedx-grype"),
        pytest.param("cyclonedx", cyclonedx(vulnerabilities=[cyclonedx_vulnerability(recommendation="Upgrade other to version 9; Upgrade django to version 3.2.13")]), "3.2.13", id="cyclonedx-trivy"),
        pytest.param("cyclonedx", cyclonedx(), "", id="cyclonedx-none"),
    ],
)  # fmt: skip
def test_fix_versions_are_kept(name: str, document: Json, fixed: str) -> None:
    assert only(name, document).fixed_version == fixed


def test_a_package_without_a_purl_keeps_its_name() -> None:
    bare = only("trivy", lang(trivy_finding(PkgIdentifier={})))
    assert (bare.package, bare.package_name) == ("pkg:generic/Django@3.2", "Django")
    odd = only(
        "grype", grype(matches=[grype_match(artifact={"name": "x", "version": "1", "purl": "no"})])
    )
    assert odd.package == "pkg:generic/x@1"


def test_debian_versions_are_put_together() -> None:
    (package,) = [p for p in read("trivy", trivy()).packages if p.name == "zlib1g"]
    assert (package.version, package.ecosystem) == ("1:1.2.13.dfsg-1", "Debian:12")


def test_what_a_tool_was_told_to_ignore_is_found_all_the_same() -> None:
    modified = [{"Type": "vulnerability", "Status": "not_affected", "Finding": trivy_finding()}]
    found = only("trivy", lang(ExperimentalModifiedFindings=modified))
    assert (found.severity, found.not_affected) == (Severity.CRITICAL, ())
    rules: list[dict[str, Json]]
    for rules, kept in (
        ([{"vex-status": "not_affected", "reason": "vex"}], 1),
        ([{"vex-status": "fixed", "match-type": "exact-indirect-match"}], 1),
        ([{"vulnerability": "CVE-2022-28346"}], 1),
        ([{"reason": "distro-fixed"}], 0),
        ([{"match-type": "exact-indirect-match"}], 0),
        ([{"reason": "distro-fixed"}, {"vulnerability": "CVE-2022-28346"}], 1),
    ):
        ignored = grype(matches=[], ignoredMatches=[grype_match(appliedIgnoreRules=rules)])
        assert len(read("grype", ignored).findings) == kept, rules


# What was looked at


def gaps(name: str, document: Json) -> tuple[str, ...]:
    return read(name, document).coverage.gaps


def test_a_whole_trivy_report_is_complete() -> None:
    coverage = read("trivy", trivy()).coverage
    assert coverage.complete
    assert [(e.ecosystem, e.package_count, e.source) for e in coverage.ecosystems] == [
        ("Debian:12", 1, "Trivy DB"),
        ("PyPI", 1, "Trivy DB"),
    ]


@pytest.mark.parametrize(
    ("name", "document", "said"),
    [
        pytest.param("trivy", trivy(Results=[]), "does not say which packages", id="trivy-nothing"),
        pytest.param("trivy", lang(trivy_finding()), "does not say which packages", id="trivy-without-packages"),
        pytest.param("trivy", trivy(Metadata={"ImageID": CONFIG_DIGEST}), "no operating system", id="trivy-no-system"),
        pytest.param("trivy", trivy(Metadata={"OS": {"Family": "debian", "Name": "9.1", "EOSL": True}}), "past its end of life", id="trivy-end-of-life"),
        pytest.param("trivy", trivy(Results=trivy()["Results"][1:]), "no packages of debian 12.12", id="trivy-no-system-packages"),
        pytest.param("trivy", lang(Packages=[{"Name": "x", "Version": "1"}]), "1 packages without a package URL: x 1", id="trivy-no-purl"),
        pytest.param("trivy", trivy(Results=[{"Class": "lang-pkgs", "Type": "conda-pkg", "Packages": [{"Name": "x", "Version": "1", "Identifier": {"PURL": "pkg:conda/x@1"}}]}]), "1 conda packages without an advisory source", id="trivy-no-advisories"),
        pytest.param("grype", grype(), "does not say which packages", id="grype"),
        pytest.param("sarif", sarif(), "does not say which packages", id="sarif"),
        pytest.param("cyclonedx", cyclonedx(components=None), "does not say which packages", id="cyclonedx-nothing"),
        pytest.param("cyclonedx", cyclonedx(components=[{"type": "library", "name": "x"}]), "1 components without a package URL: x", id="cyclonedx-no-purl"),
        pytest.param("in-toto-vulns", in_toto_vulns(), "does not say which packages", id="in-toto"),
    ],
)  # fmt: skip
def test_what_was_not_looked_at_is_a_gap(name: str, document: Json, said: str) -> None:
    assert any(said in gap for gap in gaps(name, document)), gaps(name, document)


def test_results_of_other_kinds_are_named() -> None:
    secret = {"id": "aws-key", "name": "Secret"}
    run = sarif()["runs"][0]
    run["tool"]["driver"]["rules"].append(secret)
    run["results"].append({"ruleId": "aws-key"})
    report = read("sarif", sarif(runs=[run]))
    assert len(report.findings) == 1
    assert "1 results that are no vulnerabilities: Secret aws-key" in report.coverage.gaps


def test_a_bill_of_materials_is_no_report() -> None:
    document = cyclonedx()
    del document["vulnerabilities"]
    with pytest.raises(MalformedReportError, match="bill of materials and no report"):
        read("cyclonedx", document)
    assert read("cyclonedx", cyclonedx(vulnerabilities=[])).findings == ()


# Which image


@pytest.mark.parametrize(
    ("name", "document"),
    [
        pytest.param("trivy", trivy(Metadata={"ImageID": OTHER_DIGEST}), id="trivy"),
        pytest.param("trivy", trivy(Metadata={"RepoDigests": [f"r.example/app@{OTHER_DIGEST}"]}), id="trivy-repo-digest"),
        pytest.param("grype", grype(source={"type": "image", "target": {"imageID": OTHER_DIGEST}}), id="grype"),
        pytest.param("sarif", sarif(runs=[sarif()["runs"][0] | {"properties": {"imageID": OTHER_DIGEST}}]), id="sarif"),
        pytest.param("cyclonedx", cyclonedx(metadata={"component": {"version": OTHER_DIGEST}}), id="cyclonedx"),
        pytest.param("cyclonedx", cyclonedx(metadata={"component": {"purl": f"pkg:oci/app@{OTHER_DIGEST.replace(':', '%3A')}"}}), id="cyclonedx-purl"),
        pytest.param("cosign-vuln", cosign_vuln(trivy(Metadata={"ImageID": OTHER_DIGEST})), id="cosign-vuln"),
    ],
)  # fmt: skip
def test_t05_a_report_about_another_image_is_refused(name: str, document: Json) -> None:
    subject = read(name, document).subject
    with pytest.raises(SubjectMismatchError, match=OTHER_DIGEST):
        require_about(subject, Digest(IMAGE_DIGEST), CONFIG_DIGEST)
    require_about(read(name, MADE[name]()).subject, Digest(IMAGE_DIGEST), CONFIG_DIGEST)


def test_the_config_decides_where_a_report_names_the_index_too() -> None:
    metadata = {"ImageID": CONFIG_DIGEST, "RepoDigests": [f"r.example/app@{OTHER_DIGEST}"]}
    subject = read("trivy", trivy(Metadata=metadata)).subject
    require_about(subject, Digest(IMAGE_DIGEST), CONFIG_DIGEST)


def test_t05_a_statement_about_another_image_is_refused_whatever_it_holds() -> None:
    about_other = statement("https://openvex.dev/ns", openvex(), OTHER_DIGEST)
    document = read_document(body(about_other), FORMATS)
    with pytest.raises(SubjectMismatchError, match=f"about {OTHER_DIGEST}; want {IMAGE_DIGEST}"):
        require_subject(document, IMAGE_DIGEST)


# Times and names


@pytest.mark.parametrize("name", [n for n in MADE if n != "sarif"])
def test_the_scan_time_is_the_documents(name: str) -> None:
    moment = read(name, MADE[name]()).scanned_at
    assert moment is not None
    assert moment.isoformat() == "2026-11-23T08:00:00+00:00"


def test_nanoseconds_are_read_and_times_without_a_zone_refused() -> None:
    moment = read("trivy", trivy(CreatedAt="2026-11-23T09:00:22.422615618+01:00")).scanned_at
    assert moment is not None
    assert moment.isoformat() == "2026-11-23T08:00:22.422615+00:00"
    with pytest.raises(MalformedReportError, match="want a time with zone"):
        read("trivy", trivy(CreatedAt="2026-11-23T09:00:22"))


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("pkg:github/aquasecurity/trivy@244fd47e", "Trivy"),
        ("https://github.com/anchore/grype", "Grype"),
        ("https://example.test/tools/My.Scanner/", "My.Scanner"),
    ],
)
def test_a_scanner_goes_by_the_end_of_its_address(uri: str, name: str) -> None:
    scanner = read("in-toto-vulns", in_toto_vulns(scanner={"uri": uri, "result": []})).scanner
    assert scanner is not None
    assert scanner.name == name


def test_a_scanner_without_a_name_is_refused() -> None:
    with pytest.raises(MalformedReportError, match="ends in the scanner's name"):
        read("in-toto-vulns", in_toto_vulns(scanner={"uri": "https://\x1b[2J", "result": []}))


# VEX


def claims(**changes: Json) -> Json:
    return read("openvex", openvex(statements=[openvex_statement(**changes)])).claims[0]


def test_an_openvex_statement_is_about_packages_in_an_image() -> None:
    claim = claims(vulnerability={"name": "CVE-2022-28346", "aliases": ["ghsa-2gwj-7jmv-h26r"]})
    assert claim.ids == {"CVE-2022-28346", "GHSA-2GWJ-7JMV-H26R"}
    assert (claim.status, claim.author) == (VexStatus.NOT_AFFECTED, "Example Inc")
    (product,) = claim.products
    assert (product.image_digests, product.packages) == ({IMAGE_DIGEST}, (DJANGO,))


@pytest.mark.parametrize(
    ("product", "images", "packages"),
    [
        pytest.param({"@id": DJANGO}, set(), (DJANGO,), id="a-package-anywhere"),
        pytest.param({"@id": "x", "hashes": {"sha-256": "ab" * 32}}, {IMAGE_DIGEST}, (), id="a-hash"),
        pytest.param({"@id": IMAGE_DIGEST}, {IMAGE_DIGEST}, (), id="a-digest"),
        pytest.param({"@id": "x", "identifiers": {"purl": DJANGO}}, set(), (DJANGO,), id="an-identifier"),
    ],
)  # fmt: skip
def test_products_are_images_or_packages(
    product: dict[str, Json], images: set[str], packages: tuple[str, ...]
) -> None:
    (found,) = claims(products=[product]).products
    assert (set(found.image_digests), found.packages) == (images, packages)


@pytest.mark.parametrize(
    "product",
    [
        pytest.param({"@id": "pkg:oci/app"}, id="an-image-without-digest"),
        pytest.param({"@id": "our product"}, id="words"),
        pytest.param({"@id": IMAGE_DIGEST, "subcomponents": [{"@id": "libfoo"}]}, id="parts-in-words"),
        pytest.param({"@id": DJANGO, "subcomponents": [{"@id": DJANGO}]}, id="parts-of-a-package"),
    ],
)  # fmt: skip
def test_a_product_that_can_be_told_from_no_other_reaches_nothing(product: dict[str, Json]) -> None:
    assert claims(products=[product]).products == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"justification": "", "impact_statement": " "}, "without a justification", id="no-reason"),
        pytest.param({"justification": "because"}, "'because' is not known; known: component_not", id="odd-reason"),
        pytest.param({"status": "harmless"}, "'harmless' is not known; known: not_affected", id="odd-status"),
    ],
)  # fmt: skip
def test_a_vex_statement_without_a_known_reason_is_refused(
    changes: dict[str, Json], said: str
) -> None:
    with pytest.raises(MalformedReportError, match=said):
        claims(**changes)


def analysed(state: str, **more: Json) -> dict[str, Json]:
    analysis = {"state": state, "justification": "code_not_reachable"} | more
    return cyclonedx(vulnerabilities=[cyclonedx_vulnerability(analysis=analysis)])


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("not_affected", VexStatus.NOT_AFFECTED),
        ("false_positive", VexStatus.NOT_AFFECTED),
        ("resolved", VexStatus.FIXED),
        ("resolved_with_pedigree", VexStatus.FIXED),
        ("exploitable", VexStatus.AFFECTED),
        ("in_triage", VexStatus.UNDER_INVESTIGATION),
    ],
)
def test_an_analysis_is_a_claim_and_the_finding_stays(state: str, status: VexStatus) -> None:
    report = read("cyclonedx", analysed(state))
    (claim,) = report.claims
    assert claim.status is status
    assert claim.products[0].packages == (DJANGO,)
    (found,) = report.findings
    assert (found.severity, found.not_affected) == (Severity.CRITICAL, ())


def test_an_analysis_without_a_reason_or_of_an_unknown_state_is_refused() -> None:
    with pytest.raises(MalformedReportError, match="without a justification"):
        read("cyclonedx", analysed("not_affected", justification=""))
    with pytest.raises(MalformedReportError, match="'safe' is not known; known: not_affected"):
        read("cyclonedx", analysed("safe"))


def test_a_document_of_analyses_only_is_nobodys_scan() -> None:
    assert read("cyclonedx", analysed("not_affected")).scanner is None
    both = [cyclonedx_vulnerability(), *analysed("not_affected")["vulnerabilities"]]
    assert read("cyclonedx", cyclonedx(vulnerabilities=both)).scanner is not None
