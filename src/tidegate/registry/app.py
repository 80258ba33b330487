"""A request from top to bottom: route, user, handler, answer, one log line. Raw ASGI."""

import errno
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from tidegate.domain.errors import ConfigurationError
from tidegate.registry import pull, push
from tidegate.registry.auth import Users
from tidegate.registry.exchange import (
    ClientGoneError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    json_response,
    send_response,
)
from tidegate.registry.notify import Notifier
from tidegate.registry.push import PushRules
from tidegate.registry.refusals import RefusedError, render_refusal, shorten
from tidegate.registry.routes import Kind, Route, parse_route
from tidegate.registry.store import Store

_log = structlog.get_logger("tidegate.registry")

_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Pages:
    """Largest pages of lists."""

    referrers: int
    names: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application works with."""

    store: Store
    rules: PushRules
    pages: Pages
    clock: Callable[[], datetime]
    users: Users | None = None
    notifier: Notifier | None = None


class Registry:
    """The ASGI application."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong becomes an answer in the spec's form."""
        started = time.perf_counter()
        request = Request(scope, receive)
        try:
            response, user = await self._answer(request)
        except ClientGoneError:
            _log_request(request, 499, "", started)  # nobody is left to read an answer
            return
        await send_response(send, response, with_body=request.method != "HEAD")
        _log_request(request, response.status, user, started)

    async def _answer(self, request: Request) -> tuple[Response, str]:
        user = ""
        try:
            route = parse_route(request.path)
            user = await self._authorize(route, request)
            return await self._handle(route, request), user
        except ClientGoneError:
            raise
        except RefusedError as refused:
            refusal = refused
        except Exception as error:  # noqa: BLE001  the client must get an answer: a 5xx, logged
            refusal = _failed(error, request)
        return await _refused(refusal, request), user

    async def _authorize(self, route: Route, request: Request) -> str:
        if self._parts.users is None or route.kind is Kind.HEALTH:
            return ""
        # The root asks for the password also where reading needs none: clients ask there, once,
        # whether they must log in, and would push without.
        writes = request.method not in _READING or route.kind in {
            Kind.ROOT,
            Kind.UPLOAD,
            Kind.UPLOADS,
        }
        authorization = request.headers.get("authorization", "")
        return await self._parts.users.authorize(authorization, writes=writes)

    async def _handle(self, route: Route, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if (route.kind, method) in _TOLD:
            return await self._tell(_TOLD[route.kind, method], route, request)
        if (route.kind, method) in _WITH_RULES:
            handler = _WITH_RULES[route.kind, method]
            return await handler(self._parts.store, route, request, self._parts.rules)
        if (route.kind, method) in _CHANGES:
            return await _CHANGES[route.kind, method](self._parts.store, route, request)
        if method == "GET" and route.kind is not Kind.UPLOADS:
            return self._get(route, request)
        raise RefusedError(405, "UNSUPPORTED", f"method {shorten(method)!r}: not for this endpoint")

    async def _tell(self, change: "_Told", route: Route, request: Request) -> Response:
        parts = self._parts
        response = await change(parts.store, route, request, parts.rules, parts.clock())
        if parts.notifier is not None:
            parts.notifier.wake()
        return response

    def _get(self, route: Route, request: Request) -> Response:
        store, pages = self._parts.store, self._parts.pages
        match route.kind:
            case Kind.MANIFEST:
                return pull.get_manifest(store, route, request)
            case Kind.BLOB:
                return pull.get_blob(store, route, request)
            case Kind.REFERRERS:
                return pull.list_referrers(store, route, request, pages.referrers)
            case Kind.TAGS:
                return pull.list_tags(store, route, request, pages.names)
            case Kind.CATALOG:
                return pull.list_repositories(store, route, request, pages.names)
            case _:
                return json_response({})  # the root and /healthz: being answered is the answer


_Told = Callable[[Store, Route, Request, PushRules, datetime], Awaitable[Response]]
_TOLD: dict[tuple[Kind, str], _Told] = {
    (Kind.MANIFEST, "PUT"): push.put_manifest,
    (Kind.MANIFEST, "DELETE"): push.delete_manifest,
}
"""Changes that events tell of."""

_WITH_RULES: dict[
    tuple[Kind, str], Callable[[Store, Route, Request, PushRules], Awaitable[Response]]
] = {
    (Kind.UPLOADS, "POST"): push.start_upload,
    (Kind.UPLOAD, "PATCH"): push.append_chunk,
    (Kind.UPLOAD, "PUT"): push.finish_upload,
}
_CHANGES: dict[tuple[Kind, str], Callable[[Store, Route, Request], Awaitable[Response]]] = {
    (Kind.UPLOAD, "GET"): push.upload_status,
    (Kind.UPLOAD, "DELETE"): push.cancel_upload,
    (Kind.BLOB, "DELETE"): push.delete_blob,
}


async def _refused(refusal: RefusedError, request: Request) -> Response:
    headers = (("Content-Type", "application/json"), *refusal.headers)
    if not await request.discard():
        headers = (*headers, ("Connection", "close"))  # what still comes is not read
    return Response(refusal.status, headers, render_refusal(refusal))


def _failed(error: Exception, request: Request) -> RefusedError:
    _log.error("request failed", path=shorten(request.path), exc_info=error)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return RefusedError(507, "UNKNOWN", "the registry's disk is full; free space, try again")
    if isinstance(error, ConfigurationError):
        return RefusedError(503, "UNKNOWN", "the registry's settings are unusable; see its log")
    return RefusedError(500, "UNKNOWN", "internal error; see the registry's log")


def _log_request(request: Request, status: int, user: str, started: float) -> None:
    _log.info(
        "request",
        method=shorten(request.method),
        path=request.path[:512],  # longest regular one: 255 of repository, 128 of digest, words
        status=status,
        duration_ms=round((time.perf_counter() - started) * 1000, 1),
        received_bytes=request.received_bytes,
        client=request.address,
        user=user,
        user_agent=shorten(request.headers.get("user-agent", "")),
    )
