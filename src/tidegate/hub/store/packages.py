"""Every package at one version, once for all images, with what advisories said of it last.

An image's packages come with the opinions of the worker that matched them. Those of a worker with
the advisories that count become the packages' own; another worker's may be older, so where they
differ, the image is to be matched again by one that has them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from pyroaring import BitMap
from sqlalchemy import Insert, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.event_body import column_text
from tidegate.hub.store.image_sets import (
    STEP_IDS,
    STEP_ROWS,
    among,
    note_changes,
    parse_set,
    render_set,
)
from tidegate.hub.store.schema import image_details, packages
from tidegate.wire.hub_data_v1 import OpinionV1

KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Carried:
    """The distinct packages of one manifest."""

    package_ids: BitMap
    outdated: bool
    """What was said of them is not what the advisories that count say, or may not be."""


async def note_opinions(
    connection: AsyncConnection, given: Sequence[OpinionV1], *, count: bool
) -> Carried:
    """Return the packages that `given` is about, new ones added.

    `count`: these opinions are by the advisories that count.
    """
    said = {_key(opinion): opinion for opinion in given}
    known: dict[bytes, tuple[int, str | None]] = {}
    keys = sorted(said)  # one order for all, so that hubs that write at once do not wait in a ring
    for start in range(0, len(keys), STEP_ROWS):
        step = keys[start : start + STEP_ROWS]
        known |= await _load(connection, step)
        fresh = [key for key in step if key not in known]
        if fresh:
            rows = [_row(key, said[key], count=count) for key in fresh]
            await connection.execute(_insert(connection), rows)
            known |= await _load(connection, fresh)
    differing = {key: id_ for key, (id_, had) in known.items() if had != said[key].said}
    if count and differing:
        # In the order of rows, as everybody sets them.
        by_row = sorted((id_, said[key].said) for key, id_ in differing.items())
        await connection.execute(_SET_SAID, [{"b_id": i, "b_said": text} for i, text in by_row])
    ids = BitMap(id_ for id_, _ in known.values())
    return Carried(ids, outdated=bool(differing) and not count)


async def set_opinions(connection: AsyncConnection, given: Iterable[tuple[int, str]]) -> list[int]:
    """Keep what the advisories that count say of packages; return those of which it is new."""
    said = dict(given)
    ids = sorted(said)
    changed: list[int] = []
    for start in range(0, len(ids), STEP_IDS):
        step = ids[start : start + STEP_IDS]
        query = select(packages.c.id, packages.c.said).where(among(connection, packages.c.id, step))
        changed += [r.id for r in await connection.execute(query) if r.said != said[r.id]]
    if changed:
        await connection.execute(_SET_SAID, [{"b_id": id_, "b_said": said[id_]} for id_ in changed])
    return changed


async def replace_carried(
    connection: AsyncConnection, image_id: int, digest: str, carried: BitMap | None
) -> None:
    """Keep what an image carries once its manifest `digest` carries `carried`; None: it is gone.

    To be called while the details of the manifest are still those from before.
    """
    before = await _carried_by(connection, image_id)
    after = {other: ids for other, ids in before.items() if other != digest}
    if carried is not None:
        after[digest] = carried
    old, new = BitMap().union(*before.values()), BitMap().union(*after.values())
    await note_changes(connection, image_id, new - old, old - new)


async def drop_image(connection: AsyncConnection, image_id: int) -> None:
    """Keep that an image, which is about to be deleted, carries nothing."""
    before = await _carried_by(connection, image_id)
    await note_changes(connection, image_id, (), BitMap().union(*before.values()))


def render_ids(package_ids: BitMap | None) -> bytes | None:
    """Return the packages of a manifest as its row keeps them."""
    return None if package_ids is None else render_set(package_ids)


async def _carried_by(connection: AsyncConnection, image_id: int) -> dict[str, BitMap]:
    query = select(image_details.c.digest, image_details.c.package_ids).where(
        image_details.c.image_id == image_id
    )
    return {row.digest: parse_set(row.package_ids) for row in await connection.execute(query)}


async def _load(
    connection: AsyncConnection, keys: Sequence[bytes]
) -> dict[bytes, tuple[int, str | None]]:
    query = select(packages.c.key, packages.c.id, packages.c.said).where(packages.c.key.in_(keys))
    return {bytes(r.key): (r.id, r.said) for r in await connection.execute(query)}


def _key(opinion: OpinionV1) -> bytes:
    parts = (opinion.name, opinion.version, opinion.ecosystem, opinion.module)
    return blake2b("\0".join(parts).encode(), digest_size=KEY_BYTES).digest()


def _row(key: bytes, opinion: OpinionV1, *, count: bool) -> dict[str, Any]:
    return {
        "key": key,
        "name": column_text(opinion.name),
        "version": column_text(opinion.version),
        "ecosystem": column_text(opinion.ecosystem),
        "module": column_text(opinion.module),
        "said": opinion.said if count else None,
    }


def _insert(connection: AsyncConnection) -> Insert:
    """Return an insertion that leaves alone what another hub inserts at the same time."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(packages).on_conflict_do_nothing()
    return sqlite.insert(packages).on_conflict_do_nothing()


_SET_SAID = (
    update(packages).where(packages.c.id == bindparam("b_id")).values(said=bindparam("b_said"))
)
