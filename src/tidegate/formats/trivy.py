"""Trivy's own JSON (`trivy image --format json`), SchemaVersion 2.

The severity that counts is the one that Trivy chose; every vendor's opinion is kept. What Trivy
left out by an ignore file or a VEX document and shows as modified (`--show-suppressed`) is a
finding all the same: who may say that something does no harm is the trust configuration's choice,
not the report's. (Fields: trivy, pkg/types/report.go and pkg/types/finding.go.)
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.finding import Finding, Location, Rating
from tidegate.domain.severity import severity_of_word
from tidegate.formats.coverage import coverage_of, named
from tidegate.formats.ecosystems import (
    distribution,
    ecosystem_of,
    generic_purl,
    parse_purl,
)
from tidegate.formats.ratings import vector_rating
from tidegate.formats.reading import (
    decode,
    digest_or_none,
    exact,
    head_of,
    id_or_none,
    instant,
    links,
    require_count,
    require_id,
    require_readable,
    unknown_version,
    word,
)
from tidegate.formats.report import ForeignReport, Head, SeenPackage, StatedSubject
from tidegate.wire.statement_v1 import ScannerIdentity

SCANNER = "Trivy"
KNOWN_SCHEMA = 2
SOURCE = "Trivy DB"
"""Trivy's matching needs its database for every ecosystem that it knows."""

_ALIAS_PREFIXES = ("CVE-", "GHSA-", "PYSEC-", "RUSTSEC-", "GO-", "OSV-", "NSWG-", "MAL-")
"""Of `VendorIDs`: ids of the same vulnerability. Others (DSA, RHSA) are advisories about many."""

_UNMATCHED_TYPES = frozenset({"conda-pkg", "conda-environment", "julia"})
"""Kinds of packages that Trivy lists and has no advisories for (its documentation, "Coverage")."""

_SEVERITIES = ("Unknown", "Low", "Medium", "High", "Critical")
"""trivy-db, pkg/types: severities as numbers."""

_Text = Annotated[str, Meta(max_length=65536)]


class _Wire(msgspec.Struct, rename="pascal"):
    """Base: names as Go writes them, unknown fields skipped, null where Go had nothing."""


class _Os(_Wire):
    family: _Text = ""
    name: _Text = ""
    eosl: bool = msgspec.field(default=False, name="EOSL")


class _Metadata(_Wire):
    image_id: _Text = msgspec.field(default="", name="ImageID")
    repo_digests: list[_Text] | None = None
    os: _Os | None = msgspec.field(default=None, name="OS")


class _Layer(_Wire):
    digest: _Text = ""
    diff_id: _Text = msgspec.field(default="", name="DiffID")

    def location(self, path: str) -> Location:
        return Location(word(path), word(self.digest or self.diff_id))


class _Identifier(_Wire):
    purl: _Text = msgspec.field(default="", name="PURL")


class _Package(_Wire):
    name: _Text = ""
    version: _Text = ""
    release: _Text = ""
    epoch: int = 0
    file_path: _Text = ""
    identifier: _Identifier = msgspec.field(default_factory=_Identifier)
    layer: _Layer = msgspec.field(default_factory=_Layer)

    @property
    def whole_version(self) -> str:
        epoch = f"{self.epoch}:" if self.epoch else ""
        release = f"-{self.release}" if self.release else ""
        return f"{epoch}{self.version}{release}"


class _Cvss(_Wire):
    v2_vector: _Text = ""
    v3_vector: _Text = ""
    v40_vector: _Text = ""
    v2_score: float | None = None
    v3_score: float | None = None
    v40_score: float | None = None


class _Vulnerability(_Wire):
    vulnerability_id: str = msgspec.field(name="VulnerabilityID")
    vendor_ids: list[_Text] | None = msgspec.field(default=None, name="VendorIDs")
    pkg_name: _Text = ""
    pkg_path: _Text = ""
    pkg_identifier: _Identifier = msgspec.field(default_factory=_Identifier)
    installed_version: _Text = ""
    fixed_version: _Text = ""
    layer: _Layer = msgspec.field(default_factory=_Layer)
    severity: _Text = ""
    severity_source: _Text = ""
    primary_url: _Text = msgspec.field(default="", name="PrimaryURL")
    cwe_ids: list[_Text] | None = msgspec.field(default=None, name="CweIDs")
    vendor_severity: dict[str, int] | None = None
    cvss: dict[str, _Cvss] | None = msgspec.field(default=None, name="CVSS")
    references: list[_Text] | None = None


class _Modified(_Wire):
    type: _Text = ""
    finding: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Result(_Wire):
    target: _Text = ""
    class_: _Text = msgspec.field(default="", name="Class")
    type: _Text = ""
    packages: list[_Package] | None = None
    vulnerabilities: list[_Vulnerability] | None = None
    experimental_modified_findings: list[_Modified] | None = None


class _Program(_Wire):
    version: _Text = ""


class _Document(_Wire):
    schema_version: int
    artifact_type: _Text = ""
    created_at: _Text = ""
    trivy: _Program | None = None
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    results: list[_Result] | None = None


_DECODER = msgspec.json.Decoder(_Document)
_VULNERABILITY = msgspec.json.Decoder(_Vulnerability)
_WHAT = "Trivy report"


