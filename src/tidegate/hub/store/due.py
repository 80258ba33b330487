"""Images that wait to be matched again, and how they become jobs: a few at a time, in order.

A million images may be due at once, so they wait as bitmaps, and jobs are made of them as workers
ask: first those that somebody waits for, then what runs, then what was pushed last. Taking an image
out of a set and making its job is one transaction: a crash loses neither.
"""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from pyroaring import BitMap
from sqlalchemy import Row, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.clock import render_instant
from tidegate.hub.store.database import Turn, take_turn
from tidegate.hub.store.image_sets import parse_set, render_set
from tidegate.hub.store.schema import (
    event_images,
    events,
    image_details,
    images,
    images_due,
    jobs,
    running_images,
)

MAX_QUEUED = 100
"""Jobs of this kind that wait at a time; more are made when fewer are left."""

STEP_IMAGES = 200
WAITED_FOR = timedelta(minutes=10)
"""An image denied lately is one that a deployment waits for: controllers try again for longer."""

NEW = timedelta(days=1)

REQUESTED_BY = "new advisories"


class Priority(IntEnum):
    """Which jobs are done first."""

    WAITED_FOR = 0
    RUNNING = 1
    PUSHED = 2
    REST = 3


class Due(StrEnum):
    """What images wait for."""

    REMATCH = "rematch"
    """To be matched again: advisories changed, or their reports grow old."""
    SCAN = "scan"
    """For the same, but what is kept of them does not serve."""
    ATTACH = "attach"
    """Matched again; their report goes to the registry once that may be written to."""
    LATER = "later"
    """For another try: matching failed, or their registry did not take the report."""


_TAKEN = (Due.REMATCH, Due.SCAN, Due.ATTACH)
"""In this order jobs are made of them; everybody locks them in this order too."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many images a minute may be attached to, registry by registry."""

    per_minute: int
    used: dict[str, int]

    def take(self, registry: str) -> bool:
        """Return whether one more may be attached to there, and count it."""
        used = self.used.get(registry, 0)
        self.used[registry] = used + 1
        return used < self.per_minute


async def load(connection: AsyncConnection, kind: Due) -> BitMap:
    """Return the images that wait for this."""
    query = select(images_due.c.images).where(images_due.c.kind == kind)
    return parse_set((await connection.execute(query)).scalar())


async def add(connection: AsyncConnection, kind: Due, image_ids: BitMap) -> int:
    """Let images wait for this; return how many did not yet."""
    if not image_ids:
        return 0
    before = await _locked(connection, kind)
    await _store(connection, kind, before | image_ids)
    return len(image_ids - before)


async def add_unmatchable(connection: AsyncConnection) -> int:
    """Let every image that was scanned but cannot be matched again wait for a scan."""
    query = select(images.c.id).where(images.c.status == "scanned", ~images.c.rematchable)
    return await add(connection, Due.SCAN, BitMap((await connection.execute(query)).scalars()))


async def try_again(connection: AsyncConnection) -> int:
    """Let what failed be matched again; return how many images that are."""
    failed = await load(connection, Due.LATER)
    if failed:
        await add(connection, Due.REMATCH, failed)
        await _store(connection, Due.LATER, (await _locked(connection, Due.LATER)) - failed)
    return len(failed)


async def make_jobs(connection: AsyncConnection, attach_per_minute: int, now: datetime) -> int:
    """Make jobs of images that wait, where few such jobs do; return how many."""
    waiting = select(func.count()).where(
        jobs.c.requested_by == REQUESTED_BY, jobs.c.state == "queued"
    )
    if (await connection.execute(waiting)).scalar_one() >= MAX_QUEUED:
        return 0
    if not any([await load(connection, kind) for kind in _TAKEN]):
        return 0
    sets = {kind: await _locked(connection, kind) for kind in _TAKEN}
    # Pushes make jobs as well.
    await take_turn(connection, Turn.IMAGES)
    room = Room(attach_per_minute, await _attached_lately(connection, now))
    made = 0
    for kind in _TAKEN:
        made += await _make(connection, kind, sets, room, now)
    for kind, left in sets.items():
        await _store(connection, kind, left)
    return made


async def _make(
    connection: AsyncConnection, kind: Due, sets: dict[Due, BitMap], room: Room, now: datetime
) -> int:
    if not sets[kind]:
        return 0
    urgent = await _urgent(connection, sets[kind], now)
    rows = await _choose(connection, sets[kind], urgent, at_random=kind is Due.ATTACH)
    busy = await _busy(connection, rows)
    since = render_instant(now - NEW)
    made: list[dict[str, Any]] = []
    for row in rows:
        state = busy.get((row.registry, row.repository, row.digest))
        if state == "leased":
            continue  # it may have been matched before; it stays due until that job has ended
        attach = room.take(row.registry)
        if kind is Due.ATTACH and not attach:
            continue
        sets[kind].discard(row.id)
        if state == "queued":
            continue  # what is queued does it all
        if kind is Due.REMATCH and not attach:
            sets[Due.ATTACH].add(row.id)
        elif kind is Due.REMATCH:
            sets[Due.ATTACH].discard(row.id)
        newest = Priority.PUSHED if row.pushed_at >= since else Priority.REST
        made.append(_job(row, kind, urgent.get(row.id, newest), render_instant(now), attach=attach))
    if made:
        await connection.execute(insert(jobs), made)
    return len(made)


