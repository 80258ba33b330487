"""One platform of an image, as commands let people choose it."""

from collections.abc import Sequence
from typing import Annotated, Protocol, TypeVar

import typer

from tidegate.domain.errors import InputError

PlatformOption = Annotated[
    str, typer.Option("--platform", metavar="OS/ARCH", help="Of an image with several platforms.")
]


class OfPlatform(Protocol):
    """Whatever is about one platform."""

    @property
    def platform(self) -> str:
        """`linux/amd64`; empty where the image is no index."""


P = TypeVar("P", bound=OfPlatform)


def select_platform(found: Sequence[P], wanted: str) -> P:
    """Return the one of `found` for the platform `wanted`, or the only one.

    Raises:
        InputError: there is no such platform, or several and none is named.
    """
    chosen = [each for each in found if not wanted or each.platform == wanted]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(each.platform or "(unnamed)" for each in found) or "none"
    if wanted:
        raise InputError(f"--platform is {wanted[:80]!r}; the image has: {known}")
    raise InputError(f"the image has several platforms; choose with --platform one of: {known}")
