"""`tidegate lab`: the five exercises, played and reported."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidegate.cli.context import World, world_of
from tidegate.cli.up import say
from tidegate.domain.errors import ClusterUnavailableError
from tidegate.local.data_folder import UpState
from tidegate.local.demo import run_demo
from tidegate.local.kubernetes import find_programs
from tidegate.local.lab import Lab, StepResult
from tidegate.local.up import Up, UpOptions

DENIED = 1

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def lab(
    context: typer.Context,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start a new installation for the lab alone.")
    ] = False,
) -> None:
    """Play the five exercises on what `tidegate up` started, or start it for the lab.

    Prints each command with its output and ends with a table; exit code 0 only when all hold.
    """
    world = world_of(context)
    results = asyncio.run(_play(world, fresh=fresh))
    _print_table(results)
    if any(result.problem for result in results):
        raise typer.Exit(DENIED)


async def _play(world: World, *, fresh: bool) -> list[StepResult]:
    state = None if fresh else world.installation()
    if state is not None and await _answers(state):
        await run_demo(state, say)
        return await _lab(world, state).play()
    say("no running Tidegate is known; starting one for the lab")
    with tempfile.TemporaryDirectory(prefix="tidegate-lab-") as folder:
        options = UpOptions(
            data_dir=Path(folder) / "data",
            cluster="auto",
            demo=True,
            state_file=Path(folder) / "current.json",
            environment=world.settings.environment,
        )
        async with Up(options, say, world.now).running() as started:
            return await _lab(world, started).play()


async def _answers(state: UpState) -> bool:
    host, _, port = state.hub.rpartition("/")[2].rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _lab(world: World, state: UpState) -> Lab:
    environment = world.settings.environment
    try:
        kubectl = str(find_programs(environment).kubectl)
    except ClusterUnavailableError:
        kubectl = "kubectl"
    return Lab(state, typer.echo, environment, kubectl)


def _print_table(results: list[StepResult]) -> None:
    table = Table("exercise", "step", "verdict", title="The lab")
    for result in results:
        failed = f"[red]failed[/]: {escape(result.problem)}"
        verdict = failed if result.problem else "[green]holds[/]"
        table.add_row(str(result.exercise), result.title, verdict)
    Console().print(table)
