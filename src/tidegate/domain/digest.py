"""Digests as in the OCI image specification ("Digests"): `algorithm:encoded`."""

import hashlib
import re
from typing import NewType

from tidegate.domain.errors import InvalidDigestError

Digest = NewType("Digest", str)
"""A well-formed digest; only `parse_digest` and `digest_of` make one."""

_FORMS = {
    "sha256": re.compile(r"[a-f0-9]{64}"),
    "sha512": re.compile(r"[a-f0-9]{128}"),
}


def parse_digest(text: str) -> Digest:
    """Return the digest written in `text`.

    Raises:
        InvalidDigestError: not a registered algorithm (sha256, sha512) with its lower-case hex.
    """
    algorithm, _, encoded = text.partition(":")
    form = _FORMS.get(algorithm)
    if form is None or form.fullmatch(encoded) is None:
        shown = text if len(text) <= 80 else f"{text[:80]}…"
        raise InvalidDigestError(
            f"digest {shown!r}: want sha256:<64 hex digits> or sha512:<128 hex digits>"
        )
    return Digest(text)


def digest_of(body: bytes, algorithm: str = "sha256") -> Digest:
    """Return the digest of `body`; `algorithm` is sha256 or sha512."""
    return Digest(f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}")


def algorithm_of(digest: Digest) -> str:
    """Return the algorithm part of `digest`."""
    return digest.partition(":")[0]


def encoded_part(digest: Digest) -> str:
    """Return the hex part of `digest`."""
    return digest.partition(":")[2]
