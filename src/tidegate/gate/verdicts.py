"""Verdicts, remembered for as long as nothing that they rest on can change.

The pods of one controller differ in their names and little else: rules that do not ask for names
say the same about each of them. A verdict rests on the rules, on what rules ask of the workload,
on the evidence (the very objects, which are held), and on the time only where an exemption ends or
a report grows old. All of it is part of what is asked, as with `gate.judgements`.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.domain.decide import JudgedImage, decide
from tidegate.domain.identity import IdentityTable
from tidegate.domain.scope import CompiledPolicy
from tidegate.domain.verdict import Verdict
from tidegate.domain.workload import Lookup, Workload
from tidegate.gate.judgements import NEVER, Judgements

MAX_VERDICTS = 4096
MAX_KEYS = 1024
"""Lists of images whose part of the key is remembered."""

MAX_IMAGES = 16
"""Of a workload whose verdict is kept."""

MAX_NAME_GLOBS = 16
"""More rules about pods' names than this are asked for each name."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    judged: Sequence[JudgedImage]
    """Held, so that no other evidence gets its place in memory, which the key names."""
    verdict: Verdict
    since: datetime
    until: datetime
    """The first instant at which it does not hold any more."""


class Verdicts:
    """Does what `decide` does by one policy, and remembers it."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        self._judgements = Judgements()
        self._known: OrderedDict[Hashable, _Remembered] = OrderedDict()
        self._keys = IdentityTable[Sequence[JudgedImage], Hashable](MAX_KEYS)
        self._ends = sorted(
            each.exemption.expires_at
            for rule in policy.rules
            for each in rule.resource_exemptions
            if each.exemption.expires_at is not None
        )

    def __call__(self, workload: Workload, judged: Sequence[JudgedImage], now: datetime) -> Verdict:
        """Return the verdict about `workload` at `now`, as `decide` would."""
        key = self._key(workload, judged)
        known = self._known.get(key)
        if known is not None and known.since <= now < known.until:
            return known.verdict
        self._judgements.until = NEVER
        verdict = decide(self._policy, workload, judged, now, self._judgements)
        until = min(self._judgements.until, self._next_end(now))
        if now < until and len(judged) <= MAX_IMAGES:
            if len(self._known) >= MAX_VERDICTS and key not in self._known:
                self._known.popitem(last=False)
            self._known[key] = _Remembered(judged, verdict, now, until)
        return verdict

    def _key(self, workload: Workload, judged: Sequence[JudgedImage]) -> Hashable:
        """Return everything that `decide` looks at but the time."""
        labels = workload.namespace_labels
        return (
            workload.kind,
            workload.namespace,
            workload.cluster,
            workload.service_account,
            workload.owners,
            labels if isinstance(labels, Lookup) else tuple(labels.items()),
            tuple(workload.labels.items()),
            self._names(workload),
            self._images_key(judged),
        )

    def _images_key(self, judged: Sequence[JudgedImage]) -> Hashable:
        """Return everything about the images; made once for the same object."""
        known = self._keys.get(judged)
        if known is not None:
            return known
        key = tuple(
            part
            for each in judged
            for part in (
                id(each.evidence),
                each.reference,
                each.use.image,
                each.use.field_path,
                each.use.container,
            )
        )
        self._keys.put(judged, key)
        return key

    def _names(self, workload: Workload) -> Hashable:
        """Return what rules learn from the workload's names."""
        policy, own, pods = self._policy, "", workload.pod_name or workload.pod_name_prefix
        if policy.needs_owners and (workload.kind == "Deployment" or workload.owners == ()):
            own = workload.name
        if not policy.pod_globs:
            return own
        if not workload.pod_name or len(policy.pod_globs) > MAX_NAME_GLOBS:
            return (own, bool(workload.pod_name), pods)
        return (own, *[matches(pods) for matches in policy.pod_globs])

    def _next_end(self, now: datetime) -> datetime:
        """Return the first instant after `now` at which a resource exemption ends."""
        position = bisect_right(self._ends, now)
        return self._ends[position] if position < len(self._ends) else NEVER
