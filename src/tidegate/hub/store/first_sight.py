"""Scans of images that nobody told the hub of, asked for by the clusters that saw them.

Whoever may create a pod can make a gate ask, so what one namespace gets is bounded: how many of its
scans wait at a time, and how many an hour go before everybody else's. Beyond that its scans are
refused, or wait their turn like a push. A scan that failed is not repeated at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tidegate.hub.clock import render_instant
from tidegate.hub.store import images, jobs, organisation, workers
from tidegate.hub.store.due import Priority
from tidegate.hub.store.images import Subject
from tidegate.hub.store.jobs import Asked
from tidegate.hub.store.schema import jobs as job_rows
from tidegate.wire.first_sight_v1 import WantedResultV1
from tidegate.wire.hub_v1 import ImageV1

MAX_WAITING_PER_NAMESPACE = 20
MAX_WAITING_PER_CLUSTER = 200
MAX_URGENT_PER_HOUR = 60
"""Of one namespace; further ones are no more urgent than a push."""

LATELY = timedelta(minutes=10)
"""What was scanned or failed is not tried again before, however often a controller retries."""

_UNFINISHED = ("queued", "leased")


@dataclass(frozen=True, slots=True)
class Asker:
    """Where an image was seen."""

    cluster: str
    """From the token of who asks."""
    namespace: str

    @property
    def words(self) -> str:
        """As jobs name who asked for them."""
        return f"{_of_cluster(self.cluster)}{self.namespace}"


@dataclass
class _Budget:
    """What an asker has left."""

    waiting: int
    waiting_in_cluster: int
    urgent: int
    """Asked for in the last hour."""

    @property
    def refusal(self) -> str:
        """Why nothing more is queued now; empty where it is."""
        if self.waiting >= MAX_WAITING_PER_NAMESPACE:
            return f"{self.waiting} scans of this namespace wait, the most that may"
        if self.waiting_in_cluster >= MAX_WAITING_PER_CLUSTER:
            return f"{self.waiting_in_cluster} scans of this cluster wait, the most that may"
        return ""

    def take(self, *, waiting: bool) -> Priority:
        """Count one more; return how urgent it is."""
        self.waiting += 1
        self.waiting_in_cluster += 1
        self.urgent += 1
        if self.urgent > MAX_URGENT_PER_HOUR:
            return Priority.PUSHED
        return Priority.WAITED_FOR if waiting else Priority.RUNNING


async def ask(
    connection: AsyncConnection, asker: Asker, wanted: list[tuple[Subject, bool]], now: datetime
) -> list[WantedResultV1]:
    """Queue a scan of each image that may have one; the bool: a deployment waits for it.

    The caller has `Turn.IMAGES`.
    """
    settings = await organisation.load(connection)
    if settings.registry_access == "Off" or settings.security_findings == "Off":
        switch = "registry access" if settings.registry_access == "Off" else "attaching findings"
        return [_refused(f"{switch} is switched off in the hub") for _ in wanted]
    hosts = await workers.registries(connection, now)
    budget = await _budget(connection, asker, now)
    results = []
    for subject, waiting in wanted:
        if subject.registry not in hosts:
            results.append(_refused(f"no scan worker contacts {subject.registry}"))
        else:
            results.append(await _ask_one(connection, asker, subject, budget, now, waiting=waiting))
    return results


async def _ask_one(
    connection: AsyncConnection,
    asker: Asker,
    subject: Subject,
    budget: _Budget,
    now: datetime,
    *,
    waiting: bool,
) -> WantedResultV1:
    job = await _job(connection, subject, _UNFINISHED)
    if job is None:
        settled = await _settled(connection, subject, now)
        if settled is not None:
            return settled
    refusal = budget.refusal
    if job is not None and (refusal or job.requested_by == asker.words):
        return WantedResultV1("queued")
    if refusal:
        return _refused(refusal)
    priority = budget.take(waiting=waiting)
    if job is not None and job.priority <= priority:
        return WantedResultV1("queued")
    asked = Asked(asker.words, render_instant(now), priority=priority)
    if await images.find_id(connection, subject) is None:
        await images.note_push(connection, subject, (), asked.at)
    row = await jobs.queue(connection, subject, asked)
    # Who made it more urgent answers for it, so that this is counted too.
    charged = update(job_rows).where(job_rows.c.id == row.id).values(requested_by=asker.words)
    await connection.execute(charged)
    if row.state == "queued":
        await images.set_status(connection, subject, "queued")
    return WantedResultV1("queued")


async def _settled(
    connection: AsyncConnection, subject: Subject, now: datetime
) -> WantedResultV1 | None:
    """Return what a scan that ended lately came to, None where there was none."""
    if await images.find_id(connection, subject) is None:
        return None
    known, since = await images.load(connection, subject), render_instant(now - LATELY)
    if known.status == "scanned" and _scanned_at(known) > since:
        return WantedResultV1("scanned")
    if known.status == "failed":
        failed = await _job(connection, subject, ("failed",))
        if failed is not None and failed.finished_at > since:
            return _refused(f"its last scan failed: {failed.error[:300]}")
    return None


def _scanned_at(image: ImageV1) -> str:
    """Return when its last attached report was made; empty: nothing is attached."""
    return max((report.scanned_at for report in image.reports if report.artifact), default="")


async def _job(
    connection: AsyncConnection, subject: Subject, states: tuple[str, ...]
) -> Row[Any] | None:
    query = (
        select(job_rows)
        .where(
            job_rows.c.registry == subject.registry,
            job_rows.c.repository == subject.repository,
            job_rows.c.digest == subject.digest,
            job_rows.c.state.in_(states),
        )
        .order_by(job_rows.c.seq.desc())
    )
    return (await connection.execute(query.limit(1))).first()


async def _budget(connection: AsyncConnection, asker: Asker, now: datetime) -> _Budget:
    by = job_rows.c.requested_by
    unfinished = (
        select(by, func.count().label("total"))
        .where(
            job_rows.c.state.in_(_UNFINISHED),
            by.startswith(_of_cluster(asker.cluster), autoescape=True),
        )
        .group_by(by)
    )
    waiting = {row.requested_by: row.total for row in await connection.execute(unfinished)}
    lately = select(func.count()).where(
        job_rows.c.kind == "scan",
        job_rows.c.created_at > render_instant(now - timedelta(hours=1)),
        by == asker.words,
    )
    urgent = (await connection.execute(lately)).scalar_one()
    return _Budget(waiting.get(asker.words, 0), sum(waiting.values()), urgent)


def _of_cluster(cluster: str) -> str:
    return f"deployments in {cluster}/"


def _refused(why: str) -> WantedResultV1:
    return WantedResultV1("refused", why)
