"""Rows of the feed ↔ statements and reports.

`report_of(value_of(row_of(statement, artifact)), signers)` is the report that a gate keeps after
reading the same statement from the registry: the same verdict, the same words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import cast

from tidegate.domain.digest import Digest
from tidegate.domain.errors import LimitExceededError
from tidegate.domain.evidence import Coverage, EcosystemCoverage, Report, ReportSource
from tidegate.domain.finding import Finding, VexMark, VexStatus
from tidegate.domain.severity import Severity
from tidegate.wire.feed_v1 import (
    MAX_ROW_BYTES,
    MAX_ROW_FINDINGS,
    CoverageV1,
    EcosystemV1,
    FindingV1,
    MarkV1,
    RowV1,
    SeverityWord,
    moment,
    row_size,
)
from tidegate.wire.statement_json import MAX_MARKS
from tidegate.wire.statement_v1 import Statement, render_time

MAX_SHARED_FINDINGS = 10_000
"""Findings kept as values, about 1.5 KiB each."""


@dataclass(frozen=True, slots=True)
class FeedRow:
    """What one scanner found in one manifest, or that its report is withdrawn."""

    subject: Digest
    scanner: str
    scanned_at: datetime
    """UTC."""
    artifact: Digest | None
    """Digest of the findings artifact; None for a withdrawn row."""
    coverage: Coverage
    findings: tuple[Finding, ...]
    """What decides and explains of each."""
    withdrawn: bool = False


def row_of(statement: Statement, artifact: Digest) -> RowV1:
    """Return the row of a `statement` that stands in the findings artifact `artifact`.

    Raises:
        LimitExceededError: too large for the feed; gates read it from the registry.
    """
    if len(statement.findings) > MAX_ROW_FINDINGS:
        raise LimitExceededError(
            f"{statement.subject} has {len(statement.findings)} findings, want at most "
            f"{MAX_ROW_FINDINGS} in a row of the feed; gates read the registry instead"
        )
    row = RowV1(
        subject=statement.subject,
        scanner=statement.scanner.name,
        scanned_at=render_time(statement.finished_at),
        artifact=artifact,
        coverage=_coverage_row(statement.coverage),
        findings=tuple(map(_finding_row, statement.findings)),
    )
    if (size := row_size(row)) > MAX_ROW_BYTES:
        raise LimitExceededError(
            f"the row of {statement.subject} has {size} bytes, want at most {MAX_ROW_BYTES}; "
            "gates read the registry instead"
        )
    return row


def withdrawal_of(subject: Digest, scanner: str, at: datetime) -> RowV1:
    """Return the row that takes away those of `subject` and `scanner` scanned until `at`."""
    return RowV1(
        subject=subject,
        scanner=scanner,
        scanned_at=render_time(at),
        coverage=CoverageV1(),
        withdrawn=True,
    )


def value_of(row: RowV1) -> FeedRow:
    """Return what `row` says.

    Raises:
        MalformedFeedError: a time cannot be read, which `parse_batch` refuses.
    """
    return FeedRow(
        subject=Digest(row.subject),
        scanner=row.scanner,
        scanned_at=moment(row.scanned_at, "scannedAt"),
        artifact=Digest(row.artifact) if row.artifact else None,
        coverage=_coverage(row.coverage),
        findings=tuple(map(_finding, row.findings)),
        withdrawn=row.withdrawn,
    )


def report_of(row: FeedRow, signers: Sequence[str]) -> Report:
    """Return the report in `row`, which is not withdrawn; `signers` are names of evidence keys."""
    return Report(
        subject=row.subject,
        findings=row.findings,
        coverage=row.coverage,
        sources=tuple(
            ReportSource(row.scanner, signer, row.scanned_at, row.artifact) for signer in signers
        ),
    )


def newest_rows(rows: Iterable[FeedRow]) -> tuple[FeedRow, ...]:
    """Return those of `rows`, of one key and one subject, that count; withdrawn ones too.

    Per scanner the newest; of equal times all artifacts, or only the withdrawal where one is
    among them. The order of `rows` changes nothing.
    """
    newest: dict[str, dict[Digest | None, FeedRow]] = {}
    for row in rows:
        known = newest.get(row.scanner)
        at = next(iter(known.values())).scanned_at if known else None
        if known is None or at is None or row.scanned_at > at:
            newest[row.scanner] = {row.artifact: row}
        elif row.scanned_at == at:
            known[row.artifact] = row
    return tuple(
        of_scanner[artifact]
        for _, of_scanner in sorted(newest.items())
        for artifact in ([None] if None in of_scanner else sorted(filter(None, of_scanner)))
    )


def _finding_row(finding: Finding) -> FindingV1:
    return FindingV1(
        id=finding.vulnerability_id,
        severity=cast("SeverityWord", finding.severity.word),
        package=finding.package,
        version=finding.version,
        fix_version=finding.fixed_version,
        aliases=tuple(sorted(finding.aliases)),
        not_affected=tuple(map(_mark_row, finding.not_affected[:MAX_MARKS])),
    )


def _mark_row(mark: VexMark) -> MarkV1:
    return MarkV1(
        status=mark.status.value,  # type: ignore[arg-type]  # a mark has one of these two
        justification=mark.justification,
        author=mark.author,
        source=mark.source,
        said_at=_render_optional(mark.said_at),
        detail=mark.detail,
    )


def _coverage_row(coverage: Coverage) -> CoverageV1:
    return CoverageV1(
        ecosystems=tuple(
            EcosystemV1(
                ecosystem=e.ecosystem,
                package_count=e.package_count,
                source=e.source,
                source_updated_at=_render_optional(e.source_updated_at),
            )
            for e in coverage.ecosystems
        ),
        not_understood=coverage.not_understood,
    )


@lru_cache(MAX_SHARED_FINDINGS)
def _finding(row: FindingV1) -> Finding:
    """Return the finding; images share most of theirs, and so do the reports made of their rows."""
    return Finding(
        vulnerability_id=row.id,
        severity=Severity[row.severity.upper()],
        package=row.package,
        version=row.version,
        fixed_version=row.fix_version,
        aliases=frozenset(row.aliases),
        not_affected=tuple(map(_mark, row.not_affected)),
    )


def _mark(row: MarkV1) -> VexMark:
    return VexMark(
        status=VexStatus(row.status),
        justification=row.justification,
        author=row.author,
        source=row.source,
        said_at=_optional(row.said_at, "saidAt"),
        detail=row.detail,
    )


def _coverage(row: CoverageV1) -> Coverage:
    return Coverage(
        ecosystems=tuple(
            EcosystemCoverage(
                e.ecosystem,
                e.package_count,
                e.source,
                _optional(e.source_updated_at, "sourceUpdatedAt"),
            )
            for e in row.ecosystems
        ),
        not_understood=row.not_understood,
    )


def _optional(text: str, field: str) -> datetime | None:
    return moment(text, field) if text else None


def _render_optional(at: datetime | None) -> str:
    return render_time(at) if at else ""
