"""One review by the gate, asked as the API server asks, over TLS with the direct token."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from tidegate.domain.errors import (
    ConfigurationError,
    InputError,
    LimitExceededError,
    NotPermittedError,
    UnavailableError,
)

TIMEOUT_S = 10.0
"""`timeoutSeconds` of the webhook (PRODUCT, "Failure behaviour")."""

MAX_ANSWER_BYTES = 2**20
"""A message and fifteen warnings are a few kilobytes."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the gate is, and what proves who is who."""

    url: str
    ca_file: Path
    token_file: Path


class Status(msgspec.Struct):
    """Why a request is not allowed."""

    message: str = ""
    reason: str = ""


class Response(msgspec.Struct):
    """The gate's answer."""

    uid: str
    allowed: bool
    status: Status | None = None
    warnings: list[str] = []


class _Review(msgspec.Struct):
    response: Response


def ask_gate(gate: Gate, review: dict[str, Any]) -> Response:
    """Return the gate's answer to `review`.

    Raises:
        UnavailableError: no answer, or none that can be read.
        NotPermittedError: the gate does not know the token.
        ConfigurationError: the token or the certificate authority cannot be read, or the gate
            answers no direct reviews.
    """
    token = _read(gate.token_file).decode(errors="replace").strip()
    url = f"{gate.url.rstrip('/')}/direct?timeout={TIMEOUT_S:g}s"
    body = msgspec.json.encode(review)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        context = ssl.create_default_context(cadata=_read(gate.ca_file).decode("ascii"))
        with (
            httpx2.Client(verify=context, timeout=TIMEOUT_S, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            return _response(gate.url, answer.status_code, _body(answer), review["request"]["uid"])
    except httpx2.TransportError as error:
        why = str(error) or type(error).__name__
        raise UnavailableError(
            f"gate {gate.url}: no answer ({why}); is `tidegate up` running?"
        ) from error
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{gate.ca_file}: no certificate in PEM ({error})") from error


def _response(url: str, status: int, body: bytes, uid: str) -> Response:
    said = body[:500].decode(errors="replace")
    match status:
        case 200:
            pass
        case 400 | 413:
            raise InputError(f"gate {url}: refuses the review: {said}")
        case 401 | 403:
            raise NotPermittedError(f"gate {url}: does not know the direct token: {said}")
        case 404:
            raise ConfigurationError(f"gate {url}: takes no direct reviews: {said}")
        case _:
            raise UnavailableError(f"gate {url}: HTTP {status}, want 200: {said}")
    try:
        response = msgspec.json.decode(body, type=_Review).response
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnavailableError(f"gate {url}: the answer cannot be read ({error})") from error
    if response.uid != uid:
        raise UnavailableError(f"gate {url}: answers {response.uid!r}, want {uid!r}")
    return response


def _body(answer: httpx2.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise LimitExceededError(f"gate: an answer of more than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); is this the data folder of a running "
            "`tidegate up`?"
        ) from error
