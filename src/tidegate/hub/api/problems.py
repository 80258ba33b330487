"""Errors as RFC 9457 problem details: every answer that is no success has this form."""

import math
import re
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap

from tidegate.domain.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    NotPermittedError,
    OverloadedError,
    PasswordChangeNeededError,
    PreconditionFailedError,
    PreconditionRequiredError,
    RateLimitedError,
    ReauthenticationNeededError,
    UnavailableError,
)
from tidegate.hub.api.access import UnknownCallerError
from tidegate.wire.hub_v1 import ProblemV1

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (UnknownCallerError, 401),
    (NotPermittedError, 403),
    (NotFoundError, 404),
    (PreconditionFailedError, 412),
    (ConflictError, 409),
    (PreconditionRequiredError, 428),
    (InputError, 400),
    (RateLimitedError, 429),
    (UnavailableError, 503),
)
"""First match wins, so the narrower error stands before the wider one."""

_TYPES: dict[type[Exception], str] = {
    PasswordChangeNeededError: "urn:tidegate:problem:password-change-needed",
    ReauthenticationNeededError: "urn:tidegate:problem:reauthentication-needed",
}
"""What a client does something about by itself has a type of its own."""

_PATH = re.compile(r" - at `\$\.?([^`]{0,200})`$")
"""How msgspec says where in the body it was."""

_log = structlog.get_logger()


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the description of these refusals, and of those of every call, for OpenAPI."""
    return {
        status: ResponseSpec(
            ProblemV1,
            generate_examples=False,
            description=HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
        )
        for status in (400, 401, 403, *statuses)
    }


def _problem(
    status: int, detail: str, field: str = "", headers: dict[str, str] | None = None
) -> Response[ProblemV1]:
    problem = ProblemV1(HTTPStatus(status).phrase, status, detail, field=field)
    return Response(problem, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _on_refusal(
    _: Request[Any, Any, Any], error: InputError | UnavailableError
) -> Response[ProblemV1]:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, RateLimitedError | OverloadedError):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    field = error.field if isinstance(error, InputError) else ""
    answer = _problem(status, str(error), field, headers=headers)
    answer.content.type = _TYPES.get(type(error), answer.content.type)
    return answer


def _on_invalid(_: Request[Any, Any, Any], error: ValidationException) -> Response[ProblemV1]:
    extra = error.extra if isinstance(error.extra, list) and error.extra else [{}]
    first = extra[0] if isinstance(extra[0], dict) else {}
    message = str(first.get("message", error.detail))
    key = str(first.get("key", ""))
    found = _PATH.search(message)
    if found is not None:
        message = message[: found.start()]
        key = found[1]
    field = key.removeprefix("data.").removeprefix("data")
    return _problem(400, message or error.detail, field)


def _on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[ProblemV1]:
    headers = {k: v for k, v in (error.headers or {}).items() if k.lower() == "allow"}
    return _problem(error.status_code, error.detail, headers=headers)


def _on_deep(_: Request[Any, Any, Any], __: RecursionError) -> Response[ProblemV1]:
    return _problem(400, "the body is nested deeper than anything this API reads")


def _on_fault(request: Request[Any, Any, Any], error: Exception) -> Response[ProblemV1]:
    _log.error("a request failed", method=request.method, path=request.url.path, exc_info=error)
    return _problem(500, "the hub failed at this; its log says why")


HANDLERS: ExceptionHandlersMap = {
    InputError: _on_refusal,
    UnavailableError: _on_refusal,
    ValidationException: _on_invalid,
    HTTPException: _on_http,
    RecursionError: _on_deep,
    Exception: _on_fault,
}
