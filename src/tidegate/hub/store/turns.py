"""Registries that are due to be tested or looked through: one worker at a time, under a lease.

A look that is interrupted goes on after the repository that it had finished last, by whichever
worker comes next. Failures in a row wait longer and longer, and as long as the registry asks for.
"""

import random
import secrets
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Row, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError, NotFoundError
from tidegate.hub.clock import render_instant
from tidegate.hub.store import jobs
from tidegate.hub.store.registry_settings import (
    NO_POLL_LEASE,
    NO_TEST_LEASE,
    newest_generation,
    poll_of,
    polling_of,
)
from tidegate.hub.store.schema import registry_settings
from tidegate.hub.store.tokens import hash_of
from tidegate.wire.registries_v1 import (
    ObservedV1,
    PollStateV1,
    TurnEndV1,
    TurnRequestV1,
    TurnV1,
)

Kind = Literal["test", "poll"]

_S = registry_settings.c

MAX_BACKOFF_S = 3600.0
"""Longest wait after failures, unless the interval is longer or the registry asks for more."""

JITTER = 0.1
"""Part of the interval by which looks are spread, so that registries are not asked in step."""


async def lease(
    connection: AsyncConnection, request: TurnRequestV1, lease_s: float, now: datetime
) -> TurnV1 | None:
    """Return a registry that is due, tests first; None: there is none that this worker may ask.

    A worker that was not told of the newest settings gets none: what it found out by older ones,
    a password that was mended since, would be kept as what the new ones are worth.

    Raises:
        ConflictError: registry access is switched off.
    """
    await jobs.require_registry_access(connection)
    if request.generation != await newest_generation(connection):
        return None
    instant = render_instant(now)
    kind: Kind = "test"
    row = await _due(connection, request.hosts, _test_due(instant))
    if row is None:
        kind = "poll"
        row = await _due(connection, request.hosts, _poll_due(instant))
    if row is None:
        return None
    secret = secrets.token_urlsafe(32)
    expires_at = render_instant(now + timedelta(seconds=lease_s))
    values = {f"{kind}_lease_hash": hash_of(secret), f"{kind}_lease_expires_at": expires_at}
    if kind == "poll":
        values["poll"] = _text(_begun(row, request.worker, instant))
    await _update(connection, row.host, values)
    return TurnV1(
        host=row.host,
        kind=kind,
        lease=secret,
        lease_expires_at=expires_at,
        polling=polling_of(row),
        test_repository=row.test_repository,
        after=row.poll_after,
    )


async def note_observed(
    connection: AsyncConnection, host: str, body: ObservedV1, found: int, expires_at: str
) -> None:
    """Keep how far a look has come; the lease lasts until `expires_at`."""
    row = await _row(connection, host)
    state = poll_of(row)
    state.tags += len(body.tags)
    state.found += found
    values = {"poll": _text(state), "poll_lease_expires_at": expires_at}
    if body.after:
        values["poll_after"] = body.after
    await _update(connection, host, values)


async def end_test(connection: AsyncConnection, host: str, body: TurnEndV1) -> None:
    """Keep what a worker found out."""
    found = {"test": _text(body.test) if body.test else "", "test_wanted_at": ""}
    await _update(connection, host, {**found, **NO_TEST_LEASE})


async def end_poll(connection: AsyncConnection, host: str, body: TurnEndV1, now: datetime) -> None:
    """Keep how a look ended, and when the next one begins."""
    row = await _row(connection, host)
    await _update(connection, host, {**_after_look(row, body, now), **NO_POLL_LEASE})


async def held(connection: AsyncConnection, host: str, secret: str, now: datetime) -> Kind:
    """Return what the lease that `secret` is of is for, if it holds.

    Raises:
        NotFoundError: the registry is not configured any more.
        ConflictError: the lease has run out, or the settings changed, or another worker has it.
    """
    row, given, instant = await _row(connection, host), hash_of(secret), render_instant(now)
    if _holds(row.test_lease_hash, row.test_lease_expires_at, given, instant):
        return "test"
    if _holds(row.poll_lease_hash, row.poll_lease_expires_at, given, instant):
        return "poll"
    raise ConflictError(f"the lease of registry {host} is lost; abandon it: somebody else goes on")


def _holds(kept: str, expires_at: str, given: str, now: str) -> bool:
    return bool(kept) and secrets.compare_digest(kept, given) and expires_at > now


def _begun(row: Row[Any], worker: str, now: str) -> PollStateV1:
    state = poll_of(row)
    state.worker = worker
    if not row.poll_after:
        state.last_started_at = now
        state.tags = state.found = 0
    return state


def _after_look(row: Row[Any], body: TurnEndV1, now: datetime) -> dict[str, Any]:
    state, polling = poll_of(row), polling_of(row)
    state.worker = ""
    state.error = body.error
    state.last_ended_at = render_instant(now)
    wait_s = float(polling.interval_s)
    if not body.complete:
        state.failures += 1
        longer_s = min(wait_s * 2 ** min(state.failures - 1, 20), MAX_BACKOFF_S)
        wait_s = max(wait_s, longer_s)
    else:
        state.failures = 0
        state.last_complete_at = state.last_ended_at
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret hangs on it
    wait_s = max(wait_s * spread, body.retry_after_s)
    due_at = render_instant(now + timedelta(seconds=wait_s)) if polling.enabled else ""
    return {
        "poll": _text(state),
        "poll_next_at": due_at,
        # What was not reached is where the next look begins.
        "poll_after": "" if body.complete else row.poll_after,
    }


async def _due(
    connection: AsyncConnection, hosts: list[str], due: ColumnElement[bool]
) -> Row[Any] | None:
    query = (
        select(registry_settings)
        .where(_S.host.in_(hosts), due)
        .order_by(_S.test_wanted_at, _S.poll_next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await connection.execute(query)).first()


def _test_due(now: str) -> ColumnElement[bool]:
    return and_(_S.test_wanted_at != "", _S.test_lease_expires_at <= now)


def _poll_due(now: str) -> ColumnElement[bool]:
    return and_(_S.poll_next_at != "", _S.poll_next_at <= now, _S.poll_lease_expires_at <= now)


async def _row(connection: AsyncConnection, host: str) -> Row[Any]:
    query = select(registry_settings).where(registry_settings.c.host == host).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFoundError(f"registry {host} is not configured any more")
    return row


async def _update(connection: AsyncConnection, host: str, values: dict[str, Any]) -> None:
    await connection.execute(
        update(registry_settings).where(registry_settings.c.host == host).values(values)
    )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
