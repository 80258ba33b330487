"""`tidegate events`: admission events, as the hub keeps them."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from tidegate.cli import verb
from tidegate.cli.completion import complete_clusters, complete_rules
from tidegate.cli.context import HubOption, world_of
from tidegate.cli.event_words import describe_event
from tidegate.cli.hub import ask_hub
from tidegate.cli.moments import parse_since, short_moment
from tidegate.cli.output import (
    Format,
    OutputOption,
    flush_out,
    print_data,
    print_items,
    print_line,
    print_note,
    print_table,
    render_json,
    render_yaml,
    write_out,
)
from tidegate.domain.errors import InputError
from tidegate.domain.verdict import Reason
from tidegate.hubclient import HubClient
from tidegate.wire.event_v1 import AdmissionEventV1

app = verb.group("Admission events: list, show, follow.")

PAGE_SIZE = 200
"""Events asked for at once."""

MAX_LISTED = 10_000
"""Largest `--limit`; all of them are held in memory before they are printed."""

HEADER = ("TIME", "ACTION", "NAMESPACE", "RESOURCE", "IMAGE", "VIOLATION", "RULE", "EVENT")

ActionOption = Annotated[str, typer.Option(help="Only this action: allow, audit or deny.")]
ClusterOption = Annotated[
    str, typer.Option(help="Only this cluster.", autocompletion=complete_clusters)
]
NamespaceOption = Annotated[str, typer.Option("--namespace", "-n", help="Only this namespace.")]
RuleOption = Annotated[
    str, typer.Option(help="Only events that this rule decided.", autocompletion=complete_rules)
]
ImageOption = Annotated[str, typer.Option(help="Only events about images that mention this.")]
OriginOption = Annotated[
    str,
    typer.Option(
        help="Only what was asked by: api-server, direct (`tidegate run`), or rejudged: what runs "
        "already, judged again."
    ),
]


@app.command("list")
def list_events(
    context: typer.Context,
    action: ActionOption = "",
    cluster: ClusterOption = "",
    namespace: NamespaceOption = "",
    rule: RuleOption = "",
    image: ImageOption = "",
    origin: OriginOption = "",
    since: Annotated[str, typer.Option(help="Only newer ones: 30m, 24h, 7d or a time.")] = "",
    until: Annotated[str, typer.Option(help="Only older ones; as --since.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="At most so many.")] = 50,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """List events, newest first; in the table each image has a row."""
    world = world_of(context)
    now = world.now()
    filters = _filters(action, cluster, namespace, rule, image, origin)
    filters["since"] = parse_since(since, now) if since else ""
    filters["until"] = parse_since(until, now) if until else ""

    async def collect(client: HubClient) -> list[AdmissionEventV1]:
        events: list[AdmissionEventV1] = []
        cursor: str | None = ""
        while cursor is not None and len(events) < limit:
            size = min(PAGE_SIZE, limit - len(events))
            page = await client.list_events(cursor=cursor, limit=size, **filters)
            events += page.items
            cursor = page.next
        return events

    events = ask_hub(world, hub, collect)
    if output is not Format.TABLE:
        print_items(events, output)
        return
    print_table(HEADER, (row for event in events for row in _rows(event)))


@app.command("show")
def show_event(
    context: typer.Context,
    event_id: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")],
    cluster: ClusterOption = "",
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Show one event. `tidegate explain` tells its whole story."""
    event = ask_hub(world_of(context), hub, lambda client: client.get_event(event_id, cluster))
    if output is not Format.TABLE:
        print_data(event, output)
        return
    for line in describe_event(event):
        print_line(line)


@app.command("tail")
def tail_events(
    context: typer.Context,
    action: ActionOption = "",
    cluster: ClusterOption = "",
    namespace: NamespaceOption = "",
    rule: RuleOption = "",
    image: ImageOption = "",
    origin: OriginOption = "",
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Print events as they are recorded, until interrupted; in JSON one event a line."""
    filters = _filters(action, cluster, namespace, rule, image, origin)

    async def follow(client: HubClient) -> None:
        async for tailed in client.tail_events(**filters):
            _print_tailed(tailed.event, output)
            if not flush_out():
                return
        print_note("the hub ended the stream; run the command again to go on")

    ask_hub(world_of(context), hub, follow)


def _filters(
    action: str, cluster: str, namespace: str, rule: str, image: str, origin: str
) -> dict[str, str]:
    if action not in ("", "allow", "audit", "deny"):
        raise InputError(f"--action is {action[:40]!r}; want allow, audit or deny")
    if origin not in ("", "api-server", "direct", "rejudged"):
        raise InputError(f"--origin is {origin[:40]!r}; want api-server, direct or rejudged")
    return {
        "action": action,
        "cluster": cluster,
        "namespace": namespace,
        "rule": rule,
        "image": image,
        "origin": origin,
    }


def _rows(event: AdmissionEventV1) -> Iterator[tuple[str, ...]]:
    for row in event.images:
        yield (
            short_moment(event.time),
            row.action,
            event.namespace,
            f"{event.kind}/{event.name}{' (running)' if event.origin == 'rejudged' else ''}",
            row.image,
            row.violation or ("" if row.reason == Reason.POLICY_EVALUATION else row.reason),
            row.rule,
            event.id,
        )


def _print_tailed(event: AdmissionEventV1, output: Format) -> None:
    match output:
        case Format.JSON:
            write_out(render_json(msgspec.to_builtins(event), indent=None))
        case Format.YAML:
            write_out(f"---\n{render_yaml(msgspec.to_builtins(event))}")
        case Format.TABLE:
            for row in _rows(event):
                print_line("  ".join(row))
