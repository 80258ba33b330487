"""Which addresses may be connected to, and a backend that connects to nothing else.

A name is resolved once, its addresses are judged, and the connection goes to the address that was
judged: no second look-up can answer differently (THREATS rows 9 and 25).
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_ADDRESSES = 4
"""Addresses of one name that are tried."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1
_METADATA = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
)
"""Clouds' metadata services outside the link-local range: AWS over IPv6, Alibaba, Azure."""


def is_reachable(address: IpAddress, *, allow_private: bool) -> bool:
    """Whether `address` may be connected to; link-local and multicast ones never may."""
    inner = embedded_address(address)
    if inner.is_link_local or inner.is_multicast or inner in _METADATA:
        return False
    return allow_private or inner.is_global


def embedded_address(address: IpAddress) -> IpAddress:
    """Return the IPv4 address inside a mapped, 6to4, Teredo or NAT64 one, else `address`."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


class PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Connects only to addresses that may be reached; `private` names who may have private ones.

    `refuse` makes the error for the others of what is wrong with them.
    """

    def __init__(
        self, private: frozenset[tuple[str, int]], refuse: Callable[[str], Exception]
    ) -> None:
        self._private = private
        self._refuse = refuse
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the backend protocol's own parameter
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first reachable address of `host` that answers."""
        addresses = await self._reachable(host, port)
        for address in addresses[:-1]:
            try:
                return _Stream(
                    await self._plain.connect_tcp(
                        address, port, timeout, local_address, socket_options
                    )
                )
            except httpcore2.ConnectError:
                continue  # the last address's error is the one that is told
        return _Stream(
            await self._plain.connect_tcp(
                addresses[-1], port, timeout, local_address, socket_options
            )
        )

    async def sleep(self, seconds: float) -> None:
        """Sleep, as the backend protocol asks."""
        await asyncio.sleep(seconds)

    async def _reachable(self, host: str, port: int) -> list[str]:
        found = await _resolve(host, port)
        allow_private = (host.strip("[]").lower(), port) in self._private
        reachable = [a for a in found if is_reachable(a, allow_private=allow_private)]
        if not reachable:
            raise self._refuse(
                f"{host} has the address {found[0]}, which is not contacted; link-local addresses "
                "never are, private ones only where the configuration says so (allow_private)"
            )
        return [str(address) for address in reachable[:MAX_ADDRESSES]]


class _Stream(httpcore2.AsyncNetworkStream):
    """A connection that is closed when its TLS handshake is given up.

    httpcore2 closes it when the handshake fails, but not when the caller's deadline ends it: a
    server that accepts and says nothing would leave a socket behind for every review.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the stream protocol's own parameter
    ) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - the stream protocol's own parameter
    ) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the stream protocol's own parameter
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(self._stream.aclose()))
            raise

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the stream protocol's own type
        return self._stream.get_extra_info(info)


async def _resolve(host: str, port: int) -> list[IpAddress]:
    loop = asyncio.get_running_loop()
    try:
        entries = await loop.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore2.ConnectError(f"{host} has no address: {error.strerror}") from error
    # A zone identifier (fe80::1%eth0) belongs to link-local addresses, which are refused anyway.
    found = [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in entries]
    return list(dict.fromkeys(found))
