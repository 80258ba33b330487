"""What a worker adds to its own report of an image: what trusted sources said of it.

Their reports are attached beside ours; what their VEX statements clear is marked in ours. Nothing
here keeps our own report from its image: what fails is logged, and then nothing is cleared.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from tidegate.domain.digest import Digest
from tidegate.domain.errors import TidegateError
from tidegate.domain.reference import ImageReference
from tidegate.oci.client import RegistryClient
from tidegate.scan.foreign import Borrowing, ImageFacts, clear, take_over
from tidegate.scan.pipeline import PlatformScan
from tidegate.scan.publish import Publisher

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Borrower:
    """Takes over what the sources of the trust file signed."""

    registries: RegistryClient
    publisher: Publisher
    borrowing: Callable[[], Borrowing]
    now: Callable[[], datetime]

    async def borrow(
        self,
        reference: ImageReference,
        scan: PlatformScan,
        *,
        attach: bool,
        within: Digest | None = None,
    ) -> PlatformScan:
        """Attach reports of trusted sources; return `scan` with what their VEX clears marked.

        `within` is the image that is scanned, an index where `scan` is of one of its platforms.
        """
        borrowing = self.borrowing()
        if not any(s.key.covers_repository(reference.name) for s in borrowing.sources):
            return scan
        subject = scan.subject.digest
        log = _log.bind(subject=subject)
        try:
            scan = await self._with_config(reference, scan)
        except TidegateError as error:
            log.warning("foreign.not_read", error=str(error))
            return scan
        index = within if within != subject else None
        image = ImageFacts(reference, subject, scan.config, index)
        foreign = await take_over(self.registries, image, borrowing, self.now())
        for refusal in foreign.refused:
            log.warning("foreign.refused", why=refusal)
        for statement in foreign.statements if attach else ():
            scanner = statement.scanner.name
            try:
                published = await self.publisher.publish_statement(
                    reference, statement, scan.subject
                )
            except TidegateError as error:
                log.warning("foreign.not_attached", scanner=scanner, error=str(error))
            else:
                log.info("foreign.attached", scanner=scanner, artifact=published.artifact)
        return clear(scan, foreign)

    async def _with_config(self, reference: ImageReference, scan: PlatformScan) -> PlatformScan:
        """Return `scan` with its config's digest, which a kept list of packages does not have."""
        if scan.config:
            return scan
        fetched = await self.registries.fetch_manifest(reference.at(scan.subject.digest))
        config = fetched.manifest.config if fetched is not None else None
        return replace(scan, config=config.digest if config is not None else "")
