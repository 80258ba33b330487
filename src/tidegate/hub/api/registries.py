"""Registries and repositories that images came from, and what scan workers say of themselves."""

from typing import Annotated

from litestar import get, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from tidegate.hub.api.access import READERS, TheHub, allow
from tidegate.hub.api.parameters import DEFAULT_LIMIT, Cursor, Limit, parse_cursor, render_cursor
from tidegate.hub.api.problems import documented
from tidegate.hub.store import registries, workers
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_data_v1 import (
    AdvisorySourceV1,
    EvidenceKeyV1,
    RegistryV1,
    RepositoryV1,
    WorkerHeartbeatV1,
    WorkerV1,
)
from tidegate.wire.hub_v1 import Page

Text = Annotated[str, QueryParameter(max_length=512)]
WorkerName = Annotated[str, PathParameter(min_length=1, max_length=128)]


@get(
    "/registries",
    guards=allow(*READERS),
    summary="List registries by host",
    responses=documented(),
)
async def list_registries(
    hub: TheHub, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[RegistryV1]:
    """Return a page of the registries that images came from."""
    after = parse_cursor(cursor, tuple[str])
    async with hub.database.read() as connection:
        found = await registries.page(connection, after[0] if after else "", limit + 1, hub.now())
    page = found[:limit]
    return Page(page, render_cursor(page[-1].host) if len(found) > limit else None)


@get(
    "/repositories",
    guards=allow(*READERS),
    summary="List repositories by registry and name",
    responses=documented(),
)
async def list_repositories(
    hub: TheHub,
    registry: Text = "",
    search: Text = "",
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> Page[RepositoryV1]:
    """Return a page of the repositories, of one registry or of all."""
    after = parse_cursor(cursor, tuple[str, str])
    async with hub.database.read() as connection:
        found = await registries.page_of_repositories(
            connection, registry, search, after, limit + 1
        )
    page = found[:limit]
    last = render_cursor(page[-1].registry, page[-1].repository) if page else None
    return Page(page, last if len(found) > limit else None)


@get(
    "/advisories",
    guards=allow(*READERS),
    summary="List the advisories that workers judge by",
    responses=documented(),
)
async def list_advisories(hub: TheHub) -> Page[AdvisorySourceV1]:
    """Return each ecosystem's advisories; where workers differ, the oldest of theirs."""
    async with hub.database.read() as connection:
        return Page(await workers.advisories(connection))


@get(
    "/keys",
    guards=allow(*READERS),
    summary="List the evidence keys that workers sign with",
    responses=documented(),
)
async def list_keys(hub: TheHub) -> Page[EvidenceKeyV1]:
    """Return the public halves, last used first; clusters trust only what they configured."""
    async with hub.database.read() as connection:
        return Page(await workers.keys(connection))


@get(
    "/workers",
    guards=allow(*READERS),
    summary="List the scan workers by name",
    responses=documented(),
)
async def list_workers(hub: TheHub) -> Page[WorkerV1]:
    """Return each worker that was heard of, and when it last was."""
    async with hub.database.read() as connection:
        return Page(await workers.list_all(connection, hub.now()))


@put(
    "/workers/{name:str}",
    guards=allow(Role.SCANNER),
    status_code=204,
    summary="Tell how a scan worker is",
    responses=documented(),
)
async def put_worker(hub: TheHub, name: WorkerName, data: JSONBody[WorkerHeartbeatV1]) -> None:
    """Keep what a worker says of its registries, advisories and evidence key."""
    async with hub.database.write() as connection:
        await workers.note_heartbeat(connection, name, data, hub.now())


HANDLERS = (
    list_registries,
    list_repositories,
    list_advisories,
    list_keys,
    list_workers,
    put_worker,
)
