"""Parameters that many handlers take: ids in paths, and the cursors of lists.

A cursor is opaque to readers; it says after which row the next page begins.
"""

import base64
from collections.abc import Iterable
from typing import Annotated, TypeVar, cast

import msgspec
from litestar.params import PathParameter, QueryParameter

from tidegate.domain.errors import InputError
from tidegate.hub.clock import parse_instant, render_instant
from tidegate.wire.hub_v1 import Page

T = TypeVar("T")

Id = Annotated[str, PathParameter(max_length=128)]
"""Of a rule, job, event or token, or a cluster's name."""
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="Items on a page.")]
Cursor = Annotated[
    str,
    QueryParameter(max_length=512, description="`next` of the page before; empty: the first one."),
]
Name = Annotated[str, QueryParameter(max_length=128)]
Text = Annotated[str, QueryParameter(max_length=256)]
Reference = Annotated[str, QueryParameter(max_length=512)]
"""Of an image. All filters of a list together fit a request line of 32 KiB, where a character of
the basic plane takes up to 9 bytes: the server closes the connection on a longer one.
"""
RuleName = Annotated[str, QueryParameter(max_length=1024)]
"""Longer than any that the hub takes: events carry what clusters' own objects say."""
Instant = Annotated[str, QueryParameter(max_length=64, description="RFC 3339.")]
DEFAULT_LIMIT = 50
_MAX_PLACE = 2**63 - 1
"""Databases count rows in 64 bits, and refuse to compare them with more."""


def page_of_bodies(form: type[T], bodies: Iterable[bytes], following: str | None) -> Page[T]:
    """Return a page of items that are JSON of this form already, as they were stored.

    They are written into the answer as they are: most of a page's time went into reading bodies to
    write them again.
    """
    del form  # for the type checker, which cannot see into the bodies
    return Page([cast("T", msgspec.Raw(body)) for body in bodies], following)


def render_cursor(*values: str | int) -> str:
    """Return the cursor after the row with these sort values."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def parse_cursor(text: str, form: type[T]) -> T | None:
    """Return the sort values in a cursor, None for the empty one.

    Raises:
        InputError: it is not one that this list gave.
    """
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        body = base64.b64decode(padded, altchars=b"-_", validate=True)
        values = msgspec.json.decode(body, type=form)
        if any(isinstance(v, int) and abs(v) > _MAX_PLACE for v in msgspec.to_builtins(values)):
            raise ValueError("a place beyond all places")
    except (ValueError, msgspec.MsgspecError) as error:
        raise InputError(
            f"cursor {text[:80]!r} is not of this list; leave it out to begin anew"
        ) from error
    return values


def parse_instant_parameter(name: str, text: str) -> str:
    """Return the instant that the parameter `name` gives, as the database keeps it; empty: none.

    Raises:
        InputError: it is no instant.
    """
    if not text:
        return ""
    moment = parse_instant(text)
    if moment is None:
        raise InputError(f"{name} is {text!r}; want a time like 2026-11-23T09:00:00Z", field=name)
    return render_instant(moment)
