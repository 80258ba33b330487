"""Evidence for the images of a review: concurrent, inside a budget, and never an exception.

Each manifest is read by one flight at a time, whoever asks. A flight is shielded from its callers:
when a review's time is up it goes on, and the next review finds its result. What could not be
found out is `Unavailable`, unless a report was known before: then that one is used.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from traceback import format_exception

import structlog

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
from tidegate.evidence.reader import SubjectEvidence, SubjectReader
from tidegate.evidence.unavailable import unavailable_because
from tidegate.evidence.verify import VerifiedReport
from tidegate.trust.configuration import TagResolution, TrustConfiguration

DEFAULT_LIMITS = EvidenceLimits()
FOREVER = datetime.max.replace(tzinfo=UTC)

MAX_NOT_CONFIGURED = 4096
"""Images of other registries whose evidence, that there is none, is given out as one object."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Review:
    """What one call of `gather` holds constant."""

    trust: TrustConfiguration
    now: datetime
    deadline: float
    """On the event loop's clock; where nobody is asked there is none."""
    platforms: tuple[str, ...]

    def tags_of(self, reference: ImageReference) -> TagResolution:
        """Return how long the answer about the tag of `reference` is used."""
        return self.trust.tags_of(reference.registry)

    def left_s(self) -> float:
        """Return the seconds that are left."""
        return self.deadline - asyncio.get_running_loop().time()


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
        self._memory = memory
        self._cache = cache
        self._limits = limits
        self._last_held = HeldImages()
        self._groups = HeldGroups()
        self._flights: dict[SubjectKey, asyncio.Task[Report | Missing | Unavailable]] = {}
        self._client = client
        self._images = ImageResolver(client, limits)
        self._reader = SubjectReader(client, memory, cache, limits)

    def canonical(self, reference: ImageReference) -> ImageReference:
        """Return the name by which `reference` is read: that of its registry, not of a mirror."""
        return self._client.canonical(reference)

    def use_client(self, client: RegistryReader) -> None:
        """Read by `client` from now on: the registries' settings changed."""
        self._client = client
        self._images.use_client(client)  # a change: no group holds any more
        self._reader = SubjectReader(client, self._memory, self._cache, self._limits)

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
        self, reference: ImageReference, evidence: ImageEvidence, review: _Review
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
                key = _key(reference, each.digest, review)
                until = min(until, self._cache.fresh_until(key) or review.now)
        return until

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
        flights = tuple(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, self._images.aclose(), return_exceptions=True)

    def _review(self, now: datetime, deadline: float, platforms: tuple[str, ...]) -> _Review:
        trust = self._trust()
        self._cache.use_generation(trust.generation)
        if self._fed is not None:
            self._fed.use_generation(trust.generation)
        return _Review(trust, now, deadline, platforms)

    def _held(self, reference: ImageReference, review: _Review) -> ImageEvidence | None:
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

    def _remembered(self, reference: ImageReference, review: _Review) -> ImageEvidence | None:
        """Return the last that is known of an image; None: not even what its platforms are."""
        held = self._held(reference, review)
        image = self._known_image(reference, review)
        if held is not None or image is None:
            return held
        found: list[PlatformEvidence] = []
        for manifest in select_platforms(image.platforms, review.platforms):
            key = _key(reference, manifest.digest, review)
            report = self._cache.last_report(key)
            known = self._known(reference, manifest, review) or PlatformEvidence(
                manifest.platform,
                manifest.digest,
                report or Unavailable(UnavailableReason.DEADLINE),
                None if report is None else self._cache.origin(key, report),
            )
            found.append(known)
        return ImageEvidence(image.digest, tuple(found), image.asked_at) if found else None

    def _known_image(self, reference: ImageReference, review: _Review) -> ResolvedImage | None:
        """Return what `reference` means where nobody has to be asked."""
        known = self._images.known(reference, review.now, review.tags_of(reference))
        if known is None and self._fed is not None:
            return self._fed.image(reference, review.trust)
        return known

    def _known(
        self, reference: ImageReference, manifest: PlatformManifest, review: _Review
    ) -> PlatformEvidence | None:
        """Return what is known about a manifest where nobody is waited for: rows first.

        Of a registry that has no time for us now, the last report.
        """
        fed = None
        if self._fed is not None:
            fed = self._fed.of(reference, manifest.digest, review.trust)
        if fed is not None:
            return PlatformEvidence(manifest.platform, manifest.digest, fed.report, fed.origin)
        key = _key(reference, manifest.digest, review)
        known = self._cache.fresh(key, review.now)
        if known is None and self._client.busy(reference):
            known = self._last_of(key, reference, review)
        if known is None:
            return None
        origin = self._cache.origin(key, known)
        return PlatformEvidence(manifest.platform, manifest.digest, known, origin)

    def _last_of(
        self, key: SubjectKey, reference: ImageReference, review: _Review
    ) -> Report | None:
        """Return the report last found; where that is long ago, it is read again in its turn."""
        last = self._cache.last_report(key)
        if last is not None and self._cache.age_s(key, review.now) > self._limits.refresh_busy_s:
            self._start(reference, key.subject, review)  # nobody waits for it
        return last

    async def _of_image(self, reference: ImageReference, review: _Review) -> ImageEvidence:
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
            return ImageEvidence.of(_fault(error), reference.digest)
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

    def _start_early(self, reference: ImageReference, review: _Review) -> None:
        """Begin with the evidence of a digest beside the question whether it is an index."""
        digest = reference.digest
        if digest is None or self._known_image(reference, review) is not None:
            return
        if self._known(reference, PlatformManifest("", digest), review) is None:
            self._start(reference, digest, review)

    def _unresolved(
        self, reference: ImageReference, error: Exception, review: _Review
    ) -> ImageEvidence:
        """Return the report known about a digest although the registry does not answer now."""
        if reference.digest is None:
            return ImageEvidence.of(unavailable_because(error))
        key = _key(reference, reference.digest, review)
        known = self._cache.last_report(key)
        if known is None:
            return ImageEvidence.of(unavailable_because(error), reference.digest)
        return ImageEvidence.of(known, reference.digest, self._cache.origin(key, known))

    async def _of_platform(
        self, reference: ImageReference, manifest: PlatformManifest, review: _Review
    ) -> PlatformEvidence:
        known = self._known(reference, manifest, review)
        if known is not None:
            return known
        evidence = await self._of_manifest(reference, manifest.digest, review)
        origin = self._cache.origin(_key(reference, manifest.digest, review), evidence)
        return PlatformEvidence(manifest.platform, manifest.digest, evidence, origin)

    async def _of_manifest(
        self, reference: ImageReference, subject: Digest, review: _Review
    ) -> Report | Missing | Unavailable:
        key = _key(reference, subject, review)
        left_s = review.left_s()
        if self._cache.last_report(key) is not None:
            left_s = min(left_s, self._limits.refresh_wait_s)
        flight = self._start(reference, subject, review)
        try:
            async with asyncio.timeout(left_s):
                # The shield matters: one review's deadline must not fail everybody else's.
                return await asyncio.shield(flight)
        except TimeoutError:
            late = Unavailable(UnavailableReason.DEADLINE)
            return self._cache.last_report(key) or late

    async def look_behind(self, reference: ImageReference, subject: Digest, now: datetime) -> bool:
        """Read what was answered from rows at its registry; return whether that answered."""
        review = self._review(now, 0.0, ())
        try:
            found = await self._read(reference, subject, review)
        except (TimeoutError, UnavailableError):
            return False
        except Exception as error:  # noqa: BLE001 - as of every flight
            _fault(error)
            return False
        return found.problem is None

    def _start(
        self, reference: ImageReference, subject: Digest, review: _Review
    ) -> asyncio.Task[Report | Missing | Unavailable]:
        """Return the flight that reads `subject`, under way or new."""
        key = _key(reference, subject, review)
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(key, reference, subject, review))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return flight

    async def _fly(
        self, key: SubjectKey, reference: ImageReference, subject: Digest, review: _Review
    ) -> Report | Missing | Unavailable:
        try:
            found = await self._read(reference, subject, review)
        except TimeoutError:
            return self._cache.last_report(key) or Unavailable(UnavailableReason.DEADLINE)
        except UnavailableError as error:  # it was not even begun
            return self._cache.last_report(key) or unavailable_because(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours is never an answer but this one
            return _fault(error)
        if isinstance(found.evidence, Unavailable):
            return self._cache.last_report(key) or found.evidence
        self._cache.keep_state(key, found.evidence, review.now)
        return found.evidence

    async def _read(
        self, reference: ImageReference, subject: Digest, review: _Review
    ) -> SubjectEvidence:
        """Return what the registry and the rows of the feed say together."""
        rows: tuple[VerifiedReport, ...] = ()
        if self._fed is not None:
            rows = self._fed.verified(reference, subject, review.trust)
        async with (
            asyncio.timeout(self._limits.flight_timeout_s),
            self._client.visit(reference),
        ):
            found = await self._reader.read(reference, subject, review.trust, review.now, rows)
        if self._fed is not None and isinstance(found.evidence, Report) and not found.problem:
            self._fed.keep(reference, review.trust, found.evidence, rows, review.now)
        return found


@lru_cache(maxsize=MAX_NOT_CONFIGURED)
def _not_configured(reference: ImageReference) -> ImageEvidence:
    missing = Missing(MissingReason.NOT_CONFIGURED, reference.registry)
    return ImageEvidence.of(missing, reference.digest)


def _key(reference: ImageReference, subject: Digest, review: _Review) -> SubjectKey:
    return SubjectKey(review.trust.generation, reference.name, subject)


def _fault(error: Exception) -> Unavailable:
    # As text: some renderers of `exc_info` print local variables, and keys may be among them.
    _log.error("evidence-fault", traceback="".join(format_exception(error)))
    return Unavailable(UnavailableReason.REGISTRY, f"fault while reading: {type(error).__name__}")
