"""Scan jobs: a table with leases. A job is one worker's until its lease ends, then anybody's.

States: queued → leased → done | failed; a failure that may pass goes back to queued with backoff.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

from pyroaring import BitMap
from sqlalchemy import Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.domain.errors import ConflictError, NotFoundError
from tidegate.hub.clock import render_instant
from tidegate.hub.settings import JobLimits
from tidegate.hub.store import advisory_pass, due, images, organisation, renewal
from tidegate.hub.store.database import Turn, take_turn
from tidegate.hub.store.due import Due, Priority
from tidegate.hub.store.images import Subject
from tidegate.hub.store.schema import jobs, running_images
from tidegate.hub.store.tokens import hash_of
from tidegate.wire.hub_v1 import JobKind, JobRecordV1, JobState, JobV1

MAX_ERROR_CHARS = 4096


@dataclass(frozen=True, slots=True)
class Leased:
    """A job under a lease that holds."""

    id: str
    subject: Subject
    media_type: str
    """Of the pushed manifest; empty where nobody said."""
    attempt: int
    kind: JobKind = "scan"
    attach: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for with a scan."""

    by: str
    at: str
    media_type: str = ""
    """Of the pushed manifest; empty where nobody said."""
    attach: bool = True
    """False: the findings are for the hub alone."""
    priority: Priority = Priority.PUSHED


@dataclass(frozen=True, slots=True)
class Worker:
    """Who asks for a job."""

    name: str
    state: str = ""
    """Of its advisories."""


async def queue(connection: AsyncConnection, subject: Subject, asked: Asked) -> Row[Any]:
    """Return the unfinished job for this digest, a new one where there is none."""
    await take_turn(connection, Turn.IMAGES)
    unfinished = select(jobs).where(
        jobs.c.registry == subject.registry,
        jobs.c.repository == subject.repository,
        jobs.c.digest == subject.digest,
        jobs.c.state.in_(("queued", "leased")),
    )
    row = (await connection.execute(unfinished)).first()
    priority = await _priority(connection, subject, asked)
    if row is not None:
        await _do_more(connection, row, asked, priority)
        return (await connection.execute(unfinished)).one()
    await connection.execute(
        insert(jobs).values(
            kind="scan",
            priority=int(priority),
            id=uuid.uuid4().hex,
            registry=subject.registry,
            repository=subject.repository,
            digest=subject.digest,
            media_type=asked.media_type,
            attach=asked.attach,
            state="queued",
            attempt=0,
            not_before=asked.at,
            lease_hash="",
            lease_expires_at="",
            worker="",
            error="",
            requested_by=asked.by,
            created_at=asked.at,
            finished_at="",
        )
    )
    return (await connection.execute(unfinished)).one()


async def lease(
    connection: AsyncConnection, worker: Worker, limits: JobLimits, now: datetime
) -> JobV1 | None:
    """Return the most urgent job, leased to `worker`; None where none may be taken.

    Images are matched again only by the advisories that count. A job whose last lease ran out
    after its last attempt fails here.

    Raises:
        ConflictError: registry access is switched off.
    """
    await require_registry_access(connection)
    instant = render_instant(now)
    current = bool(worker.state) and worker.state == await advisory_pass.current_state(connection)
    if current:
        await due.make_jobs(connection, limits.attach_per_minute, now)
    while (row := await _next(connection, instant, rematch=current)) is not None:
        if row.attempt >= limits.max_attempts:
            error = f"no word from worker {row.worker} after {row.attempt} attempts"
            await _finish(connection, _leased(row), "failed", error, instant)
            continue
        return await _lease_row(
            connection, row, worker.name, now + timedelta(seconds=limits.lease_s)
        )
    return None


async def extend(
    connection: AsyncConnection, job_id: str, secret: str, limits: JobLimits, now: datetime
) -> None:
    """Let the lease last again as long as at its start.

    Raises:
        ConflictError: the lease is lost, or registry access is switched off.
    """
    await require_registry_access(connection)
    await held(connection, job_id, secret, now)
    await connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id)
        .values(lease_expires_at=render_instant(now + timedelta(seconds=limits.lease_s)))
    )


