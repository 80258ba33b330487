"""Registries that administrators configured for the workers; what is sealed stays sealed."""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import InputError, NotFoundError
from tidegate.hub.store import audit
from tidegate.hub.store.audit import Author
from tidegate.hub.store.schema import registry_settings
from tidegate.wire.registries_v1 import (
    ConnectionV1,
    PollingV1,
    PollStateV1,
    RegistryRecordV1,
    RegistryTestV1,
    RegistryWriteV1,
    SealedV1,
    WorkerRegistriesV1,
    WorkerRegistryV1,
)

_CONNECTION = msgspec.json.Decoder(ConnectionV1)
_POLLING = msgspec.json.Decoder(PollingV1)
_SEALED = msgspec.json.Decoder(list[SealedV1])
_TEST = msgspec.json.Decoder(RegistryTestV1)
_POLL = msgspec.json.Decoder(PollStateV1)


async def put(
    connection: AsyncConnection, host: str, body: RegistryWriteV1, author: Author
) -> RegistryRecordV1:
    """Configure a registry, and have it tested.

    Raises:
        InputError: credentials are to stay, but could not be opened with the new connection.
    """
    row = await _find(connection, host)
    before = None if row is None else record_of(row)
    sealed = body.sealed
    if sealed is None:
        sealed = [] if row is None else _SEALED.decode(row.sealed)
        if before is not None and sealed and body.connection != before.connection:
            raise InputError(
                f"credentials of registry {host} are bound to the connection that they were "
                "entered for, which is another one now: enter them again, or send [] for none",
                field="sealed",
            )
    values: dict[str, Any] = {
        "connection": _text(body.connection),
        "polling": _text(body.polling),
        "test_repository": body.test_repository,
        "sealed": _text(sealed),
        "updated_at": author.at,
        "updated_by": author.name,
        "test_wanted_at": author.at,
        "poll_next_at": author.at if body.polling.enabled else "",
        # Whoever tests or looks does so by the old settings: it is not listened to any more.
        **NO_TEST_LEASE,
        **NO_POLL_LEASE,
    }
    if row is None:
        values |= {"test": "", "poll_after": "", "poll": "{}"}
        await connection.execute(insert(registry_settings).values(host=host, **values))
    else:
        poll = poll_of(row)
        poll.worker = ""
        values["poll"] = _text(poll)
        await connection.execute(
            update(registry_settings).where(registry_settings.c.host == host).values(values)
        )
    after = await load(connection, host)
    action = "registry.create" if before is None else "registry.update"
    await audit.record(
        connection, author, action, f"registry/{host}", before=_shown(before), after=_shown(after)
    )
    return after


async def remove(connection: AsyncConnection, host: str, author: Author) -> None:
    """Forget a registry with its credentials; its images stay.

    Raises:
        NotFoundError: it is not configured.
    """
    before = await load(connection, host)
    await connection.execute(delete(registry_settings).where(registry_settings.c.host == host))
    await audit.record(
        connection, author, "registry.delete", f"registry/{host}", before=_shown(before)
    )


async def want_test(connection: AsyncConnection, host: str, now: str) -> RegistryRecordV1:
    """Have a registry tested again.

    Raises:
        NotFoundError: it is not configured.
    """
    wanted = update(registry_settings).where(registry_settings.c.host == host)
    await connection.execute(wanted.values(test_wanted_at=now))
    return await load(connection, host)


async def load(connection: AsyncConnection, host: str) -> RegistryRecordV1:
    """Return a registry.

    Raises:
        NotFoundError: it is not configured.
    """
    row = await _find(connection, host)
    if row is None:
        raise NotFoundError(
            f"registry {host} is not configured in the hub; add it by `tidegate registry add` or "
            "in the portal's settings"
        )
    return record_of(row)


async def load_all(connection: AsyncConnection) -> dict[str, RegistryRecordV1]:
    """Return all registries by host."""
    rows = await connection.execute(select(registry_settings).order_by(registry_settings.c.host))
    return {row.host: record_of(row) for row in rows}


async def for_workers(connection: AsyncConnection) -> WorkerRegistriesV1:
    """Return what workers need to know, credentials sealed."""
    rows = await connection.execute(select(registry_settings).order_by(registry_settings.c.host))
    found = [
        WorkerRegistryV1(
            host=row.host,
            connection=_CONNECTION.decode(row.connection),
            polling=_POLLING.decode(row.polling),
            sealed=_SEALED.decode(row.sealed),
        )
        for row in rows
    ]
    generation = hashlib.sha256(msgspec.json.encode(found)).hexdigest()[:16]
    return WorkerRegistriesV1(generation, found)


async def newest_generation(connection: AsyncConnection) -> str:
    """Return the generation of `for_workers`."""
    return (await for_workers(connection)).generation


NO_TEST_LEASE = {"test_lease_hash": "", "test_lease_expires_at": ""}
NO_POLL_LEASE = {"poll_lease_hash": "", "poll_lease_expires_at": ""}
"""Of a registry that no worker has."""


def record_of(row: Row[Any]) -> RegistryRecordV1:
    """Return a registry as people see it."""
    return RegistryRecordV1(
        host=row.host,
        connection=_CONNECTION.decode(row.connection),
        polling=_POLLING.decode(row.polling),
        test_repository=row.test_repository,
        credentials_for=[each.key for each in _SEALED.decode(row.sealed)],
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        testing=row.test_wanted_at != "",
        test=_TEST.decode(row.test) if row.test else None,
        poll=poll_of(row),
    )


def polling_of(row: Row[Any]) -> PollingV1:
    """Return how a registry is looked through."""
    return _POLLING.decode(row.polling)


def poll_of(row: Row[Any]) -> PollStateV1:
    """Return how looking through a registry goes."""
    state = _POLL.decode(row.poll)
    state.next_at = row.poll_next_at
    return state


def _shown(record: RegistryRecordV1 | None) -> object:
    """Return what the audit log keeps: the settings, not how it goes."""
    if record is None:
        return None
    return {
        "connection": msgspec.to_builtins(record.connection),
        "polling": msgspec.to_builtins(record.polling),
        "testRepository": record.test_repository,
        "credentialsFor": record.credentials_for,
    }


async def _find(connection: AsyncConnection, host: str) -> Row[Any] | None:
    query = select(registry_settings).where(registry_settings.c.host == host)
    return (await connection.execute(query)).first()


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
