"""The history of scans: what each said, also after a later one said otherwise."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.store.database import Turn, take_turn
from tidegate.hub.store.schema import images, scans
from tidegate.wire.hub_data_v1 import RenewalsV1, RenewedImageV1, ScanRecordV1
from tidegate.wire.hub_v1 import PlatformReportV1

MAX_SHOWN = 50
MAX_RENEWALS = 500
"""Scans told of at once; who is further behind asks again at once."""

_RECORD = msgspec.json.Decoder(ScanRecordV1)


async def add(
    connection: AsyncConnection, image_id: int, reports: Sequence[PlatformReportV1], now: str
) -> None:
    """Keep what a scan of an image said, a row a platform."""
    records = [
        ScanRecordV1(
            scanned_at=report.scanned_at,
            scanner=report.scanner,
            platform=report.platform,
            digest=report.digest,
            counts=report.counts,
            complete=report.complete,
            artifact=report.artifact,
        )
        for report in reports
    ]
    rows = [
        {"image_id": image_id, "recorded_at": now, "body": msgspec.json.encode(record).decode()}
        for record in records
    ]
    if rows:
        # Ids are given in the order in which they can be seen: who follows them misses none.
        await take_turn(connection, Turn.IMAGES)
        await connection.execute(insert(scans), rows)


async def renewals(connection: AsyncConnection, after: int) -> RenewalsV1:
    """Return the images scanned after the scan `after`; `everything` where that is not known."""
    bounds = select(func.coalesce(func.min(scans.c.id), 0), func.coalesce(func.max(scans.c.id), 0))
    oldest, newest = (await connection.execute(bounds)).one()
    if not oldest - 1 <= after <= newest:
        return RenewalsV1(newest, everything=True)
    query = (
        select(scans.c.id, scans.c.body, images.c.registry, images.c.repository, images.c.digest)
        .join(images, images.c.id == scans.c.image_id)
        .where(scans.c.id > after)
        .order_by(scans.c.id)
        .limit(MAX_RENEWALS)
    )
    rows = (await connection.execute(query)).all()
    found: dict[tuple[str, str, str], set[str]] = {}
    for row in rows:
        digests = found.setdefault((row.registry, row.repository, row.digest), {row.digest})
        digests.add(_RECORD.decode(row.body).digest)
    return RenewalsV1(
        rows[-1].id if rows else after,
        [RenewedImageV1(*image[:2], sorted(digests)) for image, digests in found.items()],
    )


async def of_image(connection: AsyncConnection, image_id: int, digest: str) -> list[ScanRecordV1]:
    """Return the newest scans of an image, of its platform `digest` alone where one is named."""
    query = select(scans.c.body).where(scans.c.image_id == image_id).order_by(scans.c.id.desc())
    rows = await connection.execute(query.limit(MAX_SHOWN * 10 if digest else MAX_SHOWN))
    found = [_RECORD.decode(body) for body in rows.scalars()]
    return [record for record in found if not digest or record.digest == digest][:MAX_SHOWN]


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Delete up to `limit` scans recorded before `older_than`."""
    old = select(scans.c.id).where(scans.c.recorded_at < older_than).limit(limit)
    return (await connection.execute(delete(scans).where(scans.c.id.in_(old)))).rowcount
