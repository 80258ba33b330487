"""`tidegate doctor`: whether an installation does what it should, a line for each part of it."""

import asyncio
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.context import HubOption, world_of
from tidegate.cli.doctor_hub import examine_hub
from tidegate.cli.doctor_lines import Level
from tidegate.cli.doctor_local import examine_gate, examine_local
from tidegate.cli.exit_codes import ExitCode
from tidegate.cli.output import Format, OutputOption, print_items, print_line, print_note

app = verb.command()


@app.command("doctor")
def doctor(
    context: typer.Context,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
    strict: Annotated[bool, typer.Option("--strict", help="Take a warning for a failure.")] = False,
) -> None:
    """Check the installation: ok, warn or fail for each part, and what to do.

    Hub, gate, rules in force, scan worker, advisories, evidence key, clock and disk. Parts that
    are not on this machine are asked through the hub only. Ends with 1 if anything failed.
    """
    world = world_of(context)
    address = world.hub(hub)
    checks = asyncio.run(examine_hub(address, world.now))
    found = world.installation()
    if found is not None and found.hub.rstrip("/") == address.url:
        checks += [examine_gate(found), *examine_local(world.folder(), world.now())]
    if output is not Format.TABLE:
        print_items(checks, output)
    else:
        for check in checks:
            print_line(f"{check.level.value:<4}  {check.part:<11} {check.says}")
            if check.advice:
                print_note(f"      {'':<11} {check.advice}")
    bad = {Level.FAIL, Level.WARN} if strict else {Level.FAIL}
    if any(check.level in bad for check in checks):
        raise typer.Exit(ExitCode.DENIED)
