"""Admission events: taken from agents, listed, and streamed as they come."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow, still_valid
from tidegate.hub.api.parameters import (
    DEFAULT_LIMIT,
    Cursor,
    Id,
    Instant,
    Limit,
    Name,
    Reference,
    RuleName,
    Text,
    page_of_bodies,
    parse_cursor,
    parse_instant_parameter,
    render_cursor,
)
from tidegate.hub.api.problems import documented
from tidegate.hub.context import Hub
from tidegate.hub.store import events
from tidegate.hub.store.database import Turn
from tidegate.hub.store.events import EventFilter
from tidegate.hub.store.tokens import Caller, Role
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.hub_data_v1 import EventGroupV1
from tidegate.wire.hub_v1 import EventBatchResultV1, EventBatchV1, Page

MAX_BATCH_BYTES = 16 * 2**20
KEEP_ALIVE_S = 15.0
TAIL_BATCH = 200

EventAction = FromQuery[Literal["", "allow", "audit", "deny"]]
EventOrigin = FromQuery[Literal["", "api-server", "direct", "rejudged"]]
Grouped = Annotated[bool, QueryParameter(description="Retries as one item.")]

TheFilter = NamedDependency[EventFilter]


async def provide_event_filter(  # noqa: PLR0913, PLR0917  # a parameter for each filter
    hub: TheHub,
    action: EventAction = "",
    cluster: Name = "",
    namespace: Name = "",
    rule: RuleName = "",
    image: Reference = "",
    search: Text = "",
    kind: Name = "",
    user: Text = "",
    reason: Name = "",
    origin: EventOrigin = "",
) -> EventFilter:
    """Return the filter that a request asks for."""
    del hub  # asked for first, see `provide_caller`
    return EventFilter(action, cluster, namespace, rule, image, search, kind, user, reason, origin)


@post(
    "/events",
    guards=allow(Role.CLUSTER),
    status_code=200,
    request_max_body_size=MAX_BATCH_BYTES,
    summary="Deliver admission events",
    responses=documented(),
)
async def post_events(
    hub: TheHub, caller: TheCaller, data: JSONBody[EventBatchV1]
) -> EventBatchResultV1:
    """Store those events that are new, all or none; they belong to the token's cluster."""
    async with hub.database.write_in_turn(Turn.EVENTS) as connection:
        stored = await events.add(connection, data.events, caller.cluster, hub.now())
    duplicates = len(data.events) - stored
    hub.metrics.events.labels("stored").inc(stored)
    hub.metrics.events.labels("duplicate").inc(duplicates)
    hub.metrics.dropped.labels(caller.cluster).inc(max(data.dropped, 0))
    if stored:
        hub.signals.events.ring()
    return EventBatchResultV1(stored, duplicates)


@get(
    "/events",
    guards=allow(*READERS),
    summary="List admission events, newest first",
    responses=documented(),
)
async def list_events(  # noqa: PLR0913, PLR0917  # a list has its filters
    hub: TheHub,
    event_filter: TheFilter,
    since: Instant = "",
    until: Instant = "",
    grouped: Grouped = False,  # noqa: FBT002  # a query parameter, always given by name
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> Page[AdmissionEventV1] | Page[EventGroupV1]:
    """Return a page of the events that match all filters given, or of their groups.

    `grouped`: what a controller tried again and again within an hour (same cluster, owner, images,
    rules and action) is one item `{event, count, firstAt, lastAt}`.
    """
    chosen = timed(event_filter, since, until)
    if grouped:
        return await _page_of_groups(hub, chosen, cursor, limit)
    before = parse_cursor(cursor, tuple[str, int])
    async with hub.database.glance() as connection:
        found = await events.page(connection, chosen, before, limit + 1)
    page = found[:limit]
    following = render_cursor(page[-1].at, page[-1].seq) if len(found) > limit else None
    return page_of_bodies(AdmissionEventV1, [stored.body for stored in page], following)


async def _page_of_groups(
    hub: Hub, chosen: EventFilter, cursor: str, limit: int
) -> Page[EventGroupV1]:
    before = parse_cursor(cursor, tuple[str, str])
    async with hub.database.read() as connection:
        found = await events.page_of_groups(connection, chosen, before, limit + 1)
    page = found[:limit]
    following = render_cursor(page[-1][0].last_at, page[-1][0].id) if len(found) > limit else None
    items = [EventGroupV1(event, g.count, g.first_at, g.last_at) for g, event in page]
    return Page(items, following)


@get(
    "/events/{event_id:str}",
    guards=allow(*READERS),
    summary="Show an admission event",
    responses=documented(404),
)
async def get_event(hub: TheHub, event_id: Id, cluster: Name = "") -> AdmissionEventV1:
    """Return one event; `cluster` tells apart events that share an id."""
    async with hub.database.glance() as connection:
        return await events.load(connection, event_id, cluster)


@get(
    "/events/tail",
    guards=allow(*READERS),
    summary="Stream admission events as they come (server-sent events)",
    responses=documented(),
)
async def tail_events(
    hub: TheHub,
    caller: TheCaller,
    event_filter: TheFilter,
    after: Cursor = "",
    last_event_id: Annotated[str, HeaderParameter(name="Last-Event-ID", max_length=512)] = "",
) -> ServerSentEvent:
    """Stream events in the order of arrival, from a cursor on, else from now.

    Each message is named `admission`, its id is the cursor to resume after, its data an event.
    """
    place = parse_cursor(last_event_id or after, tuple[int])
    if place is None:
        async with hub.database.glance() as connection:
            place = (await events.last_seq(connection),)
    return ServerSentEvent(_tail(hub, caller, event_filter, place[0]))


async def _tail(
    hub: Hub, caller: Caller, chosen: EventFilter, after: int
) -> AsyncIterator[ServerSentEventMessage]:
    signal = hub.signals.events
    yield ServerSentEventMessage(data=None, comment="events follow", id=render_cursor(after))
    while not signal.closed:
        seen = signal.count
        async with hub.database.read() as connection:
            if not await still_valid(hub, connection, caller):
                return
            found = await events.arrived_after(connection, chosen, after, TAIL_BATCH)
        for stored in found:
            after = stored.seq
            yield ServerSentEventMessage(
                data=stored.body.decode(),
                event="admission",
                id=render_cursor(after),
            )
        if len(found) < TAIL_BATCH and not await signal.wait_beyond(seen, KEEP_ALIVE_S):
            yield ServerSentEventMessage(data=None, comment="still here")


def timed(chosen: EventFilter, since: str, until: str) -> EventFilter:
    """Return `chosen` between two instants as a request gave them.

    Raises:
        InputError: one is no instant.
    """
    return dataclasses.replace(
        chosen,
        since=parse_instant_parameter("since", since),
        until=parse_instant_parameter("until", until),
    )


HANDLERS = (post_events, list_events, get_event, tail_events)
