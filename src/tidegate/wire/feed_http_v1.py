"""The feed on its way: what workers, hub, agents and gates say to each other about it.

What is in a batch or a snapshot is `feed_v1`'s; here envelopes are opaque text, exactly as a worker
signed them. Chain, epoch and size beside them are for finding and bounding things: nobody who
decides believes them. The hub answers agents at `GET /api/v1/feed`, an agent its gates in the same
form at `GET /v1/feed`; there unknown fields are skipped, so that either side may be the newer one.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.wire.hub_v1 import Wire

MAX_BATCH_ROWS = 4000
"""Rows and images in one batch."""

MAX_ENVELOPE_CHARS = 12 * 2**20
"""A payload of 8 MiB in base64, with its signature."""

MAX_SNAPSHOT_ENVELOPE_CHARS = 16 * 1024
MAX_SNAPSHOT_BYTES = 8 * 2**30
PART_BYTES = 4 * 2**20
"""Of every part of a snapshot but the last, which may be smaller."""

MAX_PARTS = MAX_SNAPSHOT_BYTES // PART_BYTES

MAX_ANSWER_CHARS = 4 * 2**20
"""Of the envelopes in one answer, unless one alone is longer."""

MAX_WAIT_S = 25.0
"""Below the 30 s after which many proxies give up on a silent request."""

MAX_CURSOR_CHARS = 200

Fingerprint = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""SHA-256 of the evidence key's DER SubjectPublicKeyInfo."""
Chain = Annotated[str, Meta(pattern=r"^[0-9a-f-]{36}$(?!\n)")]
"""A UUID."""
Epoch = Annotated[int, Meta(ge=1, le=2**53)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
PayloadDigest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$(?!\n)")]
Previous = Annotated[str, Meta(pattern=r"^(sha256:[0-9a-f]{64})?$(?!\n)")]
_Lease = Annotated[str, Meta(max_length=128)]


class FeedSnapshotV1(msgspec.Struct, rename="camel"):
    """A snapshot that can be fetched."""

    id: str
    fingerprint: str
    chain: str
    epoch: int
    """It holds everything up to and with this one."""
    size: int
    """Of the body, bytes."""
    sha256: str
    """Of the body, for whoever cannot open the envelope; gates go by the signed one."""
    envelope: str


class FeedBatchV1(msgspec.Struct, rename="camel"):
    """A batch."""

    fingerprint: str
    chain: str
    epoch: int
    envelope: str


class FeedPageV1(msgspec.Struct, rename="camel"):
    """What is new in the feed."""

    cursor: str
    """What to ask for next: `?after=`."""
    reset: bool = False
    """Whether this begins anew: what `after` named is not known here (any more)."""
    more: bool = False
    """Whether there is more already."""
    snapshots: list[FeedSnapshotV1] = []
    """The newest of each key, where it is new to who asks."""
    batches: list[FeedBatchV1] = []
    """In the order in which they were appended."""


class FeedHeadV1(msgspec.Struct, rename="camel"):
    """The end of a key's chain; epoch 0: there is none."""

    epoch: int = 0
    chain: str = ""
    digest: str = ""
    """Of the payload of the last batch."""
    envelope: str = ""
    """The last batch."""
    rows_since_snapshot: int = 0
    bytes_since_snapshot: int = 0
    snapshot: FeedSnapshotV1 | None = None
    """The newest; possibly of an earlier chain."""
    is_filled: bool = False
    """Whether the reports that existed before the chain were brought into it."""


class FeedAppendV1(Wire):
    """A batch to append, if the chain still ends where its `previous` says."""

    fingerprint: Fingerprint
    chain: Chain
    epoch: Epoch
    """1 begins a new chain."""
    previous: Previous
    digest: PayloadDigest
    rows: Annotated[int, Meta(ge=0, le=MAX_BATCH_ROWS)]
    envelope: Annotated[str, Meta(min_length=1, max_length=MAX_ENVELOPE_CHARS)]
    replaces: Previous = ""
    """With epoch 1: the digest that the chain which is given up ends with; empty: there is none."""


class FeedAppendedV1(msgspec.Struct, rename="camel"):
    """How appending went."""

    appended: bool
    head: FeedHeadV1 | None = None
    """What the chain ends with, where somebody else came first."""


class FeedTurnRequestV1(Wire):
    """A worker asks to be the one that compacts a key's chain, or fills it."""

    fingerprint: Fingerprint
    worker: Annotated[str, Meta(min_length=1, max_length=128)]
    lease: _Lease = ""
    """A turn that it has, to keep it."""


class FeedTurnV1(msgspec.Struct, rename="camel"):
    """The turn of one worker, for one key."""

    lease: str
    lease_expires_at: str


class FeedUploadV1(Wire):
    """Begins the upload of a snapshot."""

    fingerprint: Fingerprint
    lease: _Lease
    chain: Chain
    epoch: Epoch
    size: Annotated[int, Meta(ge=1, le=MAX_SNAPSHOT_BYTES)]
    sha256: Sha256
    envelope: Annotated[str, Meta(min_length=1, max_length=MAX_SNAPSHOT_ENVELOPE_CHARS)]


class FeedUploadBegunV1(msgspec.Struct, rename="camel"):
    """Where to put its parts."""

    id: str


class FeedKnownRequestV1(Wire):
    """Asks for reports that existed before the chain."""

    fingerprint: Fingerprint
    lease: _Lease
    done: Annotated[int, Meta(ge=0, le=2**53)] = 0
    """`upto` of the page whose rows are in the chain now; the next one comes after it."""


class FeedKnownReportV1(msgspec.Struct, rename="camel"):
    """A manifest that was reported on."""

    registry: str
    repository: str
    image: str
    """Digest of the image, an index where `digest` is one of its platforms."""
    digest: str
    artifact: str


class FeedKnownV1(msgspec.Struct, rename="camel"):
    """A page of them; none: all are in the chain."""

    upto: int
    reports: list[FeedKnownReportV1] = []


class FeedStatusV1(msgspec.Struct, rename="camel"):
    """The feed of one key, for people."""

    fingerprint: str
    chain: str
    epoch: int
    updated_at: str
    """When the last batch came."""
    rows_since_snapshot: int
    bytes_since_snapshot: int
    is_filled: bool
    snapshot_epoch: int = 0
    """0: there is none."""
    snapshot_size: int = 0
    snapshot_at: str = ""
