"""CycloneDX JSON 1.4 to 1.7 with vulnerabilities: a scanner's report, a VEX document, or both.

The severity that counts is the highest of the ratings; scores count only where their method is
CVSS, because Grype writes EPSS probabilities as scores too. An `analysis` becomes a claim, which
clears a finding only where its signer is trusted with VEX: the finding itself stays. A document
without `vulnerabilities` is a bill of materials and no report: nothing was looked for.
(Specification: ECMA-424, `vulnerabilities[]`.)
"""

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from tidegate.domain.errors import MalformedReportError
from tidegate.domain.finding import Finding, Rating
from tidegate.domain.severity import Severity, severity_of_word
from tidegate.formats.coverage import coverage_of, named
from tidegate.formats.cyclonedx_claims import WHAT, claim_of
from tidegate.formats.cyclonedx_components import packages_in, places, purl_in, stated, walk
from tidegate.formats.cyclonedx_document import (
    Affects,
    Component,
    Document,
    Metadata,
    StatedRating,
    ToolList,
    Vulnerability,
)
from tidegate.formats.ecosystems import generic_purl, parse_purl
from tidegate.formats.ratings import vector_rating
from tidegate.formats.reading import (
    decode,
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
from tidegate.formats.report import ForeignReport, Head, StatedSubject
from tidegate.wire.statement_v1 import ScannerIdentity

KNOWN_VERSIONS = ("1.4", "1.5", "1.6", "1.7")

_DECODER = msgspec.json.Decoder(Document)

NOTHING_LOOKED_FOR = (
    "the document names no vulnerability, and looks the same where none was looked for"
)
"""Trivy writes `"vulnerabilities": []` into a bill of materials too (0.76)."""


class CycloneDxFormat:
    """CycloneDX with vulnerabilities."""

    name = "cyclonedx"
    media_types = frozenset({"application/vnd.cyclonedx+json"})
    predicate_types = frozenset({"https://cyclonedx.org/bom"})

    def recognises(self, head: Head) -> bool:
        """Whether the document calls itself CycloneDX."""
        return head.get("bomFormat") == "CycloneDX"

    def parse(self, body: bytes) -> ForeignReport:
        """Return what the document says."""
        require_readable(body, WHAT)
        head = head_of(body)
        if head.get("bomFormat") != "CycloneDX":
            raise unknown_version(f"{WHAT}: bomFormat", head.get("bomFormat"), "CycloneDX")
        if head.get("specVersion") not in KNOWN_VERSIONS:
            raise unknown_version(
                f"{WHAT}: specVersion", head.get("specVersion"), ", ".join(KNOWN_VERSIONS)
            )
        document = decode(body, _DECODER, WHAT)
        if document.vulnerabilities is None and not _always_matches(document.metadata):
            raise MalformedReportError(
                f"{WHAT}: no `vulnerabilities`, so this is a bill of materials and no report; "
                "have it written by a scanner that looks for vulnerabilities"
            )
        return _report(document, document.vulnerabilities or [])


def _report(document: Document, vulnerabilities: list[Vulnerability]) -> ForeignReport:
    metadata = document.metadata
    components = dict(walk(document.components or ()))
    affected = [(v, a) for v in vulnerabilities for a in (v.affects or ())]
    without = [v for v in vulnerabilities if not v.affects]
    require_count(len(affected) + len(without), WHAT)
    subject = metadata.component
    said_at = instant(metadata.timestamp, f"{WHAT}: metadata.timestamp")
    tool = _tool(metadata)
    findings = [
        *(_finding(v, components.get(a.ref), a) for v, a in affected),
        *(_finding(v, None, None) for v in without),
    ]
    packages = tuple(packages_in(components.values()))
    odd = [
        f"{c.name} {c.version}"
        for c in components.values()
        if c.type == "library" and parse_purl(c.purl) is None
    ]
    gaps = [*named("components without a package URL", odd)]
    if not vulnerabilities and not _always_matches(metadata):
        gaps.append(NOTHING_LOOKED_FOR)
    claims = [c for v in vulnerabilities if (c := claim_of(v, components, document)) is not None]
    return ForeignReport(
        # A document whose every entry is an analysis is VEX: nobody's scan.
        scanner=tool if tool is not None and not _is_vex(vulnerabilities) else None,
        findings=tuple(findings),
        coverage=coverage_of(packages, lambda _: tool.name if tool else "", gaps),
        subject=stated(subject) if subject is not None else StatedSubject(),
        scanned_at=said_at,
        packages=packages,
        claims=tuple(replace(claim, said_at=claim.said_at or said_at) for claim in claims),
    )


def _always_matches(metadata: Metadata) -> bool:
    """Whether the tool looks for vulnerabilities in every run: Grype does, and lists none so."""
    tool = _tool(metadata)
    return tool is not None and tool.name == "Grype"


def _is_vex(vulnerabilities: list[Vulnerability]) -> bool:
    return bool(vulnerabilities) and all(v.analysis is not None for v in vulnerabilities)


def _tool(metadata: Metadata) -> ScannerIdentity | None:
    tools = metadata.tools
    listed = tools.components if isinstance(tools, ToolList) else tools
    for tool in listed or ():
        if tool.name:
            name = {"trivy": "Trivy", "grype": "Grype", "syft": "Syft"}.get(tool.name.lower())
            return ScannerIdentity(name or word(tool.name)[:64], word(tool.version))
    return None


def _finding(
    found: Vulnerability,
    component: Component | None,
    affects: Affects | None,
) -> Finding:
    identifier = require_id(found.id, WHAT)
    reference = affects.ref if affects is not None else ""
    purl = component.purl if component is not None else purl_in(reference)
    version = component.version if component is not None else ""
    parsed = parse_purl(purl)
    if not version and parsed is not None:
        version = parsed.version or ""
    version = exact(version, f"{WHAT}: version of the component with {identifier}")
    name = component.name if component is not None else ""
    ratings = tuple(_ratings(found))
    others = [id_or_none(r.id) for r in found.references or ()]
    return Finding(
        vulnerability_id=identifier,
        severity=_severity(found),
        package=purl if parsed is not None else generic_purl(word(name or reference), version),
        version=version,
        fixed_version=_fix(affects) or _recommended(found, name),
        aliases=frozenset(i for i in others if i and i != identifier),
        ratings=ratings,
        cwe_ids=tuple(f"CWE-{number}" for number in (found.cwes or ())[:100]),
        locations=tuple(places(component)) if component is not None else (),
        references=links([found.source.url, *(a.url for a in found.advisories or ())]),
    )


def _severity(found: Vulnerability) -> Severity:
    """Return the highest severity of the ratings: the document prefers none of them."""
    words = [severity_of_word(r.severity) for r in found.ratings or ()]
    scored = [severity_of_word(r.word) for r in map(_scored, found.ratings or ()) if r is not None]
    said = max(words, default=Severity.UNKNOWN)
    return said if said is not Severity.UNKNOWN else max(scored, default=Severity.UNKNOWN)


def _scored(rating: StatedRating) -> Rating | None:
    """Return a rating by score or vector, where its method is CVSS."""
    if not rating.method.upper().startswith("CVSS"):
        return None
    return vector_rating(rating.source.name or rating.method, rating.vector, rating.score)


def _ratings(found: Vulnerability) -> Iterator[Rating]:
    for rating in (found.ratings or ())[:100]:
        scored = _scored(rating)
        if scored is not None:
            yield replace(scored, word=word(rating.severity) or scored.word)
        elif severity_of_word(rating.severity) is not Severity.UNKNOWN:
            yield Rating(word(rating.source.name or rating.method), "", word(rating.severity))


def _fix(affects: Affects | None) -> str:
    """Return the first version from which on a package is unaffected, as Grype writes it."""
    for entry in (affects.versions if affects is not None else None) or ():
        _, _, fixed = entry.range.partition("/>=")
        if entry.status == "unaffected" and entry.range.startswith("vers:") and fixed:
            return word(fixed) if not set(fixed) & set("|<>=!*,") else ""
        if entry.status == "unaffected" and entry.version:
            return word(entry.version)
    return ""


def _recommended(found: Vulnerability, name: str) -> str:
    """Return the fix in Trivy's recommendation: `Upgrade NAME to version VERSION`, `;` between.

    The name of a Java archive has its group before it.
    """
    for sentence in found.recommendation.split("; "):
        head, _, version = sentence.partition(" to version ")
        if version and head.removeprefix("Upgrade ").rpartition(":")[2] == name:
            return word(version)
    return ""
