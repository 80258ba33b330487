"""The policy in force at this gate, and whether it can be relied on.

A source feeds the store: `policy_files.DirectorySource`, or `policy_watch.KubernetesSource` in a
cluster. A broken object keeps its last good version in force and shows in `problems`; a broken
object without one makes a gate that starts not ready. A gate that was ready goes on: nothing of
that object ever was in force, and one mistyped new object must not stop a whole cluster.
"""

from collections.abc import Callable, Iterable

import structlog

from tidegate.domain.rule import Policy
from tidegate.wire.policy_book import PolicyBook
from tidegate.wire.policy_merge import Candidate, LoadReason, Merged, ObjectState, PolicyObject

log = structlog.get_logger()


class PolicyStore:
    """The policy in force, and whether it can be relied on. Sources write it, reviews read it."""

    def __init__(self, on_change: Callable[[Policy], None] | None = None) -> None:
        self._book = PolicyBook()
        self._lost = ""
        self._was_ready = False
        self._on_change = on_change

    def snapshot(self) -> Policy:
        """Return the policy in force; the same object until it changes."""
        return self._book.merged.policy

    @property
    def ready(self) -> tuple[bool, tuple[str, ...]]:
        """Whether every object is in force in some good version, or once was; and why not."""
        if not self._book.complete:
            why = f": {self._lost}" if self._lost else " yet"
            return False, (f"policy objects were not read{why}",)
        if self._was_ready:
            return True, ()
        reasons = tuple(map(_said, filter(lambda state: state.lacking, self.merged.states)))
        return not reasons, reasons

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each object that is not in force as written, and for a lost source."""
        lost = (f"policy objects cannot be read for now: {self._lost}",) if self._lost else ()
        return lost + tuple(
            _said(state) for state in self.merged.states if state.reason is not LoadReason.LOADED
        )

    @property
    def lacking(self) -> tuple[str, ...]:
        """Names of broken objects without a good version: a source looks for copies of them."""
        return self._book.lacking

    @property
    def merged(self) -> Merged:
        """The policy with the state of each object."""
        return self._book.merged

    def replace(self, candidates: Iterable[Candidate]) -> None:
        """Take `candidates` for all objects that there are."""
        self._lost = ""
        self._update(lambda: self._book.replace(candidates))

    def put(self, candidate: Candidate) -> None:
        """Take `candidate` for the object of its name."""
        self._update(lambda: self._book.put(candidate))

    def remove(self, name: str) -> None:
        """Forget object `name`: it was deleted."""
        self._update(lambda: self._book.remove(name))

    def offer_copies(self, copies: Iterable[PolicyObject]) -> None:
        """Take kept copies for the last good versions of objects without one."""
        self._update(lambda: self._book.offer_copies(copies))

    def lose(self, reason: str) -> None:
        """Say that the source does not answer; the policy stays as it is."""
        if not self._lost:
            log.warning("policy source lost", reason=reason)
        self._lost = reason

    def _update(self, change: Callable[[], Merged]) -> None:
        before = self._book.merged
        after = change()
        self._was_ready |= self._book.complete and not self._book.lacking
        for state in after.states:
            if state.reason is not LoadReason.LOADED and state not in before.states:
                log.error("policy object not in force", object=state.name, why=state.message)
        if after.policy != before.policy:
            log.info("policy in force", generation=after.policy.generation)
            if self._on_change:
                self._on_change(after.policy)


def _said(state: ObjectState) -> str:
    return f"policy object {state.name!r}: {state.message}"
