"""The repositories of a registry, where it shows them (`_catalog`, distribution's own addition)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from tidegate.domain.errors import (
    LimitExceededError,
    RegistryRefusesError,
    RegistryUnavailableError,
)
from tidegate.domain.reference import is_repository
from tidegate.oci.pages import PageLimits, read_pages
from tidegate.oci.session import Ask, Session
from tidegate.wire.json_depth import json_depth

PAGE_REPOSITORIES = 1000
"""Repositories asked for at a time; registries may give fewer."""

CATALOGUE_SCOPE = "registry:catalog:*"
"""distribution, "Token Scope Documentation"."""


class _CatalogPage(msgspec.Struct):
    repositories: list[str] | None = None


async def list_repositories(session: Session) -> tuple[str, ...]:
    """Return the repositories of the registry, in its order.

    Raises:
        LimitExceededError: more than `max_repositories`.
        RegistryUnavailableError: the question is not settled, or these credentials may not ask.
    """
    limits = session.limits
    found: dict[str, None] = {}
    async with aclosing(_pages(session, PAGE_REPOSITORIES, limits.max_repositories)) as pages:
        async for names in pages:
            found.update(dict.fromkeys(names))
            if len(found) > limits.max_repositories:
                raise LimitExceededError(
                    f"{_what(session)}: more than {limits.max_repositories}; name those that count"
                )
    return tuple(found)


async def shows_catalogue(session: Session) -> bool:
    """Whether these credentials may list the repositories; one page of one entry is asked for.

    Raises:
        RegistryUnavailableError: the registry does not answer.
    """
    # Registries that have none say so in one of these ways.
    wanted = (200, 404, 405, 501)
    ask = Ask(_what(session), "GET", "/v2/_catalog?n=1", CATALOGUE_SCOPE, wanted)
    try:
        reply = await session.read(ask, session.limits.max_manifest_bytes)
    except RegistryRefusesError:
        return False
    return reply.status == 200


async def _pages(session: Session, size: int, most: int) -> AsyncGenerator[list[str]]:
    ask = Ask(_what(session), "GET", f"/v2/_catalog?n={size}", CATALOGUE_SCOPE)
    # A registry may give fewer than were asked for; the count of repositories bounds the pages.
    pages = read_pages(session, ask, PageLimits(most, session.limits.max_catalogue_bytes))
    async with aclosing(pages):
        async for reply in pages:
            yield parse_repositories(ask.what, reply.body, session.limits.json_depth)


def parse_repositories(what: str, body: bytes, max_depth: int) -> list[str]:
    """Return the repositories of one page.

    Raises:
        LimitExceededError, RegistryUnavailableError: it is no list of repositories.
    """
    try:
        if json_depth(body) > max_depth:
            raise LimitExceededError(f"{what}: nested deeper than {max_depth} levels")
        found = _DECODER.decode(body).repositories or []
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RegistryUnavailableError(f"{what}: {error}; want a list of repositories") from error
    # A name that nobody could pull by is nothing to be scanned.
    return [name for name in found if is_repository(name)]


def _what(session: Session) -> str:
    return f"listing the repositories of {session.registry.host}"


_DECODER = msgspec.json.Decoder(_CatalogPage)
