"""From a push to its findings, in the registry and in a gate: `python bench/push.py [--pushes 40]`.

A real registry, hub, scan worker and agent with real advisories; the gate's part of the feed runs
here (`rows.py`). One image at a time is pushed, and the
next one only when the worker has nothing left to do.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from measures import MIB, number, python_environment, say, table
from real_image import Base, make_bases, make_image
from rows import Rows, rows_of
from support.scan_site import Running, ScanSite, scan_site, started
from tidegate.domain.digest import Digest
from tidegate.domain.reference import ImageReference
from tidegate.hubclient import HubClient
from tidegate.local.data_folder import CLUSTER_NAME
from tidegate.local.images import DemoImage
from tidegate.local.plans import plan_agent
from tidegate.oci.client import RegistryClient
from tidegate.wire.statement_v1 import MEDIA_TYPE, parse_statement

PUSHES = 40
PUSH_MIB = 50
WARM_UP = 2
"""Pushes before those that count: what a process loads when first needed is not each push's."""

LOOK_S = 0.02
"""How often the referrers are asked for: the times are this much too long at most."""

LIMIT_S = 120
ADVISORIES = Path(os.environ.get("TIDEGATE_TEST_ADVISORIES", "../shared/advisories"))
WANTED_S = 10
ROW_WANTED_S = 5
SHOWN = {
    "the push itself": "upload_s",
    "from its end until a worker has the job": "leased_s",
    "**until attached**": "attached_s",
    "**until a gate holds its row**": "held_s",
    "until the hub shows the image as scanned": "shown_s",
    "Trivy's processor time in it": "trivy_cpu_s",
}


@dataclass(frozen=True, slots=True)
class Made:
    """What is pushed, and into what."""

    bases: Sequence[Base]
    records: int
    """Advisories."""
    load_before: float
    packages: int = 0
    """In the last image."""


@dataclass(frozen=True, slots=True)
class Push:
    """What became of one push; seconds since its last byte was acknowledged."""

    upload_s: float
    """Before that: how long the push itself took."""
    attached_s: float
    """Until the referrers API listed the findings."""
    held_s: float
    """Until a gate held what was found: from then on no review waits for a registry."""
    shown_s: float
    """Until the hub called the image scanned."""
    leased_s: float
    """Until the worker had the job."""
    trivy_cpu_s: float
    findings: int


def main() -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pushes", type=int, default=PUSHES)
    parser.add_argument("--mib", type=int, default=PUSH_MIB)
    given = parser.parse_args()
    if not ADVISORIES.is_dir():
        say(f"{ADVISORIES}: no such folder; set TIDEGATE_TEST_ADVISORIES to OSV dumps")
        return 2
    load_before = os.getloadavg()[0]
    bases = make_bases(given.mib * MIB)
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder,
        scan_site(
            Path(folder),
            worker_settings={"FEED_AUDIENCE": CLUSTER_NAME},
            inherited=python_environment(),
        ) as site,
    ):
        records = site.import_into(0, *sorted(ADVISORIES.glob("*.zip")))
        site.start_worker(0)
        agent = started(plan_agent(site.site), site.environment)
        try:
            pushes, packages = asyncio.run(measure(site, agent, bases, given.pushes))
        finally:
            agent.stop()
    print(section(Made(bases, records, load_before, packages), pushes))
    return 0


async def measure(
    site: ScanSite, agent: Running, bases: Sequence[Base], count: int
) -> tuple[list[Push], int]:
    """Return what became of `count` pushes, and how many packages the last image has."""
    found: list[Push] = []
    token, folder = site.folder.token_file("gate"), site.folder.root / "rows"
    async with (
        site.hub() as hub,
        site.client() as client,
        rows_of(agent.url, token, site.trust(), folder) as rows,
    ):
        for n in range(1 - WARM_UP, count + 1):
            image = make_image(bases, n + WARM_UP)
            push = await push_one(site, hub, client, rows, image)
            say(f"push {n} of {count}: {push.attached_s:.2f} s, held after {push.held_s:.2f} s")
            if n > 0:
                found.append(push)
        body = await hub.get_statement(site.host, image.repository, image.digest)
    covered = parse_statement(body).coverage.ecosystems
    return found, sum(each.package_count for each in covered)


