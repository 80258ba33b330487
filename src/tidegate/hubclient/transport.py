"""One HTTP exchange with the hub: bounded, typed, and with the hub's own words when it refuses."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import TypeVar

import httpx2
import msgspec

from tidegate.domain.errors import (
    ConflictError,
    HubUnavailableError,
    InputError,
    LimitExceededError,
    NotFoundError,
    NotPermittedError,
    PreconditionFailedError,
    PreconditionRequiredError,
)
from tidegate.wire.hub_v1 import Page, ProblemV1

T = TypeVar("T")
Params = Mapping[str, str | int | float | None]

MAX_ANSWER_BYTES = 64 * 2**20
"""Largest answer read; a page of 500 events with all their findings stays below."""

MAX_LINE_BYTES = 4 * 2**20
"""Longest line of a stream; the hub keeps an event below an eighth of that."""

PAGE_SIZE = 200

_JSON, _OCTETS = "application/json", "application/octet-stream"

_ERRORS: dict[int, type[InputError]] = {
    401: NotPermittedError,
    403: NotPermittedError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    428: PreconditionRequiredError,
}


class Transport:
    """Sends requests with the token and turns refusals into errors; retries nothing."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = 10,
        http: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._client = httpx2.AsyncClient(
            base_url=f"{self.url}/api/v1/",
            headers={
                "Accept-Encoding": "identity",
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
            timeout=timeout_s,
            follow_redirects=False,  # the token is for this host alone
            transport=http,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: msgspec.Struct | bytes | None = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        wait_s: float = 0,
    ) -> tuple[int, bytes]:
        """Return status (below 400) and body of the answer; `wait_s` adds to the time allowed.

        A `body` of bytes is sent as they are, any other as JSON.

        Raises:
            HubUnavailableError: no answer, or one that says to try again later.
            InputError: the hub refuses; the message is its own.
        """
        is_json = isinstance(body, msgspec.Struct)
        sent = msgspec.json.encode(body) if isinstance(body, msgspec.Struct) else body
        request = self._client.build_request(
            method,
            path,
            params={k: v for k, v in (params or {}).items() if v not in (None, "")},
            headers={
                **(headers or {}),
                **({} if sent is None else {"Content-Type": _JSON if is_json else _OCTETS}),
            },
            content=sent,
            timeout=self._timeout_s + wait_s,
        )
        async with self._send(request) as response:
            answer = await self._read(response)
        if response.status_code >= 400:
            raise self._refusal(request, response.status_code, answer)
        return response.status_code, answer

    async def get(self, path: str, answer: type[T], params: Params | None = None) -> T:
        """Return the decoded answer to a GET."""
        _, body = await self.call("GET", path, params=params)
        return self.decode(body, answer)

    async def post(self, path: str, body: msgspec.Struct | None, answer: type[T]) -> T:
        """Return the decoded answer to a POST."""
        _, content = await self.call("POST", path, body=body)
        return self.decode(content, answer)

    async def list_all(self, path: str, item: type[T], params: Params | None = None) -> list[T]:
        """Return the items of all pages of a list."""
        items: list[T] = []
        cursor: str | None = ""
        while cursor is not None:
            asked = {**(params or {}), "cursor": cursor, "limit": PAGE_SIZE}
            _, body = await self.call("GET", path, params=asked)
            page = self.decode(body, Page[item])  # type: ignore[valid-type]  # a generic struct is parametrised at run time here
            items += page.items
            cursor = page.next
        return items

    def speak_in_session(self, csrf_token: str) -> None:
        """Send what a page of the hub sends in the session whose cookie came with an answer.

        Raises:
            InputError: the hub keeps the cookie to TLS, and this is no TLS.
        """
        secure = any(cookie.secure for cookie in self._client.cookies.jar)
        if secure and not self.url.startswith("https://"):
            raise InputError(
                f"hub {self.url}: sessions are for TLS alone; give the hub's https:// address"
            )
        self._client.headers["X-Tidegate-CSRF"] = csrf_token

    def decode(self, body: bytes, answer: type[T]) -> T:
        """Return `body` as `answer`.

        Raises:
            HubUnavailableError: the answer is not of this form: not this API.
        """
        try:
            return msgspec.json.decode(body, type=answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise HubUnavailableError(
                f"hub {self.url}: the answer cannot be read ({error}); "
                "is this the address of a Tidegate hub of this version?"
            ) from error

    async def lines(
        self, path: str, params: Params, headers: Mapping[str, str], silence_s: float
    ) -> AsyncIterator[bytes]:
        """Yield the lines of a streamed answer; more than `silence_s` without one is a failure."""
        request = self._client.build_request(
            "GET",
            path,
            params={k: v for k, v in params.items() if v not in (None, "")},
            headers={**headers, "Accept": "text/event-stream"},
            timeout=httpx2.Timeout(self._timeout_s, read=silence_s),
        )
        async with self._send(request) as response:
            if response.status_code >= 400:
                raise self._refusal(request, response.status_code, await self._read(response))
            rest = b""
            async for chunk in response.aiter_bytes():
                # Not `aiter_lines`: it also ends lines at U+2028 and others that JSON leaves as
                # they are, so a name from outside could break an event in two.
                *whole, rest = (rest + chunk).split(b"\n")
                if len(rest) > MAX_LINE_BYTES:
                    raise LimitExceededError(
                        f"hub {self.url}: a line of more than {MAX_LINE_BYTES} bytes"
                    )
                for line in whole:
                    yield line.removesuffix(b"\r")

    async def octets(self, path: str, begin: int, silence_s: float) -> AsyncGenerator[bytes]:
        """Yield the octets of an answer from `begin` on, as they come (RFC 9110, section 14)."""
        request = self._client.build_request(
            "GET",
            path,
            headers={"Range": f"bytes={begin}-"} if begin else {},
            timeout=httpx2.Timeout(self._timeout_s, read=silence_s),
        )
        async with self._send(request) as response:
            if response.status_code >= 400:
                raise self._refusal(request, response.status_code, await self._read(response))
            if begin and response.status_code != 206:
                raise HubUnavailableError(
                    f"hub {self.url}: does not go on where {path} was interrupted"
                )
            async for chunk in response.aiter_bytes():
                yield chunk

    @contextlib.asynccontextmanager
    async def _send(self, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
        try:
            response = await self._client.send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx2.RequestError as error:
            why = str(error) or type(error).__name__
            raise HubUnavailableError(
                f"hub {self.url}: no answer to {request.method} {request.url.path} ({why})"
            ) from error

    async def _read(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise LimitExceededError(
                    f"hub {self.url}: an answer of more than {MAX_ANSWER_BYTES} bytes; "
                    "ask for smaller pages"
                )
        return bytes(body)

    def _refusal(
        self, request: httpx2.Request, status: int, body: bytes
    ) -> HubUnavailableError | InputError:
        try:
            problem = msgspec.json.decode(body, type=ProblemV1)
            said = f"{problem.field}: {problem.detail}" if problem.field else problem.detail
        except (msgspec.MsgspecError, UnicodeDecodeError):
            said = f"HTTP {status} to {request.method} {request.url.path}, without an explanation"
        if status == 429 or status >= 500:
            return HubUnavailableError(f"hub {self.url}: {said}")
        return _ERRORS.get(status, InputError)(said)
