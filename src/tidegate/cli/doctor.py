"""`tidegate doctor`: whether an installation does what it should, a line for each part of it."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.bundle import Bundle, gather, known_secrets
from tidegate.cli.context import HubAddress, HubOption, World, world_of
from tidegate.cli.doctor_hub import examine_hub
from tidegate.cli.doctor_lines import Check, Level
from tidegate.cli.doctor_local import examine_advisories, examine_disk, examine_gate, examine_keys
from tidegate.cli.exit_codes import ExitCode
from tidegate.cli.output import Format, OutputOption, print_items, print_line, print_note
from tidegate.cli.redact import Redactor
from tidegate.domain.errors import InputError

app = verb.command()


@app.command("doctor")
def doctor(
    context: typer.Context,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
    strict: Annotated[bool, typer.Option("--strict", help="Take a warning for a failure.")] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="FILE.tar.gz",
            dir_okay=False,
            help="Also write what helps to find a fault: checks, versions, logs, metrics, rules, "
            "our objects in the cluster. Secrets are taken out.",
        ),
    ] = None,
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
    if bundle is not None:
        _write_bundle(bundle, world, address, checks)
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


def _write_bundle(path: Path, world: World, address: HubAddress, checks: list[Check]) -> None:
    """Write the support bundle to `path`, readable by its owner alone.

    Raises:
        InputError: it cannot be written, or is there already.
    """
    found = world.installation()
    own = found if found is not None and found.hub.rstrip("/") == address.url else None
    folder = world.folder() if own is not None else None
    secrets = known_secrets(folder, address.token, *((own.admin_token,) if own else ()))
    made = Bundle(Redactor(secrets), world.now())
    asyncio.run(gather(made, checks, address, own, folder))
    body = made.packed()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); name a new file"
        ) from error
    print_note(
        f"wrote {path} ({len(made.files)} files, {len(body) // 1024} KiB). Secrets were taken out; "
        "look it through before you give it away: names of images, people and hosts are in it."
    )
    for line in made.errors:
        print_note(f"not in it: {line}")
