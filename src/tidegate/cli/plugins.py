"""`tidegate plugins`: which scanners and formats are installed, and from where."""

from typing import Any

from tidegate.cli import verb
from tidegate.cli.output import Format, OutputOption, print_items, print_table
from tidegate.plugins import InstalledPlugin, list_plugins

HEADER = ("KIND", "NAME", "FROM", "MODULE")

app = verb.command()


@app.command()
def plugins(output: OutputOption = Format.TABLE) -> None:
    """List the installed plug-ins; nothing of them is loaded."""
    found = list_plugins()
    if output is Format.TABLE:
        print_table(HEADER, [_row(each) for each in found])
    else:
        print_items([_data(each) for each in found], output)


def _row(each: InstalledPlugin) -> tuple[str, ...]:
    kind = each.group.rpartition(".")[2].removesuffix("s")
    return (kind, each.name, f"{each.distribution} {each.version}".strip(), each.target)


def _data(each: InstalledPlugin) -> dict[str, Any]:
    return {
        "group": each.group,
        "name": each.name,
        "distribution": each.distribution,
        "version": each.version,
        "target": each.target,
    }
