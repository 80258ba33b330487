"""Takes scan jobs, scans, signs, attaches and reports; one job is one lease.

While a job runs, a heartbeat extends its lease. When the lease is lost the work is dropped: someone
else does it. A failure goes to the hub, which retries; nothing here decides that an image is clean.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from tidegate.domain.digest import parse_digest
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
from tidegate.domain.reference import parse_reference
from tidegate.hubclient.client import HubClient
from tidegate.oci.client import RegistryClient
from tidegate.scan.advisory_watch import AdvisoryWatch
from tidegate.scan.borrower import Borrower
from tidegate.scan.feed import FeedWriter
from tidegate.scan.feed_chain import image_row
from tidegate.scan.foreign import NO_BORROWING, Borrowing
from tidegate.scan.judge import Judge
from tidegate.scan.metrics import HUB_FAILURES, JOB_SECONDS, JOBS, JOBS_IN_WORK, SIGNED_AT
from tidegate.scan.pipeline import (
    Platform,
    list_image,
)
from tidegate.scan.platform_job import PlatformJobs
from tidegate.scan.publish import Publisher
from tidegate.scan.rematch import Rematcher, ScanNeededError
from tidegate.scan.reports import Done, FailedPlatform, describe_failures
from tidegate.scan.scanner import Scanner
from tidegate.scan.settings import ScanSettings
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import SigningKey
from tidegate.wire.hub_v1 import JobV1, PlatformReportV1

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
    key: SigningKey
    settings: ScanSettings
    now: Callable[[], datetime]
    keys: tuple[EvidenceKey, ...] = ()
    """By which the hub is told who signed what; nothing is trusted by them."""
    borrowing: Callable[[], Borrowing] = lambda: NO_BORROWING
    """Whose reports and VEX statements are taken over, as the trust file says now."""
    on_signed: Callable[[datetime], None] = lambda _: None
    """Called when the key was used."""
    feed: FeedWriter | None = None
    """The key's chain, in which gates hear of reports; None: they ask registries."""
    publisher: Publisher = field(init=False)
    watch: AdvisoryWatch = field(init=False)
    _platforms: PlatformJobs = field(init=False)
    _rematcher: Rematcher = field(init=False)

    def __post_init__(self) -> None:
        renew_after = timedelta(days=self.settings.renew_after_d)
        publisher = Publisher(
            self.registries,
            self.key,
            renew_after,
            attestation=self.settings.attestation,
            feed=self.feed,
        )
        judge = Judge(self.settings.index_file)
        borrower = Borrower(self.registries, publisher, self.borrowing, self.now)
        rematcher = Rematcher(
            self.hub, self.registries, publisher, judge, self.key, self.keys, self.now, borrower
        )
        object.__setattr__(self, "publisher", publisher)
        object.__setattr__(self, "watch", AdvisoryWatch(self.hub, self.settings, judge))
        object.__setattr__(self, "_rematcher", rematcher)
        platforms = PlatformJobs(
            self.hub,
            self.registries,
            self.scanner,
            self.key,
            self.settings,
            self.now,
            self.keys,
            judge,
            borrower,
            publisher,
        )
        object.__setattr__(self, "_platforms", platforms)

    async def run(self) -> None:
        """Work on jobs until cancelled, `settings.concurrency` at a time."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.watch.run())
                if self.feed is not None:
                    group.create_task(self.feed.run())
                for _ in range(self.settings.concurrency):
                    group.create_task(self._take_jobs())
        finally:
            await self.publisher.aclose()

    async def _take_jobs(self) -> None:
        failures = 0
        while True:
            try:
                job = await self.hub.lease_job(self.settings.name, LEASE_WAIT_S, self.watch.state)
                failures = 0
            except (UnavailableError, InputError) as error:
                failures += 1
                HUB_FAILURES.inc()
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
        with JOB_SECONDS.labels(job.kind).time(), JOBS_IN_WORK.track_inprogress():
            await self._work(job)

    async def _work(self, job: JobV1) -> None:
        log = _log.bind(job=job.id, image=f"{job.registry}/{job.repository}@{job.digest}")
        log.info("job.started", kind=job.kind, attempt=job.attempt)
        task: asyncio.Task[Done] = asyncio.create_task(self._do(job, log))
        heartbeat = asyncio.create_task(self._keep_lease(job, task, log))
        try:
            done = await task
        except asyncio.CancelledError:
            if _ended_by_itself(heartbeat) and not _asked_to_stop():
                log.warning("job.abandoned", why="its lease is lost")
                JOBS.labels(job.kind, "abandoned").inc()
                return
            await _stop(task)
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._fail(job, "the worker was stopped", log, retry=True)
            raise
        except ScanNeededError as error:
            await self._fail(job, str(error), log, retry=True, rescan=True)
        except TidegateError as error:
            await self._fail(job, str(error), log, retry=_may_help(error))
        except Exception as error:
            # A fault of ours ends this job, as a failure, and not the worker.
            log.exception("job.crashed")
            await self._fail(job, f"fault of the worker: {error!r}", log, retry=True)
        else:
            await self._deliver(job, done, log)
        finally:
            await _stop(heartbeat)

    async def _do(self, job: JobV1, log: structlog.typing.FilteringBoundLogger) -> Done:
        """Do the work; a job is done once gates can hear of what it attached."""
        done = await (self._scan(job, log) if job.kind == "scan" else self._rematch(job))
        if self.feed is not None:
            await self.feed.settle()
        return done

    async def _scan(self, job: JobV1, log: structlog.typing.FilteringBoundLogger) -> Done:
        """Scan and attach every platform; one that fails does not keep others from a report."""
        reference = parse_reference(f"{job.registry}/{job.repository}@{job.digest}")
        try:
            listed = await list_image(self.registries, reference)
        except InvalidManifestError as error:
            log.info("job.no_image", why=str(error))
            return Done([])
        except NotInRegistryError:
            await self._withdraw(job, job.digest, log)
            raise
        if self.feed is not None and listed.entries is not None:
            self.feed.offer_image(image_row(parse_digest(job.digest), listed.entries))
        platforms = listed.platforms
        if [platform.reference.digest for platform in platforms] != [job.digest]:
            await self._platforms.tell(job, Platform(reference, ""), None)
        reports, failed = list[PlatformReportV1](), list[FailedPlatform]()
        for platform in platforms:
            try:
                reports.append(await self._platforms.scan(job, platform, log))
                self._note_signing()
            except TidegateError as error:
                log.warning("platform.failed", platform=platform.name, error=str(error))
                failed.append(FailedPlatform(platform.name, error))
                if isinstance(error, NotInRegistryError):
                    await self._withdraw(job, platform.reference.digest or "", log)
        return Done(reports, failed=tuple(failed))

    async def _withdraw(
        self, job: JobV1, gone: str, log: structlog.typing.FilteringBoundLogger
    ) -> None:
        """Have it told that the reports of an image, or a platform of it, are gone with it.

        Where it stands in another repository, gates find them there.

        Raises:
            UnavailableError: it is not in the chain yet; the job is to be done again.
        """
        if self.feed is None:
            return
        try:
            known = await self.hub.get_image(job.registry, job.repository, job.digest)
        except (UnavailableError, InputError) as error:
            log.warning("feed.not_withdrawn", error=str(error))
            return
        for report in known.reports:
            if report.artifact and gone in (job.digest, report.digest):
                self.feed.withdraw(parse_digest(report.digest), report.scanner)
        await self.feed.settle()  # nobody may ask for this job again

    async def _rematch(self, job: JobV1) -> Done:
        done = await self._rematcher.rematch(job)
        self._note_signing()
        return done

    def _note_signing(self) -> None:
        if self.publisher.signed_at is not None:
            SIGNED_AT.set(self.publisher.signed_at.timestamp())
            self.on_signed(self.publisher.signed_at)

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

    async def _deliver(
        self, job: JobV1, done: Done, log: structlog.typing.FilteringBoundLogger
    ) -> None:
        if not done.failed:
            await self._complete(job, done, log)
            return
        why = describe_failures(done.failed, [report.platform for report in done.reports])
        retry = any(_may_help(each.error) for each in done.failed)
        await self._fail(job, why, log, retry=retry, reports=done.reports)

    async def _complete(
        self,
        job: JobV1,
        done: Done,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        JOBS.labels(job.kind, "completed").inc()
        try:
            await self.hub.complete_job(job, done.reports, done.not_attached)
        except (UnavailableError, InputError) as error:
            # Its lease runs out and it is done again; attaching the same twice adds nothing.
            log.warning("job.unanswered", error=str(error))
        else:
            log.info("job.completed", reports=len(done.reports))

    async def _fail(
        self,
        job: JobV1,
        error: str,
        log: structlog.typing.FilteringBoundLogger,
        *,
        retry: bool,
        rescan: bool = False,
        reports: Sequence[PlatformReportV1] = (),
    ) -> None:
        JOBS.labels(job.kind, "failed").inc()
        log.warning("job.failed", error=error, retry=retry, rescan=rescan, reports=len(reports))
        try:
            await self.hub.fail_job(
                job, error[:MAX_ERROR_CHARS], retry=retry, rescan=rescan, reports=reports
            )
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
