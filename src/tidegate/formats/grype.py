"""Grype's own JSON (`grype -o json`), of Grype 0.x.

Grype lists what it matched, not what it looked at: alone, such a report is incomplete. What it
ignored by rule or VEX document is a finding all the same, unless Grype's own matching took it back
(a distribution's fix, a kernel header): who may say that something does no harm is the trust
configuration's choice. (Fields: grype, grype/presenter/models.)
"""

import re
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.finding import Finding, Location, Rating
from tidegate.domain.severity import severity_of_word
from tidegate.formats.coverage import coverage_of
from tidegate.formats.ecosystems import generic_purl, parse_purl
from tidegate.formats.ratings import vector_rating
from tidegate.formats.reading import (
    decode,
    digest_or_none,
    exact,
    id_or_none,
    instant,
    links,
    require_count,
    require_id,
    unknown_version,
    word,
)
from tidegate.formats.report import ForeignReport, Head, StatedSubject
from tidegate.wire.statement_v1 import ScannerIdentity

SCANNER = "Grype"
SOURCE = "Grype DB"
_KNOWN = re.compile(r"v?0\.[0-9]{1,4}(\.[0-9]{1,4})?([-+.].{0,64})?|\[not provided\]")
"""Versions whose JSON is this one; builds without a release call themselves `[not provided]`."""

_OWN_REASONS = frozenset(
    {
        "distro-fixed",
        "distro-nak",
        "DistroPackageFixed",
        "Explicit APK NAK",
        "UnaffectedPackageEntry",
    }
)
"""Of ignored matches: Grype's matching itself found the package fixed or unaffected."""

_Text = Annotated[str, Meta(max_length=65536)]


class _Wire(msgspec.Struct, rename="camel"):
    """Base: camelCase names, unknown fields skipped."""


class _Metrics(_Wire):
    base_score: float | None = None


class _Cvss(_Wire):
    source: _Text = ""
    type: _Text = ""
    version: _Text = ""
    vector: _Text = ""
    metrics: _Metrics | None = None


class _Cwe(_Wire):
    cwe: _Text = ""


class _Fix(_Wire):
    versions: list[_Text] | None = None
    state: _Text = ""


class _Vulnerability(_Wire):
    id: str
    data_source: _Text = ""
    namespace: _Text = ""
    severity: _Text = ""
    urls: list[_Text] | None = None
    cvss: list[_Cvss] | None = None
    cwes: list[_Cwe] | None = None
    fix: _Fix = msgspec.field(default_factory=_Fix)


class _SuggestedFix(_Wire):
    suggested_version: _Text = ""


class _Detail(_Wire):
    fix: _SuggestedFix | None = None


class _Location(_Wire):
    path: _Text = ""
    layer_id: _Text = msgspec.field(default="", name="layerID")


class _Artifact(_Wire):
    name: _Text = ""
    version: _Text = ""
    purl: _Text = ""
    locations: list[_Location] | None = None


class _IgnoreRule(_Wire, rename="kebab"):
    reason: _Text = ""
    match_type: _Text = ""
    vex_status: _Text = ""


class _Match(_Wire):
    vulnerability: _Vulnerability
    artifact: _Artifact
    related_vulnerabilities: list[_Vulnerability] | None = None
    match_details: list[_Detail] | None = None
    applied_ignore_rules: list[_IgnoreRule] | None = None


class _Target(_Wire):
    image_id: _Text = msgspec.field(default="", name="imageID")
    manifest_digest: _Text = ""
    repo_digests: list[_Text] | None = None


class _Source(_Wire):
    type: _Text = ""
    target: _Target | _Text = ""


class _DbStatus(_Wire):
    schema_version: _Text = ""
    built: _Text = ""


class _Db(_Wire):
    status: _DbStatus | None = None
    built: _Text = ""
    """Before Grype 0.88 the database's status stood here."""


class _Descriptor(_Wire):
    name: _Text = ""
    version: _Text = ""
    db: _Db | None = None
    timestamp: _Text = ""


class _Document(_Wire):
    descriptor: _Descriptor
    matches: list[_Match]
    ignored_matches: list[_Match] | None = None
    source: _Source | None = None


class _Top(_Wire):
    descriptor: _Descriptor


_TOP = msgspec.json.Decoder(_Top)
_DECODER = msgspec.json.Decoder(_Document)
_WHAT = "Grype report"


