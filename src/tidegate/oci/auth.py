"""Authorization for one registry: Basic, or tokens as in distribution's token specification.

Credentials go to the registry itself and to token servers that are named for it, over the same
protection; nowhere else, whatever an answer says (THREATS row 8). A token is asked for the scope
that we need, not for the one that the registry suggests.
"""

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import msgspec

from tidegate.domain.errors import (
    LimitExceededError,
    RegistryRefusesError,
    RegistryUnavailableError,
)
from tidegate.oci.challenge import Challenge, parse_challenges
from tidegate.oci.keychain import Credentials
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig, split_authority
from tidegate.oci.retry_after import parse_retry_after
from tidegate.oci.transport import Call, Headers, Transport
from tidegate.oci.urls import parse_named_url
from tidegate.wire.json_depth import json_depth

DEFAULT_TOKEN_S = 60
"""Life of a token whose server names none (distribution, "Token Authentication")."""

MAX_TOKEN_S = 3600
"""Longest that a token is believed to live."""

_TOKEN_CHARS = re.compile(r"[!-~]{1,65536}")


class _TokenAnswer(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float = DEFAULT_TOKEN_S


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    expires_at_s: float
    """On the client's own monotonic clock."""


class Authorizer:
    """Holds what one registry accepts; concurrent callers share one token request."""

    def __init__(
        self,
        registry: RegistryConfig,
        transport: Transport,
        limits: RegistryLimits,
        clock: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._transport = transport
        self._limits = limits
        self._clock = clock
        self._basic = ""
        self._given: Credentials | None = None
        """By the keychain, last."""
        self._tokens: dict[str, _Token] = {}
        self._pending: dict[str, asyncio.Task[str]] = {}

    def held(self, scope: str) -> str:
        """Return the Authorization to send for `scope`, or nothing."""
        token = self._tokens.get(scope)
        if token is not None and self._clock() < token.expires_at_s:
            return token.header
        return self._basic

    async def authorize(self, what: str, scope: str, challenge: str, stale: str) -> str:
        """Return the Authorization that `challenge` asks for; `stale` was just refused.

        Raises:
            RegistryUnavailableError: no known way, no credentials, or they may not go there.
        """
        offered = {each.scheme: each for each in reversed(parse_challenges(challenge))}
        if "bearer" in offered:
            return await self._token(what, scope, offered["bearer"], stale)
        if "basic" in offered:
            return await self._answer_basic(what, stale)
        raise RegistryRefusesError(
            f"{what}: HTTP 401 without a challenge that is understood here; want Basic or Bearer"
        )

    async def aclose(self) -> None:
        """Give up what is being asked for."""
        for task in self._pending.values():
            task.cancel()
        await asyncio.gather(*self._pending.values(), return_exceptions=True)

    async def _answer_basic(self, what: str, stale: str) -> str:
        credentials = await self._credentials(stale)
        if credentials is None:
            raise RegistryRefusesError(
                f"{what}: HTTP 401, and no credentials are configured for {self._registry.host}"
            )
        basic = _basic_header(credentials)
        if stale == basic:
            self._basic = ""
            raise RegistryRefusesError(f"{what}: HTTP 401, the configured password is refused")
        self._basic = basic
        return basic

    async def _credentials(self, stale: str) -> Credentials | None:
        registry, keychain = self._registry, self._registry.keychain
        if keychain is not None:
            given = self._given
            refused = given is not None and stale == _basic_header(given)
            self._given = await keychain.credentials(given if refused else None)
            return self._given
        if not registry.username:
            return None
        return Credentials(registry.username, registry.password)

    async def _token(self, what: str, scope: str, challenge: Challenge, stale: str) -> str:
        held = self.held(scope)
        if held and held != stale:
            return held  # somebody else renewed it meanwhile
        self._tokens.pop(scope, None)
        pending = self._pending.get(scope)
        if pending is None:
            url = token_url(self._registry, challenge, scope, what)
            pending = asyncio.create_task(self._fetch_token(scope, url))
            self._pending[scope] = pending
            pending.add_done_callback(lambda task: self._forget(scope, task))
        # The shield matters: the first caller's deadline must not fail everybody else's read.
        return await asyncio.shield(pending)

    def _forget(self, scope: str, task: asyncio.Task[str]) -> None:
        self._pending.pop(scope, None)
        if not task.cancelled():
            task.exception()  # its waiters may all be gone; asyncio wants it looked at

    async def _fetch_token(self, scope: str, url: str) -> str:
        what = f"asking the token server {urlsplit(url).netloc} of registry {self._registry.host}"
        credentials = await self._credentials("")
        try:
            body = await self._read(_token_call(what, url, credentials))
        except RegistryRefusesError:
            fresh = None
            if credentials is not None and self._registry.keychain is not None:
                fresh = await self._credentials(_basic_header(credentials))
            if fresh is None or fresh == credentials:
                raise
            body = await self._read(_token_call(what, url, fresh))
        token = _parse_token(what, body)
        now_s = self._clock()
        life_s = min(max(token.expires_in, DEFAULT_TOKEN_S), MAX_TOKEN_S)
        header = f"Bearer {token.token or token.access_token}"
        self._tokens = {k: t for k, t in self._tokens.items() if now_s < t.expires_at_s}
        # A tenth early, so that it does not run out on the way.
        self._tokens[scope] = _Token(header, now_s + life_s * 0.9)
        return header

    async def _read(self, call: Call) -> bytes:
        timeout_s = self._limits.read_timeout_s
        try:
            async with asyncio.timeout(timeout_s), self._transport.open(call, timeout_s) as answer:
                if answer.status != 200:
                    refused = answer.status in {401, 403}
                    raise (RegistryRefusesError if refused else RegistryUnavailableError)(
                        f"{call.what}: HTTP {answer.status}, want 200; check the credentials",
                        rate_limited=answer.status == 429,
                        retry_after_s=parse_retry_after(answer.headers),
                    )
                return await answer.read(self._limits.max_token_bytes)
        except TimeoutError as error:
            raise RegistryUnavailableError(
                f"{call.what}: no whole answer within {timeout_s:g} s"
            ) from error


def token_url(registry: RegistryConfig, challenge: Challenge, scope: str, what: str) -> str:
    """Return the URL at which `challenge` hands out tokens for `scope`.

    Raises:
        RegistryUnavailableError: it names a server that may not see this registry's credentials.
    """
    realm = challenge.parameters.get("realm", "")
    if not _may_see_credentials(registry, realm):
        named = _authority_of(realm)
        raise RegistryUnavailableError(
            f"{what}: registry {registry.host} names the token server {named!r}, which is not its "
            "own; no credentials go there. If it is right, add its host to token_realms"
        )
    query = [("scope", scope)]
    if "service" in challenge.parameters:
        query.insert(0, ("service", challenge.parameters["service"]))
    return f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"


def _may_see_credentials(registry: RegistryConfig, realm: str) -> bool:
    parts = parse_named_url(realm)
    if parts is None or "#" in realm:
        return False
    allowed = {split_authority(name, parts.scheme) for name in registry.realm_authorities}
    protected = parts.scheme == "https" or registry.plain_http
    return protected and split_authority(parts.netloc, parts.scheme) in allowed


def _authority_of(realm: str) -> str:
    parts = parse_named_url(realm)
    return parts.netloc[:253] if parts is not None else ""  # RFC 1035 section 2.3.4


def _token_call(what: str, url: str, credentials: Credentials | None) -> Call:
    headers: Headers = (("Accept", "application/json"),)
    if credentials is not None:
        headers += (("Authorization", _basic_header(credentials)),)
    return Call(what, "GET", url, headers)


def _basic_header(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _parse_token(what: str, body: bytes) -> _TokenAnswer:
    try:
        if json_depth(body) > 8:  # a token's answer is flat
            raise LimitExceededError(f"{what}: nested deeper than 8 levels")
        answer = _TOKEN_DECODER.decode(body)
    except msgspec.MsgspecError as error:
        raise RegistryUnavailableError(f"{what}: {error}; want a token in JSON") from error
    if _TOKEN_CHARS.fullmatch(answer.token or answer.access_token) is None:
        raise RegistryUnavailableError(f"{what}: no token in the answer; want one")
    return answer


_TOKEN_DECODER = msgspec.json.Decoder(_TokenAnswer)
