"""Puts what this worker attached into its key's chain, before the job counts as done.

Jobs offer rows and wait until they are in the chain; those of many jobs share a batch. Several
workers may hold one key: each batch is appended only to the end that it names, and who comes second
reads the new end, checks it and signs again. With the hub away the rows stay here, the jobs that
wait for them fail, and their next try finds the rows waiting or told. Nothing is told twice that is
known to be in the chain.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog

from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    HubUnavailableError,
    InputError,
    LimitExceededError,
    MalformedFeedError,
    OverloadedError,
    TidegateError,
    UnavailableError,
)
from tidegate.scan.attach import own_evidence_key, sign_apart
from tidegate.scan.feed_chain import Position, judge_head, next_batch, position_of
from tidegate.scan.feed_seen import load_seen, store_seen
from tidegate.scan.metrics import FEED_APPENDED_AT, FEED_ROWS_WAITING
from tidegate.trust.dsse import sign_envelope
from tidegate.trust.keys import SigningKey, fingerprint
from tidegate.wire.feed_http_v1 import FeedAppendedV1, FeedAppendV1, FeedHeadV1
from tidegate.wire.feed_rows import row_of, withdrawal_of
from tidegate.wire.feed_v1 import (
    BATCH_TYPE,
    BatchV1,
    ImageV1,
    RowV1,
    is_ahead,
    payload_digest,
    render_batch,
    row_size,
)
from tidegate.wire.statement_v1 import parse_statement

BATCH_S = 0.3
"""Rows of other jobs are waited for so long."""

MAX_BATCH_ROWS = 500
MAX_BATCH_BYTES = 6 * 2**20
"""Of rows, which leaves the payload room for images and the rest."""

HEARTBEAT_S = 60.0
"""A chain that says nothing for longer gets an empty batch: quiet differs from withheld."""

MAX_WAITING_ROWS = 5000
"""More are refused, and their jobs tried again later: the hub has been away for long."""

MAX_TOLD = 200_000
"""Rows that are known to be in the chain, about 300 bytes each."""

NEW_CHAIN_S = 60.0
"""A worker begins chains at most so often, whatever the hub says."""

RETRY_S = (0.5, 30.0)
MAX_RACES = 20
"""Appends of others that may come first in a row."""

_log = structlog.get_logger()


class Hub(Protocol):
    """The hub, as far as chains go."""

    async def feed_head(self, fingerprint: str) -> FeedHeadV1:
        """Return the end of a key's chain."""
        ...

    async def append_batch(self, body: FeedAppendV1) -> FeedAppendedV1:
        """Append a batch."""
        ...


