"""One image matched again, from the packages that a scan once listed: nothing of it is pulled.

The packages come from the hub, and count because an evidence key signed them (`package_list`). The
report that comes of it has its own time, and says when the image was looked into. The registry is
asked for reports only, and not at all where nothing is to be attached.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from tidegate.domain.digest import Digest
from tidegate.domain.errors import InputError, TidegateError, UnavailableError, UntrustedError
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.hubclient.client import HubClient
from tidegate.oci.client import RegistryClient
from tidegate.scan.answer import SCANNER_NAME
from tidegate.scan.attach import own_evidence_key, sign_apart
from tidegate.scan.borrower import Borrower
from tidegate.scan.detail import read_referrers, read_statement
from tidegate.scan.judge import Judge, Judged
from tidegate.scan.package_list import PackageList, SignedList, sign_list
from tidegate.scan.pipeline import PlatformScan, make_statement
from tidegate.scan.publish import Known, Published, Publisher
from tidegate.scan.reports import Done, report_of
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import SigningKey
from tidegate.wire.hub_v1 import JobV1, PlatformReportV1
from tidegate.wire.rematch_v1 import FindingsUploadV1, StoredListV1
from tidegate.wire.statement_v1 import render_statement

MAX_REFUSAL_CHARS = 2000

_log = structlog.get_logger()


class ScanNeededError(Exception):
    """What is kept of an image does not serve to match it again; the message says why."""


@dataclass(frozen=True, slots=True)
class Rematcher:
    """Matches images of jobs again."""

    hub: HubClient
    registries: RegistryClient
    publisher: Publisher
    judge: Judge
    key: SigningKey
    keys: tuple[EvidenceKey, ...]
    now: Callable[[], datetime]
    borrower: Borrower | None = None
    """None: nobody's statements are taken over."""

    async def rematch(self, job: JobV1) -> Done:
        """Return the new report of each platform, attached where the job says so.

        A registry that does not take reports keeps nobody from seeing what they say.

        Raises:
            ScanNeededError: there are no packages that could be believed, or the image is gone.
            TidegateError: hub, registry or advisories failed.
        """
        stored = await self.hub.take_package_lists(job)
        if not stored:
            raise ScanNeededError("the hub keeps no packages of the image that can be matched")
        reference = parse_reference(f"{job.registry}/{job.repository}@{job.digest}")
        # All are read before any is reported on: a report for half of an image helps nobody.
        lists = [self._open(reference, each) for each in stored]
        reports, refusals = list[PlatformReportV1](), list[str]()
        for known, listed in zip(stored, lists, strict=True):
            report, refusal = await self._rematch(job, reference, known, listed)
            reports.append(report)
            refusals += filter(None, [refusal])
        return Done(reports, "; ".join(refusals)[:MAX_REFUSAL_CHARS])

    def _open(self, reference: ImageReference, stored: StoredListV1) -> PackageList:
        keys = [
            key
            for key in (own_evidence_key(self.key), *self.keys)
            if key.covers_repository(reference.name) and key.covers_scanner(SCANNER_NAME)
        ]
        try:
            signed = SignedList(stored.body, stored.signature)
            listed = PackageList.opened(signed, keys, stored.digest)
        except (InputError, UntrustedError) as error:
            raise ScanNeededError(str(error)) from error
        if listed.truncated:
            raise ScanNeededError(f"{stored.digest}: its package list is not whole")
        return listed

    async def _rematch(
        self, job: JobV1, reference: ImageReference, stored: StoredListV1, listed: PackageList
    ) -> tuple[PlatformReportV1, str]:
        """Return the report and why it could not be attached; empty: it is, or was not to be."""
        started_at = self.now()
        judged = await asyncio.to_thread(self.judge.judge, listed.packages, listed.not_understood)
        subject = reference.at(listed.subject.digest)
        scan = self._scan_of(subject, listed, judged, started_at)
        if self.borrower is not None:
            scan = await self.borrower.borrow(
                subject, scan, attach=job.attach, within=reference.digest
            )
        published, refusal = None, ""
        if job.attach:
            known = Known(stored.artifact, job.renew_after_s)
            try:
                await self._require_there(subject)
                published = await self.publisher.publish(subject, scan, known)
            except TidegateError as error:
                _log.warning("report.not_attached", job=job.id, error=str(error))
                refusal = str(error)
        signature = await self._own_signature(stored)
        await self._tell(job, subject, scan, judged, published, signature)
        _log.info(
            "platform.rematched",
            job=job.id,
            digest=listed.subject.digest,
            findings=len(judged.matched.findings),
            artifact=published.artifact if published else "",
        )
        return report_of(scan, published), refusal

    async def _require_there(self, subject: ImageReference) -> None:
        """Raise where the image is gone: a report about it would be attached to nothing.

        A scan of it finds out what is left, and has the rest withdrawn from the feed.
        """
        if await self.registries.fetch_manifest(subject) is None:
            raise ScanNeededError(f"{subject} is gone from its registry")

    async def _own_signature(self, stored: StoredListV1) -> str:
        """Return our signature of a list that another key signed; empty: it has ours.

        So lists outlive the key that signed them first, once it is taken out of use.
        """
        if SignedList(stored.body, stored.signature).is_by((own_evidence_key(self.key),)):
            return ""
        return await sign_apart(sign_list, self.key, stored.body)

    def _scan_of(
        self,
        reference: ImageReference,
        listed: PackageList,
        judged: Judged,
        started_at: datetime,
    ) -> PlatformScan:
        statement = make_statement(
            reference, listed.subject, judged.matched, started_at, self.now()
        )
        return PlatformScan(
            subject=listed.subject,
            platform=listed.platform,
            statement=replace(statement, listed_at=listed.listed_at),
            refused=(),
            cpu_s=0,
            max_rss_bytes=0,
            packages=listed.packages,
            not_understood=listed.not_understood,
        )

    async def _tell(
        self,
        job: JobV1,
        reference: ImageReference,
        scan: PlatformScan,
        judged: Judged,
        published: Published | None,
        signature: str,
    ) -> None:
        upload = FindingsUploadV1(
            lease=job.lease,
            digest=scan.subject.digest,
            statement=render_statement(scan.statement).decode(),
            opinions=judged.opinions,
            advisories_state=judged.state,
            package_list_signature=signature,
        )
        if published is not None:
            artifact: Digest = published.artifact
            with suppress(UnavailableError):  # it says the same as ours, at another time
                upload.statement = await read_statement(self.registries, reference, artifact)
            upload.referrers = await read_referrers(
                self.registries, reference, scan.subject.digest, self.keys
            )
        await self.hub.put_findings(job, upload)
