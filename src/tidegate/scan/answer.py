"""What a scanner saw, judged: by our advisories, or by the scanner's own database.

A scanner with a database of its own gives a report beside (or with) its packages. Its findings are
its own; what it covered is what the packages say, as far as its database has something about them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tidegate import __version__
from tidegate.advisories.index import Advisories
from tidegate.advisories.match import match_packages
from tidegate.advisories.package import Package
from tidegate.domain.digest import Digest
from tidegate.domain.errors import ContentMismatchError, MalformedReportError, SubjectMismatchError
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import Finding
from tidegate.formats.report import ForeignReport, require_about
from tidegate.plugins import load_formats
from tidegate.scan.sbom import Sbom, name_unknown_archives, parse_sbom
from tidegate.scan.scanner import ForeignFindings, ScannerOutput
from tidegate.wire.statement_v1 import MAX_LISTED, ScannerIdentity

SCANNER_NAME = "Tidegate"
"""Scanner name in statements and in the trust configuration."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scanner had to look at."""

    manifest: Digest
    config: str
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """The packages of one image, and what is wrong with them."""

    packages: tuple[Package, ...]
    findings: tuple[Finding, ...]
    coverage: Coverage
    scanner: ScannerIdentity
    not_understood: tuple[str, ...] = ()
    """Sentences about content that never became a package."""
    by_advisories: bool = True
    """Whether ours judged the packages: only then can they be matched again without a scan."""


def judge_answer(output: ScannerOutput, scanned: Scanned, advisories: Advisories) -> Answered:
    """Return the packages in `output` and the findings for them.

    Raises:
        MalformedReportError: the scanner's answer cannot be read.
        ContentMismatchError: the scanner looked at something else than the image.
    """
    if output.findings is not None:
        return _answer_of(output, output.findings, scanned)
    sbom = _sbom(output, scanned)
    not_understood = (*sbom.not_understood, *output.not_understood)
    matched = match_packages(sbom.packages, advisories, not_understood)
    return Answered(
        packages=sbom.packages,
        findings=matched.findings,
        coverage=matched.coverage,
        scanner=identity_of(matched.coverage),
        not_understood=not_understood,
    )


def _sbom(output: ScannerOutput, scanned: Scanned) -> Sbom:
    sbom = parse_sbom(output.body, scanned.layers, output.archives)
    wanted = scanned.manifest if sbom.manifest else scanned.config
    if (sbom.manifest or sbom.image_id) != wanted:
        raise ContentMismatchError(
            f"the scanner looked at image {(sbom.manifest or sbom.image_id)[:80]!r}, want {wanted}"
        )
    return sbom


def _answer_of(output: ScannerOutput, found: ForeignFindings, scanned: Scanned) -> Answered:
    report = load_formats((found.format,))[found.format].parse(found.body)
    if report.scanner is None or not report.subject:
        raise MalformedReportError(
            "the scanner's report does not say what it looked at, and by whom"
        )
    try:
        require_about(report.subject, scanned.manifest, scanned.config)
    except SubjectMismatchError as error:
        raise ContentMismatchError(str(error)) from error
    packages, gaps = _packages(output, report, scanned)
    coverage = _coverage(packages, report, found, (*gaps, *output.not_understood))
    scanner = replace(
        report.scanner,
        db_version=report.scanner.db_version or found.db_version,
        db_updated_at=report.scanner.db_updated_at or found.db_updated_at,
    )
    return Answered(
        packages=packages,
        findings=report.findings,
        coverage=coverage,
        scanner=scanner,
        not_understood=coverage.not_understood,
        by_advisories=False,
    )


def _packages(
    output: ScannerOutput, report: ForeignReport, scanned: Scanned
) -> tuple[tuple[Package, ...], tuple[str, ...]]:
    """Return the packages, and sentences about what is none."""
    if output.body:
        sbom = _sbom(output, scanned)
        return sbom.packages, sbom.not_understood
    packages = tuple(
        Package(seen.ecosystem, seen.name, seen.version, seen.purl, locations=seen.locations)
        for seen in report.packages
    )
    paths = {place.path for package in packages for place in package.locations}
    archives = name_unknown_archives(output.archives, paths)
    return packages, (*report.coverage.not_understood, *archives)


def _coverage(
    packages: Sequence[Package],
    report: ForeignReport,
    found: ForeignFindings,
    gaps: tuple[str, ...],
) -> Coverage:
    own = {entry.ecosystem: entry.source for entry in report.coverage.ecosystems}
    updated_at = report.scanner.db_updated_at if report.scanner is not None else None
    covered = []
    for ecosystem, count in sorted(Counter(p.ecosystem for p in packages).items()):
        known = own.get(ecosystem, found.source) and found.covers(ecosystem)
        source = found.source if known else ""
        moment = (updated_at or found.db_updated_at) if source else None
        covered.append(EcosystemCoverage(ecosystem, count, source, moment))
    return Coverage(tuple(covered), tuple(dict.fromkeys(gaps)))


def identity_of(coverage: Coverage) -> ScannerIdentity:
    """Return our scanner with its advisories: as old as the oldest of the sources used."""
    used = [entry for entry in coverage.ecosystems[:MAX_LISTED] if entry.source]
    return ScannerIdentity(
        name=SCANNER_NAME,
        version=__version__,
        db_version=", ".join(sorted({entry.source for entry in used}))[:512],
        db_updated_at=min(
            (entry.source_updated_at for entry in used if entry.source_updated_at), default=None
        ),
    )
