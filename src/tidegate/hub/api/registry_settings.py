"""Registries that workers may contact: configured by people, tested and looked through by workers.

The hub contacts no registry itself and cannot read credentials: they come sealed for the workers.
"""

from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from tidegate.domain.errors import InputError
from tidegate.domain.reference import is_repository
from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow
from tidegate.hub.api.images import require_host
from tidegate.hub.api.problems import documented
from tidegate.hub.clock import render_instant
from tidegate.hub.store import registry_settings, workers
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import Page
from tidegate.wire.registries_v1 import (
    RegistryRecordV1,
    RegistryWriteV1,
    SealingKeyV1,
    WorkerRegistriesV1,
)

HostName = Annotated[str, PathParameter(min_length=1, max_length=261)]
Generation = Annotated[
    str, QueryParameter(max_length=64, description="The one held; empty: answer at once.")
]

MAX_WRITE_BYTES = 64 * 2**20
"""Credentials, with a client's certificate, sealed for a hundred workers."""


@get(
    "/registries/configured/{host:str}",
    guards=allow(*READERS),
    summary="Show a configured registry",
    responses=documented(404),
)
async def get_registry(hub: TheHub, host: HostName) -> RegistryRecordV1:
    """Return a registry's settings, what its test said, and how looking through it goes."""
    async with hub.database.read() as connection:
        return await registry_settings.load(connection, require_host(host))


@put(
    "/registries/configured/{host:str}",
    guards=allow(Role.ADMIN),
    request_max_body_size=MAX_WRITE_BYTES,
    summary="Configure a registry",
    responses=documented(),
)
async def put_registry(
    hub: TheHub, caller: TheCaller, host: HostName, data: JSONBody[RegistryWriteV1]
) -> RegistryRecordV1:
    """Let workers contact a registry; one of them tests it at once."""
    name = require_host(host)
    _require_meaning(name, data)
    async with hub.database.write() as connection:
        return await registry_settings.put(connection, name, data, hub.author(caller))


@delete(
    "/registries/configured/{host:str}",
    guards=allow(Role.ADMIN),
    summary="Forget a registry",
    responses=documented(404),
)
async def delete_registry(hub: TheHub, caller: TheCaller, host: HostName) -> None:
    """Forget a registry's settings and credentials; workers contact it no more."""
    async with hub.database.write() as connection:
        await registry_settings.remove(connection, require_host(host), hub.author(caller))


@post(
    "/registries/configured/{host:str}/test",
    guards=allow(Role.ADMIN),
    status_code=202,
    summary="Have a registry tested",
    responses=documented(404),
)
async def ask_for_test(hub: TheHub, host: HostName) -> RegistryRecordV1:
    """Ask the workers for a test; `testing` is false again when its result is there."""
    async with hub.database.write() as connection:
        now = render_instant(hub.now())
        return await registry_settings.want_test(connection, require_host(host), now)


@get(
    "/sealing-keys",
    guards=allow(Role.ADMIN),
    summary="List the keys that credentials are sealed by",
    responses=documented(),
)
async def list_sealing_keys(hub: TheHub) -> Page[SealingKeyV1]:
    """Return the key of each worker that was heard of in the last five minutes."""
    async with hub.database.read() as connection:
        found = await workers.sealing_keys(connection, hub.now())
    return Page([SealingKeyV1(worker=name, public_key=pem) for name, pem in found.items()])


@get(
    "/workers/registries",
    guards=allow(Role.SCANNER),
    summary="List the registries that workers may contact",
    responses=documented(),
)
async def list_for_workers(
    hub: TheHub, generation: Generation = ""
) -> Response[WorkerRegistriesV1 | None]:
    """Return the registries, credentials sealed; 304: `generation` is the newest."""
    async with hub.database.read() as connection:
        found = await registry_settings.for_workers(connection)
    if found.generation == generation:
        return Response(None, status_code=304)
    return Response(found)


def _require_meaning(host: str, body: RegistryWriteV1) -> None:
    """Refuse what no worker could use."""
    named = [(f"polling.repositories[{n}]", r) for n, r in enumerate(body.polling.repositories)]
    for field, repository in (*named, ("testRepository", body.test_repository)):
        if repository and not is_repository(repository):
            raise InputError(
                f"repository {repository[:255]!r}: want lower-case path components and no host",
                field=field,
            )
    for place, alias in enumerate(body.connection.aliases):
        field = f"connection.aliases[{place}]"
        name = alias.partition("/")[0]
        rest = alias[len(name) + 1 :]
        if require_host(name) == host and not rest:
            raise InputError(
                f"alias {alias!r} is the registry's own name; want another one", field=field
            )
        if rest and not is_repository(rest):
            raise InputError(f"alias {alias!r}: want HOST or HOST/PATH", field=field)


HANDLERS = (
    get_registry,
    put_registry,
    delete_registry,
    ask_for_test,
    list_sealing_keys,
    list_for_workers,
)
