"""Registries and repositories, as the images that are known make them."""

from datetime import datetime

import msgspec
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.event_body import column_text
from tidegate.hub.store import organisation, registry_settings, workers
from tidegate.hub.store.schema import image_tags, images
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_data_v1 import RegistryV1, RepositoryV1

_COUNTS = msgspec.json.Decoder(CountsV1)


async def page(
    connection: AsyncConnection, after: str, limit: int, now: datetime
) -> list[RegistryV1]:
    """Return up to `limit` registries by host, those after `after`: configured, or with images."""
    query = (
        select(
            images.c.registry,
            func.count(func.distinct(images.c.repository)).label("repositories"),
            func.count().label("total"),
        )
        .where(images.c.registry > after)
        .group_by(images.c.registry)
        .order_by(images.c.registry)
        .limit(limit)
    )
    counted = {row.registry: row for row in await connection.execute(query)}
    switched = (await organisation.load(connection)).settings.registry_access
    reached = await workers.registries(connection, now)
    configured = await registry_settings.load_all(connection)
    hosts = sorted(counted.keys() | {host for host in configured if host > after})
    return [
        RegistryV1(
            host=host,
            repository_count=counted[host].repositories if host in counted else 0,
            image_count=counted[host].total if host in counted else 0,
            access="Off" if switched == "Off" else ("On" if host in reached else "NotConfigured"),
            configured=configured.get(host),
        )
        for host in hosts[:limit]
    ]


async def page_of_repositories(
    connection: AsyncConnection,
    registry: str,
    search: str,
    after: tuple[str, str] | None,
    limit: int,
) -> list[RepositoryV1]:
    """Return up to `limit` repositories by registry and name, those after `after`."""
    tags = (
        select(func.count())
        .where(
            image_tags.c.registry == images.c.registry,
            image_tags.c.repository == images.c.repository,
        )
        .correlate(images)
        .scalar_subquery()
    )
    query = (
        select(
            images.c.registry,
            images.c.repository,
            func.count().label("total"),
            func.max(images.c.pushed_at).label("pushed_at"),
            tags.label("tags"),
        )
        .group_by(images.c.registry, images.c.repository)
        .order_by(images.c.registry, images.c.repository)
        .limit(limit)
    )
    query = query.where(images.c.registry == column_text(registry)) if registry else query
    if search:
        text = column_text(search.lower())
        query = query.where(images.c.repository.contains(text, autoescape=True))
    if after is not None:
        host, name = after
        same = and_(images.c.registry == host, images.c.repository > name)
        query = query.where(or_(images.c.registry > host, same))
    rows = (await connection.execute(query)).all()
    worst = await _worst(connection, [(row.registry, row.repository) for row in rows])
    return [
        RepositoryV1(
            registry=row.registry,
            repository=row.repository,
            tag_count=row.tags,
            image_count=row.total,
            last_pushed_at=row.pushed_at,
            worst=worst[row.registry, row.repository],
        )
        for row in rows
    ]


async def _worst(
    connection: AsyncConnection, names: list[tuple[str, str]]
) -> dict[tuple[str, str], CountsV1]:
    """Return the counts of each repository's worst image."""
    if not names:
        return {}
    rank = func.row_number().over(
        partition_by=(images.c.registry, images.c.repository), order_by=images.c.risk.desc()
    )
    ranked = (
        select(images.c.registry, images.c.repository, images.c.counts, rank.label("place"))
        .where(
            images.c.registry.in_({registry for registry, _ in names}),
            images.c.repository.in_({repository for _, repository in names}),
        )
        .subquery()
    )
    rows = await connection.execute(select(ranked).where(ranked.c.place == 1))
    return {(row.registry, row.repository): _COUNTS.decode(row.counts) for row in rows}
