"""The feed: what scans found, as signed batches that reach gates before the pods do.

One chain of batches per evidence key. A batch has the number `epoch` and names its predecessor by
the digest of that one's payload; a snapshot's header names the batch up to which it holds
everything. Both are payloads of DSSE envelopes (`trust.dsse`). A row gives a gate exactly what it
keeps after reading the findings artifact in the registry (`evidence.verify`).

A payload has one form only: compact JSON as `render_batch` and `render_snapshot` write it, fields
in their order, those with a default left out. `previous` names bytes, so there must be no second
way to write the same. Values: `wire.feed_rows`. Times are RFC 3339 in UTC.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import LimitExceededError, MalformedFeedError, MalformedStatementError
from tidegate.wire.statement_json import MAX_LISTED, MAX_MARKS
from tidegate.wire.statement_v1 import parse_time

BATCH_TYPE = "application/vnd.tidegate.findings-batch.v1+json"
SNAPSHOT_TYPE = "application/vnd.tidegate.findings-snapshot.v1+json"
"""Payload types of the two envelopes: a signature of one kind never fits another."""

MAX_PAYLOAD_BYTES = 8 * 2**20
"""Of a batch."""

MAX_ENVELOPE_BYTES = MAX_PAYLOAD_BYTES * 4 // 3 + 8192
"""A payload in base64, with room for signatures."""

MAX_ROWS = 2000
MAX_IMAGES = 2000
"""Of one batch."""

MAX_ROW_BYTES = 4 * 2**20
"""A row above this is left out of the feed; the gate then reads the registry."""

MAX_ROW_FINDINGS = 20_000
MAX_PLATFORMS = 64

MAX_SNAPSHOT_BYTES = 2**33
"""Of a snapshot's body: tens of millions of digests."""

SNAPSHOT_FORMAT = 1

MAX_ROW_AHEAD = timedelta(minutes=10)
"""A row's scan time is at most this much later than its batch's `issuedAt`, as a report's than
now (`evidence.verify`): it would be the newest for ever."""

_DIGEST = r"^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})\Z"
_Digest = Annotated[str, Meta(pattern=_DIGEST)]
_Sha256 = Annotated[str, Meta(pattern=r"^sha256:[a-f0-9]{64}\Z")]
_Id = Annotated[str, Meta(min_length=1, max_length=256)]
_Word = Annotated[str, Meta(max_length=512)]
_Text = Annotated[str, Meta(max_length=4096)]
_Time = Annotated[str, Meta(min_length=20, max_length=40, pattern=r"Z\Z")]
_Epoch = Annotated[int, Meta(ge=1, le=2**53)]
Audience = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._-]+\Z")]
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"
_Chain = Annotated[str, Meta(pattern=_UUID)]

SeverityWord = Literal["critical", "high", "medium", "low", "unknown"]


class _Wire(
    msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, omit_defaults=True
):
    """Base: unknown fields are refused, for one might change what the others mean.

    A new field needs a new payload type.
    """


class MarkV1(_Wire, frozen=True, kw_only=True):
    """A trusted VEX statement that clears a finding, as in the statement."""

    status: Literal["not_affected", "fixed"]
    justification: Annotated[str, Meta(min_length=1, max_length=4096)]
    author: _Word
    source: _Word
    said_at: _Word = ""
    detail: _Text = ""


class FindingV1(_Wire, frozen=True, kw_only=True):
    """What decides and explains of one finding."""

    id: _Id
    severity: SeverityWord
    package: Annotated[str, Meta(min_length=1, max_length=4096)]
    """Package URL."""
    version: _Word
    fix_version: _Word = ""
    aliases: Annotated[tuple[_Word, ...], Meta(max_length=MAX_LISTED)] = ()
    not_affected: Annotated[tuple[MarkV1, ...], Meta(max_length=MAX_MARKS)] = ()


class EcosystemV1(_Wire, frozen=True, kw_only=True):
    """What was judged of one ecosystem."""

    ecosystem: _Word
    package_count: Annotated[int, Meta(ge=0, le=10_000_000)]
    source: _Word = ""
    source_updated_at: _Word = ""


