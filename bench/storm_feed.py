"""The signed feed of a storm's images: batches and a snapshot, as a worker makes them."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from storm_site import StormSite
from tidegate.hubclient import HubClient
from tidegate.scan import feed_compact
from tidegate.scan.feed import MAX_BATCH_ROWS, FeedOptions, FeedWriter
from tidegate.scan.feed_compact import Compactor, CompactorOptions
from tidegate.scan.feed_fill import Filler

feed_compact.MIN_ROWS = 1  # a worker waits for 20,000 rows; here all of them come at once


def _now() -> datetime:
    return datetime.now(UTC)


async def publish(site: StormSite) -> int:
    """Bring every report of the site's images into the feed, in a snapshot; return how many."""
    folder = site.folder / "feed"
    folder.mkdir(exist_ok=True)
    data = site.parts.folder
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(
            HubClient(site.parts.url("hub"), data.token("scanner"))
        )
        registries = await stack.enter_async_context(site.place.client())
        options = FeedOptions(site.audience, folder / "seen.json")
        writer = FeedWriter(hub, site.place.key, options, _now)
        filler = Filler(hub, registries, writer, _now)
        of_worker = CompactorOptions("storm", site.audience, folder)
        compactor = Compactor(hub, site.place.key, writer, filler, of_worker, _now)
        running = asyncio.create_task(writer.run())
        stack.callback(running.cancel)
        reports = [site.place.attached[i.digest] for i in site.images if i.report is not None]
        for i in range(0, len(reports), MAX_BATCH_ROWS):
            for said, artifact in reports[i : i + MAX_BATCH_ROWS]:
                await writer.offer(said, artifact)
            await writer.settle()
        await compactor.look()
    return len(reports)
