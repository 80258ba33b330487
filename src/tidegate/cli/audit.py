"""`tidegate audit`: who changed what in the hub, and when."""

from typing import Annotated, Any

import typer

from tidegate.cli import verb
from tidegate.cli.context import HubOption, world_of
from tidegate.cli.hub import ask_hub
from tidegate.cli.moments import parse_since, short_moment
from tidegate.cli.output import Format, OutputOption, print_items, print_table
from tidegate.domain.text import shorten_middle
from tidegate.hubclient import HubClient
from tidegate.wire.hub_v1 import AuditEntryV1

PAGE_SIZE = 200
MAX_LISTED = 10_000
"""Largest `--limit`; all of them are held in memory before they are printed."""

MAX_VALUE_CHARS = 40
MAX_FIELDS = 4
"""Fields named in the table; `-o json` has all of them, whole."""

app = verb.command()


@app.command("audit")
def list_audit(
    context: typer.Context,
    actor: Annotated[str, typer.Option(help="Only what this user or token did.")] = "",
    action: Annotated[str, typer.Option(help="Only this action, like rule.update.")] = "",
    since: Annotated[str, typer.Option(help="Only newer ones: 30m, 24h, 7d or a time.")] = "",
    until: Annotated[str, typer.Option(help="Only older ones; as --since.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="At most so many.")] = 50,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """List the changes in the hub, newest first: when, who, what, and from what to what."""
    world = world_of(context)
    now = world.now()
    filters = {
        "actor": actor,
        "action": action,
        "since": parse_since(since, now) if since else "",
        "until": parse_since(until, now) if until else "",
    }

    async def collect(client: HubClient) -> list[AuditEntryV1]:
        entries: list[AuditEntryV1] = []
        cursor: str | None = ""
        while cursor is not None and len(entries) < limit:
            size = min(PAGE_SIZE, limit - len(entries))
            page = await client.list_audit(cursor=cursor, limit=size, **filters)
            entries += page.items
            cursor = page.next
        return entries

    entries = ask_hub(world, hub, collect)
    if output is not Format.TABLE:
        print_items(entries, output)
        return
    print_table(
        ("TIME", "WHO", "ROLE", "WHAT", "TARGET", "CHANGE"),
        (
            (
                short_moment(entry.at),
                entry.actor,
                entry.role,
                entry.action,
                entry.target,
                describe_change(entry.before, entry.after),
            )
            for entry in entries
        ),
    )


def describe_change(before: Any, after: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the fields that differ, `field: before -> after`; empty where one of both is none."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ""
    named = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    told = [f"{key}: {_short(before.get(key))} -> {_short(after.get(key))}" for key in named]
    more = [f"and {len(told) - MAX_FIELDS} more"] if len(told) > MAX_FIELDS else []
    return "; ".join([*told[:MAX_FIELDS], *more])


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else f"[{len(value)}]"
    return shorten_middle("-" if value in (None, "") else str(value), MAX_VALUE_CHARS)
