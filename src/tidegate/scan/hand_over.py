"""Hands a report or VEX document to a worker: as a cosign attestation, by a source's own key.

What lies at the image's attestation tag then is what `cosign attest` would have put there: the
in-toto predicate of the document's kind, in a signed envelope. A worker whose trust file names the
key takes it over at its next scan of the image; until then it is nobody's evidence.
"""

import msgspec

from tidegate.domain.digest import Digest, algorithm_of, encoded_part
from tidegate.domain.errors import MalformedReportError
from tidegate.domain.reference import ImageReference
from tidegate.formats.cosign_vuln import PREDICATE_TYPE as COSIGN_VULN
from tidegate.formats.documents import ReadDocument
from tidegate.formats.openvex import CONTEXT as OPENVEX
from tidegate.scan.attest import attach_envelope
from tidegate.scan.tagged import RegistryWriter
from tidegate.trust.keys import SigningKey
from tidegate.wire.oci_v1 import Descriptor
from tidegate.wire.statement_v1 import STATEMENT_TYPE, render_time

_BARE = {
    "openvex": OPENVEX,
    "cyclonedx": "https://cyclonedx.org/bom",
    "cosign-vuln": COSIGN_VULN,
}
"""Formats whose documents are a predicate as they are, with its type."""

_URIS = {
    "Trivy": "pkg:github/aquasecurity/trivy",
    "Grype": "pkg:github/anchore/grype",
}


async def hand_over(
    client: RegistryWriter,
    reference: ImageReference,
    body: bytes,
    document: ReadDocument,
    key: SigningKey,
    *,
    subject: Descriptor,
) -> Digest:
    """Add the document in `body` to the cosign attestations of `subject`, signed by `key`.

    Raises:
        MalformedReportError: it says nothing that a predicate has to say.
        UnavailableError: the registry did not take it, or others wrote at the same time.
    """
    statement, predicate_type = render_attestation(body, document, reference, subject.digest)
    return await attach_envelope(client, reference, statement, predicate_type, key, subject=subject)


def render_attestation(
    body: bytes, document: ReadDocument, reference: ImageReference, subject: Digest
) -> tuple[bytes, str]:
    """Return an in-toto statement about `subject` with the document, and its predicate type.

    Raises:
        MalformedReportError: it says nothing that a predicate has to say.
    """
    if document.subjects is not None:
        return body, document.predicate_type
    predicate_type = _BARE.get(document.format, COSIGN_VULN)
    raw = msgspec.Raw(body.strip())
    predicate: object = raw if document.format in _BARE else _wrapped(raw, document)
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": reference.name, "digest": {algorithm_of(subject): encoded_part(subject)}}
        ],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    return msgspec.json.encode(statement), predicate_type


def _wrapped(raw: msgspec.Raw, document: ReadDocument) -> dict[str, object]:
    """Return cosign's `vuln` predicate around a scanner's own report."""
    report = document.report
    if report.scanner is None or report.scanned_at is None:
        raise MalformedReportError(
            "the report does not say who scanned the image, or when; give --scanned-at"
        )
    ended = render_time(report.scanned_at)
    return {
        "invocation": {"parameters": [], "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {
            "uri": _URIS.get(report.scanner.name, report.scanner.name),
            "version": report.scanner.version,
            "db": {"uri": report.scanner.db_uri, "version": report.scanner.db_version},
            "result": raw,
        },
        "metadata": {"scanStartedOn": ended, "scanFinishedOn": ended},
    }
