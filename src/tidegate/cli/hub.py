"""One question to the hub from a command: connect, ask, close."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from tidegate.cli.context import World
from tidegate.domain.errors import InputError, NotPermittedError, TidegateError
from tidegate.hubclient import HubClient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """A local user of the hub, for a command that one person has to answer for."""

    name: str
    password: str = field(repr=False)


def ask_hub(world: World, hub: str, question: Callable[[HubClient], Awaitable[T]]) -> T:
    """Return what the hub answers to `question`; `hub` is the `--hub` option."""
    address = world.hub(hub)

    async def ask() -> T:
        async with HubClient(address.url, address.token) as client:
            return await question(client)

    return asyncio.run(ask())


def ask_hub_as(
    world: World, hub: str, person: Person, question: Callable[[HubClient], Awaitable[T]]
) -> T:
    """Return what the hub answers to `person`, in a session that ends with the answer.

    Raises:
        InputError: the hub's address is no place to send a password to.
        NotPermittedError: the password is wrong, or the first one, which has to be changed.
    """
    url = world.hub_url(hub)
    _require_private(url)

    async def ask() -> T:
        async with HubClient(url, "") as client:
            opened = await client.sign_in(person.name, person.password)
            try:
                if opened.user.must_change_password:
                    raise NotPermittedError(
                        f"user {opened.user.name!r} still has the first password; sign in to the "
                        f"portal at {url} and change it"
                    )
                return await question(client)
            finally:
                with contextlib.suppress(TidegateError):  # the session ends by its age
                    await client.sign_out()

    return asyncio.run(ask())


def _require_private(url: str) -> None:
    """Refuse to send a password in clear over a network."""
    parts = urlsplit(url)
    if parts.scheme == "https" or _is_loopback(parts.hostname or ""):
        return
    raise InputError(
        f"hub {url}: a password is sent over TLS alone; give the hub's https:// address with "
        "--hub, or use a token"
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
