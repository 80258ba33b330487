"""The in-toto predicate `vulns` v0.2: a scanner, its results, and when it looked.

The standard has ids and severities, but no packages: fields that Tidegate's own statements put
beside them (`vulnerablePackage`, `detectedVersion`, `fixVersion`, `aliases`) are read where they
stand. It does not say what was looked at, so such a report alone is incomplete; a `coverage` in it
is its writer's word and is not taken over. (in-toto/attestation, spec/predicates/vuln.md.)
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.errors import MalformedReportError
from tidegate.domain.finding import Finding, Rating
from tidegate.domain.severity import Severity, severity_of_word
from tidegate.formats.coverage import coverage_of
from tidegate.formats.ecosystems import generic_purl, parse_purl
from tidegate.formats.ratings import highest, parse_score
from tidegate.formats.reading import (
    decode,
    exact,
    id_or_none,
    instant,
    require_count,
    require_id,
    require_readable,
    word,
)
from tidegate.formats.report import ForeignReport, Head
from tidegate.formats.scanner_names import scanner_name
from tidegate.wire.statement_v1 import PREDICATE_TYPE, ScannerIdentity

_Text = Annotated[str, Meta(max_length=65536)]
_Words = Annotated[list[_Text], Meta(max_length=1000)]


class _Wire(msgspec.Struct, rename="camel"):
    """Base: camelCase names, unknown fields skipped (in-toto: consumers must ignore them)."""


class _Severity(_Wire):
    method: _Text = ""
    score: _Text | float = ""


class _Result(_Wire):
    id: _Text
    severity: Annotated[list[_Severity], Meta(max_length=1000)] | None = None
    leading_severity_score: _Text = ""
    vulnerable_package: _Text = ""
    detected_version: _Text = ""
    fix_version: _Text = ""
    aliases: _Words | None = None


class _Db(_Wire):
    uri: _Text = ""
    version: _Text = ""
    last_update: _Text = ""


class _Scanner(_Wire):
    uri: _Text
    version: _Text = ""
    db: _Db = msgspec.field(default_factory=_Db)
    result: list[_Result] = []


class _Metadata(_Wire):
    scan_finished_on: _Text
    scan_started_on: _Text = ""


class _Predicate(_Wire):
    scanner: _Scanner
    metadata: _Metadata


_DECODER = msgspec.json.Decoder(_Predicate)
_WHAT = "in-toto vulns predicate"


class InTotoVulnsFormat:
    """The predicate of `https://in-toto.io/attestation/vulns/v0.2`."""

    name = "in-toto-vulns"
    media_types = frozenset[str]()
    predicate_types = frozenset({PREDICATE_TYPE})

    def recognises(self, head: Head) -> bool:  # noqa: ARG002 - the protocol's form
        """Return False: a bare predicate does not say what it is; the statement around it does."""
        return False

    def parse(self, body: bytes) -> ForeignReport:
        """Return what the predicate says."""
        require_readable(body, _WHAT)
        predicate = decode(body, _DECODER, _WHAT)
        scanner = predicate.scanner
        require_count(len(scanner.result), _WHAT)
        started, finished = predicate.metadata.scan_started_on, predicate.metadata.scan_finished_on
        ended_at = instant(finished, f"{_WHAT}: metadata.scanFinishedOn")
        if ended_at is None:
            raise MalformedReportError(f"{_WHAT}: metadata.scanFinishedOn is empty; want a time")
        return ForeignReport(
            scanner=ScannerIdentity(
                name=scanner_name(scanner.uri, _WHAT),
                version=word(scanner.version),
                uri=word(scanner.uri),
                db_uri=word(scanner.db.uri),
                db_version=word(scanner.db.version),
                db_updated_at=instant(scanner.db.last_update, f"{_WHAT}: scanner.db.lastUpdate"),
            ),
            findings=tuple(map(_finding, scanner.result)),
            coverage=coverage_of((), lambda _: ""),
            started_at=instant(started, f"{_WHAT}: metadata.scanStartedOn"),
            scanned_at=ended_at,
        )


def _finding(result: _Result) -> Finding:
    identifier = require_id(result.id, _WHAT)
    version = exact(result.detected_version, f"{_WHAT}: detectedVersion of {identifier}")
    purl = result.vulnerable_package
    ratings = tuple(r for s in result.severity or () if (r := _rating(s)) is not None)
    leading = severity_of_word(result.leading_severity_score)
    aliases = map(id_or_none, result.aliases or ())
    return Finding(
        vulnerability_id=identifier,
        severity=leading if leading is not Severity.UNKNOWN else highest(ratings),
        package=purl if parse_purl(purl) is not None else generic_purl(word(purl), version),
        version=version,
        fixed_version=word(result.fix_version),
        aliases=frozenset(i for i in aliases if i and i != identifier),
        ratings=ratings,
    )


def _rating(severity: _Severity) -> Rating | None:
    return parse_score(severity.method, str(severity.score))
