"""Admission events as a file: streamed, however many they are."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Stream

from tidegate.hub.api.access import READERS, TheCaller, TheHub, allow, still_valid
from tidegate.hub.api.events import TheFilter, timed
from tidegate.hub.api.parameters import Instant
from tidegate.hub.api.problems import documented
from tidegate.hub.context import Hub
from tidegate.hub.event_csv import csv_header, csv_lines
from tidegate.hub.store import events
from tidegate.hub.store.events import EventFilter, StoredEvent
from tidegate.hub.store.tokens import Caller

STEP_EVENTS = 500

Format = Annotated[Literal["csv", "jsonl"], QueryParameter(name="format")]

_MEDIA_TYPES = {"csv": "text/csv", "jsonl": "application/jsonl"}


@get(
    "/events/export",
    guards=allow(*READERS),
    summary="Export admission events, newest first",
    responses=documented(),
)
async def export_events(
    hub: TheHub,
    caller: TheCaller,
    event_filter: TheFilter,
    since: Instant = "",
    until: Instant = "",
    export_format: Format = "csv",
) -> Stream:
    """Stream the events that match all filters given, as CSV or as JSON lines.

    In CSV each image is a line, and a cell that a spreadsheet would compute begins with a quote.
    """
    chosen = timed(event_filter, since, until)
    return Stream(
        _chunks(hub, caller, chosen, export_format),
        media_type=_MEDIA_TYPES[export_format],
        headers={"Content-Disposition": f'attachment; filename="admission-events.{export_format}"'},
    )


async def _chunks(
    hub: Hub, caller: Caller, chosen: EventFilter, export_format: str
) -> AsyncIterator[bytes]:
    if export_format == "csv":
        yield csv_header().encode()
    before: tuple[str, int] | None = None
    while True:
        async with hub.database.read() as connection:
            if not await still_valid(hub, connection, caller):
                return
            found = await events.page(connection, chosen, before, STEP_EVENTS)
        if not found:
            return
        # In a thread: others are answered meanwhile.
        yield await asyncio.to_thread(_render, found, export_format)
        before = (found[-1].at, found[-1].seq)


def _render(found: Sequence[StoredEvent], export_format: str) -> bytes:
    if export_format == "csv":
        return "".join(csv_lines(stored.event) for stored in found).encode()
    return b"".join(stored.body + b"\n" for stored in found)


HANDLERS = (export_events,)
