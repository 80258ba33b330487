"""Fleets of images matched again: `python bench/rematch.py [--images 10000 …] [--database …]`.

The hub's own tables are filled with a synthetic fleet, and asked by the hub's and the worker's own
functions; HTTP is left out, and told of by `hub_load.py`.
"""

import argparse
import asyncio
import bisect
import contextlib
import itertools
import math
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from pyroaring import BitMap
from sqlalchemy import insert, text

from measures import MIB, number, say, spread, table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.postgres import programs, running_postgres
from tidegate.advisories.importer import import_advisories
from tidegate.advisories.index import INDEX_FILE, AdvisoryIndex
from tidegate.hub.store import advisory_pass, due, image_sets
from tidegate.hub.store.database import Database, Turn
from tidegate.hub.store.due import Due
from tidegate.hub.store.migrate import migrate
from tidegate.hub.store.schema import images, package_images, packages
from tidegate.scan.matchers import Matchers, usable_cores
from tidegate.wire.rematch_v1 import AdvisoriesToldV1

PER_IMAGE = 200
USUAL = ((10_000, 0), (1_000_000, 1000))
"""Images, and how many package versions are written: 0 for all. All of a million images' take an
hour: asked for by name."""

DISTINCT_AT_A_MILLION = 2_000_000
GROWTH = 0.75
"""Distinct package versions grow as the number of images to this power (Heaps' law)."""

MOST = 0.8
"""Share of the images that the most common package version is in."""

REPEATS = 5
STEP_ROWS = 2000
ADVISORIES = Path(os.environ.get("TIDEGATE_TEST_ADVISORIES", "../shared/advisories"))
WITH_ADVISORIES = 0.3
"""Share of the distinct packages that have a name which advisories know."""


