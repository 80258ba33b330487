"""HTTP to the OpenID provider: bounded, over judged addresses, without redirects.

What the provider answers is never shown: a URL that an attacker chose would else read the inside of
the network to him (THREATS row 25).
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpcore2
import msgspec

from tidegate import __version__
from tidegate.domain.errors import ConfigurationError, ProviderUnavailableError
from tidegate.hub.sign_in_settings import OidcSettings
from tidegate.net.addresses import PinnedBackend
from tidegate.wire.strict_json import NotStrictError, require_strict_json

MAX_ANSWER_BYTES = 1 * 2**20
MAX_URL_CHARS = 2048
DEADLINE_S = 10.0
"""For one exchange; somebody waits in front of a browser."""

Headers = Mapping[str, str]


class Fetcher:
    """Connections to one provider."""

    def __init__(self, settings: OidcSettings) -> None:
        self._issuer = urlsplit(settings.issuer)
        authority = (self._issuer.hostname or "", _port(self._issuer.scheme, self._issuer.port))
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_tls_context(settings),
            max_connections=8,
            keepalive_expiry=30,
            network_backend=PinnedBackend(
                frozenset({authority} if settings.allow_private else ()),
                ProviderUnavailableError,
            ),
        )

    def require_endpoint(self, name: str, url: str) -> str:
        """Return `url` if it may be asked or shown to browsers.

        Raises:
            ProviderUnavailableError: it is no URL, or less protected than the issuer's own.
        """
        try:
            parts = urlsplit(url)
            known = parts.hostname and parts.port != 0
        except ValueError:
            known, parts = False, urlsplit("")
        safe = parts.scheme in {"https", self._issuer.scheme} and "@" not in parts.netloc
        clean = url.isascii() and url.isprintable() and " " not in url and not parts.fragment
        if not (known and safe and clean and len(url) <= MAX_URL_CHARS):
            raise ProviderUnavailableError(
                f"the provider's {name} is not an https:// URL that can be used"
            )
        return url

    async def get(self, what: str, url: str) -> dict[str, Any]:
        """Return the JSON object at `url`.

        Raises:
            ProviderUnavailableError: there is no such answer in time.
        """
        return await self._exchange(what, "GET", url, {}, b"")

    async def post(
        self, what: str, url: str, form: Mapping[str, str], headers: Headers
    ) -> dict[str, Any]:
        """Return the JSON object that a form is answered with.

        Raises:
            ProviderUnavailableError: there is no such answer in time.
        """
        sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        return await self._exchange(what, "POST", url, sent, urlencode(form).encode())

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def _exchange(
        self, what: str, method: str, url: str, headers: Headers, body: bytes
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(DEADLINE_S):
                status, answer = await self._send(what, method, url, headers, body)
        except TimeoutError as error:
            raise ProviderUnavailableError(f"{what}: no answer in {DEADLINE_S:g} s") from error
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
            ssl.SSLError,
        ) as error:
            raise ProviderUnavailableError(f"{what}: no connection ({error})") from error
        if status != 200:
            raise ProviderUnavailableError(f"{what}: HTTP {status}, want 200")
        return _object(what, answer)

    async def _send(
        self, what: str, method: str, url: str, headers: Headers, body: bytes
    ) -> tuple[int, bytes]:
        sent: list[tuple[bytes | str, bytes | str]] = [
            ("Host", urlsplit(url).netloc),
            ("User-Agent", f"tidegate/{__version__}"),
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity"),
            *headers.items(),
        ]
        if method == "POST":
            sent.append(("Content-Length", str(len(body))))
        async with self._pool.stream(method, url, headers=sent, content=body) as response:
            answer = bytearray()
            async for piece in response.aiter_stream():
                answer += piece
                if len(answer) > MAX_ANSWER_BYTES:
                    raise ProviderUnavailableError(
                        f"{what}: the answer is larger than {MAX_ANSWER_BYTES} bytes"
                    )
            return response.status, bytes(answer)


def _tls_context(settings: OidcSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(cafile=settings.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"TIDEGATE_HUB_OIDC_CA_FILE {settings.ca_file}: {error}; want a PEM file"
            ) from error
    return context


def _object(what: str, answer: bytes) -> dict[str, Any]:
    try:
        require_strict_json(answer)
        return msgspec.json.decode(answer, type=dict[str, Any])
    except (NotStrictError, msgspec.MsgspecError) as error:
        # The words of the decoder may quote the answer.
        raise ProviderUnavailableError(f"{what}: the answer is no JSON object") from error


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)