def _job(row: Row[Any], kind: Due, priority: Priority, now: str, *, attach: bool) -> dict[str, Any]:
    empty = ("media_type", "lease_hash", "lease_expires_at", "worker", "error", "finished_at")
    return {
        **dict.fromkeys(empty, ""),
        "id": uuid.uuid4().hex,
        "registry": row.registry,
        "repository": row.repository,
        "digest": row.digest,
        "attach": attach or kind is Due.SCAN,
        "kind": "scan" if kind is Due.SCAN else "rematch",
        "priority": int(priority),
        "state": "queued",
        "attempt": 0,
        "not_before": now,
        "requested_by": REQUESTED_BY,
        "created_at": now,
    }


async def _choose(
    connection: AsyncConnection,
    waiting: BitMap,
    urgent: dict[int, Priority],
    *,
    at_random: bool,
) -> list[Row[Any]]:
    """Return the rows of the next images, in order; forgets those that are no more.

    `at_random`: beside the urgent ones any, so that those of one registry that takes no more do
    not stand before all others.
    """
    first = sorted(urgent, key=lambda image_id: (urgent[image_id], -image_id))[:STEP_IMAGES]
    rest = waiting - BitMap(first)
    count = min(STEP_IMAGES - len(first), len(rest))
    places = range(len(rest) - 1, len(rest) - 1 - count, -1)
    chosen = random.sample(range(len(rest)), count) if at_random else places
    wanted = [*first, *(rest[place] for place in chosen)]
    columns = ("id", "registry", "repository", "digest", "pushed_at")
    query = select(*(images.c[name] for name in columns)).where(images.c.id.in_(wanted))
    rows = {row.id: row for row in await connection.execute(query)}
    waiting -= BitMap(set(wanted) - set(rows))
    return [rows[image_id] for image_id in wanted if image_id in rows]


async def _urgent(
    connection: AsyncConnection, waiting: BitMap, now: datetime
) -> dict[int, Priority]:
    """Return those of the waiting images that are more urgent than the others."""
    denied = (
        select(event_images.c.digest)
        .join(events, events.c.seq == event_images.c.event_seq)
        .where(
            events.c.at >= render_instant(now - WAITED_FOR),
            events.c.action == "deny",
            event_images.c.digest != "",
        )
    )
    running = select(running_images.c.digest).where(running_images.c.digest != "")
    found: dict[int, Priority] = {}
    for digests, priority in ((running, Priority.RUNNING), (denied, Priority.WAITED_FOR)):
        whole = select(images.c.id).where(images.c.digest.in_(digests))
        parts = select(image_details.c.image_id).where(image_details.c.digest.in_(digests))
        ids = BitMap((await connection.execute(whole.union(parts))).scalars())
        found |= dict.fromkeys(ids & waiting, priority)
    return found


async def _busy(
    connection: AsyncConnection, rows: list[Row[Any]]
) -> dict[tuple[str, str, str], str]:
    """Return the states of the unfinished jobs that there are about these images."""
    subjects = [(row.registry, row.repository, row.digest) for row in rows]
    query = select(jobs.c.registry, jobs.c.repository, jobs.c.digest, jobs.c.state).where(
        tuple_(jobs.c.registry, jobs.c.repository, jobs.c.digest).in_(subjects),
        jobs.c.state.in_(("queued", "leased")),
    )
    found = (await connection.execute(query)).all()
    return {(row.registry, row.repository, row.digest): row.state for row in found}


async def _attached_lately(connection: AsyncConnection, now: datetime) -> dict[str, int]:
    since = render_instant(now - timedelta(minutes=1))
    query = (
        select(jobs.c.registry, func.count().label("total"))
        .where(jobs.c.kind == "rematch", jobs.c.created_at > since, jobs.c.attach)
        .group_by(jobs.c.registry)
    )
    return {row.registry: row.total for row in await connection.execute(query)}


async def _locked(connection: AsyncConnection, kind: Due) -> BitMap:
    query = select(images_due.c.images).where(images_due.c.kind == kind).with_for_update()
    return parse_set((await connection.execute(query)).scalar())


async def _store(connection: AsyncConnection, kind: Due, waiting: BitMap) -> None:
    values = {"images": render_set(waiting) if waiting else None}
    await connection.execute(update(images_due).where(images_due.c.kind == kind).values(values))
