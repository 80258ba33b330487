"""Sets of image rows as the database keeps them: Roaring bitmaps, which a CPU joins by the million.

A set of images that carry a package takes two bytes an image or less. It is rewritten when much has
changed about it; until then each change stands in a row of its own (`package_changes`), so that a
scan costs the same whether a package is in ten images or in all.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from pyroaring import BitMap
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    any_,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.store.schema import package_changes, package_images

STEP_ROWS = 500
"""Values in one statement; SQLite takes 32,766, PostgreSQL as many."""

STEP_IDS = 2000
"""Rows looked up in one statement by `among`, where their number hardly matters."""

MIN_CHANGES = 20_000
"""Changes that are kept apart before any set is rewritten: about those of a hundred new images."""


def parse_set(stored: bytes | None) -> BitMap:
    """Return the set that was stored."""
    return BitMap.deserialize(stored) if stored else BitMap()


def render_set(images: BitMap) -> bytes:
    """Return `images` as bytes, runs of neighbours packed."""
    images.run_optimize()
    return bytes(images.serialize())


def among(
    connection: AsyncConnection, column: ColumnElement[int], ids: Sequence[int]
) -> ColumnElement[bool]:
    """Return the condition that `column` is one of `ids`, which are one value of the statement.

    Thousands of them cost little: a value each would be written into the statement's text.
    """
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(ids), type_=postgresql.ARRAY(BigInteger)))
    listed = func.json_each(msgspec.json.encode(ids).decode()).table_valued("value")
    return column.in_(select(listed.c.value))


async def images_with(connection: AsyncConnection, package_ids: Iterable[int]) -> BitMap:
    """Return every image that carries any of these packages."""
    found = BitMap()
    wanted = sorted(package_ids)
    for start in range(0, len(wanted), STEP_IDS):
        step = wanted[start : start + STEP_IDS]
        sets = await _load(connection, step)
        found |= BitMap.union(*sets.values()) if sets else BitMap()
    return found


async def note_changes(
    connection: AsyncConnection, image_id: int, added: Iterable[int], removed: Iterable[int]
) -> None:
    """Keep that an image carries packages, and others no longer."""
    rows = [
        {"package_id": package_id, "image_id": image_id, "present": present}
        for package_ids, present in ((added, True), (removed, False))
        for package_id in package_ids
    ]
    for start in range(0, len(rows), STEP_ROWS):
        await connection.execute(insert(package_changes), rows[start : start + STEP_ROWS])


async def compact(connection: AsyncConnection, limit: int) -> int:
    """Write changes into the sets of up to `limit` packages; return how many changes there were.

    The caller has `Turn.PACKAGES`: whoever reads sets in a writing transaction has it too.
    """
    query = select(package_changes.c.package_id).distinct().limit(limit)
    package_ids = sorted((await connection.execute(query)).scalars())
    total = 0
    for start in range(0, len(package_ids), STEP_ROWS):
        step = package_ids[start : start + STEP_ROWS]
        sets = await _load_sets(connection, step)
        # Deleted first: what others add from now on stays.
        mine = delete(package_changes).where(package_changes.c.package_id.in_(step))
        rows = (await connection.execute(mine.returning(package_changes))).all()
        _apply(sets, sorted(rows, key=lambda row: row.seq))
        total += len(rows)
        await connection.execute(
            delete(package_images).where(package_images.c.package_id.in_(step))
        )
        written = [
            {"package_id": package_id, "images": render_set(images)}
            for package_id, images in sets.items()
            if images
        ]
        if written:
            await connection.execute(insert(package_images), written)
    return total


async def count_changes(connection: AsyncConnection) -> int:
    """Return about how many changes are not in the sets yet."""
    query = select(func.min(package_changes.c.seq), func.max(package_changes.c.seq))
    first, last = (await connection.execute(query)).one()
    return 0 if first is None else int(last - first + 1)


async def _load(connection: AsyncConnection, package_ids: Sequence[int]) -> dict[int, BitMap]:
    sets = await _load_sets(connection, package_ids)
    later = (
        select(package_changes)
        .where(among(connection, package_changes.c.package_id, package_ids))
        .order_by(package_changes.c.package_id, package_changes.c.seq)
    )
    _apply(sets, (await connection.execute(later)).all())
    return sets


async def _load_sets(connection: AsyncConnection, package_ids: Sequence[int]) -> dict[int, BitMap]:
    mine = among(connection, package_images.c.package_id, package_ids)
    query = select(package_images).where(mine)
    return {row.package_id: parse_set(row.images) for row in await connection.execute(query)}


def _apply(sets: dict[int, BitMap], changes: Iterable[Row[Any]]) -> None:
    for row in changes:
        images = sets.setdefault(row.package_id, BitMap())
        if row.present:
            images.add(row.image_id)
        else:
            images.discard(row.image_id)
