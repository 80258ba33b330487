"""Bodies of requests, bounded one by one and together.

A review is at most 8 MiB by default, but many connections may send one each. What exceeds a small
allowance is counted over all of them; who comes when the sum is used up is told to come again.
"""

from tidegate.domain.errors import InputError, TidegateError, UnavailableError

ALLOWANCE_BYTES = 64 * 1024
"""Of each body, not counted: nearly all reviews are smaller and always find room."""

TOGETHER = 4
"""How many of the largest bodies may be held at once."""


class BodyRefusedError(TidegateError):
    """A body that is not read to its end."""

    status: int
    """Of the answer (RFC 9110)."""


class TooLargeError(BodyRefusedError, InputError):
    """A body above the limit."""

    status = 413


class BusyError(BodyRefusedError, UnavailableError):
    """All bodies together are above the limit."""

    status = 503


class Bodies:
    """Counts the bytes of all bodies that are held."""

    def __init__(self, max_body_bytes: int) -> None:
        self.max_body_bytes = max_body_bytes
        self.free_bytes = TOGETHER * max_body_bytes


class Reading:
    """One body on its way in, until `close`."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.counted_bytes = 0

    def count(self, size: int) -> None:
        """Count a body that has `size` bytes by now.

        Raises:
            TooLargeError: it is longer than one may be.
            BusyError: there is no room for it now.
        """
        limit = self._bodies.max_body_bytes
        if size > limit:
            raise TooLargeError(f"a body of more than {limit} bytes; want a smaller object")
        more = max(0, size - ALLOWANCE_BYTES) - self.counted_bytes
        if more > self._bodies.free_bytes:
            raise BusyError("too many large reviews at once; try again")
        self._bodies.free_bytes -= more
        self.counted_bytes += more

    def close(self) -> None:
        """Give back what was counted."""
        self._bodies.free_bytes += self.counted_bytes
        self.counted_bytes = 0