class CoverageV1(_Wire, frozen=True, kw_only=True):
    """What was judged at all."""

    ecosystems: Annotated[tuple[EcosystemV1, ...], Meta(max_length=MAX_LISTED)] = ()
    not_understood: Annotated[tuple[_Text, ...], Meta(max_length=MAX_LISTED)] = ()


class RowV1(_Wire, frozen=True, kw_only=True):
    """The report of one scanner about one manifest; or, `withdrawn`, that there is none any more.

    Of one key, the newest row counts per subject and scanner; of equal times all do, unless one
    of them is withdrawn.
    """

    subject: _Digest
    scanner: _Id
    scanned_at: _Time
    artifact: Annotated[str, Meta(pattern=_DIGEST.replace(r")\Z", r"|)\Z"))] = ""
    """Digest of the findings artifact in the registry; empty for a withdrawn row."""
    coverage: CoverageV1
    """Empty for a withdrawn row."""
    findings: Annotated[tuple[FindingV1, ...], Meta(max_length=MAX_ROW_FINDINGS)] = ()
    withdrawn: bool = False


class PlatformV1(_Wire, frozen=True, kw_only=True):
    """One manifest of an index that may run."""

    platform: _Word
    """`linux/amd64`; empty where the index does not say."""
    digest: _Digest


class ImageV1(_Wire, frozen=True, kw_only=True):
    """What an index lists: content-addressed, so it never changes."""

    image: _Digest
    platforms: Annotated[tuple[PlatformV1, ...], Meta(max_length=MAX_PLATFORMS)]


class BatchV1(_Wire, frozen=True, kw_only=True, omit_defaults=False):
    """The payload of one batch."""

    audience: Audience
    """Name of the organisation: rows for others are refused."""
    chain: _Chain
    """Random UUID; a new one begins where a chain cannot go on."""
    chain_started_at: _Time
    epoch: _Epoch
    """1, 2, 3, … without a gap."""
    previous: Annotated[str, Meta(pattern=r"^(sha256:[a-f0-9]{64}|)\Z")]
    """Digest of the previous batch's payload; empty at epoch 1 alone."""
    issued_at: _Time
    rows: Annotated[tuple[RowV1, ...], Meta(max_length=MAX_ROWS)] = ()
    images: Annotated[tuple[ImageV1, ...], Meta(max_length=MAX_IMAGES)] = ()


class SnapshotV1(_Wire, frozen=True, kw_only=True, omit_defaults=False):
    """The payload of a snapshot's envelope: its header. The body is a file (`feed.snapshot`)."""

    audience: Audience
    chain: _Chain
    chain_started_at: _Time
    epoch: _Epoch
    """It holds everything up to this batch, and this one."""
    previous: _Sha256
    """Digest of that batch's payload."""
    issued_at: _Time
    sha256: Annotated[str, Meta(pattern=r"^[a-f0-9]{64}\Z")]
    """Of the body."""
    size: Annotated[int, Meta(ge=1, le=MAX_SNAPSHOT_BYTES)]
    """Of the body, bytes."""
    subjects: Annotated[int, Meta(ge=0, le=2**31)]
    format: Annotated[int, Meta(ge=1, le=2**31)] = SNAPSHOT_FORMAT
    """Of the body. A gate that cannot read it follows the batches that it has."""


def parse_batch(payload: bytes) -> BatchV1:
    """Return the batch in `payload`, whose signature verifies.

    Raises:
        MalformedFeedError: not of this form, or it says what cannot be.
        LimitExceededError: larger than is read.
    """
    _refuse_oversize("batch", len(payload), MAX_PAYLOAD_BYTES)
    batch = _decoded("batch", _BATCH, payload)
    _require_sense(batch)
    return batch


def parse_snapshot(payload: bytes) -> SnapshotV1:
    """Return the header in `payload`, whose signature verifies.

    Raises:
        MalformedFeedError: not of this form.
        LimitExceededError: larger than is read.
    """
    _refuse_oversize("snapshot header", len(payload), 64 * 1024)
    header = _decoded("snapshot header", _SNAPSHOT, payload)
    moment(header.chain_started_at, "chainStartedAt")
    moment(header.issued_at, "issuedAt")
    return header


