"""The gate's HTTP surface: who may ask, how much, and what every outcome looks like.

| path | who | answer |
|---|---|---|
| `POST /admit` | the API server, with its client certificate if one is asked for | 200, a review |
| `POST /direct` | who has the token, as `tidegate run`; events say `direct` | 200, a review |
| `POST /rejudge` | the agent, with the token of the gates | 200, what would be decided now |
| `GET /healthz`, `/readyz`, `/metrics` | probes and Prometheus | text |

Whatever can be read to a uid is answered with 200 and a verdict. An error never becomes `allowed`.
"""

import asyncio
import hmac
import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import structlog
from prometheus_client import generate_latest

from tidegate.domain.errors import MalformedReviewError, UnavailableError
from tidegate.domain.text import printable
from tidegate.gate.bodies import Bodies, BusyError, TooLargeError
from tidegate.gate.events import Origin, render_fitted
from tidegate.gate.metrics import (
    IN_FLIGHT,
    READY,
    REFUSED_REQUESTS,
    REVIEW_SECONDS,
    REVIEWS,
)
from tidegate.gate.review import Answer
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

Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]

_DOORS: dict[str, Origin] = {
    "/admit": "api-server",
    "/direct": "direct",
    "/rejudge": "rejudged",
}
"""Paths that take reviews."""

log = structlog.get_logger(__name__)


