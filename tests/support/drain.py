"""A queue of scans that is worked off while workers are killed at random, and what came of it.

Each worker's life is a number of images drawn by a seeded generator; some time into the last of
them, drawn too, it gets SIGKILL and is started again. So every machine makes progress, and the moments
are spread over all that a scan does.
"""

import asyncio
import json
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.scan_site import Running, ScanSite
from tidegate.domain.evidence import Report
from tidegate.domain.reference import ImageReference
from tidegate.evidence.verify_image import verify_image
from tidegate.hubclient import HubClient
from tidegate.local.images import CLEAN_DEBIAN, DemoImage, build_image, debian_files, python_files
from tidegate.oci.client import RegistryClient
from tidegate.trust.simplesigning import SIGNATURE_ARTIFACT_TYPE
from tidegate.wire.hub_v1 import JobRecordV1
from tidegate.wire.oci_v1 import OCI_MANIFEST
from tidegate.wire.statement_v1 import MEDIA_TYPE

LOOK_S = 0.05
AT_ONCE = 8
"""Pushes and checks under way at a time."""


@dataclass(frozen=True, slots=True)
class Kills:
    """How workers die."""

    workers: int
    """Alive at a time."""
    seed: int
    longest_life: int
    """Images that a worker begins at most before it is killed; 1 at least."""
    most: int | None = None
    """Kills after which workers live; None: throughout."""


@dataclass
class Drained:
    """What came of a queue."""

    seconds: float
    kills: int
    interrupted: int
    """Kills by which a job was left in work."""
    attempts: Counter[int] = field(default_factory=Counter)
    """How many scans of images took so many attempts."""
    problems: list[str] = field(default_factory=list)
    """Everything that is not as it must be, a sentence each."""


def make_images(count: int) -> list[DemoImage]:
    """Return small images, all different, with one vulnerability of the demo advisory set each."""
    layers = [debian_files(CLEAN_DEBIAN), python_files("urllib3", "1.26.18")]
    built = [build_image([*layers, {"etc/number": str(n).encode()}]) for n in range(count)]
    return [
        DemoImage(f"team-{n % 20}/app", f"v{n}", ((each.manifest, OCI_MANIFEST),), each.blobs)
        for n, each in enumerate(built)
    ]


async def push_all(site: ScanSite, images: Sequence[DemoImage]) -> None:
    """Push every image, and return when the hub has queued each."""
    async with site.client() as client, site.hub() as hub:

        async def push(image: DemoImage) -> None:
            reference = ImageReference(site.host, image.repository, image.tag)
            for body in image.blobs.values():
                await client.push_blob(reference, body)
            ((body, media_type),) = image.manifests
            await client.push_manifest(reference, body, media_type, tag=image.tag)

        await _each(push, images)
        while (await hub.list_jobs(limit=1)).counts["queued"] < len(images):
            await asyncio.sleep(LOOK_S)


async def drain(
    site: ScanSite,
    images: Sequence[DemoImage],
    kills: Kills,
    within_s: float,
    say: Callable[[str], None] = lambda _: None,
) -> Drained:
    """Start workers, kill them as `kills` says, and return when nothing waits any more."""
    begun_s = time.monotonic()
    reaper = Reaper(site, kills, frozenset(str(image.digest) for image in images))
    async with site.hub() as hub, asyncio.timeout(within_s):
        tasks = [asyncio.create_task(reaper.keep(hub, n)) for n in range(kills.workers)]
        try:
            told = -1
            while waiting := await _waiting(hub):
                if len(reaper.took_s) // 50 != told:
                    told = len(reaper.took_s) // 50
                    say(f"{len(reaper.took_s)} images, {waiting} jobs left, {reaper.kills} kills")
                if ended := [task for task in tasks if task.done()]:
                    ended[0].result()  # raises what ended it
                    tasks = [task for task in tasks if not task.done()]
                await asyncio.sleep(LOOK_S * 4)
            took_s = time.monotonic() - begun_s
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return Drained(took_s, reaper.kills, reaper.interrupted)


@dataclass
class Reaper:
    """Starts workers and ends their lives."""

    site: ScanSite
    plan: Kills
    digests: frozenset[str]
    kills: int = 0
    interrupted: int = 0
    took_s: list[float] = field(default_factory=list)
    """Times that images took from their begin to their end."""

    async def keep(self, hub: HubClient, number: int) -> None:
        """Let one worker live and die, until cancelled or until enough were killed."""
        chance = random.Random(f"{self.plan.seed}-{number}")  # noqa: S311 - repeatable, no secret
        worker = self.site.start_worker(number)
        log = _Log(worker.plan.log, self.digests, self.took_s)
        while True:
            images, moment = chance.randint(1, self.plan.longest_life), chance.random()
            await log.until_begun(images, worker)
            # The moment of the kill: nothing is waited for.
            await asyncio.sleep(moment * statistics.median(self.took_s or [0.3]))
            if self.plan.most is not None and self.kills >= self.plan.most:
                return
            worker.kill()
            self.kills += 1
            left = (await hub.list_jobs(state="leased", limit=100)).items
            self.interrupted += any(job.worker == f"w{number}" for job in left)
            worker = self.site.start_worker(number)


