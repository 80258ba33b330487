"""Finds pods that run without a verdict of the gate, and says why.

Running pods are compared with what gates told (`verdict_log`), by the UID that a pod has from
before it was judged. A pod of which nobody told, although nothing is on its way, was admitted
without the gate. What was chosen is told apart: excluded namespaces, static pods, pods from before
the webhook. What an agent compared is remembered over its restart in one small ConfigMap.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog

from tidegate.agent.alarms import Alarms
from tidegate.agent.detection_memory import Memory, Remembered
from tidegate.agent.inventory import ENDED, pause_after
from tidegate.agent.kube_events import Note, Subject
from tidegate.agent.metrics import FAILED_OPEN, NOT_JUDGED, VERDICTS_LATE
from tidegate.agent.reasons import Level, Reason
from tidegate.agent.running import images_of
from tidegate.agent.verdict_log import VerdictLog
from tidegate.agent.webhook_watch import CONFIGURATION
from tidegate.kube.client import API_ERRORS, describe
from tidegate.wire.protection_v1 import (
    MAX_UNJUDGED_PODS,
    DetectionState,
    UnjudgedPodV1,
    Why,
)

LOOK_S = 15.0
"""Least pause between two looks; more where listing the pods takes long."""

GRACE = timedelta(seconds=60)
"""So old a pod is before it is missed: its verdict may be on its way."""

LATE_ALARM = timedelta(minutes=10)
DROPPED_BEFORE = timedelta(minutes=2)
"""A gate tells of records that it gave up with its next batch, about so long after at most."""

CHOSEN_PER_LOOK = 5
"""Events in a look about pods whose lack of a verdict was chosen: there may be thousands."""

MAX_NAMED = 3

MIRROR = "kubernetes.io/config.mirror"
"""Annotation by which a kubelet marks the image of a static pod in the API."""

ALARMING: tuple[Why, ...] = ("failed-open", "not-watched", "not-recorded")

_SENTENCES: dict[Why, str] = {
    "failed-open": "was admitted without the gate: it was not asked, or did not answer and "
    "failurePolicy is Ignore",
    "not-watched": "was made while no agent looked, and no verdict about it is known",
    "not-recorded": "has no verdict: a gate gave up records at the time",
    "excluded-namespace": "is not judged: its namespace is excluded",
    "static-pod": "is not judged: its node runs it from a file of its own",
    "before-webhook": "was not judged: it is older than the webhook",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Gated:
    """Since when and where pods are gated, as far as it is known."""

    since: datetime | None = None
    excluded: Collection[str] = frozenset()


@dataclass(slots=True)
class _Look:
    """What one look saw."""

    why: dict[str, Why] = field(default_factory=dict)
    """By UID of the pods that run without a verdict."""
    pods: list[UnjudgedPodV1] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    newest: datetime | None = None
    """Creation of the newest pod, by the API server's clock."""
    waiting: dict[str, datetime] = field(default_factory=dict)
    """Creation of pods about which nothing can be said yet, by UID."""
    at_newest: set[str] = field(default_factory=set)
    chosen_told: int = 0


