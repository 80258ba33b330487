"""The advisories that count, and how far every package has been matched by them.

Workers say what state their advisories are in. The newest state counts; the worker that brings one
says which package names it touches, or that all may be. Those packages are handed out a page at a
time under a lease, matched once each, and the images of those of which advisories say something new
become due. The place where to go on is stored with each page's results: a killed worker's page is
taken up again, and nothing is skipped.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError
from tidegate.hub.clock import render_instant
from tidegate.hub.packed import pack_json, unpack_json
from tidegate.hub.store import due, packages
from tidegate.hub.store.due import Due
from tidegate.hub.store.image_sets import images_with
from tidegate.hub.store.schema import advisory_pass, advisory_workers
from tidegate.hub.store.schema import packages as package_rows
from tidegate.hub.store.tokens import hash_of
from tidegate.hub.store.workers import HEARD_OF
from tidegate.wire.rematch_v1 import (
    AdvisoriesToldV1,
    DistinctPackageV1,
    PackagePageV1,
    RematchStatusV1,
    Standing,
)

PAGE_PACKAGES = 2000
"""Packages in a page; matching them takes about a second."""

MAX_NAMES_AT_ONCE = 500
MAX_NAMES = 100_000
"""Names of one pass; of more, all packages are looked at."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker is answered."""

    standing: Standing
    began: bool = False
    """A pass begins."""


async def tell(
    connection: AsyncConnection, worker: str, told: AdvisoriesToldV1, now: datetime
) -> Told:
    """Take note of the state of a worker's advisories, and begin a pass where it is a new one."""
    await _note_worker(connection, worker, told.state, now)
    row = await _row(connection)
    if row.state == told.state:
        return Told("current")
    if told.rank <= row.rank and await _is_alive(connection, row.state, now):
        return Told("superseded")
    names = None if told.names is None or told.since != row.state else frozenset(told.names)
    if not row.finished_at and row.state and names is not None:
        # The pass before has not ended: what it was to look at is still to be looked at.
        names = None if row.names is None else names | set(unpack_json(row.names, list[str]))
    if names is not None and len(names) > MAX_NAMES:
        names = None
    await due.add_unmatchable(connection)
    instant = render_instant(now)
    await connection.execute(
        update(advisory_pass).values(
            state=told.state,
            rank=told.rank,
            names=None if names is None else pack_json(sorted(names)),
            **_EMPTY_PLACES,
            started_at=instant,
            finished_at="",
            matched=0,
            changed=0,
            affected=0,
        )
    )
    return Told("current", began=True)


async def current_state(connection: AsyncConnection) -> str:
    """Return the state of the advisories that count; empty: no worker has told."""
    return str((await connection.execute(select(advisory_pass.c.state))).scalar_one())


async def counts(connection: AsyncConnection, state: str) -> bool:
    """Whether what is said by advisories in `state` is what counts."""
    return bool(state) and state == await current_state(connection)


async def lease_page(
    connection: AsyncConnection, state: str, lease_s: float, now: datetime
) -> PackagePageV1 | None:
    """Return the next packages to match by the advisories in `state`; None: nothing to be done."""
    row = await _row(connection)
    out = row.lease_expires_at > render_instant(now)
    if not state or row.state != state or row.finished_at or out:
        return None
    found = await _next_packages(connection, row)
    if not found:
        await connection.execute(
            update(advisory_pass).values(finished_at=render_instant(now), **_EMPTY_PLACES)
        )
        return None
    secret = secrets.token_urlsafe(32)
    last = found[-1]
    await connection.execute(
        update(advisory_pass).values(
            until_name=last.name,
            until_id=last.id,
            lease_hash=hash_of(secret),
            lease_expires_at=render_instant(now + timedelta(seconds=lease_s)),
        )
    )
    return PackagePageV1(
        secret, [DistinctPackageV1(r.id, r.name, r.version, r.ecosystem, r.module) for r in found]
    )


