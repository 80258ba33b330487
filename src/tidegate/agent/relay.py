"""Takes from the gates what is for the hub: 200 only once the hub has answered.

`POST /v1/events` with an EventBatchV1 and the gates' bearer token. A gate keeps what was not
answered with 200 and sends it again, so nothing is kept here. `POST /v1/scans` with a WantedScansV1
asks for scans; a gate that gets no answer says that none was queued. `GET /v1/feed` and
`GET /v1/feed/snapshots/{id}` hand on the feed, from the agent's own copy; `POST /v1/admitted` takes
what gates admitted, and `GET /v1/admitted` hands it on to all of them. 400 and 413 mean "these
bytes never"; everything that may pass, a wrong cluster token included, is a 503.
"""

import asyncio
import hmac
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
import structlog
from prometheus_client import generate_latest

from tidegate.agent.admitted_link import AdmittedLink
from tidegate.agent.feed import FeedLink, Octets, answer_page, answer_snapshot
from tidegate.domain.errors import InputError, NotFoundError, NotPermittedError, UnavailableError
from tidegate.wire.admitted_v1 import AdmissionsV1, AdmittedPageV1
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.feed_http_v1 import FeedPageV1
from tidegate.wire.first_sight_v1 import WantedScansResultV1, WantedScansV1
from tidegate.wire.hub_v1 import EventBatchResultV1, EventBatchV1

MAX_BATCH_BYTES = 16 * 2**20
"""What the hub takes at once."""

MAX_WANTED_BYTES = 64 * 1024
BODY_DEADLINE_S = 10.0
MAX_IN_FLIGHT = 16
"""Batches held in memory at once; a gate that gets 503 tries again."""

MAX_WANTED_IN_FLIGHT = 16
"""Questions for scans at once: they never take the places of events."""

MAX_ADMITTED_BYTES = 4 * 2**20
"""About `MAX_TOLD` entries of each kind, with some rules each."""
METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_SNAPSHOTS = "/v1/feed/snapshots/"

T = TypeVar("T")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = structlog.get_logger()


class Hub(Protocol):
    """The hub, as far as gates go."""

    async def post_events(
        self, events: list[AdmissionEventV1], dropped: int = 0
    ) -> EventBatchResultV1:
        """Store `events`; the same ones again do no harm."""
        ...

    async def ask_for_scans(self, body: WantedScansV1) -> WantedScansResultV1:
        """Queue scans of what is asked for."""
        ...


class Witness(Protocol):
    """Hears of verdicts on their way; never waits and never raises."""

    def take(self, batch: EventBatchV1) -> None:
        """Take a batch; the same one may come again."""
        ...

    def hold_up(self) -> None:
        """Keep that a batch was not taken, so that later ones wait."""
        ...


