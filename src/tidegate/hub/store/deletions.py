"""What a registry tells was deleted, and whose reports that concerns.

An event is its registry's word. All that follows from one is that a worker looks again: an image
that is gone loses its rows in the feed, a report that is gone gets a new one in its place.
"""

from collections.abc import AsyncIterator, Collection

from pyroaring import BitMap
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.store import due
from tidegate.hub.store.due import Due
from tidegate.hub.store.images import Subject, decode_reports
from tidegate.hub.store.schema import images

PAGE_IMAGES = 500


async def look_again(connection: AsyncConnection, gone: Collection[Subject]) -> set[Subject]:
    """Let workers look at the images that have to do with what is gone; return what of it does.

    Whoever calls this has `Turn.PACKAGES`, as all who let images wait.
    """
    digests: dict[tuple[str, str], set[str]] = {}
    for each in gone:
        digests.setdefault((each.registry, each.repository), set()).add(each.digest)
    rematch, scan = BitMap(), BitMap()
    concerned = set[Subject]()
    for place, wanted in digests.items():
        # One look at the repository, however many events there are.
        async for row in _images_in(connection, *place):
            reports = decode_reports(row.reports)
            manifests = wanted & {row.digest, *(report.digest for report in reports)}
            artifacts = wanted & {report.artifact for report in reports}
            if manifests or (artifacts and not row.rematchable):
                scan.add(row.id)
            elif artifacts:
                rematch.add(row.id)
            concerned |= {Subject(*place, each) for each in manifests | artifacts}
    await due.add(connection, Due.REMATCH, rematch)
    await due.add(connection, Due.SCAN, scan)
    return concerned


async def _images_in(
    connection: AsyncConnection, registry: str, repository: str
) -> AsyncIterator[Row[int, str, bool, str]]:
    """Yield the images of a repository, in the order of the index that finds them."""
    query = (
        select(images.c.id, images.c.digest, images.c.rematchable, images.c.reports)
        .where(images.c.registry == registry, images.c.repository == repository)
        .order_by(images.c.digest)
        .limit(PAGE_IMAGES)
    )
    after = ""
    while rows := (await connection.execute(query.where(images.c.digest > after))).all():
        for row in rows:
            yield row
        after = rows[-1].digest
