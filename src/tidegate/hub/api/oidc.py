"""Signing in at the OpenID provider: the browser goes there and comes back with a code.

What fails on the way back is told to the portal as a word in the address, never as the provider's
own text: anybody can write a link that shows one.
"""

import hashlib
import hmac
import re
from typing import Annotated, Any, Literal

import structlog
from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.params import FromQuery, QueryParameter

from tidegate.domain.errors import (
    ConflictError,
    NotFoundError,
    NotPermittedError,
    RateLimitedError,
    UnavailableError,
)
from tidegate.hub.api.access import TheHub, address_of
from tidegate.hub.api.problems import documented
from tidegate.hub.api.session import begin_attempt, cookie, replace_session
from tidegate.hub.clock import render_instant
from tidegate.hub.context import Hub
from tidegate.hub.oidc import flow as flows
from tidegate.hub.oidc.flow import Flow
from tidegate.hub.oidc.id_token import Identity, role_of
from tidegate.hub.oidc.provider import Provider, Returned
from tidegate.hub.origin import needs_secure_cookie
from tidegate.hub.store import sessions, sign_in_failures, users
from tidegate.hub.store.audit import Author

AnyRequest = Request[Any, Any, Any]
Problem = Literal["denied", "expired", "role", "disabled", "unavailable", "untrusted", "limited"]

FLOW_COOKIE = "tidegate_sign_in"
FLOW_PATH = "/api/v1/session/oidc"

Next = Annotated[
    str, QueryParameter(max_length=flows.MAX_NEXT_CHARS, description="Path of the page to show.")
]
_MAX_WORD_CHARS = 4096
_PRINTABLE = r"^[ -~]*$(?!\n)"
"""RFC 6749 appendix A: all of these are printable ASCII. So, percent-encoded and four of them, they
stay below the 64 KiB of a request line."""

Word = Annotated[str, QueryParameter(max_length=_MAX_WORD_CHARS, pattern=_PRINTABLE)]
State = Annotated[str, QueryParameter(name="state", max_length=_MAX_WORD_CHARS, pattern=_PRINTABLE)]

_PLAIN_SUBJECT = re.compile(r"[A-Za-z0-9._@|-]{1,120}")

_log = structlog.get_logger()


class _FailedError(Exception):
    """A sign-in that ends here; the word is shown, the reason logged."""

    def __init__(self, problem: Problem, reason: str) -> None:
        super().__init__(reason)
        self.problem = problem


@get(
    "/session/oidc/start",
    status_code=302,
    summary="Sign in at the OpenID provider",
    security=[{}],
    responses=documented(404),
)
async def start_oidc(
    hub: TheHub,
    request: AnyRequest,
    next: Next = "/",  # noqa: A002  # its name in the address
    fresh: FromQuery[bool] = False,  # noqa: FBT002  # framework calls it by name
) -> Response[None]:
    """Send the browser to the provider; `fresh` has even who is signed in there prove it anew."""
    provider = _provider(hub)
    flow = flows.begin(flows.require_own_path(next), hub.now())
    try:
        url = await provider.authorization_url(flow, hub.now(), fresh=fresh)
    except UnavailableError as error:
        return _failure(hub, request, _FailedError("unavailable", str(error)))
    sealed = _flow_cookie(hub, request, provider.seal.seal(flow))
    return Response(None, status_code=302, headers={"Location": url}, cookies=[sealed])


@get(
    "/session/oidc/callback",
    status_code=302,
    summary="Come back from the OpenID provider",
    security=[{}],
    responses=documented(404),
)
async def finish_oidc(
    hub: TheHub,
    request: AnyRequest,
    code: Word = "",
    oidc_state: State = "",
    iss: Word = "",
    error: Word = "",
) -> Response[None]:
    """Open a session for who signed in and show the page that was asked for.

    What fails shows the portal at `/?signInError=` denied, expired, role, disabled, unavailable,
    untrusted or limited.
    """
    provider = _provider(hub)
    try:
        flow = _flow(provider, hub, request, oidc_state)
        if error or not code:
            raise _FailedError("denied", f"the provider answers {error[:80]!r}")
        identity = await _identity(provider, hub, request, flow, Returned(code, iss))
        opened = await _open(provider, hub, request, identity)
    except _FailedError as failed:
        return _failure(hub, request, failed)
    cookies = [_flow_cookie(hub, request, ""), cookie(hub, request, opened)]
    return Response(None, status_code=302, headers={"Location": flow.next}, cookies=cookies)


