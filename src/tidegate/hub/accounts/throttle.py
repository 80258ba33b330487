"""Slows down who guesses: failures per account and per source address, with a growing delay.

An attempt counts as failed from its begin, so that many at once gain nothing; `succeeded` takes it
back. Kept in memory, which a restart clears, and that is not in the guesser's hands; hubs that
share a database count each by itself.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegate.domain.errors import RateLimitedError

MAX_KEYS = 10_000
"""Accounts and addresses remembered; the least recently used are forgotten first."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many failures go by before the delay begins, and how far it grows."""

    free: int
    first_delay_s: float
    max_delay_s: float
    memory_s: float = 24 * 3600
    """Failures are forgotten after so long without another one."""

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


@dataclass(slots=True)
class _Record:
    failures: int
    last_at: datetime


class Throttle:
    """The failures of late."""

    def __init__(self, account: Allowance = ACCOUNT, address: Allowance = ADDRESS) -> None:
        self._allowances = {"account": account, "address": address}
        self._records: OrderedDict[tuple[str, str], _Record] = OrderedDict()

    def begin(self, account: str, address: str, now: datetime) -> None:
        """Count an attempt; an empty `account` counts for the address alone.

        Raises:
            RateLimitedError: too many failed of late; says when to try again.
        """
        keys = self._keys(account, address)
        wait = max(self._remaining(key, now) for key in keys)
        if wait > timedelta():
            raise RateLimitedError(
                "too many sign-ins failed; try again later", retry_after_s=wait.total_seconds()
            )
        for key in keys:
            self._count(key, now)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the account's failures and take back this attempt from the address.

        The address keeps its others: who has one account could reset the count at will.
        """
        self._records.pop(("account", account), None)
        record = self._records.get(("address", _network(address)))
        if record is not None:
            record.failures = max(record.failures - 1, 0)

    def _keys(self, account: str, address: str) -> list[tuple[str, str]]:
        named = [("account", account)] if account else []
        return [*named, ("address", _network(address))]

    def _remaining(self, key: tuple[str, str], now: datetime) -> timedelta:
        record = self._current(key, now)
        if record is None:
            return timedelta()
        return record.last_at + self._allowances[key[0]].delay(record.failures) - now

    def _current(self, key: tuple[str, str], now: datetime) -> _Record | None:
        record = self._records.get(key)
        if record is None:
            return None
        if now - record.last_at > timedelta(seconds=self._allowances[key[0]].memory_s):
            del self._records[key]
            return None
        return record

    def _count(self, key: tuple[str, str], now: datetime) -> None:
        record = self._records.setdefault(key, _Record(0, now))
        record.failures += 1
        record.last_at = now
        self._records.move_to_end(key)
        if len(self._records) > MAX_KEYS:
            self._records.popitem(last=False)


def _network(address: str) -> str:
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
