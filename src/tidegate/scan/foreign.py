"""Reports and VEX statements from elsewhere: what becomes of them under our own signature.

A worker takes over what a source of its trust file signed, and nothing else: it reads the document,
holds it to the image, and states it anew under the foreign scanner's name, with the foreign scan
time and where it came from. No report may go by our own scanner's name, so that none of them ever
takes the place of a scan of ours.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import (
    InputError,
    LimitExceededError,
    MalformedReportError,
    SubjectMismatchError,
    TidegateError,
    UntrustedSignerError,
)
from tidegate.domain.reference import ImageReference
from tidegate.evidence.attestations import Attested, read_attestations
from tidegate.evidence.ports import RegistryReader
from tidegate.evidence.verify import MAX_CLOCK_AHEAD
from tidegate.formats.documents import ReadDocument, read_document, require_subject
from tidegate.formats.report import ForeignReport, Format, require_about
from tidegate.scan.answer import SCANNER_NAME
from tidegate.scan.pipeline import PlatformScan
from tidegate.scan.vex import TrustedClaim, apply_claims
from tidegate.trust.configuration import Accepted, TrustedSource
from tidegate.wire.statement_v1 import ReportOrigin, Statement


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a foreign document has to be about."""

    reference: ImageReference
    """The repository; its tag or digest is not looked at."""
    digest: Digest
    """Of the platform's manifest."""
    config: str
    """Digest of its config."""
    index: Digest | None = None
    """The index that is scanned, where the image is one of its platforms."""

    @property
    def digests(self) -> frozenset[str]:
        """Digests that name the image: its own, and that of its index."""
        return frozenset({str(self.digest), *([str(self.index)] if self.index else [])})


@dataclass(frozen=True, slots=True)
class Foreign:
    """What was taken over about one image."""

    claims: tuple[TrustedClaim, ...] = ()
    statements: tuple[Statement, ...] = ()
    refused: tuple[str, ...] = ()
    """A sentence for each document that was not."""
    digests: frozenset[str] = frozenset()
    """That VEX statements may name the image by."""


@dataclass(frozen=True, slots=True)
class Borrowing:
    """From whom documents are taken over, and how they are read."""

    sources: tuple[TrustedSource, ...]
    formats: Mapping[str, Format]


NO_BORROWING = Borrowing((), {})
"""Nobody's documents are taken over."""


async def take_over(
    client: RegistryReader, image: ImageFacts, borrowing: Borrowing, now: datetime
) -> Foreign:
    """Return what the sources signed about `image`, or about its index, read and held to it.

    Who signs a tag signs an index, where the tag is one. A VEX statement there is about every
    platform; a report is about the one that it names itself, and nobody's where it names none.
    A registry that does not answer is told of in `refused`: our own scan counts without it, and
    without a statement nothing is cleared.
    """
    sources = borrowing.sources
    wanted = tuple(s for s in sources if s.key.covers_repository(image.reference.name))
    if not wanted:
        return Foreign()
    media_types = {kind for each in borrowing.formats.values() for kind in each.media_types}
    places = [image.digest, *([image.index] if image.index else [])]
    try:
        found = [
            (each, await read_attestations(client, image.reference, each, wanted, media_types))
            for each in places
        ]
    except TidegateError as error:
        return Foreign(refused=(f"attestations could not be read: {error}",))
    attested = [(about, each) for about, there in found for each in there.trusted]
    read = await asyncio.to_thread(_read_all, attested, image, borrowing.formats, now)
    refused = (sentence for _, there in found for sentence in there.refused)
    return replace(read, refused=(*refused, *read.refused), digests=image.digests)


def clear(scan: PlatformScan, foreign: Foreign) -> PlatformScan:
    """Return `scan` with what trusted VEX statements clear marked so."""
    digests = foreign.digests | {scan.subject.digest}
    findings = apply_claims(scan.statement.findings, foreign.claims, digests)
    return replace(scan, statement=replace(scan.statement, findings=findings))


