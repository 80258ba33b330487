"""Versions of Alpine, Wolfi and Chainguard packages, as apk compares them.

Source: apk-package(5), "version", and the comparison in apk-tools 3 (`apk version --test`). Own,
because univers refuses the suffixes `_cvs`, `_svn`, `_git` and `_hg`, and leading zeros.
"""

import re
from typing import Final

_PRE_SUFFIXES = ("alpha", "beta", "pre", "rc")
_POST_SUFFIXES = ("cvs", "svn", "git", "hg", "p")

_VERSION = re.compile(
    r"(?P<first>\d+)(?P<rest>(?:\.\d+)*)(?P<letter>[a-z]?)"
    rf"(?P<suffixes>(?:_(?:{'|'.join((*_PRE_SUFFIXES, *_POST_SUFFIXES))})\d*)*)"
    r"(?:~(?P<commit>[0-9a-f]+))?(?:-r(?P<revision>\d+))?"
)
_SUFFIX = re.compile(r"_([a-z]+)(\d*)")

# What a version goes on with decides: more of it is greater, but for a suffix that says
# "before this version".
_BEFORE: Final = 0
_END: Final = 1
_REVISION: Final = 2
_COMMIT: Final = 3
_SUFFIX_NUMBER: Final = 4
_AFTER: Final = 5
_LETTER: Final = 6
_NUMBER: Final = 7

Key = tuple[tuple[object, ...], ...]


def apk_key(text: str) -> Key:
    """Return the key of an apk version: `1.2.3b_p4-r5`, `1.0_git20230101-r0`.

    Raises:
        ValueError: no version that apk takes.
    """
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no apk version")
    parts: list[tuple[object, ...]] = [(_NUMBER, int(found["first"]))]
    parts += [(_NUMBER, *_component(part)) for part in found["rest"].split(".")[1:]]
    if found["letter"]:
        parts.append((_LETTER, found["letter"]))
    for word, number in _SUFFIX.findall(found["suffixes"]):
        parts.append(_suffix(word))
        if number:
            parts.append((_SUFFIX_NUMBER, int(number)))
    if found["commit"]:
        parts.append((_COMMIT, found["commit"]))
    if found["revision"]:
        parts.append((_REVISION, int(found["revision"])))
    return (*parts, (_END,))


def _component(digits: str) -> tuple[object, ...]:
    """Return a later number's key: one with a leading zero compares as text, below all others."""
    return (0, digits) if digits.startswith("0") else (1, int(digits))


def _suffix(word: str) -> tuple[object, ...]:
    if word in _PRE_SUFFIXES:
        return _BEFORE, _PRE_SUFFIXES.index(word)
    return _AFTER, _POST_SUFFIXES.index(word)
