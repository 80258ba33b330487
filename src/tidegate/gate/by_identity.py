"""A value as a cache's key by what it is, not by what it holds.

Hashing a report or a rule with all its exemptions would cost more than what the cache saves. The
key keeps its value alive, so that no other value ever has the same identity.
"""

from typing import Generic, TypeVar

T = TypeVar("T")


class ByIdentity(Generic[T]):
    """`value` as a key."""

    def __init__(self, value: T) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByIdentity) and other.value is self.value
