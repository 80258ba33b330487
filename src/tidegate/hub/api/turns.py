"""Registries as workers take turns at them: to test them, and to look through them for pushes."""

from datetime import timedelta

from litestar import Response, post
from litestar.params import JSONBody

from tidegate.domain.errors import ConflictError
from tidegate.hub.api.access import TheCaller, TheHub, allow
from tidegate.hub.api.images import require_host
from tidegate.hub.api.problems import documented
from tidegate.hub.api.registry_settings import HostName
from tidegate.hub.clock import render_instant
from tidegate.hub.observed import take_in
from tidegate.hub.store import registry_settings, turns
from tidegate.hub.store.database import Turn
from tidegate.hub.store.due import Priority
from tidegate.hub.store.jobs import Asked
from tidegate.hub.store.tokens import Role
from tidegate.wire.registries_v1 import (
    ObservedResultV1,
    ObservedV1,
    TurnEndV1,
    TurnRequestV1,
    TurnV1,
)


@post(
    "/registries/turns",
    guards=allow(Role.SCANNER),
    status_code=200,
    summary="Lease a registry",
    responses=documented(409),
)
async def lease_turn(hub: TheHub, data: JSONBody[TurnRequestV1]) -> Response[TurnV1 | None]:
    """Return a registry that is to be tested or looked through; 204: none.

    409: registry access is switched off.
    """
    async with hub.database.write() as connection:
        found = await turns.lease(connection, data, hub.settings.jobs.lease_s, hub.now())
    return Response(None, status_code=204) if found is None else Response(found)


@post(
    "/registries/turns/{host:str}/observed",
    guards=allow(Role.SCANNER),
    status_code=200,
    summary="Tell what a registry's tags name",
    responses=documented(404, 409),
)
async def post_observed(
    hub: TheHub, caller: TheCaller, host: HostName, data: JSONBody[ObservedV1]
) -> ObservedResultV1:
    """Queue a scan for each digest that the hub does not know; extends the lease.

    409: the lease is lost.
    """
    name, now = require_host(host), hub.now()
    expires_at = render_instant(now + timedelta(seconds=hub.settings.jobs.lease_s))
    async with hub.database.write_in_turn(Turn.IMAGES) as connection:
        if await turns.held(connection, name, data.lease, now) != "poll":
            raise ConflictError("this lease is for a test; nothing was to be looked through")
        # What the first look finds lay there before anybody asked: it waits behind what is pushed.
        poll = (await registry_settings.load(connection, name)).poll
        priority = Priority.PUSHED if poll.last_complete_at else Priority.REST
        asked = Asked(caller.name, render_instant(now), priority=priority)
        queued = await take_in(connection, name, data.tags, asked)
        await turns.note_observed(connection, name, data, queued, expires_at)
    if queued:
        hub.signals.jobs.ring()
    return ObservedResultV1(queued)


@post(
    "/registries/turns/{host:str}/end",
    guards=allow(Role.SCANNER),
    status_code=204,
    summary="End a lease of a registry",
    responses=documented(404, 409),
)
async def end_turn(hub: TheHub, host: HostName, data: JSONBody[TurnEndV1]) -> None:
    """Keep the test's result, or how the look ended."""
    name, now = require_host(host), hub.now()
    async with hub.database.write() as connection:
        if await turns.held(connection, name, data.lease, now) == "test":
            await turns.end_test(connection, name, data)
        else:
            await turns.end_poll(connection, name, data, now)


HANDLERS = (lease_turn, post_observed, end_turn)
