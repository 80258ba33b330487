"""Bearer tokens: 256 random bits each, kept only as their SHA-256.

A fast hash suffices: nobody can try 2^256 values, and there is no password to guess.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError, NotFoundError
from tidegate.hub.store import audit
from tidegate.hub.store.audit import Author
from tidegate.hub.store.schema import tokens
from tidegate.wire.hub_v1 import TokenV1


class Role(StrEnum):
    """What a token may do; each endpoint names the roles it answers."""

    ADMIN = "admin"
    READER = "reader"
    CLUSTER = "cluster"
    SCANNER = "scanner"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token or session a request carries."""

    token_id: str
    """Empty: it acts in a session of a user."""
    name: str
    role: Role
    cluster: str = ""
    """The one cluster that a cluster's token speaks for."""
    session_id: str = ""
    """Set: it acts in a session, by a browser's cookie."""


def new_token() -> str:
    """Return a fresh token; the prefix lets secret scanners find a leaked one."""
    return f"tgt_{secrets.token_urlsafe(32)}"


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def find_caller(connection: AsyncConnection, token: str) -> Caller | None:
    """Return whose token this is, None if nobody's."""
    found = await connection.execute(select(tokens).where(tokens.c.hash == hash_of(token)))
    row = found.first()
    if row is None:
        return None
    return Caller(row.id, row.name, Role(row.role), row.cluster or "")


async def still_valid(connection: AsyncConnection, caller: Caller) -> bool:
    """Whether the caller's token has not been revoked meanwhile."""
    found = await connection.execute(select(tokens.c.id).where(tokens.c.id == caller.token_id))
    return found.first() is not None


async def add(  # a row has these columns
    connection: AsyncConnection,
    name: str,
    role: Role,
    token: str,
    author: Author,
    *,
    cluster: str | None = None,
) -> TokenV1:
    """Keep a new token's hash.

    Raises:
        ConflictError: the name is taken.
    """
    if (await connection.execute(select(tokens.c.id).where(tokens.c.name == name))).first():
        raise ConflictError(f"there is a token named {name!r} already; delete it first")
    row = TokenV1(uuid.uuid4().hex, name, role.value, author.at, cluster or "")
    await connection.execute(
        insert(tokens).values(
            id=row.id,
            name=name,
            role=role.value,
            cluster=cluster,
            hash=hash_of(token),
            created_at=author.at,
        )
    )
    await audit.record(connection, author, "token.create", f"token/{name}", after=row)
    return row


async def list_all(connection: AsyncConnection) -> list[TokenV1]:
    """Return all tokens by name."""
    rows = await connection.execute(select(tokens).order_by(tokens.c.name))
    return [TokenV1(r.id, r.name, r.role, r.created_at, r.cluster or "") for r in rows]


async def remove(connection: AsyncConnection, token_id: str, author: Author) -> None:
    """Revoke a token.

    Raises:
        NotFoundError: there is none with this id.
        ConflictError: it is the last administrator's.
    """
    row = (await connection.execute(select(tokens).where(tokens.c.id == token_id))).first()
    if row is None:
        raise NotFoundError(f"there is no token with id {token_id!r}")
    if row.role == Role.ADMIN and await _only_admin(connection, token_id):
        raise ConflictError(
            f"token {row.name!r} is the last administrator's; make another one first"
        )
    await connection.execute(delete(tokens).where(tokens.c.id == token_id))
    before = TokenV1(row.id, row.name, row.role, row.created_at, row.cluster or "")
    await audit.record(connection, author, "token.delete", f"token/{row.name}", before=before)


async def _only_admin(connection: AsyncConnection, token_id: str) -> bool:
    others = select(tokens.c.id).where(tokens.c.role == Role.ADMIN, tokens.c.id != token_id)
    return (await connection.execute(others)).first() is None
