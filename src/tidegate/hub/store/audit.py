"""The audit log: every change with who, when, what was there and what is there now."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.store.schema import audit
from tidegate.wire.hub_v1 import AuditEntryV1


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and when."""

    name: str
    role: str
    at: str
    """Instant of the request, UTC."""


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


async def page(connection: AsyncConnection, below: int | None, limit: int) -> list[AuditEntryV1]:
    """Return up to `limit` entries, newest first, older than the entry `below`."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if below is not None:
        query = query.where(audit.c.seq < below)
    rows = await connection.execute(query)
    return [
        AuditEntryV1(
            id=str(row.seq),
            at=row.at,
            actor=row.actor,
            role=row.role,
            action=row.action,
            target=row.target,
            before=_value(row.before),
            after=_value(row.after),
        )
        for row in rows
    ]


async def states_of(connection: AsyncConnection, target: str, limit: int) -> list[Any]:
    """Return what `target` was after each of its last `limit` changes, newest first."""
    query = (
        select(audit.c.after)
        .where(audit.c.target == target, audit.c.after.is_not(None))
        .order_by(audit.c.seq.desc())
        .limit(limit)
    )
    return [_value(text) for text in (await connection.execute(query)).scalars()]


def _text(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _value(text: str | None) -> Any:  # noqa: ANN401  # whatever JSON was recorded
    return None if text is None else msgspec.json.decode(text)
