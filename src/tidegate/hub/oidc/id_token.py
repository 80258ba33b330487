"""What an ID token says, once it is certain that the provider wrote it for this sign-in. Pure.

OpenID Connect Core 1.0, section 3.1.3.7; the numbers below are its steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tidegate.domain.errors import NotPermittedError
from tidegate.domain.text import printable
from tidegate.hub.sign_in_settings import OidcSettings
from tidegate.wire.sign_in_v1 import UserRole

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures by a private key alone: `none` and HMAC would let others write tokens."""
MAX_CLOCK_SKEW = timedelta(seconds=60)
MAX_TOKEN_CHARS = 64 * 1024
MAX_NAME_CHARS = 100


class UntrustedTokenError(NotPermittedError):
    """An ID token that does not prove who signs in."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in at the provider."""

    subject: str
    display_name: str
    authenticated_at: datetime | None
    """When the provider last saw the person prove it; None: it did not say."""
    claims: Mapping[str, Any]


def verify(token: str, keys: KeySet, settings: OidcSettings, nonce: str, now: datetime) -> Identity:
    """Return who `token` says signed in.

    Raises:
        UntrustedTokenError: it is not the provider's word for this sign-in; says which step fails.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise UntrustedTokenError(f"the ID token is longer than {MAX_TOKEN_CHARS} characters")
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise UntrustedTokenError(
            f"the ID token is not signed by a key of the provider ({type(error).__name__})"
        ) from error
    _require_meant(claims, settings, nonce)
    _require_timely(claims, now)
    return Identity(
        _subject(claims), _display_name(claims), _instant(claims.get("auth_time")), claims
    )


def role_of(claims: Mapping[str, Any], settings: OidcSettings) -> UserRole | None:
    """Return the role that the claim's values give, None if none does."""
    values = _values(claims, settings.role_claim)
    if values & settings.admin_values:
        return "admin"
    return "reader" if values & settings.reader_values else None


def _require_meant(claims: Mapping[str, Any], settings: OidcSettings, nonce: str) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != settings.issuer:  # 2
        raise UntrustedTokenError("the ID token is of another issuer")
    if settings.client_id not in audiences:  # 3
        raise UntrustedTokenError("the ID token is for another client")
    if claims.get("azp", settings.client_id) != settings.client_id:  # 4, 5
        raise UntrustedTokenError("the ID token was given to another client")
    if len(audiences) > 1 and "azp" not in claims:
        raise UntrustedTokenError("the ID token is for several clients and does not say whose")
    if claims.get("nonce") != nonce:  # 11
        raise UntrustedTokenError("the ID token is of another sign-in")


def _require_timely(claims: Mapping[str, Any], now: datetime) -> None:
    expires, issued = _instant(claims.get("exp")), _instant(claims.get("iat"))
    if expires is None or issued is None:
        raise UntrustedTokenError("the ID token does not say when it was made and ends")
    if now > expires + MAX_CLOCK_SKEW:  # 9
        raise UntrustedTokenError("the ID token has expired; are both clocks right?")
    begins = _instant(claims.get("nbf")) or issued
    if max(begins, issued) > now + MAX_CLOCK_SKEW:  # 10
        raise UntrustedTokenError("the ID token is of the future; are both clocks right?")


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise UntrustedTokenError("the ID token does not say who it is about")
    return subject


def _display_name(claims: Mapping[str, Any]) -> str:
    for claim in ("name", "preferred_username", "email"):
        value = claims.get(claim)
        if isinstance(value, str) and printable(value).strip():
            return printable(value).strip()[:MAX_NAME_CHARS]
    return ""


def _values(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    values = found if isinstance(found, list) else [found]
    return frozenset(value for value in values if isinstance(value, str))


def _instant(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
