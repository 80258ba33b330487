"""What a look through a registry saw, against what the hub knows: what is new is to be scanned."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.reference import is_repository, is_tag
from tidegate.hub.api.images import queue_scan
from tidegate.hub.api.notifications import SIGNATURE_TAG_PREFIXES
from tidegate.hub.store import images
from tidegate.hub.store.images import Subject
from tidegate.hub.store.jobs import Asked
from tidegate.hub.store.schema import image_tags
from tidegate.hub.store.schema import images as images_table
from tidegate.wire.registries_v1 import ObservedTagV1


async def take_in(
    connection: AsyncConnection, host: str, seen: Sequence[ObservedTagV1], asked: Asked
) -> int:
    """Queue what is not known, let tags point to what they name now; return how many are new."""
    proper = [each for each in seen if _is_images(each)]
    tags = await _known_tags(connection, host, proper)
    digests = await _known_digests(connection, host, proper)
    queued = 0
    for each in proper:
        if tags.get((each.repository, each.tag)) == each.digest:
            continue
        subject = Subject(host, each.repository, each.digest)
        if (each.repository, each.digest) in digests:
            await images.point_tag(connection, subject, each.tag)
            continue
        await queue_scan(connection, subject, [each.tag], asked)
        digests.add((each.repository, each.digest))
        queued += 1
    return queued


def _is_images(seen: ObservedTagV1) -> bool:
    named = is_repository(seen.repository) and is_tag(seen.tag)
    return named and not seen.tag.startswith(SIGNATURE_TAG_PREFIXES)


async def _known_tags(
    connection: AsyncConnection, host: str, seen: Sequence[ObservedTagV1]
) -> dict[tuple[str, str], str]:
    query = (
        select(image_tags.c.repository, image_tags.c.tag, images_table.c.digest)
        .join(images_table, images_table.c.id == image_tags.c.image_id)
        .where(
            image_tags.c.registry == host,
            image_tags.c.repository.in_(_distinct(each.repository for each in seen)),
            image_tags.c.tag.in_(_distinct(each.tag for each in seen)),
        )
    )
    rows = await connection.execute(query)
    return {(row.repository, row.tag): row.digest for row in rows}


async def _known_digests(
    connection: AsyncConnection, host: str, seen: Sequence[ObservedTagV1]
) -> set[tuple[str, str]]:
    query = select(images_table.c.repository, images_table.c.digest).where(
        images_table.c.registry == host,
        images_table.c.digest.in_(_distinct(each.digest for each in seen)),
    )
    return {(row.repository, row.digest) for row in await connection.execute(query)}


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
