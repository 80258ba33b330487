"""What holds for the whole organisation, and its audit log."""

from litestar import get, put
from litestar.params import JSONBody

from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow
from tidegate.hub.api.parameters import DEFAULT_LIMIT, Cursor, Limit, parse_cursor, render_cursor
from tidegate.hub.api.problems import documented
from tidegate.hub.store import audit, organisation
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import AuditEntryV1, Page, SettingsV1


@get(
    "/settings",
    guards=allow(*READERS),
    summary="Show the organisation's settings",
    responses=documented(),
)
async def get_settings(hub: TheHub) -> SettingsV1:
    """Return the evaluation mode and the component switches."""
    async with hub.database.read() as connection:
        return (await organisation.load(connection)).settings


@put(
    "/settings",
    guards=allow(Role.ADMIN),
    summary="Change the organisation's settings",
    responses=documented(),
)
async def put_settings(hub: TheHub, caller: TheCaller, data: JSONBody[SettingsV1]) -> SettingsV1:
    """Set the evaluation mode and the component switches."""
    async with hub.database.write() as connection:
        await organisation.change(connection, data, hub.author(caller))
    hub.signals.policy.ring()
    return data


@get(
    "/audit", guards=allow(Role.ADMIN), summary="List changes, newest first", responses=documented()
)
async def list_audit(
    hub: TheHub, cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[AuditEntryV1]:
    """Return a page of the audit log."""
    below = parse_cursor(cursor, tuple[int])
    async with hub.database.read() as connection:
        found = await audit.page(connection, below[0] if below else None, limit + 1)
    page = found[:limit]
    return Page(page, render_cursor(int(page[-1].id)) if len(found) > limit else None)


HANDLERS = (get_settings, put_settings, list_audit)
