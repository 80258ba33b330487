"""What holds for the whole organisation, and its audit log."""

from typing import Annotated, Any

from litestar import Request, get, put
from litestar.params import JSONBody, QueryParameter

from tidegate.domain.errors import ConflictError
from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow
from tidegate.hub.api.parameters import (
    DEFAULT_LIMIT,
    Cursor,
    Id,
    Instant,
    Limit,
    parse_cursor,
    parse_instant_parameter,
    render_cursor,
)
from tidegate.hub.api.problems import documented
from tidegate.hub.api.reauthentication import require_fresh
from tidegate.hub.store import audit, organisation
from tidegate.hub.store.audit import AuditFilter
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_v1 import AuditEntryV1, Page, SettingsV1, SettingsWriteV1

Actor = Annotated[str, QueryParameter(max_length=256, description="Who made the change.")]
AuditAction = Annotated[str, QueryParameter(max_length=64, description="Like `rule.update`.")]
Object = Annotated[
    str,
    QueryParameter(
        name="object",
        max_length=512,
        description="Target of the change, `rule/4f28…`, or its kind: `rule`.",
    ),
]
Found = Annotated[
    str,
    QueryParameter(
        max_length=512,
        description="Part of who, what or target, or of what was there before and after.",
    ),
]


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
async def put_settings(
    hub: TheHub,
    caller: TheCaller,
    request: Request[Any, Any, Any],
    data: JSONBody[SettingsWriteV1],
) -> SettingsV1:
    """Set evaluation mode and component switches; gating goes off as a cluster's does, with proof.

    What new clusters begin with counts as much as the switch of one: whoever sets it to Off has
    every cluster admit everything that is enrolled from then on.
    """
    wanted = SettingsV1(
        data.evaluation_mode,
        security_findings=data.security_findings,
        registry_access=data.registry_access,
        security_gating=data.security_gating,
    )
    async with hub.database.read() as connection:
        current = (await organisation.load(connection)).settings
    proved = _opens(current, wanted)
    if proved:
        await require_fresh(hub, request, caller, data.password)
    async with hub.database.write() as connection:
        await organisation.lock(connection)
        current = (await organisation.load(connection)).settings
        if _opens(current, wanted) and not proved:
            raise ConflictError("gating was switched on meanwhile; read the settings again")
        await organisation.change(connection, wanted, hub.author(caller))
    hub.signals.policy.ring()
    return wanted


def _opens(before: SettingsV1, after: SettingsV1) -> bool:
    """Whether the change lets clusters begin with gating off."""
    return before.security_gating == "On" and after.security_gating == "Off"


@get(
    "/audit", guards=allow(Role.ADMIN), summary="List changes, newest first", responses=documented()
)
async def list_audit(  # noqa: PLR0913, PLR0917  # a list has its filters
    hub: TheHub,
    actor: Actor = "",
    action: AuditAction = "",
    target: Object = "",
    search: Found = "",
    since: Instant = "",
    until: Instant = "",
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> Page[AuditEntryV1]:
    """Return a page of those entries of the audit log that match all filters given."""
    below = parse_cursor(cursor, tuple[int])
    chosen = AuditFilter(
        actor,
        action,
        target,
        search,
        since=parse_instant_parameter("since", since),
        until=parse_instant_parameter("until", until),
    )
    async with hub.database.read() as connection:
        found = await audit.page(connection, chosen, below[0] if below else None, limit + 1)
    page = found[:limit]
    return Page(page, render_cursor(int(page[-1].id)) if len(found) > limit else None)


@get(
    "/audit/{entry_id:str}",
    guards=allow(Role.ADMIN),
    summary="Show a change",
    responses=documented(404),
)
async def get_audit_entry(hub: TheHub, entry_id: Id) -> AuditEntryV1:
    """Return one entry of the audit log."""
    async with hub.database.read() as connection:
        return await audit.load(connection, entry_id)


HANDLERS = (get_settings, put_settings, list_audit, get_audit_entry)
