"""When a batch or a snapshot counts: the state of one key's chain, pure.

In order: the envelope is signed by a key of `trust.yaml`; the payload is of the one form
(`wire.feed_v1`); it was made for this organisation, and not later than now and a bit. Then it must
fit what is known of the key's chain:

- the same chain: the next epoch, naming the batch that we end with, is applied; what we have is
  passed over; a lower epoch is a *rollback*, our own with other bytes or another predecessor a
  *fork*; a higher one leaves a gap, which a snapshot fills;
- another chain: one that began later is taken up at its epoch 1, or by a snapshot of it; one that
  did not is refused.

A refusal changes nothing that is held. Not done here: fetching, keeping, and reading the body of a
snapshot, whose bytes its header names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    FeedRefusedError,
    LimitExceededError,
    MalformedFeedError,
    UntrustedSignerError,
)
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.dsse import verify_envelope
from tidegate.wire.feed_v1 import (
    BATCH_TYPE,
    MAX_ENVELOPE_BYTES,
    SNAPSHOT_FORMAT,
    SNAPSHOT_TYPE,
    BatchV1,
    SnapshotV1,
    moment,
    parse_batch,
    parse_snapshot,
    payload_digest,
)

MAX_AHEAD = timedelta(minutes=5)
"""A batch issued further ahead of now is refused: its age would hide that the feed is withheld."""


class Step(StrEnum):
    """What to do with a batch or a snapshot that is no reason for mistrust."""

    APPLY = "apply"
    KNOWN = "known"
    """It is held already, or something newer is."""
    GAP = "gap"
    """What lies before it is not held: a snapshot is needed."""


class Refused(StrEnum):
    """Why a batch or a snapshot is refused; the label of a metric."""

    SIGNATURE = "signature"
    MALFORMED = "malformed"
    AUDIENCE = "audience"
    FUTURE = "future"
    ROLLBACK = "rollback"
    FORK = "fork"
    CHAIN = "chain"
    FORMAT = "format"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class ChainState:
    """How far one key's chain is held."""

    chain: str
    started_at: datetime
    epoch: int
    head: Digest
    """Of the payload of the batch with that epoch."""
    issued_at: datetime
    """Of that batch: what is held was all there was, then."""


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """A batch whose signature verifies."""

    key: EvidenceKey
    digest: Digest
    """Of its payload."""
    batch: BatchV1

    @property
    def state(self) -> ChainState:
        """The state of the chain that ends with it."""
        batch = self.batch
        return ChainState(
            batch.chain,
            moment(batch.chain_started_at, "chainStartedAt"),
            batch.epoch,
            self.digest,
            moment(batch.issued_at, "issuedAt"),
        )


@dataclass(frozen=True, slots=True)
class SignedSnapshot:
    """The header of a snapshot whose signature verifies."""

    key: EvidenceKey
    header: SnapshotV1

    @property
    def state(self) -> ChainState:
        """The state of the chain up to it; its own time, for it says that this is all there is."""
        header = self.header
        return ChainState(
            header.chain,
            moment(header.chain_started_at, "chainStartedAt"),
            header.epoch,
            Digest(header.previous),
            moment(header.issued_at, "issuedAt"),
        )


def verify_batch(keys: Iterable[EvidenceKey], envelope: bytes) -> SignedBatch:
    """Return the batch in `envelope`, which one of `keys` signed.

    Raises:
        FeedRefusedError: none of them did, or it is no batch.
    """
    payload, key = _opened(keys, envelope, BATCH_TYPE)
    try:
        return SignedBatch(key, payload_digest(payload), parse_batch(payload))
    except (MalformedFeedError, LimitExceededError) as error:
        raise FeedRefusedError(str(error), reason=Refused.MALFORMED) from error


def verify_snapshot(keys: Iterable[EvidenceKey], envelope: bytes) -> SignedSnapshot:
    """Return the header in `envelope`, which one of `keys` signed.

    Raises:
        FeedRefusedError: none of them did, or it is no header.
    """
    payload, key = _opened(keys, envelope, SNAPSHOT_TYPE)
    try:
        return SignedSnapshot(key, parse_snapshot(payload))
    except (MalformedFeedError, LimitExceededError) as error:
        raise FeedRefusedError(str(error), reason=Refused.MALFORMED) from error