def main() -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, nargs="+", default=[])
    parser.add_argument("--database", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument(
        "--only", type=int, default=0, metavar="N",
        help="list only, from the N most common package versions of the fleet",
    )  # fmt: skip
    given = parser.parse_args()
    if not ADVISORIES.is_dir():
        say(f"{ADVISORIES}: no such folder; set TIDEGATE_TEST_ADVISORIES to OSV dumps")
        return 2
    rows = []
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        index_file = Path(folder) / INDEX_FILE
        names = known_names(index_file)
        sizes = [(count, given.only) for count in given.images] or USUAL
        for (count, only), kind in itertools.product(sizes, given.database):
            with contextlib.ExitStack() as stack:
                url = stack.enter_context(database(kind, Path(folder)))
                fleet = Fleet(count, only, names)
                rows.append(asyncio.run(measure(url, kind, fleet, index_file)))
    print(section(rows))
    return 0


def section(rows: list[dict[str, str]]) -> str:
    header = list(rows[0])
    return f"""\
## Matching again

Synthetic fleets in the hub's own tables, {PER_IMAGE} packages an image: distinct package versions
grow with the number of images to the power of {GROWTH} (Heaps), and how many images carry each
falls as its rank (Zipf), from {MOST:.0%} of them down. {WITH_ADVISORIES:.0%}, or as many as there
are, have the name and a version of a package that the real OSV records of PyPI and Go name, the
others a name that none does. *listed*: every image that carries any version of one package name,
the most common one and the hundredth, in the hub's reading transaction; median of {REPEATS}.
*whole pass*: every distinct package leased, matched by the real advisories and stored again, page
by page, by {usable_cores()} processes; *hub's share* of it is the time that they wait for the hub's
database.
*first jobs*: the time until {due.STEP_IMAGES} images are jobs when all became due at once. Details
of images (manifests, statements, package lists) are not in these databases; *sets* is the size of
the sets of images by package. Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; load now
{os.getloadavg()[0]:.2f} (1 min): where it is far above 0.2, other work on this machine had most of
the processors, and times by the clock say little; the CPU column does not suffer from it.

{table(header, [list(row.values()) for row in rows])}"""


def known_names(index_file: Path) -> list[tuple[str, str, list[str]]]:
    """Import the real advisories; return ecosystem, package and versions that they list."""
    now = datetime.now(UTC)
    found: dict[tuple[str, str], set[str]] = {}
    with AdvisoryIndex.open(index_file) as index:
        for name in ("PyPI", "Go"):
            import_advisories(index, str(ADVISORIES / f"{name}.zip"), now=now)
        rows = index._connection.execute("SELECT DISTINCT ecosystem, package FROM affected")  # noqa: SLF001
        for ecosystem, package in rows.fetchall():
            for advisory in index.affecting(ecosystem, package):
                for entry in advisory.affected:
                    events = {event.version for kept in entry.ranges for event in kept}
                    versions = found.setdefault((entry.ecosystem, entry.package), set())
                    versions |= entry.versions | events - {"0"}
    return [(e, n, sorted(versions)) for (e, n), versions in sorted(found.items()) if versions]


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        path = folder / "hub"
        path.mkdir()
        yield f"sqlite+aiosqlite:///{path / 'hub.db'}"
        shutil.rmtree(path)
        return
    found = programs()
    if found is None:
        raise SystemExit("PostgreSQL is not installed")
    with running_postgres(found) as server:
        yield server.url(server.create())


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is measured on."""

    count: int
    """Images."""
    only: int
    """So many of its most common package versions, and no images; 0: everything."""
    names: list[tuple[str, str, list[str]]] = field(repr=False)


async def measure(url: str, kind: str, fleet: Fleet, index_file: Path) -> dict[str, str]:
    """Return one row of the table."""
    hub, count = Database(url), fleet.count
    await migrate(hub)
    started_s = time.perf_counter()
    distinct = await fill(hub, fleet)
    say(f"{count} images in {kind}: {distinct} packages in {time.perf_counter() - started_s:.0f} s")
    sets_mib, whole_mib = await sizes(hub, url)
    common, middle = await listed(hub, "common-0"), await listed(hub, "common-100")
    if fleet.only:
        await hub.close()
        return {**listing(fleet, kind, distinct, common, middle), **dict.fromkeys(PASS, "")}
    before_s = cpu_s()
    whole_s, hub_s = await whole_pass(hub, index_file)
    whole_cpu_s = cpu_s() - before_s
    row_s = await first_jobs(hub, count)
    await hub.close()
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = (whole_s, whole_cpu_s, hub_s, row_s * 1000, sets_mib, whole_mib, memory_mib)
    values = dict(zip(PASS, map(number, told), strict=True))
    return {**listing(fleet, kind, distinct, common, middle), **values}


PASS = (
    "whole pass, s", "its CPU, s", "hub's share, s", "first jobs, ms", "sets, MiB",
    "database, MiB", "memory, MiB",
)  # fmt: skip


def listing(
    fleet: Fleet, kind: str, distinct: int, common: "Listed", middle: "Listed"
) -> dict[str, str]:
    """Return the columns about listing."""
    return {
        "images": f"{fleet.count:,}",
        "database": kind,
        "distinct": f"{distinct:,}" + (f", {fleet.only:,} written" if fleet.only else ""),
        "listed, most common, ms": spread(common.times_ms) + f" ({common.images:,} images)",
        "listed, hundredth, ms": spread(middle.times_ms) + f" ({middle.images:,} images)",
    }


def shares(count: int, distinct: int) -> list[int]:
    """Return how many images carry each package version, the most common first."""
    low, high, wanted = 0.0, float(count) * distinct, count * PER_IMAGE
    most = MOST * count
    ranks = range(1, distinct + 1)
    for _ in range(40):
        middle = (low + high) / 2
        capped = bisect.bisect_left(ranks, middle / most)
        total = most * capped + middle * (harmonic(distinct) - harmonic(capped))
        low, high = (middle, high) if total < wanted else (low, middle)
    return [max(1, round(min(most, low / rank))) for rank in ranks]


def harmonic(count: int) -> float:
    return math.log(count) + 0.5772 + 1 / (2 * count) if count else 0.0


async def fill(hub: Database, fleet: Fleet) -> int:
    """Write a fleet; return how many distinct packages it has."""
    count, names = fleet.count, fleet.names
    chance = random.Random(4)  # noqa: S311 - a fleet, the same each time
    distinct = round(DISTINCT_AT_A_MILLION * (count / 1_000_000) ** GROWTH)
    real = chance.sample(
        [(e, n, v) for e, n, versions in names for v in versions],
        min(round(distinct * WITH_ADVISORIES), sum(len(v) for _, _, v in names)),
    )
    every = max(2, distinct // max(len(real), 1))
    rows: list[dict[str, object]] = []
    sets: list[dict[str, object]] = []
    pending = iter(real)
    for rank, carried in enumerate(shares(count, distinct)[: fleet.only or None]):
        known = next(pending, None) if rank % every == 1 else None
        ecosystem, name, version = known or ("Debian:12", f"common-{rank // 3}", f"1.{rank % 3}")
        key = blake2b(f"{ecosystem}\0{name}\0{version}".encode(), digest_size=16).digest()
        rows.append(
            {"id": rank + 1, "key": key, "name": name, "version": version, "module": "",
             "ecosystem": ecosystem, "said": ""}
        )  # fmt: skip
        ids = BitMap(chance.choices(range(1, count + 1), k=carried))
        sets.append({"package_id": rank + 1, "images": image_sets.render_set(ids)})
        if len(rows) == STEP_ROWS * 10:
            await store(hub, rows, sets)
            rows, sets = [], []
    await store(hub, rows, sets)
    if fleet.only:
        return distinct
    for start in range(1, count + 1, STEP_ROWS * 5):
        made = [image(n) for n in range(start, min(start + STEP_ROWS * 5, count + 1))]
        async with hub.write() as connection:
            for step in range(0, len(made), STEP_ROWS):
                await connection.execute(insert(images), made[step : step + STEP_ROWS])
    if hub.is_shared:
        async with hub.write() as connection:
            await connection.execute(text("ANALYZE"))
    return distinct


async def store(
    hub: Database, rows: list[dict[str, object]], sets: list[dict[str, object]]
) -> None:
    async with hub.write() as connection:
        for start in range(0, len(rows), STEP_ROWS):
            await connection.execute(insert(packages), rows[start : start + STEP_ROWS])
            await connection.execute(insert(package_images), sets[start : start + STEP_ROWS])


def image(number_: int) -> dict[str, object]:
    digest = blake2b(str(number_).encode(), digest_size=32).hexdigest()
    return {
        "registry": "registry.example",
        "repository": f"team-{number_ % 300}/service-{number_ % 5000}",
        "digest": f"sha256:{digest}",
        "pushed_at": "2026-11-01T00:00:00.000000Z",
        "status": "scanned",
        "error": "",
        "reports": "[]",
        "rematchable": True,
    }


class Listed:
    """How long it took to list the images that carry a name."""

    def __init__(self) -> None:
        self.times_ms: list[float] = []
        self.images = 0


async def listed(hub: Database, name: str) -> Listed:
    found = Listed()
    for _ in range(REPEATS):
        started_s = time.perf_counter()
        async with hub.read() as connection:
            rows = await connection.execute(
                packages.select().where(packages.c.name == name).with_only_columns(packages.c.id)
            )
            ids = list(await image_sets.images_with(connection, rows.scalars().all()))
        found.times_ms.append((time.perf_counter() - started_s) * 1000)
        found.images = len(ids)
    return found


async def whole_pass(hub: Database, index_file: Path) -> tuple[float, float]:
    """Return the seconds that every package took, and those of them in the database."""
    with AdvisoryIndex.open(index_file) as index:
        state = index.state()
    now, hub_s = datetime.now(UTC), 0.0
    started_s = time.perf_counter()
    async with hub.write_in_turn(Turn.PACKAGES) as connection:
        await advisory_pass.tell(connection, "bench", AdvisoriesToldV1(state, "1"), now)
    with Matchers(index_file, usable_cores()) as matchers:
        while True:
            before_s = time.perf_counter()
            async with hub.write_in_turn(Turn.PACKAGES) as connection:
                page = await advisory_pass.lease_page(connection, state, 60, now)
            hub_s += time.perf_counter() - before_s
            if page is None:
                return time.perf_counter() - started_s, hub_s
            said = await asyncio.to_thread(matchers.judge, page.packages)
            before_s = time.perf_counter()
            async with hub.write_in_turn(Turn.PACKAGES) as connection:
                await advisory_pass.take_page(
                    connection, page.lease, [(each.id, each.said) for each in said]
                )
            hub_s += time.perf_counter() - before_s


def cpu_s() -> float:
    """Return the CPU seconds of this process and of those that it ended, not PostgreSQL's."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(each.ru_utime + each.ru_stime for each in used)


async def first_jobs(hub: Database, count: int) -> float:
    """Return the seconds until the first images of a whole fleet that is due are jobs."""
    async with hub.write_in_turn(Turn.PACKAGES) as connection:
        await due.add(connection, Due.REMATCH, BitMap(range(1, count + 1)))
    started_s = time.perf_counter()
    async with hub.write() as connection:
        made = await due.make_jobs(connection, 60, datetime.now(UTC))
    if not made:
        raise AssertionError("no job was made")
    return time.perf_counter() - started_s


async def sizes(hub: Database, url: str) -> tuple[float, float]:
    """Return the sizes of the sets and of the whole database, in MiB."""
    async with hub.read() as connection:
        if hub.is_shared:
            sets = await connection.execute(text("SELECT pg_total_relation_size('package_images')"))
            whole = await connection.execute(text("SELECT pg_database_size(current_database())"))
            return sets.scalar_one() / MIB, whole.scalar_one() / MIB
        sets = await connection.execute(text("SELECT sum(length(images)) FROM package_images"))
        path = Path(url.partition("///")[2])
        whole_bytes = sum(each.stat().st_size for each in path.parent.glob("hub.db*"))
        return sets.scalar_one() / MIB, whole_bytes / MIB


if __name__ == "__main__":
    sys.exit(main())
