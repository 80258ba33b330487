"""Where a request comes from: which page made it, and which machine sent it. Pure."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

MAX_HOPS = 32


def is_own_origin(origin: str, host: str, public_url: str) -> bool:
    """Whether an `Origin` header names this hub: its public URL, else the host that was asked.

    An empty one is: browsers send it with everything that another page could make them send.
    """
    if not origin:
        return True
    if public_url:
        return origin == origin_of(public_url)
    return origin.partition("://")[2] == host != ""


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, as browsers write them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def needs_secure_cookie(host: str, public_url: str) -> bool:
    """Whether the cookie is for TLS alone: yes, but for plain HTTP to one's own machine."""
    if public_url:
        return not public_url.startswith("http://")
    return not is_loopback_host(host)


def is_loopback_host(host: str) -> bool:
    """Whether a host, with or without a port, is this machine by its name or address."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def source_address(peer: str, forwarded_for: str, proxies: Sequence[str]) -> str:
    """Return the address that a request came from: the last one that no proxy of ours has.

    `X-Forwarded-For` is believed only as far as trusted proxies wrote it: each appends whom it
    heard, so it is read from its end.
    """
    address = peer
    for hop in reversed(forwarded_for.split(",")[-MAX_HOPS:]):
        if not _is_one_of(address, proxies):
            break
        address = hop.strip() or address
    return address


def _is_one_of(address: str, networks: Sequence[str]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(network) for network in networks)
