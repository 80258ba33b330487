"""A snapshot in the making: what the hub has of a chain, verified and merged some at a time.

What makes a snapshot true is that nothing is missing: of the chain itself every batch has to come,
each naming the one before it, from the snapshot before or from the first. Batches of chains before
it may be missing or garbled; what verifies of them is merged, for rows are facts of the same key.
"""

import mmap
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import structlog

from tidegate.domain.errors import FeedRefusedError
from tidegate.feed.chain import SignedBatch, SignedSnapshot, verify_batch
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.writer import Body, compact
from tidegate.trust.configuration import EvidenceKey
from tidegate.wire.feed_http_v1 import FeedBatchV1
from tidegate.wire.feed_v1 import BatchV1

PASS_ROWS, PASS_CHARS = 10_000, 48 * 2**20
"""Of batches that are merged at a time: memory holds their rows."""

_log = structlog.get_logger()


class BrokenChainError(Exception):
    """The hub does not have the chain whole; the message says what is missing."""


class Merging:
    """Batches merged with a snapshot, into files of a folder; close it at the end."""

    def __init__(
        self,
        chain: str,
        folder: Path,
        forget_before: datetime,
        base: tuple[Snapshot, SignedSnapshot] | None,
    ) -> None:
        self._chain = chain
        self._folder = folder
        self._forget_before = forget_before
        self._snapshot = None if base is None else base[0]
        self.target = folder / "making.0"
        """Where the body is."""
        self._body: Body | None = None
        self._waiting: list[BatchV1] = []
        self._rows = self._chars = self._passes = 0
        self._last: SignedBatch | None = None
        """The last batch of the chain itself."""
        self._epoch, self._head = 0, ""
        if base is not None and base[1].header.chain == chain:
            self._epoch, self._head = base[1].header.epoch, base[1].header.previous

    def add(self, told: FeedBatchV1, key: EvidenceKey, audience: str) -> None:
        """Take a batch in.

        Raises:
            BrokenChainError: it is of the chain, and does not continue it.
            LimitExceededError: more than a snapshot can hold.
            OSError: the disk.
        """
        try:
            signed = verify_batch((key,), told.envelope.encode())
        except FeedRefusedError as error:
            if told.chain == self._chain:
                raise BrokenChainError(f"batch {told.epoch} does not verify: {error}") from error
            _log.warning("feed.batch_left_out", chain=told.chain, error=str(error))
            return
        batch = signed.batch
        if batch.audience != audience:
            _log.warning("feed.batch_left_out", chain=told.chain, error="another audience")
            return
        if batch.chain == self._chain:
            if batch.epoch <= self._epoch:
                return
            self._continue(signed)
        self._waiting.append(batch)
        self._rows += len(batch.rows)
        self._chars += len(told.envelope)
        if self._rows >= PASS_ROWS or self._chars >= PASS_CHARS:
            self._merge()

    def finish(self) -> tuple[Body, SignedBatch]:
        """Return the body at `target`, and the last batch that is in it.

        Raises:
            BrokenChainError: no batch of the chain came.
            LimitExceededError: more than a snapshot can hold.
            OSError: the disk.
        """
        if self._last is None:
            raise BrokenChainError("the hub has no batch of the chain after its snapshot")
        if self._body is None or self._waiting:
            self._body = self._merge()
        return self._body, self._last

    def close(self) -> None:
        """Remove what is left of the work."""
        self._snapshot = None
        for path in self._folder.glob("*making.*"):
            path.unlink(missing_ok=True)

    def _continue(self, signed: SignedBatch) -> None:
        batch = signed.batch
        if batch.epoch != self._epoch + 1 or batch.previous != self._head:
            raise BrokenChainError(
                f"batch {batch.epoch} of chain {batch.chain} came after {self._epoch}"
            )
        self._epoch, self._head, self._last = batch.epoch, signed.digest, signed

    def _merge(self) -> Body:
        self._passes += 1
        target = self._folder / f"making.{self._passes}"
        self._body = compact(
            self._snapshot, _drained(self._waiting), target, forget_before=self._forget_before
        )
        self.target.unlink(missing_ok=True)
        self.target = target
        with target.open("rb") as file:
            # Written by this process a moment ago: there is nothing to verify.
            self._snapshot = Snapshot(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self._rows = self._chars = 0
        return self._body


def _drained(batches: list[BatchV1]) -> Iterator[BatchV1]:
    """Yield the batches, each let go of once it was used."""
    batches.reverse()
    while batches:
        yield batches.pop()
