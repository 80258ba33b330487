"""`tidegate doctor`: whether an installation does what it should, a line for each part of it."""

import asyncio
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.context import HubOption, world_of
from tidegate.cli.doctor_hub import examine_hub
from tidegate.cli.doctor_lines import Level
from tidegate.cli.doctor_local import examine_advisories, examine_disk, examine_gate, examine_keys
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
    """Check the installation: ok, warn, fail or unknown for each part, and what to do.

    Hub, switches, clusters, scan workers, advisories, evidence keys, clock; and where they are on
    this machine, gate, key, disk. Ends with 1 if anything failed, with 3 if nothing did but the
    hub did not answer.
    """
    world = world_of(context)
    address = world.hub(hub)
    told = asyncio.run(examine_hub(address, world.now))
    checks = told.checks
    found = world.installation()
    if found is not None and found.hub.rstrip("/") == address.url:
        checks += [examine_gate(found), *examine_keys(world.folder(), told.signing_keys)]
        if not any(check.part == "advisories" for check in checks):
            checks.append(examine_advisories(world.folder().root, world.now()))
        checks.append(examine_disk(world.folder().root))
    if output is not Format.TABLE:
        print_items(checks, output)
    else:
        for check in checks:
            print_line(f"{check.level.value:<7}  {check.part:<11} {check.says}")
            if check.advice:
                print_note(f"         {'':<11} {check.advice}")
    levels = {check.level for check in checks}
    if Level.FAIL in levels or (strict and Level.WARN in levels):
        raise typer.Exit(ExitCode.DENIED)
    if Level.UNKNOWN in levels:
        raise typer.Exit(ExitCode.COULD_NOT_FIND_OUT)
