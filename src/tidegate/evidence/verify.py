"""When a findings artifact counts: the checks, pure.

Bytes and verified signers come in, a report or a typed refusal comes out. In order:
the artifact is of the exact type, refers to the image, and has one layer; the layer's bytes have
its digest and size; they are a findings statement of the exact predicate type with one subject,
the image; a signer is trusted with this scanner; the signed scan time is not ahead of now.
Not done here: reading anything (`reader`), and whether a newer report is known (`memory`).
Nothing here reads an annotation: those of the artifact only inform people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegate.domain.digest import Digest, algorithm_of, digest_of
from tidegate.domain.errors import (
    ContentMismatchError,
    MalformedStatementError,
    SubjectMismatchError,
    UntrustedSignerError,
)
from tidegate.domain.evidence import Report, ReportSource
from tidegate.domain.finding import Finding
from tidegate.trust.configuration import EvidenceKey
from tidegate.wire.oci_v1 import Descriptor, Manifest
from tidegate.wire.statement_v1 import MAX_STATEMENT_BYTES, MEDIA_TYPE, Statement, parse_statement

MAX_CLOCK_AHEAD = timedelta(minutes=10)
"""A scan time further ahead of now does not verify (PRODUCT, "What is known about an image")."""


@dataclass(frozen=True, slots=True)
class VerifiedReport:
    """A report that counts, and the keys that say so."""

    artifact: Digest
    report: Report
    signers: tuple[EvidenceKey, ...]
    """Those that signed it and are trusted with its scanner."""

    @property
    def scanner(self) -> str:
        """Who looked."""
        return self.report.sources[0].scanner


def select_layer(manifest: Manifest, subject: Digest) -> Descriptor:
    """Return the one layer of a findings artifact about `subject`.

    Raises:
        MalformedStatementError: another type of artifact, or not exactly one in-toto layer.
        SubjectMismatchError: about another image.
    """
    if manifest.artifact_type != MEDIA_TYPE:
        raise MalformedStatementError(
            f"artifactType is {manifest.artifact_type[:80]!r}; want {MEDIA_TYPE!r}"
        )
    referred = manifest.subject.digest if manifest.subject is not None else None
    if referred != subject:
        raise SubjectMismatchError(f"the artifact's subject is {referred}; want {subject}")
    if len(manifest.layers) != 1:
        raise MalformedStatementError(f"{len(manifest.layers)} layers; want exactly one")
    layer = manifest.layers[0]
    if layer.media_type != MEDIA_TYPE:
        raise MalformedStatementError(f"layer of type {layer.media_type!r}; want {MEDIA_TYPE!r}")
    if layer.size > MAX_STATEMENT_BYTES:
        raise MalformedStatementError(
            f"statement of {layer.size} bytes; want at most {MAX_STATEMENT_BYTES}"
        )
    return layer


def verify_report(
    subject: Digest,
    artifact: Digest,
    layer: Descriptor,
    body: bytes,
    signers: Sequence[EvidenceKey],
    now: datetime,
) -> VerifiedReport:
    """Return the report in `body`, the layer of an `artifact` that `signers` signed.

    Raises:
        UntrustedError: other bytes, another subject, a scan time ahead of now, or no signer that
            is trusted with this scanner.
        MalformedStatementError: no findings statement.
    """
    _require_content(layer, body)
    statement = parse_statement(body)
    if statement.subject != subject:
        raise SubjectMismatchError(f"the statement is about {statement.subject}; want {subject}")
    if statement.finished_at > now + MAX_CLOCK_AHEAD:
        raise UntrustedSignerError(
            f"scan time {statement.finished_at.isoformat()} is ahead of now "
            f"({now.isoformat()}); want at most {MAX_CLOCK_AHEAD} ahead, check the clocks"
        )
    trusted = tuple(key for key in signers if key.covers_scanner(statement.scanner.name))
    if not trusted:
        names = ", ".join(repr(key.name) for key in signers)
        raise UntrustedSignerError(
            f"scanner {statement.scanner.name!r} is signed by {names or 'nobody'}, who is not "
            "trusted with it; see `scanners` in the trust configuration"
        )
    return VerifiedReport(artifact, _report(statement, artifact, trusted), trusted)


def _require_content(layer: Descriptor, body: bytes) -> None:
    if len(body) != layer.size:
        raise ContentMismatchError(f"statement of {len(body)} bytes; want {layer.size}")
    found = digest_of(body, algorithm_of(layer.digest))
    if found != layer.digest:
        raise ContentMismatchError(f"statement has digest {found}; want {layer.digest}")


def _report(statement: Statement, artifact: Digest, signers: Sequence[EvidenceKey]) -> Report:
    return Report(
        subject=statement.subject,
        findings=tuple(map(essence, statement.findings)),
        coverage=statement.coverage,
        sources=tuple(
            ReportSource(
                scanner=statement.scanner.name,
                signer=key.name,
                scanned_at=statement.finished_at,
                artifact=artifact,
            )
            for key in signers
        ),
    )


def essence(finding: Finding) -> Finding:
    """Return what decides and explains; the statement in the registry keeps the rest."""
    return Finding(
        vulnerability_id=finding.vulnerability_id,
        severity=finding.severity,
        package=finding.package,
        version=finding.version,
        fixed_version=finding.fixed_version,
        aliases=finding.aliases,
        not_affected=finding.not_affected,
    )
