"""Takes scan jobs, scans, signs, attaches and reports; one job is one lease.

While a job runs, a heartbeat extends its lease. When the lease is lost the work is dropped: someone
else does it. A failure goes to the hub, which retries; nothing here decides that an image is clean.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from tidegate.advisories.demo import with_demo_set
from tidegate.advisories.index import AdvisoryIndex
from tidegate.domain.digest import Digest
from tidegate.domain.errors import (
    ConflictError,
    InputError,
    InvalidManifestError,
    LimitExceededError,
    NotFoundError,
    NotInRegistryError,
    TidegateError,
    UnavailableError,
)
from tidegate.domain.finding import Finding
from tidegate.domain.reference import parse_reference
from tidegate.domain.severity import Severity
from tidegate.domain.tally import count, units_of
from tidegate.hubclient.client import HubClient
from tidegate.oci.client import RegistryClient
from tidegate.scan.detail import package_entries, read_detail, read_statement
from tidegate.scan.foreign import NO_BORROWING, Borrowing, ImageFacts, clear, take_over
from tidegate.scan.layout import LayoutLimits
from tidegate.scan.pipeline import (
    Platform,
    PlatformScan,
    ScanSetup,
    list_platforms,
    scan_platform,
)
from tidegate.scan.publish import Publisher
from tidegate.scan.scanner import Scanner
from tidegate.scan.settings import ScanSettings
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import PrivateKey
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_v1 import JobV1, PlatformReportV1
from tidegate.wire.statement_v1 import render_statement, render_time

LEASE_WAIT_S = 20.0
"""Longest wait for a job in one request; proxies cut silent ones at 30 s and more."""

MAX_BACKOFF_S = 30.0
"""Longest pause after the hub did not answer."""

IDLE_S = 0.1
"""Pause after an answer without a job, for a hub that does not wait with it."""

FAREWELL_S = 2.0
"""Time to give a job back when the worker is stopped."""

MAX_ERROR_CHARS = 2000
"""Of an error that the hub keeps."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Worker:
    """Everything that works on jobs together."""

    hub: HubClient
    registries: RegistryClient
    scanner: Scanner
    key: PrivateKey
    settings: ScanSettings
    now: Callable[[], datetime]
    keys: tuple[EvidenceKey, ...] = ()
    """By which the hub is told who signed what; nothing is trusted by them."""
    borrowing: Borrowing = NO_BORROWING
    """Whose reports and VEX statements are taken over."""
    on_signed: Callable[[datetime], None] = lambda _: None
    """Called when the key was used."""
    publisher: Publisher = field(init=False)

    def __post_init__(self) -> None:
        renew_after = timedelta(days=self.settings.renew_after_d)
        publisher = Publisher(self.registries, self.key, renew_after)
        object.__setattr__(self, "publisher", publisher)

    async def run(self) -> None:
        """Work on jobs until cancelled, `settings.concurrency` at a time."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.settings.concurrency):
                    group.create_task(self._take_jobs())
        finally:
            await self.publisher.aclose()

    async def _take_jobs(self) -> None:
        failures = 0
        while True:
            try:
                job = await self.hub.lease_job(self.settings.name, LEASE_WAIT_S)
                failures = 0
            except (UnavailableError, InputError) as error:
                failures += 1
                _log.warning("hub.gives_no_jobs", error=str(error), failures=failures)
                pause_s = min(2.0 ** min(failures, 10) / 4, MAX_BACKOFF_S)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - spreads load
                continue
            if job is None:
                await asyncio.sleep(IDLE_S)
            else:
                await self.work(job)

    async def work(self, job: JobV1) -> None:
        """Do one job to its end and tell the hub how it went."""
        log = _log.bind(job=job.id, image=f"{job.registry}/{job.repository}@{job.digest}")
        log.info("job.started", attempt=job.attempt)
        task = asyncio.create_task(self._scan(job, log))
        heartbeat = asyncio.create_task(self._keep_lease(job, task, log))
        try:
            reports = await task
        except asyncio.CancelledError:
            if _ended_by_itself(heartbeat) and not _asked_to_stop():
                log.warning("job.abandoned", why="its lease is lost")
                return
            await _stop(task)
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._fail(job, "the worker was stopped", log, retry=True)
            raise
        except TidegateError as error:
            await self._fail(job, str(error), log, retry=_may_help(error))
        except Exception as error:
            # A fault of ours ends this job, as a failure, and not the worker.
            log.exception("job.crashed")
            await self._fail(job, f"fault of the worker: {error!r}", log, retry=True)
        else:
            await self._complete(job, reports, log)
        finally:
            await _stop(heartbeat)

    async def _scan(
        self, job: JobV1, log: structlog.typing.FilteringBoundLogger
    ) -> list[PlatformReportV1]:
        """Scan and attach every platform; one that fails does not keep others from a report."""
        reference = parse_reference(f"{job.registry}/{job.repository}@{job.digest}")
        try:
            platforms = await list_platforms(self.registries, reference)
        except InvalidManifestError as error:
            log.info("job.no_image", why=str(error))
            return []
        if [platform.reference.digest for platform in platforms] != [job.digest]:
            await self._tell(job, Platform(reference, ""), None, "")
        reports, errors = list[PlatformReportV1](), list[TidegateError]()
        for platform in platforms:
            try:
                reports.append(await self._scan_platform(job, platform, log))
            except TidegateError as error:
                log.warning("platform.failed", platform=platform.name, error=str(error))
                errors.append(error)
        if errors:
            raise errors[0]
        return reports

    async def _scan_platform(
        self, job: JobV1, platform: Platform, log: structlog.typing.FilteringBoundLogger
    ) -> PlatformReportV1:
        with AdvisoryIndex.open(self.settings.index_file) as index:
            setup = ScanSetup(
                scanner=self.scanner,
                advisories=with_demo_set(index),
                now=self.now,
                workdir=self.settings.work_dir,
                limits=LayoutLimits(max_total_bytes=self.settings.max_image_bytes),
                deadline_s=self.settings.deadline_s,
                progress=lambda step: log.debug("platform.progress", step=step),
            )
            scan = await scan_platform(self.registries, platform, setup)
        if scan.refused:
            log.warning("sandbox.incomplete", refused=scan.refused)
        scan = await self._with_foreign(job, platform, scan, log)
        artifact = await self.publisher.publish(platform.reference, scan) if job.attach else ""
        if self.publisher.signed_at is not None:
            self.on_signed(self.publisher.signed_at)
        await self._tell(job, platform, scan, artifact)
        log.info(
            "platform.scanned",
            platform=scan.platform,
            digest=scan.subject.digest,
            findings=len(scan.statement.findings),
            artifact=artifact,
            cpu_s=round(scan.cpu_s, 3),
            max_rss_bytes=scan.max_rss_bytes,
        )
        return _report(scan, artifact)

    async def _with_foreign(
        self,
        job: JobV1,
        platform: Platform,
        scan: PlatformScan,
        log: structlog.typing.FilteringBoundLogger,
    ) -> PlatformScan:
        """Attach reports of trusted sources; return `scan` with what their VEX clears marked."""
        image = ImageFacts(platform.reference, scan.subject.digest, scan.config)
        foreign = await take_over(self.registries, image, self.borrowing, self.now())
        for refusal in foreign.refused:
            log.warning("foreign.refused", why=refusal)
        for statement in foreign.statements if job.attach else ():
            scanner = statement.scanner.name
            try:
                artifact = await self.publisher.publish_statement(
                    platform.reference, statement, scan.subject
                )
            except TidegateError as error:
                # What others wrote, or could not be pushed now, is no reason to withhold our scan.
                log.warning("foreign.not_attached", scanner=scanner, error=str(error))
            else:
                log.info("foreign.attached", scanner=scanner, artifact=artifact)
        return clear(scan, foreign)

    async def _tell(
        self, job: JobV1, platform: Platform, scan: PlatformScan | None, artifact: str
    ) -> None:
        """Tell the hub what people may want to see of a manifest; the scan counts without it."""
        name = scan.platform if scan else platform.name
        try:
            detail = await read_detail(self.registries, platform.reference, name, self.keys)
            if scan is not None:
                detail.statement = (
                    await read_statement(self.registries, platform.reference, Digest(artifact))
                    if artifact
                    else render_statement(scan.statement).decode()
                )
                detail.packages = package_entries(scan.packages)
            detail.lease = job.lease
            await self.hub.put_detail(job.id, detail)
        except (UnavailableError, InputError) as error:
            _log.warning(
                "detail.not_told",
                job=job.id,
                digest=platform.reference.digest,
                error=str(error),
            )

    async def _keep_lease(
        self, job: JobV1, task: "asyncio.Task[Any]", log: structlog.typing.FilteringBoundLogger
    ) -> None:
        """Extend the lease until cancelled; cancel `task` when it is lost."""
        while True:
            await asyncio.sleep(self.settings.heartbeat_s)
            try:
                await self.hub.report_progress(job)
            except (ConflictError, NotFoundError):
                task.cancel()
                return
            except (UnavailableError, InputError) as error:
                log.warning("job.heartbeat_failed", error=str(error))  # the lease may still hold

    async def _complete(
        self,
        job: JobV1,
        reports: list[PlatformReportV1],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        try:
            await self.hub.complete_job(job, reports)
        except (UnavailableError, InputError) as error:
            # Its lease runs out and it is done again; attaching the same twice adds nothing.
            log.warning("job.unanswered", error=str(error))
        else:
            log.info("job.completed", reports=len(reports))

    async def _fail(
        self,
        job: JobV1,
        error: str,
        log: structlog.typing.FilteringBoundLogger,
        *,
        retry: bool,
    ) -> None:
        log.warning("job.failed", error=error, retry=retry)
        try:
            await self.hub.fail_job(job, error[:MAX_ERROR_CHARS], retry=retry)
        except (UnavailableError, InputError) as refusal:
            log.warning("job.unanswered", error=str(refusal))  # its lease runs out by itself


def _may_help(error: TidegateError) -> bool:
    """Whether the same job may succeed later."""
    certain = NotInRegistryError | LimitExceededError
    return isinstance(error, UnavailableError) and not isinstance(error, certain)


def _asked_to_stop() -> bool:
    """Whether the running task itself was cancelled, not only what it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _ended_by_itself(heartbeat: "asyncio.Task[None]") -> bool:
    """Whether the heartbeat returned, which it does only when the lease is lost."""
    return heartbeat.done() and not heartbeat.cancelled() and heartbeat.exception() is None


async def _stop(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, TidegateError):
        await task


def _report(scan: PlatformScan, artifact: str) -> PlatformReportV1:
    coverage = scan.statement.coverage
    return PlatformReportV1(
        digest=scan.subject.digest,
        platform=scan.platform,
        scanned_at=render_time(scan.statement.finished_at),
        scanner=scan.statement.scanner.name,
        counts=count_vulnerabilities(scan.statement.findings),
        complete=coverage.complete,
        gaps=list(coverage.gaps),
        artifact=artifact,
    )


def count_vulnerabilities(findings: tuple[Finding, ...]) -> CountsV1:
    """Return the distinct vulnerabilities per severity, as rules count them."""
    counts = count(units_of(findings))
    return CountsV1(**{severity.word: counts.of(severity) for severity in Severity})
