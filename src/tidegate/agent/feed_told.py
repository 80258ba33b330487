"""What a hub tells of the feed is of its form, or refused: all that an agent can say without a key.

Gates check every envelope. Here it is only seen to that what is kept has a place, a bounded size,
and a name that is no path.
"""

import re

from tidegate.domain.errors import InputError
from tidegate.wire.feed_http_v1 import (
    MAX_ENVELOPE_CHARS,
    MAX_SNAPSHOT_BYTES,
    MAX_SNAPSHOT_ENVELOPE_CHARS,
    FeedBatchV1,
    FeedSnapshotV1,
)

MAX_EPOCH = 2**53

_HEX = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{32}")
_CHAIN = re.compile(r"[0-9a-f-]{36}")


def require_batch(batch: FeedBatchV1) -> None:
    """Raise InputError where a batch is not of the form that it should have."""
    if not (
        _HEX.fullmatch(batch.fingerprint)
        and _CHAIN.fullmatch(batch.chain)
        and 1 <= batch.epoch < MAX_EPOCH
        and len(batch.envelope) <= MAX_ENVELOPE_CHARS
    ):
        raise InputError("the hub told of a batch that has no place in any chain, or is too large")


def require_snapshot(snapshot: FeedSnapshotV1) -> None:
    """Raise InputError where a snapshot is not of the form that it should have."""
    if not (
        _ID.fullmatch(snapshot.id)
        and _HEX.fullmatch(snapshot.fingerprint)
        and _HEX.fullmatch(snapshot.sha256)
        and _CHAIN.fullmatch(snapshot.chain)
        and 1 <= snapshot.epoch < MAX_EPOCH
        and 1 <= snapshot.size <= MAX_SNAPSHOT_BYTES
        and len(snapshot.envelope) <= MAX_SNAPSHOT_ENVELOPE_CHARS
    ):
        raise InputError("the hub told of a snapshot that has no form of one, or is too large")


def require_snapshot_id(text: str) -> None:
    """Raise InputError where `text` is no id of a snapshot: it becomes the name of a file."""
    if _ID.fullmatch(text) is None:
        raise InputError(f"{text[:80]!r} is no id of a snapshot")
