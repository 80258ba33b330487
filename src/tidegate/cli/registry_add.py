"""How `tidegate registry add` tests and keeps a registry: on this machine, or for all workers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from tidegate.cli import registry_hub, registry_local
from tidegate.cli.context import World
from tidegate.cli.hub import ask_hub
from tidegate.cli.moments import render_moment
from tidegate.cli.output import print_line, print_note
from tidegate.cli.registries import PATIENCE, quieten_logs
from tidegate.cli.registry_hub import Wanted
from tidegate.cli.registry_local import LocalRegistry
from tidegate.cli.registry_options import read_pem
from tidegate.cli.registry_words import NO_API, test_lines
from tidegate.domain.errors import (
    InputError,
    MissingSettingError,
    RegistryUnavailableError,
    UnavailableError,
)
from tidegate.hubclient.client import HubClient
from tidegate.oci.keychain import Credentials
from tidegate.oci.probe import probe
from tidegate.oci.registries import RegistryConfig
from tidegate.wire.registries_v1 import ConnectionV1, CredentialsV1, PollingV1, RegistryTestV1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Added:
    """A registry that is to be added."""

    config: RegistryConfig
    polling: PollingV1
    repository: str
    credentials: Credentials | None
    docker_config: Path | None


def add_here(world: World, added: Added) -> None:
    """Keep a registry for this machine's gate and worker, and tell the hub of it."""
    folder, config = world.folder(), added.config
    if registry_local.is_configured(folder, config.host):
        raise InputError(f"registry {config.host} is configured already; remove it first")
    tell(config.host, _probe(config, added.repository))
    user = added.credentials or Credentials("", "")
    registry_local.keep(
        folder, LocalRegistry(config, added.docker_config, user.username, user.password)
    )
    print_line(f"registry {config.host} added")
    wanted = Wanted(
        config.host, _connection(config), added.polling, added.repository, credentials=None
    )
    if of_hub(world, "", lambda client: registry_hub.configure(client, wanted)) is None:
        print_note(
            "The hub does not answer, so it does not know: workers elsewhere do not contact this "
            "registry, and nobody looks through it. Remove and add it again when the hub is there."
        )


def add_to_hub(world: World, hub: str, added: Added) -> None:
    """Keep a registry for all workers, once one of them has tested it."""
    config = added.config
    credentials = CredentialsV1(
        *_given(added),
        client_certificate=read_pem(config.client_cert_file),
        client_key=read_pem(config.client_key_file),
    )
    wanted = Wanted(config.host, _connection(config), added.polling, added.repository, credentials)

    async def add(client: HubClient) -> RegistryTestV1:
        registry_hub.require_new(await registry_hub.find(client, config.host), config.host)
        await registry_hub.configure(client, wanted)
        try:
            found = await registry_hub.wait_tested(client, config.host)
        except UnavailableError:
            await client.delete_registry(config.host)
            raise
        if not found.reachable:
            await client.delete_registry(config.host)
        return found

    found = ask_hub(world, hub, add)
    if not found.reachable:
        raise RegistryUnavailableError(found.error)
    tell(config.host, found)
    print_line(f"registry {config.host} added for the workers of the hub")
    print_note("Gates contact the registries of their own cluster's trust configuration.")


def _given(added: Added) -> tuple[str, str]:
    found = added.credentials
    if added.config.keychain is not None:
        quieten_logs()
        found = asyncio.run(added.config.keychain.credentials(None))
        if found is None:
            raise InputError(f"{added.docker_config}: no credentials of {added.config.host}")
        if found.identity_token:
            raise InputError(
                f"{added.docker_config}: holds an identity token of {added.config.host}, which "
                "workers of a hub cannot use; want a user name and a password"
            )
    return ("", "") if found is None else (found.username, found.password)


def _connection(config: RegistryConfig) -> ConnectionV1:
    own = config.origin == f"https://{config.host}"
    return ConnectionV1(
        url="" if own else config.origin,
        allow_private=config.allow_private,
        ca=read_pem(config.ca_file),
        token_realms=list(config.token_realms),
        redirect_hosts=list(config.redirect_hosts),
        aliases=list(config.aliases),
    )


def _probe(config: RegistryConfig, repository: str) -> RegistryTestV1:
    quieten_logs()
    found = asyncio.run(probe(config, repository, PATIENCE, time.monotonic))
    return RegistryTestV1(
        checked_at=render_moment(datetime.fromtimestamp(time.time(), UTC)),
        worker="",
        reachable=True,
        referrers=found.referrers,
        catalogue=found.catalogue,
        push=found.push,
        delete=found.delete,
    )


def tell(host: str, found: RegistryTestV1) -> None:
    """Print what a test found out."""
    first, *others = test_lines(found)
    print_line(f"registry {host} {first}")
    for line in others:
        print_line(line)
    if found.referrers == "tag":
        print_note(NO_API)


def of_hub(world: World, hub: str, ask: Callable[[HubClient], Awaitable[T]]) -> T | None:
    """Return the hub's answer; None: no hub is known, or it does not answer and was not named."""
    try:
        return ask_hub(world, hub, ask)
    except (MissingSettingError, UnavailableError):
        if hub:
            raise
        return None
