"""When reports are renewed although nothing changed: before gates take them for too old, or asked.

A report is renewed at half of the smallest `maximumVaFileAge` that an enabled rule has (PRODUCT,
"The findings artifact"). Reports made on one day are not all renewed on one: each image has its own
instant within the last fifth of that time. Somebody who takes an evidence key out of use asks for
all that are older than the new key.
"""

from datetime import datetime, timedelta

from pyroaring import BitMap
from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.clock import parse_instant, render_instant
from tidegate.hub.store import due, organisation, rules
from tidegate.hub.store.due import Due
from tidegate.hub.store.schema import images, jobs
from tidegate.wire.policy_times import parse_duration
from tidegate.wire.rematch_v1 import RenewalV1

EARLIEST = 0.8
"""Share of the half age at which the first of a day's reports are renewed."""

_SPREAD = 2**32
_GOLDEN = 2654435769
"""Odd, near 2**32 divided by the golden ratio: neighbouring rows come to lie far apart."""


async def age(connection: AsyncConnection) -> timedelta:
    """Return the age from which reports are renewed: the earliest of any image."""
    return await _half(connection) * EARLIEST


async def add_old(connection: AsyncConnection, now: datetime) -> int:
    """Let images whose reports have grown old wait to be matched again; return how many."""
    if (await organisation.load(connection)).settings.security_findings == "Off":
        return 0  # nothing would be attached, and all of them would be due for ever
    half = await _half(connection)
    oldest_first = (
        select(images.c.id, images.c.reported_at, images.c.rematchable)
        .where(
            images.c.reported_at != "",
            images.c.reported_at <= render_instant(now - half * EARLIEST),
            images.c.status == "scanned",
        )
        .order_by(images.c.reported_at)
    )
    found = {True: BitMap(), False: BitMap()}
    for row in await connection.execute(oldest_first):
        reported_at = parse_instant(row.reported_at)
        if reported_at is not None and now - reported_at >= half * _share(row.id):
            found[row.rematchable].add(row.id)
    found[True] -= await due.load(connection, Due.ATTACH)  # matched; only the report is to come
    added = await due.add(connection, Due.REMATCH, found[True])
    return added + await due.add(connection, Due.SCAN, found[False])


async def add_before(connection: AsyncConnection, before: datetime) -> RenewalV1:
    """Let images with reports of scans before an instant wait for new ones.

    Whose key signed a report, the hub does not know; when it was made, it does.
    """
    meant = select(images.c.id, images.c.rematchable).where(
        images.c.reported_at != "",
        images.c.reported_at < render_instant(before),
        images.c.status == "scanned",
    )
    found = {True: BitMap(), False: BitMap()}
    for row in await connection.execute(meant):
        found[row.rematchable].add(row.id)
    # Of these the report is to come already: who asks how far it is must not start it anew.
    under_way = await due.load(connection, Due.ATTACH) | await _with_jobs(connection)
    found = {rematchable: ids - under_way for rematchable, ids in found.items()}
    added = await due.add(connection, Due.REMATCH, found[True])
    added += await due.add(connection, Due.SCAN, found[False])
    return RenewalV1(await count_before(connection, before), added)


async def count_before(connection: AsyncConnection, before: datetime) -> int:
    """Return how many images have a report of a scan before an instant."""
    meant = select(func.count()).where(
        images.c.reported_at != "", images.c.reported_at < render_instant(before)
    )
    return int((await connection.execute(meant)).scalar_one())


async def _with_jobs(connection: AsyncConnection) -> BitMap:
    same = and_(
        images.c.registry == jobs.c.registry,
        images.c.repository == jobs.c.repository,
        images.c.digest == jobs.c.digest,
    )
    query = select(images.c.id).join(jobs, same).where(jobs.c.state.in_(("queued", "leased")))
    return BitMap((await connection.execute(query)).scalars())


def _share(image_id: int) -> float:
    """Return the share of the half age after which an image is renewed: always the same."""
    return EARLIEST + (1 - EARLIEST) * (image_id * _GOLDEN % _SPREAD) / _SPREAD


async def _half(connection: AsyncConnection) -> timedelta:
    enabled = [rule.entry for rule in await rules.load_all(connection) if rule.entry.enabled]
    ages = [parse_duration(entry.configuration.maximum_va_file_age) for entry in enabled]
    return min(ages, default=timedelta(days=365)) / 2
