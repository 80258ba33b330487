"""Verdicts about running workloads: an event is recorded where one differs from the one before.

The one before is the last that an agent told or, for a workload told of for the first time, that
of its admission. Nothing known of it: as if it had been allowed.

What a gate could not find out is no verdict: the one before stands, and its row is counted.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.clock import render_instant
from tidegate.hub.event_body import key_text
from tidegate.hub.store import events
from tidegate.hub.store.database import Turn, take_turn
from tidegate.hub.store.schema import event_images, running_verdicts
from tidegate.hub.store.schema import events as event_rows
from tidegate.wire.event_v1 import Action, AdmissionEventV1, ImageRowV1, parse_event

DAY_CHARS = 10
"""Of an instant: that a workload still runs is written once a day."""

ADMISSIONS_READ = 20
"""Last events about an image that are searched for that of a workload."""

_KEYS_PER_QUERY = 500
_STRICTEST_FIRST: tuple[Action, ...] = ("deny", "audit", "allow")


@dataclass(frozen=True, slots=True)
class Noted:
    """What came of what an agent told."""

    events: int
    """Recorded, because something in them changed."""
    images: dict[str, int]
    """How many images' verdicts `changed`, are `same`, or are `unanswered`."""


async def note(
    connection: AsyncConnection, cluster: str, told: Sequence[AdmissionEventV1], now: datetime
) -> Noted:
    """Keep the verdicts `told` by the agent of `cluster`."""
    await take_turn(connection, Turn.EVENTS)
    today = render_instant(now)[:DAY_CHARS]
    for event in told:
        event.origin = "rejudged"
    keys = {_key(event, row): row for event in told for row in event.images}
    known = await _known(connection, cluster, list(keys))
    changed = []
    images = {"changed": 0, "same": 0, "unanswered": 0}
    for event in told:
        results = [await _compare(connection, cluster, event, row, known) for row in event.images]
        for result in results:
            images[result] += 1
        if "changed" in results:
            event.action = _action(event)
            changed.append(event)
    fresh = []
    for key, row in keys.items():
        action = known[key][0] if row.unanswered and key in known else row.action
        # That it still runs is known even where nothing else is.
        if (key in known or not row.unanswered) and known.get(key) != (action, today):
            fresh.append({"cluster": cluster, "key": key, "action": action, "seen_on": today})
    if fresh:
        await _put(connection, fresh)
    return Noted(await events.add(connection, changed, cluster, now), images)


def _action(event: AdmissionEventV1) -> Action:
    """Return the strictest of what was answered."""
    said = {row.action for row in event.images if not row.unanswered}
    return next(action for action in _STRICTEST_FIRST if action in said)


async def _compare(
    connection: AsyncConnection,
    cluster: str,
    event: AdmissionEventV1,
    row: ImageRowV1,
    known: Mapping[str, tuple[str, str]],
) -> Literal["changed", "same", "unanswered"]:
    if row.unanswered:
        return "unanswered"
    key = _key(event, row)
    if key in known:
        before, _ = known[key]
    else:
        before = await _admitted(connection, cluster, event, row)
    return "same" if before == row.action else "changed"


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Delete up to `limit` verdicts about what was last seen before `older_than`."""
    old = (
        select(running_verdicts.c.cluster, running_verdicts.c.key)
        .where(running_verdicts.c.seen_on < older_than[:DAY_CHARS])
        .limit(limit)
    )
    rows = (await connection.execute(old)).all()
    for row in rows:
        one = (running_verdicts.c.cluster == row.cluster, running_verdicts.c.key == row.key)
        await connection.execute(delete(running_verdicts).where(*one))
    return len(rows)


def _key(event: AdmissionEventV1, row: ImageRowV1) -> str:
    whole = [event.namespace, _workload(event), row.image.partition("@")[0], row.digest]
    return hashlib.sha256(msgspec.json.encode(whole)).hexdigest()


def _workload(event: AdmissionEventV1) -> str:
    return event.top_owner or f"{event.kind}/{event.name}"


async def _known(
    connection: AsyncConnection, cluster: str, keys: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """Return action and day of those of `keys` that were told of before."""
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        some = running_verdicts.c.key.in_(keys[start : start + _KEYS_PER_QUERY])
        query = select(running_verdicts).where(running_verdicts.c.cluster == cluster, some)
        rows = await connection.execute(query)
        found.update({row.key: (row.action, row.seen_on) for row in rows})
    return found


async def _admitted(
    connection: AsyncConnection, cluster: str, told: AdmissionEventV1, about: ImageRowV1
) -> str:
    """Return the action about the image when the workload was admitted."""
    image = about.image.partition("@")[0]
    query = (
        select(event_rows.c.body)
        .join(event_images, event_images.c.event_seq == event_rows.c.seq)
        .where(
            event_images.c.image.in_({key_text(about.image), key_text(image)}),
            event_rows.c.cluster == cluster,
            event_rows.c.namespace == told.namespace,
        )
        .order_by(event_images.c.event_seq.desc())
        .limit(ADMISSIONS_READ)
    )
    bodies = (await connection.execute(query)).scalars().all()
    for event in map(parse_event, (body.encode() for body in bodies)):
        if not _same_workload(event, told):
            continue
        for row in event.images:
            if row.image.partition("@")[0] == image and row.digest in ("", about.digest):
                return row.action
    return "allow"


def _same_workload(event: AdmissionEventV1, told: AdmissionEventV1) -> bool:
    if event.origin == "api-server" and event.action == "deny":
        return False  # that attempt does not run
    workloads = (_workload(told), f"{told.kind}/{told.name}")
    return event.origin != "direct" and _workload(event) in workloads


async def _put(connection: AsyncConnection, rows: list[dict[str, str]]) -> None:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    query = dialect.insert(running_verdicts)
    changes = {"action": query.excluded.action, "seen_on": query.excluded.seen_on}
    keys = [running_verdicts.c.cluster, running_verdicts.c.key]
    await connection.execute(query.on_conflict_do_update(index_elements=keys, set_=changes), rows)
