"""Retries as one row: events of the same cluster, owner, images, rules and action within an hour.

A group is chosen as an event is stored, so that listing groups costs no more than listing events.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Text, delete, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.clock import render_instant
from tidegate.hub.store.schema import event_groups
from tidegate.wire.event_v1 import AdmissionEventV1

SPAN = timedelta(hours=1)

_KEYS_PER_QUERY = 500


@dataclass(slots=True)
class Group:
    """A group as it will be stored."""

    id: str
    key: str
    first_at: str
    last_at: str
    count: int = 0
    last_seq: int = 0
    last_event: str = ""
    """Id of the newest event, where it is of this batch."""
    is_new: bool = True

    def takes(self, at: str) -> bool:
        """Whether an event of this instant is within an hour of all others."""
        first, last = min(self.first_at, at), max(self.last_at, at)
        return datetime.fromisoformat(last) - datetime.fromisoformat(first) < SPAN

    def take(self, event_id: str, at: str) -> None:
        """Count an event."""
        if at >= self.last_at:
            self.last_at, self.last_event = at, event_id
        self.first_at = min(self.first_at, at)
        self.count += 1


def key_of(event: AdmissionEventV1) -> str:
    """Return what all events of a group share."""
    owner = event.top_owner or f"{event.kind}/{event.name}"
    rows = sorted([row.digest or row.image, row.rule, row.action] for row in event.images)
    whole: list[object] = [event.cluster, event.namespace, owner, event.action, rows]
    if event.origin == "rejudged":  # no attempt of anybody's
        whole.append(event.origin)
    return hashlib.sha256(msgspec.json.encode(whole)).hexdigest()


async def assign(
    connection: AsyncConnection, batch: Sequence[tuple[AdmissionEventV1, str]]
) -> dict[str, Group]:
    """Return the group of each event (with its instant), by the event's id."""
    keys = {event.id: key_of(event) for event, _ in batch}
    oldest = min(at for _, at in batch)
    known = await _near(connection, sorted(set(keys.values())), oldest)
    chosen: dict[str, Group] = {}
    for event, at in sorted(batch, key=lambda pair: pair[1]):
        key = keys[event.id]
        candidates = known.setdefault(key, [])
        group = next((g for g in reversed(candidates) if g.takes(at)), None)
        if group is None:
            group = Group(uuid.uuid4().hex, key, at, at)
            candidates.append(group)
        group.take(event.id, at)
        chosen[event.id] = group
    return chosen


async def store(
    connection: AsyncConnection, chosen: dict[str, Group], seqs: dict[str, int]
) -> None:
    """Write the groups of a batch whose events are stored."""
    groups = {group.id: group for group in chosen.values()}.values()
    for group in groups:
        group.last_seq = seqs.get(group.last_event, group.last_seq)
    new = [_values(group) for group in groups if group.is_new]
    if new:
        await connection.execute(insert(event_groups), new)
    for group in groups:
        if not group.is_new:
            row = event_groups.c.id == group.id
            await connection.execute(update(event_groups).where(row).values(_values(group)))


async def page(
    connection: AsyncConnection,
    having: ColumnElement[bool] | None,
    span: tuple[str, str],
    before: tuple[str, str] | None,
    limit: int,
) -> list[Group]:
    """Return up to `limit` groups, last touched first, with an event for which `having` holds.

    `span` (since, until): those with an event of this time; empty ends are open.
    """
    query = select(event_groups).order_by(event_groups.c.last_at.desc(), event_groups.c.id.desc())
    since, until = span
    query = query.where(event_groups.c.last_at >= since) if since else query
    query = query.where(event_groups.c.first_at < until) if until else query
    if having is not None:
        query = query.where(having)
    if before is not None:
        at, group_id = before
        same = (event_groups.c.last_at == at) & (event_groups.c.id < group_id)
        query = query.where(event_groups.c.last_at <= at, or_(event_groups.c.last_at < at, same))
    return [_group(row) for row in await connection.execute(query.limit(limit))]


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Delete up to `limit` groups whose last event is from before `older_than`."""
    old = select(event_groups.c.id).where(event_groups.c.last_at < older_than).limit(limit)
    gone = delete(event_groups).where(event_groups.c.id.in_(old))
    return (await connection.execute(gone)).rowcount


async def _near(
    connection: AsyncConnection, keys: Sequence[str], oldest: str
) -> dict[str, list[Group]]:
    since = render_instant(datetime.fromisoformat(oldest) - SPAN)
    found: dict[str, list[Group]] = {}
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        some = keys[start : start + _KEYS_PER_QUERY]
        query = (
            select(event_groups)
            .where(_is_one_of(connection, some), event_groups.c.last_at >= since)
            .order_by(event_groups.c.last_at)
        )
        for row in await connection.execute(query):
            found.setdefault(row.key, []).append(_group(row))
    return found


def _is_one_of(connection: AsyncConnection, keys: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a group has one of these keys.

    As one array where the database has them: one statement to prepare, however many keys.
    """
    if connection.dialect.name == "postgresql":
        return event_groups.c.key == func.any(literal(keys, ARRAY(Text)))
    return event_groups.c.key.in_(keys)


def _group(row: Any) -> Group:  # noqa: ANN401  # a row of the table
    return Group(
        id=row.id,
        key=row.key,
        first_at=row.first_at,
        last_at=row.last_at,
        count=row.count,
        last_seq=row.last_seq,
        is_new=False,
    )


def _values(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "key": group.key,
        "first_at": group.first_at,
        "last_at": group.last_at,
        "last_seq": group.last_seq,
        "count": group.count,
    }
