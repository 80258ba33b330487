"""Which images run where, as the clusters' agents say."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import InvalidReferenceError
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.hub.event_body import key_text
from tidegate.hub.store.schema import (
    event_images,
    events,
    image_details,
    image_tags,
    images,
    running_images,
)
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_data_v1 import RiskyImageV1, RunningImageV1

MAX_LISTED_NAMESPACES = 100
MAX_RESOLVED = 2000
"""References without a digest that are looked up for one report; kubelets give digests."""

_STEP_ROWS = 500

_COUNTS = msgspec.json.Decoder(CountsV1)

_Key = tuple[str, str]
"""Reference and digest."""


async def resolve(
    connection: AsyncConnection, cluster: str, reported: Iterable[RunningImageV1]
) -> dict[str, str]:
    """Return the digests of those references that came without one, where that can be told."""
    unresolved = list(dict.fromkeys(each.image for each in reported if not each.digest))
    return {
        image: await _resolve(connection, cluster, key_text(image))
        for image in unresolved[:MAX_RESOLVED]
    }


async def replace(
    connection: AsyncConnection,
    cluster: str,
    reported: Iterable[RunningImageV1],
    resolved: Mapping[str, str],
) -> None:
    """Keep what runs in `cluster`; only what differs is written."""
    wanted: dict[_Key, tuple[int, str]] = {}
    for each in reported:
        image = key_text(each.image)
        digest = each.digest or resolved.get(each.image, "")
        pods, namespaces = wanted.get((image, digest), (0, "[]"))
        merged = sorted({*msgspec.json.decode(namespaces, type=list[str]), *each.namespaces})
        text = msgspec.json.encode(merged[:MAX_LISTED_NAMESPACES]).decode()
        wanted[image, digest] = (pods + each.pods, text)
    mine = running_images.c.cluster == cluster
    rows = await connection.execute(select(running_images).where(mine))
    known = {(row.image, row.digest): (row.pods, row.namespaces) for row in rows}
    gone = [
        {"gone_image": image, "gone_digest": digest}
        for (image, digest), row in known.items()
        if wanted.get((image, digest)) != row
    ]
    if gone:
        one = (
            running_images.c.image == bindparam("gone_image"),
            running_images.c.digest == bindparam("gone_digest"),
        )
        await connection.execute(delete(running_images).where(mine, *one), gone)
    fresh: list[dict[str, Any]] = [
        {"cluster": cluster, "image": i, "digest": d, "pods": row[0], "namespaces": row[1]}
        for (i, d), row in wanted.items()
        if known.get((i, d)) != row
    ]
    for start in range(0, len(fresh), _STEP_ROWS):
        await connection.execute(insert(running_images), fresh[start : start + _STEP_ROWS])


async def riskiest(connection: AsyncConnection, limit: int) -> list[RiskyImageV1]:
    """Return the running images with the worst findings, worst first; those with none are not."""
    whole = select(images.c.id.label("image_id"), images.c.digest)
    parts = select(image_details.c.image_id, image_details.c.digest)
    known = whole.union(parts).subquery()
    running = select(known.c.image_id).where(
        known.c.digest.in_(select(running_images.c.digest).where(running_images.c.digest != ""))
    )
    query = (
        select(images)
        .where(images.c.id.in_(running), images.c.risk > 0)
        .order_by(images.c.risk.desc(), images.c.id)
        .limit(limit)
    )
    rows = (await connection.execute(query)).all()
    where = await _clusters_of(connection, [row.id for row in rows])
    tags = await _tags_of(connection, [row.id for row in rows])
    return [
        RiskyImageV1(
            registry=row.registry,
            repository=row.repository,
            digest=row.digest,
            tags=tags.get(row.id, []),
            counts=_COUNTS.decode(row.counts),
            running_in=where.get(row.id, []),
        )
        for row in rows
    ]


async def _resolve(connection: AsyncConnection, cluster: str, image: str) -> str:
    """Return the digest that `image` had when it was last judged there, else by its tag now."""
    try:
        reference = parse_reference(image)
    except InvalidReferenceError:
        return ""
    if reference.digest is not None:
        return reference.digest
    judged = (
        select(event_images.c.digest)
        .join(events, events.c.seq == event_images.c.event_seq)
        .where(
            event_images.c.image.in_({image, key_text(str(reference))}),
            event_images.c.digest != "",
            events.c.cluster == cluster,
        )
        .order_by(event_images.c.event_seq.desc())
        .limit(1)
    )
    found = (await connection.execute(judged)).scalar()
    return found or await _tagged(connection, reference)


async def _tagged(connection: AsyncConnection, reference: ImageReference) -> str:
    query = (
        select(images.c.digest)
        .join(image_tags, image_tags.c.image_id == images.c.id)
        .where(
            image_tags.c.registry == reference.registry,
            image_tags.c.repository == reference.repository,
            image_tags.c.tag == (reference.tag or "latest"),
        )
    )
    return (await connection.execute(query)).scalar() or ""


async def _clusters_of(
    connection: AsyncConnection, image_ids: Sequence[int]
) -> dict[int, list[str]]:
    whole = (
        select(images.c.id, running_images.c.cluster)
        .join(running_images, running_images.c.digest == images.c.digest)
        .where(images.c.id.in_(image_ids))
    )
    parts = (
        select(image_details.c.image_id, running_images.c.cluster)
        .join(running_images, running_images.c.digest == image_details.c.digest)
        .where(image_details.c.image_id.in_(image_ids))
    )
    found: dict[int, list[str]] = {}
    for image_id, cluster in sorted((await connection.execute(whole.union(parts))).all()):
        found.setdefault(image_id, []).append(cluster)
    return found


async def _tags_of(connection: AsyncConnection, image_ids: Sequence[int]) -> dict[int, list[str]]:
    query = (
        select(image_tags.c.image_id, image_tags.c.tag)
        .where(image_tags.c.image_id.in_(image_ids))
        .order_by(image_tags.c.tag)
    )
    found: dict[int, list[str]] = {}
    for image_id, tag in await connection.execute(query):
        found.setdefault(image_id, []).append(tag)
    return found