async def push_one(
    site: ScanSite, hub: HubClient, client: RegistryClient, rows: Rows, image: DemoImage
) -> Push:
    reference = ImageReference(site.host, image.repository, image.tag)
    begun_s = time.perf_counter()
    for body in image.blobs.values():
        await client.push_blob(reference, body)
    ((manifest, media_type),) = image.manifests
    await client.push_manifest(reference, manifest, media_type, tag=image.tag)
    pushed_s, pushed_at = time.perf_counter(), datetime.now(UTC)
    await until_attached(client, reference, image.digest)
    attached_s = time.perf_counter()
    await until_scanned(hub, reference, image.digest)
    shown_s = time.perf_counter()
    await until_idle(hub)
    told = {
        line["event"]: line
        for line in site.workers[0].log_lines()
        if image.digest in (line.get("digest"), line.get("image", "").partition("@")[2])
    }
    leased_at = datetime.fromisoformat(told["job.started"]["timestamp"])
    return Push(
        upload_s=pushed_s - begun_s,
        attached_s=attached_s - pushed_s,
        held_s=await rows.held_s(image.digest) - pushed_s,
        shown_s=shown_s - pushed_s,
        leased_s=(leased_at - pushed_at).total_seconds(),
        trivy_cpu_s=told["platform.scanned"]["cpu_s"],
        findings=told["platform.scanned"]["findings"],
    )


async def until_attached(client: RegistryClient, reference: ImageReference, digest: Digest) -> None:
    deadline_s = time.perf_counter() + LIMIT_S
    while not (await client.list_referrers(reference, digest, MEDIA_TYPE)).descriptors:
        if time.perf_counter() > deadline_s:
            raise RuntimeError(f"{reference}: no findings after {LIMIT_S} s")
        await asyncio.sleep(LOOK_S)


async def until_scanned(hub: HubClient, reference: ImageReference, digest: Digest) -> None:
    while True:
        image = await hub.get_image(reference.registry, reference.repository, digest)
        if image.status == "failed":
            raise RuntimeError(f"{reference}: {image.error}")
        if image.status == "scanned":
            return
        await asyncio.sleep(LOOK_S)


async def until_idle(hub: HubClient) -> None:
    while True:
        counts = (await hub.list_jobs(limit=1)).counts
        if not counts["queued"] + counts["leased"]:
            return
        await asyncio.sleep(LOOK_S)


def section(made: Made, pushes: Sequence[Push]) -> str:
    layers, files = len(made.bases), sum(base.files for base in made.bases)
    packed = sum(len(base.packed) for base in made.bases) / MIB
    unpacked = sum(base.unpacked_bytes for base in made.bases) / MIB
    attached = sorted(push.attached_s for push in pushes)
    held = sorted(push.held_s for push in pushes)
    rows = [
        (name, *percentiles([getattr(push, field) for push in pushes]))
        for name, field in SHOWN.items()
    ]
    return f"""\
## Push to findings

{len(pushes)} pushes, one at a time onto an idle queue, of distinct images of {packed:.1f} MiB as
packed ({unpacked:.0f} MiB unpacked, {files:,} files, {layers} layers, none shared): status
database, programs, libraries, Python packages and node modules of this machine, {made.packages:,}
packages in which {pushes[-1].findings} vulnerabilities are found by {made.records:,} real
advisories. Embedded registry, hub on SQLite, one worker with its default settings, an agent, and
the client that pushes, asks and follows the agent as a gate does, all on this machine
({len(os.sched_getaffinity(0))} processors). *Attached*:
from the answer to the last byte of the push until the referrers API lists the findings artifact,
asked every {LOOK_S * 1000:.0f} ms; its signature stands by then. *Held*: until the gate's follower
has verified the batch with the row and put it among its own. The first {WARM_UP} pushes do not
count; nothing else was removed. Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; load before
{made.load_before:.2f} (1 min). Wanted: p95 of *attached* below {WANTED_S} s; it is
{percentile(attached, 95):.2f} s; of *held* at most {ROW_WANTED_S} s; it is
{percentile(held, 95):.2f} s.

{table(["", "median, s", "p95, s", "longest, s"], rows)}"""


def percentiles(values: Sequence[float]) -> tuple[str, ...]:
    ordered = sorted(values)
    middle, high = percentile(ordered, 50), percentile(ordered, 95)
    return number(middle), number(high), number(ordered[-1])


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the least value that `percent` of all do not exceed (nearest rank)."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


if __name__ == "__main__":
    sys.exit(main())
