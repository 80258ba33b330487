"""Judges running workloads again when something new is known, with the gate's own decision.

What is new is a report (the hub tells of it), the rules in force, or time that passed: exemptions
end and reports grow old. The hub compares each verdict with the one before and records an event
where it changed. What could not be judged or told stays pending, and so does what a gate could not
find out, because a registry is away: nothing is forgotten.
"""

import asyncio
import random
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

import structlog

from tidegate.agent.running import (
    Renewed,
    RunningWorkload,
    WorkloadKey,
    group_pods,
    review_of,
)
from tidegate.domain.errors import InputError, UnavailableError
from tidegate.hubclient import HubClient
from tidegate.kube.client import API_ERRORS, describe
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.hub_data_v1 import MAX_REJUDGED, RenewedImageV1

WAIT_S = 25.0
"""How long the hub may hold the question for news."""

SWEEP_S = 900.0
"""Everything is judged again after so long, whatever is new."""

LOOK_S = 1.0
"""How often the rules in force are compared."""

SETTLE_S = 6.0
"""From news to judging: a gate takes a report for the newest for 5 s, and hears of rules itself."""

RETRY_S = 5.0
UNANSWERED_S = 30.0
"""After so long, what a gate could not find out is asked again."""

PROBE = 8
"""Of that, so many at random come first; while none has an answer, the others wait."""

SIDE_BY_SIDE = 4
"""Questions to the gate at once: reviews of the API server come first."""

log = structlog.get_logger()


class Judge(Protocol):
    """Answers what would be decided now."""

    async def rejudge(self, review: bytes) -> AdmissionEventV1 | None:
        """Return the verdict as an event; None: nothing is judged."""
        ...


class RulesInForce(Protocol):
    """Says what the gates judge by."""

    @property
    def policy(self) -> object:
        """The rules; equal as long as nothing changed."""
        ...


class Admitted(Protocol):
    """Keeps which image was judged bad for whose pods."""

    async def hear(self, events: Iterable[AdmissionEventV1]) -> None:
        """Take what verdicts say; never raises."""
        ...


class Rejudge:
    """Re-judges what `pods` yields and tells the hub."""

    def __init__(
        self,
        hub: HubClient,
        cluster: str,
        gate: Judge,
        pods: Callable[[], AsyncIterable[Mapping[str, Any]]],
        rules: RulesInForce,
        admitted: Admitted | None = None,
    ) -> None:
        """Ask `gate` about `pods`; `admitted` hears what became of images once let in."""
        self._hub = hub
        self._cluster = cluster
        self._gate = gate
        self._pods = pods
        self._rules = rules
        self._admitted = admitted
        self._renewed: list[RenewedImageV1] = []
        self._everything = True
        self._unanswered: set[WorkloadKey] = set()
        """What the gate could not find out enough about."""
        self._sweep_at = 0.0
        """On the event loop's clock."""
        self._news = asyncio.Event()
        self._news.set()

    async def run(self) -> None:
        """Follow what is new until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_reports())
            tasks.create_task(self._follow_rules())
            tasks.create_task(self._judge())

    async def _follow_reports(self) -> None:
        cursor = -1
        while True:
            try:
                news = await self._hub.fetch_renewals(self._cluster, cursor, WAIT_S)
            except (UnavailableError, InputError) as error:
                log.warning("renewed reports not fetched", why=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            cursor = news.cursor
            self._renewed.extend(news.images)
            self._everything |= news.everything
            if news.images or news.everything:
                self._news.set()

    async def _follow_rules(self) -> None:
        judged_by = self._rules.policy
        while True:
            await asyncio.sleep(LOOK_S)
            policy = self._rules.policy
            if policy is not judged_by and policy != judged_by:
                self._everything = True
                self._news.set()
            judged_by = policy

    async def _judge(self) -> None:
        time = asyncio.get_running_loop().time
        while True:
            wait_s = max(0.0, self._sweep_at - time())
            if self._unanswered:
                wait_s = min(wait_s, UNANSWERED_S)
            try:
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
            except TimeoutError:
                self._everything |= time() >= self._sweep_at
            else:
                await asyncio.sleep(SETTLE_S)
            if not await self.look():
                await asyncio.sleep(RETRY_S)

    async def look(self) -> bool:
        """Judge what is pending; return whether nothing of it is left to be tried again."""
        renewed, everything = self._renewed, self._everything
        self._renewed, self._everything = [], False
        self._news.clear()
        try:
            workloads = await self._judge_what(renewed, everything=everything)
        except API_ERRORS as error:
            log.warning("running pods not listed", why=describe(error))
        except (UnavailableError, InputError) as error:
            log.warning("running workloads not judged again", why=str(error))
        else:
            if workloads:
                log.info(
                    "running workloads judged again",
                    workloads=workloads,
                    unanswered=len(self._unanswered),
                )
            return True
        self._renewed = [*renewed, *self._renewed]
        self._everything |= everything
        self._news.set()
        return False

    async def _judge_what(self, renewed: list[RenewedImageV1], *, everything: bool) -> int:
        """Judge what is new, then what had no answer; return how many workloads that were."""
        workloads = await group_pods(self._pods())
        running = {each.key for each in workloads}
        self._unanswered &= running
        if everything:
            await self._judge_all(workloads)
            self._sweep_at = asyncio.get_running_loop().time() + SWEEP_S
            return len(workloads)
        known = Renewed.of(renewed)
        new = [each for each in workloads if each.runs_any(known)]
        await self._judge_all(new)
        rest = {each.key for each in workloads} - {each.key for each in new}
        again = [each for each in workloads if each.key in self._unanswered & rest]
        # At random: one registry that stays away must not stand before the others.
        random.shuffle(again)
        probed = again[:PROBE]
        await self._judge_all(probed)
        if any(each.key not in self._unanswered for each in probed):
            await self._judge_all(again[PROBE:])
            probed = again
        return len(new) + len(probed)

    async def _judge_all(self, workloads: list[RunningWorkload]) -> None:
        """Judge in batches; each is told to the hub before the next begins."""
        for start in range(0, len(workloads), MAX_REJUDGED):
            slots = asyncio.Semaphore(SIDE_BY_SIDE)
            some = workloads[start : start + MAX_REJUDGED]
            asked = [asyncio.create_task(self._ask(each, slots)) for each in some]
            try:
                answers = await asyncio.gather(*asked)
            finally:
                for task in asked:
                    task.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.gather(*asked, return_exceptions=True)
            verdicts = [event for event in answers if event is not None]
            if verdicts and self._admitted is not None:
                await self._admitted.hear(verdicts)  # whatever the hub says to them
            if verdicts:
                await self._hub.send_rejudgements(self._cluster, verdicts)
            for workload, event in zip(some, answers, strict=True):
                self._note(workload, event)

    def _note(self, workload: RunningWorkload, event: AdmissionEventV1 | None) -> None:
        if event is not None and any(row.unanswered for row in event.images):
            self._unanswered.add(workload.key)
        else:
            self._unanswered.discard(workload.key)

    async def _ask(
        self, workload: RunningWorkload, slots: asyncio.Semaphore
    ) -> AdmissionEventV1 | None:
        async with slots:
            try:
                return await self._gate.rejudge(review_of(workload))
            except InputError as error:
                # Another try gives the same: the others must not wait for it.
                log.warning("a workload cannot be judged", name=workload.name, why=str(error))
                return None
