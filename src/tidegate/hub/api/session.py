"""Signing in and out with a password or an API token, and changing one's own password."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError, InputError, NotPermittedError
from tidegate.hub.accounts.passwords import require_acceptable
from tidegate.hub.api.access import (
    READERS,
    SESSION_COOKIE,
    TheHub,
    TheSession,
    UnknownCallerError,
    address_of,
    in_session,
    require_own_page,
)
from tidegate.hub.api.presented import MAX_TOKEN_CHARS
from tidegate.hub.api.problems import documented
from tidegate.hub.clock import render_instant
from tidegate.hub.context import Hub
from tidegate.hub.origin import needs_secure_cookie
from tidegate.hub.store import audit, sessions, sign_in_failures, tokens, users
from tidegate.hub.store.sessions import Session
from tidegate.wire.sign_in_v1 import AuthV1, PasswordChangeV1, ProviderV1, SessionV1, SignInV1

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just opened."""

    secret: str
    session: Session


@get("/auth", summary="How to sign in", security=[{}], responses=documented())
async def get_auth(hub: TheHub) -> AuthV1:
    """Return the ways in which people may sign in here."""
    provider = hub.settings.sign_in.oidc
    return AuthV1(local=True, oidc=ProviderV1(provider.name) if provider else None)


@post("/session", summary="Sign in", security=[{}], responses=documented(429))
async def create_session(
    hub: TheHub, request: AnyRequest, data: JSONBody[SignInV1]
) -> Response[SessionV1]:
    """Open a session with a name and password, or with an API token of a person.

    Its cookie comes with the answer; a session that the browser had before ends.
    """
    require_own_page(hub, request)
    if data.token and not (data.username or data.password):
        opened = await _open_by_token(hub, request, data.token)
    elif data.username and data.password and not data.token:
        opened = await _open_by_password(hub, request, data.username, data.password)
    else:
        raise InputError("want a username and a password, or a token alone")
    return answer(hub, request, opened)


@get("/session", guards=[in_session], summary="Show the session", responses=documented())
async def get_session(session: TheSession) -> SessionV1:
    """Return who is signed in, and what the page needs to change something."""
    return session.wire


@delete("/session", guards=[in_session], summary="Sign out", responses=documented())
async def delete_session(hub: TheHub, request: AnyRequest, session: TheSession) -> Response[None]:
    """End the session at once, its streams included."""
    async with hub.database.write() as connection:
        await sessions.end(connection, request.cookies[SESSION_COOKIE])
        target = f"user/{session.user.name}"
        await audit.record(connection, hub.author(session.caller), "session.delete", target)
    hub.signals.events.ring()
    return Response(None, cookies=[cookie(hub, request, "")])


@post(
    "/session/password",
    guards=[in_session],
    summary="Change one's own password",
    responses=documented(409, 429),
)
async def change_password(
    hub: TheHub, request: AnyRequest, session: TheSession, data: JSONBody[PasswordChangeV1]
) -> Response[SessionV1]:
    """Change the password; all sessions of the user end, and a new one begins here."""
    if session.source != "local":
        raise ConflictError("this session is not of a local user, who alone has a password here")
    name = session.user.name
    old_hash = await prove_password(hub, request, name, data.current)
    if old_hash is None:
        raise NotPermittedError("the current password is wrong")
    require_acceptable(data.new, name)
    if data.new == data.current:
        raise InputError("the new password is the current one; want another")
    new_hash = await hub.passwords.hash(data.new)
    now = hub.now()
    async with hub.database.write() as connection:
        author = hub.author(session.caller)
        await users.set_password(connection, name, old_hash, new_hash, author)
        secret = await sessions.add(connection, now, user_name=name, authenticated_at=now)
        opened = await _opened(hub, connection, secret)
    hub.signals.events.ring()
    return answer(hub, request, opened)


