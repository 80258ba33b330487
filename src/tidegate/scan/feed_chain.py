"""Where a key's chain of batches goes on: pure rules, bytes in and a position out.

A worker believes of the hub's head only what its own key signed, and nothing that goes back behind
what it has seen itself:

- no head: the first chain begins;
- a head that the own key did not sign, or that says something else than the hub beside it, or that
  is for another audience: a new chain begins;
- the chain seen before, at an earlier batch or at another one of the same number: the hub was put
  back to an older state, or lies; a new chain begins, because gates refuse what goes back;
- another chain that began later than the one seen: another worker began it, and it goes on;
- an earlier one: as above, a new chain begins.

Not done here: asking the hub (`feed`), remembering what was seen over a restart (`feed_seen`).
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegate.domain.digest import Digest
from tidegate.domain.errors import InputError, UntrustedError
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.dsse import verify_envelope
from tidegate.wire.feed_http_v1 import FeedHeadV1
from tidegate.wire.feed_v1 import (
    BATCH_TYPE,
    BatchV1,
    ImageV1,
    PlatformV1,
    RowV1,
    moment,
    parse_batch,
    payload_digest,
)
from tidegate.wire.statement_v1 import render_time


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a chain."""

    chain: str
    started_at: datetime
    epoch: int
    """Of the last batch; 0: the chain begins with the next one."""
    digest: str
    """Of its payload; empty at epoch 0."""
    issued_at: datetime
    replaces: str = ""
    """At epoch 0: the digest with which the chain that is given up ends."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Where to go on."""

    position: Position
    because: str = ""
    """Why a new chain begins although there was one; empty: none does, or it is the first."""


def judge_head(
    head: FeedHeadV1,
    seen: Position | None,
    key: EvidenceKey,
    audience: str,
    now: datetime,
    *,
    broken: str = "",
) -> Judged:
    """Return where to go on, by what the hub says and by what this worker has `seen` before.

    `broken` says why the chain must not go on although its head verifies; empty: it may.
    """
    if head.epoch == 0:
        because = "" if seen is None else "the hub knows no chain any more"
        return Judged(_begun(seen, now, ""), because)
    try:
        found = open_head(head, key, audience)
    except (InputError, UntrustedError) as error:
        return Judged(_begun(seen, now, head.digest), f"the chain's head does not verify: {error}")
    because = broken or ("" if seen is None else _why_behind(found, seen))
    if because:
        return Judged(_begun(seen, now, head.digest, found), because)
    return Judged(found)


def open_head(head: FeedHeadV1, key: EvidenceKey, audience: str) -> Position:
    """Return the position that a head proves.

    Raises:
        UntrustedError: `key` did not sign it, or something else than the hub says.
        InputError: it is no batch.
    """
    payload, _ = verify_envelope((key,), head.envelope.encode(), BATCH_TYPE)
    batch = parse_batch(payload)
    found = position_of(batch, payload_digest(payload))
    said = (head.chain, head.epoch, head.digest, audience)
    if (found.chain, found.epoch, found.digest, batch.audience) != said:
        raise UntrustedError(
            f"the envelope is of batch {found.epoch} ({found.digest}) of chain {found.chain} for "
            f"{batch.audience!r}; want batch {head.epoch} ({head.digest[:80]}) of chain "
            f"{head.chain[:40]} for {audience!r}"
        )
    return found


def position_of(batch: BatchV1, digest: Digest) -> Position:
    """Return the end of a chain whose last batch is `batch`."""
    return Position(
        chain=batch.chain,
        started_at=moment(batch.chain_started_at, "chainStartedAt"),
        epoch=batch.epoch,
        digest=digest,
        issued_at=moment(batch.issued_at, "issuedAt"),
    )


def next_batch(
    position: Position,
    audience: str,
    rows: tuple[RowV1, ...],
    images: tuple[ImageV1, ...],
    now: datetime,
) -> BatchV1:
    """Return the batch that comes after `position`."""
    return BatchV1(
        audience=audience,
        chain=position.chain,
        chain_started_at=render_time(position.started_at),
        epoch=position.epoch + 1,
        previous=position.digest,
        issued_at=render_time(now),
        rows=rows,
        images=images,
    )


def _why_behind(found: Position, seen: Position) -> str:
    if found.chain != seen.chain:
        if found.started_at > seen.started_at:
            return ""
        return f"the hub went back to chain {found.chain}, which is older than {seen.chain}"
    if found.epoch < seen.epoch:
        return f"the hub went back to batch {found.epoch}; {seen.epoch} was seen"
    if found.epoch == seen.epoch and found.digest != seen.digest:
        return f"the hub has another batch {found.epoch} than the one that was seen"
    return ""


def _begun(
    seen: Position | None, now: datetime, replaces: str, found: Position | None = None
) -> Position:
    """Return the beginning of a chain that counts as later than all that are known of."""
    known = [each.started_at for each in (seen, found) if each is not None]
    started_at = max([now, *(at + timedelta(microseconds=1) for at in known)])
    return Position(str(uuid.uuid4()), started_at, 0, "", started_at, replaces)


def image_row(digest: Digest, entries: Iterable[tuple[str, Digest]]) -> ImageV1:
    """Return what the index `digest` lists: (platform, digest), as the gate would read it."""
    listed = tuple(PlatformV1(platform=name, digest=each) for name, each in entries)
    return ImageV1(image=digest, platforms=listed)
