"""What bodies of the hub's REST API have in common: their base, pages of lists, and refusals."""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

Digest = Annotated[str, Meta(max_length=160)]
Word = Annotated[str, Meta(max_length=512)]
Text = Annotated[str, Meta(max_length=4096)]

T = TypeVar("T")


class Wire(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Base of request and response bodies: camelCase names, unknown fields refused."""


class Page(msgspec.Struct, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = None
    """Opaque cursor of the next page; absent or null on the last one."""


class ProblemV1(msgspec.Struct, rename="camel", omit_defaults=True):
    """RFC 9457 problem details; `field` names the offending field where there is one."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    field: str = ""
