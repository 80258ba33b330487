"""What every question to one registry has in common: authorization, time, redirects, refusals."""

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from tidegate.domain.errors import RegistryRefusesError, RegistryUnavailableError
from tidegate.oci.auth import Authorizer
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.retry_after import parse_retry_after
from tidegate.oci.traffic import Traffic
from tidegate.oci.transport import AWAY, Answer, Call, Headers, Transport
from tidegate.oci.urls import parse_named_url

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CODE = re.compile(rb'"code"\s*:\s*"([A-Z_]{1,40})"')


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a registry."""

    what: str
    method: str
    path: str
    """From `/v2/` on, with its query."""
    scope: str
    """distribution, "Token Scope Documentation": `repository:app:pull`."""
    wanted: tuple[int, ...] = (200,)
    """Answers that settle the question; any other is an error."""
    headers: Headers = ()
    body: bytes | AsyncIterable[bytes] = b""
    body_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Session:
    """One configured registry."""

    def __init__(
        self,
        registry: RegistryConfig,
        limits: RegistryLimits,
        clock: Callable[[], float],
        traffic: Traffic | None = None,
    ) -> None:
        self.registry = registry
        self.limits = limits
        self.traffic = traffic
        """Who says when to ask; None: at any time."""
        self._transport = Transport(registry, limits)
        self._auth = Authorizer(registry, self._transport, limits, clock)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._auth.aclose()
        await self._transport.aclose()

    async def read(self, ask: Ask, max_bytes: int) -> Reply:
        """Return the answer to `ask`, within the time of one read or one write.

        Raises:
            RegistryUnavailableError: no answer, or none that was wanted.
            LimitExceededError: more than `max_bytes`.
        """
        reads = ask.method in {"GET", "HEAD"}
        timeout_s = self.limits.read_timeout_s if reads else self.limits.write_timeout_s
        async with self.turn(ask.what, timeout_s), self.open(ask, timeout_s) as answer:
            body = await (answer.read(max_bytes) if answer.status < 400 else answer.drain())
            return Reply(answer.status, answer.headers, body)

    @asynccontextmanager
    async def turn(self, what: str, timeout_s: float) -> AsyncIterator[None]:
        """Bound a block to `timeout_s` once it is its turn; the wait for that is no part of it."""
        if self.traffic is None:
            async with self.within(what, timeout_s):
                yield
        else:
            async with self.traffic.turn(what), self.within(what, timeout_s):
                yield

    @asynccontextmanager
    async def within(self, what: str, timeout_s: float) -> AsyncIterator[None]:
        """Bound a block to `timeout_s`; past it, the registry counts as unavailable."""
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError as error:
            raise RegistryUnavailableError(
                f"{what}: no whole answer within {timeout_s:g} s", away=True
            ) from error

    @asynccontextmanager
    async def open(self, ask: Ask, idle_s: float) -> AsyncIterator[Answer]:
        """Ask with what authorization is held, once more with new one if that is refused."""
        held = self._auth.held(ask.scope)
        async with self._transport.open(self._call(ask, held), idle_s) as answer:
            if answer.status != 401:
                await _require_wanted(ask, answer)
                yield answer
                return
            challenge = answer.headers.get("www-authenticate", "")
            await answer.drain()
        fresh = await self._auth.authorize(ask.what, ask.scope, challenge, held)
        async with self._transport.open(self._call(ask, fresh), idle_s) as answer:
            await _require_wanted(ask, answer)
            yield answer

    @asynccontextmanager
    async def open_following(self, ask: Ask, idle_s: float) -> AsyncIterator[Answer]:
        """Ask, following redirects; authorization stays with the registry (THREATS row 8)."""
        url = f"{self.registry.origin}{ask.path}"
        first = replace(ask, wanted=(*ask.wanted, *sorted(_REDIRECTS)))
        async with self.open(first, idle_s) as answer:
            if answer.status not in _REDIRECTS:
                yield answer
                return
            url = self._target(ask.what, url, answer)
            await answer.drain()
        for _ in range(self.limits.max_redirects):
            call = self._redirected(ask, url)
            async with self._transport.open(call, idle_s) as answer:
                if answer.status not in _REDIRECTS:
                    await _require_wanted(replace(ask, what=call.what), answer)
                    yield answer
                    return
                url = self._target(ask.what, url, answer)
                await answer.drain()
        raise RegistryUnavailableError(
            f"{ask.what}: more than {self.limits.max_redirects} redirects, want fewer"
        )

    def _call(self, ask: Ask, authorization: str) -> Call:
        headers = ask.headers
        if authorization:
            headers += (("Authorization", authorization),)
        url = f"{self.registry.origin}{ask.path}"
        return Call(ask.what, ask.method, url, headers, ask.body, ask.body_bytes)

    def _redirected(self, ask: Ask, url: str) -> Call:
        parts = urlsplit(url)
        headers = ask.headers
        held = self._auth.held(ask.scope)
        if held and f"{parts.scheme}://{parts.netloc}" == self.registry.origin:
            headers += (("Authorization", held),)
        return Call(f"{ask.what} from {parts.netloc}", ask.method, url, headers)

    def _target(self, what: str, url: str, answer: Answer) -> str:
        target = parse_named_url(answer.headers.get("location", ""), url)
        schemes = {"https", self.registry.scheme}
        if target is None or target.scheme not in schemes:
            raise RegistryUnavailableError(
                f"{what}: redirected to what is no URL with {' or '.join(sorted(schemes))}; "
                "not followed"
            )
        return target.geturl()


async def _require_wanted(ask: Ask, answer: Answer) -> None:
    if answer.status in ask.wanted:
        return
    codes = sorted({code.decode() for code in _CODE.findall(await answer.drain())})
    came = f"HTTP {answer.status}" + (f" ({', '.join(codes[:3])})" if codes else "")
    wanted = " or ".join(map(str, ask.wanted))
    refused = answer.status in {401, 403}
    raise (RegistryRefusesError if refused else RegistryUnavailableError)(
        f"{ask.what}: {came}, want {wanted}{_advice(answer)}",
        rate_limited=answer.status == 429,
        retry_after_s=parse_retry_after(answer.headers),
        away=answer.status in AWAY,
    )


def _advice(answer: Answer) -> str:
    if answer.status in {401, 403}:
        return "; check the credentials configured for this registry and their rights"
    if answer.status == 429:
        return "; it asks for a pause, try again later or configure credentials"
    if answer.status in _REDIRECTS:
        return "; redirects are followed for blobs only, configure the registry's own endpoint"
    return ""