def _read_all(
    attested: Sequence[tuple[Digest, Attested]],
    image: ImageFacts,
    formats: Mapping[str, Format],
    now: datetime,
) -> Foreign:
    claims, refused = list[TrustedClaim](), list[str]()
    statements = dict[str, Statement]()
    for about, each in attested:
        try:
            document = read_document(each.body, formats)
            if each.is_statement and document.subjects is None:
                raise MalformedReportError("what was signed is no in-toto statement")
            require_subject(document, about)
            if about == image.index:
                _require_platform(document.report)
            require_about(document.report.subject, image.digest, image.config)
            claims += _claims(document.report, each.source)
            statement = _statement_of(document, each, image, now)
        except (
            InputError,
            LimitExceededError,
            SubjectMismatchError,
            UntrustedSignerError,
        ) as error:
            refused.append(f"{each.carrier}, signed by {each.source.key.name!r}: {error}")
            continue
        if statement is not None:
            known = statements.get(statement.scanner.name)
            if known is None or statement.finished_at > known.finished_at:
                statements[statement.scanner.name] = statement
    cleared = (
        replace(s, findings=apply_claims(s.findings, claims, image.digests))
        for s in statements.values()
    )
    return Foreign(tuple(claims), tuple(cleared), tuple(refused))


def _require_platform(report: ForeignReport) -> None:
    """Return when what is attached to an index says itself which platform it is about, if any."""
    stated = report.subject.configs or report.subject.manifests
    if report.scanner is not None and not stated:
        raise SubjectMismatchError(
            "it is attached to an index and does not say which of its platforms was scanned; "
            "attach it to that platform's digest"
        )


def _claims(report: ForeignReport, source: TrustedSource) -> Iterable[TrustedClaim]:
    if Accepted.VEX not in source.accepts:
        return []
    return [TrustedClaim(claim, source.key.name) for claim in report.claims]


def _statement_of(
    document: ReadDocument, attested: Attested, image: ImageFacts, now: datetime
) -> Statement | None:
    """Return the report as a statement of ours; None for a document without a report."""
    source = attested.source
    if document.report.scanner is None:
        if Accepted.VEX not in source.accepts:
            raise UntrustedSignerError("it may not sign VEX statements: `accepts` lacks `vex`")
        return None
    if Accepted.REPORTS not in source.accepts:
        if document.report.claims and Accepted.VEX in source.accepts:
            return None
        raise UntrustedSignerError("it may not sign reports: `accepts` lacks `reports`")
    if not source.key.covers_scanner(document.report.scanner.name):
        raise UntrustedSignerError(
            f"it may not sign reports of {document.report.scanner.name!r}: see its `scanners`"
        )
    origin = ReportOrigin(
        document.format, digest_of(attested.body), source.key.name, attested.carrier
    )
    return state_report(document.report, image, origin, now)


def state_report(
    report: ForeignReport, image: ImageFacts, origin: ReportOrigin, now: datetime
) -> Statement:
    """Return a foreign report as a findings statement about `image`.

    Raises:
        MalformedReportError: no scanner's report, one in our own name, or without a scan time.
        SubjectMismatchError: it says that it is about another image.
        UntrustedSignerError: its scan time is ahead of `now`.
    """
    if report.scanner is None:
        raise MalformedReportError(
            "it holds VEX statements and no scanner's report; a worker applies those of sources "
            "that its trust file names"
        )
    if report.scanner.name.strip().casefold() == SCANNER_NAME.casefold():
        raise MalformedReportError(
            f"it goes by the name {report.scanner.name!r}, which is kept for scans of our own"
        )
    require_about(report.subject, image.digest, image.config)
    if report.scanned_at is None:
        raise MalformedReportError(
            "it does not say when the image was scanned; give the time with --scanned-at, or have "
            "it written in a format that says it (cosign-vuln, CycloneDX, Trivy's or Grype's JSON)"
        )
    if report.scanned_at > now + MAX_CLOCK_AHEAD:
        raise UntrustedSignerError(
            f"scan time {report.scanned_at.isoformat()} is ahead of now ({now.isoformat()}); want "
            f"at most {MAX_CLOCK_AHEAD} ahead, check the clocks"
        )
    return Statement(
        subject=image.digest,
        subject_name=image.reference.name,
        findings=tuple(sorted(report.findings, key=lambda f: (f.vulnerability_id, f.package))),
        coverage=report.coverage,
        scanner=report.scanner,
        started_at=report.started_at or report.scanned_at,
        finished_at=report.scanned_at,
        origin=origin,
    )
