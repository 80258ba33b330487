"""The hub's web application: all handlers, one form of errors, headers on every answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterator
from datetime import timedelta
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import ASGIApp

from tidegate.hub.api import (
    clusters,
    enrolments,
    event_export,
    events,
    feed,
    first_sight,
    health,
    image_details,
    images,
    inventory,
    jobs,
    notifications,
    oidc,
    organisation,
    overview,
    registries,
    registry_settings,
    rejudgements,
    rematch,
    rule_bulk,
    rules,
    session,
    tokens,
    turns,
    users,
)
from tidegate.hub.api.access import provide_caller, provide_hub, provide_session
from tidegate.hub.api.bodies import StrictRequest
from tidegate.hub.api.document import document_handler, render_document
from tidegate.hub.api.events import provide_event_filter
from tidegate.hub.api.images import provide_image_filter
from tidegate.hub.api.problems import HANDLERS
from tidegate.hub.clock import render_instant
from tidegate.hub.context import Hub
from tidegate.hub.headers import with_headers
from tidegate.hub.jobs.pruning import keep_pruned
from tidegate.hub.jobs.rematching import keep_rematched
from tidegate.hub.portal.assets import STATIC, load_assets
from tidegate.hub.portal.site import with_portal
from tidegate.hub.replicas import hear_changes
from tidegate.hub.store import seed
from tidegate.hub.store.database import Turn, take_turn
from tidegate.hub.store.migrate import migrate

API_ROOT = "/api/v1"
MAX_BODY_BYTES = 4 * 2**20


def make_app(hub: Hub) -> ASGIApp:
    """Return the application for a hub that is `running`."""
    app = with_portal(route(hub), load_assets(STATIC))
    return with_headers(app, hub.settings.sign_in.public_url)


def openapi_document() -> bytes:
    """Return the OpenAPI document, as `/api/v1/openapi.json` serves it."""
    return render_document(_routes())


def route(hub: Hub) -> Litestar:
    """Return the framework's application: all handlers, for the hub in its state."""
    app = Litestar(
        route_handlers=[
            *_routes(),
            Router(API_ROOT, route_handlers=[document_handler(_routes)]),
        ],
        exception_handlers=HANDLERS,
        request_class=StrictRequest,
        openapi_config=None,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )
    app.state.hub = hub
    return app


@contextlib.asynccontextmanager
async def running(hub: Hub) -> AsyncIterator[None]:
    """Bring the database up to date, look after it meanwhile, and close it at the end."""
    try:
        await prepare(hub)
        tasks = [asyncio.create_task(loop) for loop in _loops(hub)]
        try:
            yield
        finally:
            hub.signals.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await hub.database.close()
        if hub.provider is not None:
            await hub.provider.aclose()


def _loops(hub: Hub) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what runs beside the requests."""
    yield keep_pruned(hub.database, timedelta(days=hub.settings.event_retention_d), hub.now)
    yield keep_rematched(hub.database, hub.signals.jobs, hub.now)
    if hub.database.is_shared:
        yield hear_changes(hub.database, hub.signals)


async def prepare(hub: Hub) -> None:
    """Migrate the database and put in it what every hub has."""
    path = hub.settings.bootstrap_tokens_file
    tokens_file = None if path is None else await asyncio.to_thread(seed.read_bootstrap, path)
    password_file = hub.settings.sign_in.bootstrap_password_file
    password = None if password_file is None else seed.read_password(password_file)
    await migrate(hub.database)
    now = render_instant(hub.now())
    async with hub.database.write() as connection:
        await take_turn(connection, Turn.MIGRATE)
        await seed.seed(connection, now)
        if tokens_file is not None:
            await seed.bootstrap(connection, tokens_file, now)
    if password is not None:
        await seed.bootstrap_admin(hub.database, hub.passwords, password, now)


def _routes() -> list[Router]:
    """Return all that the OpenAPI document describes."""
    hub = {"hub": Provide(provide_hub)}
    return [
        Router(
            API_ROOT,
            route_handlers=[
                *rules.HANDLERS,
                *rule_bulk.HANDLERS,
                *organisation.HANDLERS,
                *overview.HANDLERS,
                *clusters.HANDLERS,
                *inventory.HANDLERS,
                *rejudgements.HANDLERS,
                *enrolments.HANDLERS,
                *events.HANDLERS,
                *event_export.HANDLERS,
                *registries.HANDLERS,
                *registry_settings.HANDLERS,
                *turns.HANDLERS,
                *notifications.HANDLERS,
                *images.HANDLERS,
                *first_sight.HANDLERS,
                *feed.HANDLERS,
                *image_details.HANDLERS,
                *jobs.HANDLERS,
                *rematch.HANDLERS,
                *tokens.HANDLERS,
                *session.HANDLERS,
                *oidc.HANDLERS,
                *users.HANDLERS,
            ],
            dependencies={
                **hub,
                "caller": Provide(provide_caller),
                "session": Provide(provide_session),
                "event_filter": Provide(provide_event_filter),
                "image_filter": Provide(provide_image_filter),
            },
        ),
        Router("/", route_handlers=health.HANDLERS, dependencies=hub),
    ]
