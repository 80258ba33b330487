"""`tidegate run`: what `kubectl run` would do, asked of the gate without a cluster."""

import os
import pwd
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.context import world_of
from tidegate.cli.exit_codes import ExitCode
from tidegate.cli.gate import Gate, Response, ask_gate
from tidegate.cli.output import print_line, print_note, print_notes
from tidegate.cli.pods import (
    build_pod,
    parse_labels,
    require_name,
    require_namespace,
    review_of,
)
from tidegate.wire.webhook import WEBHOOK_NAME

app = verb.command()


class DryRun(StrEnum):
    """What kubectl's option of this name takes; `client` would ask nobody."""

    NONE = "none"
    SERVER = "server"


@app.command()
def run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The pod's name.")],
    image: Annotated[str, typer.Option(metavar="REF", help="The image to run.")],
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace.")] = "default",
    labels: Annotated[
        str, typer.Option("--labels", "-l", metavar="KEY=VALUE,…", help="Default: run=NAME.")
    ] = "",
    dry_run: Annotated[
        DryRun, typer.Option("--dry-run", help="server: judged, but no event is recorded.")
    ] = DryRun.NONE,
) -> None:
    """Ask the gate for a pod and print what kubectl would print.

    No cluster is asked and no pod runs: the gate judges the very AdmissionReview that an API
    server would send for `kubectl run`. Its event has the origin `direct`.
    """
    require_name(name)
    require_namespace(namespace)
    world = world_of(context)
    installation, folder = world.require_installation(), world.folder()
    gate = Gate(installation.gate, Path(installation.gate_ca), folder.token_file("direct"))
    pod = build_pod(name, image, namespace, parse_labels(labels))
    review = review_of(pod, _user(), dry_run=dry_run is DryRun.SERVER)
    response = ask_gate(gate, review)
    for warning in response.warnings:
        print_note(f"Warning: {warning}")
    if not response.allowed:
        print_notes(denial(response))
        raise typer.Exit(ExitCode.DENIED)
    print_line(f"pod/{name} created{' (server dry run)' if dry_run is DryRun.SERVER else ''}")


def denial(response: Response) -> str:
    """Return what kubectl prints (cmd/util/helpers.go, `StandardErrorMessage`)."""
    status = response.status
    reason = f" ({status.reason})" if status and status.reason else ""
    # apiserver, admission/plugin/webhook/errors/statuserror.go, `ToStatusErr`.
    message = (status.message or status.reason) if status else ""
    said = f": {message}" if message else " without explanation"
    return f'Error from server{reason}: admission webhook "{WEBHOOK_NAME}" denied the request{said}'


def _user() -> str:
    """Return the operating system's name for who asks."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
