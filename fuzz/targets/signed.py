"""What is signed, and what carries signatures: nothing counts that the key did not sign.

Of most inputs a signature would end the matter at once, so the targets sign what they are given in
every place where a stranger could have his key sign something.
"""

import base64
from datetime import UTC, datetime

import msgspec

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import (
    LimitExceededError,
    MalformedStatementError,
    SubjectMismatchError,
    UntrustedError,
    UntrustedSignerError,
)
from tidegate.evidence.verify import verify_report
from tidegate.trust.bundle import MEDIA_TYPE as BUNDLE_MEDIA_TYPE
from tidegate.trust.bundle import verify_bundle
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.dsse import sign_envelope, verify_envelope
from tidegate.trust.keys import PrivateKey, fingerprint, generate_key, sign
from tidegate.trust.simplesigning import verify_artifact_signature, verify_manifest_signature
from tidegate.wire.image_report_v1 import parse_image_report
from tidegate.wire.oci_v1 import Descriptor
from tidegate.wire.statement_v1 import MEDIA_TYPE, parse_statement, render_statement


def _evidence_key(name: str, key: PrivateKey) -> EvidenceKey:
    return EvidenceKey(name, key.public_key(), fingerprint(key))


KEY = generate_key()
KEYS = (_evidence_key("other", generate_key()), _evidence_key("evidence", KEY))
SUBJECT = digest_of(b"image")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def check_statement(data: bytes) -> None:
    """A statement that parses is written and read again as the same, and is about one image."""
    try:
        statement = parse_statement(data)
    except (MalformedStatementError, LimitExceededError):
        statement = None
    layer = Descriptor(MEDIA_TYPE, digest_of(data), len(data))
    try:
        verified = verify_report(SUBJECT, digest_of(b"artifact"), layer, data, KEYS, NOW)
    except (UntrustedError, MalformedStatementError, LimitExceededError):
        verified = None
    if statement is None:
        assert verified is None
        return
    assert parse_statement(render_statement(statement)) == statement
    report = parse_image_report(data)
    assert report.subject == statement.subject
    assert verified is None or statement.subject == SUBJECT


def check_envelope(data: bytes) -> None:
    """By the first byte: an envelope, or a payload that is signed first."""
    if data[:1] == b"+":
        envelope = sign_envelope(KEY, MEDIA_TYPE, data[1:])
        payload, key = verify_envelope(KEYS, envelope, MEDIA_TYPE)
        assert (payload, key.name) == (data[1:], "evidence")
        return
    try:
        verify_envelope(KEYS, data, MEDIA_TYPE)
    except UntrustedSignerError:
        return
    raise AssertionError("an envelope verifies that nobody signed")


def check_bundle(data: bytes) -> None:
    """A bundle with this body as it is; or, where it has fields of its own, around an envelope."""
    try:
        verify_bundle(KEYS, data, MEDIA_TYPE)
    except UntrustedSignerError:
        pass
    else:
        raise AssertionError("a bundle verifies that nobody signed")
    if not data.endswith(b"}") or len(data) < 3:
        return
    # A true envelope first, then whatever the input holds: the first field must not be lost.
    envelope = sign_envelope(KEY, MEDIA_TYPE, b"{}")
    head = b'{"mediaType":"%b","dsseEnvelope":%b,' % (BUNDLE_MEDIA_TYPE.encode(), envelope)
    try:
        payload, key = verify_bundle(KEYS, head + data[1:], MEDIA_TYPE)
    except UntrustedSignerError:
        return
    assert (payload, key.name) == (b"{}", "evidence")


def check_signature(data: bytes) -> None:
    """A payload that the key did sign counts for the digest that stands in it, and for no other."""
    signature = base64.b64encode(sign(KEY, data)).decode()
    forged = data[:96].decode("latin-1")
    for verify in (verify_artifact_signature, verify_manifest_signature):
        try:
            verify(KEYS, data, forged, SUBJECT)
        except UntrustedSignerError:
            pass
        else:
            raise AssertionError("a signature counts that nobody made")
        try:
            verify(KEYS, data, signature, SUBJECT)
        except (UntrustedSignerError, SubjectMismatchError):
            continue
        named = msgspec.json.decode(data)["critical"]["image"]["docker-manifest-digest"]
        assert named == SUBJECT
