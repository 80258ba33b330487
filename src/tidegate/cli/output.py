"""How commands print: tables for people; JSON and YAML, which lose nothing, for programs.

Most of what is printed came from strangers (image names, CVE texts, labels), and a terminal obeys
escape codes. So tables are stripped of control characters, and JSON and YAML escape them.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from tidegate.domain.errors import InputError
from tidegate.domain.text import printable


class Format(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


OutputOption = Annotated[Format, typer.Option("--output", "-o", help="Output format.")]


def write_out(text: str) -> None:
    """Write `text`, already fit for a terminal, on standard output.

    Whoever reads it may have seen enough (`| head`): the rest goes nowhere, and the command still
    ends with the exit code that it has to give.
    """
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        _abandon_stdout()


def flush_out() -> bool:
    """Hand on what was written; False: nobody reads it any more."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon_stdout()
        return False
    return True


def _abandon_stdout() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def print_line(text: str = "") -> None:
    """Print one line on standard output, as it is fit for a terminal."""
    write_out(f"{printable(text)}\n")


def print_lines(text: str) -> None:
    """Print a text of several lines; its line ends are ours, all else is made fit."""
    for line in text.split("\n"):
        print_line(line)


def print_note(text: str) -> None:
    """Print one line for the person on standard error."""
    sys.stderr.write(f"{printable(text)}\n")


def print_notes(text: str) -> None:
    """Print a text of several lines on standard error."""
    for line in text.split("\n"):
        print_note(line)


def print_data(value: object, output: Format) -> None:
    """Print `value`, of wire types, as JSON or YAML."""
    plain = msgspec.to_builtins(value, str_keys=True)
    write_out(render_yaml(plain) if output is Format.YAML else render_json(plain))


def print_items(items: Sequence[object], output: Format) -> None:
    """Print a list as every `-o json` of a list is: `{"items": […]}`."""
    print_data({"items": list(items)}, output)


def render_json(plain: Any, *, indent: int | None = 2) -> str:  # noqa: ANN401 - any JSON value
    """Return `plain` as JSON with a line end; what a terminal would obey is escaped."""
    text = json.dumps(plain, ensure_ascii=False, indent=indent)
    if text.isascii() and "\x7f" not in text:  # json escapes what is below 0x20 itself
        return f"{text}\n"
    return "".join(char if char == "\n" else _escaped(char) for char in text) + "\n"


def render_yaml(plain: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return `plain` as a YAML document; all but ASCII is escaped."""
    import yaml  # noqa: PLC0415 - most runs print no YAML

    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=False, width=100)


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as kubectl does; folded to the terminal's width, never cut elsewhere."""
    from rich.console import Console  # noqa: PLC0415 - programs ask for JSON
    from rich.table import Table  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for title in header:
        table.add_column(title, overflow="fold")
    for row in rows:
        # Text, not str: rich would read "[red]" in a stranger's words as markup.
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 100_000  # whoever reads a pipe wants whole names
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        write_out(f"{line.rstrip()}\n")


def write_text(text: str, path: Path | None) -> None:
    """Write `text` to the file `path`, or to standard output as it is.

    Raises:
        InputError: the file cannot be written.
    """
    if path is None:
        write_out(text)
        return
    try:
        path.write_text(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def _escaped(char: str) -> str:
    if printable(char):
        return char
    code = ord(char)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    above = code - 0x10000  # RFC 8259 section 7: a surrogate pair
    return f"\\u{0xD800 + (above >> 10):04x}\\u{0xDC00 + (above & 0x3FF):04x}"
