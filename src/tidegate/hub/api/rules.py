"""Security rules: list, change, order, apply and export."""

from typing import Annotated, Literal

from litestar import Response, delete, get, post, put
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow
from tidegate.hub.api.parameters import (
    DEFAULT_LIMIT,
    Cursor,
    Id,
    Limit,
    page_of_bodies,
    parse_cursor,
    render_cursor,
)
from tidegate.hub.api.problems import documented
from tidegate.hub.context import Hub
from tidegate.hub.reach import RuleSet
from tidegate.hub.rule_body import object_of
from tidegate.hub.store import organisation, rule_changes, rules
from tidegate.hub.store.tokens import Caller, Role
from tidegate.wire.hub_v1 import (
    Page,
    RuleApplyResultV1,
    RuleApplyV1,
    RuleMoveV1,
    RuleRecordV1,
    RuleWriteV1,
)
from tidegate.wire.policy_v1alpha1 import HUB_OBJECT_NAME, PolicyObjectV1, RuleV1

IfMatch = Annotated[
    str, HeaderParameter(name="If-Match", description="`etag` of the rule as you read it, or `*`.")
]
Search = Annotated[
    str, QueryParameter(max_length=512, description="Part of a name, description or scope name.")
]


@get(
    "/rules",
    guards=allow(*READERS),
    summary="List rules, highest priority first",
    responses=documented(),
)
async def list_rules(
    hub: TheHub, search: Search = "", cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[RuleRecordV1]:
    """Return a page of the rules; the default rule is the last of all."""
    after = parse_cursor(cursor, tuple[int])
    known = await rules_now(hub)
    found = [record for record in known.records if _mentions(record.rule, search.lower())]
    rest = [record for record in found if after is None or record.priority > after[0]]
    page = rest[:limit]
    following = render_cursor(page[-1].priority) if len(rest) > limit else None
    return page_of_bodies(RuleRecordV1, [known.bodies[record.id] for record in page], following)


@post("/rules", guards=allow(Role.ADMIN), summary="Create a rule", responses=documented(409))
async def create_rule(
    hub: TheHub, caller: TheCaller, data: JSONBody[RuleWriteV1]
) -> Response[RuleRecordV1]:
    """Create a rule directly above the default rule."""
    async with hub.database.write() as connection:
        created = await rule_changes.create(connection, data, hub.author(caller))
        known = await _rules_after(connection)
    return _changed(hub, known, created.id, status=201)


@get(
    "/rules/{rule_id:str}",
    guards=allow(*READERS),
    summary="Show a rule",
    responses=documented(404),
)
async def get_rule(hub: TheHub, rule_id: Id) -> Response[RuleRecordV1]:
    """Return one rule; its ETag is what If-Match wants."""
    known = await rules_now(hub)
    return _tagged(known.record(rule_id))


@put(
    "/rules/{rule_id:str}",
    guards=allow(Role.ADMIN),
    summary="Replace a rule",
    responses=documented(404, 409, 412, 428),
)
async def replace_rule(
    hub: TheHub,
    caller: TheCaller,
    rule_id: Id,
    data: JSONBody[RuleWriteV1],
    if_match: IfMatch = "",
) -> Response[RuleRecordV1]:
    """Replace a rule, unless somebody changed it since it was read."""
    async with hub.database.write() as connection:
        author = hub.author(caller)
        written = await rule_changes.replace(connection, rule_id, data, if_match, author)
        known = await _rules_after(connection)
    return _changed(hub, known, written.id)


@delete(
    "/rules/{rule_id:str}",
    guards=allow(Role.ADMIN),
    summary="Delete a rule",
    responses=documented(404, 409, 412, 428),
)
async def delete_rule(hub: TheHub, caller: TheCaller, rule_id: Id, if_match: IfMatch = "") -> None:
    """Delete a rule, unless somebody changed it since it was read; never the default rule."""
    async with hub.database.write() as connection:
        await rule_changes.remove(connection, rule_id, if_match, hub.author(caller))
    hub.signals.policy.ring()


@post(
    "/rules/{rule_id:str}/enable",
    guards=allow(Role.ADMIN),
    status_code=200,
    summary="Switch a rule on",
    responses=documented(404),
)
async def enable_rule(hub: TheHub, caller: TheCaller, rule_id: Id) -> Response[RuleRecordV1]:
    """Switch a rule on; it may be on already."""
    return await _switch(hub, caller, rule_id, enabled=True)


@post(
    "/rules/{rule_id:str}/disable",
    guards=allow(Role.ADMIN),
    status_code=200,
    summary="Switch a rule off",
    responses=documented(404),
)
async def disable_rule(hub: TheHub, caller: TheCaller, rule_id: Id) -> Response[RuleRecordV1]:
    """Switch a rule off; the default rule too."""
    return await _switch(hub, caller, rule_id, enabled=False)


@post(
    "/rules/{rule_id:str}/move",
    guards=allow(Role.ADMIN),
    status_code=200,
    summary="Give a rule another priority",
    responses=documented(404, 409),
)
async def move_rule(
    hub: TheHub, caller: TheCaller, rule_id: Id, data: JSONBody[RuleMoveV1]
) -> Response[RuleRecordV1]:
    """Put a rule at a priority; those from there on move down."""
    async with hub.database.write() as connection:
        author = hub.author(caller)
        moved = await rule_changes.move(connection, rule_id, data.priority, author)
        known = await _rules_after(connection)
    return _changed(hub, known, moved.id)


@post(
    "/rules/{rule_id:str}/duplicate",
    guards=allow(Role.ADMIN),
    summary="Copy a rule",
    responses=documented(404),
)
async def duplicate_rule(hub: TheHub, caller: TheCaller, rule_id: Id) -> Response[RuleRecordV1]:
    """Make a disabled copy directly below a rule, of the default rule directly above it."""
    async with hub.database.write() as connection:
        copy = await rule_changes.duplicate(connection, rule_id, hub.author(caller))
        known = await _rules_after(connection)
    return _changed(hub, known, copy.id, status=201)


@post(
    "/rules/apply",
    guards=allow(Role.ADMIN),
    status_code=200,
    summary="Create or update rules by name",
    responses=documented(409),
)
async def apply_rules(
    hub: TheHub, caller: TheCaller, data: JSONBody[RuleApplyV1]
) -> RuleApplyResultV1:
    """Create or update rules by name, all or none; new ones directly above the default rule."""
    async with hub.database.write() as connection:
        result = await rule_changes.apply(connection, data, hub.author(caller))
    hub.signals.policy.ring()
    return result


@get(
    "/rules/export",
    guards=allow(*READERS),
    summary="Export all rules as a policy object",
    responses=documented(),
)
async def export_rules(
    hub: TheHub,
    export_format: Annotated[Literal["json"], QueryParameter(name="format")] = "json",
) -> PolicyObjectV1:
    """Return all rules, disabled ones too, as one SecurityArtifactPolicy object."""
    del export_format  # the one there is; checked by its type
    async with hub.database.read() as connection:
        stored = await rules.load_all(connection)
        current = await organisation.load(connection)
    entries = [rule.entry for rule in stored]
    return object_of(entries, current.evaluation_mode, HUB_OBJECT_NAME, current.edited_at)


def _mentions(entry: RuleV1, text: str) -> bool:
    return text in f"{entry.name}\n{entry.description}\n{entry.scope_name}".lower()


async def _switch(
    hub: Hub, caller: Caller, rule_id: str, *, enabled: bool
) -> Response[RuleRecordV1]:
    async with hub.database.write() as connection:
        await rule_changes.set_enabled(
            connection, rule_id, enabled=enabled, author=hub.author(caller)
        )
        known = await _rules_after(connection)
    return _changed(hub, known, rule_id)


async def rules_now(hub: Hub) -> RuleSet:
    """Return all rules; those held already where nothing changed since."""
    async with hub.database.glance() as connection:
        known = hub.rule_book.held(await organisation.revision(connection))
    if known is not None:
        return known
    async with hub.database.read() as connection:
        return await hub.rule_book.at(connection, await organisation.revision(connection))


async def _rules_after(connection: AsyncConnection) -> RuleSet:
    """Return the rules as this transaction leaves them."""
    return RuleSet(await organisation.revision(connection), await rules.load_all(connection))


def _changed(hub: Hub, known: RuleSet, rule_id: str, status: int = 200) -> Response[RuleRecordV1]:
    """Return a rule just stored, and let those who wait and read have what is in force now."""
    hub.rule_book.hold(known)
    hub.signals.policy.ring()
    return _tagged(known.record(rule_id), status)


def _tagged(record: RuleRecordV1, status: int = 200) -> Response[RuleRecordV1]:
    return Response(record, status_code=status, headers={"ETag": f'"{record.etag}"'})


HANDLERS = (
    list_rules,
    create_rule,
    get_rule,
    replace_rule,
    delete_rule,
    enable_rule,
    disable_rule,
    move_rule,
    duplicate_rule,
    apply_rules,
    export_rules,
)
