"""What people do to rules, each within one transaction, counted for the clusters and audited."""

import itertools

import msgspec
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import (
    ConflictError,
    InputError,
    InvalidPolicyError,
    PreconditionFailedError,
    PreconditionRequiredError,
)
from tidegate.hub.rule_body import (
    differences,
    require_default_kept,
    require_storable,
    sign_exemptions,
)
from tidegate.hub.store import audit, organisation
from tidegate.hub.store import rules as rows
from tidegate.hub.store.audit import Author
from tidegate.hub.store.rules import StoredRule
from tidegate.hub.store.schema import rules
from tidegate.wire.hub_v1 import CloudScopeV1, RuleApplyResultV1, RuleApplyV1, RuleWriteV1

MAX_STATES_COMPARED = 200
"""Changes looked back on to say what changed since a version."""


async def create(connection: AsyncConnection, body: RuleWriteV1, author: Author) -> StoredRule:
    """Create a rule directly above the default rule."""
    require_storable(body.rule)
    await organisation.lock(connection)
    signed = RuleWriteV1(sign_exemptions(body.rule, None, author.name), body.cloud_scope)
    position = await rows.free_position(connection)
    created = await rows.add(connection, signed, position, author)
    await _record(connection, author, "rule.create", _target(created.id), after=created.content)
    return created


async def replace(
    connection: AsyncConnection, rule_id: str, body: RuleWriteV1, if_match: str, author: Author
) -> StoredRule:
    """Replace a rule that is still as `if_match` says."""
    require_storable(body.rule)
    await organisation.lock(connection)
    stored = await rows.load(connection, rule_id)
    await require_match(connection, stored, if_match)
    return await _rewrite(connection, stored, body, author, "rule.update")


async def set_enabled(
    connection: AsyncConnection, rule_id: str, *, enabled: bool, author: Author
) -> StoredRule:
    """Switch a rule on or off; the default rule too."""
    await organisation.lock(connection)
    stored = await rows.load(connection, rule_id)
    if stored.entry.enabled == enabled:
        return stored
    entry = msgspec.structs.replace(stored.entry, enabled=enabled)
    action = "rule.enable" if enabled else "rule.disable"
    return await _rewrite(
        connection, stored, RuleWriteV1(entry, stored.cloud_scope), author, action
    )


async def remove(connection: AsyncConnection, rule_id: str, if_match: str, author: Author) -> None:
    """Delete a rule that is still as `if_match` says.

    Raises:
        ConflictError: it is the default rule.
    """
    await organisation.lock(connection)
    stored = await rows.load(connection, rule_id)
    if stored.is_default:
        raise ConflictError(
            "the default rule cannot be deleted: it judges what no other rule does; "
            "disable it instead"
        )
    await require_match(connection, stored, if_match)
    await connection.execute(delete(rules).where(rules.c.id == rule_id))
    await _record(connection, author, "rule.delete", _target(rule_id), before=stored.content)


async def move(
    connection: AsyncConnection, rule_id: str, priority: int, author: Author
) -> StoredRule:
    """Give a rule the place `priority`, counted from 1.

    Raises:
        ConflictError: it is the default rule.
        InputError: there is no such place above the default rule.
    """
    await organisation.lock(connection)
    stored = await rows.load(connection, rule_id)
    if stored.is_default:
        raise ConflictError(
            "the default rule cannot be moved: it always comes after all others; "
            "duplicate it and move the copy"
        )
    ids = [rule.id for rule in await rows.load_all(connection) if not rule.is_default]
    if priority > len(ids):
        raise InputError(f"priority {priority}: want 1 to {len(ids)}, above the default rule")
    before = ids.index(rule_id) + 1
    ids.remove(rule_id)
    ids.insert(priority - 1, rule_id)
    await rows.place(connection, ids)
    if priority != before:
        await _record(
            connection,
            author,
            "rule.move",
            f"{_target(rule_id)}/priority",
            before={"name": stored.entry.name, "priority": before},
            after={"name": stored.entry.name, "priority": priority},
        )
    return stored


