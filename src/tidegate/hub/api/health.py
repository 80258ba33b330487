"""Whether the hub lives and can serve, and what it counts; the only paths without a token."""

import ipaddress
from typing import Any

import structlog
from litestar import MediaType, Request, Response, get
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from tidegate.domain.errors import HubUnavailableError, NotPermittedError, UnavailableError
from tidegate.hub.api.access import TheHub
from tidegate.hub.context import Hub
from tidegate.hub.metrics import Seen
from tidegate.hub.store import jobs, migrate, organisation, workers

_log = structlog.get_logger()


@get("/healthz", media_type=MediaType.TEXT, summary="Whether the process lives", security=[{}])
async def get_health() -> str:
    """Answer, whatever the database does."""
    return "ok"


@get("/readyz", media_type=MediaType.TEXT, summary="Whether the hub can serve", security=[{}])
async def get_readiness(hub: TheHub) -> str:
    """Answer once the database does, and is of this version's schema or a newer one."""
    try:
        async with hub.database.read() as connection:
            await organisation.load(connection)
            behind = await migrate.found_behind(connection)
    except SQLAlchemyError as error:
        _log.exception("the database does not answer")
        raise HubUnavailableError("the hub's database does not answer; its log says why") from error
    if behind:
        raise HubUnavailableError(
            f"the hub's database has schema {behind}, want {migrate.head()}: start the hub again, "
            "which brings it forward"
        )
    return "ok"


@get("/metrics", media_type=MediaType.TEXT, summary="Prometheus metrics", security=[{}])
async def get_metrics(hub: TheHub, request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return the counters; only to this machine: they name clusters."""
    host = request.client.host if request.client else ""
    if not _is_loopback(host):
        raise NotPermittedError(
            "metrics are served here to this machine alone; scrape over loopback, or the port of "
            "TIDEGATE_HUB_METRICS_PORT"
        )
    return Response(await render_metrics(hub), media_type=CONTENT_TYPE_LATEST)


async def render_metrics(hub: Hub) -> bytes:
    """Return all that the hub counts; while its database is away, that it is."""
    try:
        async with hub.database.read() as connection:
            seen = Seen(await jobs.counts(connection), await workers.advisories(connection))
    except (SQLAlchemyError, UnavailableError) as error:
        _log.warning("metrics without the database", error=str(error))
        seen = None
    return hub.metrics.render(seen, hub.signals, hub.database.waiting)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


HANDLERS = (get_health, get_readiness, get_metrics)
