"""Serves the portal beside the API: built files, and its page for every address it knows itself.

The page carries a nonce for the style elements that the portal's components make while it runs;
scripts come from files alone.
"""

import secrets
from collections.abc import Iterable, Mapping

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from tidegate.hub.headers import PORTAL_POLICY
from tidegate.hub.portal.assets import INDEX, Asset

NONCE_MARK = b"__TIDEGATE_NONCE__"
"""Stands in the built page where each answer has a nonce of its own."""

_NOT_OURS = ("/api/", "/healthz", "/readyz", "/metrics")

_UNBUILT = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tidegate: the portal is not built</title>
<h1>The portal is not built</h1>
<p>This hub runs from a source checkout in which the portal was never built, which needs
Node.js 20.19 or newer. Install Node.js, then run <code>make install</code> in the checkout and
start the hub again. Packages of Tidegate contain the portal.</p>
<p>The API works without it: see <a href="/api/v1/openapi.json">its description</a>, or use the
<code>tidegate</code> command.</p>
"""


def with_portal(app: ASGIApp, assets: Mapping[str, Asset]) -> ASGIApp:
    """Return `app` with the portal at every path that is not the API's."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and not _is_api(scope["path"]):
            await _serve(scope, send, assets)
        else:
            await app(scope, receive, send)

    return wrapped


def _is_api(path: str) -> bool:
    return any(path == ours.rstrip("/") or path.startswith(ours) for ours in _NOT_OURS)


async def _serve(scope: HTTPScope, send: Send, assets: Mapping[str, Asset]) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        await _answer(send, 405, b"", [("allow", "GET, HEAD")])
        return
    path = scope["path"]
    asset = assets.get(path)
    body_wanted = scope["method"] == "GET"
    if asset is not None and path != INDEX:
        headers, body = _file(asset, _accepts_gzip(scope["headers"]))
        await _answer(send, 200, body, headers, body_wanted=body_wanted)
    elif path.startswith("/assets/"):
        plain = [("content-type", "text/plain; charset=utf-8")]
        await _answer(send, 404, b"no such file", plain, body_wanted=body_wanted)
    else:
        page = assets.get(INDEX)
        headers, body = _page(_UNBUILT if page is None else page.body)
        status = 200 if page is not None else 503
        await _answer(send, status, body, headers, body_wanted=body_wanted)


def _file(asset: Asset, gzip: bool) -> tuple[list[tuple[str, str]], bytes]:  # noqa: FBT001  # what the client accepts is one fact
    headers = [
        ("content-type", asset.media_type),
        ("cache-control", "public, max-age=31536000, immutable" if asset.hashed else "no-cache"),
        ("vary", "accept-encoding"),
    ]
    if gzip and asset.gzipped is not None:
        return [*headers, ("content-encoding", "gzip")], asset.gzipped
    return headers, asset.body


def _page(body: bytes) -> tuple[list[tuple[str, str]], bytes]:
    nonce = secrets.token_urlsafe(16)
    headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("content-security-policy", PORTAL_POLICY.format(nonce=nonce)),
    ]
    return headers, body.replace(NONCE_MARK, nonce.encode())


def _accepts_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in headers)


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    headers: Iterable[tuple[str, str]],
    *,
    body_wanted: bool = True,
) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*pairs, (b"content-length", str(len(body)).encode())],
        }
    )
    await send(
        {
            "type": "http.response.body",
            "body": body if body_wanted else b"",
            "more_body": False,
        }
    )