async def duplicate(connection: AsyncConnection, rule_id: str, author: Author) -> StoredRule:
    """Return a disabled copy directly below the rule, of the default rule directly above it."""
    await organisation.lock(connection)
    existing = await rows.load_all(connection)
    stored = await rows.load(connection, rule_id)
    name = _copy_name(stored.entry.name, {rule.entry.name for rule in existing})
    entry = msgspec.structs.replace(stored.entry, name=name, enabled=False)
    body = RuleWriteV1(sign_exemptions(entry, stored.entry, author.name), stored.cloud_scope)
    copy = await rows.add(connection, body, await rows.free_position(connection), author)
    ids = [rule.id for rule in existing if not rule.is_default]
    ids.insert(len(ids) if stored.is_default else ids.index(rule_id) + 1, copy.id)
    await rows.place(connection, ids)
    await _record(connection, author, "rule.create", _target(copy.id), after=copy.content)
    return copy


async def apply(
    connection: AsyncConnection, body: RuleApplyV1, author: Author
) -> RuleApplyResultV1:
    """Create or update rules by name; an updated one keeps its place and cloud scope."""
    names = [entry.name for entry in body.rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidPolicyError(
            f"rule names are used twice: {', '.join(twice)}; want unique names", field="rules"
        )
    for place, entry in enumerate(body.rules):
        require_storable(entry, f"rules[{place}]")
    result = RuleApplyResultV1([], [], [])
    await organisation.lock(connection)
    for entry in body.rules:
        stored = await rows.load_named(connection, entry.name)
        if stored is None:
            await create(connection, RuleWriteV1(entry, CloudScopeV1()), author)
            result.created.append(entry.name)
        elif sign_exemptions(entry, stored.entry, author.name) == stored.entry:
            result.unchanged.append(entry.name)
        else:
            wanted = RuleWriteV1(entry, stored.cloud_scope)
            await _rewrite(connection, stored, wanted, author, "rule.update")
            result.updated.append(entry.name)
    if body.evaluation_mode is not None:
        current = (await organisation.load(connection)).settings
        wanted_settings = msgspec.structs.replace(current, evaluation_mode=body.evaluation_mode)
        await organisation.change(connection, wanted_settings, author)
    return result


async def _rewrite(
    connection: AsyncConnection,
    stored: StoredRule,
    body: RuleWriteV1,
    author: Author,
    action: str,
) -> StoredRule:
    signed = RuleWriteV1(sign_exemptions(body.rule, stored.entry, author.name), body.cloud_scope)
    if stored.is_default:
        require_default_kept(signed.rule, signed.cloud_scope)
    written = await rows.rewrite(connection, stored, signed, author)
    await _record(
        connection,
        author,
        action,
        _target(stored.id),
        before=stored.content,
        after=written.content,
    )
    return written


async def _record(
    connection: AsyncConnection,
    author: Author,
    action: str,
    target: str,
    *,
    before: object = None,
    after: object = None,
) -> None:
    await organisation.count_change(connection, author.at)
    await audit.record(connection, author, action, target, before=before, after=after)


async def require_match(connection: AsyncConnection, stored: StoredRule, if_match: str) -> None:
    """Refuse a change that is based on another version of `stored`.

    Raises:
        PreconditionRequiredError: it does not say on which.
        PreconditionFailedError: says who changed what since.
    """
    if not if_match:
        raise PreconditionRequiredError(
            "the If-Match header is missing; send the etag of the rule that you read, "
            "so that nobody else's change is lost"
        )
    wanted = if_match.strip().strip('"')
    if wanted in ("*", stored.etag):
        return
    changed = await _changed_since(connection, stored, wanted)
    raise PreconditionFailedError(
        f"rule {stored.entry.name!r} was changed by {stored.updated_by} at {stored.updated_at}"
        f"{changed}; nothing was written: read it again and repeat your change"
    )


async def _changed_since(connection: AsyncConnection, stored: StoredRule, etag: str) -> str:
    states = await audit.states_of(connection, _target(stored.id), MAX_STATES_COMPARED)
    known = next((state for state in states if state.get("etag") == etag), None)
    if known is None:
        return ""
    fields = [field for field in differences(known, stored.content) if field != "etag"]
    return f" ({', '.join(fields)})" if fields else " (and back again)"


def _copy_name(name: str, taken: set[str]) -> str:
    numbers = itertools.chain([""], (f" {number}" for number in itertools.count(2)))
    candidates = (f"{name[:240]} (copy{number})" for number in numbers)  # names have 256
    return next(candidate for candidate in candidates if candidate not in taken)


def _target(rule_id: str) -> str:
    return f"rule/{rule_id}"