async def prove_password(hub: Hub, request: AnyRequest, name: str, password: str) -> str | None:
    """Return the hash of a local user's password if it is this one, else None.

    Raises:
        RateLimitedError: too many were wrong of late.
    """
    address = address_of(hub, request)
    await begin_attempt(hub, name, address)
    async with hub.database.read() as connection:
        row = await users.find(connection, name)
    usable = row is not None and row.enabled and row.source == "local"
    stored = str(row.password_hash) if row is not None and usable else ""
    if not await hub.passwords.matches(stored, password):
        return None
    async with hub.database.write() as connection:
        await sign_in_failures.succeed(connection, name, address)
    return stored


async def begin_attempt(hub: Hub, account: str, address: str) -> None:
    """Count an attempt to prove who one is, whatever becomes of it.

    Raises:
        RateLimitedError: too many were wrong of late.
    """
    async with hub.database.write() as connection:
        await sign_in_failures.begin(connection, account, address, hub.now())


async def replace_session(
    hub: Hub, connection: AsyncConnection, request: AnyRequest, secret: str
) -> Opened:
    """End the session that the browser had before and record that the new one began."""
    before = request.cookies.get(SESSION_COOKIE, "")
    if 0 < len(before) <= MAX_TOKEN_CHARS:
        await sessions.end(connection, before)
    opened = await _opened(hub, connection, secret)
    author = hub.author(opened.session.caller)
    target = f"user/{opened.session.user.name}"
    origin = {"by": opened.session.source, "address": address_of(hub, request)}
    await audit.record(connection, author, "session.create", target, after=origin)
    return opened


def cookie(hub: Hub, request: AnyRequest, secret: str) -> Cookie:
    """Return the session's cookie; an empty secret deletes it.

    It has no age of its own: it ends with the browser, and the session at the latest.
    """
    host = request.headers.get("host", "")
    return Cookie(
        key=SESSION_COOKIE,
        value=secret,
        path="/",
        max_age=None if secret else 0,
        httponly=True,
        samesite="strict",
        secure=needs_secure_cookie(host, hub.settings.sign_in.public_url),
    )


def answer(hub: Hub, request: AnyRequest, opened: Opened) -> Response[SessionV1]:
    """Return a session just opened, with its cookie."""
    return Response(opened.session.wire, cookies=[cookie(hub, request, opened.secret)])


async def _open_by_password(hub: Hub, request: AnyRequest, username: str, password: str) -> Opened:
    name = username.strip().lower()
    stored = await prove_password(hub, request, name, password)
    if stored is None:
        raise _refused(hub, "the name or the password is wrong")
    renewed = await hub.passwords.hash(password) if hub.passwords.is_outdated(stored) else ""
    now = hub.now()
    async with hub.database.write() as connection:
        row = await users.find(connection, name)
        if row is None or row.password_hash != stored or not row.enabled:
            raise _refused(hub, "the account was changed meanwhile; sign in again")
        await users.note_sign_in(connection, name, render_instant(now), renewed)
        secret = await sessions.add(connection, now, user_name=name, authenticated_at=now)
        return await replace_session(hub, connection, request, secret)


async def _open_by_token(hub: Hub, request: AnyRequest, token: str) -> Opened:
    now = hub.now()
    address = address_of(hub, request)
    await begin_attempt(hub, "", address)
    async with hub.database.write() as connection:
        caller = None
        if len(token) <= MAX_TOKEN_CHARS:
            caller = await tokens.find_caller(connection, token)
        if caller is None:
            raise _refused(hub, "the token is unknown or revoked")
        if caller.role not in READERS:
            raise NotPermittedError(
                f"token {caller.name!r} has the role {caller.role}; people sign in with one of "
                "the role admin or reader"
            )
        await sign_in_failures.succeed(connection, "", address)
        secret = await sessions.add(connection, now, token_id=caller.token_id, authenticated_at=now)
        return await replace_session(hub, connection, request, secret)


async def _opened(hub: Hub, connection: AsyncConnection, secret: str) -> Opened:
    found = await sessions.find(connection, secret, hub.now())
    if found is None:
        raise _refused(hub, "the account was changed meanwhile; sign in again")
    return Opened(secret, found)


def _refused(hub: Hub, message: str) -> UnknownCallerError:
    hub.metrics.refused.labels("401").inc()
    return UnknownCallerError(message)


HANDLERS = (get_auth, create_session, get_session, delete_session, change_password)
