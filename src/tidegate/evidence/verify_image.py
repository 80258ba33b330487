"""Everything that is attached to an image, and why each file counts or does not.

What `tidegate verify` shows: the same reading that the gate decides from, without its memory.
"""

from dataclasses import dataclass
from datetime import datetime

from tidegate.domain.digest import Digest
from tidegate.domain.errors import NotInRegistryError
from tidegate.domain.reference import ImageReference
from tidegate.evidence.cache import EvidenceCache
from tidegate.evidence.images import ImageResolver
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import ReportMemory
from tidegate.evidence.ports import RegistryReader
from tidegate.evidence.reader import SubjectEvidence, SubjectReader
from tidegate.trust.configuration import TrustConfiguration


@dataclass(frozen=True, slots=True)
class PlatformChecks:
    """What is attached to one manifest of an image."""

    platform: str
    """`linux/amd64`; empty where the image is no index."""
    digest: Digest
    found: SubjectEvidence


@dataclass(frozen=True, slots=True)
class ImageChecks:
    """What is attached to an image."""

    digest: Digest
    platforms: tuple[PlatformChecks, ...]


async def verify_image(
    client: RegistryReader,
    trust: TrustConfiguration,
    reference: ImageReference,
    now: datetime,
) -> ImageChecks:
    """Return each platform's evidence, with every report that verifies and every refusal.

    Raises:
        NotInRegistryError: there is no such image.
        TidegateError: the registry is not configured, or did not answer.
    """
    limits = EvidenceLimits()
    reference = client.canonical(reference)
    image = await ImageResolver(client, limits).fetch(reference, now)
    if image is None:
        raise NotInRegistryError(f"{reference}: there is no such image; check the name and the tag")
    reader = SubjectReader(client, ReportMemory(), EvidenceCache(limits), limits)
    return ImageChecks(
        image.digest,
        tuple(
            [
                PlatformChecks(
                    each.platform,
                    each.digest,
                    await reader.read(reference, each.digest, trust, now),
                )
                for each in image.platforms
            ]
        ),
    )
