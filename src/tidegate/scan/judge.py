"""The worker's advisories: what they say of packages, and which state they were in when they did.

The index is another process's to change at any time. What was judged carries the state before and
after; where they differ, nobody can say by what it was judged, and it names no state.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tidegate.advisories.demo import WithDemoSet, with_demo_set
from tidegate.advisories.index import AdvisoryIndex
from tidegate.advisories.match import Matched, match_packages
from tidegate.advisories.opinions import opinions
from tidegate.advisories.package import Package
from tidegate.scan.matchers import Matchers
from tidegate.wire.hub_data_v1 import OpinionV1
from tidegate.wire.rematch_v1 import DistinctPackageV1, SaidV1

Imports = tuple[tuple[str, ...], ...]
"""As `AdvisoryIndex.imports` tells them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Packages, matched."""

    matched: Matched
    opinions: list[OpinionV1]
    state: str
    """Of the advisories; empty: they changed meanwhile."""


class OpenAdvisories:
    """An open index with the demo set behind it, at one state."""

    def __init__(self, judge: "Judge", index: AdvisoryIndex) -> None:
        self.advisories: WithDemoSet = with_demo_set(index)
        self._judge, self._index = judge, index
        self._before = judge.state_of(index)

    @property
    def state(self) -> str:
        """The state that all answers since the opening are of; empty: there was an import."""
        return self._before if self._judge.state_of(self._index) == self._before else ""

    def conclude(self, packages: Iterable[Package]) -> tuple[list[OpinionV1], str]:
        """Return what is said of every distinct package, and the `state` of all answers."""
        said = [
            OpinionV1(key.ecosystem, key.name, key.version, key.module, text)
            for key, text in opinions(packages, self.advisories)
        ]
        return said, self.state


class Judge:
    """Matches packages by the index in one file; any thread may."""

    def __init__(self, index_file: Path) -> None:
        self._index_file = index_file
        self._known: tuple[Imports, str] | None = None

    @contextmanager
    def opened(self) -> Iterator[OpenAdvisories]:
        """Open the advisories.

        Raises:
            InvalidAdvisoryError: the file is no index.
        """
        with AdvisoryIndex.open(self._index_file) as index:
            yield OpenAdvisories(self, index)

    def judge(self, packages: Sequence[Package], not_understood: Iterable[str]) -> Judged:
        """Match the packages of one manifest.

        Raises:
            InvalidAdvisoryError: the file is no index.
        """
        with self.opened() as opened:
            matched = match_packages(packages, opened.advisories, not_understood)
            return Judged(matched, *opened.conclude(packages))

    def judge_page(
        self, packages: Sequence[DistinctPackageV1], state: str, matchers: Matchers
    ) -> list[SaidV1] | None:
        """Return what is said of packages; None: not by the advisories in `state`.

        Raises:
            InvalidAdvisoryError: the file is no index.
        """
        with self.opened() as opened:
            said = matchers.judge(packages)
            return said if opened.state == state else None

    def know(self, imports: Imports, state: str) -> None:
        """Take note of a state that was worked out elsewhere, after `imports` were read."""
        self._known = (imports, state)

    def state_of(self, index: AdvisoryIndex) -> str:
        """Return the index's state, worked out once after each import."""
        imports = index.imports()  # first: an import meanwhile makes them differ next time
        known = self._known
        if known is None or known[0] != imports:
            known = (imports, index.state())
            self._known = known
        return known[1]
