"""The findings statement: in-toto Statement v1 with predicate type vulns/v0.2.

Fields of the standard keep their places (`id`, `severity[]{method, score}`, `scanner`,
`metadata`); what it lacks stands beside them: package, versions, aliases, locations, and a
`coverage` object that says what was judged at all. `leadingSeverityScore` is the severity that
counts; `severity` carries every opinion for people. `parse_statement` of what `render_statement`
wrote is the same value.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from tidegate.domain.digest import Digest, algorithm_of, encoded_part, parse_digest
from tidegate.domain.errors import InvalidDigestError, LimitExceededError, MalformedStatementError
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import Finding, Location, Rating, VexMark, VexStatus
from tidegate.domain.severity import Severity, severity_of_word
from tidegate.wire import statement_json as fields
from tidegate.wire.statement_json import (
    MAX_FINDINGS,
    MAX_LISTED,
    MAX_MARKS,
    MAX_STATEMENT_BYTES,
    MEDIA_TYPE,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
)
from tidegate.wire.strict_json import NotStrictError, require_strict_json

__all__ = [
    "MAX_FINDINGS",
    "MAX_LISTED",
    "MAX_MARKS",
    "MAX_STATEMENT_BYTES",
    "MEDIA_TYPE",
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "ReportOrigin",
    "ScannerIdentity",
    "Statement",
    "parse_statement",
    "parse_time",
    "render_statement",
    "render_time",
]


@dataclass(frozen=True, slots=True)
class ScannerIdentity:
    """Which program looked, with which knowledge."""

    name: str
    version: str
    uri: str = ""
    db_uri: str = ""
    db_version: str = ""
    db_updated_at: datetime | None = None
    """`lastUpdate` of the advisory database, UTC."""


@dataclass(frozen=True, slots=True)
class ReportOrigin:
    """Where a report made elsewhere came from, and who vouched for it."""

    format: str
    """Entry point of group `tidegate.formats` that read it."""
    digest: Digest
    """Of the report's bytes as they came."""
    source: str
    """Name of the trusted source that signed it; empty where the evidence key's holder gave it."""
    artifact: str = ""
    """Digest of the manifest that carried it in the registry; empty for a file."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one scan says about one subject."""

    subject: Digest
    findings: tuple[Finding, ...]
    coverage: Coverage
    scanner: ScannerIdentity
    started_at: datetime
    finished_at: datetime
    """The scan time that counts, UTC."""
    subject_name: str = ""
    """For people; never compared."""
    origin: ReportOrigin | None = None
    """None: made by a scan of ours."""
    listed_at: datetime | None = None
    """When the image was looked into, where its packages were only matched again since."""


def parse_statement(body: bytes) -> Statement:
    """Return the findings statement in `body`.

    Raises:
        MalformedStatementError: no strict JSON, another statement or predicate type, not exactly
            one subject with one digest, a field missing or beyond its bounds.
        LimitExceededError: larger than `MAX_STATEMENT_BYTES`.
    """
    _refuse_oversize(body)
    try:
        require_strict_json(body)
        header = _HEADER.decode(body)
        _require("_type", header.type_, STATEMENT_TYPE)
        _require("predicateType", header.predicate_type, PREDICATE_TYPE)
        return _value(_DECODER.decode(body))
    except (msgspec.MsgspecError, NotStrictError, InvalidDigestError) as error:
        raise MalformedStatementError(f"findings statement: {error}") from error


def render_statement(statement: Statement) -> bytes:
    """Return `statement` as compact JSON that `parse_statement` accepts.

    Raises:
        MalformedStatementError: a value is beyond its bounds, or a time has no zone.
        LimitExceededError: the result is larger than `MAX_STATEMENT_BYTES`.
    """
    body = msgspec.json.encode(_wire(statement))
    _refuse_oversize(body)
    try:
        _DECODER.decode(body)  # bounds are checked on reading only; never sign what nobody reads
    except msgspec.MsgspecError as error:
        raise MalformedStatementError(f"findings statement cannot be written: {error}") from error
    return body


