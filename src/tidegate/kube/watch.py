"""Follow all objects of one kind for ever: list, watch, and list again after any trouble.

lightkube's own watch ends when the API server restarts, knows no bookmarks and has no read
timeout; this loop bounds each watch, lists anew on 410 (too old) at once and on everything else
after a pause that grows. A list says all that there is, so nothing deleted meanwhile stays.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

import httpx2
from lightkube import AsyncClient

from tidegate.kube.client import API_ERRORS, describe, status_code

WATCH_S = 120
"""After this the server ends a watch; also how long a dead connection can go unnoticed."""

GRACE_S = 15.0
"""How much later than `WATCH_S` a silent watch is given up."""

FIRST_PAUSE_S = 0.1
LAST_PAUSE_S = 2.0
"""Longest pause between tries: a server that is back is noticed about so soon."""


@dataclass(frozen=True, slots=True)
class Listed:
    """All objects that there are."""

    objects: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """One object is new or different."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deleted:
    """One object is gone."""

    name: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The server does not answer for now; what was said before still stands."""

    reason: str


Event = Listed | Changed | Deleted | Lost


async def follow(client: AsyncClient, kind: Any, name: str = "") -> AsyncGenerator[Event, None]:  # noqa: ANN401, lightkube's resource classes have no common type for generic kinds
    """Yield what is and what happens to all objects of cluster-scoped `kind`; never ends.

    `name`: to that one alone; rights that name it are enough then.
    """
    pause_s = FIRST_PAUSE_S
    fields: Any = {"metadata.name": name} if name else None
    while True:
        try:
            listing = client.list(kind, chunk_size=500, fields=fields)
            objects = tuple([dict(item) async for item in listing])
            yield Listed(objects)
            pause_s = FIRST_PAUSE_S
            async with aclosing(_watch(client, kind, listing.resourceVersion, fields)) as events:
                async for event in events:
                    yield event
        except API_ERRORS as error:
            if status_code(error) == httpx2.codes.GONE:
                await asyncio.sleep(FIRST_PAUSE_S)
                continue
            yield Lost(describe(error))
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311, spreads load
            pause_s = min(2 * pause_s, LAST_PAUSE_S)


async def _watch(
    client: AsyncClient,
    kind: Any,  # noqa: ANN401, as in follow
    version: str,
    fields: Any,  # noqa: ANN401, lightkube's type of it is larger than what it says
) -> AsyncGenerator[Event, None]:
    """Yield changes after `version`; ends when the watch was silent too long."""
    stream = cast(
        "AsyncGenerator[tuple[str, Any], None]",  # what it is; lightkube declares less
        client.watch(kind, resource_version=version, server_timeout=WATCH_S, fields=fields),
    )
    async with aclosing(stream):
        while True:
            try:
                async with asyncio.timeout(WATCH_S + GRACE_S):
                    operation, item = await anext(stream)
            except TimeoutError:
                return
            if operation == "DELETED":
                yield Deleted(str(item["metadata"]["name"]))
            elif operation in ("ADDED", "MODIFIED"):
                yield Changed(dict(item))