def _failure(hub: Hub, request: AnyRequest, failed: _FailedError) -> Response[None]:
    hub.metrics.refused.labels("401").inc()
    _log.warning("a sign-in failed", problem=failed.problem, reason=str(failed))
    target = f"/?signInError={failed.problem}"
    cookies = [_flow_cookie(hub, request, "")]
    return Response(None, status_code=302, headers={"Location": target}, cookies=cookies)


def _provider(hub: Hub) -> Provider:
    if hub.provider is None:
        raise NotFoundError("no OpenID provider is set up here (TIDEGATE_HUB_OIDC_ISSUER)")
    return hub.provider


def _flow(provider: Provider, hub: Hub, request: AnyRequest, state: str) -> Flow:
    flow = provider.seal.open(request.cookies.get(FLOW_COOKIE, ""), hub.now())
    if flow is None or not hmac.compare_digest(flow.state.encode(), state.encode()):
        raise _FailedError("expired", "it did not begin in this browser in the last 10 minutes")
    return flow


async def _identity(
    provider: Provider, hub: Hub, request: AnyRequest, flow: Flow, returned: Returned
) -> Identity:
    address = address_of(hub, request)
    try:
        await begin_attempt(hub, "", address)
        identity = await provider.redeem(flow, returned, hub.now)
    except RateLimitedError as error:
        raise _FailedError("limited", str(error)) from error
    except UnavailableError as error:
        raise _FailedError("unavailable", str(error)) from error
    except NotPermittedError as error:
        raise _FailedError("untrusted", str(error)) from error
    async with hub.database.write() as connection:
        await sign_in_failures.succeed(connection, "", address)
    return identity


async def _open(provider: Provider, hub: Hub, request: AnyRequest, identity: Identity) -> str:
    name = user_name(identity.subject)
    role = role_of(identity.claims, provider.settings)
    if role is None:
        async with hub.database.write() as connection:
            await users.end_sessions(connection, name)  # of a role that was taken away
        raise _FailedError("role", f"no value of {provider.settings.role_claim!r} gives a role")
    now = hub.now()
    author = Author(provider.settings.name, "system", render_instant(now))
    display = identity.display_name or identity.subject[:100]
    try:
        async with hub.database.write() as connection:
            await users.put_from_provider(connection, name, display, role, author)
            secret = await sessions.add(
                connection, now, user_name=name, authenticated_at=identity.authenticated_at
            )
            await replace_session(hub, connection, request, secret)
    except ConflictError as error:
        raise _FailedError("disabled", str(error)) from error
    return secret


def user_name(subject: str) -> str:
    """Return the name under which the hub knows a person of the provider.

    By the subject alone, the one claim that never passes to somebody else; the colon keeps it
    apart from local names.
    """
    if _PLAIN_SUBJECT.fullmatch(subject):
        return f"oidc:{subject}"
    return f"oidc:sha256-{hashlib.sha256(subject.encode()).hexdigest()}"


def _flow_cookie(hub: Hub, request: AnyRequest, sealed: str) -> Cookie:
    """Return the cookie of a sign-in on its way; lax, for the provider's page sends it back."""
    host = request.headers.get("host", "")
    return Cookie(
        key=FLOW_COOKIE,
        value=sealed,
        path=FLOW_PATH,
        max_age=int(flows.LIFETIME.total_seconds()) if sealed else 0,
        httponly=True,
        samesite="lax",
        secure=needs_secure_cookie(host, hub.settings.sign_in.public_url),
    )


HANDLERS = (start_oidc, finish_oidc)
