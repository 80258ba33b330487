"""`WWW-Authenticate`: what a registry asks of someone without credentials (RFC 9110, 11.6.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_CHALLENGE_CHARS = 8192
"""Longest header looked at; what follows is no challenge of ours."""

_SKIPPED = re.compile(r"[ \t,]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(
    r'[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*+)"|([!#$%&\'*+.^_`|~0-9A-Za-z:/?@-]++))', re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate, its scheme in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """Return the challenges in `header`, up to the first thing that is none; never raises.

    Of a parameter that comes twice the first counts. Linear in the length of `header`.
    """
    text = header[:MAX_CHALLENGE_CHARS]
    found: list[tuple[str, dict[str, str]]] = []
    position = _skipped(text, 0)
    while (name := _TOKEN.match(text, position)) is not None:
        value = _VALUE.match(text, name.end())
        if value is None:
            found.append((name[0].lower(), {}))
        elif found:
            found[-1][1].setdefault(name[0].lower(), _unquoted(value))
        else:
            break
        position = _skipped(text, (value or name).end())
    return tuple(Challenge(scheme, parameters) for scheme, parameters in found)


def _skipped(text: str, position: int) -> int:
    skipped = _SKIPPED.match(text, position)
    return skipped.end() if skipped is not None else position


def _unquoted(value: re.Match[str]) -> str:
    quoted, token = value.groups()
    return token if quoted is None else _ESCAPED.sub(r"\1", quoted)
