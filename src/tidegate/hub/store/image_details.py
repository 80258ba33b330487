"""What workers found out about images: manifests, referrers, statements, findings, packages."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pyroaring import BitMap
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import InputError, NotFoundError
from tidegate.hub.jobs.details import Detail
from tidegate.hub.packed import unpack, unpack_json
from tidegate.hub.store import images, packages, scans
from tidegate.hub.store.images import Subject
from tidegate.hub.store.schema import image_details
from tidegate.hub.store.schema import images as image_rows
from tidegate.wire.hub_data_v1 import (
    ImageConfigV1,
    ImageDetailV1,
    ImagePlatformV1,
    ReferrerV1,
)
from tidegate.wire.hub_v1 import ImageV1

_SMALL = [
    image_details.c[name]
    for name in ("digest", "platform", "media_type", "size", "config", "manifest", "referrers")
]
_CONFIG = msgspec.json.Decoder(ImageConfigV1)


async def put(
    connection: AsyncConnection, subject: Subject, detail: Detail, carried: BitMap | None, now: str
) -> int:
    """Keep details of `subject` or of one of its platforms, in the place of older ones.

    `carried`: the distinct packages of it; None where they are not enough to match them again.
    Returns the row of the image.
    """
    image_id = await images.id_of(connection, subject)
    await packages.replace_carried(connection, image_id, detail.digest, carried)
    row = (image_details.c.image_id == image_id, image_details.c.digest == detail.digest)
    await connection.execute(delete(image_details).where(*row))
    values = dataclasses.asdict(detail)
    package_ids = packages.render_ids(carried)
    await connection.execute(
        insert(image_details).values(
            image_id=image_id, updated_at=now, package_ids=package_ids, **values
        )
    )
    return image_id


async def put_findings(
    connection: AsyncConnection, image_id: int, digest: str, changes: Mapping[str, Any]
) -> None:
    """Keep what matching again said of a manifest: some of the columns of its details.

    Raises:
        InputError: the manifest is neither the image nor a platform of it.
    """
    row = (image_details.c.image_id == image_id, image_details.c.digest == digest)
    done = await connection.execute(update(image_details).where(*row).values(changes))
    if not done.rowcount:
        raise InputError(
            f"{digest} is neither the leased image nor a platform of it; findings count only for "
            "those"
        )


async def package_lists(
    connection: AsyncConnection, image_id: int
) -> list[tuple[str, bytes, str]] | None:
    """Return digest, packed package list and signature of each platform that can run.

    None: of some there is no list that can be matched again.
    """
    query = (
        select(image_details.c.digest, image_details.c.packages, image_details.c.packages_signature)
        .where(image_details.c.image_id == image_id, image_details.c.config != "")
        .order_by(image_details.c.platform, image_details.c.digest)
    )
    rows = (await connection.execute(query)).all()
    if not rows or not all(row.packages_signature for row in rows):
        return None
    return [(row.digest, row.packages, row.packages_signature) for row in rows]


async def is_rematchable(connection: AsyncConnection, image_id: int) -> bool:
    """Whether the packages of all its platforms are enough to match them again."""
    query = select(image_details.c.packages_signature).where(
        image_details.c.image_id == image_id, image_details.c.config != ""
    )
    signatures = (await connection.execute(query)).scalars().all()
    return bool(signatures) and all(signatures)


async def manifest_of(connection: AsyncConnection, subject: Subject) -> str | None:
    """Return the manifest of the image itself; None: no worker has told."""
    query = (
        select(image_details.c.manifest)
        .join(image_rows, image_rows.c.id == image_details.c.image_id)
        .where(*images.is_subject(subject), image_details.c.digest == subject.digest)
    )
    stored = (await connection.execute(query)).scalar()
    return None if stored is None else unpack(stored).decode()


async def prune_platforms(
    connection: AsyncConnection, subject: Subject, digests: Sequence[str]
) -> None:
    """Forget details of manifests that a finished scan no longer names."""
    image_id = await images.id_of(connection, subject)
    keep = {subject.digest, *digests}
    gone = (
        image_details.c.image_id == image_id,
        image_details.c.digest.not_in(sorted(keep)),
    )
    named = select(image_details.c.digest).where(*gone)
    for digest in (await connection.execute(named)).scalars().all():
        await packages.replace_carried(connection, image_id, digest, None)
        row = (image_details.c.image_id == image_id, image_details.c.digest == digest)
        await connection.execute(delete(image_details).where(*row))


async def load(connection: AsyncConnection, subject: Subject) -> ImageDetailV1:
    """Return an image with its details; `subject` may be a platform of an index.

    Raises:
        NotFoundError: the hub does not know it.
    """
    image, image_id = await _image_of(connection, subject)
    rows = (
        await connection.execute(
            select(*_SMALL)
            .where(image_details.c.image_id == image_id)
            .order_by(image_details.c.platform, image_details.c.digest)
        )
    ).all()
    own = next((row for row in rows if row.digest == subject.digest), None)
    is_whole = image.digest == subject.digest
    if not is_whole:
        image = _narrowed(image, subject.digest)
    shown = rows if is_whole else [row for row in rows if row.digest == subject.digest]
    return ImageDetailV1(
        **msgspec.structs.asdict(image),
        media_type=own.media_type if own else "",
        size=own.size if own else 0,
        manifest=unpack(own.manifest).decode() if own else "",
        config=_config(own) if own else None,
        platforms=_platforms(image, shown),
        referrers=[node for row in shown for node in unpack_json(row.referrers, list[ReferrerV1])],
        scans=await scans.of_image(connection, image_id, "" if is_whole else subject.digest),
    )


async def load_packed(
    connection: AsyncConnection, subject: Subject, platform: str, column: str
) -> bytes:
    """Return a large column of an image's details, packed.

    `platform` is the digest of one of its platforms; empty: the image itself, or the first
    platform of an index.

    Raises:
        NotFoundError: the hub does not know it, or no worker has told of it.
    """
    _, image_id = await _image_of(connection, subject)
    wanted = platform or subject.digest
    query = (
        select(image_details.c[column], image_details.c.digest)
        .where(image_details.c.image_id == image_id, image_details.c.config != "")
        .order_by(image_details.c.platform, image_details.c.digest)
    )
    named = query.where(image_details.c.digest == wanted)
    row = (await connection.execute(named.limit(1))).first()
    if row is None and not platform:
        row = (await connection.execute(query.limit(1))).first()
    if row is None:
        raise NotFoundError(
            f"no worker has told of {subject.registry}/{subject.repository}@{wanted} yet; "
            "ask for a scan"
        )
    stored: bytes = row[0]
    return stored


async def _image_of(connection: AsyncConnection, subject: Subject) -> tuple[ImageV1, int]:
    """Return the image of this digest, else the newest index with it as a platform."""
    found = await images.find_id(connection, subject)
    if found is None:
        query = (
            select(image_rows.c.id, image_rows.c.digest)
            .join(image_details, image_details.c.image_id == image_rows.c.id)
            .where(
                image_details.c.digest == subject.digest,
                image_rows.c.registry == subject.registry,
                image_rows.c.repository == subject.repository,
            )
            .order_by(image_rows.c.pushed_at.desc(), image_rows.c.id.desc())
            .limit(1)
        )
        row = (await connection.execute(query)).first()
        if row is not None:
            found, subject = row.id, dataclasses.replace(subject, digest=row.digest)
    return await images.load(connection, subject), found or 0


def _narrowed(image: ImageV1, digest: str) -> ImageV1:
    reports = [report for report in image.reports if report.digest == digest]
    return msgspec.structs.replace(image, digest=digest, reports=reports)


def _platforms(image: ImageV1, rows: Sequence[Row[Any]]) -> list[ImagePlatformV1]:
    reports = {report.digest: report for report in image.reports}
    known = {
        row.digest: ImagePlatformV1(row.platform, row.digest, reports.get(row.digest), _config(row))
        for row in rows
        if row.config
    }
    told = {
        digest: ImagePlatformV1(report.platform, digest, report)
        for digest, report in reports.items()
        if digest not in known
    }
    return sorted((*known.values(), *told.values()), key=lambda p: (p.platform, p.digest))


def _config(row: Row[Any]) -> ImageConfigV1 | None:
    return _CONFIG.decode(row.config) if row.config else None