def render_time(moment: datetime) -> str:
    """Return `moment` in RFC 3339, UTC, as `2026-11-23T09:00:00Z`.

    Raises:
        MalformedStatementError: it has no zone, so nobody can tell when it was.
    """
    if moment.tzinfo is None:
        raise MalformedStatementError(f"time {moment.isoformat()}: has no zone; want UTC")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_time(text: str, field: str) -> datetime:
    """Return the instant written in `text`, in UTC.

    Raises:
        MalformedStatementError: not RFC 3339 with a zone; names `field`.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise MalformedStatementError(
        f"{field} is {text[:80]!r}; want a time with zone like 2026-11-23T09:00:00Z"
    )


def _value(wire: fields.Statement) -> Statement:
    scanner, metadata, subject = wire.predicate.scanner, wire.predicate.metadata, wire.subject[0]
    return Statement(
        subject=_subject_digest(subject.digest),
        subject_name=subject.name,
        findings=tuple(map(_finding, scanner.result)),
        coverage=_coverage_value(wire.predicate.coverage),
        scanner=ScannerIdentity(
            name=scanner.name,
            version=scanner.version,
            uri=scanner.uri,
            db_uri=scanner.db.uri,
            db_version=scanner.db.version,
            db_updated_at=_optional_time(scanner.db.last_update, "scanner.db.lastUpdate"),
        ),
        started_at=parse_time(metadata.scan_started_on, "metadata.scanStartedOn"),
        finished_at=parse_time(metadata.scan_finished_on, "metadata.scanFinishedOn"),
        origin=_origin_value(wire.predicate.origin),
        listed_at=_optional_time(metadata.packages_listed_on, "metadata.packagesListedOn"),
    )


def _origin_value(origin: fields.Origin | msgspec.UnsetType) -> ReportOrigin | None:
    if isinstance(origin, msgspec.UnsetType):
        return None
    return ReportOrigin(origin.format, parse_digest(origin.digest), origin.source, origin.artifact)


def _subject_digest(digests: dict[str, str]) -> Digest:
    if len(digests) != 1:
        raise MalformedStatementError(
            f"subject has digests {sorted(digests)[:5]}; want exactly one, sha256 or sha512"
        )
    algorithm, encoded = next(iter(digests.items()))
    return parse_digest(f"{algorithm}:{encoded}")  # by another algorithm it is no digest


def _finding(result: fields.Result) -> Finding:
    return Finding(
        vulnerability_id=result.id,
        severity=_severity(result),
        package=result.vulnerable_package,
        version=result.detected_version,
        fixed_version=result.fix_version,
        aliases=frozenset(result.aliases),
        ratings=tuple(
            Rating(r.method, r.score, r.textual_score, r.cvss_version, r.leading, r.source)
            for r in result.severity
        ),
        cwe_ids=tuple(result.cwe_ids),
        locations=tuple(Location(e.path, e.layer_id) for e in result.evidence),
        references=tuple(r.url for r in result.references),
        not_affected=tuple(map(_mark, result.not_affected)),
    )


def _mark(mark: fields.NotAffected) -> VexMark:
    return VexMark(
        status=VexStatus(mark.status),
        justification=mark.justification,
        author=mark.author,
        source=mark.source,
        said_at=_optional_time(mark.said_at, "notAffected.saidAt"),
        detail=mark.detail,
    )


def _severity(result: fields.Result) -> Severity:
    """Return the severity that counts; a word nobody knows is refused, not taken for harmless."""
    word = result.leading_severity_score
    severity = severity_of_word(word)
    if severity is Severity.UNKNOWN and word.lower() != Severity.UNKNOWN.word:
        raise MalformedStatementError(
            f"{result.id}: leadingSeverityScore is {word[:80]!r}; want Critical, High, Medium, "
            "Low or Unknown"
        )
    return severity


def _coverage_value(coverage: fields.Coverage) -> Coverage:
    return Coverage(
        ecosystems=tuple(
            EcosystemCoverage(
                e.ecosystem,
                e.package_count,
                e.source,
                _optional_time(e.source_updated_at, "coverage.sourceUpdatedAt"),
            )
            for e in coverage.ecosystems
        ),
        not_understood=tuple(coverage.not_understood),
    )


def _wire(statement: Statement) -> fields.Statement:
    scanner = statement.scanner
    return fields.Statement(
        subject=[
            fields.Subject(
                name=statement.subject_name,
                digest={algorithm_of(statement.subject): encoded_part(statement.subject)},
            )
        ],
        predicate=fields.Predicate(
            scanner=fields.Scanner(
                name=scanner.name,
                version=scanner.version,
                uri=scanner.uri,
                db=fields.Db(
                    scanner.db_uri, scanner.db_version, _render_optional(scanner.db_updated_at)
                ),
                result=[_result(finding) for finding in statement.findings],
            ),
            metadata=fields.Metadata(
                render_time(statement.started_at),
                render_time(statement.finished_at),
                _render_optional(statement.listed_at),
            ),
            coverage=fields.Coverage(
                ecosystems=[
                    fields.Ecosystem(
                        e.ecosystem,
                        e.package_count,
                        e.source,
                        _render_optional(e.source_updated_at),
                    )
                    for e in statement.coverage.ecosystems
                ],
                not_understood=list(statement.coverage.not_understood),
            ),
            origin=_origin(statement.origin),
        ),
    )


def _origin(origin: ReportOrigin | None) -> fields.Origin | msgspec.UnsetType:
    if origin is None:
        return msgspec.UNSET
    return fields.Origin(origin.format, origin.digest, origin.source, origin.artifact)


def _result(finding: Finding) -> fields.Result:
    return fields.Result(
        id=finding.vulnerability_id,
        vulnerable_package=finding.package,
        detected_version=finding.version,
        leading_severity_score=finding.severity.word.capitalize(),
        fix_version=finding.fixed_version,
        severity=[
            fields.Rating(r.method, r.score, r.word, r.cvss_version, r.leading, r.source)
            for r in finding.ratings
        ],
        aliases=sorted(finding.aliases),
        cwe_ids=list(finding.cwe_ids),
        evidence=[
            fields.Location(path=e.path, layer_id=e.layer) for e in finding.locations[:MAX_LISTED]
        ],
        references=[fields.Link(url) for url in finding.references[:MAX_LISTED]],
        not_affected=[
            fields.NotAffected(
                status=mark.status.value,  # type: ignore[arg-type]  # a mark has one of these two
                justification=mark.justification,
                author=mark.author,
                source=mark.source,
                said_at=_render_optional(mark.said_at),
                detail=mark.detail,
            )
            for mark in finding.not_affected[:MAX_MARKS]
        ],
    )


def _optional_time(text: str, field: str) -> datetime | None:
    return parse_time(text, field) if text else None


def _render_optional(moment: datetime | None) -> str:
    return render_time(moment) if moment else ""


def _require(field: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise MalformedStatementError(f"{field} is {found[:120]!r}; want exactly {wanted!r}")


def _refuse_oversize(body: bytes) -> None:
    if len(body) > MAX_STATEMENT_BYTES:
        raise LimitExceededError(
            f"findings statement: {len(body)} bytes, want at most {MAX_STATEMENT_BYTES}"
        )


_HEADER = msgspec.json.Decoder(fields.Header)
_DECODER = msgspec.json.Decoder(fields.Statement)
