"""Bodies of reviews, bounded one by one and together.

A review is at most 8 MiB by default, but many connections may send one each. What exceeds a small
allowance is counted over all of them; who comes when the sum is used up is told to come again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tidegate.domain.errors import InputError, UnavailableError

ALLOWANCE_BYTES = 64 * 1024
"""Of each body, not counted: nearly all reviews are smaller and always find room."""

TOGETHER = 4
"""How many of the largest bodies may be held at once."""

Receive = Callable[[], Any]


class TooLargeError(InputError):
    """A body above the limit."""


class BusyError(UnavailableError):
    """All bodies together are above the limit."""


class Bodies:
    """Counts the bytes of all bodies that are held."""

    def __init__(self, max_body_bytes: int) -> None:
        self.max_body_bytes = max_body_bytes
        self.free_bytes = TOGETHER * max_body_bytes

    @contextmanager
    def reading(self) -> Iterator["Reading"]:
        """Yield a reading of one body, which counts until the end of the block."""
        reading = Reading(self)
        try:
            yield reading
        finally:
            self.free_bytes += reading.counted_bytes


class Reading:
    """One body on its way in."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.counted_bytes = 0

    async def whole(self, receive: Receive) -> bytes:
        """Return the whole body.

        Raises:
            TooLargeError: it is longer than one may be; the rest was not read.
            BusyError: there is no room for it now; the rest was not read.
            ConnectionResetError: the caller went away.
        """
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError
            part = message.get("body", b"")
            size += len(part)
            self._count(size)
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    def _count(self, size: int) -> None:
        limit = self._bodies.max_body_bytes
        if size > limit:
            raise TooLargeError(f"a body of more than {limit} bytes; want a smaller object")
        more = max(0, size - ALLOWANCE_BYTES) - self.counted_bytes
        if more > self._bodies.free_bytes:
            raise BusyError("too many large reviews at once; try again")
        self._bodies.free_bytes -= more
        self.counted_bytes += more
