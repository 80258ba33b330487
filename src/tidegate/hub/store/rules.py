"""The rows of the ordered rules; the default rule stands last, whatever its position says."""

import dataclasses
import uuid
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError, NotFoundError
from tidegate.domain.rule import default_rule
from tidegate.hub.store.audit import Author
from tidegate.hub.store.schema import rules
from tidegate.wire.hub_v1 import CloudScopeV1, RuleWriteV1
from tidegate.wire.policy_v1alpha1 import RuleV1, entry_of

_RULE = msgspec.json.Decoder(RuleV1)
_SCOPE = msgspec.json.Decoder(CloudScopeV1)


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as it is kept."""

    id: str
    position: int
    """Order among the rules; gaps mean nothing."""
    entry: RuleV1
    cloud_scope: CloudScopeV1
    is_default: bool
    version: int
    updated_at: str
    updated_by: str

    @property
    def etag(self) -> str:
        """Names this version of this rule's content."""
        return f"v{self.version}"

    @property
    def content(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        body = RuleWriteV1(self.entry, self.cloud_scope)
        return {**msgspec.to_builtins(body), "etag": self.etag}


async def seed(connection: AsyncConnection, now: str) -> None:
    """Create the default rule where there is none yet."""
    found = await connection.execute(select(rules.c.id).where(rules.c.is_default))
    if found.first() is None:
        author = Author("tidegate", "system", now)
        await add(connection, RuleWriteV1(entry_of(default_rule())), 0, author, is_default=True)


async def load_all(connection: AsyncConnection) -> list[StoredRule]:
    """Return all rules, highest priority first, the default rule last."""
    query = select(rules).order_by(rules.c.is_default, rules.c.position)
    return [_stored(row) for row in await connection.execute(query)]


async def load(connection: AsyncConnection, rule_id: str) -> StoredRule:
    """Return the rule with this id.

    Raises:
        NotFoundError: there is none.
    """
    found = await connection.execute(select(rules).where(rules.c.id == rule_id))
    row = found.first()
    if row is None:
        raise no_such_rule(rule_id)
    return _stored(row)


def no_such_rule(rule_id: str) -> NotFoundError:
    """Return the error for an id that no rule has."""
    return NotFoundError(f"there is no rule with id {rule_id!r}; it may have been deleted")


async def load_named(connection: AsyncConnection, name: str) -> StoredRule | None:
    """Return the rule of this name, None where there is none."""
    row = (await connection.execute(select(rules).where(rules.c.name == name))).first()
    return None if row is None else _stored(row)


async def free_position(connection: AsyncConnection) -> int:
    """Return the position directly above the default rule."""
    query = select(func.coalesce(func.max(rules.c.position), 0)).where(~rules.c.is_default)
    return int((await connection.execute(query)).scalar_one()) + 1


async def add(
    connection: AsyncConnection,
    body: RuleWriteV1,
    position: int,
    author: Author,
    *,
    is_default: bool = False,
) -> StoredRule:
    """Insert a rule.

    Raises:
        ConflictError: its name is taken.
    """
    if await load_named(connection, body.rule.name) is not None:
        raise _name_taken(body.rule.name)
    rule_id = uuid.uuid4().hex
    await connection.execute(
        insert(rules).values(
            id=rule_id,
            name=body.rule.name,
            position=position,
            is_default=is_default,
            body=msgspec.json.encode(body.rule).decode(),
            cloud_scope=msgspec.json.encode(body.cloud_scope).decode(),
            version=1,
            updated_at=author.at,
            updated_by=author.name,
        )
    )
    return await load(connection, rule_id)


async def rewrite(
    connection: AsyncConnection, stored: StoredRule, body: RuleWriteV1, author: Author
) -> StoredRule:
    """Put `body` in the place of `stored`.

    Raises:
        ConflictError: its new name is another rule's.
    """
    if body.rule.name != stored.entry.name and await load_named(connection, body.rule.name):
        raise _name_taken(body.rule.name)
    await connection.execute(
        update(rules)
        .where(rules.c.id == stored.id)
        .values(
            name=body.rule.name,
            body=msgspec.json.encode(body.rule).decode(),
            cloud_scope=msgspec.json.encode(body.cloud_scope).decode(),
            version=stored.version + 1,
            updated_at=author.at,
            updated_by=author.name,
        )
    )
    return dataclasses.replace(
        stored,
        entry=body.rule,
        cloud_scope=body.cloud_scope,
        version=stored.version + 1,
        updated_at=author.at,
        updated_by=author.name,
    )


async def place(connection: AsyncConnection, ids: list[str]) -> None:
    """Number the rules in the order of `ids`, which names all but the default rule."""
    if ids:
        await connection.execute(
            update(rules)
            .where(rules.c.id == bindparam("rule_id"), rules.c.position != bindparam("place"))
            .values(position=bindparam("place")),
            [{"rule_id": rule_id, "place": place} for place, rule_id in enumerate(ids, 1)],
        )


def _name_taken(name: str) -> ConflictError:
    return ConflictError(
        f"there is a rule named {name!r} already; names are shown at every denial and must differ",
        field="rule.name",
    )


def _stored(row: Row[Any]) -> StoredRule:
    return StoredRule(
        id=row.id,
        position=row.position,
        entry=_RULE.decode(row.body),
        cloud_scope=_SCOPE.decode(row.cloud_scope),
        is_default=row.is_default,
        version=row.version,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )
