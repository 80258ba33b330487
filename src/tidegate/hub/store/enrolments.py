"""One-time enrolment tokens: each bound to a cluster's name, good once, for a day.

A used one is kept, as its hash, for as long as its cluster: who comes with it again is either an
agent that lost its token or somebody who found the one-time token, and a person has to look.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.store import audit
from tidegate.hub.store.audit import Author
from tidegate.hub.store.schema import enrolments
from tidegate.hub.store.tokens import hash_of

ROLE = "enrolment"
"""What the audit log calls one who comes with a one-time token."""


async def add(
    connection: AsyncConnection, cluster: str, token: str, author: Author, expires_at: str
) -> None:
    """Make `token` the one with which `cluster` can be enrolled; an earlier one ends."""
    await connection.execute(
        delete(enrolments).where(enrolments.c.cluster == cluster, enrolments.c.used_at == "")
    )
    await connection.execute(
        insert(enrolments).values(
            hash=hash_of(token),
            cluster=cluster,
            created_at=author.at,
            created_by=author.name,
            expires_at=expires_at,
            used_at="",
            alarm="",
        )
    )


async def find(connection: AsyncConnection, token: str) -> Row[Any] | None:
    """Return the enrolment that `token` is for, None if none."""
    query = select(enrolments).where(enrolments.c.hash == hash_of(token))
    return (await connection.execute(query)).first()


async def use(connection: AsyncConnection, token: str, now: str) -> bool:
    """Use `token` up; False: it was used before, however shortly."""
    used = await connection.execute(
        update(enrolments)
        .where(enrolments.c.hash == hash_of(token), enrolments.c.used_at == "")
        .values(used_at=now)
    )
    return used.rowcount == 1


async def raise_alarm(
    connection: AsyncConnection, token: str, cluster: str, sentence: str, now: str
) -> None:
    """Keep an alarm about `cluster` until somebody acknowledges it."""
    await connection.execute(
        update(enrolments).where(enrolments.c.hash == hash_of(token)).values(alarm=sentence)
    )
    author = Author(f"enrolment:{cluster}", ROLE, now)
    await audit.record(
        connection, author, "cluster.enrol.refused", f"cluster/{cluster}", after=sentence
    )


async def acknowledge(connection: AsyncConnection, cluster: str, author: Author) -> None:
    """Take the alarms about `cluster` for looked into."""
    before = (await alarms(connection, [cluster])).get(cluster, [])
    if not before:
        return
    await connection.execute(
        update(enrolments).where(enrolments.c.cluster == cluster).values(alarm="")
    )
    await audit.record(
        connection, author, "cluster.alarms.acknowledge", f"cluster/{cluster}", before=before
    )


def is_alarmed(cluster: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that there are alarms about a cluster; seldom there are."""
    return (
        select(enrolments.c.hash)
        .where(enrolments.c.cluster == cluster, enrolments.c.alarm != "")
        .exists()
    )


async def alarms(connection: AsyncConnection, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the alarms about these clusters, by name."""
    query = (
        select(enrolments.c.cluster, enrolments.c.alarm)
        .where(enrolments.c.cluster.in_(names), enrolments.c.alarm != "")
        .order_by(enrolments.c.created_at)
    )
    found: dict[str, list[str]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.cluster, []).append(row.alarm)
    return found
