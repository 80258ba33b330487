"""Admission events: stored once per cluster and id, read newest first or as they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import NotFoundError
from tidegate.hub.event_body import bounded, column_text, instant_of, key_text, search_text
from tidegate.hub.store import event_groups, event_tallies
from tidegate.hub.store.event_groups import Group
from tidegate.hub.store.schema import event_groups as group_rows
from tidegate.hub.store.schema import event_images, events
from tidegate.wire.event_v1 import AdmissionEventV1, parse_event, render_event

_STORED = select(events.c.seq, events.c.at, events.c.body)
_NEWEST = _STORED.order_by(events.c.at.desc(), events.c.seq.desc())

MAX_REASON_CHARS = 64
MAX_DIGEST_CHARS = 160


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a reader wants to see; empty fields do not restrict."""

    action: str = ""
    cluster: str = ""
    namespace: str = ""
    rule: str = ""
    image: str = ""
    """Part of the reference."""
    search: str = ""
    """Part of any name, image, digest, rule, user or vulnerability id; case does not matter."""
    kind: str = ""
    user: str = ""
    reason: str = ""
    """Of any of its images."""
    origin: str = ""
    since: str = ""
    until: str = ""

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Return `query` with this filter."""
        query = query.where(*self.conditions())
        query = query.where(events.c.at >= self.since) if self.since else query
        return query.where(events.c.at < self.until) if self.until else query

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what must hold of an event, its time apart."""
        found: list[ColumnElement[bool]] = [
            column == column_text(value)
            for column, value in (
                (events.c.action, self.action),
                (events.c.cluster, self.cluster),
                (events.c.namespace, self.namespace),
                (events.c.kind, self.kind),
                (events.c.subject_user, self.user),
                (events.c.origin, self.origin),
            )
            if value
        ]
        if self.rule:
            found.append(_has_image(event_images.c.rule == key_text(self.rule)))
        if self.reason:
            found.append(_has_image(event_images.c.reason == column_text(self.reason)))
        if self.image:
            part = event_images.c.image.contains(column_text(self.image), autoescape=True)
            found.append(_has_image(part))
        if self.search:
            text = column_text(self.search.lower())
            found.append(events.c.search.contains(text, autoescape=True))
        return found


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its places in both orders."""

    seq: int
    """Order of arrival."""
    at: str
    body: bytes
    """As `render_event` wrote it: lists and streams pass it on without reading it."""

    @property
    def event(self) -> AdmissionEventV1:
        """The event, read anew."""
        return parse_event(self.body)


async def add(
    connection: AsyncConnection,
    batch: Sequence[AdmissionEventV1],
    cluster: str,
    now: datetime,
) -> int:
    """Store those of `batch` that are new from `cluster`; return how many.

    The caller has the turn of events: places are given in the order in which they can be seen.
    """
    kept = {event.id: bounded(event, cluster) for event in batch}
    if not kept:
        return 0
    timed = [(event, instant_of(event, now)) for event in kept.values()]
    groups, seqs = await _insert_new(connection, cluster, timed)
    if 0 < len(seqs) < len(timed):
        # Some came before and count in their groups already: once more, without them. Seldom, so
        # that is not asked beforehand.
        mine = (events.c.cluster == cluster) & (events.c.seq >= min(seqs.values()))
        await connection.execute(delete(events).where(mine))
        timed = [(event, at) for event, at in timed if event.id in seqs]
        groups, seqs = await _insert_new(connection, cluster, timed)
    if not seqs:
        return 0
    await event_groups.store(connection, groups, seqs)
    await event_tallies.add(connection, timed)
    image_rows = [
        {
            "event_seq": seq,
            "position": position,
            "image": key_text(row.image),
            "rule": key_text(row.rule),
            "reason": column_text(row.reason)[:MAX_REASON_CHARS],
            "digest": column_text(row.digest)[:MAX_DIGEST_CHARS],
        }
        for event_id, seq in seqs.items()
        for position, row in enumerate(kept[event_id].images)
    ]
    if image_rows:
        await connection.execute(insert(event_images), image_rows)
    return len(seqs)


async def _insert_new(
    connection: AsyncConnection, cluster: str, timed: Sequence[tuple[AdmissionEventV1, str]]
) -> tuple[dict[str, Group], dict[str, int]]:
    """Insert those that are not there yet, each in its group.

    Return the groups of all by their events' ids, and the places of those that were inserted.
    """
    groups = await event_groups.assign(connection, timed)
    rows = [
        {
            "cluster": cluster,
            "id": event.id,
            "at": at,
            "action": event.action,
            "namespace": column_text(event.namespace),
            "kind": column_text(event.kind),
            "subject_user": column_text(event.user),
            "group_id": groups[event.id].id,
            "origin": event.origin,
            "search": search_text(event),
            "body": render_event(event).decode(),
        }
        for event, at in timed
    ]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    query = dialect.insert(events).on_conflict_do_nothing().returning(events.c.id, events.c.seq)
    inserted = await connection.execute(query, rows)
    return groups, {row.id: row.seq for row in inserted}


async def page(
    connection: AsyncConnection, chosen: EventFilter, before: tuple[str, int] | None, limit: int
) -> list[StoredEvent]:
    """Return up to `limit` events, newest first, older than `before` (instant, seq)."""
    query = _NEWEST.limit(limit)
    if before is not None:
        at, seq = before
        older = or_(events.c.at < at, (events.c.at == at) & (events.c.seq < seq))
        query = query.where(events.c.at <= at, older)
    return await _fetch(connection, chosen.narrow(query))


async def page_of_groups(
    connection: AsyncConnection, chosen: EventFilter, before: tuple[str, str] | None, limit: int
) -> list[tuple[Group, AdmissionEventV1]]:
    """Return up to `limit` groups with their newest events, last touched first.

    A group is there when any of its events matches the filter, and is counted whole.
    """
    conditions = chosen.conditions()
    having = (
        select(events.c.seq).where(events.c.group_id == group_rows.c.id, *conditions).exists()
        if conditions
        else None
    )
    span = (chosen.since, chosen.until)
    groups = await event_groups.page(connection, having, span, before, limit)
    newest = _STORED.where(events.c.seq.in_([group.last_seq for group in groups]))
    found = {stored.seq: stored.event for stored in await _fetch(connection, newest)}
    return [(group, found[group.last_seq]) for group in groups if group.last_seq in found]


async def arrived_after(
    connection: AsyncConnection, chosen: EventFilter, after: int, limit: int
) -> list[StoredEvent]:
    """Return up to `limit` events in the order of arrival, those after `after`."""
    query = _STORED.where(events.c.seq > after).order_by(events.c.seq).limit(limit)
    return await _fetch(connection, chosen.narrow(query))


async def last_seq(connection: AsyncConnection) -> int:
    """Return the place of the newest arrival, 0 where there is none."""
    query = select(func.coalesce(func.max(events.c.seq), 0))
    return int((await connection.execute(query)).scalar_one())


async def load(connection: AsyncConnection, event_id: str, cluster: str) -> AdmissionEventV1:
    """Return the event of this id, of the first cluster that sent one where none is named.

    Raises:
        NotFoundError: there is none.
    """
    query = _STORED.where(events.c.id == event_id).order_by(events.c.seq).limit(1)
    found = await _fetch(connection, EventFilter(cluster=cluster).narrow(query))
    if not found:
        raise NotFoundError(
            f"there is no event with id {event_id!r}; it may be older than the hub keeps events"
        )
    return found[0].event


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Delete up to `limit` events from before `older_than`; return how many."""
    oldest = select(events.c.seq).where(events.c.at < older_than).order_by(events.c.at).limit(limit)
    return (await connection.execute(delete(events).where(events.c.seq.in_(oldest)))).rowcount


async def _fetch(connection: AsyncConnection, query: Select[Any]) -> list[StoredEvent]:
    rows = (await connection.execute(query)).all()
    return [StoredEvent(seq, at, body.encode()) for seq, at, body in rows]


def _has_image(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        select(event_images.c.event_seq)
        .where(event_images.c.event_seq == events.c.seq, condition)
        .exists()
    )
