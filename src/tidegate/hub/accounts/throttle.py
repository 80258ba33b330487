"""How long who guesses must wait: by failures per account and source address, growing. Pure.

The failures themselves are in the database (`store/sign_in_failures.py`).
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

MEMORY = timedelta(hours=24)
"""Failures are forgotten after so long without another one."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many failures go by before the delay begins, and how far it grows."""

    free: int
    first_delay_s: float
    max_delay_s: float

    def delay(self, failures: int) -> timedelta:
        """Return the delay after the last of `failures`, doubled for each further one."""
        beyond = failures - self.free
        if beyond < 0:
            return timedelta()
        return timedelta(seconds=min(self.first_delay_s * 2 ** min(beyond, 32), self.max_delay_s))


ACCOUNT = Allowance(free=5, first_delay_s=30, max_delay_s=15 * 60)
"""A quarter of an hour at most: strangers must not be able to shut a person out for a day."""
ADDRESS = Allowance(free=20, first_delay_s=30, max_delay_s=15 * 60)
"""An office shares an address."""


@dataclass(frozen=True, slots=True)
class Key:
    """What failures are counted of."""

    name: str
    """A digest: people type passwords where names belong, and those are not to be kept."""
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Failures:
    """How often, and when last."""

    count: int
    last_at: datetime

    def remaining(self, allowance: Allowance, now: datetime) -> timedelta:
        """Return how long the next attempt has to wait; nothing or less: not at all."""
        return self.last_at + allowance.delay(self.count) - now


def keys_of(account: str, address: str) -> list[Key]:
    """Return what an attempt counts for; an empty `account` counts for the address alone."""
    named = [Key(_digest("account", account), ACCOUNT)] if account else []
    return [*named, Key(_digest("address", network_of(address)), ADDRESS)]


def network_of(address: str) -> str:
    """Return what one source has: an IPv4 address, or a /64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _digest(kind: str, name: str) -> str:
    return hashlib.sha256(f"{kind}\0{name}".encode()).hexdigest()
