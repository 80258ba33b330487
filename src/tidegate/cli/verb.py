"""How each verb's module makes its `app`, so that all behave alike."""

from typing import Any

import typer


def group(help_text: str) -> typer.Typer:
    """Return an empty group of commands."""
    app = command()
    app.callback(help=help_text)(_nothing)
    return app


def command() -> typer.Typer:
    """Return an app for a verb that is one command."""
    options: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings=options,
    )


def _nothing() -> None:
    """Do nothing: options stand with the commands."""
