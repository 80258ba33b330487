"""The feed in a cluster: followed at the hub, kept on disk, handed on to the gates.

`GET /v1/feed?after=&wait=` and `GET /v1/feed/snapshots/{id}` answer as the hub's own do, with the
gates' token, also while the hub is away. The agent verifies nothing, and need not: it can withhold
rows, which makes gates ask the registry, and cannot make any.
"""

import asyncio
import hashlib
import random
import re
import shutil
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import structlog

from tidegate.agent.feed_copy import FeedCopy, read_chunk
from tidegate.agent.long_poll import LongPoll, parse_question
from tidegate.domain.errors import HubUnavailableError, InputError, UnavailableError
from tidegate.wire.feed_http_v1 import (
    MAX_CURSOR_CHARS,
    MAX_WAIT_S,
    FeedPageV1,
    FeedSnapshotV1,
)

RETRY_S = (0.5, 10.0)
"""First and longest pause before the hub is asked again."""

PRUNE_S = 600.0
CHUNK_BYTES = 2**20
SPARE_BYTES = 2**28
"""Of the disk, left for others."""

_RANGE = re.compile(rb"bytes=(\d{1,15})-(\d{0,15})")

log = structlog.get_logger()


class Hub(Protocol):
    """The hub, as far as the feed goes."""

    async def follow_feed(self, after: str, wait_s: float = MAX_WAIT_S) -> FeedPageV1:
        """Return what came after a cursor."""
        ...

    def read_snapshot(self, snapshot: str, begin: int = 0) -> AsyncGenerator[bytes]:
        """Yield a snapshot's octets."""
        ...


class FeedLink:
    """Brings the feed from the hub to the copy, and wakes gates that wait."""

    def __init__(self, hub: Hub | None, copy: FeedCopy, clock: Callable[[], float]) -> None:
        self._hub = hub
        self.copy = copy
        self._clock = clock
        self._gates = LongPoll(copy.page)
        self._fetching: asyncio.Task[None] | None = None
        self.problem = ""
        """Why the copy falls behind; empty: it does not."""
        self.ends = copy.ends
        """How far each key's chain has come."""
        self.heard_at = _moment(max((end.received_at for end in self.ends), default=0.0))
        """When the last batch came, RFC 3339; empty: none did."""

    async def run(self) -> None:
        """Follow the hub until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_pruned())
            if self._hub is not None:
                tasks.create_task(self._follow(self._hub, tasks))

    async def wait(self, after: str, wait_s: float) -> FeedPageV1:
        """Return what came after a gate's cursor, at the latest after `wait_s`."""
        return await self._gates.wait(after, wait_s) or FeedPageV1(after)

    async def _follow(self, hub: Hub, tasks: asyncio.TaskGroup) -> None:
        pause_s, longest_s = RETRY_S
        while True:
            try:
                asked = await asyncio.to_thread(lambda: self.copy.cursor)
                page = await hub.follow_feed(asked, MAX_WAIT_S)
                await self._take(hub, page, asked, tasks)
            except (UnavailableError, InputError, OSError, sqlite3.Error) as error:
                self.problem = f"feed: {error}"
                log.warning("feed.not_followed", why=str(error))
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311, spreads load
                pause_s = min(2 * pause_s, longest_s)
            else:
                self.problem = ""
                pause_s = RETRY_S[0]

    async def _take(self, hub: Hub, page: FeedPageV1, asked: str, tasks: asyncio.TaskGroup) -> None:
        if page.cursor == asked and not page.batches and not page.snapshots:
            return
        if len(page.cursor) > MAX_CURSOR_CHARS:
            raise InputError(f"the hub's cursor has {len(page.cursor)} characters")
        wanted = [s for s in page.snapshots if await asyncio.to_thread(self.copy.wants, s)]
        if page.reset:
            # Gates can do nothing with the batches before they have what those come after.
            for snapshot in wanted:
                await self._fetch(hub, snapshot)
        elif wanted:
            self._fetch_beside(hub, wanted, tasks)
        added = await asyncio.to_thread(self.copy.take, page.batches, page.cursor, self._clock())
        if added:
            self.heard_at = _moment(self._clock())
        self.ends = await asyncio.to_thread(lambda: self.copy.ends)
        log.info("feed.taken", batches=added, snapshots=len(wanted), reset=page.reset)
        self._gates.wake()

    def _fetch_beside(
        self, hub: Hub, wanted: list[FeedSnapshotV1], tasks: asyncio.TaskGroup
    ) -> None:
        """Fetch snapshots while batches go on coming; a newer one takes the place of an older."""

        async def fetch() -> None:
            for snapshot in wanted:
                try:
                    await self._fetch(hub, snapshot)
                except (UnavailableError, InputError, OSError, sqlite3.Error) as error:
                    # The batches that it holds are here, or a newer one comes.
                    log.warning("feed.snapshot_not_fetched", id=snapshot.id, why=str(error))
            self._gates.wake()

        if self._fetching is not None:
            self._fetching.cancel()
        self._fetching = tasks.create_task(fetch())

    async def _fetch(self, hub: Hub, snapshot: FeedSnapshotV1) -> None:
        part = self.copy.part(snapshot.id)
        free = await asyncio.to_thread(lambda: shutil.disk_usage(part.parent).free)
        if snapshot.size > free - SPARE_BYTES:
            raise InputError(
                f"a snapshot of {snapshot.size} bytes does not fit {part.parent}, which has {free} "
                "free; gates ask the registry instead"
            )
        begin = part.stat().st_size if part.is_file() else 0
        with part.open("ab") as file:
            if begin > snapshot.size:
                file.truncate(begin := 0)
            if begin < snapshot.size:
                async with aclosing(hub.read_snapshot(snapshot.id, begin)) as chunks:
                    async for chunk in chunks:
                        begin += len(chunk)
                        if begin > snapshot.size:
                            break
                        await asyncio.to_thread(file.write, chunk)
        if begin < snapshot.size:
            raise HubUnavailableError(
                f"snapshot {snapshot.id} ended after {begin} of {snapshot.size} bytes"
            )
        if begin > snapshot.size or await asyncio.to_thread(_sha256, part) != snapshot.sha256:
            part.unlink()
            raise InputError(f"snapshot {snapshot.id} is not what the hub announced")
        await asyncio.to_thread(self.copy.take_snapshot, snapshot, self._clock())

    async def _keep_pruned(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.copy.prune, self._clock())
            except (OSError, sqlite3.Error) as error:
                log.warning("feed.not_pruned", why=str(error), again_in_s=PRUNE_S)
            await asyncio.sleep(PRUNE_S)


