"""The gate's HTTP surface: who may ask, how much, and what every outcome looks like.

| path | who | answer |
|---|---|---|
| `POST /admit` | the API server, with its client certificate if one is asked for | 200, a review |
| `POST /direct` | who has the token, as `tidegate run`; events say `direct` | 200, a review |
| `POST /rejudge` | the agent, with the token of the gates | 200, what would be decided now |
| `GET /healthz`, `/readyz`, `/metrics` | probes and Prometheus | text |

Whatever can be read to a uid is answered with 200 and a verdict. An error never becomes `allowed`.
"""

import hmac
import re
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import structlog
from prometheus_client import generate_latest

from tidegate.domain.errors import MalformedReviewError, UnavailableError
from tidegate.domain.text import printable
from tidegate.gate.events import Origin, render_fitted
from tidegate.gate.evidence_seen import EVIDENCE_SEEN
from tidegate.gate.metrics import (
    IN_FLIGHT,
    READY,
    REFUSED_REQUESTS,
    REVIEW_SECONDS,
    reviews_answered,
)
from tidegate.gate.review import Answer
from tidegate.gate.siblings import Siblings, join_metrics
from tidegate.net.messages import TEXT, Request, Response
from tidegate.wire.admission_v1 import read_uid, render_response
from tidegate.wire.event_v1 import AdmissionEventV1

MAX_EVIDENCE_S = 3.0
"""Time for evidence in one review, whatever the caller grants (PRODUCT, "Failure behaviour")."""

DEFAULT_TIMEOUT_S = 10.0
"""The webhook's `timeoutSeconds` where the query does not say."""

MARGIN_S = 0.5
"""Kept back of the caller's timeout for the way and for deciding."""

MIN_BUDGET_S = 0.1
"""Enough for what is in memory."""

_TIMEOUT = re.compile(rb"(?:^|&)timeout=([0-9]{1,3})s(?:&|$)")

JSON = b"application/json"
METRICS = b"text/plain; version=0.0.4; charset=utf-8"

_DOORS: dict[str, Origin] = {
    "/admit": "api-server",
    "/direct": "direct",
    "/rejudge": "rejudged",
}
"""Paths that take reviews."""

log = structlog.get_logger(__name__)


class Reviews(Protocol):
    """Answers one review."""

    def start(
        self,
        body: bytes,
        *,
        now: datetime,
        budget_s: float,
        answer_in_s: float = 0.0,
        origin: Origin = "api-server",
    ) -> Answer | Awaitable[Answer]:
        """Return the answer, or what gives it later; raises what `Reviewer.start` raises."""
        ...

    async def rejudge(
        self, body: bytes, *, now: datetime, budget_s: float
    ) -> AdmissionEventV1 | None:
        """Return what would be decided now; raises what `Reviewer.rejudge` raises."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask for reviews."""

    client_certificate: bool = False
    """`/admit` asks for a client certificate that the TLS layer verified."""
    direct_token_file: Path | None = None
    """`/direct` asks for this token; None: the path does not exist."""
    agent_token_file: Path | None = None
    """`/rejudge` asks for this token; None: the path does not exist."""


