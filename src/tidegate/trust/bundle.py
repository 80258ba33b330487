"""Sigstore bundles: a DSSE envelope with what its signer added about the signature.

Format: sigstore/protobuf-specs, `sigstore_bundle.proto`, version 0.3. Only the envelope is read:
its signature is held against keys of our own, so a certificate or a log would prove nothing more.
"""

from collections.abc import Iterable

import msgspec

from tidegate.domain.errors import UntrustedSignerError
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.dsse import verify_envelope
from tidegate.wire.strict_json import NotStrictError, require_strict_json

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


class _Bundle(msgspec.Struct, rename="camel"):
    media_type: str
    dsse_envelope: msgspec.Raw = msgspec.Raw(b"null")


def verify_bundle(
    keys: Iterable[EvidenceKey], body: bytes, payload_type: str
) -> tuple[bytes, EvidenceKey]:
    """Return the payload of the bundle in `body` and the key of `keys` that signed it.

    Raises:
        UntrustedSignerError: no bundle of this version, or its envelope does not verify.
    """
    try:
        require_strict_json(body)
        bundle = _DECODER.decode(body)
    except (NotStrictError, msgspec.MsgspecError) as error:
        raise UntrustedSignerError(f"sigstore bundle: {error}") from error
    if bundle.media_type != MEDIA_TYPE:
        raise UntrustedSignerError(
            f"sigstore bundle of type {bundle.media_type[:80]!r}; want {MEDIA_TYPE!r}"
        )
    return verify_envelope(keys, bytes(bundle.dsse_envelope), payload_type)


_DECODER = msgspec.json.Decoder(_Bundle)
