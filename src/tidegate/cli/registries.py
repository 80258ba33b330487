"""What commands read registries with: the trust configuration, and a client for its registries."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import structlog
import typer

from tidegate.cli.context import World
from tidegate.domain.errors import InvalidTrustError, RegistryNotConfiguredError
from tidegate.evidence.trust_file import TrustFile, registry_configs
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.trust.configuration import TrustConfiguration

T = TypeVar("T")

TrustOption = Annotated[
    Path | None,
    typer.Option(
        "--trust",
        metavar="FILE",
        dir_okay=False,
        help="Trust configuration: evidence keys and registries. Default: the installation's.",
    ),
]
ReferenceArgument = Annotated[
    str, typer.Argument(metavar="REF", help="Image reference, by tag or digest.")
]

PATIENCE = RegistryLimits(read_timeout_s=20.0)
"""A person waits longer for a registry than an admission review may."""


def load_trust(world: World, path: Path | None) -> TrustConfiguration:
    """Return the trust configuration in `path`, or that of the installation.

    Raises:
        InvalidTrustError: it cannot be read, or is something else.
    """
    file = path if path is not None else world.folder().trust
    try:
        return TrustFile(file).current()
    except InvalidTrustError as error:
        raise InvalidTrustError(f"{file}: {error}") from error


def ask_registries(
    trust: TrustConfiguration, question: Callable[[RegistryClient], Awaitable[T]]
) -> T:
    """Return what `question` finds out from the registries of `trust`."""

    async def ask() -> T:
        async with RegistryClient(registry_configs(trust), limits=PATIENCE) as client:
            return await question(client)

    quieten_logs()
    try:
        return asyncio.run(ask())
    except RegistryNotConfiguredError as error:
        raise RegistryNotConfiguredError(
            f"{error} to `registries` of the trust configuration (trust.yaml in the data folder, "
            "or --trust FILE)"
        ) from error


def quieten_logs() -> None:
    """Keep what parts log off standard output; commands say themselves what went wrong."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