class RefusedError(InputError):
    """A request that is answered with `status` and this message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Relay:
    """An ASGI application; `problems` tells what /readyz says."""

    def __init__(
        self,
        hub: Hub | None,
        gate_token_file: Path | None,
        problems: Callable[[], tuple[str, ...]],
        feed: FeedLink | None = None,
        admitted: AdmittedLink | None = None,
        witness: Witness | None = None,
    ) -> None:
        """`witness`: hears of every batch; without a hub it is who takes them."""
        self._admitted = admitted
        self._feed = feed
        self._hub = hub
        self._witness = witness
        self._gate_token_file = gate_token_file
        self._problems = problems
        self._in_flight = 0
        self._wanted_in_flight = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        kind = b"application/json"
        if (scope["method"], scope["path"]) == ("GET", "/metrics"):
            status, body, kind = 200, generate_latest(), METRICS_TYPE
        else:
            try:
                status, answer = await self._answer(scope, receive)
            except RefusedError as refused:
                status, answer = refused.status, {"detail": str(refused)}
            if isinstance(answer, Octets):
                await _stream(answer, send)
                return
            body = msgspec.json.encode(answer)
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, object]:
        match scope["method"], scope["path"]:
            case "GET", "/healthz":
                return 200, {"problems": []}
            case "GET", "/readyz":
                problems = self._problems()
                return 503 if problems else 200, {"problems": problems}
            case "POST", "/v1/events":
                return 200, await self._take_events(scope, receive)
            case "POST", "/v1/scans":
                return 200, await self._take_wanted(scope, receive)
            case "GET", "/v1/feed":
                return 200, await self._give_feed(scope)
            case "GET", path if path.startswith(_SNAPSHOTS):
                return 200, await self._give_snapshot(scope, path.removeprefix(_SNAPSHOTS))
            case "POST", "/v1/admitted":
                return 200, await self._take_admitted(scope, receive)
            case "GET", "/v1/admitted":
                return 200, await self._give_admitted(scope)
            case method, path:
                raise RefusedError(
                    404,
                    f"{method} {path}: want POST /v1/events or /v1/scans, GET /v1/feed or "
                    "/v1/admitted",
                )

    async def _take_events(self, scope: Message, receive: Receive) -> EventBatchResultV1:
        self._demand_token(dict(scope["headers"]).get(b"authorization", b""))
        if self._hub is None and self._witness is None:
            raise RefusedError(503, "no hub is configured; events stay with the gate")
        if self._in_flight >= MAX_IN_FLIGHT:
            raise RefusedError(503, f"{MAX_IN_FLIGHT} batches are under way; try again")
        self._in_flight += 1
        try:
            batch = _parse(await _read(receive, MAX_BATCH_BYTES), EventBatchV1)
            if self._admitted is not None:
                await self._admitted.hear(batch.events)  # whatever the hub says to them
            if self._witness is not None:
                self._witness.take(batch)
            if self._hub is None:  # what becomes of them are the cluster's own Events
                return EventBatchResultV1(stored=len(batch.events), duplicates=0)
            return await self._hand_over(self._hub, batch)
        finally:
            self._in_flight -= 1

    async def _take_wanted(self, scope: Message, receive: Receive) -> WantedScansResultV1:
        self._demand_token(dict(scope["headers"]).get(b"authorization", b""))
        if self._hub is None:
            raise RefusedError(503, "no hub is configured, so nobody queues scans")
        if self._wanted_in_flight >= MAX_WANTED_IN_FLIGHT:
            raise RefusedError(503, f"{MAX_WANTED_IN_FLIGHT} questions are under way; try again")
        self._wanted_in_flight += 1
        try:
            wanted = _parse(await _read(receive, MAX_WANTED_BYTES), WantedScansV1)
            return await self._hub.ask_for_scans(wanted)
        except (UnavailableError, NotPermittedError, NotFoundError) as error:
            raise RefusedError(503, f"the hub queued no scan: {error}") from error
        except RefusedError:
            raise
        except InputError as error:
            raise RefusedError(400, f"the hub refuses the question: {error}") from error
        finally:
            self._wanted_in_flight -= 1

    async def _take_admitted(self, scope: Message, receive: Receive) -> AdmissionsV1:
        index = self._index_for(scope)
        told = _parse(await _read(receive, MAX_ADMITTED_BYTES), AdmissionsV1)
        try:
            await index.take(told)
        except sqlite3.Error as error:
            raise RefusedError(503, f"admissions could not be kept: {error}") from error
        return AdmissionsV1()

    async def _give_admitted(self, scope: Message) -> AdmittedPageV1:
        index = self._index_for(scope)
        try:
            return await index.answer(scope.get("query_string", b""))
        except InputError as error:
            raise RefusedError(400, str(error)) from error
        except sqlite3.Error as error:
            raise RefusedError(503, f"admissions could not be read: {error}") from error

    def _index_for(self, scope: Message) -> AdmittedLink:
        self._demand_token(dict(scope["headers"]).get(b"authorization", b""))
        if self._admitted is None:
            raise RefusedError(503, "this agent keeps no index; set TIDEGATE_AGENT_DATA_DIR")
        return self._admitted

    async def _give_feed(self, scope: Message) -> FeedPageV1:
        try:
            return await answer_page(self._feed_for(scope), scope.get("query_string", b""))
        except RefusedError:
            raise
        except InputError as error:
            raise RefusedError(400, str(error)) from error
        except sqlite3.Error as error:
            raise RefusedError(503, f"the feed could not be read: {error}") from error

    async def _give_snapshot(self, scope: Message, snapshot: str) -> Octets:
        feed = self._feed_for(scope)
        wanted = dict(scope["headers"]).get(b"range", b"")
        try:
            found = await answer_snapshot(feed, snapshot, wanted)
        except InputError as error:
            raise RefusedError(404, str(error)) from error
        except sqlite3.Error as error:
            raise RefusedError(503, f"the feed could not be read: {error}") from error
        if found is None:
            raise RefusedError(404, f"no snapshot {snapshot}; ask /v1/feed for the newest")
        return found

    def _feed_for(self, scope: Message) -> FeedLink:
        self._demand_token(dict(scope["headers"]).get(b"authorization", b""))
        if self._feed is None:
            raise RefusedError(503, "this agent keeps no feed; set TIDEGATE_AGENT_DATA_DIR")
        return self._feed

    async def _hand_over(self, hub: Hub, batch: EventBatchV1) -> EventBatchResultV1:
        try:
            return await hub.post_events(batch.events, batch.dropped)
        except (UnavailableError, NotPermittedError, NotFoundError) as error:
            log.warning("events not stored", events=len(batch.events), why=str(error))
            if self._witness is not None:
                self._witness.hold_up()
            raise RefusedError(503, f"the hub did not store the events: {error}") from error
        except InputError as error:
            log.exception("events refused by the hub", events=len(batch.events))
            raise RefusedError(400, f"the hub refuses the events: {error}") from error

    def _demand_token(self, header: bytes) -> None:
        if self._gate_token_file is None:
            raise RefusedError(
                403, "this agent takes no events; set TIDEGATE_AGENT_GATE_TOKEN_FILE"
            )
        try:
            token = self._gate_token_file.read_bytes().strip()
        except OSError as error:
            log.exception("gate token unreadable")
            raise RefusedError(503, "the agent cannot read the gates' token") from error
        if not token or not hmac.compare_digest(header, b"Bearer " + token):
            raise RefusedError(401, "want the gates' bearer token")


async def _stream(octets: Octets, send: Send) -> None:
    await send({"type": "http.response.start", "status": octets.status, "headers": octets.headers})
    async for chunk in octets.chunks():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _read(receive: Receive, max_bytes: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RefusedError(400, "the connection ended within the body")
                body += message.get("body", b"")
                if len(body) > max_bytes:
                    raise RefusedError(413, f"want at most {max_bytes} bytes")
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError as error:
        raise RefusedError(503, f"the body took more than {BODY_DEADLINE_S:g} s") from error


def _parse(body: bytes, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, f"no {wanted.__name__}: {error}") from error
