"""Versions of Debian and Ubuntu packages, as dpkg compares them.

Source: Debian policy 5.6.12 and deb-version(7). Own, because univers orders `2.05-1` and `2.5-1`
neither below, nor above, nor as equals. A key is a tuple, so comparing is the interpreter's own.
"""

import re

_VERSION = re.compile(r"(?:(\d+):)?([0-9A-Za-z][0-9A-Za-z.+~:-]*?)(?:-([0-9A-Za-z.+~]*))?")
_PIECE = re.compile(r"(\D*)(\d*)")

_END = 0
_TILDE = -1
_NO_LETTER = 256
"""Added to what is no letter: letters sort before all other characters but the tilde."""

Key = tuple[object, ...]
_Pieces = tuple[tuple[tuple[int, ...], int], ...]


def deb_key(text: str) -> Key:
    """Return the key of a Debian version: epoch, upstream version, revision.

    Raises:
        ValueError: no version that dpkg takes.
    """
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no Debian version")
    epoch, upstream, revision = found.groups()
    return int(epoch or 0), _pieces(upstream), _pieces(revision or "")


def _pieces(text: str) -> _Pieces:
    """Return `text` as pairs of what is no number and the number after it.

    Absent numbers are zero, and pairs that say nothing do not count: `1.0` and `1.0-0` are equal.
    """
    pairs = [
        ((*map(_order, word), _END), int(digits or 0))
        for word, digits in _PIECE.findall(text)
        if word or digits
    ]
    end = ((_END,), 0)
    while pairs and pairs[-1] == end:
        pairs.pop()
    return (*pairs, end)


def _order(character: str) -> int:
    if character == "~":
        return _TILDE
    return ord(character) if character.isalpha() else ord(character) + _NO_LETTER
