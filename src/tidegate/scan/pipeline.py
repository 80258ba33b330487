"""From an image reference to what is known about each of its platforms, one after the other.

A platform is fetched into a layout, its packages are listed in the sandbox, and the advisories say
what is wrong with them. Nothing is signed or pushed here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from tidegate.advisories.index import Advisories
from tidegate.advisories.match import Matched
from tidegate.advisories.package import Package
from tidegate.domain.digest import Digest
from tidegate.domain.errors import InvalidManifestError, NotInRegistryError
from tidegate.domain.reference import ImageReference
from tidegate.scan.answer import Answered, Scanned, identity_of, judge_answer
from tidegate.scan.layout import (
    DEFAULT_LIMITS,
    BlobSource,
    FetchedImage,
    LayoutLimits,
    is_image,
    write_layout,
)
from tidegate.scan.scanner import Scanner
from tidegate.wire.oci_v1 import Descriptor, platforms
from tidegate.wire.statement_v1 import Statement

Progress = Callable[[str], None]
"""Called with what is being done, in words."""


class ImageSource(BlobSource, Protocol):
    """A registry client that images are read through."""

    async def fetch_manifest(self, reference: ImageReference) -> FetchedImage | None:
        """Return the manifest by digest where there is one, else by tag; None: not there."""


@dataclass(frozen=True, slots=True)
class ScanSetup:
    """What a scan works with."""

    scanner: Scanner
    advisories: Advisories
    now: Callable[[], datetime]
    workdir: Path
    """Folder for layouts; each is removed when its platform is done."""
    limits: LayoutLimits = DEFAULT_LIMITS
    deadline_s: float = 600.0
    """Longest run of the scanner for one platform."""
    progress: Progress = lambda _: None


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform of an image."""

    reference: ImageReference
    """By digest."""
    name: str
    """As its index names it, `linux/arm64`; empty where there is no index."""


@dataclass(frozen=True, slots=True)
class ListedImage:
    """What an image consists of."""

    platforms: tuple[Platform, ...]
    entries: tuple[tuple[str, Digest], ...] | None = None
    """What an index lists that may run, as it stands there; None: it is no index."""


@dataclass(frozen=True, slots=True)
class PlatformScan:
    """What one scan found out about one platform."""

    subject: Descriptor
    platform: str
    """As its index or, without one, its config names it."""
    statement: Statement
    refused: tuple[str, ...]
    """Isolation that the kernel did not give to the scanner; empty: all of it."""
    cpu_s: float
    max_rss_bytes: int
    packages: tuple[Package, ...] = ()
    """What the scanner saw."""
    not_understood: tuple[str, ...] = ()
    """Sentences about content that never became a package."""
    config: str = ""
    """Digest of the image's config."""
    by_advisories: bool = True
    """Whether ours judged the packages: only then can they be matched again without a scan."""


async def scan_image(
    client: ImageSource, reference: ImageReference, setup: ScanSetup
) -> tuple[PlatformScan, ...]:
    """Scan every platform of the image; attestations in an index are none.

    Raises:
        InvalidManifestError: no image.
        NotInRegistryError: no such manifest.
        TidegateError: a platform could not be scanned; see `scan_platform`.
    """
    found = await list_platforms(client, reference)
    return tuple([await scan_platform(client, platform, setup) for platform in found])


async def list_platforms(client: ImageSource, reference: ImageReference) -> tuple[Platform, ...]:
    """Return the platforms of the image as `list_image` does."""
    return (await list_image(client, reference)).platforms


async def list_image(client: ImageSource, reference: ImageReference) -> ListedImage:
    """Return the platforms of the image, each once; the image itself where it is no index.

    Raises:
        InvalidManifestError: neither an image nor an index of some.
        NotInRegistryError: no such manifest.
    """
    fetched = await _fetch(client, reference)
    if fetched.manifest.is_index:
        entries = platforms(fetched.manifest)
        named = {entry.digest: entry for entry in entries}
        found = tuple(
            Platform(reference.at(digest), str(entry.platform or ""))
            for digest, entry in named.items()
        )
        return ListedImage(found, tuple((str(e.platform or ""), e.digest) for e in entries))
    if not is_image(fetched.manifest):
        raise InvalidManifestError(
            f"{reference} is no image, but an artifact of type {fetched.manifest.kind[:80]!r}"
        )
    return ListedImage((Platform(reference.at(fetched.digest), ""),))


async def scan_platform(client: ImageSource, platform: Platform, setup: ScanSetup) -> PlatformScan:
    """Fetch and scan one platform.

    Raises:
        InvalidManifestError: no image of one platform, or content outside its registry.
        ContentMismatchError: the scanner looked at something else than the image.
        UnavailableError: registry or scanner failed, or the image is beyond the limits.
    """
    started_at = setup.now()
    fetched = await _fetch(client, platform.reference)
    with TemporaryDirectory(prefix="scan-", dir=setup.workdir) as folder:
        layout_dir, scanner_dir = Path(folder, "layout"), Path(folder, "scanner")
        layout = await write_layout(
            client,
            platform.reference,
            fetched,
            layout_dir,
            limits=setup.limits,
            progress=setup.progress,
        )
        setup.progress("listing packages")
        output = await setup.scanner.scan(layout.path, scanner_dir, setup.deadline_s)
        setup.progress("matching advisories")
        scanned = Scanned(layout.manifest, layout.config, tuple(layout.layers))
        answer = await asyncio.to_thread(judge_answer, output, scanned, setup.advisories)
    subject = Descriptor(fetched.manifest.media_type, fetched.digest, len(fetched.body))
    return PlatformScan(
        subject=subject,
        platform=platform.name or layout.platform,
        statement=_statement(platform.reference, subject, answer, started_at, setup.now()),
        refused=output.refused,
        cpu_s=output.cpu_s,
        max_rss_bytes=output.max_rss_bytes,
        packages=answer.packages,
        not_understood=answer.not_understood,
        config="" if fetched.manifest.config is None else fetched.manifest.config.digest,
        by_advisories=answer.by_advisories,
    )


async def _fetch(client: ImageSource, reference: ImageReference) -> FetchedImage:
    fetched = await client.fetch_manifest(reference)
    if fetched is None:
        raise NotInRegistryError(f"{reference}: no such manifest in the registry")
    return fetched


def make_statement(
    reference: ImageReference,
    subject: Descriptor,
    matched: Matched,
    started_at: datetime,
    finished_at: datetime,
) -> Statement:
    """Return what our advisories say of `subject`, a manifest of `reference`'s repository."""
    scanner = identity_of(matched.coverage)
    answer = Answered((), matched.findings, matched.coverage, scanner)
    return _statement(reference, subject, answer, started_at, finished_at)


def _statement(
    reference: ImageReference,
    subject: Descriptor,
    answer: Answered,
    started_at: datetime,
    finished_at: datetime,
) -> Statement:
    return Statement(
        subject=subject.digest,
        subject_name=reference.name,
        findings=answer.findings,
        coverage=answer.coverage,
        scanner=answer.scanner,
        started_at=started_at,
        finished_at=finished_at,
    )
