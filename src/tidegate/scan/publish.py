"""What becomes of a scan in its registry: a report where it says something new.

Reports are renewed when the findings or what was covered changed, and after some time, so that
gates that judge the age of a report never see an old one (PRODUCT, "The findings artifact"). What
counts as known is only what our own key signed. After attaching, what foreign writers of the same
tags may have lost is added again a few times (THREATS row 18); nobody waits for that.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from tidegate.domain.digest import Digest
from tidegate.domain.errors import LimitExceededError, TidegateError
from tidegate.domain.evidence import Coverage
from tidegate.domain.finding import Finding
from tidegate.domain.reference import ImageReference
from tidegate.evidence.artifact import ArtifactReader
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.verify import VerifiedReport, essence
from tidegate.scan.attach import Attached, attach_report, own_evidence_key, restore_attachment
from tidegate.scan.attest import attach_attestation
from tidegate.scan.detail import read_statement
from tidegate.scan.feed import FeedWriter
from tidegate.scan.pipeline import PlatformScan
from tidegate.scan.prune import prune_reports
from tidegate.scan.tagged import RegistryWriter
from tidegate.trust.keys import SigningKey
from tidegate.wire.oci_v1 import Descriptor
from tidegate.wire.statement_v1 import MEDIA_TYPE, Statement, render_statement

RESTORE_PAUSES_S = (1.0, 4.0, 25.0)
"""Looked again after 1, 5 and 30 s in all (THREATS row 18)."""

REVISIONS_WITHIN = timedelta(seconds=1)
"""A report from elsewhere read again goes by its own scan time, a microsecond later each time."""

_NEVER_AHEAD = datetime(9999, 1, 1, tzinfo=UTC)
_LIMITS = EvidenceLimits()
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Published:
    """The report that stands for a scan in its registry."""

    artifact: Digest
    scanned_at: datetime
    """Its signed scan time: that of an earlier scan where this one said the same."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about reports beforehand."""

    artifact: str = ""
    """The one that was there last; where it is gone, a new one takes its place. Empty: unknown."""
    renew_after_s: float = 0
    """Age from which a report is renewed although it says the same; 0: the worker's own setting
    alone."""

    def renew_after(self, own: timedelta) -> timedelta:
        """Return the smaller of both ages."""
        return min(own, timedelta(seconds=self.renew_after_s)) if self.renew_after_s else own


