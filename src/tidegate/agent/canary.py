"""Tries every minute whether a bad pod is kept out and a good one let in, through the API server.

Nothing else proves that admission works: a webhook that is gone, selects nothing, or fails open
leaves no trace. Both tries are dry runs in a namespace of their own. What somebody else refused is
told apart: it says nothing about the gate.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog
from lightkube import AsyncClient

from tidegate.agent.alarms import Alarms
from tidegate.agent.kube_events import Subject
from tidegate.agent.metrics import (
    CANARY_PASSED_AT,
    CANARY_PASSING,
    CANARY_RUNS,
    CANARY_SECONDS,
)
from tidegate.agent.reasons import Reason
from tidegate.agent.running import RawPod
from tidegate.agent.status import rfc3339
from tidegate.domain.text import printable, shorten_middle
from tidegate.kube.client import API_ERRORS, describe, status_code
from tidegate.wire.canary import (
    BAD_IMAGE,
    GOOD_IMAGE,
    canary_message,
    canary_pod,
)
from tidegate.wire.names import CANARY_NAMESPACE
from tidegate.wire.protection_v1 import CanaryState
from tidegate.wire.webhook import WEBHOOK_NAME

AGAIN_S = 10.0
"""After a run that did not pass the next one comes so soon."""

PATIENCE = 2
"""So many runs in a row without an answer of the API server are an alarm."""

WAIT_S = 45.0
"""At the start, how long the first run waits for the webhook configuration."""

MAX_QUOTED_CHARS = 400

ABOUT = Subject("v1", "Namespace", CANARY_NAMESPACE)

log = structlog.get_logger()


class Came(StrEnum):
    """What came of one canary pod."""

    EXPECTED = "expected"
    ADMITTED = "admitted"
    REFUSED = "refused"
    NOT_REACHED = "not-reached"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one canary pod, and what was said."""

    pod: str
    """`bad` or `good`."""
    came: Came
    said: str = ""


def read_answer(pod: str, name: str, error: Exception | None) -> Outcome:
    """Return what the API server's answer about canary `name` means; None: it took the pod."""
    if error is None:
        return Outcome(pod, Came.ADMITTED if pod == "bad" else Came.EXPECTED)
    said = shorten_middle(printable(describe(error)), MAX_QUOTED_CHARS)
    code = status_code(error)
    as_it_should = pod == "bad" and canary_message(name) in said
    said = said.replace(name, f"canary-{pod}")  # the same trouble reads the same each time
    if f'admission webhook "{WEBHOOK_NAME}" denied the request' in said:
        return Outcome(pod, Came.EXPECTED if as_it_should else Came.REFUSED, said)
    if f'failed calling webhook "{WEBHOOK_NAME}"' in said:
        return Outcome(pod, Came.NOT_REACHED, said)
    if code is None or code == 429 or (code >= 500 and "webhook" not in said):
        return Outcome(pod, Came.UNKNOWN, said)
    return Outcome(pod, Came.BLOCKED, said)


class Canary:
    """Runs the canary every `every_s` seconds and lets alarms stand while it does not pass."""

    def __init__(
        self,
        client: AsyncClient,
        every_s: float,
        alarms: Alarms,
        clock: Callable[[], datetime],
        begin: asyncio.Event | None = None,
    ) -> None:
        """`begin`: the first run waits for it, for a while."""
        self._client = client
        self._every_s = every_s
        self._alarms = alarms
        self._clock = clock
        self._begin = begin
        self._unanswered = 0
        self.state: CanaryState = "unknown"
        self.passed_at = ""
        """RFC 3339; empty: not yet."""

    async def run(self) -> None:
        """Run the canary until cancelled."""
        if self._begin is not None:
            try:
                async with asyncio.timeout(WAIT_S):
                    await self._begin.wait()
            except TimeoutError:
                log.warning("the canary starts without having seen the webhook configuration")
        while True:
            await self.look()
            passing = self.state == "passing"
            await asyncio.sleep(self._every_s if passing else min(self._every_s, AGAIN_S))

    async def look(self) -> None:
        """Try both pods once and tell."""
        outcomes = [await self._try("bad", BAD_IMAGE), await self._try("good", GOOD_IMAGE)]
        for outcome in outcomes:
            CANARY_RUNS.labels(outcome.pod, outcome.came.value).inc()
        came = {outcome.came for outcome in outcomes}
        CANARY_PASSING.set(came == {Came.EXPECTED})
        self._unanswered = self._unanswered + 1 if Came.UNKNOWN in came else 0
        if came == {Came.EXPECTED}:
            now = self._clock()
            self.state, self.passed_at = "passing", rfc3339(now)
            CANARY_PASSED_AT.set(now.timestamp())
        elif Came.UNKNOWN in came:
            self.state = "unknown"
        else:
            self.state = "blocked" if came <= {Came.BLOCKED, Came.EXPECTED} else "failing"
        self._alarm(outcomes)

    async def _try(self, pod: str, image: str) -> Outcome:
        name = f"canary-{pod}-{secrets.token_hex(6)}"
        body = RawPod.from_dict(canary_pod(name, image))
        try:
            with CANARY_SECONDS.time():
                await self._client.create(body, dry_run=True)
        except API_ERRORS as error:
            return read_answer(pod, name, error)
        return read_answer(pod, name, None)

    def _alarm(self, outcomes: list[Outcome]) -> None:
        """Let exactly the alarms stand that these outcomes mean."""
        if self._unanswered and self._unanswered < PATIENCE:
            return  # what stood before still does
        wrong = {_REASONS[o.came]: o for o in reversed(outcomes) if o.came is not Came.EXPECTED}
        self._alarms.end(*(reason for reason in _REASONS.values() if reason not in wrong))
        for reason, outcome in wrong.items():
            self._alarms.raise_(reason, _SENTENCES[reason].format(o=outcome), ABOUT)


_REASONS = {
    Came.ADMITTED: Reason.CANARY_ADMITTED,
    Came.REFUSED: Reason.CANARY_REFUSED,
    Came.NOT_REACHED: Reason.CANARY_NOT_REACHED,
    Came.BLOCKED: Reason.CANARY_BLOCKED,
    Came.UNKNOWN: Reason.CANARY_UNANSWERED,
}

_SENTENCES = {
    Reason.CANARY_ADMITTED: "the API server admits what the gate must refuse: it does not ask the "
    "gate, or lets in what the gate does not answer; see the webhook configuration and the gate",
    Reason.CANARY_REFUSED: "the gate refused the canary's {o.pod} pod, and not as it should: "
    "{o.said}",
    Reason.CANARY_NOT_REACHED: "the API server cannot ask the gate, and refuses what is gated: "
    "{o.said}",
    Reason.CANARY_BLOCKED: "somebody else than the gate refused the canary's {o.pod} pod, so "
    "nothing is known about the gate: {o.said}",
    Reason.CANARY_UNANSWERED: "the API server does not answer the canary: {o.said}",
}
