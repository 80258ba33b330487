"""Which rules may include an image, found without asking each of them.

A glob can match only texts that hold its literal pieces, so each rule is filed under the longest
piece of each glob of one of its conditions; what is looked up are pieces of the few texts that a
workload has. The result is a superset: whoever gets it asks the rules themselves. A rule without a
condition to file it by is always in it, and so is a rule whose condition may be undecided.

The time to look up grows with the length of the texts and with how many lengths of pieces there
are, not with the number of rules.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tidegate.domain.reference import ImageReference
from tidegate.domain.rule import MatcherType
from tidegate.domain.workload import Workload

Condition = tuple[MatcherType, tuple[str, ...]]
"""A scope entry with operator In: what it looks at, and its globs as they are matched."""

_OF_IMAGE = MatcherType.IMAGE
_FILED_BY = (
    MatcherType.NAMESPACE,
    MatcherType.CLUSTER,
    MatcherType.LABEL,
    MatcherType.POD,
    MatcherType.SERVICE_ACCOUNT,
    _OF_IMAGE,
)
"""What every object says itself; owners and namespace labels may be undecided for any rule."""


class _Pieces:
    """Rules by literal pieces that stand at one place of their globs."""

    def __init__(self) -> None:
        self._by_length: dict[int, dict[str, list[int]]] = {}

    def file(self, piece: str, position: int) -> None:
        self._by_length.setdefault(len(piece), defaultdict(list))[piece].append(position)

    def at_start(self, text: str) -> Iterable[list[int]]:
        """Yield the rules whose piece `text` begins with."""
        for length, by_piece in self._by_length.items():
            if (found := by_piece.get(text[:length])) is not None:
                yield found

    def at_end(self, text: str) -> Iterable[list[int]]:
        """Yield the rules whose piece `text` ends with."""
        for length, by_piece in self._by_length.items():
            if (found := by_piece.get(text[-length:])) is not None:
                yield found

    def inside(self, text: str) -> Iterable[list[int]]:
        """Yield the rules whose piece stands anywhere in `text`."""
        for length, by_piece in self._by_length.items():
            for start in range(len(text) - length + 1):
                if (found := by_piece.get(text[start : start + length])) is not None:
                    yield found


class _Shelf:
    """The rules that are filed by one kind of condition."""

    def __init__(self) -> None:
        self.positions: set[int] = set()
        self._whole: dict[str, list[int]] = defaultdict(list)
        self._starts, self._ends, self._middles = _Pieces(), _Pieces(), _Pieces()

    def file(self, glob: str, position: int) -> None:
        self.positions.add(position)
        if "*" not in glob:
            self._whole[glob].append(position)
            return
        first, *middles, last = glob.split("*")
        middle = max(middles, key=len, default="")
        longest = max(first, last, middle, key=len)
        if longest is first:
            self._starts.file(first, position)
        elif longest is last:
            self._ends.file(last, position)
        else:
            self._middles.file(middle, position)

    def find(self, text: str) -> Iterable[list[int]]:
        """Yield the rules that have a glob which may match `text`."""
        if (found := self._whole.get(text)) is not None:
            yield found
        yield from self._starts.at_start(text)
        yield from self._ends.at_end(text)
        yield from self._middles.inside(text)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rules that may include images of one workload."""

    of_workload: Sequence[int]
    """Ascending; whatever the image."""
    images: _Shelf

    def positions(self, reference: ImageReference | None) -> Sequence[int]:
        """Return the positions of the rules that may include `reference`, ascending."""
        if not self.images.positions:
            return self.of_workload
        if reference is None:  # no text to look up, and image conditions are undecided
            return sorted({*self.of_workload, *self.images.positions})
        found = {position for each in self.images.find(reference.name) for position in each}
        return sorted(found.union(self.of_workload)) if found else self.of_workload


class RuleIndex:
    """All rules of a policy, filed once."""

    def __init__(self, conditions: Sequence[Sequence[Condition]]) -> None:
        """File the rules whose conditions these are; positions are those of `conditions`."""
        self._shelves = {matcher: _Shelf() for matcher in _FILED_BY}
        always: list[int] = []
        for position, each in enumerate(conditions):
            chosen = max(each, key=_selectivity, default=None)
            if chosen is None or not _selectivity(chosen):
                always.append(position)
                continue
            matcher, globs = chosen
            for glob in globs:
                self._shelves[matcher].file(glob, position)
        self._always = tuple(always)

    def candidates(self, workload: Workload) -> Candidates:
        """Return the rules that may include images of `workload`."""
        found = {p for each in self._of_workload(workload) for p in each}
        of_workload = sorted(found.union(self._always)) if found else self._always
        return Candidates(of_workload, self._shelves[_OF_IMAGE])

    def _of_workload(self, workload: Workload) -> Iterable[Iterable[int]]:
        for matcher, shelf in self._shelves.items():
            if matcher is _OF_IMAGE or not shelf.positions:
                continue
            if matcher is MatcherType.POD and not workload.pod_name:
                yield shelf.positions  # its pods' names may match or not
                continue
            for text in _texts(matcher, workload):
                yield from shelf.find(text)


def _texts(matcher: MatcherType, workload: Workload) -> Iterable[str]:
    """Return the texts of `workload` that a condition looks at, as `scope` asks them."""
    match matcher:
        case MatcherType.NAMESPACE:
            return (workload.namespace,)
        case MatcherType.CLUSTER:
            return (workload.cluster,)
        case MatcherType.SERVICE_ACCOUNT:
            return (workload.service_account,)
        case MatcherType.POD:
            return (workload.pod_name,)
        case _:
            return [f"{key}={value}" for key, value in workload.labels.items()]


def _selectivity(condition: Condition) -> int:
    """Return how many characters a text must have in common with a condition at least."""
    matcher, globs = condition
    if matcher not in _FILED_BY:
        return 0
    return min(max(map(len, glob.split("*"))) for glob in globs)
