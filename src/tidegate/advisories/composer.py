"""Versions of Packagist, as Composer compares them.

Source: getcomposer.org/doc/articles/versions.md and PHP's `version_compare`: four numbers, then
dev < alpha < beta < RC < the release itself < patch. Branches (`dev-main`) have no place in the
order and are refused.
"""

import re

_NUMBERS = r"(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?"
_STAGE = r"(?:[._-]?(stable|alpha|beta|patch|rc|pl|a|b|p)((?:[.-]?\d+)*))?"
_VERSION = re.compile(rf"v?{_NUMBERS}{_STAGE}([._-]?dev)?(?:\+[^\s]*)?", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")

_STAGES = {
    "a": 1, "alpha": 1, "b": 2, "beta": 2, "rc": 3, "stable": 4, "p": 5, "patch": 5, "pl": 5,
}  # fmt: skip
_RELEASE = 4

_ANY = 9_999_999
"""What Composer writes for the `x` of a branch alias, `1.x-dev`."""

Key = tuple[object, ...]


def composer_key(text: str) -> Key:
    """Return the key of a Composer version: `v1.2.3`, `1.0.0-beta.2`, `1.0.0.1-patch3`.

    Raises:
        ValueError: no version that has a place in the order.
    """
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no Composer version")
    first, second, third, fourth, stage, counts, dev = found.groups()
    numbers = tuple(_number(part) for part in (first, second, third, fourth))
    if _ANY in numbers and not dev:
        raise ValueError(f"{text!r} is no Composer version: a wildcard without -dev")
    if dev and not stage:
        return *numbers, 0, (), 0
    rank = _STAGES[stage.lower()] if stage else _RELEASE
    counted = tuple(int(count) for count in _DIGITS.findall(counts or ""))
    return *numbers, rank, counted, 0 if dev else 1


def _number(part: str | None) -> int:
    if part is None:
        return 0
    return int(part) if part.isdigit() else _ANY
