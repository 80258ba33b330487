"""Signatures of findings artifacts: cosign's simplesigning payload, marked as about findings.

The payload binds the artifact's digest, and with it the artifact's subject and layer. Its purpose
is required on reading, so that an image signature by the same key is no findings signature and a
findings artifact cannot be passed off as a signed image by our own readers. `docker-reference` is
ignored: a mirror is another name for the same bytes.
(Format: containers/image, docs/containers-signature.5.md, "critical" and "optional".)
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import msgspec

from tidegate.domain.digest import Digest
from tidegate.domain.errors import SubjectMismatchError, UntrustedSignerError
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import SigningKey, sign, signature_verifies
from tidegate.wire.strict_json import NotStrictError, require_strict_json

PAYLOAD_MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
SIGNATURE_ARTIFACT_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json"
PAYLOAD_TYPE = "cosign container image signature"
PURPOSE_KEY = "tidegate.io/purpose"
PURPOSE = "findings"

MAX_PAYLOAD_BYTES = 16 * 1024
"""Our payload is below 2 KiB with the longest reference there is."""

MAX_SIGNATURE_CHARS = 512
"""A DER signature on P-256 has at most 72 bytes: 96 characters in base64."""


class _Image(msgspec.Struct, rename="kebab"):
    docker_manifest_digest: str


class _Critical(msgspec.Struct):
    image: _Image
    type: str


class _Payload(msgspec.Struct):
    critical: _Critical
    optional: dict[str, Any] | None = None


def sign_artifact(key: SigningKey, artifact: Digest, docker_reference: str) -> tuple[bytes, str]:
    """Return the payload that says "these are findings" of `artifact`, and its base64 signature."""
    payload = msgspec.json.encode(
        {
            "critical": {
                "identity": {"docker-reference": docker_reference},
                "image": {"docker-manifest-digest": artifact},
                "type": PAYLOAD_TYPE,
            },
            "optional": {PURPOSE_KEY: PURPOSE},
        }
    )
    return payload, base64.b64encode(sign(key, payload)).decode()


def verify_artifact_signature(
    keys: Iterable[EvidenceKey], payload: bytes, signature: str, artifact: Digest
) -> EvidenceKey:
    """Return the key of `keys` that signed `payload` as findings about `artifact`.

    Raises:
        UntrustedSignerError: none of `keys` made this signature, or it is for another purpose.
        SubjectMismatchError: signed, but about another artifact.
    """
    key = _signer(keys, payload, signature)
    value = _payload(key, payload)
    purpose = (value.optional or {}).get(PURPOSE_KEY)
    if purpose != PURPOSE:
        raise UntrustedSignerError(
            f"signature by {key.name!r} has purpose {str(purpose)[:80]!r}; want {PURPOSE!r} "
            "(a signature of an image is none of its findings)"
        )
    _require_about(key, value, artifact)
    return key


def verify_manifest_signature(
    keys: Iterable[EvidenceKey], payload: bytes, signature: str, manifest: Digest
) -> EvidenceKey:
    """Return the key of `keys` that signed `manifest`, as stock `cosign sign` does it.

    For what others attach and sign; `keys` are those of trusted sources. No gate ever asks this.

    Raises:
        UntrustedSignerError: none of `keys` made this signature.
        SubjectMismatchError: signed, but about another manifest.
    """
    key = _signer(keys, payload, signature)
    _require_about(key, _payload(key, payload), manifest)
    return key


def _payload(key: EvidenceKey, payload: bytes) -> _Payload:
    # The bytes are the signer's own by now; they are still held to the letter.
    try:
        require_strict_json(payload)
        value = _DECODER.decode(payload)
    except (NotStrictError, msgspec.MsgspecError) as error:
        raise UntrustedSignerError(f"signature payload by {key.name!r}: {error}") from error
    if value.critical.type != PAYLOAD_TYPE:
        raise UntrustedSignerError(
            f"signature payload has type {value.critical.type[:80]!r}; want {PAYLOAD_TYPE!r}"
        )
    return value


def _require_about(key: EvidenceKey, value: _Payload, artifact: Digest) -> None:
    if value.critical.image.docker_manifest_digest != artifact:
        raise SubjectMismatchError(
            f"signature by {key.name!r} is about "
            f"{value.critical.image.docker_manifest_digest[:80]!r}; want {artifact}"
        )


def _signer(keys: Iterable[EvidenceKey], payload: bytes, signature: str) -> EvidenceKey:
    if len(payload) > MAX_PAYLOAD_BYTES or len(signature) > MAX_SIGNATURE_CHARS:
        raise UntrustedSignerError(
            f"signature of {len(signature)} characters over {len(payload)} bytes; want at most "
            f"{MAX_SIGNATURE_CHARS} over {MAX_PAYLOAD_BYTES}"
        )
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UntrustedSignerError(
            f"signature {signature[:40]!r} is no base64; want a DER signature in base64"
        ) from error
    for key in keys:
        if signature_verifies(key.public_key, raw, payload):
            return key
    raise UntrustedSignerError("not signed by an evidence key of this cluster")


_DECODER = msgspec.json.Decoder(_Payload)
