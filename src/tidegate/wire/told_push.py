"""What a registry's push notification says, whatever format it came in."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToldPush:
    """A push that somebody tells of; nothing of it has been looked at yet."""

    host: str
    """The registry as the event calls it; empty where it does not say."""
    repository: str
    digest: str
    tag: str = ""
    """Empty for a push by digest."""
    media_type: str = ""
    """Empty where the format does not say; then only a look at the manifest can tell."""
    event_key: str = ""
    """Names the event, so that its repetition is known; empty: the event has no name."""


@dataclass(frozen=True, slots=True)
class ToldDeletion:
    """A manifest that somebody tells is gone; nobody has looked yet."""

    host: str
    """The registry as the event calls it; empty where it does not say."""
    repository: str
    digest: str


@dataclass(frozen=True, slots=True)
class Told:
    """One notification: what it tells of, and how many events were about something else."""

    pushes: Sequence[ToldPush]
    deletions: Sequence[ToldDeletion] = ()
    others: int = 0


def event_key(*parts: str) -> str:
    """Return a name of a fixed length for the event that `parts` make out."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
