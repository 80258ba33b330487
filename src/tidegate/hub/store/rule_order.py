"""The order of the rules as a whole: its version, and saving all of it at once.

The version is the place, in the audit log, of the last change that touched the order: so a
conflict can say what happened since, and whoever edits a rule's content disturbs nobody who
orders them.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import (
    InputError,
    PreconditionFailedError,
    PreconditionRequiredError,
)
from tidegate.hub.store import audit, organisation
from tidegate.hub.store import rules as rows
from tidegate.hub.store.audit import Author
from tidegate.hub.store.rules import StoredRule
from tidegate.wire.hub_v1 import AuditEntryV1

CREATED, DELETED, MOVED, ORDERED = "rule.create", "rule.delete", "rule.move", "rule.order"
ORDER_ACTIONS = (CREATED, DELETED, MOVED, ORDERED)

MAX_CHANGES_NAMED = 5
"""What a conflict names; who was away for longer reads the audit log."""


async def etag_of(connection: AsyncConnection) -> str:
    """Return the version of the order; read it before the order, never after."""
    return f"o{await audit.last_of(connection, ORDER_ACTIONS)}"


async def ids_of(connection: AsyncConnection) -> list[str]:
    """Return the ids of all rules, highest priority first."""
    return [rule.id for rule in await rows.load_all(connection)]


async def save(connection: AsyncConnection, ids: list[str], if_match: str, author: Author) -> None:
    """Put all rules into the order of `ids`, unless the order was changed since `if_match`.

    Raises:
        InputError: an id is unknown or stands twice, a rule is left out, or the default rule is
            not the last.
        PreconditionFailedError: says what changed the order since.
    """
    await organisation.lock(connection)
    await _require_match(connection, if_match)
    stored = await rows.load_all(connection)
    _require_whole(ids, stored)
    before = [rule.id for rule in stored]
    if ids == before:
        return
    await rows.place(connection, ids[:-1])
    names = {rule.id: rule.entry.name for rule in stored}
    await organisation.count_change(connection, author.at)
    await audit.record(
        connection,
        author,
        ORDERED,
        "rules/order",
        before={"order": [names[rule_id] for rule_id in before]},
        after={"order": [names[rule_id] for rule_id in ids]},
    )


def _require_whole(ids: list[str], stored: list[StoredRule]) -> None:
    names = {rule.id: rule.entry.name for rule in stored}
    seen: dict[str, int] = {}
    for place, rule_id in enumerate(ids):
        field = f"ids[{place}]"
        if rule_id not in names:
            raise InputError(
                f"there is no rule with id {rule_id!r}; it may have been deleted: read the "
                "rules again",
                field=field,
            )
        if rule_id in seen:
            raise InputError(
                f"rule {names[rule_id]!r} stands at {seen[rule_id] + 1} and at {place + 1}; "
                "give each rule once",
                field=field,
            )
        seen[rule_id] = place
    missing = [name for rule_id, name in names.items() if rule_id not in seen]
    if missing:
        shown = ", ".join(repr(name) for name in missing[:MAX_CHANGES_NAMED])
        raise InputError(
            f"rules left out: {len(missing)} ({shown}); give all {len(names)} rules", field="ids"
        )
    default = next(rule.id for rule in stored if rule.is_default)
    if ids[-1] != default:
        raise InputError(
            f"the default rule stands at {seen[default] + 1}; it always comes after all others: "
            "put it last",
            field=f"ids[{seen[default]}]",
        )


async def _require_match(connection: AsyncConnection, if_match: str) -> None:
    if not if_match:
        raise PreconditionRequiredError(
            "the If-Match header is missing; send the ETag of the order that you read, so that "
            "nobody else's change is lost"
        )
    wanted = if_match.strip().strip('"')
    if wanted in ("*", await etag_of(connection)):
        return
    raise PreconditionFailedError(
        f"the order was changed since you read it{await _changed_since(connection, wanted)}; "
        "nothing was written: read the rules again and repeat your change"
    )


async def _changed_since(connection: AsyncConnection, etag: str) -> str:
    place = audit.place_of(etag.removeprefix("o"))
    if place is None:
        return ""
    found = await audit.entries_after(connection, ORDER_ACTIONS, place, MAX_CHANGES_NAMED + 1)
    if not found:
        return ""
    more = "; and more" if len(found) > MAX_CHANGES_NAMED else ""
    return f": {'; '.join(map(_describe, found[:MAX_CHANGES_NAMED]))}{more}"


def _describe(entry: AuditEntryV1) -> str:
    name = _name(entry.before if entry.action == DELETED else entry.after)
    what = {
        CREATED: f"{name} was added",
        DELETED: f"{name} was deleted",
        MOVED: f"{name} was moved",
        ORDERED: "all rules were ordered anew",
    }
    return f"{what[entry.action]} by {entry.actor} at {entry.at[:19]}Z"


def _name(value: Any) -> str:  # noqa: ANN401  # JSON as the audit log keeps it
    """Return the name of the rule that an entry is about."""
    if not isinstance(value, dict):  # of a move, as the previous release recorded it
        return "a rule"
    name = value.get("rule", value).get("name")
    return f"rule {name!r}"
