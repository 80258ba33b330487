"""`tidegate up`: everything on this machine, in the foreground."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tidegate.cli.context import world_of
from tidegate.domain.text import printable
from tidegate.local.data_folder import UpState
from tidegate.local.demo import LAB_IMAGE
from tidegate.local.kubernetes import find_programs
from tidegate.local.up import ClusterMode, Up, UpOptions

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def up(
    context: typer.Context,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            metavar="D",
            help="Folder for keys, content and state. Default: TIDEGATE_DATA_DIR, else "
            "~/.local/share/tidegate.",
        ),
    ] = None,
    cluster: Annotated[
        ClusterMode,
        typer.Option(
            "--cluster",
            help="auto: a local API server when its programs are there; local: it must be; "
            "kubeconfig: the cluster that kubectl talks to; none.",
        ),
    ] = "auto",
    demo: Annotated[
        bool, typer.Option("--demo", help="Push and scan demo images; make the lab's rule.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON on standard output when ready.")
    ] = False,
) -> None:
    """Run hub, registry, scan worker, agent, gate and a local cluster until interrupted.

    The same data folder continues where it was, on the same ports.
    """
    world = world_of(context)
    settings = world.settings
    options = UpOptions(
        data_dir=(data_dir or settings.data_dir or settings.data_home / "tidegate").absolute(),
        cluster=cluster,
        demo=demo,
        state_file=settings.current_file,
        environment=settings.environment,
    )
    asyncio.run(run_until_signal(options, world.now, as_json=as_json))


async def run_until_signal(
    options: UpOptions, now: Callable[[], datetime], *, as_json: bool
) -> None:
    """Run everything until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    starting = asyncio.current_task()
    loop = asyncio.get_running_loop()
    running = False

    def end() -> None:
        stop.set()
        if not running and starting is not None:
            starting.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        async with Up(options, say, now).running() as state:
            running = True
            if as_json:
                typer.echo(msgspec.json.encode(state).decode())
            else:
                typer.echo(_next_steps(state, options.environment, demo=options.demo))
            await stop.wait()
            say("ending everything")
    except asyncio.CancelledError:
        if not stop.is_set():
            raise


def say(line: str) -> None:
    """Print a line of progress on standard error."""
    typer.echo("\n".join(map(printable, line.splitlines())), err=True)


def _next_steps(state: UpState, environment: Mapping[str, str], *, demo: bool) -> str:
    image = f"{state.registry}/{LAB_IMAGE}" if demo else f"{state.registry}/NAME:TAG"
    tidegate = _typed("tidegate", lambda: Path(sys.argv[0]), environment)
    if state.kubeconfig:
        kubectl = _typed("kubectl", lambda: find_programs(environment).kubectl, environment)
        run = [
            f"  export KUBECONFIG={state.kubeconfig}",
            f"  {kubectl} run gate-test --image={image}",
        ]
    else:
        run = [f"  {tidegate} run gate-test --image={image}"]
    return "\n".join(
        [
            "",
            "Tidegate is ready.",
            f"  portal    {state.portal}",
            f"            {_credentials(state)}",
            f"  registry  {state.registry} (every push is scanned)",
            "",
            "Try, in a second terminal:",
            *run,
            f"  {tidegate} events list",
            f"  {tidegate} lab",
            "",
            f"Ctrl-C ends it all; data stays in {state.data_dir}",
        ]
    )


def _credentials(state: UpState) -> str:
    if state.admin_password:
        return f"user admin, password {state.admin_password} (to be changed at the first sign-in)"
    return f"user admin with your password, or the token in {state.data_dir}/tokens/admin.token"


def _typed(name: str, find: Callable[[], Path], environment: Mapping[str, str]) -> str:
    """Return what a person has to type: the name where it is on PATH, else the whole path."""
    return name if shutil.which(name, path=environment.get("PATH")) else str(find())
