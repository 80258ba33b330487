"""Proof, anew, of who acts in a session: before what opens a cluster to everything.

A browser left open, or a script that got into a page, has the session but not this.
"""

from datetime import timedelta
from typing import Any

from litestar import Request

from tidegate.domain.errors import ReauthenticationNeededError
from tidegate.hub.api.access import address_of
from tidegate.hub.api.presented import MAX_TOKEN_CHARS
from tidegate.hub.api.session import begin_attempt, prove_password
from tidegate.hub.context import Hub
from tidegate.hub.store import sessions, sign_in_failures, tokens
from tidegate.hub.store.sessions import Session
from tidegate.hub.store.tokens import Caller

FRESH = timedelta(minutes=5)
"""A sign-in at the provider counts for so long; a password only with the request itself."""


async def require_fresh(
    hub: Hub, request: Request[Any, Any, Any], caller: Caller, password: str
) -> None:
    """Return when the caller sent a token itself, or proves now to be the session's user.

    Raises:
        ReauthenticationNeededError: the proof is missing or wrong.
        RateLimitedError: too many were wrong of late.
    """
    if not caller.session_id:
        return
    async with hub.database.read() as connection:
        session = await sessions.load(connection, caller.session_id, hub.now())
    if session is None:
        raise ReauthenticationNeededError("the session has ended; sign in again")
    if session.source == "oidc":
        _require_recent(hub, session)
        return
    if not password:
        raise ReauthenticationNeededError(
            "this needs proof of who you are: send your password with it "
            "(where you signed in with an API token, the token)"
        )
    if not await _is_right(hub, request, session, password):
        raise ReauthenticationNeededError("the password is wrong")


def _require_recent(hub: Hub, session: Session) -> None:
    proved = session.authenticated_at
    if proved is None or hub.now() - proved > FRESH:
        raise ReauthenticationNeededError(
            "this needs a sign-in of the last 5 minutes: "
            "/api/v1/session/oidc/start?fresh=true&next=… begins one"
        )


async def _is_right(
    hub: Hub, request: Request[Any, Any, Any], session: Session, password: str
) -> bool:
    if session.source == "local":
        return await prove_password(hub, request, session.user.name, password) is not None
    address = address_of(hub, request)
    await begin_attempt(hub, "", address)
    async with hub.database.read() as connection:
        known = (
            await tokens.find_caller(connection, password)
            if len(password) <= MAX_TOKEN_CHARS
            else None
        )
    if known is None or known.token_id != session.token_id:
        return False
    async with hub.database.write() as connection:
        await sign_in_failures.succeed(connection, "", address)
    return True
