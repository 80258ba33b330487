"""Progress on standard error: a moving display on a terminal, plain lines otherwise."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tidegate.cli.output import print_note
from tidegate.domain.text import printable

PLAIN_STEPS = 10
"""Lines that a long count prints where there is no terminal."""


@contextmanager
def progress_lines() -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is being done now."""
    if not sys.stderr.isatty():
        yield print_note
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.text import Text  # noqa: PLC0415 - see above

    with Console(stderr=True).status("") as status:

        def show(text: str) -> None:
            status.update(Text(printable(text)))

        yield show


@contextmanager
def progress_count(title: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how many of how many are done; 0 in all: not known."""
    if not sys.stderr.isatty():
        yield _plain_counter(title)
        return
    from rich.progress import Progress  # noqa: PLC0415 - only a terminal needs it

    with Progress(transient=True) as progress:
        task = progress.add_task(title, total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total or None)

        yield show


def _plain_counter(title: str) -> Callable[[int, int], None]:
    def show(done: int, total: int) -> None:
        step = max(total // PLAIN_STEPS, 1000)
        if done % step == 0:
            print_note(f"{title}: {done}" + (f" of {total}" if total else ""))

    return show