async def held(
    connection: AsyncConnection, job_id: str, secret: str, now: datetime, *, lock: bool = True
) -> Leased:
    """Return the job if `secret` is of the lease that holds.

    `lock`: keep others from changing it until the transaction ends; a reading one cannot.

    Raises:
        NotFoundError: there is no such job.
        ConflictError: the lease has run out, or is another worker's by now.
    """
    query = select(jobs).where(jobs.c.id == job_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        raise NotFoundError(f"there is no job with id {job_id!r}")
    ours = row.state == "leased" and secrets.compare_digest(row.lease_hash, hash_of(secret))
    if not ours or row.lease_expires_at <= render_instant(now):
        raise ConflictError(
            f"the lease of job {job_id} is lost (the job is {row.state}); abandon it: "
            "results count only under a lease that holds"
        )
    return _leased(row)


async def finish(connection: AsyncConnection, job: Leased, now: str, error: str = "") -> None:
    """Keep that a job is done; `error`: what of it is to be tried again."""
    await _finish(connection, job, "done", error[:MAX_ERROR_CHARS], now)


@dataclass(frozen=True, slots=True)
class Failure:
    """How a job went wrong."""

    error: str
    retry: bool
    """Whether it may succeed later."""
    rescan: bool = False
    """What is kept of the image does not serve: it has to be scanned."""


async def give_back(
    connection: AsyncConnection, job: Leased, failure: Failure, limits: JobLimits, now: datetime
) -> None:
    """Queue the job again after a backoff, or fail it where that is no use or was the last try."""
    shown = failure.error[:MAX_ERROR_CHARS]
    if failure.rescan and job.kind == "rematch":
        await _scan_instead(connection, job, shown, render_instant(now))
        return
    if not failure.retry or job.attempt >= limits.max_attempts:
        await _finish(connection, job, "failed", shown, render_instant(now))
        return
    backoff_s = min(limits.backoff_s * 2 ** (job.attempt - 1), limits.max_backoff_s)
    await connection.execute(
        update(jobs)
        .where(jobs.c.id == job.id)
        .values(
            state="queued",
            error=shown,
            lease_hash="",
            lease_expires_at="",
            not_before=render_instant(now + timedelta(seconds=backoff_s)),
        )
    )
    if job.kind == "scan":
        await images.set_status(connection, job.subject, "queued", error=shown)


async def page(
    connection: AsyncConnection, state: str, below: int | None, limit: int, max_attempts: int
) -> list[tuple[int, JobRecordV1]]:
    """Return up to `limit` jobs with their places, newest first, older than the job `below`."""
    query = select(jobs).order_by(jobs.c.seq.desc()).limit(limit)
    query = query.where(jobs.c.state == state) if state else query
    query = query if below is None else query.where(jobs.c.seq < below)
    rows = await connection.execute(query)
    return [(row.seq, record_of(row, max_attempts)) for row in rows]


async def counts(connection: AsyncConnection) -> dict[JobState, int]:
    """Return how many jobs there are in each state."""
    query = select(jobs.c.state, func.count().label("total")).group_by(jobs.c.state)
    found = {row.state: row.total for row in await connection.execute(query)}
    return {state: found.get(state, 0) for state in get_args(JobState)}


async def prune(connection: AsyncConnection, older_than: str, limit: int) -> int:
    """Delete up to `limit` jobs finished before `older_than`; return how many."""
    oldest = (
        select(jobs.c.seq)
        .where(jobs.c.state.in_(("done", "failed")), jobs.c.finished_at < older_than)
        .limit(limit)
    )
    return (await connection.execute(delete(jobs).where(jobs.c.seq.in_(oldest)))).rowcount


def record_of(row: Row[Any], max_attempts: int) -> JobRecordV1:
    """Return a job as people see it."""
    return JobRecordV1(
        id=row.id,
        registry=row.registry,
        repository=row.repository,
        digest=row.digest,
        kind=row.kind,
        priority=row.priority,
        state=row.state,
        attempt=row.attempt,
        max_attempts=max_attempts,
        requested_by=row.requested_by,
        created_at=row.created_at,
        not_before=row.not_before,
        lease_expires_at=row.lease_expires_at,
        worker=row.worker,
        error=row.error,
        finished_at=row.finished_at,
    )


async def load(connection: AsyncConnection, job_id: str, max_attempts: int) -> JobRecordV1:
    """Return a job.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = (await connection.execute(select(jobs).where(jobs.c.id == job_id))).first()
    if row is None:
        raise NotFoundError(
            f"there is no job with id {job_id!r}; it may be older than the hub keeps jobs"
        )
    return record_of(row, max_attempts)


async def require_registry_access(connection: AsyncConnection) -> None:
    """Refuse while registry access is switched off.

    Raises:
        ConflictError: it is.
    """
    if (await organisation.load(connection)).registry_access == "Off":
        raise ConflictError(
            "registry access is switched off in the hub's settings: no registry may be contacted"
        )


async def _next(connection: AsyncConnection, now: str, *, rematch: bool) -> Row[Any] | None:
    waiting = and_(jobs.c.state == "queued", jobs.c.not_before <= now)
    expired = and_(jobs.c.state == "leased", jobs.c.lease_expires_at <= now)
    query = (
        select(jobs)
        .where(or_(waiting, expired))
        .order_by(jobs.c.priority, jobs.c.not_before, jobs.c.seq)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if not rematch:
        query = query.where(jobs.c.kind == "scan")
    return (await connection.execute(query)).first()


async def _lease_row(
    connection: AsyncConnection, row: Row[Any], worker: str, expires_at: datetime
) -> JobV1:
    secret = secrets.token_urlsafe(32)
    job = _leased(row)
    await connection.execute(
        update(jobs)
        .where(jobs.c.id == row.id)
        .values(
            state="leased",
            attempt=row.attempt + 1,
            worker=worker,
            lease_hash=hash_of(secret),
            lease_expires_at=render_instant(expires_at),
        )
    )
    if job.kind == "scan":
        await images.set_status(connection, job.subject, "scanning")
    settings = (await organisation.load(connection)).settings
    return JobV1(
        id=row.id,
        lease=secret,
        registry=row.registry,
        repository=row.repository,
        digest=row.digest,
        tags=await images.tags_of(connection, job.subject),
        attach=row.attach and settings.security_findings == "On",
        attempt=row.attempt + 1,
        lease_expires_at=render_instant(expires_at),
        kind=job.kind,
        renew_after_s=(await renewal.age(connection)).total_seconds(),
    )


async def _priority(connection: AsyncConnection, subject: Subject, asked: Asked) -> Priority:
    """Return how urgent a scan is: what runs goes before what was only pushed."""
    if asked.priority <= Priority.RUNNING:
        return asked.priority
    running = select(running_images.c.digest).where(running_images.c.digest == subject.digest)
    found = (await connection.execute(running.limit(1))).first()
    return Priority.RUNNING if found is not None else asked.priority


async def _do_more(
    connection: AsyncConnection, row: Row[Any], asked: Asked, priority: Priority
) -> None:
    """Make an unfinished job do what is asked for as well; a worker with less to do loses it."""
    changes: dict[str, object] = {}
    if asked.attach and not row.attach:
        changes["attach"] = True
    if row.kind != "scan":
        changes["kind"] = "scan"
    if changes and row.state == "leased":
        changes |= {"state": "queued", "attempt": 0, "not_before": asked.at}
        changes |= {"lease_hash": "", "lease_expires_at": ""}
    if priority < row.priority:
        changes["priority"] = int(priority)
    if changes:
        await connection.execute(update(jobs).where(jobs.c.id == row.id).values(changes))


async def _scan_instead(connection: AsyncConnection, job: Leased, error: str, now: str) -> None:
    values = {"kind": "scan", "attach": True, "state": "queued", "attempt": 0, "error": error}
    values |= {"lease_hash": "", "lease_expires_at": "", "not_before": now}
    await connection.execute(update(jobs).where(jobs.c.id == job.id).values(values))
    await images.set_status(connection, job.subject, "queued", error=error)


async def _finish(
    connection: AsyncConnection, job: Leased, state: str, error: str, now: str
) -> None:
    await connection.execute(
        update(jobs)
        .where(jobs.c.id == job.id)
        .values(state=state, error=error, lease_hash="", lease_expires_at="", finished_at=now)
    )
    if state == "failed" and job.kind == "scan":
        await images.set_status(connection, job.subject, "failed", error=error)
    if error and job.kind == "rematch":
        image_id = await images.find_id(connection, job.subject)
        await due.add(connection, Due.LATER, BitMap([] if image_id is None else [image_id]))


def _leased(row: Row[Any]) -> Leased:
    return Leased(
        id=row.id,
        subject=Subject(row.registry, row.repository, row.digest),
        media_type=row.media_type,
        attempt=row.attempt,
        kind=row.kind,
        attach=row.attach,
    )
