"""Failed sign-ins of late, counted once for all hubs of a database.

An attempt counts as failed from its begin, so that many at once gain nothing; `succeed` takes it
back. `begin` is a transaction of its own: what rolls back a sign-in must not take back its count.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import RateLimitedError
from tidegate.hub.accounts.throttle import ACCOUNT, MEMORY, Failures, Key, keys_of
from tidegate.hub.clock import render_instant
from tidegate.hub.store.schema import sign_in_failures as rows

MAX_ROWS = 100_000
"""Kept at pruning. Those with the fewest failures go first: who floods the table with names or
addresses does not get rid of what stands against him."""


async def begin(connection: AsyncConnection, account: str, address: str, now: datetime) -> None:
    """Count an attempt; an empty `account` counts for the address alone.

    Raises:
        RateLimitedError: too many failed of late; says when to try again.
    """
    keys = _keys(account, address)
    await _make_rows(connection, keys, now)
    known = await _locked(connection, keys, now)
    wait = max(known[key.name].remaining(key.allowance, now) for key in keys)
    if wait > timedelta():
        raise RateLimitedError(
            "too many sign-ins failed; try again later", retry_after_s=wait.total_seconds()
        )
    for key in keys:
        values = {"failures": known[key.name].count + 1, "last_at": render_instant(now)}
        await connection.execute(update(rows).where(rows.c.key == key.name).values(values))


async def succeed(connection: AsyncConnection, account: str, address: str) -> None:
    """Forget the account's failures and take back this attempt from the address.

    The address keeps its others: who has one account could reset the count at will.
    """
    for key in _keys(account, address):
        left = 0 if key.allowance is ACCOUNT else rows.c.failures - 1
        await connection.execute(
            update(rows).where(rows.c.key == key.name, rows.c.failures > 0).values(failures=left)
        )


async def prune(connection: AsyncConnection, now: datetime) -> int:
    """Delete what is forgotten, and the least of what is too much; return how many."""
    old = delete(rows).where(rows.c.last_at < render_instant(now - MEMORY))
    most = select(rows.c.key).order_by(rows.c.failures.desc(), rows.c.last_at.desc())
    surplus = delete(rows).where(rows.c.key.in_(most.offset(MAX_ROWS)))
    return sum([(await connection.execute(gone)).rowcount for gone in (old, surplus)])


def _keys(account: str, address: str) -> list[Key]:
    """Return the keys in one order everywhere: two transactions never wait for each other."""
    return sorted(keys_of(account, address), key=lambda key: key.name)


async def _make_rows(connection: AsyncConnection, keys: Sequence[Key], now: datetime) -> None:
    """Have a row for each key: only a row that is there can be locked."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = [{"key": key.name, "failures": 0, "last_at": render_instant(now)} for key in keys]
    await connection.execute(dialect.insert(rows).on_conflict_do_nothing(), new)


async def _locked(
    connection: AsyncConnection, keys: Sequence[Key], now: datetime
) -> dict[str, Failures]:
    """Return the failures of each key, which no other transaction counts until this one ends."""
    names = [key.name for key in keys]
    query = select(rows).where(rows.c.key.in_(names)).order_by(rows.c.key).with_for_update()
    found = dict.fromkeys(names, Failures(0, now))  # one may have been pruned this very moment
    for row in await connection.execute(query):
        last_at = datetime.fromisoformat(row.last_at)
        found[row.key] = Failures(row.failures if now - last_at <= MEMORY else 0, last_at)
    return found
