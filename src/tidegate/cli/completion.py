"""Names that the shell completes: rules, clusters, users and tokens, as the hub has them now.

Somebody waits at a prompt: what does not come within a second, or not at all, completes nothing,
and nothing is ever printed about it.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

import typer

from tidegate.cli.context import World
from tidegate.domain.errors import TidegateError
from tidegate.hubclient import HubClient

PATIENCE_S = 1.0

_SHELL_VARIABLE = "_TIDEGATE_COMPLETE"
_SPECIAL = re.compile(r"([^\w@%+=:,./-])")
"""What bash would take for more than a letter of a word."""

Names = Callable[[HubClient], Awaitable[list[str]]]


def complete_rules(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of rules that begin so."""

    async def names(hub: HubClient) -> list[str]:
        return [record.rule.name for record in await hub.list_rules()]

    return _complete(context, incomplete, names)


def complete_clusters(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of clusters that begin so."""

    async def names(hub: HubClient) -> list[str]:
        return [cluster.name for cluster in await hub.list_clusters()]

    return _complete(context, incomplete, names)


def complete_users(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of users that begin so."""

    async def names(hub: HubClient) -> list[str]:
        return [user.name for user in await hub.list_users()]

    return _complete(context, incomplete, names)


def complete_tokens(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of tokens that begin so."""

    async def names(hub: HubClient) -> list[str]:
        return [token.name for token in await hub.list_tokens()]

    return _complete(context, incomplete, names)


def _complete(context: typer.Context, incomplete: str, names: Names) -> list[str]:
    world = context.obj
    if not isinstance(world, World):
        return []
    try:
        address = world.hub(str(context.params.get("hub") or ""))
        found = asyncio.run(_ask(address.url, address.token, names))
    except (TidegateError, OSError):  # TimeoutError is an OSError
        return []
    fitting = [name for name in found if name.startswith(incomplete) and name.isprintable()]
    in_bash = world.settings.environment.get(_SHELL_VARIABLE) == "complete_bash"
    return [_SPECIAL.sub(r"\\\1", name) for name in fitting] if in_bash else fitting


async def _ask(url: str, token: str, names: Names) -> list[str]:
    async with asyncio.timeout(PATIENCE_S), HubClient(url, token, timeout_s=PATIENCE_S) as hub:
        return await names(hub)
