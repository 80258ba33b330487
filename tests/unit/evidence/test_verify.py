"""Each check of `evidence.verify` alone, with everything else in order."""

from datetime import timedelta

import msgspec
import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import (
    ContentMismatchError,
    MalformedStatementError,
    SubjectMismatchError,
    TidegateError,
    UntrustedSignerError,
)
from tidegate.evidence.verify import select_layer, verify_report
from tidegate.testing.evidence_world import NOON, evidence_key, finding, statement
from tidegate.trust.keys import generate_key
from tidegate.wire.oci_v1 import OCI_MANIFEST, Descriptor, Manifest
from tidegate.wire.statement_v1 import MAX_STATEMENT_BYTES, MEDIA_TYPE, render_statement

SUBJECT, OTHER, ARTIFACT = digest_of(b"image"), digest_of(b"other"), digest_of(b"artifact")
BODY = render_statement(statement(SUBJECT, [finding("CVE-1")]))
LAYER = Descriptor(MEDIA_TYPE, digest_of(BODY), len(BODY))
MANIFEST = Manifest(
    artifact_type=MEDIA_TYPE, layers=(LAYER,), subject=Descriptor(OCI_MANIFEST, SUBJECT, 1)
)
KEY = evidence_key(generate_key())
ELSEWHERE = evidence_key(generate_key(), scanners=("Trivy",))


def test_the_layer_of_a_findings_artifact_is_selected() -> None:
    assert select_layer(MANIFEST, SUBJECT) == LAYER


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"artifact_type": ""}, MalformedStatementError, id="no-type"),
        pytest.param({"artifact_type": "text/plain"}, MalformedStatementError, id="other-type"),
        pytest.param({"subject": None}, SubjectMismatchError, id="no-subject"),
        pytest.param(
            {"subject": Descriptor(OCI_MANIFEST, OTHER, 1)},
            SubjectMismatchError,
            id="other-subject",
        ),
        pytest.param({"layers": ()}, MalformedStatementError, id="no-layer"),
        pytest.param({"layers": (LAYER, LAYER)}, MalformedStatementError, id="two-layers"),
        pytest.param(
            {"layers": (Descriptor("text/plain", LAYER.digest, LAYER.size),)},
            MalformedStatementError,
            id="other-layer-type",
        ),
        pytest.param(
            {"layers": (Descriptor(MEDIA_TYPE, LAYER.digest, MAX_STATEMENT_BYTES + 1),)},
            MalformedStatementError,
            id="t03-oversized",
        ),
    ],
)
def test_t05_another_artifact_is_refused(
    changes: dict[str, object], error: type[TidegateError]
) -> None:
    with pytest.raises(error):
        select_layer(msgspec.structs.replace(MANIFEST, **changes), SUBJECT)


def test_a_report_names_its_scanner_its_trusted_signers_and_its_artifact() -> None:
    verified = verify_report(SUBJECT, ARTIFACT, LAYER, BODY, (ELSEWHERE, KEY), NOON)
    assert verified.signers == (KEY,)
    (source,) = verified.report.sources
    assert (source.scanner, source.signer, source.scanned_at, source.artifact) == (
        "Tidegate",
        "scan",
        NOON,
        ARTIFACT,
    )


def test_t05_bytes_of_another_digest_or_size_are_refused() -> None:
    flipped = BODY.replace(b"CVE-1", b"CVE-2")
    with pytest.raises(ContentMismatchError, match="digest"):
        verify_report(SUBJECT, ARTIFACT, LAYER, flipped, (KEY,), NOON)
    longer = Descriptor(MEDIA_TYPE, LAYER.digest, LAYER.size + 1)
    with pytest.raises(ContentMismatchError, match="bytes"):
        verify_report(SUBJECT, ARTIFACT, longer, BODY, (KEY,), NOON)


def test_t05_a_statement_about_another_image_is_refused() -> None:
    with pytest.raises(SubjectMismatchError):
        verify_report(OTHER, ARTIFACT, LAYER, BODY, (KEY,), NOON)


@pytest.mark.parametrize("signers", [(), (ELSEWHERE,)], ids=["nobody", "for-other-scanners"])
def test_t01_without_a_trusted_signer_it_is_refused(signers: tuple) -> None:
    with pytest.raises(UntrustedSignerError):
        verify_report(SUBJECT, ARTIFACT, LAYER, BODY, signers, NOON)


@pytest.mark.parametrize(("minutes", "counts"), [(10, True), (10.02, False)])
def test_a_scan_time_ahead_of_now_is_bounded(minutes: float, *, counts: bool) -> None:
    now = NOON - timedelta(minutes=minutes)
    if counts:
        verify_report(SUBJECT, ARTIFACT, LAYER, BODY, (KEY,), now)
    else:
        with pytest.raises(UntrustedSignerError, match="ahead"):
            verify_report(SUBJECT, ARTIFACT, LAYER, BODY, (KEY,), now)
