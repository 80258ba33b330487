"""The rows that are held: per key a snapshot, what batches said since, and how far that goes.

Rows are facts that a key signed, so they stay when a chain ends and a new one begins, until a
snapshot of the new one takes their place. Whose rows count is the reader's to say, by the keys of
`trust.yaml` at that moment. Not done here: verifying (`chain`), fetching and keeping on disk.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.domain.digest import Digest
from tidegate.domain.errors import FeedRefusedError
from tidegate.feed.chain import ChainState, Refused, SignedBatch, SignedSnapshot
from tidegate.feed.deltas import MAX_DELTA_ROWS, Deltas, EncodedBatch
from tidegate.feed.snapshot import Snapshot
from tidegate.wire.feed_rows import FeedRow, newest_rows
from tidegate.wire.feed_v1 import ImageV1

MAX_KEYS = 100
"""Chains held at a time; a cluster trusts a few keys."""


@dataclass(slots=True)
class _KeyFeed:
    deltas: Deltas
    audience: str
    state: ChainState
    base: ChainState | None = None
    snapshot: Snapshot | None = None
    heads: dict[tuple[str, int], tuple[Digest, int]] = field(default_factory=dict)
    """Batches held since the snapshot, by chain and epoch: digest of the payload, and number."""
    number: int = 0
    """Of the batch applied last; numbers go on where a chain ends."""


class FeedStore:
    """Rows by subject, images by digest, of every key that was heard."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._feeds: dict[str, _KeyFeed] = {}
        self.changes = 0
        """Grows whenever what is held becomes something else."""

    def state(self, fingerprint: str) -> ChainState | None:
        """Return how far the chain of a key is held."""
        feed = self._feeds.get(fingerprint)
        return None if feed is None else feed.state

    def base(self, fingerprint: str) -> ChainState | None:
        """Return what the held snapshot of a key has."""
        feed = self._feeds.get(fingerprint)
        return None if feed is None else feed.base

    def audience(self, fingerprint: str) -> str:
        """Return for whom the batches of a key are that are held."""
        feed = self._feeds.get(fingerprint)
        return "" if feed is None else feed.audience

    def fingerprints(self) -> tuple[str, ...]:
        """Return the keys that were heard."""
        return tuple(self._feeds)

    def subjects(self, fingerprint: str) -> int:
        """Return how many manifests the rows of a key are about, at most: some stand twice."""
        feed = self._feeds.get(fingerprint)
        if feed is None:
            return 0
        of_base = 0 if feed.snapshot is None else feed.snapshot.subjects
        return of_base + feed.deltas.subjects

    def rows_since_snapshot(self, fingerprint: str) -> int:
        """Return how many rows of a key are held beside its snapshot."""
        feed = self._feeds.get(fingerprint)
        return 0 if feed is None else feed.deltas.count

    def is_whole(self, fingerprint: str) -> bool:
        """Whether nothing lies before what is held of a key: its snapshot could be read."""
        feed = self._feeds.get(fingerprint)
        return feed is not None and (feed.base is None or feed.snapshot is not None)

    def batches(self, fingerprint: str) -> frozenset[tuple[str, int]]:
        """Return the batches that are held beside the snapshot of a key, by chain and epoch."""
        feed = self._feeds.get(fingerprint)
        return frozenset() if feed is None else frozenset(feed.heads)

    def has_room(self, fingerprint: str, rows: int) -> bool:
        """Whether `rows` more of a key may be held beside its snapshot, and its chain at all."""
        feed = self._feeds.get(fingerprint)
        if feed is None:
            return len(self._feeds) < MAX_KEYS
        return feed.deltas.count + rows <= MAX_DELTA_ROWS

    def apply(self, signed: SignedBatch, encoded: EncodedBatch) -> None:
        """Hold a batch that `judge_batch` said to apply.

        Raises:
            OSError: the disk; nothing has changed.
        """
        state = signed.state
        feed = self._feeds.get(signed.key.fingerprint)
        if feed is None:
            feed = _KeyFeed(Deltas(self._folder), signed.batch.audience, state)
        feed.deltas.add(feed.number + 1, encoded)
        feed.number += 1
        feed.heads[state.chain, state.epoch] = (signed.digest, feed.number)
        feed.state, feed.audience = state, signed.batch.audience
        self._feeds[signed.key.fingerprint] = feed
        self.changes += 1

    def adopt(self, signed: SignedSnapshot, snapshot: Snapshot | None) -> None:
        """Hold a snapshot that `judge_snapshot` said to apply; batches after it stay applied.

        None: its body cannot be read. Then the place in the chain is held, and no rows of it.

        Raises:
            FeedRefusedError: it does not end with the batch that we hold there.
            OSError: the disk; nothing has changed.
        """
        state = signed.state
        feed = self._feeds.get(signed.key.fingerprint)
        if feed is None:
            feed = _KeyFeed(Deltas(self._folder), signed.header.audience, state)
        number = _last_within(feed, state)
        later = feed.deltas.after(number)
        feed.deltas.close()
        feed.deltas = later
        feed.heads = {place: head for place, head in feed.heads.items() if head[1] > number}
        feed.base, feed.snapshot = state, snapshot
        if not feed.heads:
            feed.state = state
        self._feeds[signed.key.fingerprint] = feed
        self.changes += 1

    def forget(self, fingerprint: str) -> None:
        """Hold nothing of a key any more."""
        feed = self._feeds.pop(fingerprint, None)
        self.changes += 1
        if feed is not None:
            feed.deltas.close()

    def rows(
        self, fingerprints: Iterable[str], audience: str, subject: Digest
    ) -> Iterator[tuple[str, FeedRow]]:
        """Yield the rows of each of these keys about `subject` that count, with the key.

        Raises:
            MalformedFeedError, OSError: what is held cannot be read.
        """
        for fingerprint, feed in self._heard(fingerprints, audience):
            rows = feed.deltas.rows(subject)
            if feed.snapshot is not None:
                rows.extend(feed.snapshot.rows(subject))
            for row in newest_rows(rows):
                if not row.withdrawn:
                    yield fingerprint, row

    def image(self, fingerprints: Iterable[str], audience: str, digest: Digest) -> ImageV1 | None:
        """Return what the index `digest` lists, as one of these keys says; None: none of them does.

        Raises:
            MalformedFeedError, OSError: what is held cannot be read.
        """
        for _, feed in self._heard(fingerprints, audience):
            found = feed.deltas.image(digest)
            if found is None and feed.snapshot is not None:
                found = feed.snapshot.image(digest)
            if found is not None:
                return found
        return None

    def _heard(self, fingerprints: Iterable[str], audience: str) -> Iterator[tuple[str, _KeyFeed]]:
        for fingerprint in fingerprints:
            feed = self._feeds.get(fingerprint)
            if feed is not None and feed.audience == audience:
                yield fingerprint, feed

    def close(self) -> None:
        """Hold nothing any more."""
        for fingerprint in self.fingerprints():
            self.forget(fingerprint)


def _last_within(feed: _KeyFeed, snapshot: ChainState) -> int:
    """Return the number of the last batch held that a snapshot includes; 0: of none.

    Raises:
        FeedRefusedError: it does not end with the batch that we hold there.
    """
    if snapshot.chain != feed.state.chain or snapshot.epoch > feed.state.epoch:
        return feed.number  # it is ahead of everything held
    what = f"snapshot {snapshot.epoch} of chain {snapshot.chain}"
    digest, number = feed.heads.get((snapshot.chain, snapshot.epoch), (None, 0))
    if digest is None and feed.base is not None and feed.base.chain == snapshot.chain:
        digest = feed.base.head if feed.base.epoch == snapshot.epoch else None
    if digest is None and snapshot.epoch == feed.state.epoch:
        digest = feed.state.head
    if digest is None:
        raise FeedRefusedError(
            f"{what}: we are at epoch {feed.state.epoch} and do not hold that batch; want a later "
            "snapshot",
            reason=Refused.ROLLBACK,
        )
    if digest != snapshot.head:
        raise FeedRefusedError(
            f"{what} ends with {snapshot.head}, but we hold {digest} there: somebody else signs "
            "with this key",
            reason=Refused.FORK,
        )
    return number