class Reviews(Protocol):
    """Answers one review."""

    async def review(
        self, body: bytes, *, now: datetime, budget_s: float, origin: Origin = "api-server"
    ) -> Answer:
        """Return the answer; raises what `Reviewer.review` raises."""
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
    """An ASGI application over a `Reviewer`."""

    def __init__(
        self,
        reviews: Reviews,
        *,
        clock: Callable[[], datetime],
        problems: Callable[[], tuple[str, ...]],
        access: Access,
        max_body_bytes: int,
    ) -> None:
        self._reviews = reviews
        self._clock = clock
        self._problems = problems
        self._access = access
        self._bodies = Bodies(max_body_bytes)
        self._answers_reviews = True

    def probes_only(self) -> "GateApp":
        """Return the same application for a port that takes no reviews."""
        probes = copy(self)
        probes._answers_reviews = False  # noqa: SLF001 another one of us
        return probes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        path, method = scope["path"], scope["method"]
        if path in _DOORS and self._answers_reviews:
            status, body = await self._serve_review(scope, receive, path, method)
            kind = b"application/json" if status == 200 else b"text/plain; charset=utf-8"
        elif method in ("GET", "HEAD"):
            status, body, kind = self._serve_probe(path)
        else:
            status, body, kind = _refusal(404, f"no {method} {path} here; want POST /admit")
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        if status in (408, 413, 503):
            headers.append((b"connection", b"close"))  # the rest of the body is not read
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _serve_review(
        self, scope: Scope, receive: Receive, path: str, method: str
    ) -> tuple[int, bytes]:
        if method != "POST":
            return _refusal(405, f"got {method} {path}, want POST")[:2]
        started_s = asyncio.get_running_loop().time()
        origin = _DOORS[path]
        if (refusal := self._refuse_caller(scope, origin)) is not None:
            return refusal
        try:
            with self._bodies.reading() as reading:
                body = await reading.whole(receive)
                return await self._timed(body, scope["query_string"], started_s, origin)
        except TooLargeError as error:
            return _refusal(413, str(error))[:2]
        except BusyError as error:
            return _refusal(503, str(error))[:2]
        except ConnectionResetError:
            return _refusal(408, "the body ended early")[:2]

    async def _timed(
        self, body: bytes, query: bytes, started_s: float, origin: Origin
    ) -> tuple[int, bytes]:
        left_s = _timeout_s(query) - MARGIN_S - (asyncio.get_running_loop().time() - started_s)
        budget_s = max(MIN_BUDGET_S, min(MAX_EVIDENCE_S, left_s))
        if origin == "rejudged":  # nobody waits for it: it is no part of the reviews' times
            return await self._rejudge(body, budget_s)
        with REVIEW_SECONDS.time(), IN_FLIGHT.track_inprogress():
            return await self._answer(body, budget_s, origin)

    def _refuse_caller(self, scope: Scope, origin: Origin) -> tuple[int, bytes] | None:
        """Return why the caller may not ask; None where it may."""
        if origin == "api-server":
            verified = scope.get("state", {}).get("client_verified", False)
            if self._access.client_certificate and not verified:
                return _refusal(403, "want a client certificate of the configured authority")[:2]
            return None
        name, token_file = (
            ("direct", self._access.direct_token_file)
            if origin == "direct"
            else ("agent", self._access.agent_token_file)
        )
        if token_file is None:
            return _refusal(404, f"{origin} reviews are not configured here")[:2]
        try:
            token = token_file.read_bytes().strip()
        except OSError as error:
            log.error("a token cannot be read", token=name, error=str(error))  # noqa: TRY400 the file
            return _refusal(503, f"the {name} token cannot be read here")[:2]
        sent = dict(scope["headers"]).get(b"authorization", b"")
        if not token or not hmac.compare_digest(sent, b"Bearer " + token):
            return _refusal(401, f"want the {name} token as bearer")[:2]
        return None

    async def _rejudge(self, body: bytes, budget_s: float) -> tuple[int, bytes]:
        """Return the event that the verdict would be; an error leaves the last one standing."""
        try:
            event = await self._reviews.rejudge(body, now=self._clock(), budget_s=budget_s)
        except MalformedReviewError as error:
            return _refusal(400, str(error))[:2]
        except UnavailableError as error:
            return _refusal(503, str(error))[:2]
        except Exception:
            log.exception("a workload could not be judged again")
            return _refusal(500, "an error inside the gate; see its log")[:2]
        REVIEWS.labels("pass" if event is None else event.action, "rejudged").inc()
        return 200, b"null" if event is None else render_fitted(event)

    async def _answer(self, body: bytes, budget_s: float, origin: Origin) -> tuple[int, bytes]:
        """Return a verdict about `body`, whatever happens on the way to one."""
        try:
            answer = await self._reviews.review(
                body, now=self._clock(), budget_s=budget_s, origin=origin
            )
        except MalformedReviewError as error:
            return _denied(body, "malformed", origin, str(error))
        except UnavailableError as error:
            log.error("a review could not be decided", error=str(error))  # noqa: TRY400 expected
            return _denied(body, "fault", origin, str(error))
        except Exception:
            log.exception("a review failed; the workload was denied")
            return _denied(
                body, "fault", origin, "an error inside the gate; tell who runs it to see its log"
            )
        REVIEWS.labels(answer.action, origin).inc()
        return 200, answer.body

    def _serve_probe(self, path: str) -> tuple[int, bytes, bytes]:
        plain = b"text/plain; charset=utf-8"
        match path:
            case "/healthz":
                return 200, b"ok\n", plain
            case "/readyz":
                problems = self._problems()
                READY.set(not problems)
                text = "".join(f"{printable(problem)}\n" for problem in problems) or "ready\n"
                return (503 if problems else 200), text.encode(), plain
            case "/metrics":
                READY.set(not self._problems())
                return 200, generate_latest(), b"text/plain; version=0.0.4; charset=utf-8"
            case _:
                return _refusal(404, "nothing here; want /healthz, /readyz or /metrics")


def _timeout_s(query: bytes) -> float:
    """Return what the API server says that it waits: `?timeout=10s`."""
    found = _TIMEOUT.search(query)
    return max(1.0, float(found[1])) if found else DEFAULT_TIMEOUT_S


def _denied(body: bytes, answer: str, origin: Origin, why: str) -> tuple[int, bytes]:
    """Return a denial where the review names a uid, else a plain refusal."""
    REVIEWS.labels(answer, origin).inc()
    uid = read_uid(body)
    message = printable(why)
    if not uid:
        return _refusal(400 if answer == "malformed" else 500, message)[:2]
    return 200, render_response(
        uid, allowed=False, message=f"Tidegate could not decide, so it denies: {message}"
    )


def _refusal(status: int, why: str) -> tuple[int, bytes, bytes]:
    REFUSED_REQUESTS.labels(str(status)).inc()
    return status, f"{printable(why)}\n".encode(), b"text/plain; charset=utf-8"
