"""The hub's part of `tidegate registry`: settings for the workers, credentials sealed for them."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tidegate.domain.errors import InputError, NotFoundError, UnavailableError
from tidegate.hubclient.client import HubClient
from tidegate.trust.sealing import seal, sealing_fingerprint
from tidegate.wire.hub_data_v1 import RegistryV1
from tidegate.wire.registries_v1 import (
    ConnectionV1,
    CredentialsV1,
    PollingV1,
    RegistryRecordV1,
    RegistryTestV1,
    RegistryWriteV1,
    SealedV1,
    SealingKeyV1,
    sealing_info,
)

TEST_WAIT_S = 60.0
"""A worker asks for work every few seconds; a slow registry takes 20."""

ASK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A registry as it is to be configured."""

    host: str
    connection: ConnectionV1
    polling: PollingV1
    test_repository: str
    credentials: CredentialsV1 | None = field(repr=False)
    """None: as they are, or where the hub has no part in them."""


async def configure(client: HubClient, wanted: Wanted) -> RegistryRecordV1:
    """Put a registry into the hub.

    Raises:
        UnavailableError: credentials are to be sealed, and no worker was heard of.
    """
    sealed = None
    if wanted.credentials is not None:
        keys = await client.list_sealing_keys()
        sealed = seal_for(keys, wanted.host, wanted.connection, wanted.credentials)
    body = RegistryWriteV1(
        connection=wanted.connection,
        polling=wanted.polling,
        test_repository=wanted.test_repository,
        sealed=sealed,
    )
    return await client.put_registry(wanted.host, body)


def seal_for(
    keys: Sequence[SealingKeyV1], host: str, connection: ConnectionV1, credentials: CredentialsV1
) -> list[SealedV1]:
    """Return `credentials` sealed for each of `keys`, bound to the connection.

    Raises:
        UnavailableError: there are none.
    """
    if credentials == CredentialsV1():
        return []
    if not keys:
        raise UnavailableError(
            "no scan worker was heard of in the last five minutes, so there is no key to seal "
            "credentials by; start one and try again"
        )
    info = sealing_info(host, connection)
    plain = msgspec.json.encode(credentials)
    by_key = {sealing_fingerprint(key.public_key): key.public_key for key in keys}
    return [
        SealedV1(fingerprint, base64.b64encode(seal(pem, info, plain)).decode())
        for fingerprint, pem in by_key.items()
    ]


async def wait_tested(client: HubClient, host: str) -> RegistryTestV1:
    """Return what the test found out that was asked for.

    Raises:
        UnavailableError: no worker has answered in time.
    """
    try:
        async with asyncio.timeout(TEST_WAIT_S):
            while True:
                record = await client.get_registry(host)
                if not record.testing and record.test is not None:
                    return record.test
                await asyncio.sleep(ASK_AGAIN_S)
    except TimeoutError as error:
        raise UnavailableError(
            f"no worker has tested registry {host} within {TEST_WAIT_S:g} s; is one running, and "
            "can it open the credentials (`tidegate registry show`)?"
        ) from error


async def find(client: HubClient, host: str) -> RegistryRecordV1 | None:
    """Return a registry that is configured in the hub, None where it is not."""
    try:
        return await client.get_registry(host)
    except NotFoundError:
        return None


async def every(client: HubClient) -> list[RegistryV1]:
    """Return all registries that the hub knows."""
    found: list[RegistryV1] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await client.list_registries(cursor=cursor, limit=200)
        found += page.items
        cursor = page.next
    return found


def require_new(record: RegistryRecordV1 | None, host: str) -> None:
    """Refuse what is configured already."""
    if record is not None:
        raise InputError(f"registry {host} is configured already; remove it first")
