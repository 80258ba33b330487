"""The command `tidegate`: its verbs, each a module that is imported when it is asked for.

A verb's module has `app`, a `typer.Typer`. With one command in it the verb is that command, with a
callback the verb is a group.
"""

from collections import UserDict
from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

VERBS = {
    "up": "tidegate.cli.up",
    "lab": "tidegate.cli.lab",
    "run": "tidegate.cli.run",
    "check": "tidegate.cli.check",
    "explain": "tidegate.cli.explain",
    "events": "tidegate.cli.events",
    "rules": "tidegate.cli.rules",
    "scan": "tidegate.cli.scan",
    "attach": "tidegate.cli.attach",
    "verify": "tidegate.cli.verify",
    "artifact": "tidegate.cli.artifact",
    "advisories": "tidegate.cli.advisories",
    "key": "tidegate.cli.key",
    "registry": "tidegate.cli.registry",
    "cluster": "tidegate.cli.cluster",
    "feed": "tidegate.cli.feed",
    "plugins": "tidegate.cli.plugins",
    "user": "tidegate.cli.user",
    "token": "tidegate.cli.api_token",
    "audit": "tidegate.cli.audit",
    "doctor": "tidegate.cli.doctor",
}
"""Every verb with its module, in the order of the help."""


class _Verbs(UserDict[str, Any]):
    """Verbs by name; a module becomes a command when it is looked up."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        value = super().__getitem__(name)
        if isinstance(value, str):
            value = get_command(import_module(value).app)
            value.name = name
            self.data[name] = value
        return value  # type: ignore[no-any-return] # either a command, or made one above


class VerbGroup(TyperGroup):
    """The group of all verbs."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - as the base class
        super().__init__(**attributes)
        self.commands = _Verbs(VERBS)

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - as the base class
        """Return the verbs' names, without importing any."""
        return list(VERBS)


app = typer.Typer(
    cls=VerbGroup,
    help="Gated deployment for Kubernetes: scan images, attach signed findings, admit by rule.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidegate {metadata.version('tidegate')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that stand before the verb."""
    del version  # its callback has done it
