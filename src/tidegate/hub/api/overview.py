"""The first page that people see, in one answer."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub import overview
from tidegate.hub.api.access import READERS, TheHub, allow
from tidegate.hub.api.clusters import with_wanted
from tidegate.hub.api.problems import documented
from tidegate.hub.clock import render_instant
from tidegate.hub.context import Hub
from tidegate.hub.store import cluster_watch, clusters, event_tallies, inventory, organisation
from tidegate.wire.hub_data_v1 import ClusterProblemV1, OverviewV1, TopRuleV1

MAX_HOURS = 90 * 24
TOP = 10
CLUSTERS_PER_STEP = 500

Hours = Annotated[int, QueryParameter(ge=1, le=MAX_HOURS, description="How far to look back.")]


@get(
    "/overview",
    guards=allow(*READERS),
    summary="Show what happened lately and what needs attention",
    responses=documented(),
)
async def get_overview(hub: TheHub, hours: Hours = 24) -> OverviewV1:
    """Return events by time, the rules that decided most, and what needs attention."""
    now = hub.now()
    since = render_instant(overview.first_start(now, hours))
    async with hub.database.read() as connection:
        tallies = await event_tallies.by_slot(connection, since, overview.slot_chars(hours))
        top = await event_tallies.top_rules(connection, since, TOP)
        current = await organisation.load(connection)
        known = await hub.rule_book.at(connection, current.revision)
        glasses, glass_count = await cluster_watch.break_glass(connection, now)
        feeds = await cluster_watch.oldest_feeds(connection, TOP)
        for each in feeds:
            each.old = overview.is_old(each.feed_at, now)
        return OverviewV1(
            hours=hours,
            bucket_s=overview.bucket_s(hours),
            buckets=overview.buckets(tallies, now, hours),
            top_rules=[TopRuleV1(*row) for row in top],
            riskiest_images=await inventory.riskiest(connection, TOP),
            expiring_exemptions=overview.expiring(known.rules, now),
            clusters=await _problems(hub, connection, current.edited_at),
            feeds=feeds,
            break_glass=glasses,
            break_glass_count=glass_count,
        )


async def _problems(
    hub: Hub, connection: AsyncConnection, edited_at: str
) -> list[ClusterProblemV1]:
    found: list[ClusterProblemV1] = []
    after: str | None = ""
    while after is not None and len(found) < overview.MAX_PROBLEMS:
        page = await clusters.page(connection, after, CLUSTERS_PER_STEP)
        after = page[-1].name if len(page) == CLUSTERS_PER_STEP else None
        known = await with_wanted(hub, connection, page)
        found += overview.problems(known, edited_at, hub.now())
    return found[: overview.MAX_PROBLEMS]


HANDLERS = (get_overview,)