class Detection:
    """Compares what runs with what was judged, between `run` and its end."""

    def __init__(  # noqa: PLR0913, what it compares, each a part of its own
        self,
        pods: Callable[[], AsyncIterable[Mapping[str, Any]]],
        verdicts: VerdictLog,
        gated: Callable[[], Gated],
        memory: Memory,
        *,
        alarms: Alarms,
        tell: Callable[[Note], None],
        clock: Callable[[], datetime],
        grace: timedelta = GRACE,
    ) -> None:
        self._pods = pods
        self._verdicts = verdicts
        self._gated = gated
        self._memory = memory
        self._alarms = alarms
        self._tell = tell
        self._clock = clock
        self._grace = grace
        self._before: Remembered | None = None
        """What the agent before this one left; None: not read yet."""
        self._judged: set[str] = set()
        """Running pods with a verdict."""
        self._found_running: frozenset[str] | None = None
        """What ran when this agent looked first."""
        self._first_seen: dict[str, datetime] = {}
        """By UID of pods without a verdict, by this agent's own clock: others may differ."""
        self._told: set[str] = set()
        self._seen = _Look()
        self._late_since: datetime | None = None
        self._gated_since: datetime | None = None
        """When the webhook was first seen to be made: one that is made anew hides nothing."""

    @property
    def state(self) -> DetectionState:
        """Whether it can be told who runs without a verdict."""
        return "late" if self._late_since is not None else "on"

    @property
    def counts(self) -> dict[Why, int]:
        """Pods without a verdict by why."""
        return dict(Counter(self._seen.why.values()))

    @property
    def unjudged(self) -> list[UnjudgedPodV1]:
        """Pods without a verdict; those that nobody chose first."""
        return self._seen.pods

    async def run(self) -> None:
        """Look until cancelled, and keep then what was compared."""
        time = asyncio.get_running_loop().time
        try:
            while True:
                started_s = time()
                try:
                    await self.look()
                except API_ERRORS as error:
                    log.warning("running pods not compared", why=describe(error))
                await asyncio.sleep(max(LOOK_S, pause_after(time() - started_s)))
        finally:
            await self._memory.close(self._remembered(self._verdicts.uids))

    async def look(self) -> None:
        """Compare once and tell; raises `kube.client.API_ERRORS`."""
        if self._before is None:
            self._before = await self._memory.load()
            self._judged.update(self._before.judged)
            self._gated_since = self._before.gated_since
        since = filter(None, (self._gated_since, self._gated().since))
        self._gated_since = min(since, default=None)
        now = self._clock()
        late = self._note_lateness(now)
        look = _Look()
        async for pod in self._pods():
            metadata = pod.get("metadata") or {}
            uid = str(metadata.get("uid") or "")
            if not uid or (pod.get("status") or {}).get("phase") in ENDED:
                continue
            look.running.add(uid)
            created = _instant(metadata.get("creationTimestamp"), now)
            if look.newest is None or created > look.newest:
                look.newest, look.at_newest = created, set()
            if created == look.newest:
                look.at_newest.add(uid)
            why = self._why(uid, metadata, created, now, late=late)
            if why == "waiting":
                look.waiting[uid] = created
            elif why is not None:
                look.why[uid] = why
                self._note(look, uid, pod, why)
        if self._found_running is None:
            self._found_running = frozenset(look.running)
        self._conclude(look)
        await self._memory.save(self._remembered(()))

    def _why(
        self, uid: str, metadata: Mapping[str, Any], created: datetime, now: datetime, *, late: bool
    ) -> "Why | Literal['waiting'] | None":
        """Return why the pod has no verdict; None: it has one."""
        judged = uid in self._judged or uid in self._verdicts
        chosen = None if judged else self._why_chosen(metadata, created)
        if judged or (chosen is None and self._was_compared(uid, created)):
            self._judged.add(uid)
            return None
        before = self._before or Remembered()
        known = chosen or self._seen.why.get(uid) or before.unjudged.get(uid)
        if known is not None:
            return known
        first_seen = self._first_seen.setdefault(uid, now)
        if late or now - first_seen < self._grace:
            return "waiting"
        if self._found_running is None or uid in self._found_running:
            return "not-watched"
        dropped_at = self._verdicts.dropped_at
        if dropped_at is not None and dropped_at >= first_seen - DROPPED_BEFORE:
            return "not-recorded"
        return "failed-open"

    def _why_chosen(self, metadata: Mapping[str, Any], created: datetime) -> Why | None:
        """Return why the pod was not to be judged; None: it was."""
        if MIRROR in (metadata.get("annotations") or {}):
            return "static-pod"
        if metadata.get("namespace") in self._gated().excluded:
            return "excluded-namespace"
        since = self._gated_since
        return "before-webhook" if since is not None and created < since else None

    def _was_compared(self, uid: str, created: datetime) -> bool:
        """Whether an agent before this one compared the pod, and found a verdict."""
        before = self._before or Remembered()
        return (
            self._found_running is None
            and before.compared_until is not None
            and created < before.compared_until
            and uid not in before.unjudged
        )

    def _note(self, look: _Look, uid: str, pod: Mapping[str, Any], why: Why) -> None:
        metadata = pod.get("metadata") or {}
        about = UnjudgedPodV1(
            namespace=str(metadata.get("namespace") or "")[:256],
            name=str(metadata.get("name") or "")[:256],
            why=why,
            created_at=str(metadata.get("creationTimestamp") or "")[:256],
            images=[image[:512] for image in images_of(pod.get("spec") or {})][:20],
        )
        look.pods.append(about)
        alarming = why in ALARMING
        if uid in self._told or (not alarming and look.chosen_told == CHOSEN_PER_LOOK):
            return  # the others in later looks
        look.chosen_told += not alarming
        self._told.add(uid)
        if why == "failed-open" and uid not in (self._before or Remembered()).unjudged:
            FAILED_OPEN.labels("detection").inc()
        level = Level.WARNING if alarming else Level.NORMAL
        subject = Subject("v1", "Pod", about.name, about.namespace, uid)
        self._tell(Note(subject, level, Reason.NOT_JUDGED, f"The pod {_SENTENCES[why]}"))

    def _conclude(self, look: _Look) -> None:
        """Keep what was seen; let the alarm stand while pods run that came in without the gate."""
        self._judged &= look.running
        self._told &= look.running
        self._verdicts.forget(self._judged)
        self._first_seen = {u: at for u, at in self._first_seen.items() if u in look.waiting}
        open_ = [pod for pod in look.pods if pod.why == "failed-open"]
        look.pods.sort(key=lambda pod: (pod.why not in ALARMING, pod.created_at))
        del look.pods[MAX_UNJUDGED_PODS:]
        self._seen = look
        for why in _SENTENCES:
            NOT_JUDGED.labels(why).set(self.counts.get(why, 0))
        if not open_:
            self._alarms.end(Reason.FAILED_OPEN)
            return
        named = ", ".join(f"{pod.namespace}/{pod.name}" for pod in open_[:MAX_NAMED])
        more = f" and {len(open_) - MAX_NAMED} more" if len(open_) > MAX_NAMED else ""
        self._alarms.raise_(
            Reason.FAILED_OPEN,
            f"pods run that were admitted without the gate: {named}{more}",
            CONFIGURATION,
        )

    def _note_lateness(self, now: datetime) -> bool:
        """Return whether verdicts may be on their way; raise the alarm where they long are."""
        silent = not self._verdicts.heard and not (self._before and self._before.heard)
        late = silent or self._verdicts.is_late(now)
        VERDICTS_LATE.set(late)
        if not late:
            self._late_since = None
            self._alarms.end(Reason.VERDICTS_LATE)
            return False
        self._late_since = self._late_since or now
        if now - self._late_since >= LATE_ALARM:
            what = (
                "no gate has told this agent of a verdict since it began; see that gates run, with "
                "TIDEGATE_GATE_AGENT_URL and the same token"
                if silent
                else "verdicts of the gates come late, because the hub does not take them or the "
                "gates' clocks differ"
            )
            self._alarms.raise_(
                Reason.VERDICTS_LATE,
                f"{what}; meanwhile nobody can tell which pods run without a verdict",
                CONFIGURATION,
            )
        return True

    def _remembered(self, pending: Collection[str]) -> Remembered:
        """Return what the next agent is to know; `pending`: verdicts not compared yet."""
        before, look = self._before or Remembered(), self._seen
        if self._found_running is None:
            return before  # nothing was compared
        compared = min(look.waiting.values(), default=look.newest) or before.compared_until
        return Remembered(
            compared_until=compared,
            gated_since=self._gated_since,
            heard=before.heard or self._verdicts.heard,
            unjudged={uid: why for uid, why in look.why.items() if why in ALARMING},
            judged=frozenset(pending) | (look.at_newest & self._judged),
        )


def _instant(text: object, now: datetime) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return now
