"""Admission events: stored once per cluster and id, read newest first or as they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import NotFoundError
from tidegate.hub.event_body import bounded, column_text, instant_of, search_text
from tidegate.hub.store.database import Turn, take_turn
from tidegate.hub.store.schema import event_images, events
from tidegate.wire.event_v1 import AdmissionEventV1, parse_event, render_event


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
    since: str = ""
    until: str = ""

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Return `query` with this filter."""
        for column, value in (
            (events.c.action, self.action),
            (events.c.cluster, self.cluster),
            (events.c.namespace, self.namespace),
        ):
            query = query.where(column == value) if value else query
        if self.rule:
            query = query.where(_has_image(event_images.c.rule == self.rule))
        if self.image:
            part = event_images.c.image.contains(self.image, autoescape=True)
            query = query.where(_has_image(part))
        if self.search:
            query = query.where(events.c.search.contains(self.search.lower(), autoescape=True))
        query = query.where(events.c.at >= self.since) if self.since else query
        return query.where(events.c.at < self.until) if self.until else query


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its places in both orders."""

    seq: int
    """Order of arrival."""
    at: str
    event: AdmissionEventV1


async def add(
    connection: AsyncConnection,
    batch: Sequence[AdmissionEventV1],
    cluster: str,
    now: datetime,
) -> int:
    """Store those of `batch` that are new from `cluster`; return how many."""
    kept = {event.id: bounded(event, cluster) for event in batch}
    if not kept:
        return 0
    await take_turn(connection, Turn.EVENTS)
    seqs = await _insert_new(
        connection,
        [
            {
                "cluster": cluster,
                "id": event.id,
                "at": instant_of(event, now),
                "action": event.action,
                "namespace": column_text(event.namespace),
                "search": search_text(event),
                "body": render_event(event).decode(),
            }
            for event in kept.values()
        ],
    )
    image_rows = [
        {
            "event_seq": seq,
            "position": position,
            "image": column_text(row.image),
            "rule": column_text(row.rule),
        }
        for event_id, seq in seqs.items()
        for position, row in enumerate(kept[event_id].images)
    ]
    if image_rows:
        await connection.execute(insert(event_images), image_rows)
    return len(seqs)


async def _insert_new(
    connection: AsyncConnection, rows: Sequence[dict[str, str]]
) -> dict[str, int]:
    """Insert the rows that are not there yet; return the places of those by their ids."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    query = dialect.insert(events).on_conflict_do_nothing().returning(events.c.id, events.c.seq)
    return {row.id: row.seq for row in await connection.execute(query, rows)}


async def page(
    connection: AsyncConnection, chosen: EventFilter, before: tuple[str, int] | None, limit: int
) -> list[StoredEvent]:
    """Return up to `limit` events, newest first, older than `before` (instant, seq)."""
    query = select(events).order_by(events.c.at.desc(), events.c.seq.desc()).limit(limit)
    if before is not None:
        at, seq = before
        older = or_(events.c.at < at, (events.c.at == at) & (events.c.seq < seq))
        query = query.where(events.c.at <= at, older)
    return await _fetch(connection, chosen.narrow(query))


async def arrived_after(
    connection: AsyncConnection, chosen: EventFilter, after: int, limit: int
) -> list[StoredEvent]:
    """Return up to `limit` events in the order of arrival, those after `after`."""
    query = select(events).where(events.c.seq > after).order_by(events.c.seq).limit(limit)
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
    query = select(events).where(events.c.id == event_id).order_by(events.c.seq).limit(1)
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
    rows = await connection.execute(query)
    return [StoredEvent(row.seq, row.at, parse_event(row.body.encode())) for row in rows]


def _has_image(condition: Any) -> Any:  # noqa: ANN401  # SQLAlchemy's boolean expressions
    return (
        select(event_images.c.event_seq)
        .where(event_images.c.event_seq == events.c.seq, condition)
        .exists()
    )
