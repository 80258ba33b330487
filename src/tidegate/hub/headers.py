"""Headers that browsers are held to, on every answer of the hub."""

from collections.abc import Iterable

from litestar.types import ASGIApp, Message, Receive, Scope, Send

API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Nothing in an answer of the API is a page: what a stranger wrote there runs nowhere."""

PORTAL_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For the portal's pages: scripts from the hub's own files alone, never inline.

The style elements that its components make as they are shown carry the page's nonce.
"""

_SAME_FOR_ALL = (
    ("cache-control", "no-store"),
    ("content-security-policy", API_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)
_TLS_ALONE = ("strict-transport-security", "max-age=31536000")


def with_headers(app: ASGIApp, public_url: str = "") -> ASGIApp:
    """Return `app` with the security headers on every answer that does not set them itself.

    Outside the framework: its middleware does not see what its router refuses. A hub whose public
    URL is https tells browsers to come by nothing else.
    """
    tls = (_TLS_ALONE,) if public_url.startswith("https://") else ()
    headers = tuple(_encoded((*_SAME_FOR_ALL, *tls)))

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", []))
                names = {name.lower() for name, _ in given}
                message["headers"] = [*given, *(h for h in headers if h[0] not in names)]
            await send(message)

        await app(scope, receive, send_with_headers)

    return wrapped


def _encoded(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[bytes, bytes]]:
    return ((name.encode(), value.encode()) for name, value in headers)