class _Told(NamedTuple):
    subject: str
    scanner: str
    artifact: str


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What a chain is for, and where this worker keeps what it saw of it."""

    audience: str
    seen_file: Path


class FeedWriter:
    """The chain of one key, as one worker appends to it."""

    def __init__(
        self, hub: Hub, key: SigningKey, options: FeedOptions, now: Callable[[], datetime]
    ) -> None:
        self._hub, self._key, self._now = hub, key, now
        self._options = options
        self.fingerprint = fingerprint(key)
        self.own = own_evidence_key(key)
        self._seen = load_seen(options.seen_file, self.fingerprint)
        self._position: Position | None = None
        """Where to append next; None: the hub is asked."""
        self._began_at: datetime | None = None
        self._broken = ""
        """Why the chain must not go on; empty: it may."""
        self._rows: OrderedDict[_Told, RowV1] = OrderedDict()
        self._images: OrderedDict[str, ImageV1] = OrderedDict()
        self._told: OrderedDict[_Told | str, None] = OrderedDict()
        self._offered = asyncio.Event()
        self._attempt = asyncio.Condition()
        self._failure: TidegateError | None = None
        self._failures = 0

    def knows(self, subject: str, scanner: str, artifact: str) -> bool:
        """Whether such a row waits here, or is known to be in the chain."""
        row = _Told(subject, scanner, artifact)
        return row in self._told or row in self._rows

    def knows_image(self, digest: str) -> bool:
        """Whether what an index lists waits here, or is known to be in the chain."""
        return digest in self._told or digest in self._images

    async def offer(self, statement: bytes, artifact: Digest) -> None:
        """Have a report told whose `statement` stands in `artifact`, signed by the own key.

        Raises:
            OverloadedError: too many wait.
        """
        try:
            row = await asyncio.to_thread(self._checked_row, statement, artifact)
        except (LimitExceededError, InputError) as error:
            # Gates that have no row ask the registry.
            _log.warning("feed.row_left_out", artifact=artifact, error=str(error))
            return
        self._put(_Told(row.subject, row.scanner, row.artifact), row)

    def withdraw(self, subject: Digest, scanner: str) -> None:
        """Have it told that reports of `scanner` until now are gone.

        Raises:
            OverloadedError: too many rows wait.
        """
        row = withdrawal_of(subject, scanner, self._now())
        self._forget(subject, scanner)
        self._put(_Told(subject, scanner, ""), row)

    def offer_image(self, image: ImageV1) -> None:
        """Have it told which manifests an index lists."""
        if self.knows_image(image.image) or len(self._images) >= MAX_WAITING_ROWS:
            return
        try:
            self._render_alone((), (image,), self._now())
        except MalformedFeedError as error:
            _log.warning("feed.image_left_out", image=image.image, error=str(error))
            return
        self._images[image.image] = image
        self._offered.set()

    async def settle(self) -> None:
        """Return once all that was offered so far is in the chain.

        A hub that refuses batches keeps no job from its end: gates ask the registry meanwhile.

        Raises:
            UnavailableError: the next try to append did not succeed.
        """
        rows, images = set(self._rows), set(self._images)
        async with self._attempt:
            failures = self._failures
            while rows & self._rows.keys() or images & self._images.keys():
                if self._failures > failures and self._failure is not None:
                    if isinstance(self._failure, UnavailableError):
                        raise HubUnavailableError(str(self._failure)) from self._failure
                    return
                await self._attempt.wait()

    @property
    def began_at(self) -> datetime | None:
        """When the chain began, as far as this worker saw it."""
        return None if self._seen is None else self._seen.started_at

    def begin_anew(self, because: str) -> None:
        """Have a new chain begun with the next batch: this one cannot be gone on with."""
        self._broken = because
        self._position = None
        self._offered.set()

    async def run(self) -> None:
        """Append what is offered, until cancelled."""
        pause_s, longest_s = RETRY_S
        while True:
            await self._wait()
            try:
                await self._append_waiting()
            except TidegateError as error:
                await self._failed(error)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311, spreads load
                pause_s = min(2 * pause_s, longest_s)
            else:
                pause_s = RETRY_S[0]

    def _checked_row(self, statement: bytes, artifact: Digest) -> RowV1:
        """Return the row, which a batch can hold: of the bytes that a gate would read."""
        parsed = parse_statement(statement)
        row = row_of(parsed, artifact)
        self._render_alone((row,), (), parsed.finished_at)
        return row

    def _render_alone(
        self, rows: tuple[RowV1, ...], images: tuple[ImageV1, ...], at: datetime
    ) -> None:
        """Raise where no batch can hold these: one of them must not keep others from the chain."""
        nowhere = Position(_NOWHERE, at, 0, "", at)
        render_batch(next_batch(nowhere, self._options.audience, rows, images, at))

    def _put(self, told: _Told, row: RowV1) -> None:
        if len(self._rows) >= MAX_WAITING_ROWS:
            if isinstance(self._failure, InputError):
                _log.error("feed.row_left_out", subject=row.subject, error=str(self._failure))
                return
            raise OverloadedError(
                f"{len(self._rows)} rows of the feed wait for the hub, the most that may",
                retry_after_s=HEARTBEAT_S,
            )
        self._rows[told] = row
        FEED_ROWS_WAITING.set(len(self._rows))
        self._offered.set()

    def _forget(self, subject: str, scanner: str) -> None:
        about = (subject, scanner)
        for told in [k for k in self._told if isinstance(k, _Told) and k[:2] == about]:
            del self._told[told]
        for waiting in [k for k in self._rows if k[:2] == about]:
            del self._rows[waiting]

    async def _wait(self) -> None:
        """Return when there is something to append, or the chain has been quiet for long."""
        quiet_s = HEARTBEAT_S
        if self._position is not None:
            since = self._now() - self._position.issued_at
            quiet_s = min(max(HEARTBEAT_S - since.total_seconds(), 0.0), HEARTBEAT_S)
        elif not self._rows and not self._images:
            quiet_s = 0.0
        try:
            # Workers that share a key do not all come at the same moment.
            async with asyncio.timeout(quiet_s + random.uniform(0, 1)):  # noqa: S311
                await self._offered.wait()
        except TimeoutError:
            self._position = None  # others may have appended meanwhile
            return
        if len(self._rows) < MAX_BATCH_ROWS:
            await asyncio.sleep(BATCH_S)

    async def _append_waiting(self) -> None:
        self._offered.clear()
        await self._leave_out_what_is_ahead()
        while self._rows or self._images:
            rows, images = self._first()
            await self._append(tuple(rows.values()), tuple(images.values()))
            async with self._attempt:
                for told in rows:
                    # An image that was withdrawn meanwhile has other rows.
                    if self._rows.get(told) is rows[told]:
                        del self._rows[told]
                    self._remember(told)
                for digest in images:
                    self._images.pop(digest, None)
                    self._remember(digest)
                self._failure = None
                FEED_ROWS_WAITING.set(len(self._rows))
                self._attempt.notify_all()
        position = await self._where()
        if self._now() - position.issued_at >= timedelta(seconds=HEARTBEAT_S) or not position.epoch:
            await self._append((), ())

    def _first(self) -> tuple[dict[_Told, RowV1], dict[str, ImageV1]]:
        rows: dict[_Told, RowV1] = {}
        total = 0
        for told, row in self._rows.items():
            total += row_size(row)
            if rows and (total > MAX_BATCH_BYTES or len(rows) >= MAX_BATCH_ROWS):
                break
            rows[told] = row
        return rows, dict(list(self._images.items())[:MAX_BATCH_ROWS])

    async def _leave_out_what_is_ahead(self) -> None:
        """Drop rows that no batch may hold now: their clock was ahead of ours."""
        now = self._now()
        async with self._attempt:
            for told in [told for told, row in self._rows.items() if is_ahead(row, now)]:
                del self._rows[told]
                _log.warning("feed.row_left_out", subject=told.subject, error="ahead of now")
            FEED_ROWS_WAITING.set(len(self._rows))
            self._attempt.notify_all()

    async def _append(self, rows: tuple[RowV1, ...], images: tuple[ImageV1, ...]) -> None:
        for _ in range(MAX_RACES):
            position = await self._where()
            batch = next_batch(position, self._options.audience, rows, images, self._now())
            answer, digest = await self._try(position, batch)
            if answer.appended:
                self._note(position_of(batch, digest))
                if rows or images:
                    _log.info("feed.appended", epoch=batch.epoch, rows=len(rows))
                return
            self._take_head(answer.head or FeedHeadV1())
        raise HubUnavailableError(f"others appended to the chain {MAX_RACES} times in a row")

    async def _try(self, position: Position, batch: BatchV1) -> tuple[FeedAppendedV1, Digest]:
        payload = await asyncio.to_thread(render_batch, batch)
        digest = payload_digest(payload)
        envelope = await sign_apart(sign_envelope, self._key, BATCH_TYPE, payload)
        body = FeedAppendV1(
            fingerprint=self.fingerprint,
            chain=batch.chain,
            epoch=batch.epoch,
            previous=batch.previous,
            digest=digest,
            rows=len(batch.rows) + len(batch.images),
            envelope=envelope.decode(),
            replaces=position.replaces if batch.epoch == 1 else "",
        )
        # Whether it is appended is not known until the hub says so.
        self._position = None
        return await self._hub.append_batch(body), digest

    async def _where(self) -> Position:
        if self._position is None:
            self._take_head(await self._hub.feed_head(self.fingerprint))
        if self._position is None:
            raise HubUnavailableError("the end of the chain is not known")
        return self._position

    def _take_head(self, head: FeedHeadV1) -> None:
        now = self._now()
        judged = judge_head(
            head, self._seen, self.own, self._options.audience, now, broken=self._broken
        )
        if judged.because:
            if self._began_at is not None and now - self._began_at < timedelta(seconds=NEW_CHAIN_S):
                raise HubUnavailableError(
                    f"{judged.because}; a new chain was begun at {self._began_at.isoformat()} "
                    "already: look at the hub, and at the workers that have this key"
                )
            self._began_at, self._broken = now, ""
            _log.error("feed.chain_begun", because=judged.because, chain=judged.position.chain)
        elif judged.position.epoch:
            self._note(judged.position)
        self._position = judged.position

    def _note(self, position: Position) -> None:
        if self._seen is None or self._seen.chain != position.chain:
            # What gates hold of an old chain stays; whoever begins with this one lacks it.
            self._told.clear()
        self._position = self._seen = position
        FEED_APPENDED_AT.set(position.issued_at.timestamp())
        store_seen(self._options.seen_file, self.fingerprint, position)

    def _remember(self, told: _Told | str) -> None:
        self._told[told] = None
        self._told.move_to_end(told)
        while len(self._told) > MAX_TOLD:
            self._told.popitem(last=False)

    async def _failed(self, error: TidegateError) -> None:
        level = _log.error if isinstance(error, InputError) else _log.warning
        level("feed.not_appended", error=str(error), rows=len(self._rows))
        self._position = None
        async with self._attempt:
            self._failure = error
            self._failures += 1
            self._attempt.notify_all()
        if self._rows or self._images:
            self._offered.set()


_NOWHERE = "00000000-0000-0000-0000-000000000000"
