"""Sessions of browsers: 256 random bits in a cookie, kept only as their hash.

A session belongs to a user or to an API token and ends with it: what the holder may do is looked
up here, and remembered only as long as nobody's access was taken (`accounts/remembered.py`), so a
revocation or a change of role holds from the next request on.
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.clock import parse_instant, render_instant
from tidegate.hub.store.schema import sessions, tokens, users
from tidegate.hub.store.tokens import Caller, Role, hash_of
from tidegate.wire.sign_in_v1 import SessionV1, SignedInUserV1

MAX_IDLE = timedelta(hours=12)
MAX_AGE = timedelta(days=7)
TOUCH_EVERY = timedelta(minutes=1)
"""How exactly the last use is known: not every read shall cost a write."""
MAX_PER_HOLDER = 50
"""The oldest end first: a script that signs in for ever does not fill the database."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that holds now."""

    id: str
    user: SignedInUserV1
    csrf_token: str
    source: str
    """`local`, `oidc` or `token`."""
    token_id: str
    authenticated_at: datetime | None
    last_used_at: str
    ends_at: datetime
    """Unless it is used, or ended, before."""

    @property
    def caller(self) -> Caller:
        """Who acts in this session."""
        name = self.user.name
        if self.source == "oidc":
            # The name from the provider is for people to read, the other one says who it is.
            name = f"{self.user.display_name} ({name})"
        return Caller(self.token_id, name, Role(self.user.role), session_id=self.id)

    @property
    def wire(self) -> SessionV1:
        """The session as its holder sees it."""
        return SessionV1(self.user, self.csrf_token)

    def is_due(self, now: datetime) -> bool:
        """Whether its last use is to be noted anew."""
        return self.last_used_at <= render_instant(now - TOUCH_EVERY)


def csrf_token(secret: str) -> str:
    """Return what a page must know to act in the session: the cookie's holder alone can tell."""
    return hmac.new(secret.encode(), b"tidegate csrf", hashlib.sha256).hexdigest()


async def add(
    connection: AsyncConnection,
    now: datetime,
    *,
    user_name: str | None = None,
    token_id: str | None = None,
    authenticated_at: datetime | None,
) -> str:
    """Open a session of a user or a token; return the cookie's value."""
    secret = secrets.token_urlsafe(32)
    await _make_room(connection, user_name, token_id, now)
    at = render_instant(now)
    await connection.execute(
        insert(sessions).values(
            id=uuid.uuid4().hex,
            hash=hash_of(secret),
            user_name=user_name,
            token_id=token_id,
            created_at=at,
            last_used_at=at,
            authenticated_at=render_instant(authenticated_at) if authenticated_at else "",
        )
    )
    return secret


async def find(connection: AsyncConnection, secret: str, now: datetime) -> Session | None:
    """Return the session of a cookie, None if it has ended."""
    row = await _row(connection, now, sessions.c.hash == hash_of(secret))
    return None if row is None else _session(row, csrf_token(secret))


async def still_valid(connection: AsyncConnection, session_id: str, now: datetime) -> bool:
    """Whether a session has not ended meanwhile."""
    return await _row(connection, now, sessions.c.id == session_id) is not None


async def load(connection: AsyncConnection, session_id: str, now: datetime) -> Session | None:
    """Return a session without its CSRF token, None if it has ended."""
    row = await _row(connection, now, sessions.c.id == session_id)
    return None if row is None else _session(row, "")


async def touch(connection: AsyncConnection, session_id: str, now: datetime) -> None:
    """Note that a session is used."""
    await connection.execute(
        update(sessions).where(sessions.c.id == session_id).values(last_used_at=render_instant(now))
    )


async def end(connection: AsyncConnection, secret: str) -> None:
    """End the session of a cookie, if there is one."""
    await connection.execute(delete(sessions).where(sessions.c.hash == hash_of(secret)))


async def _row(connection: AsyncConnection, now: datetime, which: Any) -> Row[Any] | None:  # noqa: ANN401  # SQLAlchemy's clauses have many types
    query = (
        select(
            sessions,
            users.c.display_name,
            users.c.source,
            users.c.must_change_password,
            users.c.role.label("user_role"),
            tokens.c.name.label("token_name"),
            tokens.c.role.label("token_role"),
        )
        .outerjoin(users, sessions.c.user_name == users.c.name)
        .outerjoin(tokens, sessions.c.token_id == tokens.c.id)
        .where(
            which,
            sessions.c.created_at > render_instant(now - MAX_AGE),
            sessions.c.last_used_at > render_instant(now - MAX_IDLE),
            or_(users.c.enabled.is_(True), tokens.c.role.in_((Role.ADMIN, Role.READER))),
        )
    )
    return (await connection.execute(query)).first()


def _session(row: Row[Any], csrf: str) -> Session:
    by_token = row.token_id is not None
    user = SignedInUserV1(
        name=row.token_name if by_token else row.user_name,
        display_name="" if by_token else row.display_name,
        role=row.token_role if by_token else row.user_role,
        must_change_password=not by_token and row.must_change_password,
    )
    return Session(
        id=row.id,
        user=user,
        csrf_token=csrf,
        source="token" if by_token else row.source,
        token_id=row.token_id or "",
        authenticated_at=parse_instant(row.authenticated_at),
        last_used_at=row.last_used_at,
        ends_at=min(
            datetime.fromisoformat(row.created_at) + MAX_AGE,
            datetime.fromisoformat(row.last_used_at) + MAX_IDLE,
        ),
    )


async def _make_room(
    connection: AsyncConnection, user_name: str | None, token_id: str | None, now: datetime
) -> None:
    """Delete what has ended, and the holder's oldest where there are too many."""
    await connection.execute(
        delete(sessions).where(
            or_(
                sessions.c.created_at <= render_instant(now - MAX_AGE),
                sessions.c.last_used_at <= render_instant(now - MAX_IDLE),
            )
        )
    )
    own = sessions.c.user_name == user_name if user_name else sessions.c.token_id == token_id
    newest = (
        select(sessions.c.id)
        .where(own)
        .order_by(sessions.c.created_at.desc(), sessions.c.id)
        .offset(MAX_PER_HOLDER - 1)
    )
    surplus = list((await connection.execute(newest)).scalars())
    if surplus:
        await connection.execute(delete(sessions).where(sessions.c.id.in_(surplus)))