def render_batch(batch: BatchV1) -> bytes:
    """Return `batch` as the bytes that are signed; `parse_batch` accepts them.

    Raises:
        MalformedFeedError: a value is beyond its bounds.
        LimitExceededError: larger than `MAX_PAYLOAD_BYTES`; give it fewer rows.
    """
    payload = _ENCODER.encode(batch)
    parse_batch(payload)  # bounds are checked on reading only; never sign what nobody reads
    return payload


def render_snapshot(header: SnapshotV1) -> bytes:
    """Return `header` as the bytes that are signed; `parse_snapshot` accepts them.

    Raises:
        MalformedFeedError: a value is beyond its bounds.
    """
    payload = _ENCODER.encode(header)
    parse_snapshot(payload)
    return payload


def payload_digest(payload: bytes) -> Digest:
    """Return what the next batch, or a snapshot up to this one, names as `previous`."""
    return digest_of(payload)


def row_size(row: RowV1) -> int:
    """Return the bytes that `row` takes in a payload, with the comma after it."""
    return len(_ENCODER.encode(row)) + 1


def is_ahead(row: RowV1, issued_at: datetime) -> bool:
    """Whether a batch issued then may not hold `row`: its scan time is too far ahead."""
    return moment(row.scanned_at, "scannedAt") > issued_at + MAX_ROW_AHEAD


def moment(text: str, field: str) -> datetime:
    """Return the instant written in `text`, UTC.

    Raises:
        MalformedFeedError: it is none; names `field`.
    """
    try:
        return parse_time(text, field)
    except MalformedStatementError as error:
        raise MalformedFeedError(f"feed: {error}") from error


def _require_sense(batch: BatchV1) -> None:
    if (batch.epoch == 1) != (batch.previous == ""):
        raise MalformedFeedError(
            f"batch {batch.epoch} names {batch.previous or 'nothing'} as previous; want the "
            "digest of the batch before it, and nothing at epoch 1 alone"
        )
    moment(batch.chain_started_at, "chainStartedAt")
    issued_at = moment(batch.issued_at, "issuedAt")
    for row in batch.rows:
        _require_row(row, issued_at)


def _require_row(row: RowV1, issued_at: datetime) -> None:
    if is_ahead(row, issued_at):
        raise MalformedFeedError(
            f"row about {row.subject} was scanned at {row.scanned_at}, ahead of the batch "
            f"({issued_at.isoformat()}); want at most {MAX_ROW_AHEAD} ahead, check the clocks"
        )
    if row.withdrawn and (row.findings or row.artifact or row.coverage != CoverageV1()):
        raise MalformedFeedError(f"row about {row.subject} is withdrawn and still says something")
    if not row.withdrawn and not row.artifact:
        raise MalformedFeedError(f"row about {row.subject} names no artifact; want its digest")
    for text, field in _times(row):
        if text:
            moment(text, field)


def _times(row: RowV1) -> Iterable[tuple[str, str]]:
    for ecosystem in row.coverage.ecosystems:
        yield ecosystem.source_updated_at, "sourceUpdatedAt"
    for finding in row.findings:
        for mark in finding.not_affected:
            yield mark.said_at, "saidAt"


T = TypeVar("T")


def _decoded(what: str, decoder: "msgspec.json.Decoder[T]", payload: bytes) -> T:
    try:
        value = decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedFeedError(f"{what} of the feed: {error}") from error
    if _ENCODER.encode(value) != payload:
        raise MalformedFeedError(
            f"{what} of the feed is not in its one form: compact JSON, fields in their order, each "
            "once, those with their default left out"
        )
    return value


def _refuse_oversize(what: str, size: int, limit: int) -> None:
    if size > limit:
        raise LimitExceededError(f"{what} of the feed: {size} bytes, want at most {limit}")


_ENCODER = msgspec.json.Encoder()
_BATCH = msgspec.json.Decoder(BatchV1)
_SNAPSHOT = msgspec.json.Decoder(SnapshotV1)
