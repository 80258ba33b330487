"""SARIF 2.1.0 as Trivy and Grype write it for code hosts.

Both put the facts into the text of a rule or a result, a line each, beside a score. Other tools
write other texts, so their SARIF is refused by name. SARIF never says which packages were looked
at: such a report is incomplete, and Grype's does not even name the image. Grype's text calls an
unknown severity "low": its score of 0.0 tells, and stays unknown.
(Sources: trivy, pkg/report/sarif.go; grype, grype/presenter/sarif.)
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.finding import Finding, Location, Rating
from tidegate.domain.severity import Severity, severity_of_score, severity_of_word
from tidegate.formats.coverage import coverage_of, named
from tidegate.formats.ecosystems import generic_purl, parse_purl
from tidegate.formats.ratings import vector_rating
from tidegate.formats.reading import (
    decode,
    digest_or_none,
    exact,
    head_of,
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

KNOWN_VERSION = "2.1.0"
_NAMES = {"trivy": "Trivy", "grype": "Grype"}
_VULNERABILITY_RULES = frozenset({"OsPackageVulnerability", "LanguageSpecificPackageVulnerability"})
_LINE = re.compile(r"([A-Z][A-Za-z ]{2,30}): (.*)")
_MARKDOWN_LINK = re.compile(r"\[[^\]]*\]\((.*)\)")

_Text = Annotated[str, Meta(max_length=65536)]


class _Wire(msgspec.Struct, rename="camel"):
    """Base: camelCase names, unknown fields skipped."""


class _Message(_Wire):
    text: _Text = ""


class _RuleProperties(_Wire, rename="kebab"):
    security_severity: _Text = ""
    tags: list[_Text] | None = None
    purls: list[_Text] | None = None
    cvssv3_base_score: float | None = msgspec.field(default=None, name="cvssv3_baseScore")
    cvssv3_vector: _Text = msgspec.field(default="", name="cvssv3_vector")
    cvssv40_base_score: float | None = msgspec.field(default=None, name="cvssv40_baseScore")
    cvssv40_vector: _Text = msgspec.field(default="", name="cvssv40_vector")


class _Rule(_Wire):
    id: _Text
    name: _Text = ""
    help: _Message = msgspec.field(default_factory=_Message)
    help_uri: _Text = ""
    properties: _RuleProperties = msgspec.field(default_factory=_RuleProperties)


class _Driver(_Wire):
    name: _Text = ""
    version: _Text = ""
    full_name: _Text = ""
    rules: list[_Rule] | None = None


class _Tool(_Wire):
    driver: _Driver


class _ArtifactLocation(_Wire):
    uri: _Text = ""


class _PhysicalLocation(_Wire):
    artifact_location: _ArtifactLocation = msgspec.field(default_factory=_ArtifactLocation)


class _Location(_Wire):
    physical_location: _PhysicalLocation = msgspec.field(default_factory=_PhysicalLocation)


class _Result(_Wire):
    rule_id: _Text
    message: _Message = msgspec.field(default_factory=_Message)
    locations: list[_Location] | None = None


class _RunProperties(_Wire):
    image_id: _Text = msgspec.field(default="", name="imageID")
    repo_digests: list[_Text] | None = None


class _Invocation(_Wire):
    end_time_utc: _Text = ""


class _Run(_Wire):
    tool: _Tool
    results: list[_Result] | None = None
    properties: _RunProperties = msgspec.field(default_factory=_RunProperties)
    invocations: list[_Invocation] | None = None


class _Document(_Wire):
    version: _Text
    runs: Annotated[list[_Run], Meta(min_length=1, max_length=1)]


_DECODER = msgspec.json.Decoder(_Document)
_WHAT = "SARIF"


class SarifFormat:
    """SARIF 2.1.0 by Trivy or Grype."""

    name = "sarif"
    media_types = frozenset({"application/sarif+json"})
    predicate_types = frozenset[str]()

    def recognises(self, head: Head) -> bool:
        """Whether the document has runs and SARIF's version."""
        return "runs" in head and "version" in head

    def parse(self, body: bytes) -> ForeignReport:
        """Return what the report says."""
        require_readable(body, _WHAT)
        version = head_of(body).get("version")
        if version != KNOWN_VERSION:
            raise unknown_version(f"{_WHAT}: version", version, KNOWN_VERSION)
        (run,) = decode(body, _DECODER, _WHAT).runs
        tool = _NAMES.get(run.tool.driver.name.lower())
        if tool is None:
            raise unknown_version(
                f"{_WHAT}: runs[0].tool.driver.name", run.tool.driver.name, "Trivy, Grype"
            )
        return _report(run, tool)


