"""A worker that feeds: signs batches and snapshots of one chain, honestly or as told.

```python
feeder = Feeder(key)
envelope = feeder.batch([row])
header = feeder.snapshot(folder / "body")
```
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from tidegate.domain.digest import Digest
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.writer import compact
from tidegate.trust.dsse import sign_envelope
from tidegate.trust.keys import SigningKey
from tidegate.wire.feed_v1 import (
    BATCH_TYPE,
    SNAPSHOT_TYPE,
    BatchV1,
    ImageV1,
    RowV1,
    SnapshotV1,
    payload_digest,
    render_batch,
    render_snapshot,
)
from tidegate.wire.statement_v1 import render_time

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

FORGET_AFTER = timedelta(days=30)


@dataclass(slots=True)
class Feeder:
    """Signs one chain of batches with one key."""

    key: SigningKey
    audience: str = "acme"
    started_at: datetime = NOON
    chain: str = field(default_factory=lambda: str(uuid4()))
    batches: list[BatchV1] = field(default_factory=list)
    digests: list[Digest] = field(default_factory=list)

    def batch(
        self,
        rows: Iterable[RowV1] = (),
        images: Iterable[ImageV1] = (),
        *,
        at: datetime | None = None,
    ) -> bytes:
        """Return the envelope of the next batch."""
        batch = BatchV1(
            audience=self.audience,
            chain=self.chain,
            chain_started_at=render_time(self.started_at),
            epoch=len(self.batches) + 1,
            previous=self.digests[-1] if self.digests else "",
            issued_at=render_time(at or self.started_at),
            rows=tuple(rows),
            images=tuple(images),
        )
        self.batches.append(batch)
        self.digests.append(payload_digest(render_batch(batch)))
        return self.signed(batch)

    def signed(self, batch: BatchV1) -> bytes:
        """Return the envelope of any batch."""
        return sign_envelope(self.key, BATCH_TYPE, render_batch(batch))

    def signed_header(self, header: SnapshotV1) -> bytes:
        """Return the envelope of any header."""
        return sign_envelope(self.key, SNAPSHOT_TYPE, render_snapshot(header))

    def snapshot(
        self,
        target: Path,
        *,
        upto: int = 0,
        previous: Snapshot | None = None,
        at: datetime | None = None,
    ) -> SnapshotV1:
        """Write the body up to an epoch (0: the last) to `target`; return its header."""
        upto = upto or len(self.batches)
        forget = self.started_at - FORGET_AFTER
        body = compact(previous, self.batches[:upto], target, forget_before=forget)
        issued_at = render_time(at or self.started_at)
        return body.header(self.batches[upto - 1], self.digests[upto - 1], issued_at)

    def restarted(self, at: datetime) -> "Feeder":
        """Return the same worker with a new chain that begins `at`."""
        return Feeder(self.key, self.audience, at)
