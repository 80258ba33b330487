"""The audit log: every change with who, when, what was there and what is there now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import NotFoundError
from tidegate.hub.event_body import column_text
from tidegate.hub.store.schema import audit
from tidegate.wire.hub_v1 import AuditEntryV1


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and when."""

    name: str
    role: str
    at: str
    """Instant of the request, UTC."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What a reader wants to see; empty fields do not restrict."""

    actor: str = ""
    action: str = ""
    target: str = ""
    """Whole, `rule/4f28…`, or what stands before its slash: `rule`."""
    search: str = ""
    """Part of who, what or target, or of what was there before and after; case does not matter."""
    since: str = ""
    until: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what must hold of an entry."""
        found: list[ColumnElement[bool]] = []
        if self.actor:
            found.append(audit.c.actor == column_text(self.actor))
        if self.action:
            found.append(audit.c.action == column_text(self.action))
        if self.target:
            target = column_text(self.target)
            below = audit.c.target.startswith(f"{target}/", autoescape=True)
            found.append(or_(audit.c.target == target, below))
        if self.search:
            text = column_text(self.search)
            columns = (audit.c.actor, audit.c.action, audit.c.target, audit.c.before, audit.c.after)
            found.append(or_(*(column.icontains(text, autoescape=True) for column in columns)))
        if self.since:
            found.append(audit.c.at >= self.since)
        if self.until:
            found.append(audit.c.at < self.until)
        return found


async def record(
    connection: AsyncConnection,
    author: Author,
    action: str,
    target: str,
    *,
    before: object = None,
    after: object = None,
) -> None:
    """Append a change; part of the transaction that makes it."""
    await connection.execute(
        insert(audit).values(
            at=author.at,
            actor=author.name,
            role=author.role,
            action=action,
            target=target,
            before=_text(before),
            after=_text(after),
        )
    )


async def page(
    connection: AsyncConnection, chosen: AuditFilter, below: int | None, limit: int
) -> list[AuditEntryV1]:
    """Return up to `limit` entries that match, newest first, older than the entry `below`."""
    query = select(audit).where(*chosen.conditions()).order_by(audit.c.seq.desc()).limit(limit)
    if below is not None:
        query = query.where(audit.c.seq < below)
    return [_entry(row) for row in await connection.execute(query)]


async def load(connection: AsyncConnection, entry_id: str) -> AuditEntryV1:
    """Return the entry of this id.

    Raises:
        NotFoundError: there is none.
    """
    place = place_of(entry_id)
    if place is not None:
        row = (await connection.execute(select(audit).where(audit.c.seq == place))).first()
        if row is not None:
            return _entry(row)
    raise NotFoundError(f"there is no entry {entry_id!r} in the audit log")


def place_of(text: str) -> int | None:
    """Return the place of an entry that `text` names, None where it can be no entry's."""
    # Databases count rows in 64 bits, and refuse to compare them with more.
    plain = text.isascii() and text.isdecimal() and len(text) < len(str(2**63))
    return int(text) if plain else None


async def last_of(connection: AsyncConnection, actions: Sequence[str]) -> int:
    """Return the place of the newest entry of any of `actions`, 0 where there is none."""
    # One seek into the index for each; a list of them would be read from end to end.
    newest = [
        select(func.max(audit.c.seq)).where(audit.c.action == action).scalar_subquery()
        for action in actions
    ]
    places = (await connection.execute(select(*newest))).one()
    return max((place for place in places if place is not None), default=0)


async def entries_after(
    connection: AsyncConnection, actions: Sequence[str], after: int, limit: int
) -> list[AuditEntryV1]:
    """Return up to `limit` entries of `actions` that came after the entry `after`, oldest first."""
    query = select(audit).where(audit.c.action.in_(actions), audit.c.seq > after)
    rows = await connection.execute(query.order_by(audit.c.seq).limit(limit))
    return [_entry(row) for row in rows]


async def states_of(connection: AsyncConnection, target: str, limit: int) -> list[Any]:
    """Return what `target` was after each of its last `limit` changes, newest first."""
    query = (
        select(audit.c.after)
        .where(audit.c.target == target, audit.c.after.is_not(None))
        .order_by(audit.c.seq.desc())
        .limit(limit)
    )
    return [_value(text) for text in (await connection.execute(query)).scalars()]


def _entry(row: Row[Any]) -> AuditEntryV1:
    return AuditEntryV1(
        id=str(row.seq),
        at=row.at,
        actor=row.actor,
        role=row.role,
        action=row.action,
        target=row.target,
        before=_value(row.before),
        after=_value(row.after),
    )


def _text(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _value(text: str | None) -> Any:  # noqa: ANN401  # whatever JSON was recorded
    return None if text is None else msgspec.json.decode(text)