class Publisher:
    """Attaches reports by one key, and sees to it that they stay; close it at the end."""

    def __init__(
        self,
        client: RegistryWriter,
        key: SigningKey,
        renew_after: timedelta,
        *,
        attestation: bool = False,
        feed: FeedWriter | None = None,
    ) -> None:
        self._feed = feed
        """Where gates hear of reports before they ask; None: they ask."""
        self._attestation = attestation
        """Whether reports stand among the image's cosign attestations as well."""
        self._client = client
        self._key = key
        self._renew_after = renew_after
        self.signed_at: datetime | None = None
        """Scan time of the report that was signed last."""
        self._restoring: set[asyncio.Task[None]] = set()

    async def publish(
        self, reference: ImageReference, scan: PlatformScan, known: Known = Known()
    ) -> Published:
        """Return the artifact that says what `scan` found: the one that is there, or a new one.

        Raises:
            UnavailableError: the registry did not take it.
        """
        return await self.publish_statement(reference, scan.statement, scan.subject, known)

    async def publish_statement(
        self,
        reference: ImageReference,
        statement: Statement,
        described: Descriptor,
        known: Known = Known(),
    ) -> Published:
        """Return the artifact that says what `statement` does: one that is there, or a new one.

        A report from elsewhere keeps its own scan time; one that is older than what is known by
        its scanner's name changes nothing.

        Raises:
            UnavailableError: the registry did not take it.
        """
        subject = described.digest
        present = await self._present(reference.at(subject), statement, known)
        if isinstance(present, Published):
            _log.info("report.unchanged", subject=subject, artifact=present.artifact)
            await self._attest(reference, described, present.artifact)
            await self._tell_again(reference, statement, present.artifact)
            return present
        statement = present or statement
        body = render_statement(statement)
        attached = await attach_report(self._client, reference, body, self._key, subject=described)
        self.signed_at = statement.finished_at
        self._keep_attached(reference, attached, subject)
        await self._attest(reference, described, attached.artifact, body)
        if self._feed is not None:
            await self._feed.offer(body, attached.artifact)
        await self._prune(reference, subject)
        return Published(attached.artifact, statement.finished_at)

    async def _tell_again(
        self, reference: ImageReference, statement: Statement, artifact: Digest
    ) -> None:
        """Have a report told that stood there already, unless it is known to be told."""
        feed, scanner = self._feed, statement.scanner.name
        if feed is None or feed.knows(statement.subject, scanner, artifact):
            return
        body = await read_statement(self._client, reference, artifact)
        await feed.offer(body.encode(), artifact)

    async def aclose(self) -> None:
        """Give up looking whether reports stay."""
        for task in self._restoring:
            task.cancel()
        await asyncio.gather(*self._restoring, return_exceptions=True)

    async def _present(
        self, reference: ImageReference, statement: Statement, known: Known
    ) -> Published | Statement | None:
        """Return our newest report where it stands; None: attach a new one.

        A statement is what to attach in the place of the given one.
        """
        try:
            own = await self._read_own(reference, statement)
        except TidegateError as error:
            _log.info("report.not_compared", subject=statement.subject, error=str(error))
            return None
        if known.artifact and known.artifact not in {each.artifact for each in own}:
            # Gates that saw it want it, or a newer one.
            _log.warning("report.gone", subject=statement.subject, artifact=known.artifact)
            return None
        newest_at = max((each.report.scanned_at for each in own), default=None)
        renew_after = known.renew_after(self._renew_after)
        if newest_at is None or statement.finished_at - newest_at >= renew_after:
            return None
        newest = [each for each in own if each.report.scanned_at == newest_at]
        said = _says(statement.findings, statement.coverage)
        # Gates join reports of one instant: all of them have to say the same.
        if all(_says(each.report.findings, each.report.coverage) == said for each in newest):
            return Published(newest[0].artifact, newest_at)
        if statement.origin is None or newest_at < statement.finished_at:
            return None
        if newest_at - statement.finished_at >= REVISIONS_WITHIN:
            return Published(newest[0].artifact, newest_at)
        # The same foreign scan, read anew: VEX statements came or went. It must count as the newer
        # one, and yet keep its own age.
        return replace(statement, finished_at=newest_at + timedelta(microseconds=1))

    async def _read_own(
        self, reference: ImageReference, statement: Statement
    ) -> list[VerifiedReport]:
        """Return every report of ours, by the same scanner, that a gate would believe."""
        subject = statement.subject
        listed = await self._client.list_referrers(reference, subject, MEDIA_TYPE)
        artifacts = dict.fromkeys(entry.digest for entry in listed.descriptors)
        if len(artifacts) > _LIMITS.max_artifacts:
            raise LimitExceededError(
                f"{len(artifacts)} files refer to {subject}, want at most {_LIMITS.max_artifacts}"
            )
        keys = (own_evidence_key(self._key),)
        # A report from elsewhere may be older than what is known, which must be seen all the same.
        now = statement.finished_at if statement.origin is None else _NEVER_AHEAD
        reader = ArtifactReader(self._client, reference, subject, keys, now, _LIMITS)
        found = [await reader.read(artifact) for artifact in artifacts]
        return [
            each
            for each in found
            if isinstance(each, VerifiedReport) and each.scanner == statement.scanner.name
        ]

    def _keep_attached(
        self, reference: ImageReference, attached: Attached, subject: Digest
    ) -> None:
        task = asyncio.create_task(self._restore(reference, attached, subject))
        self._restoring.add(task)
        task.add_done_callback(self._restoring.discard)

    async def _restore(
        self, reference: ImageReference, attached: Attached, subject: Digest
    ) -> None:
        log = _log.bind(subject=subject, artifact=attached.artifact)
        for pause_s in RESTORE_PAUSES_S:
            await asyncio.sleep(pause_s)
            try:
                if await restore_attachment(self._client, reference, attached, subject):
                    log.warning("report.restored", why="another writer of its tags lost it")
            except TidegateError as error:
                log.warning("report.not_restored", error=str(error))
            except Exception:
                # A fault of ours; nobody waits for this task who could tell of it.
                log.exception("report.restore_crashed")
                return

    async def _attest(
        self,
        reference: ImageReference,
        described: Descriptor,
        artifact: Digest,
        body: bytes | None = None,
    ) -> None:
        """See that what `artifact` says stands among the image's attestations, where it is to."""
        if not self._attestation:
            return
        log = _log.bind(subject=described.digest, artifact=artifact)
        try:
            said = body or (await read_statement(self._client, reference, artifact)).encode()
            if await attach_attestation(
                self._client, reference, said, self._key, subject=described
            ):
                log.info("report.attested")
        except TidegateError as error:
            # The report is attached; its attestation is looked for again at the next scan.
            log.warning("report.not_attested", error=str(error))

    async def _prune(self, reference: ImageReference, subject: Digest) -> None:
        try:
            pruned = await prune_reports(self._client, reference, subject, self._key)
        except TidegateError as error:
            # The report is attached; old ones are deleted at a later renewal.
            _log.warning("reports.not_pruned", error=str(error))
        else:
            if pruned.deleted or pruned.failed:
                _log.info("reports.pruned", deleted=len(pruned.deleted), failed=pruned.failed)


def _says(findings: Iterable[Finding], coverage: Coverage) -> tuple[frozenset[Finding], Coverage]:
    """Return what a report says, without how fresh its advisories were: they change every day."""
    ecosystems = tuple(replace(each, source_updated_at=None) for each in coverage.ecosystems)
    return frozenset(map(essence, findings)), replace(coverage, ecosystems=ecosystems)
