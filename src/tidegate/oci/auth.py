"""Authorization for one registry: Basic, or tokens as in distribution's token specification.

Credentials go to the registry itself and to token servers that are named for it, over the same
protection; nowhere else, whatever an answer says (THREATS row 8). A token is asked for the scope
that we need, not for the one that the registry suggests.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from tidegate.domain.errors import RegistryRefusesError, RegistryUnavailableError
from tidegate.oci.challenge import Challenge, parse_challenges
from tidegate.oci.keychain import Credentials
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.retry_after import parse_retry_after
from tidegate.oci.token_server import (
    TokenServer,
    basic_header,
    parse_token,
    token_call,
    token_server,
)
from tidegate.oci.transport import AWAY, Call, Transport

MAX_HELD = 10_000
"""Repositories whose credentials are held; beyond, they are asked for again."""


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
        self._basic: dict[str, str] = {}
        """By repository; by the empty one what is good for all of them."""
        self._given: dict[str, Credentials] = {}
        """By the keychain, by what tells them apart."""
        self._tokens: dict[str, _Token] = {}
        self._pending: dict[str, asyncio.Task[str]] = {}

    def held(self, scope: str) -> str:
        """Return the Authorization to send for `scope`, or nothing."""
        token = self._tokens.get(scope)
        if token is not None and self._clock() < token.expires_at_s:
            return token.header
        return self._basic.get(_repository_of(scope)) or self._basic.get("", "")

    async def authorize(self, what: str, scope: str, challenge: str, stale: str) -> str:
        """Return the Authorization that `challenge` asks for; `stale` was just refused.

        Raises:
            RegistryUnavailableError: no known way, no credentials, or they may not go there.
        """
        offered = {each.scheme: each for each in reversed(parse_challenges(challenge))}
        if "bearer" in offered:
            return await self._token(what, scope, offered["bearer"], stale)
        if "basic" in offered:
            return await self._answer_basic(what, _repository_of(scope), stale)
        raise RegistryRefusesError(
            f"{what}: HTTP 401 without a challenge that is understood here; want Basic or Bearer"
        )

    async def aclose(self) -> None:
        """Give up what is being asked for."""
        for task in self._pending.values():
            task.cancel()
        await asyncio.gather(*self._pending.values(), return_exceptions=True)

    async def _answer_basic(self, what: str, repository: str, stale: str) -> str:
        credentials = await self._credentials(repository, stale)
        if credentials is None:
            raise RegistryRefusesError(
                f"{what}: HTTP 401, and no credentials are configured for {self._registry.host}"
            )
        if credentials.identity_token:
            raise RegistryRefusesError(
                f"{what}: HTTP 401 that asks for a password, and the credentials configured for "
                f"{self._registry.host} are an identity token, which only token servers take"
            )
        place = "" if credentials.shared else repository
        basic = basic_header(credentials)
        if stale == basic:
            self._basic.pop(place, None)
            raise RegistryRefusesError(f"{what}: HTTP 401, the configured password is refused")
        if not credentials.shared:
            self._basic.pop("", None)  # of before there were some for each repository
        if len(self._basic) >= MAX_HELD:
            self._basic.clear()
        self._basic[place] = basic
        return basic

    async def _credentials(self, repository: str, stale: str) -> Credentials | None:
        registry, keychain = self._registry, self._registry.keychain
        if keychain is not None:
            found = await keychain.credentials(self._given.get(stale), repository)
            if len(self._given) >= MAX_HELD:
                self._given.clear()
            if found is not None:
                self._given[secret_of(found)] = found
            return found
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
            server = token_server(self._registry, challenge, scope, what)
            pending = asyncio.create_task(self._fetch_token(scope, server))
            self._pending[scope] = pending
            pending.add_done_callback(lambda task: self._forget(scope, task))
        # The shield matters: the first caller's deadline must not fail everybody else's read.
        return await asyncio.shield(pending)

    def _forget(self, scope: str, task: asyncio.Task[str]) -> None:
        self._pending.pop(scope, None)
        if not task.cancelled():
            task.exception()  # its waiters may all be gone; asyncio wants it looked at

    async def _fetch_token(self, scope: str, server: TokenServer) -> str:
        what = f"asking the token server {server.authority} of registry {self._registry.host}"
        repository = _repository_of(scope)
        credentials = await self._credentials(repository, "")
        try:
            body = await self._read(token_call(what, server, credentials))
        except RegistryRefusesError:
            fresh = None
            if credentials is not None and self._registry.keychain is not None:
                fresh = await self._credentials(repository, secret_of(credentials))
            if fresh is None or fresh == credentials:
                raise
            body = await self._read(token_call(what, server, fresh))
        token = parse_token(what, body)
        now_s = self._clock()
        header = f"Bearer {token.text}"
        self._tokens = {k: t for k, t in self._tokens.items() if now_s < t.expires_at_s}
        # A tenth early, so that it does not run out on the way.
        self._tokens[scope] = _Token(header, now_s + token.life_s * 0.9)
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
                        away=answer.status in AWAY,
                    )
                return await answer.read(self._limits.max_token_bytes)
        except TimeoutError as error:
            raise RegistryUnavailableError(
                f"{call.what}: no whole answer within {timeout_s:g} s", away=True
            ) from error


def secret_of(credentials: Credentials) -> str:
    """Return what tells one set of credentials from the next."""
    return credentials.identity_token or basic_header(credentials)


def _repository_of(scope: str) -> str:
    """Return the repository of `repository:NAME:pull`, empty for any other scope."""
    kind, _, rest = scope.partition(":")
    return rest.rpartition(":")[0] if kind == "repository" else ""
