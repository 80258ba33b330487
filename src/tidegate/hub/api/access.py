"""Who may call what: each handler has one guard, which names the roles it answers."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler

from tidegate.domain.errors import NotPermittedError
from tidegate.hub.context import Hub
from tidegate.hub.store import tokens
from tidegate.hub.store.tokens import Caller, Role

MAX_TOKEN_CHARS = 512

TheHub = NamedDependency[Hub]
"""Annotates a handler's `hub`."""
TheCaller = NamedDependency[Caller]
"""Annotates a handler's `caller`."""


class UnknownCallerError(NotPermittedError):
    """There is no token, or it is nobody's: HTTP 401."""


@dataclass(frozen=True, slots=True)
class Allow:
    """A guard that lets callers of these roles pass, and keeps who it was."""

    roles: frozenset[Role]

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
    ) -> None:
        """Raise unless the request carries a token of one of the roles."""
        hub: Hub = connection.app.state.hub
        caller = await _caller(hub, connection.headers.get("authorization", ""))
        if caller.role not in self.roles:
            hub.metrics.refused.labels("403").inc()
            raise NotPermittedError(
                f"token {caller.name!r} has the role {caller.role}; this needs "
                f"{' or '.join(sorted(self.roles))}"
            )
        connection.scope["state"]["caller"] = caller


def allow(*roles: Role) -> list[Allow]:
    """Return the guards of a handler for these roles."""
    return [Allow(frozenset(roles))]


READERS = (Role.ADMIN, Role.READER)


async def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """Return who the guard let pass."""
    caller: Caller = request.scope["state"]["caller"]
    return caller


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


async def _caller(hub: Hub, header: str) -> Caller:
    scheme, _, token = header.partition(" ")
    token = token.strip()
    found = None
    if scheme.lower() == "bearer" and 0 < len(token) <= MAX_TOKEN_CHARS:
        async with hub.database.read() as connection:
            found = await tokens.find_caller(connection, token)
    if found is None:
        hub.metrics.refused.labels("401").inc()
        raise UnknownCallerError(
            "the token is unknown or revoked; send another one"
            if header
            else "a token is needed; send it as 'Authorization: Bearer <token>'"
        )
    return found
