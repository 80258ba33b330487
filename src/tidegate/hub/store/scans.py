"""The history of scans: what each said, also after a later one said otherwise."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.store.schema import scans
from tidegate.wire.hub_data_v1 import ScanRecordV1
from tidegate.wire.hub_v1 import PlatformReportV1

MAX_SHOWN = 50

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
        await connection.execute(insert(scans), rows)


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
