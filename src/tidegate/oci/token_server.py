"""Token servers: who may be asked, what they are asked, and what they answer. Pure.

distribution, "Token Authentication" (GET with Basic) and "OAuth2 Token Authentication" (POST with a
refresh token, which Docker configurations call an identity token).
"""

import base64
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import msgspec

from tidegate.domain.errors import LimitExceededError, RegistryUnavailableError
from tidegate.oci.challenge import Challenge
from tidegate.oci.keychain import Credentials
from tidegate.oci.registries import RegistryConfig, split_authority
from tidegate.oci.transport import Call, Headers
from tidegate.oci.urls import parse_named_url
from tidegate.wire.json_depth import json_depth

DEFAULT_TOKEN_S = 60
"""Life of a token whose server names none (distribution, "Token Authentication")."""

MAX_TOKEN_S = 3600
"""Longest that a token is believed to live."""

CLIENT_ID = "tidegate"
_TOKEN_CHARS = re.compile(r"[!-~]{1,65536}")


class _TokenAnswer(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float = DEFAULT_TOKEN_S


@dataclass(frozen=True, slots=True)
class Token:
    """What a token server gave."""

    text: str
    life_s: float


@dataclass(frozen=True, slots=True)
class TokenServer:
    """One that may see the registry's credentials, and what it is asked."""

    realm: str
    query: tuple[tuple[str, str], ...]

    @property
    def authority(self) -> str:
        """Its host, with its port where it has one."""
        return urlsplit(self.realm).netloc

    @property
    def url(self) -> str:
        """Where a token is asked for with a user name and a password."""
        return f"{self.realm}{'&' if '?' in self.realm else '?'}{urlencode(self.query)}"


def token_server(
    registry: RegistryConfig, challenge: Challenge, scope: str, what: str
) -> TokenServer:
    """Return who hands out tokens for `scope`, as `challenge` says.

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
    return TokenServer(realm, tuple(query))


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


def token_call(what: str, server: TokenServer, credentials: Credentials | None) -> Call:
    """Return the request for a token, with `credentials` or as nobody in particular."""
    headers: Headers = (("Accept", "application/json"),)
    if credentials is not None and credentials.identity_token:
        form = {
            "grant_type": "refresh_token",
            "client_id": CLIENT_ID,
            **dict(server.query),
            "refresh_token": credentials.identity_token,
        }
        headers += (("Content-Type", "application/x-www-form-urlencoded"),)
        return Call(what, "POST", server.realm, headers, urlencode(form).encode())
    if credentials is not None:
        headers += (("Authorization", basic_header(credentials)),)
    return Call(what, "GET", server.url, headers)


def basic_header(credentials: Credentials) -> str:
    """Return what Basic authentication sends (RFC 7617)."""
    pair = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def parse_token(what: str, body: bytes) -> Token:
    """Return the token in a server's answer.

    Raises:
        LimitExceededError, RegistryUnavailableError: there is none that could be sent.
    """
    try:
        if json_depth(body) > 8:  # a token's answer is flat
            raise LimitExceededError(f"{what}: nested deeper than 8 levels")
        answer = _TOKEN_DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RegistryUnavailableError(f"{what}: {error}; want a token in JSON") from error
    text = answer.token or answer.access_token
    if _TOKEN_CHARS.fullmatch(text) is None:
        raise RegistryUnavailableError(f"{what}: no token in the answer; want one")
    return Token(text, min(max(answer.expires_in, DEFAULT_TOKEN_S), MAX_TOKEN_S))


_TOKEN_DECODER = msgspec.json.Decoder(_TokenAnswer)
