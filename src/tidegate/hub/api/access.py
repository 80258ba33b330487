"""Who may call what: each handler has one guard, which names the roles it answers.

A request speaks for a token (`Authorization`) or for a session (its cookie). What a cookie says
counts only when one of the hub's own pages sent it: browsers add cookies to anybody's request.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import NotPermittedError, PasswordChangeNeededError
from tidegate.hub.api.presented import MAX_TOKEN_CHARS, presented_token
from tidegate.hub.context import Hub
from tidegate.hub.origin import is_own_origin, source_address
from tidegate.hub.store import sessions, tokens
from tidegate.hub.store.sessions import Session
from tidegate.hub.store.tokens import Caller, Role

SESSION_COOKIE = "tidegate_session"
CSRF_HEADER = "X-Tidegate-CSRF"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

Connection = ASGIConnection[Any, Any, Any, Any]

TheHub = NamedDependency[Hub]
"""Annotates a handler's `hub`."""
TheCaller = NamedDependency[Caller]
"""Annotates a handler's `caller`."""
TheSession = NamedDependency[Session]
"""Annotates the `session` of a handler that `in_session` guards."""


class UnknownCallerError(NotPermittedError):
    """There is no token or session, or it is nobody's: HTTP 401."""


@dataclass(frozen=True, slots=True)
class Allow:
    """A guard that lets callers of these roles pass, and keeps who it was."""

    roles: frozenset[Role]

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Raise unless the request speaks for one of the roles."""
        hub: Hub = connection.app.state.hub
        caller = await _caller(hub, connection)
        if caller.role not in self.roles:
            hub.metrics.refused.labels("403").inc()
            raise NotPermittedError(
                f"{'user' if caller.session_id else 'token'} {caller.name!r} has the role "
                f"{caller.role}; this needs {' or '.join(sorted(self.roles))}"
            )
        connection.scope["state"]["caller"] = caller


def allow(*roles: Role) -> list[Allow]:
    """Return the guards of a handler for these roles."""
    return [Allow(frozenset(roles))]


async def in_session(connection: Connection, _: BaseRouteHandler) -> None:
    """Raise unless the request is of a session; its initial password is no hindrance here."""
    hub: Hub = connection.app.state.hub
    connection.scope["state"]["session"] = await _session(hub, connection)


READERS = (Role.ADMIN, Role.READER)


# These name `hub` so that the framework asks for it before them: of several that it may ask for at
# a time it makes tasks, which cost more than all of them.


async def provide_caller(hub: TheHub, request: Request[Any, Any, Any]) -> Caller:
    """Return who the guard let pass."""
    del hub
    caller: Caller = request.scope["state"]["caller"]
    return caller


async def provide_session(hub: TheHub, request: Request[Any, Any, Any]) -> Session:
    """Return the session that the guard let pass."""
    del hub
    session: Session = request.scope["state"]["session"]
    return session


async def provide_hub(request: Request[Any, Any, Any]) -> Hub:
    """Return the hub that this request came to."""
    hub: Hub = request.app.state.hub
    return hub


def require_own(caller: Caller, cluster: str) -> None:
    """Refuse a cluster's token that asks in another cluster's name."""
    if caller.role is Role.CLUSTER and caller.cluster != cluster:
        raise NotPermittedError(
            f"this token is bound to cluster {caller.cluster!r} and cannot speak for {cluster!r}"
        )


def require_own_page(hub: Hub, connection: Connection) -> None:
    """Refuse what another site's page made the browser send."""
    origin = connection.headers.get("origin", "")
    host = connection.headers.get("host", "")
    foreign = connection.headers.get("sec-fetch-site", "") in {"cross-site", "same-site"}
    if foreign or not is_own_origin(origin, host, hub.settings.sign_in.public_url):
        hub.metrics.refused.labels("403").inc()
        raise NotPermittedError(
            f"a page of {origin[:200] or 'another site'!r} sent this; only the hub's own pages "
            "may act in a session (is TIDEGATE_HUB_PUBLIC_URL the address in the browser?)"
        )


def address_of(hub: Hub, connection: Connection) -> str:
    """Return the address that a request came from."""
    return source_address(
        connection.client.host if connection.client else "",
        ",".join(connection.headers.getall("x-forwarded-for", [])),
        hub.settings.sign_in.trusted_proxies,
    )


async def still_valid(hub: Hub, connection: AsyncConnection, caller: Caller) -> bool:
    """Whether the caller's token or session has not ended meanwhile."""
    if caller.session_id:
        return await sessions.still_valid(connection, caller.session_id, hub.now())
    return await tokens.still_valid(connection, caller)


async def _caller(hub: Hub, connection: Connection) -> Caller:
    header = connection.headers.get("authorization", "")
    if not header and SESSION_COOKIE in connection.cookies:
        session = await _session(hub, connection)
        if session.user.must_change_password:
            raise PasswordChangeNeededError(
                "the initial password must be changed first: POST /api/v1/session/password"
            )
        return session.caller
    presented = presented_token(header)
    found = None
    if presented.text:
        found = await _holder_of(hub, presented.text)
    if found is not None and presented.for_registries_alone and found.role is not Role.REGISTRY:
        found = None
    if found is None:
        raise _unknown(
            hub,
            "the token is unknown or revoked; send another one"
            if header
            else "a token is needed; send it as 'Authorization: Bearer <token>'",
        )
    return found


async def _session(hub: Hub, connection: Connection) -> Session:
    secret = connection.cookies.get(SESSION_COOKIE, "")
    if not secret:
        raise _unknown(hub, "nobody is signed in; POST /api/v1/session does")
    require_own_page(hub, connection)
    now = hub.now()
    found = None
    if len(secret) <= MAX_TOKEN_CHARS:
        found = await _session_of(hub, secret, now)
    if found is None:
        raise _unknown(hub, "the session has ended; sign in again")
    if connection.scope["method"] not in SAFE_METHODS:  # type: ignore[typeddict-item]  # guards stand before HTTP handlers alone
        _require_csrf(hub, connection, found)
    if found.is_due(now):
        async with hub.database.write() as writing:
            await sessions.touch(writing, found.id, now)
        hub.sessions.forget(tokens.hash_of(secret))
    return found


async def _holder_of(hub: Hub, token: str) -> Caller | None:
    key, now = tokens.hash_of(token), hub.now()
    await hub.confirmed.confirm(now)
    seen = hub.signals.access.count
    found = hub.callers.find(key, now)
    if found is None:
        async with hub.database.glance() as connection:
            found = await tokens.find_caller(connection, token)
        if found is not None:
            hub.callers.keep(key, found, seen=seen, now=now)
    return found


async def _session_of(hub: Hub, secret: str, now: datetime) -> Session | None:
    key = tokens.hash_of(secret)
    await hub.confirmed.confirm(now)
    seen = hub.signals.access.count
    found = hub.sessions.find(key, now)
    if found is None:
        async with hub.database.glance() as connection:
            found = await sessions.find(connection, secret, now)
        if found is not None:
            hub.sessions.keep(key, found, seen=seen, now=now, ends_at=found.ends_at)
    return found


def _require_csrf(hub: Hub, connection: Connection, session: Session) -> None:
    given = connection.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), session.csrf_token.encode()):
        hub.metrics.refused.labels("403").inc()
        raise NotPermittedError(
            f"{CSRF_HEADER} is {'not that of this session' if given else 'missing'}; "
            "send the csrfToken that GET /api/v1/session returns"
        )


def _unknown(hub: Hub, message: str) -> UnknownCallerError:
    hub.metrics.refused.labels("401").inc()
    return UnknownCallerError(message)
