"""What `tidegate doctor` found out about one part of an installation."""

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How a part is."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should look."""
    FAIL = "fail"
    """It does not do what it is there for."""
    UNKNOWN = "unknown"
    """Nobody answered who could tell."""


class Check(msgspec.Struct, frozen=True):
    """One line."""

    part: str
    level: Level
    says: str
    advice: str = ""
    """What to do; empty where there is nothing to do."""


def ok(part: str, says: str) -> Check:
    """Return that a part is as it should be."""
    return Check(part, Level.OK, says)


def warn(part: str, says: str, advice: str) -> Check:
    """Return that somebody should look at a part."""
    return Check(part, Level.WARN, says, advice)


def fail(part: str, says: str, advice: str) -> Check:
    """Return that a part does not do what it is there for."""
    return Check(part, Level.FAIL, says, advice)


def unknown(part: str, says: str, advice: str) -> Check:
    """Return that nobody could tell how a part is."""
    return Check(part, Level.UNKNOWN, says, advice)
