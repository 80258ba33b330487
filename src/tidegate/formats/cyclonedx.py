"""CycloneDX JSON 1.4 to 1.7 with vulnerabilities: a scanner's report, a VEX document, or both.

The severity that counts is the highest of the ratings; scores count only where their method is
CVSS, because Grype writes EPSS probabilities as scores too. An `analysis` becomes a claim, which
clears a finding only where its signer is trusted with VEX: the finding itself stays. A document
without `vulnerabilities` is a bill of materials and no report: nothing was looked for.
(Specification: ECMA-424, `vulnerabilities[]`.)
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.errors import MalformedReportError
from tidegate.domain.finding import Finding, Location, Rating, VexStatus, normalize_id
from tidegate.domain.severity import Severity, severity_of_word
from tidegate.formats.coverage import coverage_of, named
from tidegate.formats.ecosystems import generic_purl, parse_purl, seen_package
from tidegate.formats.ratings import vector_rating
from tidegate.formats.reading import (
    decode,
    digest_or_none,
    exact,
    head_of,
    id_or_none,
    instant,
    links,
    prose,
    require_count,
    require_id,
    require_readable,
    unknown_version,
    word,
)
from tidegate.formats.report import (
    ForeignReport,
    Head,
    SeenPackage,
    StatedSubject,
    VexClaim,
    VexProduct,
)
from tidegate.wire.statement_v1 import ScannerIdentity

KNOWN_VERSIONS = ("1.4", "1.5", "1.6", "1.7")

_STATES = {
    "not_affected": VexStatus.NOT_AFFECTED,
    "false_positive": VexStatus.NOT_AFFECTED,
    "resolved": VexStatus.FIXED,
    "resolved_with_pedigree": VexStatus.FIXED,
    "exploitable": VexStatus.AFFECTED,
    "in_triage": VexStatus.UNDER_INVESTIGATION,
}
_TRIVY = "aquasecurity:trivy:"
_SYFT_LOCATION = "syft:location:"

_Text = Annotated[str, Meta(max_length=65536)]


class _Wire(msgspec.Struct, rename="camel"):
    """Base: camelCase names, unknown fields skipped."""


class _Property(_Wire):
    name: _Text = ""
    value: _Text | None = ""


class _Hash(_Wire):
    alg: _Text = ""
    content: _Text = ""


class _Component(_Wire):
    type: _Text = ""
    group: _Text = ""
    name: _Text = ""
    version: _Text = ""
    purl: _Text = ""
    bom_ref: _Text = msgspec.field(default="", name="bom-ref")
    properties: list[_Property] | None = None
    hashes: list[_Hash] | None = None
    components: "list[_Component] | None" = None

    def facts(self) -> dict[str, str]:
        return {p.name: p.value or "" for p in self.properties or ()}


class _ToolList(_Wire):
    components: list[_Component] | None = None


class _Party(_Wire):
    name: _Text = ""


class _Metadata(_Wire):
    timestamp: _Text = ""
    tools: _ToolList | list[_Component] | None = None
    """1.4 had a list; 1.5 put components into it."""
    component: _Component | None = None
    authors: list[_Party] | None = None
    supplier: _Party | None = None
    manufacturer: _Party | None = None


class _Source(_Wire):
    name: _Text = ""
    url: _Text = ""


class _Rating(_Wire):
    source: _Source = msgspec.field(default_factory=_Source)
    score: float | None = None
    severity: _Text = ""
    method: _Text = ""
    vector: _Text = ""


class _Reference(_Wire):
    id: _Text = ""


class _Advisory(_Wire):
    url: _Text = ""


class _AffectedVersion(_Wire):
    version: _Text = ""
    range: _Text = ""
    status: _Text = "affected"


class _Affects(_Wire):
    ref: _Text
    versions: list[_AffectedVersion] | None = None


class _Analysis(_Wire):
    state: _Text = ""
    justification: _Text = ""
    detail: _Text = ""
    last_updated: _Text = ""
    first_issued: _Text = ""


class _Vulnerability(_Wire):
    id: _Text = ""
    source: _Source = msgspec.field(default_factory=_Source)
    references: list[_Reference] | None = None
    ratings: list[_Rating] | None = None
    cwes: list[int] | None = None
    advisories: list[_Advisory] | None = None
    affects: list[_Affects] | None = None
    analysis: _Analysis | None = None
    recommendation: _Text = ""


class _Document(_Wire):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    components: list[_Component] | None = None
    vulnerabilities: list[_Vulnerability] | None = None


_DECODER = msgspec.json.Decoder(_Document)
_WHAT = "CycloneDX"

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
        require_readable(body, _WHAT)
        head = head_of(body)
        if head.get("bomFormat") != "CycloneDX":
            raise unknown_version(f"{_WHAT}: bomFormat", head.get("bomFormat"), "CycloneDX")
        if head.get("specVersion") not in KNOWN_VERSIONS:
            raise unknown_version(
                f"{_WHAT}: specVersion", head.get("specVersion"), ", ".join(KNOWN_VERSIONS)
            )
        document = decode(body, _DECODER, _WHAT)
        if document.vulnerabilities is None and not _always_matches(document.metadata):
            raise MalformedReportError(
                f"{_WHAT}: no `vulnerabilities`, so this is a bill of materials and no report; "
                "have it written by a scanner that looks for vulnerabilities"
            )
        return _report(document, document.vulnerabilities or [])


def _report(document: _Document, vulnerabilities: list[_Vulnerability]) -> ForeignReport:
    metadata = document.metadata
    components = dict(_walk(document.components or ()))
    affected = [(v, a) for v in vulnerabilities for a in (v.affects or ())]
    without = [v for v in vulnerabilities if not v.affects]
    require_count(len(affected) + len(without), _WHAT)
    subject = metadata.component
    said_at = instant(metadata.timestamp, f"{_WHAT}: metadata.timestamp")
    tool = _tool(metadata)
    findings = [
        *(_finding(v, components.get(a.ref), a) for v, a in affected),
        *(_finding(v, None, None) for v in without),
    ]
    packages = tuple(_packages(components.values()))
    odd = [
        f"{c.name} {c.version}"
        for c in components.values()
        if c.type == "library" and parse_purl(c.purl) is None
    ]
    gaps = [*named("components without a package URL", odd)]
    if not vulnerabilities and not _always_matches(metadata):
        gaps.append(NOTHING_LOOKED_FOR)
    claims = [c for v in vulnerabilities if (c := _claim(v, components, document)) is not None]
    return ForeignReport(
        # A document whose every entry is an analysis is VEX: nobody's scan.
        scanner=tool if tool is not None and not _is_vex(vulnerabilities) else None,
        findings=tuple(findings),
        coverage=coverage_of(packages, lambda _: tool.name if tool else "", gaps),
        subject=_stated(subject) if subject is not None else StatedSubject(),
        scanned_at=said_at,
        packages=packages,
        claims=tuple(replace(claim, said_at=claim.said_at or said_at) for claim in claims),
    )


def _always_matches(metadata: _Metadata) -> bool:
    """Whether the tool looks for vulnerabilities in every run: Grype does, and lists none so."""
    tool = _tool(metadata)
    return tool is not None and tool.name == "Grype"


def _is_vex(vulnerabilities: list[_Vulnerability]) -> bool:
    return bool(vulnerabilities) and all(v.analysis is not None for v in vulnerabilities)


def _walk(components: Iterable[_Component]) -> Iterator[tuple[str, _Component]]:
    """Yield every component with its reference, nested ones too; depth is bounded by the JSON."""
    stack = list(components)[::-1]
    number = 0
    while stack:
        component = stack.pop()
        number += 1
        yield component.bom_ref or f"\0{number}", component
        stack.extend(reversed(component.components or []))


def _packages(components: Iterable[_Component]) -> Iterator[SeenPackage]:
    for component in components:
        if component.type != "library":
            continue
        seen = seen_package(component.purl)
        if seen is not None:
            yield replace(seen, locations=tuple(_places(component)))


def _places(component: _Component) -> Iterator[Location]:
    facts = component.facts()
    path = facts.get(f"{_TRIVY}FilePath", "")
    layer = facts.get(f"{_TRIVY}LayerDigest") or facts.get(f"{_TRIVY}LayerDiffID", "")
    if path or layer:
        yield Location(word(path), word(layer))
    for number in range(1000):
        path = facts.get(f"{_SYFT_LOCATION}{number}:path", "")
        if not path:
            return
        yield Location(word(path), word(facts.get(f"{_SYFT_LOCATION}{number}:layerID", "")))


def _stated(component: _Component) -> StatedSubject:
    facts = component.facts()
    purl = parse_purl(component.purl)
    named_by_purl = purl.version if purl is not None and purl.type in ("oci", "docker") else ""
    manifests = [
        digest_or_none(text)
        for text in (
            component.version,  # Syft and Grype write the manifest's digest here
            named_by_purl or "",
            facts.get(f"{_TRIVY}RepoDigest", ""),
        )
    ]
    config = digest_or_none(facts.get(f"{_TRIVY}ImageID", ""))
    return StatedSubject(frozenset(filter(None, manifests)), frozenset(filter(None, [config])))


def _tool(metadata: _Metadata) -> ScannerIdentity | None:
    tools = metadata.tools
    listed = tools.components if isinstance(tools, _ToolList) else tools
    for tool in listed or ():
        if tool.name:
            name = {"trivy": "Trivy", "grype": "Grype", "syft": "Syft"}.get(tool.name.lower())
            return ScannerIdentity(name or word(tool.name)[:64], word(tool.version))
    return None


def _finding(
    found: _Vulnerability,
    component: _Component | None,
    affects: _Affects | None,
) -> Finding:
    identifier = require_id(found.id, _WHAT)
    reference = affects.ref if affects is not None else ""
    purl = component.purl if component is not None else _purl_in(reference)
    version = component.version if component is not None else ""
    parsed = parse_purl(purl)
    if not version and parsed is not None:
        version = parsed.version or ""
    version = exact(version, f"{_WHAT}: version of the component with {identifier}")
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
        locations=tuple(_places(component)) if component is not None else (),
        references=links([found.source.url, *(a.url for a in found.advisories or ())]),
    )


def _purl_in(reference: str) -> str:
    """Return the purl that a reference to another document ends in (BOM-Link), or is."""
    tail = reference.rpartition("#")[2]
    return tail if parse_purl(tail) is not None else ""


def _severity(found: _Vulnerability) -> Severity:
    """Return the highest severity of the ratings: the document prefers none of them."""
    words = [severity_of_word(r.severity) for r in found.ratings or ()]
    scored = [severity_of_word(r.word) for r in map(_scored, found.ratings or ()) if r is not None]
    said = max(words, default=Severity.UNKNOWN)
    return said if said is not Severity.UNKNOWN else max(scored, default=Severity.UNKNOWN)


def _scored(rating: _Rating) -> Rating | None:
    """Return a rating by score or vector, where its method is CVSS."""
    if not rating.method.upper().startswith("CVSS"):
        return None
    return vector_rating(rating.source.name or rating.method, rating.vector, rating.score)


def _ratings(found: _Vulnerability) -> Iterator[Rating]:
    for rating in (found.ratings or ())[:100]:
        scored = _scored(rating)
        if scored is not None:
            yield replace(scored, word=word(rating.severity) or scored.word)
        elif severity_of_word(rating.severity) is not Severity.UNKNOWN:
            yield Rating(word(rating.source.name or rating.method), "", word(rating.severity))


def _fix(affects: _Affects | None) -> str:
    """Return the first version from which on a package is unaffected, as Grype writes it."""
    for entry in (affects.versions if affects is not None else None) or ():
        _, _, fixed = entry.range.partition("/>=")
        if entry.status == "unaffected" and entry.range.startswith("vers:") and fixed:
            return word(fixed) if not set(fixed) & set("|<>=!*,") else ""
        if entry.status == "unaffected" and entry.version:
            return word(entry.version)
    return ""


def _recommended(found: _Vulnerability, name: str) -> str:
    """Return the fix in Trivy's recommendation: `Upgrade NAME to version VERSION`, `;` between.

    The name of a Java archive has its group before it.
    """
    for sentence in found.recommendation.split("; "):
        head, _, version = sentence.partition(" to version ")
        if version and head.removeprefix("Upgrade ").rpartition(":")[2] == name:
            return word(version)
    return ""


def _claim(
    found: _Vulnerability, components: Mapping[str, _Component], document: _Document
) -> VexClaim | None:
    analysis = found.analysis
    if analysis is None or not analysis.state:
        return None
    status = _STATES.get(analysis.state)
    if status is None:
        raise unknown_version(
            f"{_WHAT}: analysis.state of {word(found.id)}", analysis.state, ", ".join(_STATES)
        )
    reason = analysis.justification or analysis.detail
    if status.clears and not reason and status is not VexStatus.FIXED:
        raise MalformedReportError(
            f"{_WHAT}: analysis of {word(found.id)} says {analysis.state} without a justification "
            "or detail; want one, so that people can see why"
        )
    moment = analysis.last_updated or analysis.first_issued
    others = [id_or_none(r.id) for r in found.references or ()]
    return VexClaim(
        ids=frozenset(map(normalize_id, filter(None, [require_id(found.id, _WHAT), *others]))),
        products=_products(found, components, document.metadata.component),
        status=status,
        justification=prose(reason) or analysis.state,
        author=_author(document.metadata),
        said_at=instant(moment, f"{_WHAT}: analysis.lastUpdated"),
        detail=prose(analysis.detail),
    )


def _products(
    found: _Vulnerability, components: Mapping[str, _Component], subject: _Component | None
) -> tuple[VexProduct, ...]:
    """Return the products of an analysis: packages of `affects`, in the image of the document."""
    images = _stated(subject).manifests if subject is not None else frozenset[str]()
    packages = list[str]()
    whole = False
    for affects in found.affects or ():
        component = components.get(affects.ref)
        if subject is not None and affects.ref == subject.bom_ref:
            whole = True
        elif component is not None and parse_purl(component.purl) is not None:
            packages.append(component.purl)
        elif purl := _purl_in(affects.ref):
            packages.append(purl)
    products = [VexProduct(images, tuple(packages))] if packages else []
    if whole and images:
        products.append(VexProduct(images))
    return tuple(products)


def _author(metadata: _Metadata) -> str:
    parties = [*(metadata.authors or ()), metadata.supplier, metadata.manufacturer]
    return word(next((p.name for p in parties if p is not None and p.name), ""))
