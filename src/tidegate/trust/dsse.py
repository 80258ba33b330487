"""DSSE envelopes: a statement signed together with what kind of thing it is.

Format: secure-systems-lab/dsse, protocol.md and envelope.md, version 1.0. A key id is neither
written nor read: cosign 3 accepts none but the empty one, and a hint proves nothing.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.errors import UntrustedSignerError
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import SigningKey, sign, signature_verifies
from tidegate.wire.strict_json import NotStrictError, require_strict_json

MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
MAX_ENVELOPE_BYTES = 48 * 2**20
"""A statement of 32 MiB in base64, with room for signatures."""


class _Signature(msgspec.Struct):
    sig: Annotated[str, Meta(max_length=1024)]
    keyid: Annotated[str, Meta(max_length=1024)] = ""


class _Envelope(msgspec.Struct, rename="camel"):
    payload: str
    payload_type: str
    signatures: Annotated[list[_Signature], Meta(min_length=1, max_length=16)]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return PAE(type, body), the bytes that are signed (protocol.md, "Signature Definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_envelope(key: SigningKey, payload_type: str, payload: bytes) -> bytes:
    """Return a DSSE envelope of `payload` with one signature by `key`."""
    signature = sign(key, pre_authentication_encoding(payload_type, payload))
    return msgspec.json.encode(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}],
        }
    )


def verify_envelope(
    keys: Iterable[EvidenceKey], body: bytes, payload_type: str
) -> tuple[bytes, EvidenceKey]:
    """Return the payload of the envelope in `body` and the key of `keys` that signed it.

    Raises:
        UntrustedSignerError: no envelope, another payload type, or no signature by one of `keys`.
    """
    envelope = _parse(body)
    if envelope.payload_type != payload_type:
        raise UntrustedSignerError(
            f"envelope has payload type {envelope.payload_type[:80]!r}; want {payload_type!r}"
        )
    payload = _decode("payload", envelope.payload)
    message = pre_authentication_encoding(payload_type, payload)
    known = tuple(keys)
    for signature in envelope.signatures:
        raw = _decode("signature", signature.sig)
        for key in known:
            if signature_verifies(key.public_key, raw, message):
                return payload, key
    raise UntrustedSignerError("envelope is not signed by an evidence key of this cluster")


def _parse(body: bytes) -> _Envelope:
    if len(body) > MAX_ENVELOPE_BYTES:
        raise UntrustedSignerError(
            f"envelope of {len(body)} bytes; want at most {MAX_ENVELOPE_BYTES}"
        )
    try:
        require_strict_json(body)
        return _DECODER.decode(body)
    except (NotStrictError, msgspec.MsgspecError) as error:
        raise UntrustedSignerError(f"DSSE envelope: {error}") from error


def _decode(field: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UntrustedSignerError(f"DSSE envelope: {field} is no base64") from error


_DECODER = msgspec.json.Decoder(_Envelope)
