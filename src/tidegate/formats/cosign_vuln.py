"""cosign's `vuln` predicate v1: a scanner's own report, wrapped with who made it and when.

What `scanner.result` holds is whatever the scanner wrote: Trivy's or Grype's JSON, or SARIF of
either. Anything else is refused by what it is. The scan times of the wrapper count.
(sigstore/cosign, specs/COSIGN_VULN_ATTESTATION_SPEC.md; `trivy image --format cosign-vuln`.)
"""

from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.errors import MalformedReportError
from tidegate.formats.grype import GrypeFormat
from tidegate.formats.reading import decode, head_of, instant, require_readable, word
from tidegate.formats.report import ForeignReport, Format, Head
from tidegate.formats.sarif import SarifFormat
from tidegate.formats.trivy import TrivyFormat
from tidegate.wire.statement_v1 import ScannerIdentity

PREDICATE_TYPE = "https://cosign.sigstore.dev/attestation/vuln/v1"
_INNER: tuple[Format, ...] = (TrivyFormat(), GrypeFormat(), SarifFormat())

_Text = Annotated[str, Meta(max_length=65536)]


class _Wire(msgspec.Struct, rename="camel"):
    """Base: camelCase names, unknown fields skipped."""


class _Db(_Wire):
    uri: _Text = ""
    version: _Text = ""


class _Scanner(_Wire):
    result: msgspec.Raw
    uri: _Text = ""
    version: _Text = ""
    db: _Db | None = None


class _Metadata(_Wire):
    scan_started_on: _Text = ""
    scan_finished_on: _Text = ""


class _Predicate(_Wire):
    scanner: _Scanner
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_DECODER = msgspec.json.Decoder(_Predicate)
_WHAT = "cosign vuln predicate"


class CosignVulnFormat:
    """The predicate of `https://cosign.sigstore.dev/attestation/vuln/v1`."""

    name = "cosign-vuln"
    media_types = frozenset[str]()
    predicate_types = frozenset({PREDICATE_TYPE})

    def recognises(self, head: Head) -> bool:
        """Whether this is a bare predicate, as Trivy writes it for `cosign attest`."""
        return {"invocation", "scanner", "metadata"} <= head.keys()

    def parse(self, body: bytes) -> ForeignReport:
        """Return what the predicate says."""
        require_readable(body, _WHAT)
        predicate = decode(body, _DECODER, _WHAT)
        result = bytes(predicate.scanner.result)
        inner = next((f for f in _INNER if f.recognises(head_of(result))), None)
        if inner is None:
            raise MalformedReportError(
                f"{_WHAT}: scanner.result is no report that is read here; known: "
                f"{', '.join(f.name for f in _INNER)}"
            )
        report = inner.parse(result)
        metadata = predicate.metadata
        return replace(
            report,
            scanner=_scanner(predicate.scanner, report),
            started_at=instant(metadata.scan_started_on, f"{_WHAT}: scanStartedOn"),
            scanned_at=instant(metadata.scan_finished_on, f"{_WHAT}: scanFinishedOn")
            or report.scanned_at,
        )


def _scanner(scanner: _Scanner, report: ForeignReport) -> ScannerIdentity | None:
    """Return who looked as the report itself says, with what only the wrapper knows."""
    known = report.scanner
    if known is None:
        return None
    db = scanner.db or _Db()
    return replace(
        known,
        version=known.version or word(scanner.version),
        uri=known.uri or word(scanner.uri),
        db_uri=known.db_uri or word(db.uri),
        db_version=known.db_version or word(db.version),
    )
