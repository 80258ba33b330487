"""Follow the feed of findings: at the agent, into rows that decide, and onto the disk.

What is held is verified anew at the start, before the gate is ready; a folder that is broken or
empty costs rows, never readiness or a verdict, for then the registry is asked. A batch that leaves
a gap leads to a new beginning: the agent gives the newest snapshots and what came after them.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    ContentMismatchError,
    FeedRefusedError,
    HubUnavailableError,
    MalformedFeedError,
)
from tidegate.feed.chain import (
    Refused,
    SignedBatch,
    SignedSnapshot,
    Step,
    judge_batch,
    judge_snapshot,
    verify_batch,
    verify_snapshot,
)
from tidegate.feed.deltas import EncodedBatch, encode_batch
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.store import FeedStore
from tidegate.gate.feed_folder import FeedFolder, Place
from tidegate.gate.metrics import FEED_REFUSED
from tidegate.trust.configuration import EvidenceKey, TrustConfiguration
from tidegate.wire.feed_http_v1 import MAX_WAIT_S, FeedPageV1

MANY_ROWS = 20_000
MANY_BATCHES = 2000
"""Held beside a snapshot; beyond, a newer snapshot is fetched although nothing is missing."""

FIRST_RETRY_S = 0.5
MAX_RETRY_S = 30.0

BEGIN_ANEW_S = 60.0
"""Between two new beginnings: each reads all batches since the newest snapshot again."""

IDLE_S = 1.0
"""How often a gate that follows no feed looks whether it is to follow one."""

log = structlog.get_logger(__name__)


class Changed(Protocol):
    """Who makes evidence out of rows."""

    def changed(self, subjects: Iterable[Digest] | None) -> None:
        """Learn about which subjects rows are others now; None: about any."""
        ...


class Agent(Protocol):
    """Hands on the feed: `feed_link.FeedLink`."""

    async def page(self, after: str, wait_s: float) -> FeedPageV1:
        """Return what came after a cursor; raises HubUnavailableError."""
        ...

    async def fetch(self, snapshot: str, target: Path, size: int) -> None:
        """Write a body to `target`; raises HubUnavailableError, OSError."""
        ...


@dataclass(frozen=True, slots=True)
class _Prepared:
    signed: SignedBatch
    encoded: EncodedBatch


class FeedFollower:
    """Keeps a store of rows up to date."""

    def __init__(  # noqa: PLR0913 - each a part of its own
        self,
        agent: Agent,
        folder: FeedFolder,
        store: FeedStore,
        rows: Changed,
        trust: Callable[[], TrustConfiguration],
        *,
        clock: Callable[[], datetime],
        time: Callable[[], float],
    ) -> None:
        self._agent = agent
        self._folder = folder
        self._store = store
        self._rows = rows
        self._trust = trust
        self._clock = clock
        self._cursor = ""
        self._generation = ""
        """Of the trust configuration that everything so far was looked at under."""
        self._time = time
        self._began_anew_s = -BEGIN_ANEW_S
        self._problem = ""
        self._refusals: set[str] = set()

    def load(self) -> None:
        """Hold what the folder has, all of it verified; blocking, before anything else runs."""
        trust = self._trust()
        self._generation = trust.generation
        for fingerprint in self._folder.fingerprints():
            if fingerprint not in _heard(trust):
                self._folder.forget(fingerprint)
                continue
            self._load_snapshot(fingerprint, trust)
            places = [
                self._load_batch(envelope, trust) for envelope in self._folder.batches(fingerprint)
            ]
            self._folder.loaded(fingerprint, places)
        self._cursor = self._folder.cursor if self._store.fingerprints() else ""
        self._rows.changed(None)
        for fingerprint in self._store.fingerprints():
            state = self._store.state(fingerprint)
            log.info(
                "feed-held",
                key=fingerprint[:12],
                epoch=state.epoch if state else 0,
                subjects=self._store.subjects(fingerprint),
            )

    async def run(self) -> None:
        """Follow the agent until cancelled."""
        retry_s = FIRST_RETRY_S
        while True:
            trust = self._trust()
            self._follow_trust(trust)
            if not trust.audience:
                await asyncio.sleep(IDLE_S)
                continue
            asked, asked_s = self._cursor, self._time()
            try:
                page = await self._agent.page(asked, MAX_WAIT_S)
                await self._take(page)
            except (HubUnavailableError, OSError) as error:
                self._say(str(error))
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, MAX_RETRY_S)
                continue
            self._say("")
            retry_s = FIRST_RETRY_S
            if self._cursor == asked and not (page.batches or page.snapshots):
                # Whoever answers "no news" at once must not be asked again at once.
                await asyncio.sleep(max(0.0, IDLE_S - (self._time() - asked_s)))

    async def _take(self, page: FeedPageV1) -> None:
        """Take what a page brings, and where to go on."""
        if page.reset:
            await self._take_snapshots(page)
        is_whole = True
        for batch in page.batches:
            is_whole = await self._take_batch(batch.envelope, again=page.reset) and is_whole
        if not page.reset:
            await self._take_snapshots(page)
        cursor = page.cursor if is_whole else self._after_gap(page.cursor)
        if cursor != self._cursor:
            self._cursor = cursor
            await self._keep(lambda: setattr(self._folder, "cursor", cursor))

    def _after_gap(self, cursor: str) -> str:
        """Return where to go on although something is missing before what came.

        That is the begin, unless it was of late: what is missing is not there then, and a snapshot
        will bring it.
        """
        now_s = self._time()
        if now_s - self._began_anew_s < BEGIN_ANEW_S:
            return cursor
        self._began_anew_s = now_s
        log.warning("feed-gap", why="a batch is missing before one that came; begins anew")
        return ""

    async def _take_batch(self, envelope: str, *, again: bool) -> bool:
        """Take one batch; return whether nothing is missing before it.

        `again`: of a new beginning, where what we hold already is said once more.
        """
        trust = self._trust()
        body = envelope.encode()
        try:
            prepared = await asyncio.to_thread(_prepared, trust.keys, body)
            step = self._judged(prepared.signed, trust)
        except FeedRefusedError as error:
            if not (again and error.reason == Refused.ROLLBACK):
                self._refuse(error)
            return True
        batch, fingerprint = prepared.signed.batch, prepared.signed.key.fingerprint
        if step is Step.APPLY and not self._store.has_room(fingerprint, len(batch.rows)):
            step = Step.GAP
        if step is Step.APPLY:
            place = (batch.chain, batch.epoch)
            await self._keep(lambda: self._folder.append(fingerprint, place, body))
            self._apply(prepared)
        return step is not Step.GAP

    async def _take_snapshots(self, page: FeedPageV1) -> None:
        for each in page.snapshots:
            trust = self._trust()
            try:
                signed = verify_snapshot(trust.keys, each.envelope.encode())
                if self._wanted(signed, trust):
                    await self._fetch(each.id, signed, each.envelope.encode())
            except FeedRefusedError as error:
                self._refuse(error)

    def _wanted(self, signed: SignedSnapshot, trust: TrustConfiguration) -> bool:
        """Whether a snapshot brings something; whoever has all its batches need not fetch it."""
        fingerprint = signed.key.fingerprint
        state, base = self._store.state(fingerprint), self._store.base(fingerprint)
        step = judge_snapshot(state, base, signed, trust.audience, self._clock())
        if not self._store.is_whole(fingerprint):
            return True
        if step is not Step.APPLY or state is None:
            return step is Step.APPLY
        return (
            signed.header.chain != state.chain
            or signed.header.epoch > state.epoch
            or self._store.rows_since_snapshot(fingerprint) > MANY_ROWS
            or len(self._store.batches(fingerprint)) > MANY_BATCHES
        )

    async def _fetch(self, snapshot_id: str, signed: SignedSnapshot, envelope: bytes) -> None:
        """Fetch a snapshot's body and hold it."""
        header, fingerprint = signed.header, signed.key.fingerprint
        part = await asyncio.to_thread(self._folder.part, fingerprint, header.sha256)
        await self._agent.fetch(snapshot_id, part, header.size)
        try:
            snapshot = await asyncio.to_thread(Snapshot.open, part, header)
        except (ContentMismatchError, MalformedFeedError) as error:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise FeedRefusedError(str(error), reason=Refused.CONTENT) from error
        # Batches and keys may have gone on meanwhile, so it is judged by what is true now.
        trust = self._trust()
        if fingerprint not in _heard(trust):
            return
        self._judge_snapshot(signed, trust)
        self._store.adopt(signed, snapshot)
        self._rows.changed(None)
        kept = self._store.batches(fingerprint)

        def keep() -> None:
            part.replace(self._folder.body(fingerprint, header.sha256))
            self._folder.adopt(fingerprint, header.sha256, envelope, kept)

        await self._keep(keep)
        log.info(
            "feed-snapshot-held",
            key=signed.key.name,
            epoch=header.epoch,
            subjects=header.subjects,
            bytes=header.size,
        )

    def _follow_trust(self, trust: TrustConfiguration) -> None:
        """Forget keys that are gone; begin anew, so that what was refused before is heard."""
        if trust.generation == self._generation:
            return
        self._generation = trust.generation
        self._cursor = ""
        heard = _heard(trust)
        for fingerprint in self._store.fingerprints():
            if fingerprint not in heard or self._store.audience(fingerprint) != trust.audience:
                self._store.forget(fingerprint)
                self._folder.forget(fingerprint)

    def _load_snapshot(self, fingerprint: str, trust: TrustConfiguration) -> None:
        envelope = self._folder.header(fingerprint)
        if envelope is None:
            return
        try:
            signed = verify_snapshot(trust.keys, envelope)
            self._judge_snapshot(signed, trust)
            body = self._folder.body(fingerprint, signed.header.sha256)
            self._store.adopt(signed, _opened(body, signed))
        except (FeedRefusedError, OSError) as error:
            log.error("feed-snapshot-not-held", key=fingerprint[:12], why=str(error))  # noqa: TRY400 said

    def _load_batch(self, envelope: bytes, trust: TrustConfiguration) -> Place | None:
        """Hold a batch of the folder; return its place in the chain, None where it is of no use."""
        if not envelope.strip():
            return None
        try:
            prepared = _prepared(trust.keys, envelope)
            batch = prepared.signed.batch
            room = self._store.has_room(prepared.signed.key.fingerprint, len(batch.rows))
            if self._judged(prepared.signed, trust) is Step.APPLY and room:
                self._apply(prepared)
                return batch.chain, batch.epoch
        except (FeedRefusedError, OSError) as error:
            log.warning("feed-batch-not-held", why=str(error))
        return None

    def _judged(self, signed: SignedBatch, trust: TrustConfiguration) -> Step:
        state = self._store.state(signed.key.fingerprint)
        return judge_batch(state, signed, trust.audience, self._clock())

    def _judge_snapshot(self, signed: SignedSnapshot, trust: TrustConfiguration) -> None:
        fingerprint = signed.key.fingerprint
        state, base = self._store.state(fingerprint), self._store.base(fingerprint)
        judge_snapshot(state, base, signed, trust.audience, self._clock())

    def _apply(self, prepared: _Prepared) -> None:
        self._store.apply(prepared.signed, prepared.encoded)
        self._rows.changed([Digest(row.subject) for row in prepared.signed.batch.rows])

    def _refuse(self, error: FeedRefusedError) -> None:
        """Count a refusal, and say it once."""
        FEED_REFUSED.labels(error.reason).inc()
        if str(error) not in self._refusals:
            if len(self._refusals) > 1000:
                self._refusals.clear()
            self._refusals.add(str(error))
            log.error("feed-refused", reason=error.reason, why=str(error))

    async def _keep(self, write: Callable[[], object]) -> None:
        """Write to the folder; a disk that does not take it costs the next start, nothing now."""
        try:
            await asyncio.to_thread(write)
        except OSError as error:
            log.error("feed-not-kept", why=str(error))  # noqa: TRY400 - expected

    def _say(self, problem: str) -> None:
        """Log once that the feed is not followed, and once that it is again."""
        if problem and not self._problem:
            log.warning("feed-not-followed", why=problem)
        elif self._problem and not problem:
            log.info("feed-followed-again")
        self._problem = problem


def _heard(trust: TrustConfiguration) -> frozenset[str]:
    """Return the keys whose batches are heard."""
    return frozenset(key.fingerprint for key in trust.keys) if trust.audience else frozenset()


def _prepared(keys: Iterable[EvidenceKey], envelope: bytes) -> _Prepared:
    """Return a verified batch, cut up: the costly part, which needs nothing of what is held."""
    signed = verify_batch(keys, envelope)
    return _Prepared(signed, encode_batch(signed.batch))


def _opened(path: Path, signed: SignedSnapshot) -> Snapshot | None:
    """Return the snapshot in the file `path`; None: it cannot be used, which is said."""
    try:
        return Snapshot.open(path, signed.header)
    except (ContentMismatchError, MalformedFeedError, OSError) as error:
        log.error("feed-snapshot-broken", key=signed.key.name, why=str(error))  # noqa: TRY400 said
        return None