def judge_batch(
    state: ChainState | None, signed: SignedBatch, audience: str, now: datetime
) -> Step:
    """Return what to do with a batch at `now`; `state`: what is held of its key's chain.

    Raises:
        FeedRefusedError: it does not fit.
    """
    batch, after = signed.batch, signed.state
    what = f"batch {batch.epoch} of chain {batch.chain}"
    _require_ours(what, batch.audience, audience)
    _require_past(what, after.issued_at, now)
    if state is None or not _same_chain(what, state, after):
        return Step.APPLY if batch.epoch == 1 else Step.GAP
    if batch.epoch > state.epoch + 1:
        return Step.GAP
    if batch.epoch == state.epoch + 1:
        if batch.previous != state.head:
            raise _fork(what, f"follows {batch.previous}", f"we end with {state.head}")
        return Step.APPLY
    if batch.epoch == state.epoch:
        if signed.digest != state.head:
            raise _fork(what, f"is {signed.digest}", f"we hold {state.head} there")
        return Step.KNOWN
    raise FeedRefusedError(
        f"{what}: we hold epoch {state.epoch}; want a later one", reason=Refused.ROLLBACK
    )


def judge_snapshot(
    state: ChainState | None,
    base: ChainState | None,
    signed: SignedSnapshot,
    audience: str,
    now: datetime,
) -> Step:
    """Return what to do with a snapshot at `now`; `base`: what the held one has, if one is held.

    One that is behind `state` and ahead of `base` is APPLY too: the caller holds the batches
    between, and must find the one of its epoch under the digest that it names.

    Raises:
        FeedRefusedError: it does not fit.
    """
    header, after = signed.header, signed.state
    what = f"snapshot {header.epoch} of chain {header.chain}"
    _require_ours(what, header.audience, audience)
    _require_past(what, after.issued_at, now)
    if header.format != SNAPSHOT_FORMAT:
        raise FeedRefusedError(
            f"{what}: format {header.format}, want {SNAPSHOT_FORMAT}; upgrade this gate",
            reason=Refused.FORMAT,
        )
    if state is None or not _same_chain(what, state, after):
        return Step.APPLY
    if header.epoch == state.epoch and after.head != state.head:
        raise _fork(what, f"ends with {after.head}", f"we hold {state.head} there")
    if base is None or base.chain != header.chain or header.epoch > base.epoch:
        return Step.APPLY
    if header.epoch == base.epoch:
        return Step.KNOWN
    raise FeedRefusedError(
        f"{what}: we hold the snapshot of epoch {base.epoch}; want a later one",
        reason=Refused.ROLLBACK,
    )


def _opened(
    keys: Iterable[EvidenceKey], envelope: bytes, payload_type: str
) -> tuple[bytes, EvidenceKey]:
    try:
        if len(envelope) > MAX_ENVELOPE_BYTES:
            raise UntrustedSignerError(
                f"envelope of {len(envelope)} bytes; want at most {MAX_ENVELOPE_BYTES}"
            )
        return verify_envelope(keys, envelope, payload_type)
    except UntrustedSignerError as error:
        raise FeedRefusedError(str(error), reason=Refused.SIGNATURE) from error


def _require_ours(what: str, found: str, audience: str) -> None:
    if found != audience:
        raise FeedRefusedError(
            f"{what} is for {found!r}; want {audience!r}, as trust.yaml says",
            reason=Refused.AUDIENCE,
        )


def _require_past(what: str, issued_at: datetime, now: datetime) -> None:
    if issued_at > now + MAX_AHEAD:
        raise FeedRefusedError(
            f"{what} was issued at {issued_at.isoformat()}, ahead of now ({now.isoformat()}); want "
            f"at most {MAX_AHEAD} ahead, check the clocks",
            reason=Refused.FUTURE,
        )


def _same_chain(what: str, held: ChainState, found: ChainState) -> bool:
    """Return whether both are of one chain; False: of one that began later."""
    if found.chain == held.chain:
        if found.started_at != held.started_at:
            raise _fork(what, f"began at {found.started_at}", f"ours began at {held.started_at}")
        return True
    if found.started_at <= held.started_at:
        raise FeedRefusedError(
            f"{what} began at {found.started_at.isoformat()}; want the chain {held.chain}, which "
            f"began at {held.started_at.isoformat()}, or a later one",
            reason=Refused.CHAIN,
        )
    return False


def _fork(what: str, found: str, held: str) -> FeedRefusedError:
    return FeedRefusedError(
        f"{what} {found}, but {held}: somebody else signs with this key", reason=Refused.FORK
    )
