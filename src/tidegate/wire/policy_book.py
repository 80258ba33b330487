"""The policy objects of one cluster as they come and go, and the policy that they make."""

from collections.abc import Iterable

from tidegate.wire.policy_merge import Candidate, LoadReason, Merged, PolicyObject, merge


class PolicyBook:
    """Remembers every object as last seen and its last good version; no I/O, one thread."""

    def __init__(self) -> None:
        self._seen: dict[str, Candidate] = {}
        self._last_good: dict[str, PolicyObject] = {}
        self._complete = False
        self.merged = merge((), {})

    @property
    def complete(self) -> bool:
        """Whether all objects were seen at least once."""
        return self._complete

    @property
    def lacking(self) -> tuple[str, ...]:
        """Names of broken objects of which no good version is known."""
        return tuple(state.name for state in self.merged.states if state.lacking)

    def replace(self, candidates: Iterable[Candidate]) -> Merged:
        """Take `candidates` for all objects that there are."""
        self._seen = {candidate.name: candidate for candidate in candidates}
        self._complete = True
        return self._merge()

    def put(self, candidate: Candidate) -> Merged:
        """Take `candidate` for the object of its name."""
        self._seen[candidate.name] = candidate
        return self._merge()

    def remove(self, name: str) -> Merged:
        """Forget object `name`: it was deleted."""
        self._seen.pop(name, None)
        return self._merge()

    def offer_copies(self, copies: Iterable[PolicyObject]) -> Merged:
        """Take kept copies for the last good versions of objects without one."""
        for copy in copies:
            self._last_good.setdefault(copy.name, copy)
        return self._merge()

    def _merge(self) -> Merged:
        merged = merge(self._seen.values(), self._last_good)
        for state in merged.states:
            if state.reason is LoadReason.LOADED and state.in_force is not None:
                self._last_good[state.name] = state.in_force
        if self._complete:  # before that, copies of objects not seen yet must stay
            self._last_good = {n: o for n, o in self._last_good.items() if n in self._seen}
        if merged != self.merged:  # readers compare snapshots by identity
            self.merged = merged
        return self.merged
