"""What the hub says of its scan workers: whether they work, by what advisories, with what keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tidegate.advisories.demo import SOURCE as DEMO_SOURCE
from tidegate.cli.doctor_lines import Check, fail, ok, warn
from tidegate.cli.moments import parse_moment
from tidegate.wire.hub_data_v1 import AdvisorySourceV1, EvidenceKeyV1, WorkerV1
from tidegate.wire.hub_v1 import JobPageV1

SILENT = timedelta(minutes=3)
"""A worker tells of itself every minute."""

WAITING = timedelta(minutes=5)
"""A worker that lives takes a job within seconds, or while it scans another one, minutes."""

OLD = timedelta(days=7)
"""Advisories are published daily: the newest record of an ecosystem is hours old."""

START_ONE = "start a worker (`python -m tidegate.scan`), or see its log"


def judge_workers(workers: Sequence[WorkerV1], page: JobPageV1, now: datetime) -> Check:
    """Return whether scans are done: by the workers' heartbeats, and the oldest job that waits."""
    part = "scan worker"
    waiting, running = page.counts.get("queued", 0), page.counts.get("leased", 0)
    failed = page.counts.get("failed", 0)
    jobs = f"{waiting} scans wait, {running} run, {failed} failed"
    living = alive(workers, now)
    if not workers:
        said = f"none was ever heard of; {jobs}"
        return fail(part, said, START_ONE) if waiting else warn(part, said, START_ONE)
    if not living:
        last = max(workers, key=lambda worker: worker.last_seen_at)
        return fail(part, f"{last.name} was last heard of {last.last_seen_at}; {jobs}", START_ONE)
    said = f"{', '.join(sorted(worker.name for worker in living))}: {jobs}"
    ripe = [moment for job in page.items if (moment := parse_moment(job.not_before)) is not None]
    if ripe and not running and now - min(ripe) > WAITING:
        return fail(part, f"{said}; nobody takes them", "see the worker's log")
    if failed:
        return warn(part, said, "see why in the portal, at the images that failed")
    return ok(part, said)


def judge_advisories_told(
    workers: Sequence[WorkerV1], sources: Sequence[AdvisorySourceV1], now: datetime
) -> list[Check]:
    """Return whether the workers judge by real advisories, and young ones; nothing without any."""
    if not workers:
        return []
    part, advice = "advisories", "import newer ones at the worker: `tidegate advisories import`"
    real = [source for source in sources if source.source != DEMO_SOURCE]
    if not real:
        said = "only the demo set is there: most vulnerabilities are not known"
        if not sources:
            said = "the workers have none: no vulnerability is known"
        return [warn(part, said, "import real ones at the worker: `tidegate advisories import`")]
    dated = [(moment, s) for s in real if (moment := parse_moment(s.updated_at)) is not None]
    if len(dated) < len(real):
        return [warn(part, "their age is not known", advice)]
    moment, oldest = min(dated, key=lambda pair: pair[0])
    age = now - moment
    said = f"{len(real)} ecosystems; the oldest, {oldest.ecosystem}, is {age.days} days old"
    return [warn(part, said, advice) if age > OLD else ok(part, said)]


def judge_keys(workers: Sequence[WorkerV1], keys: Sequence[EvidenceKeyV1], now: datetime) -> Check:
    """Return with which keys findings are signed now, and when each last was used."""
    part = "signing key"
    current = signing_keys(workers, now)
    if not current:
        said = "no worker signs findings now: images keep the reports that they have"
        return warn(part, said, START_ONE)
    used = {key.fingerprint: key.last_used_at for key in keys}
    told = [
        f"{fingerprint[:16]} ({used.get(fingerprint, '') or 'not used yet'})"
        for fingerprint in sorted(current)
    ]
    return ok(part, f"last signed: {', '.join(told)}")


def signing_keys(workers: Sequence[WorkerV1], now: datetime) -> frozenset[str]:
    """Return the fingerprints of the keys that living workers sign with."""
    return frozenset(w.key_fingerprint for w in alive(workers, now) if w.key_fingerprint)


def alive(workers: Sequence[WorkerV1], now: datetime) -> list[WorkerV1]:
    """Return the workers that were heard of lately."""
    return [
        worker
        for worker in workers
        if (seen := parse_moment(worker.last_seen_at)) is not None and now - seen <= SILENT
    ]
