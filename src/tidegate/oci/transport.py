"""HTTP to one registry: bounded, pinned to judged addresses, every fault one kind of error.

Nothing here knows about tokens or manifests. Redirects are not followed, cookies not kept, proxies
of the environment not used, compressed answers refused (THREATS row 3).
"""

import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlsplit

import httpcore2

from tidegate import __version__
from tidegate.domain.errors import (
    ConfigurationError,
    LimitExceededError,
    RegistryUnavailableError,
)
from tidegate.net.addresses import PinnedBackend
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig, split_authority

Headers = tuple[tuple[str, str], ...]

AWAY = frozenset({502, 503, 504})
"""What a proxy says when nobody, or nobody in time, answers behind it (RFC 9110 section 15.6)."""

_FAULTS = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
)
_LOST = (httpcore2.ReadError, httpcore2.RemoteProtocolError, httpcore2.WriteError)
"""What a connection shows that the other side closed while it was idle."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, and the words for it in an error message."""

    what: str
    """`fetching manifest r.example/app:1`; never a URL, which may carry a secret."""
    method: str
    url: str
    headers: Headers = ()
    body: bytes | AsyncIterable[bytes] = b""
    body_bytes: int | None = None
    """Length of a streamed body."""


class Answer:
    """An answer whose body has not been read yet; header names are in lower case."""

    def __init__(self, call: Call, response: httpcore2.Response, limits: RegistryLimits) -> None:
        self.status = response.status
        self.headers = _joined(response.headers)
        self._what = call.what
        self._has_body = call.method != "HEAD"
        self._response = response
        self._limits = limits

    @property
    def content_length(self) -> int | None:
        """The length that the body is announced with, if any."""
        text = self.headers.get("content-length", "")
        known = self._has_body and text.isascii() and text.isdecimal()
        return int(text) if known else None

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the body as it comes, of whatever length."""
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise RegistryUnavailableError(
                f"{self._what}: a compressed answer, which was not asked for; want it as it is"
            )
        try:
            async for piece in self._response.aiter_stream():
                yield piece
        except _FAULTS as error:
            raise RegistryUnavailableError(f"{self._what}: {_words(error)}", away=True) from error

    async def read(self, max_bytes: int) -> bytes:
        """Return the whole body.

        Raises:
            LimitExceededError: it is larger than `max_bytes`; the rest was not read.
        """
        if (self.content_length or 0) > max_bytes:
            raise self._too_large(max_bytes)
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) > max_bytes:
                raise self._too_large(max_bytes)
        return bytes(body)

    async def drain(self) -> bytes:
        """Return the body of an error, or nothing if it is too large to be worth reading."""
        try:
            return await self.read(self._limits.max_error_bytes)
        except LimitExceededError:
            return b""

    def _too_large(self, max_bytes: int) -> LimitExceededError:
        return LimitExceededError(
            f"{self._what}: the answer is larger than {max_bytes} bytes, the most that is read"
        )


class Transport:
    """Connections to one registry, its token server and its blob store."""

    def __init__(self, registry: RegistryConfig, limits: RegistryLimits) -> None:
        self._limits = limits
        self._registry = registry
        self._pool = self._make_pool(registry)
        # Our certificate is a credential: a blob store or a foreign token server never sees it.
        bare = replace(registry, client_cert_file="", client_key_file="")
        self._elsewhere = self._pool if bare == registry else self._make_pool(bare)

    def _make_pool(self, registry: RegistryConfig) -> httpcore2.AsyncConnectionPool:
        return httpcore2.AsyncConnectionPool(
            ssl_context=None if registry.plain_http else tls_context_of(registry),
            max_connections=self._limits.max_connections,
            keepalive_expiry=self._limits.keep_alive_s,
            network_backend=PinnedBackend(_private(registry), RegistryUnavailableError),
        )

    def _pool_for(self, url: str) -> httpcore2.AsyncConnectionPool:
        parts = urlsplit(url)
        asked = split_authority(parts.netloc, parts.scheme)
        own = {split_authority(n, parts.scheme) for n in self._registry.realm_authorities}
        return self._pool if asked in own else self._elsewhere

    @asynccontextmanager
    async def open(self, call: Call, idle_s: float) -> AsyncIterator[Answer]:
        """Send `call`; no single wait is longer than `idle_s`.

        Raises:
            RegistryUnavailableError: no connection, no TLS, no answer in time, or none in HTTP.
        """
        try:
            response = await self._send(call, idle_s)
        except (*_FAULTS, ssl.SSLError) as error:
            raise RegistryUnavailableError(f"{call.what}: {_words(error)}", away=True) from error
        try:
            yield Answer(call, response, self._limits)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()
        await self._elsewhere.aclose()

    async def _send(self, call: Call, idle_s: float) -> httpcore2.Response:
        pool = self._pool_for(call.url)
        try:
            return await pool.handle_async_request(_request(call, idle_s))
        except _LOST:
            if call.method not in {"GET", "HEAD"}:
                raise
        # Servers close idle connections whenever they like, those idle for equally long at once. A
        # read may simply be asked again: by each that is left, at last by a new connection.
        for _ in range(sum(each.is_idle() for each in pool.connections)):
            with suppress(*_LOST):
                return await pool.handle_async_request(_request(call, idle_s))
        return await pool.handle_async_request(_request(call, idle_s))


def tls_context_of(registry: RegistryConfig) -> ssl.SSLContext:
    """Return the TLS settings for `registry`; kept as long as its files say the same.

    Raises:
        ConfigurationError: a file cannot be read, or certificate and key do not fit.
    """
    return _tls_context(
        registry.ca_file,
        registry.client_cert_file,
        registry.client_key_file,
        registry.tls_generation,
    )


@lru_cache(maxsize=256)
def _tls_context(ca_file: str, cert_file: str, key_file: str, _: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"certificate authorities in {ca_file}: {error}; want a PEM file"
            ) from error
    if cert_file:
        try:
            # A key with a passphrase would ask on the terminal; there is none.
            context.load_cert_chain(cert_file, key_file, password=_no_passphrase)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"client certificate {cert_file} with key {key_file}: {error}; want a PEM chain "
                "and its key, without a passphrase"
            ) from error
    return context


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")


def _private(registry: RegistryConfig) -> frozenset[tuple[str, int]]:
    schemes = {"https", registry.scheme}
    return frozenset(
        split_authority(name, scheme) for name in registry.private_authorities for scheme in schemes
    )


def _request(call: Call, idle_s: float) -> httpcore2.Request:
    length = len(call.body) if isinstance(call.body, bytes) else call.body_bytes
    headers = [
        ("Host", urlsplit(call.url).netloc),
        ("User-Agent", f"tidegate/{__version__}"),
        ("Accept-Encoding", "identity"),
        *call.headers,
    ]
    if call.method in {"POST", "PUT"}:
        headers.append(("Content-Length", str(length)))
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), idle_s)
    return httpcore2.Request(
        call.method,
        call.url,
        headers=headers,
        content=call.body,
        extensions={"timeout": timeouts},
    )


def _joined(raw: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text  # RFC 9110, 5.2
    return headers


def _words(error: Exception) -> str:
    match error:
        case httpcore2.ConnectTimeout() | httpcore2.PoolTimeout():
            return "no connection in time"
        case httpcore2.TimeoutException():
            return "no further byte in time"
        case httpcore2.ConnectError() | ssl.SSLError():
            return f"no connection: {error}"
        case httpcore2.NetworkError():
            return "the connection broke off"
        case _:
            return f"no proper HTTP: {error}"