async def take_page(
    connection: AsyncConnection, secret: str, said: Iterable[tuple[int, str]]
) -> int:
    """Keep what advisories say of a page's packages; return how many images became due.

    The caller has `Turn.PACKAGES`.

    Raises:
        ConflictError: the page is another worker's by now, or the advisories are others.
    """
    row = await _row(connection)
    if not row.lease_hash or not secrets.compare_digest(row.lease_hash, hash_of(secret)):
        raise ConflictError(
            "this page of packages is not leased to you any more; drop it and ask for another"
        )
    given = list(said)
    changed = await packages.set_opinions(connection, given)
    affected = await images_with(connection, changed)
    await due.add(connection, Due.REMATCH, affected)
    await connection.execute(
        update(advisory_pass).values(
            after_name=row.until_name,
            after_id=row.until_id,
            lease_hash="",
            lease_expires_at="",
            matched=row.matched + len(given),
            changed=row.changed + len(changed),
            affected=row.affected + len(affected),
        )
    )
    return len(affected)


def packages_after(name: str, row_id: int) -> Select[*tuple[Any, ...]]:
    """Return the query for the page of packages after a place."""
    c = package_rows.c
    # As one comparison of rows, which both databases begin in the index; with OR they read it all.
    later = tuple_(c.name, c.id) > tuple_(name, row_id)
    shown = (c.id, c.name, c.version, c.ecosystem, c.module)
    return select(*shown).where(later).order_by(c.name, c.id).limit(PAGE_PACKAGES)


async def status(connection: AsyncConnection) -> RematchStatusV1:
    """Return how far matching again is."""
    row = (await connection.execute(select(advisory_pass))).one()
    return RematchStatusV1(
        state=row.state,
        started_at=row.started_at,
        finished_at=row.finished_at,
        whole=row.names is None,
        packages_matched=row.matched,
        packages_changed=row.changed,
        images_affected=row.affected,
        images_due=len(await due.load(connection, Due.REMATCH)),
        images_to_scan=len(await due.load(connection, Due.SCAN)),
        images_to_attach=len(await due.load(connection, Due.ATTACH)),
        images_to_retry=len(await due.load(connection, Due.LATER)),
    )


_EMPTY_PLACES: dict[str, Any] = {
    "after_name": "",
    "after_id": 0,
    "until_name": "",
    "until_id": 0,
    "lease_hash": "",
    "lease_expires_at": "",
}


async def _row(connection: AsyncConnection) -> Row[Any]:
    return (await connection.execute(select(advisory_pass).with_for_update())).one()


async def _next_packages(
    connection: AsyncConnection, row: Row[Any]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the next packages after the place where the last page ended, by name."""
    query = packages_after(row.after_name, row.after_id)
    if row.names is None:
        return (await connection.execute(query)).all()
    names = [n for n in unpack_json(row.names, list[str]) if n >= row.after_name]
    for start in range(0, len(names), MAX_NAMES_AT_ONCE):
        step = names[start : start + MAX_NAMES_AT_ONCE]
        named = query.where(package_rows.c.name.in_(step))
        if found := (await connection.execute(named)).all():
            return found
    return []


async def _note_worker(connection: AsyncConnection, worker: str, state: str, now: datetime) -> None:
    values = {"state": state, "told_at": render_instant(now)}
    known = update(advisory_workers).where(advisory_workers.c.name == worker).values(values)
    if not (await connection.execute(known)).rowcount:
        await connection.execute(insert(advisory_workers).values(name=worker, **values))


async def _is_alive(connection: AsyncConnection, state: str, now: datetime) -> bool:
    """Whether a worker that was heard of lately has this state."""
    query = select(advisory_workers.c.name).where(
        advisory_workers.c.state == state,
        advisory_workers.c.told_at >= render_instant(now - HEARD_OF),
    )
    return (await connection.execute(query.limit(1))).first() is not None
