"""Scan jobs as workers lease and finish them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from litestar import Request, Response, get, post, put
from litestar.params import JSONBody, QueryParameter
from pyroaring import BitMap

from tidegate.hub.api.access import READERS, TheHub, allow
from tidegate.hub.api.parameters import (
    DEFAULT_LIMIT,
    Cursor,
    Id,
    Limit,
    parse_cursor,
    render_cursor,
)
from tidegate.hub.api.problems import documented
from tidegate.hub.clock import render_instant
from tidegate.hub.context import Hub
from tidegate.hub.jobs.details import accept
from tidegate.hub.jobs.results import joined, require_about, still_attached
from tidegate.hub.store import advisory_pass, due, image_details, images, jobs, packages, scans
from tidegate.hub.store.database import Turn
from tidegate.hub.store.due import Due
from tidegate.hub.store.jobs import Failure, Worker
from tidegate.hub.store.tokens import Role
from tidegate.wire.hub_data_v1 import DetailUploadV1
from tidegate.wire.hub_v1 import (
    JobFailureV1,
    JobLeaseRequestV1,
    JobPageV1,
    JobProgressV1,
    JobRecordV1,
    JobResultV1,
    JobV1,
)

StateFilter = Literal["", "queued", "leased", "done", "failed"]

MAX_DETAIL_BYTES = 96 * 2**20
"""A statement of 32 MiB with its quotes escaped, and the packages beside it."""

LOOK_AGAIN_S = 1.0
"""Backoffs and leases end without anybody ringing."""


@post(
    "/jobs/lease",
    guards=allow(Role.SCANNER),
    status_code=200,
    summary="Lease a scan job",
    responses=documented(409),
)
async def lease_job(
    hub: TheHub, request: Request[Any, Any, Any], data: JSONBody[JobLeaseRequestV1]
) -> Response[JobV1 | None]:
    """Return the most urgent job, for as long as its lease is extended; 204: none.

    Images are matched again only by a worker whose advisories are the ones that count.
    409: registry access is switched off.
    """
    # A worker that was stopped while it waited must not take a job along for a whole lease.
    async with _gone(request) as gone:
        return await _lease_for(hub, data, gone)


async def _lease_for(
    hub: Hub, data: JobLeaseRequestV1, gone: Callable[[], bool]
) -> Response[JobV1 | None]:
    deadline = time.monotonic() + data.wait_s
    while not gone():
        seen = hub.signals.jobs.count
        async with hub.database.write() as connection:
            worker = Worker(data.worker, data.advisories_state)
            job = await jobs.lease(connection, worker, hub.settings.jobs, hub.now())
        if job is not None:
            return Response(job)
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0 or hub.signals.jobs.closed:
            break
        await hub.signals.jobs.wait_beyond(seen, min(remaining_s, LOOK_AGAIN_S))
    return Response(None, status_code=204)


@asynccontextmanager
async def _gone(request: Request[Any, Any, Any]) -> AsyncIterator[Callable[[], bool]]:
    """Yield what says whether the caller is gone; its body has been read by now.

    All that a server has to say after the body is that the connection ended (ASGI 3, HTTP,
    "Disconnect").
    """
    ended = asyncio.ensure_future(request.receive())
    try:
        yield ended.done
    finally:
        ended.cancel()


@post(
    "/jobs/{job_id:str}/progress",
    guards=allow(Role.SCANNER),
    status_code=204,
    summary="Extend a lease",
    responses=documented(404, 409),
)
async def report_progress(hub: TheHub, job_id: Id, data: JSONBody[JobProgressV1]) -> None:
    """Let the lease last again as long as at its start; 409: it is lost."""
    async with hub.database.write() as connection:
        await jobs.extend(connection, job_id, data.lease, hub.settings.jobs, hub.now())


@put(
    "/jobs/{job_id:str}/detail",
    guards=allow(Role.SCANNER),
    status_code=204,
    request_max_body_size=MAX_DETAIL_BYTES,
    summary="Upload what a scan saw",
    responses=documented(404, 409),
)
async def put_detail(hub: TheHub, job_id: Id, data: JSONBody[DetailUploadV1]) -> None:
    """Keep the details of the leased manifest or, after it, of a platform that it lists."""
    async with hub.database.read() as connection:
        job = await jobs.held(connection, job_id, data.lease, hub.now(), lock=False)
        index = await image_details.manifest_of(connection, job.subject)
    detail = await asyncio.to_thread(accept, data, job.subject.digest, index)
    async with hub.database.write() as connection:
        job = await jobs.held(connection, job_id, data.lease, hub.now())
        carried = None
        if detail.packages_signature:
            counts = await advisory_pass.counts(connection, data.advisories_state)
            carried = await packages.note_opinions(connection, data.opinions, count=counts)
        image_id = await image_details.put(
            connection,
            job.subject,
            detail,
            carried.package_ids if carried else None,
            render_instant(hub.now()),
        )
        if carried is not None and carried.outdated:
            await due.add(connection, Due.REMATCH, BitMap([image_id]))


@post(
    "/jobs/{job_id:str}/complete",
    guards=allow(Role.SCANNER),
    status_code=204,
    summary="Deliver a scan's reports",
    responses=documented(404, 409),
)
async def complete_job(hub: TheHub, job_id: Id, data: JSONBody[JobResultV1]) -> None:
    """Keep the reports of the leased digest; without any, it was no image and is forgotten."""
    # The turn first: who asks for a scan has it when it changes the job.
    async with hub.database.write_in_turn(Turn.IMAGES) as connection:
        job = await jobs.held(connection, job_id, data.lease, hub.now())
        require_about(job, data.reports)
        await jobs.finish(connection, job, render_instant(hub.now()), data.not_attached)
        if data.reports:
            image_id = await images.id_of(connection, job.subject)
            before = await images.reports_of(connection, image_id)
            reports = still_attached(job, data.reports, before)
            digests = [report.digest for report in reports]
            await image_details.prune_platforms(connection, job.subject, digests)
            rematchable = await image_details.is_rematchable(connection, image_id)
            await images.set_status(
                connection, job.subject, "scanned", reports=reports, rematchable=rematchable
            )
            await scans.add(connection, image_id, reports, render_instant(hub.now()))
        else:
            await images.remove(connection, job.subject)
    if data.reports:
        hub.signals.reports.ring()


@post(
    "/jobs/{job_id:str}/fail",
    guards=allow(Role.SCANNER),
    status_code=204,
    summary="Give a job back",
    responses=documented(404, 409),
)
async def fail_job(hub: TheHub, job_id: Id, data: JSONBody[JobFailureV1]) -> None:
    """Queue the job again after a backoff, or keep it as failed.

    Reports of the platforms that did not fail are kept beside those that there are.
    """
    async with hub.database.write_in_turn(Turn.IMAGES) as connection:
        job = await jobs.held(connection, job_id, data.lease, hub.now())
        require_about(job, data.reports)
        failure = Failure(data.error, data.retry, data.rescan)
        await jobs.give_back(connection, job, failure, hub.settings.jobs, hub.now())
        if data.reports:
            image_id = await images.id_of(connection, job.subject)
            before = await images.reports_of(connection, image_id)
            reports = joined(job, data.reports, before)
            await images.keep_reports(connection, job.subject, reports)
            await scans.add(connection, image_id, data.reports, render_instant(hub.now()))
    if data.reports:
        hub.signals.reports.ring()


@get(
    "/jobs",
    guards=allow(*READERS, Role.SCANNER),
    summary="List scan jobs, newest first",
    responses=documented(),
)
async def list_jobs(
    hub: TheHub,
    job_state: Annotated[StateFilter, QueryParameter(name="state")] = "",
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> JobPageV1:
    """Return a page of jobs and the counts of all."""
    below = parse_cursor(cursor, tuple[int])
    most = hub.settings.jobs.max_attempts
    async with hub.database.read() as connection:
        found = await jobs.page(connection, job_state, below[0] if below else None, limit + 1, most)
        counts = await jobs.counts(connection)
    page = found[:limit]
    following = render_cursor(page[-1][0]) if len(found) > limit else None
    return JobPageV1([record for _, record in page], counts, following)


@get(
    "/jobs/{job_id:str}",
    guards=allow(*READERS, Role.SCANNER),
    summary="Show a scan job",
    responses=documented(404),
)
async def get_job(hub: TheHub, job_id: Id) -> JobRecordV1:
    """Return one job: whether it waits, is worked on, is done or has failed."""
    async with hub.database.read() as connection:
        return await jobs.load(connection, job_id, hub.settings.jobs.max_attempts)


HANDLERS = (
    lease_job,
    report_progress,
    put_detail,
    complete_job,
    fail_job,
    list_jobs,
    get_job,
)
