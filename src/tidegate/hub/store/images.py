"""Images that registries told of or somebody asked to scan, with the newest reports."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import NotFoundError
from tidegate.hub.clock import parse_instant, render_instant
from tidegate.hub.store import packages
from tidegate.hub.store.database import Turn, take_turn
from tidegate.hub.store.schema import image_tags, images
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_v1 import ImageV1, PlatformReportV1

_REPORTS = msgspec.json.Decoder(list[PlatformReportV1])


@dataclass(frozen=True, slots=True)
class Subject:
    """A digest in a repository of a registry."""

    registry: str
    repository: str
    digest: str


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """What a reader wants to see; empty fields do not restrict."""

    registry: str = ""
    repository: str = ""
    status: str = ""
    tag: str = ""
    search: str = ""
    """Part of registry, repository or digest."""

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Return `query` with this filter."""
        for column, value in (
            (images.c.registry, self.registry),
            (images.c.repository, self.repository),
            (images.c.status, self.status),
        ):
            query = query.where(column == value) if value else query
        if self.tag:
            tagged = select(image_tags.c.image_id).where(image_tags.c.tag == self.tag)
            query = query.where(images.c.id.in_(tagged))
        if self.search:
            columns = (images.c.registry, images.c.repository, images.c.digest)
            query = query.where(
                or_(*(c.contains(self.search.lower(), autoescape=True) for c in columns))
            )
        return query


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image with its place in the order of pushes."""

    row_id: int
    image: ImageV1


async def note_push(
    connection: AsyncConnection, subject: Subject, tags: Iterable[str], now: str
) -> None:
    """Keep an image as queued for a scan; reports of an earlier scan stay until the next."""
    await take_turn(connection, Turn.IMAGES)
    row = await _find(connection, subject)
    if row is None:
        await connection.execute(
            insert(images).values(
                registry=subject.registry,
                repository=subject.repository,
                digest=subject.digest,
                pushed_at=now,
                status="queued",
                error="",
                reports="[]",
            )
        )
    else:
        await connection.execute(
            update(images).where(images.c.id == row.id).values(pushed_at=now, status="queued")
        )
    for tag in tags:
        await point_tag(connection, subject, tag)


async def set_status(
    connection: AsyncConnection,
    subject: Subject,
    status: str,
    *,
    error: str = "",
    reports: Sequence[PlatformReportV1] | None = None,
    rematchable: bool = False,
) -> None:
    """Keep how the scan goes; reports None: those that are there stay.

    `rematchable`: with reports, whether the packages behind them can be matched again.
    """
    values: dict[str, Any] = {"status": status, "error": error}
    if reports is not None:
        values |= {"rematchable": rematchable, **_values_of(reports)}
    await connection.execute(update(images).where(*is_subject(subject)).values(values))


async def keep_reports(
    connection: AsyncConnection, subject: Subject, reports: Sequence[PlatformReportV1]
) -> None:
    """Keep the reports of a scan that failed in part; its status stays what it is."""
    values = _values_of(reports)
    await connection.execute(update(images).where(*is_subject(subject)).values(values))


def _values_of(reports: Sequence[PlatformReportV1]) -> dict[str, Any]:
    worst = max((report.counts for report in reports), key=risk_of, default=CountsV1())
    return {
        "reported_at": _reported_at(reports),
        "reports": msgspec.json.encode(reports).decode(),
        "counts": msgspec.json.encode(worst).decode(),
        "risk": risk_of(worst),
    }


def _reported_at(reports: Sequence[PlatformReportV1]) -> str:
    """Return when the oldest report that is attached was made; empty: a platform has none."""
    instants = [parse_instant(report.attached_at) for report in reports if report.artifact]
    if not instants or len(instants) < len(reports):
        return ""
    return min((render_instant(at) if at else "" for at in instants), default="")


async def reports_of(connection: AsyncConnection, image_id: int) -> list[PlatformReportV1]:
    """Return the reports that are kept of an image."""
    query = select(images.c.reports).where(images.c.id == image_id)
    return decode_reports((await connection.execute(query)).scalar_one())


def decode_reports(kept: str) -> list[PlatformReportV1]:
    """Return the reports that a row of `images` keeps."""
    return _REPORTS.decode(kept)


def risk_of(counts: CountsV1) -> int:
    """Return a number that sorts by critical, then high, medium and low findings.

    15 bits each fit a signed column; more of one severity sort alike.
    """
    risk = 0
    for count in (counts.critical, counts.high, counts.medium, counts.low):
        risk = (risk << 15) | min(max(count, 0), 2**15 - 1)
    return risk


async def remove(connection: AsyncConnection, subject: Subject) -> None:
    """Forget what turned out to be no image."""
    image_id = await find_id(connection, subject)
    if image_id is not None:
        await packages.drop_image(connection, image_id)
        await connection.execute(delete(images).where(images.c.id == image_id))


async def find_id(connection: AsyncConnection, subject: Subject) -> int | None:
    """Return the row of an image; None: the hub does not know it."""
    row = await _find(connection, subject)
    return None if row is None else int(row.id)


async def id_of(connection: AsyncConnection, subject: Subject) -> int:
    """Return the row of an image.

    Raises:
        NotFoundError: the hub does not know it.
    """
    found = await find_id(connection, subject)
    if found is None:
        raise _unknown(subject)
    return found


async def tags_of(connection: AsyncConnection, subject: Subject) -> list[str]:
    """Return the tags that point to this digest."""
    row = await _find(connection, subject)
    return [] if row is None else (await _tags(connection, [row.id])).get(row.id, [])


async def load(connection: AsyncConnection, subject: Subject) -> ImageV1:
    """Return an image.

    Raises:
        NotFoundError: the hub does not know it.
    """
    row = await _find(connection, subject)
    if row is None:
        raise _unknown(subject)
    return _image(row, await _tags(connection, [row.id]))


async def page(
    connection: AsyncConnection, chosen: ImageFilter, before: tuple[str, int] | None, limit: int
) -> list[StoredImage]:
    """Return up to `limit` images, last pushed first, before `before` (instant, row)."""
    query = select(images).order_by(images.c.pushed_at.desc(), images.c.id.desc()).limit(limit)
    if before is not None:
        at, row_id = before
        older = or_(images.c.pushed_at < at, (images.c.pushed_at == at) & (images.c.id < row_id))
        query = query.where(images.c.pushed_at <= at, older)  # the index is begun there
    rows = (await connection.execute(chosen.narrow(query))).all()
    tags = await _tags(connection, [row.id for row in rows])
    return [StoredImage(row.id, _image(row, tags)) for row in rows]


def _unknown(subject: Subject) -> NotFoundError:
    return NotFoundError(
        f"the hub does not know {subject.registry}/{subject.repository}@{subject.digest}; "
        "push it to a registry that notifies the hub, or ask for a scan"
    )


async def point_tag(connection: AsyncConnection, subject: Subject, tag: str) -> None:
    """Let `tag` point to `subject` alone: in a repository a tag names one digest."""
    row = await _find(connection, subject)
    if row is None:
        return
    place = {"registry": subject.registry, "repository": subject.repository, "tag": tag}
    same = [image_tags.c[name] == value for name, value in place.items()]
    await connection.execute(delete(image_tags).where(*same))
    await connection.execute(insert(image_tags).values(**place, image_id=row.id))


async def _find(connection: AsyncConnection, subject: Subject) -> Row[Any] | None:
    return (await connection.execute(select(images).where(*is_subject(subject)))).first()


async def _tags(connection: AsyncConnection, row_ids: Sequence[int]) -> dict[int, list[str]]:
    query = (
        select(image_tags.c.image_id, image_tags.c.tag)
        .where(image_tags.c.image_id.in_(row_ids))
        .order_by(image_tags.c.tag)
    )
    found: dict[int, list[str]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.image_id, []).append(row.tag)
    return found


def is_subject(subject: Subject) -> tuple[ColumnElement[bool], ...]:
    """Return what holds of the row of `subject` alone."""
    return (
        images.c.registry == subject.registry,
        images.c.repository == subject.repository,
        images.c.digest == subject.digest,
    )


def _image(row: Row[Any], tags: dict[int, list[str]]) -> ImageV1:
    return ImageV1(
        registry=row.registry,
        repository=row.repository,
        digest=row.digest,
        tags=tags.get(row.id, []),
        pushed_at=row.pushed_at,
        status=row.status,
        error=row.error,
        reports=decode_reports(row.reports),
    )
