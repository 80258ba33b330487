"""Reads of manifests' evidence at registries: one at a time for each manifest, whoever asks.

A flight is shielded from its callers: when a review's time is up it goes on, and the next review
finds its result. What could not be found out is `Unavailable`, unless a report was known before:
then that one is used.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from traceback import format_exception

import structlog

from tidegate.domain.digest import Digest
from tidegate.domain.errors import UnavailableError
from tidegate.domain.evidence import Missing, Report, Unavailable, UnavailableReason
from tidegate.domain.reference import ImageReference
from tidegate.evidence.cache import EvidenceCache, SubjectKey
from tidegate.evidence.fed import FedEvidence
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import ReportMemory
from tidegate.evidence.ports import RegistryReader
from tidegate.evidence.reader import SubjectEvidence, SubjectReader
from tidegate.evidence.unavailable import unavailable_because
from tidegate.evidence.verify import VerifiedReport
from tidegate.trust.configuration import TagResolution, TrustConfiguration

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Review:
    """What one question about images holds constant."""

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


class Flights:
    """Reads under way, and what is needed to begin one."""

    def __init__(
        self,
        client: RegistryReader,
        memory: ReportMemory,
        cache: EvidenceCache,
        limits: EvidenceLimits,
        fed: FedEvidence | None,
    ) -> None:
        self._memory = memory
        self._cache = cache
        self._limits = limits
        self._fed = fed
        self._under_way: dict[SubjectKey, asyncio.Task[Report | Missing | Unavailable]] = {}
        self.use_client(client)

    def use_client(self, client: RegistryReader) -> None:
        """Read by `client` from now on."""
        self._client = client
        self._reader = SubjectReader(client, self._memory, self._cache, self._limits)

    async def aclose(self) -> None:
        """End the flights that are still under way."""
        flights = tuple(self._under_way.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def result(
        self, reference: ImageReference, subject: Digest, review: Review
    ) -> Report | Missing | Unavailable:
        """Return what `subject` has, read within what is left of the review's time."""
        key = key_of(reference, subject, review)
        left_s = review.left_s()
        if self._cache.last_report(key) is not None:
            left_s = min(left_s, self._limits.refresh_wait_s)
        flight = self.start(reference, subject, review)
        try:
            async with asyncio.timeout(left_s):
                # The shield matters: one review's deadline must not fail everybody else's.
                return await asyncio.shield(flight)
        except TimeoutError:
            late = Unavailable(UnavailableReason.DEADLINE)
            return self._cache.last_report(key) or late

    def start(
        self, reference: ImageReference, subject: Digest, review: Review
    ) -> asyncio.Task[Report | Missing | Unavailable]:
        """Return the flight that reads `subject`, under way or new."""
        key = key_of(reference, subject, review)
        flight = self._under_way.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(key, reference, subject, review))
            self._under_way[key] = flight
            flight.add_done_callback(lambda _: self._under_way.pop(key, None))
        return flight

    async def _fly(
        self, key: SubjectKey, reference: ImageReference, subject: Digest, review: Review
    ) -> Report | Missing | Unavailable:
        try:
            found = await self.read(reference, subject, review)
        except TimeoutError:
            return self._cache.last_report(key) or Unavailable(UnavailableReason.DEADLINE)
        except UnavailableError as error:  # it was not even begun
            return self._cache.last_report(key) or unavailable_because(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours is never an answer but this one
            return fault_of(error)
        if isinstance(found.evidence, Unavailable):
            return self._cache.last_report(key) or found.evidence
        self._cache.keep_state(key, found.evidence, review.now)
        return found.evidence

    async def read(
        self, reference: ImageReference, subject: Digest, review: Review
    ) -> SubjectEvidence:
        """Return what the registry and the rows of the feed say together.

        Raises:
            UnavailableError: the registry has no time for it now.
            TimeoutError: it took longer than a flight may.
        """
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


def key_of(reference: ImageReference, subject: Digest, review: Review) -> SubjectKey:
    """Return by what the evidence of a manifest is held."""
    return SubjectKey(review.trust.generation, reference.name, subject)


def fault_of(error: Exception) -> Unavailable:
    """Write down a fault of ours, and return it as an answer."""
    # As text: some renderers of `exc_info` print local variables, and keys may be among them.
    _log.error("evidence-fault", traceback="".join(format_exception(error)))
    return Unavailable(UnavailableReason.REGISTRY, f"fault while reading: {type(error).__name__}")
