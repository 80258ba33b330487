"""One question to the hub from a command: connect, ask, close."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tidegate.cli.context import World
from tidegate.hubclient import HubClient

T = TypeVar("T")


def ask_hub(world: World, hub: str, question: Callable[[HubClient], Awaitable[T]]) -> T:
    """Return what the hub answers to `question`; `hub` is the `--hub` option."""
    address = world.hub(hub)

    async def ask() -> T:
        async with HubClient(address.url, address.token) as client:
            return await question(client)

    return asyncio.run(ask())
