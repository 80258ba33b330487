"""HTTP requests and responses as `net.http1` hands them on, and who answers them."""

from collections.abc import Awaitable
from typing import NamedTuple, Protocol

from tidegate.net.bodies import Reading

TEXT = b"text/plain; charset=utf-8"


class Response(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes
    kind: bytes = TEXT
    """Its media type."""


class Request:
    """One request; its body is empty until it is whole."""

    __slots__ = ("body", "headers", "keep_alive", "method", "path", "query", "reading", "verified")

    def __init__(self, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        path, _, self.query = target.partition(b"?")
        self.path = path.decode("latin-1")
        self.method = method.decode("latin-1")
        self.headers = headers
        """As they came, names in whatever case."""
        self.body = b""
        self.keep_alive = True
        self.verified = False
        """Whether the client showed a certificate that TLS verified."""
        self.reading: Reading | None = None
        """Holds room for a large body until the answer is out."""

    def header(self, name: bytes) -> bytes:
        """Return the only value of header `name` (lower case); empty for none or several."""
        found = [value for given, value in self.headers if given.lower() == name]
        return found[0] if len(found) == 1 else b""


class App(Protocol):
    """What answers requests."""

    def refuse(self, request: Request) -> Response | None:
        """Return why the body of `request` is not even read; None: go on."""
        ...

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        """Return the answer to a whole request, or what gives it later."""
        ...
