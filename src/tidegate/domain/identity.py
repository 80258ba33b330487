"""Values as keys of tables by what they are, not by what they hold."""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")
V = TypeVar("V")


class ByIdentity(Generic[T]):
    """A value as a cache's key: hashing all that it holds would cost more than what is cached."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByIdentity) and other.value is self.value


class IdentityTable(Generic[T, V]):
    """What was last found out about values, by what they are; the oldest go first."""

    def __init__(self, max_entries: int) -> None:
        self._entries: OrderedDict[int, tuple[T, V]] = OrderedDict()
        self._max_entries = max_entries

    def get(self, key: T) -> V | None:
        """Return what is kept for this very object."""
        # The entry holds its key, so that no other object gets its place in memory.
        entry = self._entries.get(id(key))
        return None if entry is None else entry[1]

    def put(self, key: T, value: V) -> None:
        """Keep `value` for this very object."""
        if id(key) not in self._entries and len(self._entries) >= self._max_entries:
            self._entries.popitem(last=False)
        self._entries[id(key)] = (key, value)
