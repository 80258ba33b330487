"""`tidegate explain`: the whole story of one admission event."""

from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.context import HubOption, world_of
from tidegate.cli.event_words import (
    EXEMPTED_HEADER,
    FINDING_HEADER,
    NOT_AFFECTED_HEADER,
    cleared_rows,
    finding_rows,
    next_steps,
    tell_image,
    tell_rule,
)
from tidegate.cli.hub import ask_hub
from tidegate.cli.moments import short_moment
from tidegate.cli.output import Format, OutputOption, print_data, print_line, print_table
from tidegate.wire.event_v1 import AdmissionEventV1, ImageRowV1

app = verb.command()


@app.command()
def explain(
    context: typer.Context,
    event_id: Annotated[
        str, typer.Argument(metavar="EVENT", help="The id that a denial or `events list` names.")
    ],
    cluster: Annotated[str, typer.Option(help="Where several clusters sent such an id.")] = "",
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Explain a verdict: image, rule, every finding that counted, exemptions, what to do next."""
    event = ask_hub(world_of(context), hub, lambda client: client.get_event(event_id, cluster))
    if output is not Format.TABLE:
        print_data(event, output)
        return
    _tell(event)


def _tell(event: AdmissionEventV1) -> None:
    where = f" in namespace {event.namespace}" if event.namespace else ""
    cluster = f" of cluster {event.cluster}" if event.cluster else ""
    print_line(f"{event.kind}/{event.name}{where}{cluster}: {event.action}")
    at = short_moment(event.time)
    if event.origin == "rejudged":
        print_line(f"judged again at {at}: it runs already, and nothing was refused")
    else:
        by = f" by {event.user}" if event.user else ""
        operation = " ".join(filter(None, (event.operation, event.subresource)))
        print_line(f"{operation or 'request'}{by} at {at}")
    for row in event.images:
        print_line()
        _tell_row(row)


def _tell_row(row: ImageRowV1) -> None:
    for line in (*tell_image(row), "", *tell_rule(row)):
        print_line(line)
    if row.findings:
        print_line()
        print_line(f"Counted: {len(row.findings) + row.findings_omitted}")
        print_table(FINDING_HEADER, finding_rows(row.findings, exempted=False))
        if row.findings_omitted:
            print_line(f"and {row.findings_omitted} more")
    if row.exempted:
        print_line()
        print_line(f"Exempted: {len(row.exempted) + row.exempted_omitted}")
        print_table(EXEMPTED_HEADER, finding_rows(row.exempted, exempted=True))
        if row.exempted_omitted:
            print_line(f"and {row.exempted_omitted} more")
    if row.not_affected:
        print_line()
        print_line(f"Not affected: {len(row.not_affected) + row.not_affected_omitted}")
        print_table(NOT_AFFECTED_HEADER, cleared_rows(row.not_affected))
        if row.not_affected_omitted:
            print_line(f"and {row.not_affected_omitted} more")
    steps = list(next_steps(row))
    if steps:
        print_line()
        print_line("What to do next")
        for step in steps:
            print_line(f"  - {step}")