@dataclass
class _Log:
    """A worker's log, read as it grows."""

    path: Path
    digests: frozenset[str]
    """Of the images whose jobs count; what is pushed beside them makes jobs, too."""
    took_s: list[float]
    offset: int = 0
    begun_at: dict[str, datetime] = field(default_factory=dict)

    async def until_begun(self, images: int, worker: Running) -> None:
        """Wait until so many more images were begun."""
        left = images
        while (left := left - self._read()) > 0:
            ended = worker.process.poll()
            assert ended is None, f"ended with {ended}: {self.path.read_text()[-2000:]}"
            await asyncio.sleep(LOOK_S)

    def _read(self) -> int:
        """Return how many images were begun since the last look."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self.offset += len(whole) + len(newline)
        begun = 0
        for text in whole.splitlines():
            line = _parsed(text)
            if line.get("image", "").partition("@")[2] not in self.digests:
                continue
            if line["event"] == "job.started":
                begun += 1
                self.begun_at[line["job"]] = datetime.fromisoformat(line["timestamp"])
            elif line["event"] == "job.completed" and line["job"] in self.begun_at:
                took = datetime.fromisoformat(line["timestamp"]) - self.begun_at.pop(line["job"])
                self.took_s.append(took.total_seconds())
        return begun


def _parsed(text: bytes) -> dict[str, Any]:
    """Return a line of a log; nothing of one that a kill cut off."""
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        return {}
    return found


async def examine(site: ScanSite, images: Sequence[DemoImage], drained: Drained) -> None:
    """Note every image that has not exactly one job, done, and one artifact that a gate believes.

    The artifact is the one that the hub names, and has one signature.
    """
    async with site.client() as client, site.hub() as hub:
        jobs = defaultdict[str, list[JobRecordV1]](list)
        async for job in _all_jobs(hub):
            jobs[f"{job.repository}@{job.digest}"].append(job)

        async def look(image: DemoImage) -> None:
            name = f"{image.repository}@{image.digest}"
            done = jobs[name]
            if [job.state for job in done] != ["done"]:
                drained.problems.append(f"{name}: jobs {[(j.state, j.error) for j in done]}")
            drained.attempts.update(job.attempt for job in done)
            problem = await _problem(site, client, hub, image)
            if problem:
                drained.problems.append(f"{name}: {problem}")

        await _each(look, images)


async def _problem(site: ScanSite, client: RegistryClient, hub: HubClient, image: DemoImage) -> str:
    """Return what is wrong with the evidence of an image; empty: nothing."""
    reference = ImageReference(site.host, image.repository, None, image.digest)
    listed = (await client.list_referrers(reference, image.digest, MEDIA_TYPE)).descriptors
    if len(listed) != 1:
        return f"{len(listed)} findings artifacts"
    artifact = listed[0].digest
    signed = (await client.list_referrers(reference, artifact, SIGNATURE_ARTIFACT_TYPE)).descriptors
    if len(signed) != 1:
        return f"{len(signed)} signatures"
    shown = await hub.get_image(site.host, image.repository, image.digest)
    told = [report.artifact for report in shown.reports]
    if shown.status != "scanned" or told != [artifact]:
        return f"the hub shows {shown.status} by {told}, the registry has {artifact}"
    checks = await verify_image(client, site.trust(), reference, datetime.now(UTC))
    (evidence,) = [platform.found.evidence for platform in checks.platforms]
    return "" if isinstance(evidence, Report) else f"no gate believes it: {evidence}"


async def _waiting(hub: HubClient) -> int:
    counts = (await hub.list_jobs(limit=1)).counts
    return counts["queued"] + counts["leased"]


async def _all_jobs(hub: HubClient) -> AsyncIterator[JobRecordV1]:
    cursor: str | None = ""
    while cursor is not None:
        page = await hub.list_jobs(cursor=cursor, limit=100)
        for job in page.items:
            yield job
        cursor = page.next


async def _each(work: Callable[[DemoImage], Awaitable[None]], images: Sequence[DemoImage]) -> None:
    """Do `work` with every image, `AT_ONCE` at a time."""
    waiting = iter(images)

    async def take() -> None:
        for image in waiting:
            await work(image)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(take())
