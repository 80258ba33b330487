"""The long poll by which gates follow what the agent keeps: the feed, the index of admissions.

A gate asks `?after=CURSOR&wait=SECONDS` and gets the page that came after its cursor as soon as
there is one; after `wait` without one it is told so, and asks again.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import parse_qs

from tidegate.domain.errors import InputError

MAX_FIELDS = 10

P = TypeVar("P")


class Question(NamedTuple):
    """What a gate asks."""

    after: str
    """Cursor of the last answer; empty: from the beginning."""
    wait_s: float


class LongPoll(Generic[P]):
    """Gates that wait for pages, each asked for with a cursor."""

    def __init__(self, page: Callable[[str], P | None]) -> None:
        """Take pages from `page`, which is called in a thread; None: nothing came after that."""
        self._page = page
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Have all that wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, after: str, wait_s: float) -> P | None:
        """Return the page that came after a cursor; None: none did in `wait_s`."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            changed = self._changed  # before the look: what comes during it wakes us
            page = await asyncio.to_thread(self._page, after)
            if page is not None:
                return page
            try:
                async with asyncio.timeout_at(deadline):
                    await changed.wait()
            except TimeoutError:
                return None


def parse_question(query: bytes, max_cursor_chars: int, max_wait_s: float) -> Question:
    """Return what the query of a request asks.

    Raises:
        InputError: a parameter is not of its form, or there are too many.
    """
    try:
        given = parse_qs(query.decode("latin-1"), max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise InputError(f"the query has too many fields; want at most {MAX_FIELDS}") from error
    after, text = given.get("after", [""])[-1], given.get("wait", ["0"])[-1]
    if len(after) > max_cursor_chars:
        raise InputError(f"after has {len(after)} characters; want the cursor of an answer")
    try:
        wait_s = float(text)
    except ValueError:
        wait_s = -1.0
    if not 0 <= wait_s <= max_wait_s:
        raise InputError(f"wait is {text[:40]!r}; want seconds from 0 to {max_wait_s:g}")
    return Question(after, wait_s)
