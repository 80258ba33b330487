"""Evidence for the images of a review: concurrent, inside a budget, and never an exception.

What is held is given out without a wait; the rest is read (`evidence.flights`). What could not be
found out is `Unavailable`, unless a report was known before: then that one is used.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from tidegate.domain.digest import Digest
from tidegate.domain.errors import TidegateError, UnavailableError
from tidegate.domain.evidence import (
    EvidenceSource,
    ImageEvidence,
    Missing,
    MissingReason,
    PlatformEvidence,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.reference import ImageReference
from tidegate.evidence.cache import EvidenceCache, SubjectKey
from tidegate.evidence.fed import FedEvidence
from tidegate.evidence.flights import Flights, Review, fault_of, key_of
from tidegate.evidence.held import HeldGroups, HeldImages, State
from tidegate.evidence.images import (
    ImageResolver,
    PlatformManifest,
    ResolvedImage,
    select_platforms,
)
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import ReportMemory
from tidegate.evidence.ports import RegistryReader
from tidegate.evidence.unavailable import unavailable_because
from tidegate.trust.configuration import TrustConfiguration

DEFAULT_LIMITS = EvidenceLimits()
FOREVER = datetime.max.replace(tzinfo=UTC)

MAX_NOT_CONFIGURED = 4096
"""Images of other registries whose evidence, that there is none, is given out as one object."""


class Gatherer:
    """Gathers evidence from memory, cache and registries."""

    def __init__(
        self,
        client: RegistryReader,
        trust: Callable[[], TrustConfiguration],
        memory: ReportMemory,
        cache: EvidenceCache,
        *,
        limits: EvidenceLimits = DEFAULT_LIMITS,
        fed: FedEvidence | None = None,
    ) -> None:
        self._trust = trust
        self._fed = fed
        self._cache = cache
        self._limits = limits
        self._last_held = HeldImages()
        self._groups = HeldGroups()
        self._client = client
        self._images = ImageResolver(client, limits)
        self._flights = Flights(client, memory, cache, limits, fed)

    def canonical(self, reference: ImageReference) -> ImageReference:
        """Return the name by which `reference` is read: that of its registry, not of a mirror."""
        return self._client.canonical(reference)

    def use_client(self, client: RegistryReader) -> None:
        """Read by `client` from now on: the registries' settings changed."""
        self._client = client
        self._images.use_client(client)  # a change: no group holds any more
        self._flights.use_client(client)

    async def gather(
        self,
        references: Sequence[ImageReference],
        *,
        now: datetime,
        budget_s: float,
        platforms: tuple[str, ...] = (),
    ) -> dict[ImageReference, ImageEvidence]:
        """Return what is known about each of `references` within `budget_s` seconds.

        `platforms` are globs like `linux/arm64`, `linux/*` that the workload may run on; none: all.
        """
        deadline = asyncio.get_running_loop().time() + budget_s
        review = self._review(now, deadline, platforms)
        # The same digest under any name of its registry has the same evidence.
        names = {each: self._client.canonical(each) for each in references}
        held = {each: self._held(each, review) for each in dict.fromkeys(names.values())}
        unknown = [each for each, evidence in held.items() if evidence is None]
        read = []
        if unknown:
            read = await asyncio.gather(*(self._of_image(each, review) for each in unknown))
        found = dict(zip(unknown, read, strict=True))
        of = {each: evidence or found[each] for each, evidence in held.items()}
        return {each: of[name] for each, name in names.items()}

    def held(
        self, references: Sequence[ImageReference], now: datetime, platforms: tuple[str, ...] = ()
    ) -> dict[ImageReference, ImageEvidence] | None:
        """Return what `gather` would say without asking anybody; None where it has to ask.

        It is quickest for the very same `references` again, which are not to be changed; nor is
        what is returned.
        """
        review = self._review(now, 0.0, platforms)
        state = State(review.trust, platforms, self._changes())
        found = self._groups.get(references, state, now)
        if found is not None:
            return found
        found, until = {}, FOREVER
        for each in references:
            name = self._client.canonical(each)
            evidence = self._held(name, review)
            if evidence is None:
                return None
            found[each] = evidence
            until = min(until, self._holds_until(name, evidence, review))
        self._groups.keep(references, state, now, until, found)
        return found

    def _changes(self) -> int:
        """Return a number that grows with every change of what `held` looks at, but the time."""
        fed = 0 if self._fed is None else self._fed.changes
        return self._cache.changes + self._images.changes + fed

    def _holds_until(
        self, reference: ImageReference, evidence: ImageEvidence, review: Review
    ) -> datetime:
        """Return until when what is held about an image is held while nothing changes."""
        until = FOREVER
        if self._client.configured(reference.registry):
            tags = review.tags_of(reference)
            until = self._images.known_until(reference, review.now, tags) or review.now
        for each in evidence.platforms:
            if each.digest is None or each.origin is None:
                continue
            if each.origin.source is EvidenceSource.REGISTRY:
                until = min(until, self._asked_ahead(reference, each.digest, review))
        return until

    def _asked_ahead(self, reference: ImageReference, subject: Digest, review: Review) -> datetime:
        """Return until when nothing is to be done about `subject`; it is read anew in its turn.

        What is in use is so never too old, and no review waits for it while its registry answers.
        """
        key = key_of(reference, subject, review)
        ask_at = self._cache.ask_again_at(key) or review.now
        if review.now < ask_at:
            return ask_at
        if not self._client.busy(reference):
            self._flights.start(reference, subject, review)
        return self._cache.fresh_until(key) or review.now

    def remembered(
        self, references: Sequence[ImageReference], now: datetime, platforms: tuple[str, ...] = ()
    ) -> dict[ImageReference, ImageEvidence]:
        """Return what is known of each, however old, without asking; without those not known.

        For a review that may not ask, or whose time is up: a known report still stands.
        """
        review = self._review(now, 0.0, platforms)
        found = {
            each: self._remembered(self._client.canonical(each), review) for each in references
        }
        return {each: evidence for each, evidence in found.items() if evidence is not None}

    async def aclose(self) -> None:
        """End the flights that are still under way."""
        await asyncio.gather(self._flights.aclose(), self._images.aclose(), return_exceptions=True)

    def _review(self, now: datetime, deadline: float, platforms: tuple[str, ...]) -> Review:
        trust = self._trust()
        self._cache.use_generation(trust.generation)
        if self._fed is not None:
            self._fed.use_generation(trust.generation)
        return Review(trust, now, deadline, platforms)

    def _held(self, reference: ImageReference, review: Review) -> ImageEvidence | None:
        """Return what is known about an image so well that nobody is waited for."""
        if not self._client.configured(reference.registry):
            return _not_configured(reference)
        image = self._known_image(reference, review)
        if image is None:
            return None
        found: list[PlatformEvidence] = []
        for manifest in select_platforms(image.platforms, review.platforms):
            known = self._known(reference, manifest, review)
            if known is None:
                return None
            found.append(known)
        return self._last_held.same(reference, image, found) if found else None

    def _remembered(self, reference: ImageReference, review: Review) -> ImageEvidence | None:
        """Return the last that is known of an image; None: not even what its platforms are."""
        held = self._held(reference, review)
        image = self._known_image(reference, review)
        if held is not None or image is None:
            return held
        found: list[PlatformEvidence] = []
        for manifest in select_platforms(image.platforms, review.platforms):
            key = key_of(reference, manifest.digest, review)
            report = self._cache.last_report(key)
            known = self._known(reference, manifest, review) or PlatformEvidence(
                manifest.platform,
                manifest.digest,
                report or Unavailable(UnavailableReason.DEADLINE),
                None if report is None else self._cache.origin(key, report),
            )
            found.append(known)
        return ImageEvidence(image.digest, tuple(found), image.asked_at) if found else None

    def _known_image(self, reference: ImageReference, review: Review) -> ResolvedImage | None:
        """Return what `reference` means where nobody has to be asked."""
        known = self._images.known(reference, review.now, review.tags_of(reference))
        if known is None and self._fed is not None:
            return self._fed.image(reference, review.trust)
        return known

    def _known(
        self, reference: ImageReference, manifest: PlatformManifest, review: Review
    ) -> PlatformEvidence | None:
        """Return what is known about a manifest where nobody is waited for: rows first.

        Of a registry that has no time for us now, the last report.
        """
        fed = None
        if self._fed is not None:
            fed = self._fed.of(reference, manifest.digest, review.trust)
        if fed is not None:
            return PlatformEvidence(manifest.platform, manifest.digest, fed.report, fed.origin)
        key = key_of(reference, manifest.digest, review)
        known = self._cache.fresh(key, review.now)
        if known is None and self._client.busy(reference):
            known = self._last_of(key, reference, review)
        if known is None:
            return None
        origin = self._cache.origin(key, known)
        return PlatformEvidence(manifest.platform, manifest.digest, known, origin)

    def _last_of(self, key: SubjectKey, reference: ImageReference, review: Review) -> Report | None:
        """Return the report last found; where that is long ago, it is read again in its turn."""
        last = self._cache.last_report(key)
        if last is not None and self._cache.age_s(key, review.now) > self._limits.refresh_busy_s:
            self._flights.start(reference, key.subject, review)  # nobody waits for it
        return last

    async def _of_image(self, reference: ImageReference, review: Review) -> ImageEvidence:
        self._start_early(reference, review)
        try:
            image = self._known_image(reference, review)
            if image is None:
                image = await self._images.resolve(
                    reference, review.now, review.tags_of(reference), review.left_s()
                )
        except (TidegateError, TimeoutError) as error:
            return self._unresolved(reference, error, review)
        except Exception as error:  # noqa: BLE001 - a fault of ours is never an answer but this one
            return ImageEvidence.of(fault_of(error), reference.digest)
        if image is None:
            return ImageEvidence.of(
                Missing(MissingReason.NO_IMAGE, "no such manifest"), reference.digest
            )
        chosen = select_platforms(image.platforms, review.platforms)
        if not chosen:
            nothing = Missing(MissingReason.NO_IMAGE, "the index lists no platform")
            return ImageEvidence.of(nothing, image.digest)
        found = await asyncio.gather(*(self._of_platform(reference, p, review) for p in chosen))
        return ImageEvidence(image.digest, tuple(found), image.asked_at)

    def _start_early(self, reference: ImageReference, review: Review) -> None:
        """Begin with the evidence of a digest beside the question whether it is an index."""
        digest = reference.digest
        if digest is None or self._known_image(reference, review) is not None:
            return
        if self._known(reference, PlatformManifest("", digest), review) is None:
            self._flights.start(reference, digest, review)

    def _unresolved(
        self, reference: ImageReference, error: Exception, review: Review
    ) -> ImageEvidence:
        """Return the report known about a digest although the registry does not answer now."""
        if reference.digest is None:
            return ImageEvidence.of(unavailable_because(error))
        key = key_of(reference, reference.digest, review)
        known = self._cache.last_report(key)
        if known is None:
            return ImageEvidence.of(unavailable_because(error), reference.digest)
        return ImageEvidence.of(known, reference.digest, self._cache.origin(key, known))

    async def _of_platform(
        self, reference: ImageReference, manifest: PlatformManifest, review: Review
    ) -> PlatformEvidence:
        known = self._known(reference, manifest, review)
        if known is not None:
            return known
        evidence = await self._flights.result(reference, manifest.digest, review)
        origin = self._cache.origin(key_of(reference, manifest.digest, review), evidence)
        return PlatformEvidence(manifest.platform, manifest.digest, evidence, origin)

    async def look_behind(self, reference: ImageReference, subject: Digest, now: datetime) -> bool:
        """Read what was answered from rows at its registry; return whether that answered."""
        review = self._review(now, 0.0, ())
        try:
            found = await self._flights.read(reference, subject, review)
        except (TimeoutError, UnavailableError):
            return False
        except Exception as error:  # noqa: BLE001 - as of every flight
            fault_of(error)
            return False
        return found.problem is None


@lru_cache(maxsize=MAX_NOT_CONFIGURED)
def _not_configured(reference: ImageReference) -> ImageEvidence:
    missing = Missing(MissingReason.NOT_CONFIGURED, reference.registry)
    return ImageEvidence.of(missing, reference.digest)