class GateApp:
    """What a `Reviewer` and the gate's own state answer over HTTP: a `net.messages.App`."""

    def __init__(  # noqa: PLR0913 - what it answers from, each a part of its own
        self,
        reviews: Reviews,
        *,
        clock: Callable[[], datetime],
        timer: Callable[[], float],
        problems: Callable[[], tuple[str, ...]],
        warnings: Callable[[], tuple[str, ...]] = tuple,
        access: Access,
        max_body_bytes: int,
    ) -> None:
        self._reviews = reviews
        self._clock = clock
        self._timer = timer
        self._problems = problems
        self._warnings = warnings
        self._access = access
        self._answers_reviews = True
        self._siblings: Siblings | None = None
        self.max_body_bytes = max_body_bytes

    def probes_only(self) -> "GateApp":
        """Return the same application for a port that takes no reviews."""
        probes = copy(self)
        probes._answers_reviews = False  # noqa: SLF001 another one of us
        return probes

    def beside(self, siblings: Siblings) -> "GateApp":
        """Return the same application, whose probes speak for other processes too."""
        one = copy(self)
        one._siblings = siblings  # noqa: SLF001 another one of us
        return one

    def refuse(self, request: Request) -> Response | None:
        """Return why `request` is refused before its body is read; None: it is not."""
        path, method = request.path, request.method
        origin = _DOORS.get(path) if self._answers_reviews else None
        if origin is None:
            if method in ("GET", "HEAD"):
                return None
            return _refusal(404, f"no {method} {path} here; want POST /admit")
        if method != "POST":
            return _refusal(405, f"got {method} {path}, want POST")
        return self._refuse_caller(request, origin)

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        """Return the answer to a request that was not refused, or what gives it later."""
        origin = _DOORS.get(request.path) if self._answers_reviews else None
        if origin is None:
            if self._siblings is not None and request.path in ("/metrics", "/readyz"):
                return self._together(self._siblings, request.path)
            return self._serve_probe(request.path)
        left_s = _timeout_s(request.query) - MARGIN_S
        budget_s = max(MIN_BUDGET_S, min(MAX_EVIDENCE_S, left_s))
        if origin == "rejudged":  # nobody waits for it: it is no part of the reviews' times
            return self._rejudge(request.body, budget_s)
        return self._review(request.body, budget_s, left_s, origin)

    def _review(
        self, body: bytes, budget_s: float, answer_in_s: float, origin: Origin
    ) -> Response | Awaitable[Response]:
        """Return a verdict about `body`, whatever happens on the way to one."""
        began_s = self._timer()
        try:
            found = self._reviews.start(
                body,
                now=self._clock(),
                budget_s=budget_s,
                answer_in_s=answer_in_s,
                origin=origin,
            )
        except Exception as error:  # noqa: BLE001 each of them is a denial
            response = _denied(body, origin, error)
        else:
            if not isinstance(found, Answer):
                return self._later(found, body, origin, began_s)
            response = _answered(found, origin)
        REVIEW_SECONDS.observe(self._timer() - began_s)
        return response

    async def _later(
        self, found: Awaitable[Answer], body: bytes, origin: Origin, began_s: float
    ) -> Response:
        IN_FLIGHT.inc()
        try:
            return _answered(await found, origin)
        except Exception as error:  # noqa: BLE001 each of them is a denial
            return _denied(body, origin, error)
        finally:
            IN_FLIGHT.dec()
            REVIEW_SECONDS.observe(self._timer() - began_s)

    def _refuse_caller(self, request: Request, origin: Origin) -> Response | None:
        """Return why the caller may not ask; None where it may."""
        if origin == "api-server":
            if self._access.client_certificate and not request.verified:
                return _refusal(403, "want a client certificate of the configured authority")
            return None
        name, token_file = (
            ("direct", self._access.direct_token_file)
            if origin == "direct"
            else ("agent", self._access.agent_token_file)
        )
        if token_file is None:
            return _refusal(404, f"{origin} reviews are not configured here")
        try:
            token = token_file.read_bytes().strip()
        except OSError as error:
            log.error("a token cannot be read", token=name, error=str(error))  # noqa: TRY400 the file
            return _refusal(503, f"the {name} token cannot be read here")
        sent = request.header(b"authorization")
        if not token or not hmac.compare_digest(sent, b"Bearer " + token):
            return _refusal(401, f"want the {name} token as bearer")
        return None

    async def _rejudge(self, body: bytes, budget_s: float) -> Response:
        """Return the event that the verdict would be; an error leaves the last one standing."""
        try:
            event = await self._reviews.rejudge(body, now=self._clock(), budget_s=budget_s)
        except MalformedReviewError as error:
            return _refusal(400, str(error))
        except UnavailableError as error:
            return _refusal(503, str(error))
        except Exception:
            log.exception("a workload could not be judged again")
            return _refusal(500, "an error inside the gate; see its log")
        reviews_answered("pass" if event is None else event.action, "rejudged").inc()
        return Response(200, b"null" if event is None else render_fitted(event), JSON)

    async def _together(self, siblings: Siblings, path: str) -> Response:
        """Return what all processes of this gate that answer say to a probe."""
        own, others = self._serve_probe(path), await siblings.ask(path)
        if path == "/metrics":
            texts = [own.body, *[body for status, body in others if status == 200]]
            return Response(200, join_metrics(texts), METRICS)
        not_ready = [body for status, body in [(own.status, own.body), *others] if status != 200]
        if not not_ready:
            return own
        lines = dict.fromkeys(line for body in not_ready for line in body.splitlines())
        return Response(503, b"".join(b"%b\n" % line for line in lines))

    def _serve_probe(self, path: str) -> Response:
        match path:
            case "/healthz":
                return Response(200, b"ok\n")
            case "/readyz":
                problems = self._problems()
                READY.set(not problems)
                said = [*(problems or ("ready",)), *(f"warning: {w}" for w in self._warnings())]
                text = "".join(f"{printable(line)}\n" for line in said)
                return Response(503 if problems else 200, text.encode())
            case "/metrics":
                READY.set(not self._problems())
                EVIDENCE_SEEN.flush()
                return Response(200, generate_latest(), METRICS)
            case _:
                return _refusal(404, "nothing here; want /healthz, /readyz or /metrics")


@lru_cache(maxsize=64)
def _timeout_s(query: bytes) -> float:
    """Return what the API server says that it waits: `?timeout=10s`."""
    found = _TIMEOUT.search(query)
    return max(1.0, float(found[1])) if found else DEFAULT_TIMEOUT_S


def _answered(answer: Answer, origin: Origin) -> Response:
    reviews_answered(answer.action, origin).inc()
    return Response(200, answer.body, JSON)


def _denied(body: bytes, origin: Origin, error: Exception) -> Response:
    """Return a denial where the review names a uid, else a plain refusal."""
    kind, why = "fault", printable(str(error))
    if isinstance(error, MalformedReviewError):
        kind = "malformed"
    elif isinstance(error, UnavailableError):
        log.error("a review could not be decided", error=str(error))
    else:
        log.error("a review failed; the workload was denied", exc_info=error)
        why = "an error inside the gate; tell who runs it to see its log"
    reviews_answered(kind, origin).inc()
    uid = read_uid(body)
    if not uid:
        return _refusal(400 if kind == "malformed" else 500, why)
    denial = render_response(
        uid, allowed=False, message=f"Tidegate could not decide, so it denies: {why}"
    )
    return Response(200, denial, JSON)


def _refusal(status: int, why: str) -> Response:
    REFUSED_REQUESTS.labels(str(status)).inc()
    return Response(status, f"{printable(why)}\n".encode(), TEXT)
