"""One platform of an image: scanned, judged, attached, and the hub told what people may see."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from tidegate.domain.digest import parse_digest
from tidegate.domain.errors import InputError, UnavailableError
from tidegate.hubclient.client import HubClient
from tidegate.oci.client import RegistryClient
from tidegate.scan.borrower import Borrower
from tidegate.scan.detail import read_detail, read_statement
from tidegate.scan.judge import Judge
from tidegate.scan.layout import LayoutLimits
from tidegate.scan.package_list import PackageList
from tidegate.scan.pipeline import Platform, PlatformScan, ScanSetup, scan_platform
from tidegate.scan.publish import Known, Published, Publisher
from tidegate.scan.reports import report_of
from tidegate.scan.scanner import Scanner
from tidegate.scan.settings import ScanSettings
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import SigningKey
from tidegate.wire.hub_data_v1 import OpinionV1
from tidegate.wire.hub_v1 import JobV1, PlatformReportV1
from tidegate.wire.statement_v1 import render_statement

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PlatformJobs:
    """What a worker does for each platform of a job."""

    hub: HubClient
    registries: RegistryClient
    scanner: Scanner
    key: SigningKey
    settings: ScanSettings
    now: Callable[[], datetime]
    keys: tuple[EvidenceKey, ...]
    judge: Judge
    borrower: Borrower
    publisher: Publisher

    async def scan(
        self, job: JobV1, platform: Platform, log: structlog.typing.FilteringBoundLogger
    ) -> PlatformReportV1:
        """Scan one platform of `job` and attach the report where the job says so.

        Raises:
            TidegateError: this platform has no report now.
        """
        with self.judge.opened() as opened:
            setup = ScanSetup(
                scanner=self.scanner,
                advisories=opened.advisories,
                now=self.now,
                workdir=self.settings.work_dir,
                limits=LayoutLimits(max_total_bytes=self.settings.max_image_bytes),
                deadline_s=self.settings.deadline_s,
                progress=lambda step: log.debug("platform.progress", step=step),
            )
            scan = await scan_platform(self.registries, platform, setup)
            said, state = await asyncio.to_thread(opened.conclude, scan.packages)
        if scan.refused:
            log.warning("sandbox.incomplete", refused=scan.refused)
        scan = await self.borrower.borrow(
            platform.reference, scan, attach=job.attach, within=parse_digest(job.digest)
        )
        published = None
        if job.attach:
            known = Known(renew_after_s=job.renew_after_s)
            published = await self.publisher.publish(platform.reference, scan, known)
        await self.tell(job, platform, _Scanned(scan, published, said, state))
        log.info(
            "platform.scanned",
            platform=scan.platform,
            digest=scan.subject.digest,
            findings=len(scan.statement.findings),
            artifact=published.artifact if published else "",
            cpu_s=round(scan.cpu_s, 3),
            max_rss_bytes=scan.max_rss_bytes,
        )
        return report_of(scan, published)

    async def tell(self, job: JobV1, platform: Platform, scanned: "_Scanned | None") -> None:
        """Tell the hub what people may want to see of a manifest; the scan counts without it."""
        name = scanned.scan.platform if scanned else platform.name
        try:
            detail = await read_detail(self.registries, platform.reference, name, self.keys)
            if scanned is not None:
                scan, published = scanned.scan, scanned.published
                detail.statement = (
                    await read_statement(self.registries, platform.reference, published.artifact)
                    if published
                    else render_statement(scan.statement).decode()
                )
                signed = await asyncio.to_thread(_list_of(scan).sealed, self.key)
                detail.package_list, detail.package_list_signature = signed.body, signed.signature
                detail.opinions, detail.advisories_state = scanned.opinions, scanned.state
            detail.lease = job.lease
            await self.hub.put_detail(job.id, detail)
        except (UnavailableError, InputError) as error:
            _log.warning(
                "detail.not_told",
                job=job.id,
                digest=platform.reference.digest,
                error=str(error),
            )


@dataclass(frozen=True, slots=True)
class _Scanned:
    """One platform, scanned and published, with what was said of its packages."""

    scan: PlatformScan
    published: Published | None
    opinions: list[OpinionV1]
    state: str


def _list_of(scan: PlatformScan) -> PackageList:
    return PackageList(
        subject=scan.subject,
        platform=scan.platform,
        listed_at=scan.statement.finished_at,
        packages=scan.packages,
        not_understood=scan.not_understood,
        # What a scanner's own database said cannot be said again by our advisories.
        truncated=not scan.by_advisories,
    )
