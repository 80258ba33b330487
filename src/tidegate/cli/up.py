"""`tidegate up`: everything on this machine, in the foreground."""

import asyncio
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tidegate.cli.context import world_of
from tidegate.domain.text import printable
from tidegate.local.data_folder import UpState
from tidegate.local.demo import LAB_IMAGE
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
                typer.echo(_next_steps(state, demo=options.demo))
            await stop.wait()
            say("ending everything")
    except asyncio.CancelledError:
        if not stop.is_set():
            raise


def say(line: str) -> None:
    """Print a line of progress on standard error."""
    typer.echo("\n".join(map(printable, line.splitlines())), err=True)


def _next_steps(state: UpState, *, demo: bool) -> str:
    lines = ["", "Tidegate is ready."]
    image = f"{state.registry}/{LAB_IMAGE}" if demo else f"{state.registry}/NAME:TAG"
    lines += [f"  hub       {state.hub}", f"  registry  {state.registry} (every push is scanned)"]
    if state.kubeconfig:
        lines += ["", "Try, in a second terminal:", f"  export KUBECONFIG={state.kubeconfig}"]
        lines += [f"  kubectl run gate-test --image={image}"]
    else:
        lines += ["", "Try, in a second terminal:", f"  tidegate run gate-test --image={image}"]
    lines += ["  tidegate events list", "  tidegate lab", "", "Ctrl-C ends it all; data stays in "]
    return "\n".join(lines) + state.data_dir
