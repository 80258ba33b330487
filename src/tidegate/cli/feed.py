"""`tidegate feed`: how far the feed of findings has come."""

from datetime import datetime

import msgspec
import typer

from tidegate.cli import verb
from tidegate.cli.context import HubOption, world_of
from tidegate.cli.hub import ask_hub
from tidegate.cli.moments import parse_moment
from tidegate.cli.output import Format, OutputOption, print_items, print_note, print_table
from tidegate.hubclient import HubClient
from tidegate.wire.feed_http_v1 import FeedStatusV1

QUIET_S = 180
"""Workers say something at least once a minute."""

app = verb.group("The feed of signed findings: how far each evidence key's chain has come.")


class _Shown(msgspec.Struct, rename="camel"):
    """A key's chain as it is printed."""

    key: str
    """Name of the key, as the worker that has it told the hub."""
    age_seconds: float
    """Since the last batch, by this machine's clock."""
    feed: FeedStatusV1


@app.command("status")
def show_status(
    context: typer.Context, output: OutputOption = Format.TABLE, hub: HubOption = ""
) -> None:
    """Show the chain of each evidence key at the hub.

    A chain says something at least once a minute. One that is older is not fed: no worker with this
    key runs, or none reaches the hub. Gates then ask registries about images that are new to them.
    """
    world = world_of(context)

    async def ask(client: HubClient) -> list[_Shown]:
        names = {key.fingerprint: key.name for key in await client.list_keys()}
        heads = await client.list_feed_heads()
        return [_shown(head, names.get(head.fingerprint, ""), world.now()) for head in heads]

    shown = ask_hub(world, hub, ask)
    if output is not Format.TABLE:
        print_items(shown, output)
        return
    print_table(
        ("KEY", "FINGERPRINT", "CHAIN", "EPOCH", "AGE", "NEW ROWS", "SNAPSHOT", "FILLED"),
        (_cells(each) for each in shown),
    )
    if not shown:
        print_note("no worker feeds this hub; set TIDEGATE_SCAN_FEED_AUDIENCE of the workers")
    for each in shown:
        if each.age_seconds > QUIET_S:
            print_note(
                f"chain of {each.key or each.feed.fingerprint[:12]}: nothing for "
                f"{each.age_seconds:.0f} s; does a worker with this key run?"
            )


def _shown(head: FeedStatusV1, name: str, now: datetime) -> _Shown:
    at = parse_moment(head.updated_at)
    age_s = 0.0 if at is None else max((now - at).total_seconds(), 0.0)
    return _Shown(name, round(age_s, 1), head)


def _cells(shown: _Shown) -> tuple[str, ...]:
    feed = shown.feed
    snapshot = f"{feed.snapshot_epoch} ({_size(feed.snapshot_size)})" if feed.snapshot_epoch else ""
    return (
        shown.key or "-",
        feed.fingerprint[:12],
        feed.chain[:8],
        str(feed.epoch),
        f"{shown.age_seconds:.0f} s",
        str(feed.rows_since_snapshot),
        snapshot or "-",
        "yes" if feed.is_filled else "not yet",
    )


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