class GrypeFormat:
    """Grype JSON."""

    name = "grype"
    media_types = frozenset({"application/vnd.anchore.grype.report.v1+json"})
    predicate_types = frozenset[str]()

    def recognises(self, head: Head) -> bool:
        """Whether the document has Grype's lists."""
        return "matches" in head and "descriptor" in head

    def parse(self, body: bytes) -> ForeignReport:
        """Return what the report says."""
        descriptor = decode(body, _TOP, _WHAT).descriptor
        if descriptor.name != "grype":
            raise unknown_version(f"{_WHAT}: descriptor.name", descriptor.name, "grype")
        if _KNOWN.fullmatch(descriptor.version) is None:
            raise unknown_version(
                f"{_WHAT}: descriptor.version", descriptor.version, "0.x (Grype before 1.0)"
            )
        return _report(decode(body, _DECODER, _WHAT))


def _report(document: _Document) -> ForeignReport:
    if document.source is not None and document.source.type not in ("image", ""):
        raise unknown_version(f"{_WHAT}: source.type", document.source.type, "image")
    ignored = [m for m in document.ignored_matches or () if not _taken_back(m)]
    matches = [*document.matches, *ignored]
    require_count(len(matches), _WHAT)
    descriptor = document.descriptor
    status = descriptor.db.status if descriptor.db is not None else None
    built = status.built if status is not None else descriptor.db.built if descriptor.db else ""
    return ForeignReport(
        scanner=ScannerIdentity(
            name=SCANNER,
            version=word(descriptor.version),
            db_version=word(status.schema_version) if status is not None else "",
            db_updated_at=instant(built, f"{_WHAT}: descriptor.db.built"),
        ),
        findings=tuple(map(_finding, matches)),
        coverage=coverage_of((), lambda _: SOURCE),
        subject=_subject(document.source),
        scanned_at=instant(descriptor.timestamp, f"{_WHAT}: descriptor.timestamp"),
    )


def _subject(source: _Source | None) -> StatedSubject:
    if source is None or isinstance(source.target, str):
        return StatedSubject()
    target = source.target
    manifests = map(digest_or_none, (target.manifest_digest, *(target.repo_digests or ())))
    return StatedSubject(
        frozenset(filter(None, manifests)),
        frozenset(filter(None, [digest_or_none(target.image_id)])),
    )


def _taken_back(match: _Match) -> bool:
    """Whether Grype's own matching, and not someone's rule, ignored `match`."""
    rules = match.applied_ignore_rules or ()
    return bool(rules) and all(
        not rule.vex_status
        and (rule.reason in _OWN_REASONS or rule.match_type == "exact-indirect-match")
        for rule in rules
    )


def _finding(match: _Match) -> Finding:
    found, artifact = match.vulnerability, match.artifact
    identifier = require_id(found.id, _WHAT)
    version = exact(artifact.version, f"{_WHAT}: version of the artifact with {identifier}")
    name = exact(artifact.name, f"{_WHAT}: name of the artifact with {identifier}")
    related = [id_or_none(other.id) for other in match.related_vulnerabilities or ()]
    places = (Location(word(p.path), word(p.layer_id)) for p in artifact.locations or ())
    known = parse_purl(artifact.purl) is not None
    return Finding(
        vulnerability_id=identifier,
        severity=severity_of_word(found.severity),
        package=artifact.purl if known else generic_purl(name, version),
        version=version,
        fixed_version=_fix(match),
        aliases=frozenset(i for i in related if i and i != identifier),
        ratings=tuple(_ratings(match)),
        cwe_ids=tuple(dict.fromkeys(word(c.cwe) for c in (found.cwes or ())[:100])),
        locations=tuple(dict.fromkeys(p for p in places if p.path or p.layer))[:1000],
        references=links([found.data_source, *(found.urls or ())]),
    )


def _fix(match: _Match) -> str:
    """Return the fix that Grype suggests for this package, else the first that it names."""
    if match.vulnerability.fix.state != "fixed":
        return ""
    suggested = [d.fix.suggested_version for d in match.match_details or () if d.fix is not None]
    return word(next(filter(None, [*suggested, *(match.vulnerability.fix.versions or ())]), ""))


def _ratings(match: _Match) -> Iterator[Rating]:
    found = match.vulnerability
    if found.severity:
        yield Rating(word(found.namespace or "grype"), "", word(found.severity))
    for record in (found, *(match.related_vulnerabilities or ())):
        for cvss in record.cvss or ():
            score = cvss.metrics.base_score if cvss.metrics is not None else None
            rating = vector_rating(cvss.source or record.namespace, cvss.vector, score)
            if rating is not None:
                yield rating
