"""The token in an `Authorization` header, in the forms that registries' webhooks can send.

Everybody sends `Bearer <token>`. Webhooks often know nothing but a user name and a password, or one
text that they send as it is; for tokens of registries alone those forms count as well. A browser
that keeps a password for the hub must never act by it.
"""

import base64
from dataclasses import dataclass, field

MAX_TOKEN_CHARS = 512


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """What a header claims; nothing about it is known yet."""

    text: str = field(repr=False)
    """Empty: the header holds no token."""
    for_registries_alone: bool = False


def presented_token(header: str) -> PresentedToken:
    """Return the token in `header`; never raises."""
    scheme, _, rest = header.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return _bounded(rest.strip(), for_registries_alone=False)
        case "basic":
            return _bounded(_password(rest.strip()), for_registries_alone=True)
        case _:
            return _bounded("" if rest else scheme, for_registries_alone=True)


def _password(encoded: str) -> str:
    """Return the password of `user:password`; the user's name says nothing (RFC 7617 section 2)."""
    try:
        pair = base64.b64decode(encoded[: 4 * MAX_TOKEN_CHARS], validate=True).decode()
    except ValueError:  # no base64, or of what is no text
        return ""
    return pair.partition(":")[2]


def _bounded(text: str, *, for_registries_alone: bool) -> PresentedToken:
    kept = text if len(text) <= MAX_TOKEN_CHARS else ""
    return PresentedToken(kept, for_registries_alone)