class Octets:
    """A part of a snapshot's body, as an answer."""

    def __init__(self, path: Path, size: int, wanted: bytes) -> None:
        self._path = path
        self.begin, self.end = 0, size
        found = _RANGE.fullmatch(wanted)
        self.status = 200
        self.headers = [
            (b"content-type", b"application/octet-stream"),
            (b"accept-ranges", b"bytes"),
        ]
        if found is not None:
            self.begin = int(found[1])
            self.end = min(size, int(found[2]) + 1) if found[2] else size
            self.status = 206 if self.begin < self.end else 416
            if self.status == 416:
                self.begin = self.end
                told = f"bytes */{size}"
            else:
                told = f"bytes {self.begin}-{self.end - 1}/{size}"
            self.headers.append((b"content-range", told.encode()))
        self.headers.append((b"content-length", str(self.end - self.begin).encode()))

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the octets; a body that is deleted meanwhile ends short."""
        at = self.begin
        while at < self.end:
            size = min(CHUNK_BYTES, self.end - at)
            chunk = await asyncio.to_thread(read_chunk, self._path, at, size)
            if not chunk:
                return
            at += len(chunk)
            yield chunk


async def answer_page(link: FeedLink, query: bytes) -> FeedPageV1:
    """Return what a gate asked for: `after` and `wait` of the query.

    Raises:
        InputError: a parameter is not of its form.
    """
    return await link.wait(*parse_question(query, MAX_CURSOR_CHARS, MAX_WAIT_S))


async def answer_snapshot(link: FeedLink, snapshot: str, wanted: bytes) -> Octets | None:
    """Return a snapshot's octets in the range that is wanted; None: it is not here."""
    path = link.copy.body(snapshot)
    size = await asyncio.to_thread(link.copy.size_of, snapshot)
    return None if size is None else Octets(path, size, wanted)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat() if at else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
