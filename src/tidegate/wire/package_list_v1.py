"""The packages of one manifest as a scanner saw them: enough to match them again without pulling.

The worker signs these bytes with its evidence key. The hub keeps and hands them back; because the
worker believes only what an evidence key signed, a hub that was taken over cannot have it state
that an image holds nothing (THREATS row 21).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.errors import LimitExceededError, MalformedReportError
from tidegate.wire.hub_data_v1 import MAX_PACKAGES, PackageV1
from tidegate.wire.strict_json import NotStrictError, require_strict_json

PAYLOAD_TYPE = "application/vnd.tidegate.packages.v1+json"
"""Signed with the bytes (DSSE's pre-authentication encoding), so that no signature of another kind
fits."""

MAX_LIST_BYTES = 32 * 2**20
"""50,000 packages of which each lies in several places are about 20 MiB."""

MAX_NOT_UNDERSTOOD = 1000

_Word = Annotated[str, Meta(max_length=512)]
_Text = Annotated[str, Meta(max_length=8192)]


class PackageListV1(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What one scan saw in one manifest."""

    subject: Annotated[str, Meta(max_length=160)]
    """Digest of the manifest."""
    media_type: _Word
    size: Annotated[int, Meta(ge=1, le=2**31)]
    """Bytes of the manifest: with the two above, its descriptor."""
    platform: _Word
    listed_at: Annotated[str, Meta(max_length=40)]
    """When the image was looked into."""
    packages: Annotated[list[PackageV1], Meta(max_length=MAX_PACKAGES)]
    """By name, version and package URL."""
    not_understood: Annotated[list[_Text], Meta(max_length=MAX_NOT_UNDERSTOOD)] = []
    """Sentences about content that never became a package."""
    truncated: bool = False
    """There was more than a list holds: only a scan can tell what is wrong with the image."""


_DECODER = msgspec.json.Decoder(PackageListV1)


def parse_package_list(body: bytes) -> PackageListV1:
    """Return the list in `body`.

    Raises:
        LimitExceededError: larger than is read.
        MalformedReportError: no list of this form.
    """
    if len(body) > MAX_LIST_BYTES:
        raise LimitExceededError(f"package list: {len(body)} bytes, want at most {MAX_LIST_BYTES}")
    try:
        require_strict_json(body)
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, NotStrictError) as error:
        raise MalformedReportError(f"package list: {error}") from error
