"""Brings reports into a chain that existed before it: once for each chain, by one worker.

The hub names manifests that were reported on; what goes into the chain is only what this worker
read in the registry and verified by its own key, the newest report of each scanner. What cannot be
read now is left to the next renewal of that report: until then gates ask the registry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from tidegate.domain.digest import parse_digest
from tidegate.domain.errors import TidegateError
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.evidence.artifact import ArtifactReader
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.verify import VerifiedReport
from tidegate.oci.client import RegistryClient
from tidegate.scan.detail import read_statement
from tidegate.scan.feed import FeedWriter
from tidegate.scan.feed_chain import image_row
from tidegate.scan.pipeline import list_image
from tidegate.wire.feed_http_v1 import FeedKnownReportV1, FeedKnownRequestV1, FeedKnownV1
from tidegate.wire.statement_v1 import MEDIA_TYPE

_LIMITS = EvidenceLimits()
_log = structlog.get_logger()


class Hub(Protocol):
    """The hub, as far as earlier reports go."""

    async def known_reports(self, body: FeedKnownRequestV1) -> FeedKnownV1:
        """Return the next page, and keep that those before are in the chain."""
        ...


@dataclass(frozen=True, slots=True)
class Filler:
    """Fills the chain of one key."""

    hub: Hub
    registries: RegistryClient
    writer: FeedWriter
    now: Callable[[], datetime]

    async def fill(self, lease: str) -> None:
        """Bring in what is not there yet, from where this was interrupted on.

        Raises:
            ConflictError: the turn is lost.
            UnavailableError: the hub is away.
        """
        asked = FeedKnownRequestV1(self.writer.fingerprint, lease)
        told = skipped = 0
        while True:
            page = await self.hub.known_reports(asked)
            for known in page.reports:
                try:
                    told += await self._take(known)
                except TidegateError as error:
                    skipped += 1
                    _log.warning("feed.not_filled", digest=known.digest, error=str(error))
            if page.upto == asked.done:
                _log.info("feed.filled", reports=told, skipped=skipped)
                return
            await self.writer.settle()
            asked.done = page.upto

    async def _take(self, known: FeedKnownReportV1) -> int:
        reference = parse_reference(f"{known.registry}/{known.repository}@{known.digest}")
        if known.image != known.digest and not self.writer.knows_image(known.image):
            image = parse_digest(known.image)
            listed = await list_image(self.registries, reference.at(image))
            if listed.entries is not None:
                self.writer.offer_image(image_row(image, listed.entries))
        newest = await self._newest(reference)
        for report in newest:
            body = await read_statement(self.registries, reference, report.artifact)
            await self.writer.offer(body.encode(), report.artifact)
        return len(newest)

    async def _newest(self, reference: ImageReference) -> list[VerifiedReport]:
        """Return the newest reports of each scanner that the own key signed; of one time, all."""
        subject = parse_digest(reference.digest or "")
        listed = await self.registries.list_referrers(reference, subject, MEDIA_TYPE)
        keys = (self.writer.own,)
        reader = ArtifactReader(self.registries, reference, subject, keys, self.now(), _LIMITS)
        artifacts = list(dict.fromkeys(entry.digest for entry in listed.descriptors))
        read = [await reader.read(each) for each in artifacts[: _LIMITS.max_artifacts]]
        reports = [each for each in read if isinstance(each, VerifiedReport)]
        newest: dict[str, datetime] = {}
        for report in reports:
            at = report.report.scanned_at
            newest[report.scanner] = max(at, newest.get(report.scanner, at))
        return [
            report
            for report in reports
            if report.report.scanned_at == newest[report.scanner]
            and not self.writer.knows(subject, report.scanner, report.artifact)
        ]
