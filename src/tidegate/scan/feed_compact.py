"""Makes snapshots of a key's chain: the one before and the batches since, in one file.

One worker at a time (the hub's turn). Everything is verified by the own public key first; the hub
could leave something out, so a snapshot is made only where the chain's batches are all there, from
the snapshot before or from its first one. A chain that the hub does not have whole any more is
given up: a new one begins, and is filled again.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog

from tidegate.domain.errors import (
    ConflictError,
    ContentMismatchError,
    FeedRefusedError,
    HubUnavailableError,
    InputError,
    MalformedFeedError,
    TidegateError,
)
from tidegate.feed.chain import SignedBatch, SignedSnapshot, verify_snapshot
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.writer import Body
from tidegate.scan.attach import sign_apart
from tidegate.scan.feed import FeedWriter
from tidegate.scan.feed_fill import Filler
from tidegate.scan.feed_merge import BrokenChainError, Merging
from tidegate.trust.dsse import sign_envelope
from tidegate.trust.keys import SigningKey
from tidegate.wire.feed_http_v1 import (
    PART_BYTES,
    FeedHeadV1,
    FeedPageV1,
    FeedSnapshotV1,
    FeedTurnRequestV1,
    FeedTurnV1,
    FeedUploadV1,
)
from tidegate.wire.feed_v1 import SNAPSHOT_TYPE, render_snapshot
from tidegate.wire.statement_v1 import render_time

LOOK_S = 60.0
TURN_KEPT_S = 60.0

MIN_ROWS, MAX_ROWS = 20_000, 200_000
PART_OF_SUBJECTS = 10
"""A snapshot is due when a tenth of its subjects, between these bounds, came since."""

MAX_CHARS = 256 * 2**20
"""Of batches since; agents keep four times that."""

MAX_AGE = timedelta(days=1)

WITHDRAWN_FOR = timedelta(days=30)
"""How late a row may come that a withdrawal takes away."""

_log = structlog.get_logger()


class Hub(Protocol):
    """The hub, as far as snapshots go."""

    async def feed_head(self, fingerprint: str) -> FeedHeadV1: ...  # noqa: D102
    async def follow_feed(self, after: str, wait_s: float, fingerprint: str) -> FeedPageV1: ...  # noqa: D102
    async def take_feed_turn(self, body: FeedTurnRequestV1) -> FeedTurnV1 | None: ...  # noqa: D102
    async def end_feed_turn(self, body: FeedTurnRequestV1) -> None: ...  # noqa: D102
    async def begin_snapshot(self, body: FeedUploadV1) -> str: ...  # noqa: D102
    async def put_snapshot_part(self, upload: str, number: int, content: bytes) -> None: ...  # noqa: D102
    async def finish_snapshot(self, upload: str) -> None: ...  # noqa: D102
    def read_snapshot(self, snapshot: str, begin: int = 0) -> AsyncGenerator[bytes]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class CompactorOptions:
    """Of one worker."""

    worker: str
    audience: str
    folder: Path
    """For snapshots in work; the last one stays there."""


class Compactor:
    """Snapshots of one key's chain, as one worker makes them; fills the chain first."""

    def __init__(
        self,
        hub: Hub,
        key: SigningKey,
        writer: FeedWriter,
        filler: Filler,
        options: CompactorOptions,
        now: Callable[[], datetime],
    ) -> None:
        self._hub, self._key, self._now = hub, key, now
        self._writer, self._filler, self._options = writer, filler, options
        self._keys = (writer.own,)

    async def run(self) -> None:
        """Look now and then whether a snapshot is due, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S * random.uniform(0.5, 1.0))  # noqa: S311, spreads workers
            try:
                await self.look()
            except BrokenChainError as error:
                self._writer.begin_anew(str(error))
            except (TidegateError, OSError) as error:
                _log.warning("feed.not_compacted", error=str(error), again_in_s=LOOK_S)

    async def look(self) -> bool:
        """Fill and compact the chain where that is due and nobody else does; return whether.

        Raises:
            BrokenChainError: the hub does not have it whole.
            TidegateError: hub or registry failed.
            OSError: the disk.
        """
        head = await self._hub.feed_head(self._writer.fingerprint)
        is_due = self._is_due(head)
        if not head.epoch or (head.is_filled and not is_due):
            return False
        asked = FeedTurnRequestV1(self._writer.fingerprint, self._options.worker)
        turn = await self._hub.take_feed_turn(asked)
        if turn is None:
            return False
        asked.lease = turn.lease
        async with self._kept(asked):
            if not head.is_filled:
                await self._filler.fill(turn.lease)
            if is_due:
                await self._compact(head, turn.lease)
        return True

    def _is_due(self, head: FeedHeadV1) -> bool:
        if not head.epoch:
            return False
        header = self._header(head.snapshot)
        if header is None:
            known, since = 0, self._writer.began_at
        else:
            known, since = header.header.subjects, header.state.issued_at
        rows = min(max(MIN_ROWS, known // PART_OF_SUBJECTS), MAX_ROWS)
        return (
            head.rows_since_snapshot >= rows
            or head.bytes_since_snapshot >= MAX_CHARS
            or (since is not None and self._now() - since >= MAX_AGE)
        )

    def _header(self, snapshot: FeedSnapshotV1 | None) -> SignedSnapshot | None:
        if snapshot is None:
            return None
        try:
            found = verify_snapshot(self._keys, snapshot.envelope.encode())
        except FeedRefusedError as error:
            _log.error("feed.snapshot_refused", id=snapshot.id, error=str(error))
            return None
        return found if found.header.audience == self._options.audience else None

    async def _compact(self, head: FeedHeadV1, lease: str) -> None:
        folder = self._options.folder
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        page = await self._hub.follow_feed("", 0, self._writer.fingerprint)
        base = await self._base(page.snapshots[-1] if page.snapshots else None)
        made = Merging(head.chain, folder, self._now() - WITHDRAWN_FOR, base)
        try:
            while True:
                for batch in page.batches:
                    await asyncio.to_thread(
                        made.add, batch, self._writer.own, self._options.audience
                    )
                if not page.more:
                    break
                page = await self._hub.follow_feed(page.cursor, 0, self._writer.fingerprint)
            body, last = await asyncio.to_thread(made.finish)
            await self._upload(made.target, body, last, lease)
        finally:
            await asyncio.to_thread(made.close)

    async def _base(self, told: FeedSnapshotV1 | None) -> tuple[Snapshot, SignedSnapshot] | None:
        """Return the snapshot before; None: there is none that counts."""
        header = self._header(told)
        if told is None or header is None:
            return None
        path = self._options.folder / f"{header.header.sha256}.snapshot"
        if not path.is_file():
            partial = path.with_suffix(".partial")
            with partial.open("wb") as file:
                await self._download(told.id, header.header.size, file)
            partial.replace(path)
        try:
            return await asyncio.to_thread(Snapshot.open, path, header.header), header
        except (ContentMismatchError, MalformedFeedError) as error:
            path.unlink()
            _log.error("feed.snapshot_refused", id=told.id, error=str(error))
            return None

    async def _download(self, snapshot: str, size: int, file: BinaryIO) -> None:
        async with contextlib.aclosing(self._hub.read_snapshot(snapshot)) as chunks:
            async for chunk in chunks:
                size -= len(chunk)
                if size < 0:
                    return  # which its hash will show
                await asyncio.to_thread(file.write, chunk)

    async def _upload(self, path: Path, body: Body, last: SignedBatch, lease: str) -> None:
        header = body.header(last.batch, last.digest, render_time(self._now()))
        payload = render_snapshot(header)
        envelope = await sign_apart(sign_envelope, self._key, SNAPSHOT_TYPE, payload)
        upload = await self._hub.begin_snapshot(
            FeedUploadV1(
                fingerprint=self._writer.fingerprint,
                lease=lease,
                chain=header.chain,
                epoch=header.epoch,
                size=body.size,
                sha256=body.sha256,
                envelope=envelope.decode(),
            )
        )
        with path.open("rb") as file:
            number = 0
            while content := await asyncio.to_thread(file.read, PART_BYTES):
                await self._hub.put_snapshot_part(upload, number, content)
                number += 1
        await self._hub.finish_snapshot(upload)
        kept = self._options.folder / f"{body.sha256}.snapshot"
        await asyncio.to_thread(path.replace, kept)
        await asyncio.to_thread(_keep_only, self._options.folder, kept)
        _log.info("feed.compacted", epoch=header.epoch, subjects=body.subjects, size=body.size)

    @contextlib.asynccontextmanager
    async def _kept(self, turn: FeedTurnRequestV1) -> AsyncIterator[None]:
        """Keep the turn inside the block, and give it up after it."""
        keeping = asyncio.create_task(self._keep(turn))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            with contextlib.suppress(TidegateError):  # it runs out by itself
                await self._hub.end_feed_turn(turn)

    async def _keep(self, turn: FeedTurnRequestV1) -> None:
        while True:
            await asyncio.sleep(TURN_KEPT_S)
            try:
                await self._hub.take_feed_turn(turn)
            except (HubUnavailableError, InputError, ConflictError) as error:
                _log.warning("feed.turn_not_kept", error=str(error))


def _keep_only(folder: Path, kept: Path) -> None:
    for path in folder.glob("*.snapshot"):
        if path != kept:
            path.unlink()