def _report(run: _Run, tool: str) -> ForeignReport:
    rules = {rule.id: rule for rule in run.tool.driver.rules or ()}
    findings, others = list[Finding](), list[str]()
    require_count(len(run.results or ()), _WHAT)
    for result in run.results or ():
        rule = rules.get(result.rule_id)
        if tool == "Grype":
            findings.append(_of_grype(result, rule))
        elif rule is None or rule.name in _VULNERABILITY_RULES:
            findings.append(_of_trivy(result, rule))
        else:
            others.append(f"{rule.name} {result.rule_id}")
    times = [i.end_time_utc for i in run.invocations or () if i.end_time_utc]
    properties = run.properties
    return ForeignReport(
        scanner=ScannerIdentity(tool, word(run.tool.driver.version)),
        findings=tuple(findings),
        coverage=coverage_of(
            (), lambda _: tool, named("results that are no vulnerabilities", others)
        ),
        subject=StatedSubject(
            frozenset(filter(None, map(digest_or_none, properties.repo_digests or ()))),
            frozenset(filter(None, [digest_or_none(properties.image_id)])),
        ),
        scanned_at=instant(times[-1], f"{_WHAT}: endTimeUtc") if times else None,
    )


def _facts(text: str) -> dict[str, str]:
    """Return the lines `Name: value` of a text; the first of a name counts."""
    facts = dict[str, str]()
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            facts.setdefault(match[1], match[2].strip())
    return facts


def _of_trivy(result: _Result, rule: _Rule | None) -> Finding:
    """Read `Package`, `Installed Version`, `Severity` and `Fixed Version` of a result's text."""
    facts = _facts(result.message.text)
    identifier = require_id(result.rule_id, _WHAT)
    severity = severity_of_word(facts.get("Severity", ""))
    return _finding(identifier, facts, "Installed Version", "Fixed Version", severity, result, rule)


def _of_grype(result: _Result, rule: _Rule | None) -> Finding:
    """Read the rule's help text; the rule's id is the vulnerability's and the package's name."""
    if rule is None:
        identifier = require_id(result.rule_id, _WHAT)
        return _finding(identifier, {}, "", "", Severity.UNKNOWN, result, None)
    facts = _facts(rule.help.text)
    package = facts.get("Package", "")
    identifier = rule.id.removesuffix(f"-{package}") if package else rule.id
    score = _number(rule.properties.security_severity)
    severity = severity_of_word(facts.get("Severity", ""))
    if not score:  # Grype's text says "low" of what it does not know
        severity = Severity.UNKNOWN
    return _finding(
        require_id(identifier, _WHAT), facts, "Version", "Fix Version", severity, result, rule
    )


def _finding(  # noqa: PLR0913, PLR0917 - the names under which each tool writes the same facts
    identifier: str,
    facts: Mapping[str, str],
    version_name: str,
    fix_name: str,
    severity: Severity,
    result: _Result,
    rule: _Rule | None,
) -> Finding:
    name = exact(facts.get("Package", ""), f"{_WHAT}: package with {identifier}")
    version = exact(facts.get(version_name, ""), f"{_WHAT}: version with {identifier}")
    purls = [p for p in (rule.properties.purls if rule else None) or () if parse_purl(p)]
    ratings = tuple(_ratings(rule)) if rule is not None else ()
    if severity is Severity.UNKNOWN and ratings and not facts.get("Severity"):
        severity = max(severity_of_word(rating.word) for rating in ratings)
    uris = (location.physical_location.artifact_location.uri for location in result.locations or ())
    places = dict.fromkeys(Location(word(uri)) for uri in uris if uri)
    link = facts.get("Link", "")
    linked = _MARKDOWN_LINK.fullmatch(link)
    return Finding(
        vulnerability_id=identifier,
        severity=severity,
        # One purl: the rule is about this package. Several: nobody can tell which.
        package=purls[0] if len(purls) == 1 else generic_purl(name, version),
        version=version,
        fixed_version=word(facts.get(fix_name, "")),
        ratings=ratings,
        locations=tuple(places)[:1000],
        references=links([rule.help_uri if rule else "", linked[1] if linked else link]),
    )


def _ratings(rule: _Rule) -> Iterator[Rating]:
    properties = rule.properties
    score = _number(properties.security_severity)
    if score:
        name = severity_of_score(score).word.capitalize()
        yield Rating("security-severity", properties.security_severity[:64], name)
    for vector, base in (
        (properties.cvssv40_vector, properties.cvssv40_base_score),
        (properties.cvssv3_vector, properties.cvssv3_base_score),
    ):
        rating = vector_rating("CVSS", vector, base)
        if rating is not None and base:
            yield rating


def _number(text: str) -> float:
    """Return a score from 0 to 10; 0 for anything else."""
    try:
        score = float(text)
    except ValueError:
        return 0.0
    return score if 0 <= score <= 10 else 0.0
