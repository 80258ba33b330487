"""Many scans worked off while workers are killed: `python bench/drain.py [--images 1000 …]`.

Two hubs on one PostgreSQL database, a registry and several workers, each with a folder of its own.
All images are pushed before the first worker starts. What is done, lost or done twice is looked up
in the hub and in the registry afterwards, image by image.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from measures import number, python_environment, say, table
from support.drain import Drained, Kills, drain, examine, make_images, push_all
from support.postgres import programs, running_postgres
from support.scan_site import scan_site

IMAGES = 1000
WORKERS = 4
LONGEST_LIFE = 20
SEED = 4
LEASE_S, HEARTBEAT_S = 15, 1
LIMIT_S = 3000


@dataclass(frozen=True, slots=True)
class Size:
    """What is measured."""

    images: int
    kills: Kills


def main() -> int:
    """Measure; return the exit code: 1 where an image was lost or done twice."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument(
        "--longest-life", type=int, default=LONGEST_LIFE, metavar="N",
        help="images that a worker begins at most before it is killed",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    found = programs()
    if found is None:
        say("PostgreSQL is not installed")
        return 2
    size = Size(given.images, Kills(given.workers, given.seed, given.longest_life))
    load_before = os.getloadavg()[0]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-bench-"))
        server = stack.enter_context(running_postgres(found, fsync="on", full_page_writes="on"))
        url = server.url(server.create())
        drained = asyncio.run(measure(Path(folder), url, size))
    for problem in drained.problems[:20]:
        say(problem)
    print(section(size, drained, load_before))
    return 1 if drained.problems else 0


async def measure(folder: Path, database_url: str, size: Size) -> Drained:
    """Return what came of the queue."""
    images = make_images(size.images)
    with scan_site(
        folder,
        hubs=2,
        database_url=database_url,
        hub_settings={"JOB_LEASE_S": str(LEASE_S)},
        worker_settings={"HEARTBEAT_S": str(HEARTBEAT_S)},
        inherited=python_environment(),
    ) as site:
        say(f"pushing {len(images)} images")
        await push_all(site, images)
        drained = await drain(site, images, size.kills, LIMIT_S, say)
        say(f"drained in {drained.seconds:.0f} s; looking at every image")
        await examine(site, images, drained)
    return drained


def section(size: Size, drained: Drained, load_before: float) -> str:
    kills = size.kills
    attempts = ", ".join(f"{n}: {count:,}" for n, count in sorted(drained.attempts.items()))
    shown: Mapping[str, object] = {
        "images": f"{size.images:,}",
        "s": number(drained.seconds),
        "images/s": number(size.images / drained.seconds),
        "kills": drained.kills,
        "of them in the middle of a job": drained.interrupted,
        "jobs by attempts": attempts,
        "lost, doubled or not believed": len(drained.problems),
    }
    return f"""\
## A queue while workers are killed

{size.images:,} small distinct images, pushed and queued; then {kills.workers} workers at two hubs
on one PostgreSQL database (with `fsync`), all on this machine ({len(os.sched_getaffinity(0))}
processors). Each worker gets SIGKILL again and again, at a random moment of its first to
{kills.longest_life}th image (seed {kills.seed}), until nothing waits any more, and is started again
at once. Leases last {LEASE_S} s (60 by default), heartbeats come every {HEARTBEAT_S} s (5); a job
may be tried five times, as by default. Afterwards each image must have exactly one job, done, and
one findings artifact, with one signature, which the hub names and a gate believes. *s* is from the
first worker's start until the last job's end. Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC;
load before {load_before:.2f} (1 min).

{table(list(shown), [list(shown.values())])}"""


if __name__ == "__main__":
    sys.exit(main())
