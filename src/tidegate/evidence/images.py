"""From an image reference to the manifests that may run: tag to digest, index to platforms."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidegate.domain.digest import Digest
from tidegate.domain.errors import LimitExceededError
from tidegate.domain.glob import glob_matches
from tidegate.domain.reference import ImageReference
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.ports import RegistryReader
from tidegate.wire.oci_v1 import Manifest, platforms

MAX_KNOWN_IMAGES = 10_000
"""Images whose platforms are remembered, about 300 bytes each."""


@dataclass(frozen=True, slots=True)
class PlatformManifest:
    """One manifest that may run."""

    platform: str
    """`linux/amd64`; empty where the image is no index."""
    digest: Digest


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """What a reference means now."""

    digest: Digest
    platforms: tuple[PlatformManifest, ...]
    """Empty: an index that lists nothing that may run."""


class ImageResolver:
    """Resolves references; what a digest means never changes and is remembered."""

    def __init__(self, client: RegistryReader, limits: EvidenceLimits) -> None:
        self._client = client
        self._limits = limits
        self._images: OrderedDict[ImageReference, ResolvedImage] = OrderedDict()
        self._tags: OrderedDict[ImageReference, tuple[ResolvedImage, datetime]] = OrderedDict()

    async def resolve(self, reference: ImageReference, now: datetime) -> ResolvedImage | None:
        """Return what `reference` means; None: there is no such manifest.

        Raises:
            TidegateError: that could not be found out.
        """
        known = self.known(reference, now)
        if known is not None:
            return known
        fetched = await self._client.fetch_manifest(reference)
        if fetched is None:
            return None
        resolved = self._resolved(fetched.digest, fetched.manifest)
        _put(self._images, reference.at(fetched.digest), resolved)
        if reference.digest is None:
            _put(self._tags, reference, (resolved, now))
        return resolved

    def known(self, reference: ImageReference, now: datetime) -> ResolvedImage | None:
        """Return what `reference` means where that need not be asked."""
        if reference.digest is not None:
            return self._images.get(reference.at(reference.digest))
        resolved, read_at = self._tags.get(reference, (None, now))
        is_fresh = timedelta(0) <= now - read_at < timedelta(seconds=self._limits.tag_s)
        return resolved if is_fresh else None

    def _resolved(self, digest: Digest, manifest: Manifest) -> ResolvedImage:
        if not manifest.is_index:
            return ResolvedImage(digest, (PlatformManifest("", digest),))
        entries = platforms(manifest)
        if len(entries) > self._limits.max_platforms:
            raise LimitExceededError(
                f"index {digest} lists {len(entries)} platforms, want at most "
                f"{self._limits.max_platforms}"
            )
        return ResolvedImage(
            digest, tuple(PlatformManifest(str(e.platform or ""), e.digest) for e in entries)
        )


def select_platforms(
    available: Sequence[PlatformManifest], wanted: Sequence[str]
) -> tuple[PlatformManifest, ...]:
    """Return those of `available` that `wanted` (globs like `linux/*`; none: all) leaves.

    All, when none is left: a node selector that fits no platform must not empty the verdict. One
    that does not say what it runs on may run.
    """
    if not wanted:
        return tuple(available)
    chosen = tuple(
        each
        for each in available
        if not each.platform or any(_platform_matches(glob, each.platform) for glob in wanted)
    )
    return chosen or tuple(available)


def _platform_matches(glob: str, platform: str) -> bool:
    # `linux/arm64` means every variant: nodes have no variant label that selectors could name.
    return glob_matches(glob, platform) or glob_matches(f"{glob}/*", platform)


def _put(table: OrderedDict, key: ImageReference, value: object) -> None:  # type: ignore[type-arg] # both tables
    table[key] = value
    table.move_to_end(key)
    while len(table) > MAX_KNOWN_IMAGES:
        table.popitem(last=False)
