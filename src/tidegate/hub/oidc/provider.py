"""The OpenID provider: where it is, with which keys it signs, its word on who signs in."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tidegate.domain.errors import ProviderUnavailableError
from tidegate.hub.oidc.fetch import Fetcher
from tidegate.hub.oidc.flow import Flow, Seal
from tidegate.hub.oidc.id_token import Identity, verify
from tidegate.hub.sign_in_settings import OidcSettings

KEEP = timedelta(minutes=10)
"""How long discovery and keys are believed."""
RENEW_AT_MOST_EVERY = timedelta(seconds=30)
"""A token of an unknown key has the keys fetched anew, but strangers' tokens no flood of it."""

T = TypeVar("T")


class Metadata(msgspec.Struct):
    """OpenID Connect Discovery 1.0, section 3: the part that is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class TokenAnswer(msgspec.Struct):
    """The token endpoint's answer: the part that is used."""

    id_token: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What the browser brought back from the provider."""

    code: str
    issuer: str


class Provider:
    """One provider, by its settings."""

    def __init__(self, settings: OidcSettings, public_url: str) -> None:
        self.settings = settings
        self.seal = Seal(settings.client_secret())
        self._redirect_uri = f"{public_url}/api/v1/session/oidc/callback"
        self._fetcher = Fetcher(settings)
        self._lock = asyncio.Lock()
        self._metadata: tuple[datetime, Metadata] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    async def authorization_url(self, flow: Flow, now: datetime, *, fresh: bool) -> str:
        """Return where the browser is sent to sign in; `fresh`: even who is signed in there.

        Raises:
            ProviderUnavailableError: the provider cannot be asked where that is.
        """
        metadata = await self._discover(now)
        parameters = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid profile email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if fresh else {}),
        }
        separator = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{separator}{urlencode(parameters)}"

    async def redeem(self, flow: Flow, returned: Returned, now: Callable[[], datetime]) -> Identity:
        """Return who signed in.

        Raises:
            ProviderUnavailableError: the provider does not answer, or not with an ID token.
            UntrustedTokenError: the ID token does not prove it.
        """
        metadata = await self._discover(now())
        missing = metadata.authorization_response_iss_parameter_supported and not returned.issuer
        if missing or returned.issuer not in ("", self.settings.issuer):  # RFC 9207, section 2.4
            raise ProviderUnavailableError("the sign-in came back from another provider")
        form, headers = self._authenticated(
            metadata,
            {
                "grant_type": "authorization_code",
                "code": returned.code,
                "redirect_uri": self._redirect_uri,
                "code_verifier": flow.verifier,
            },
        )
        answer = await self._fetcher.post(
            "redeeming the code", metadata.token_endpoint, form, headers
        )
        token = _convert("the token endpoint's answer", answer, TokenAnswer).id_token
        keys = await self._keys_for(token, metadata, now())
        return verify(token, keys, self.settings, flow.nonce, now())

    async def aclose(self) -> None:
        """Close every connection."""
        await self._fetcher.aclose()

    async def _discover(self, now: datetime) -> Metadata:
        async with self._lock:
            if self._metadata is not None and now - self._metadata[0] < KEEP:
                return self._metadata[1]
            url = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            answer = await self._fetcher.get("asking the provider for its configuration", url)
            found = _convert("the provider's configuration", answer, Metadata)
            if found.issuer != self.settings.issuer:
                raise ProviderUnavailableError(
                    "the provider's configuration names another issuer than "
                    f"TIDEGATE_HUB_OIDC_ISSUER, {self.settings.issuer!r}; they must be equal"
                )
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                self._fetcher.require_endpoint(name, getattr(found, name))
            self._metadata = now, found
            return found

    async def _keys_for(self, token: str, metadata: Metadata, now: datetime) -> KeySet:
        key_id = _key_id(token)
        async with self._lock:
            if self._keys is not None:
                fetched_at, keys = self._keys
                age = now - fetched_at
                known = any(key.kid == key_id for key in keys.keys)
                if age < (KEEP if known else RENEW_AT_MOST_EVERY):
                    return keys
            answer = await self._fetcher.get("asking the provider for its keys", metadata.jwks_uri)
            self._keys = now, _key_set(answer)
            return self._keys[1]

    def _authenticated(
        self, metadata: Metadata, form: dict[str, str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return form and headers with which the client proves who it is."""
        client_id, secret = self.settings.client_id, self.settings.client_secret()
        if not secret:
            return {**form, "client_id": client_id}, {}
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, section 2.3.1: both are form-encoded first.
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
            return form, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        return {**form, "client_id": client_id, "client_secret": secret}, {}


def _key_id(token: str) -> str:
    try:
        return str(jws.extract_compact(token.encode()).headers().get("kid", ""))
    except (JoseError, ValueError):
        return ""  # the verification says what is wrong


def _key_set(answer: dict[str, Any]) -> KeySet:
    try:
        return KeySet.import_key_set(answer)  # type: ignore[arg-type]  # checked by the import
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ProviderUnavailableError("the provider's keys cannot be read") from error


def _convert(what: str, answer: dict[str, Any], form: type[T]) -> T:
    try:
        return msgspec.convert(answer, form)
    except msgspec.ValidationError as error:
        raise ProviderUnavailableError(f"{what} is not of the form wanted: {error}") from error