class TrivyFormat:
    """Trivy JSON."""

    name = "trivy"
    media_types = frozenset({"application/vnd.aquasec.trivy.report.v1+json"})
    predicate_types = frozenset[str]()

    def recognises(self, head: Head) -> bool:
        """Whether the document has Trivy's version and artifact fields."""
        return "SchemaVersion" in head and "ArtifactName" in head

    def parse(self, body: bytes) -> ForeignReport:
        """Return what the report says."""
        require_readable(body, _WHAT)
        version = head_of(body).get("SchemaVersion")
        if version != KNOWN_SCHEMA or isinstance(version, bool):
            raise unknown_version(f"{_WHAT}: SchemaVersion", version, str(KNOWN_SCHEMA))
        document = decode(body, _DECODER, _WHAT)
        if document.artifact_type not in ("container_image", ""):
            raise unknown_version(
                f"{_WHAT}: ArtifactType", document.artifact_type, "container_image"
            )
        return _report(document)


def _report(document: _Document) -> ForeignReport:
    results = document.results or []
    findings = tuple(f for result in results for f in _findings(result))
    require_count(len(findings), _WHAT)
    packages, odd, unsourced = _packages(document)
    metadata = document.metadata
    gaps = [
        *named("packages without a package URL", odd),
        *_system_gaps(metadata.os, document),
    ]
    return ForeignReport(
        scanner=ScannerIdentity(
            SCANNER, word(document.trivy.version if document.trivy is not None else "")
        ),
        findings=findings,
        coverage=coverage_of(packages, lambda e: "" if e in unsourced else SOURCE, gaps),
        subject=StatedSubject(
            frozenset(filter(None, map(digest_or_none, metadata.repo_digests or ()))),
            frozenset(filter(None, [digest_or_none(metadata.image_id)])),
        ),
        scanned_at=instant(document.created_at, f"{_WHAT}: CreatedAt"),
        packages=packages,
    )


def _packages(
    document: _Document,
) -> tuple[tuple[SeenPackage, ...], list[str], frozenset[str]]:
    """Return the packages, names of those without purl, and ecosystems without advisories."""
    places: dict[SeenPackage, list[Location]] = defaultdict(list)
    odd, unsourced = list[str](), set[str]()
    system = document.metadata.os
    for result in document.results or ():
        if result.class_ not in ("os-pkgs", "lang-pkgs"):
            continue
        for package in result.packages or ():
            purl = parse_purl(package.identifier.purl)
            version = exact(package.whole_version, f"{_WHAT}: version of a package")
            if purl is None:
                odd.append(f"{package.name} {version}")
                continue
            if result.class_ == "os-pkgs" and system is not None:
                ecosystem = distribution(system.family, system.name)
            else:
                ecosystem = ecosystem_of(purl)
            if result.type in _UNMATCHED_TYPES:
                unsourced.add(ecosystem)
            seen = SeenPackage(package.identifier.purl, word(package.name), version, ecosystem)
            places[seen].append(package.layer.location(package.file_path))
    packages = tuple(_placed(seen, found) for seen, found in places.items())
    return packages, odd, frozenset(unsourced)


def _placed(seen: SeenPackage, found: list[Location]) -> SeenPackage:
    locations = tuple(dict.fromkeys(place for place in found if place.path or place.layer))
    return SeenPackage(seen.purl, seen.name, seen.version, seen.ecosystem, locations[:1000])


def _system_gaps(system: _Os | None, document: _Document) -> Iterator[str]:
    if system is None or system.family in ("", "none"):
        yield "no operating system was recognised, so its packages were not judged"
    elif system.eosl:
        name = f"{word(system.family)} {word(system.name)}"
        yield f"{name} is past its end of life, so that new vulnerabilities are not announced"
    elif not any(result.class_ == "os-pkgs" for result in document.results or ()):
        yield f"no packages of {word(system.family)} {word(system.name)} were judged"


def _findings(result: _Result) -> Iterator[Finding]:
    for vulnerability in result.vulnerabilities or ():
        yield _finding(vulnerability, result)
    for modified in result.experimental_modified_findings or ():
        if modified.type == "vulnerability" and not isinstance(modified.finding, msgspec.UnsetType):
            yield _finding(decode(bytes(modified.finding), _VULNERABILITY, _WHAT), result)


def _finding(found: _Vulnerability, result: _Result) -> Finding:
    identifier = require_id(found.vulnerability_id, _WHAT)
    version = exact(found.installed_version, f"{_WHAT}: InstalledVersion of {identifier}")
    name = exact(found.pkg_name, f"{_WHAT}: PkgName of {identifier}")
    purl = found.pkg_identifier.purl
    vendor = [i for i in found.vendor_ids or () if i.startswith(_ALIAS_PREFIXES)]
    path = found.pkg_path or (result.target if result.class_ == "lang-pkgs" else "")
    location = found.layer.location(path)
    return Finding(
        vulnerability_id=identifier,
        severity=severity_of_word(found.severity),
        package=purl if parse_purl(purl) is not None else generic_purl(name, version),
        version=version,
        fixed_version=word(found.fixed_version),
        aliases=frozenset(i for i in map(id_or_none, vendor) if i and i != identifier),
        ratings=tuple(_ratings(found)),
        cwe_ids=tuple(word(cwe) for cwe in (found.cwe_ids or ())[:100]),
        locations=(location,) if location.path or location.layer else (),
        references=links([found.primary_url, *(found.references or ())]),
    )


def _ratings(found: _Vulnerability) -> Iterator[Rating]:
    for vendor, number in sorted((found.vendor_severity or {}).items()):
        if 0 < number < len(_SEVERITIES):
            yield Rating(word(vendor), "", _SEVERITIES[number])
    for vendor, cvss in sorted((found.cvss or {}).items()):
        for vector, score in (
            (cvss.v40_vector, cvss.v40_score),
            (cvss.v3_vector, cvss.v3_score),
            (cvss.v2_vector, cvss.v2_score),
        ):
            rating = vector_rating(vendor, vector, score)
            if rating is not None:
                yield rating
