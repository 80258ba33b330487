"""From an image reference to the manifests that may run: tag to digest, index to platforms.

What a digest means never changes and is remembered. What a tag names does: with `resolve: always`
a registry is asked about a tag at most once a second, with `cached` once in `fresh_for`, and an
older answer serves while the registry does not answer, up to `usable_for`. Each reference is asked
for by one flight at a time, whoever asks; a flight outlives the review that began it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    DeadlineExceededError,
    LimitExceededError,
    NotInRegistryError,
    RegistryRefusesError,
    RegistryUnavailableError,
    UnavailableError,
)
from tidegate.domain.glob import glob_matches
from tidegate.domain.reference import ImageReference
from tidegate.domain.text import describe_instant
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.ports import RegistryReader
from tidegate.trust.configuration import TagResolution
from tidegate.wire.oci_v1 import Manifest, platforms

MAX_KNOWN_IMAGES = 10_000
"""Images whose platforms are remembered, about 300 bytes each; and tags."""


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
    asked_at: datetime | None = None
    """When the tag named it, where an answer that was kept is used."""


class ImageResolver:
    """Resolves references."""

    def __init__(self, client: RegistryReader, limits: EvidenceLimits) -> None:
        self._client = client
        self._limits = limits
        self._tag_age = timedelta(seconds=limits.tag_s)
        self._images: OrderedDict[ImageReference, ResolvedImage] = OrderedDict()
        self._tags: OrderedDict[ImageReference, tuple[ResolvedImage, datetime]] = OrderedDict()
        self._flights: dict[ImageReference, asyncio.Task[ResolvedImage | None]] = {}
        self.changes = 0
        """Grows whenever a reference may mean something else."""

    def use_client(self, client: RegistryReader) -> None:
        """Ask `client` from now on; what tags named at another place is forgotten."""
        self._client = client
        self._tags.clear()
        self.changes += 1

    async def aclose(self) -> None:
        """End the flights that are still under way."""
        flights = tuple(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def resolve(
        self, reference: ImageReference, now: datetime, tags: TagResolution, budget_s: float
    ) -> ResolvedImage | None:
        """Return what `reference` means; None: there is no such manifest.

        Raises:
            TidegateError: that could not be found out.
            TimeoutError: nor within `budget_s`, for a digest.
        """
        known = self.known(reference, now, tags)
        if known is not None:
            return known
        usable = self._usable(reference, now, tags.usable_for)
        wait_s = budget_s if usable is None else min(budget_s, self._limits.refresh_wait_s)
        flight = self._flights.get(reference)
        if flight is None:
            flight = self._flights[reference] = asyncio.create_task(self._fly(reference, now))
            flight.add_done_callback(lambda task: self._landed(reference, task))
        try:
            async with asyncio.timeout(wait_s):
                # The shield matters: one review's deadline must not fail everybody else's.
                return await asyncio.shield(flight)
        except (RegistryRefusesError, NotInRegistryError):
            raise  # it answered
        except (RegistryUnavailableError, TimeoutError) as error:
            if usable is not None:
                return usable
            if reference.digest is not None:
                raise
            raise self._tag_unknown(reference, error) from error

    def known(
        self, reference: ImageReference, now: datetime, tags: TagResolution
    ) -> ResolvedImage | None:
        """Return what `reference` means where that need not be asked, or cannot be for now."""
        if reference.digest is not None:
            untagged = reference if reference.tag is None else reference.at(reference.digest)
            return self._images.get(untagged)
        if tags.fresh_for is None:
            fresh = self._named(reference, now, self._tag_age)
            return fresh[0] if fresh is not None else None
        return self._usable(reference, now, tags.fresh_for) or (
            self._usable(reference, now, tags.usable_for) if self._client.busy(reference) else None
        )

    def known_until(
        self, reference: ImageReference, now: datetime, tags: TagResolution
    ) -> datetime | None:
        """Return until when the answer of `known` holds while nothing changes.

        None: only for now, because a registry has no time for us.
        """
        if reference.digest is not None:
            return datetime.max.replace(tzinfo=UTC)
        max_age = tags.fresh_for or self._tag_age
        found = self._named(reference, now, max_age)
        return None if found is None else found[1] + max_age

    def _usable(
        self, reference: ImageReference, now: datetime, max_age: timedelta
    ) -> ResolvedImage | None:
        """Return what a tag named at most `max_age` ago, and when."""
        found = self._named(reference, now, max_age)
        if found is None:
            return None
        image, asked_at = found
        return ResolvedImage(image.digest, image.platforms, asked_at)

    def _named(
        self, reference: ImageReference, now: datetime, max_age: timedelta
    ) -> tuple[ResolvedImage, datetime] | None:
        found = self._tags.get(reference) if reference.digest is None else None
        # A clock set back must not keep anything for ever.
        return found if found and timedelta(0) <= now - found[1] < max_age else None

    async def fetch(self, reference: ImageReference, now: datetime) -> ResolvedImage | None:
        """Return what `reference` means by its registry, whatever is known; None: nothing.

        Raises:
            TidegateError: that could not be found out.
        """
        fetched = await self._client.fetch_manifest(reference)
        self.changes += 1
        if fetched is None:
            self._tags.pop(reference, None)
            return None
        resolved = self._resolved(fetched.digest, fetched.manifest)
        _put(self._images, reference.at(fetched.digest), resolved)
        if reference.digest is None:
            _put(self._tags, reference, (resolved, now))
        return resolved

    async def _fly(self, reference: ImageReference, now: datetime) -> ResolvedImage | None:
        async with (
            asyncio.timeout(self._limits.flight_timeout_s),
            self._client.visit(reference),
        ):
            return await self.fetch(reference, now)

    def _landed(
        self, reference: ImageReference, task: "asyncio.Task[ResolvedImage | None]"
    ) -> None:
        self._flights.pop(reference, None)
        if not task.cancelled():
            task.exception()  # its waiters may all be gone; asyncio wants it looked at

    def _tag_unknown(
        self, reference: ImageReference, error: RegistryUnavailableError | TimeoutError
    ) -> UnavailableError:
        """Return `error` with what it means for a tag."""
        words = f"{error}; so it is not known what the tag names now"
        if isinstance(error, TimeoutError):
            words = f"fetching manifest {reference}: it is not known yet what the tag names now"
        named = self._tags.get(reference)
        if named is not None:
            image, asked_at = named
            words += (
                f" (it named {image.digest} at {describe_instant(asked_at)}, which `resolve: "
                "cached` in trust.yaml can use for a time)"
            )
        if isinstance(error, TimeoutError):
            return DeadlineExceededError(words)
        return RegistryUnavailableError(
            words, rate_limited=error.rate_limited, retry_after_s=error.retry_after_s
        )

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
