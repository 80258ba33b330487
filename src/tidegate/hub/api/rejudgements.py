"""Judging running workloads again: what is new goes to agents, changed verdicts come back."""

import time
from typing import Annotated

from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from tidegate.hub.api.access import TheCaller, TheHub, allow, require_own
from tidegate.hub.api.clusters import WaitS
from tidegate.hub.api.parameters import Id
from tidegate.hub.api.problems import documented
from tidegate.hub.store import clusters, rejudgements, scans
from tidegate.hub.store.database import Turn
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_data_v1 import RejudgementsV1, RenewalsV1
from tidegate.wire.hub_v1 import EventBatchResultV1

MAX_BODY_BYTES = 104 * 2**20
"""`MAX_REJUDGED` events of 1 MiB."""

LOOK_AGAIN_S = 5.0
"""Other hubs on the same database take results too."""

After = Annotated[
    int,
    QueryParameter(ge=-1, le=2**62, description="The cursor of the last answer; -1: none yet."),
]


@get(
    "/clusters/{name:str}/renewals",
    guards=allow(Role.CLUSTER),
    summary="Wait for renewed reports",
    responses=documented(404),
)
async def get_renewals(
    hub: TheHub, caller: TheCaller, name: Id, after: After = -1, wait_s: WaitS = 0
) -> RenewalsV1:
    """Return which images have new reports since `after`, at once or as soon as one has."""
    require_own(caller, name)
    deadline = time.monotonic() + wait_s
    while True:
        seen = hub.signals.reports.count
        async with hub.database.read() as connection:
            await clusters.load(connection, name)
            found = await scans.renewals(connection, after)
        remaining_s = deadline - time.monotonic()
        if found.images or found.everything or found.cursor != after or remaining_s <= 0:
            return found
        if hub.signals.reports.closed:
            return found
        await hub.signals.reports.wait_beyond(seen, min(remaining_s, LOOK_AGAIN_S))


@post(
    "/clusters/{name:str}/rejudgements",
    guards=allow(Role.CLUSTER),
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
    summary="Tell what would be decided now about running workloads",
    responses=documented(404),
)
async def post_rejudgements(
    hub: TheHub, caller: TheCaller, name: Id, data: JSONBody[RejudgementsV1]
) -> EventBatchResultV1:
    """Keep the verdicts of an agent's own cluster; a changed one becomes an event.

    A row that is `unanswered` changes nothing: the verdict before stands.
    """
    require_own(caller, name)
    async with hub.database.write_in_turn(Turn.EVENTS) as connection:
        await clusters.load(connection, name)
        noted = await rejudgements.note(connection, name, data.verdicts, hub.now())
    hub.metrics.events.labels("stored").inc(noted.events)
    for result, count in noted.images.items():
        hub.metrics.rejudged.labels(result).inc(count)
    if noted.events:
        hub.signals.events.ring()
    return EventBatchResultV1(noted.events, len(data.verdicts) - noted.events)


HANDLERS = (get_renewals, post_rejudgements)
