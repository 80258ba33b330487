"""Asks a registry whether it can be used as it is configured: reach, credentials, referrers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tidegate.domain.digest import digest_of
from tidegate.domain.reference import ImageReference
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.referrers import list_referrers
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.session import Session
from tidegate.oci.tags import list_tags

_NO_SUBJECT = digest_of(b"a subject that nobody pushes")


@dataclass(frozen=True, slots=True)
class Probe:
    """What a registry answered."""

    tags: int
    """Tags of the repository that was asked about."""
    referrers: Literal["api", "tag"]
    """`tag`: no referrers API; pushers there can hide findings by the fallback tag."""


async def probe(
    registry: RegistryConfig, repository: str, limits: RegistryLimits, clock_s: Callable[[], float]
) -> Probe:
    """Return what `registry` says about `repository`, which need not exist.

    Raises:
        RegistryUnavailableError: it does not answer, or refuses the credentials.
    """
    session = Session(registry, limits, clock_s)
    reference = ImageReference(registry.host, repository, digest=_NO_SUBJECT)
    try:
        tags = await list_tags(session, reference)
        found = await list_referrers(session, reference, _NO_SUBJECT, None)
    finally:
        await session.aclose()
    return Probe(len(tags), found.source)
