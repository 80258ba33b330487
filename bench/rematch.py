"""Fleets of images matched again: `python bench/rematch.py [--images 10000 …] [--database …]`.

The hub's own tables are filled with a synthetic fleet, and asked by the hub's and the worker's own
functions; HTTP is left out, and told of by `hub_load.py`.
"""

import argparse
import asyncio
import bisect
import contextlib
import gc
import itertools
import math
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from pyroaring import BitMap
from sqlalchemy import insert, select, text

from measures import MIB, number, resident_mib, say, spread, table
from real_image import make_bases, make_image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.postgres import programs, running_postgres
from tidegate.advisories.demo import AdvisorySet
from tidegate.advisories.importer import import_advisories
from tidegate.advisories.index import INDEX_FILE, AdvisoryIndex
from tidegate.advisories.opinions import distinct
from tidegate.domain.reference import ImageReference
from tidegate.hub.store import advisory_pass, due, image_sets
from tidegate.hub.store.database import Database, Turn
from tidegate.hub.store.due import Due
from tidegate.hub.store.migrate import migrate
from tidegate.hub.store.schema import images, package_images, packages
from tidegate.scan.matchers import Matchers, usable_cores
from tidegate.scan.pipeline import ScanSetup, scan_image
from tidegate.scan.scanners.builtin import BuiltinScanner
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.wire.rematch_v1 import AdvisoriesToldV1

PER_IMAGE = 200
USUAL = ((10_000, 0), (100_000, 0), (1_000_000, 1000))
"""Images, and how many package versions are written: 0 for all. All of a million images' take long
to write: asked for by name."""

DISTINCT_AT_A_MILLION = 2_000_000
GROWTH = 0.75
"""Distinct package versions grow as the number of images to this power (Heaps' law)."""

MOST = 0.8
"""Share of the images that the most common package version is in."""

REPEATS = 5
MIDDLE = 100
"""Rank of the package that is listed besides the most common one."""
STEP_ROWS = 2000
ADVISORIES = Path(os.environ.get("TIDEGATE_TEST_ADVISORIES", "../shared/advisories"))
SOURCES = (ADVISORIES / "PyPI.zip", ADVISORIES / "Go.zip")
WITH_ADVISORIES = 0.3
"""Share of the distinct packages that have a name which advisories know."""

SBOM_MIB = 50
"""Size of the image, made of this machine's own folders, whose packages fleets are built from."""

VERSIONS = 20
"""Versions of each of its packages in a fleet, before the names vary as well."""

_LAST_NUMBER = re.compile(r"\d{1,9}(?=\D*$)")

Triple = tuple[str, str, str]
"""Ecosystem, name and version."""


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
        imports = [import_rate(Path(folder) / f"import-{n}") for n in range(REPEATS)]
        known = known_versions(index_file)
        seen = asyncio.run(packages_here(Path(folder)))
        say(f"{len(seen)} packages in the image, {len(known)} versions in advisories")
        sizes = [(count, given.only) for count in given.images] or USUAL
        for (count, only), kind in itertools.product(sizes, given.database):
            with contextlib.ExitStack() as stack:
                url = stack.enter_context(database(kind, Path(folder)))
                fleet = Fleet(count, only, seen, known)
                rows.append(asyncio.run(measure(url, kind, fleet, index_file)))
    print(section(rows, imports, len(seen)))
    return 0


def section(rows: list[dict[str, str]], imports: list[float], seen: int) -> str:
    header = list(rows[0])
    return f"""\
## Matching again

An import of the real OSV records of PyPI and Go (two zip files) into a new index takes in
{spread(imports)} records a second, by one process; median of {REPEATS}.

Fleets in the hub's own tables, {PER_IMAGE} packages an image, made from a real package list: the
{seen:,} distinct packages that the built-in scanner finds in an image of {SBOM_MIB} MiB of this
machine's own Debian, Python and Node packages, with up to {VERSIONS} versions of each, then with
other names of the same form. Distinct package versions grow with the number of images to the power
of {GROWTH} (Heaps), and how many images carry each falls as its rank (Zipf), from {MOST:.0%} of
them down. {WITH_ADVISORIES:.0%} have the name of a package that the advisories above know, and one
of its versions or one near it.

*listed*: every image that carries any version of one package name, the most common one and the one
of rank {MIDDLE}, in the hub's reading transaction; median of {REPEATS}. *whole pass*: every
distinct package leased, matched and stored again, page by page, by {usable_cores()} processes;
*hub's share* of it is the time that they wait for the hub's database, and *packages/s* is without
it; *its CPU* is without PostgreSQL's. *first jobs*: the time until {due.STEP_IMAGES} images are
jobs when all became due at once. HTTP is left out. *sets* is the size of the sets of images by
package; details of images (manifests, statements, package lists) are not in these databases.
*memory* is the most that hub and worker, here one process, had at a time since the fleet was
written. Passes were run once each. Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; load now
{os.getloadavg()[0]:.2f} (1 min), this program's own included: where it is far above
{usable_cores()}, other work on this machine had most of the processors, and times by the clock say
little; the CPU column suffers less.

{table(header, [list(row.values()) for row in rows])}"""


def import_rate(index_file: Path) -> float:
    """Return the records that are imported in a second."""
    started_s = time.perf_counter()
    with AdvisoryIndex.open(index_file) as index:
        now = datetime.now(UTC)
        found = [import_advisories(index, str(file), now=now) for file in SOURCES]
    return sum(each.imported for each in found) / (time.perf_counter() - started_s)


def known_versions(index_file: Path) -> list[Triple]:
    """Import the real advisories; return the package versions that they list or name."""
    now = datetime.now(UTC)
    found: dict[tuple[str, str], set[str]] = {}
    with AdvisoryIndex.open(index_file) as index:
        for source in SOURCES:
            import_advisories(index, str(source), now=now)
        rows = index._connection.execute("SELECT DISTINCT ecosystem, package FROM affected")  # noqa: SLF001
        for ecosystem, package in rows.fetchall():
            for advisory in index.affecting(ecosystem, package):
                for entry in advisory.affected:
                    events = {event.version for kept in entry.ranges for event in kept}
                    versions = found.setdefault((entry.ecosystem, entry.package), set())
                    versions |= entry.versions | events - {"0"}
    return [(e, n, v) for (e, n), versions in sorted(found.items()) for v in sorted(versions)]


async def packages_here(folder: Path) -> list[Triple]:
    """Return what the built-in scanner sees in an image of this machine's own packages."""
    image, registry = make_image(make_bases(SBOM_MIB * MIB), 0), MemoryRegistry()
    for blob in image.blobs.values():
        registry.put_blob(blob)
    ((manifest, media_type),) = image.manifests
    registry.put_manifest(manifest, media_type, tag=image.tag)
    nothing = AdvisorySet("none", ())
    setup = ScanSetup(BuiltinScanner(), nothing, lambda: datetime.now(UTC), folder)
    reference = ImageReference("registry.example", image.repository, image.tag)
    (scan,) = await scan_image(registry, reference, setup)
    return [(key.ecosystem, key.name, key.version) for key in distinct(scan.packages)]


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
    seen: list[Triple] = field(repr=False)
    """Packages of a real image."""
    known: list[Triple] = field(repr=False)
    """Package versions of which advisories speak."""


async def measure(url: str, kind: str, fleet: Fleet, index_file: Path) -> dict[str, str]:
    """Return one row of the table."""
    hub, count = Database(url), fleet.count
    await migrate(hub)
    started_s = time.perf_counter()
    distinct_count = await fill(hub, fleet)
    took_s = time.perf_counter() - started_s
    say(f"{count:,} images in {kind}: {distinct_count:,} packages in {took_s:.0f} s")
    forget_peak()
    sets_mib, whole_mib = await sizes(hub, url)
    common, middle = await listed(hub, 1), await listed(hub, MIDDLE)
    if fleet.only:
        await hub.close()
        return {**listing(fleet, kind, distinct_count, common, middle), **dict.fromkeys(PASS, "")}
    before_s = cpu_s()
    whole_s, hub_s = await whole_pass(hub, index_file)
    whole_cpu_s = cpu_s() - before_s
    row_s = await first_jobs(hub, count)
    await hub.close()
    memory_mib = resident_mib(os.getpid(), "VmHWM")
    per_s = distinct_count / (whole_s - hub_s)
    told = (whole_s, whole_cpu_s, hub_s, per_s, row_s * 1000, sets_mib, whole_mib, memory_mib)
    values = dict(zip(PASS, map(number, told), strict=True))
    return {**listing(fleet, kind, distinct_count, common, middle), **values}


PASS = (
    "whole pass, s", "its CPU, s", "hub's share, s", "packages/s", "first jobs, ms", "sets, MiB",
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
    count = fleet.count
    chance = random.Random(4)  # noqa: S311 - a fleet, the same each time
    total = round(DISTINCT_AT_A_MILLION * (count / 1_000_000) ** GROWTH)
    chosen = made_packages(fleet, chance)
    # Any run of images in an order by chance is as good as a draw, and made in no time.
    order = array("I", chance.sample(range(1, count + 1), count))
    shuffled = order + order
    rows: list[dict[str, object]] = []
    sets: list[dict[str, object]] = []
    for rank, carried in enumerate(shares(count, total)[: fleet.only or None]):
        ecosystem, name, version = next(chosen)
        key = key_of((ecosystem, name, version))
        rows.append(
            {"id": rank + 1, "key": key, "name": name, "version": version, "module": "",
             "ecosystem": ecosystem, "said": ""}
        )  # fmt: skip
        start = chance.randrange(count)
        ids = BitMap(shuffled[start : start + carried])
        sets.append({"package_id": rank + 1, "images": image_sets.render_set(ids)})
        if len(rows) == STEP_ROWS * 10:
            await store(hub, rows, sets)
            rows, sets = [], []
            if not (rank + 1) % 200_000:
                say(f"{rank + 1:,} of {total:,} packages written")
    await store(hub, rows, sets)
    if fleet.only:
        return total
    for start in range(1, count + 1, STEP_ROWS * 5):
        made = [image(n) for n in range(start, min(start + STEP_ROWS * 5, count + 1))]
        async with hub.write() as connection:
            for step in range(0, len(made), STEP_ROWS):
                await connection.execute(insert(images), made[step : step + STEP_ROWS])
    if hub.is_shared:
        async with hub.write() as connection:
            await connection.execute(text("ANALYZE"))
    return total


def made_packages(fleet: Fleet, chance: random.Random) -> Iterator[Triple]:
    """Yield packages, each once, the most common first; go on for ever."""
    known = list(fleet.known)
    chance.shuffle(known)
    rounds = itertools.count
    advised = ((e, n, vary(v, k)) for k in rounds() for e, n, v in known)
    seen = ((e, other(n, k), vary(v, k % VERSIONS)) for k in rounds() for e, n, v in fleet.seen)
    yielded = set[bytes]()
    for place in itertools.count():
        source = advised if place % 10 < WITH_ADVISORIES * 10 and place > MIDDLE else seen
        for triple in source:
            key = key_of(triple)
            if key not in yielded:
                yielded.add(key)
                yield triple
                break


def other(name: str, k: int) -> str:
    return f"{name}-{k // VERSIONS}" if k >= VERSIONS else name


def vary(version: str, k: int) -> str:
    """Return `version` with its last number `k` higher."""
    return _LAST_NUMBER.sub(lambda found: str(int(found[0]) + k), version, count=1)


def key_of(triple: Triple) -> bytes:
    """Return the key of a package's row (`store.packages`)."""
    ecosystem, name, version = triple
    parts = f"{name}\0{version}\0{ecosystem}\0"
    return blake2b(parts.encode(), digest_size=16).digest()


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


async def listed(hub: Database, package_id: int) -> Listed:
    """List the images that carry any version of what this package is."""
    found = Listed()
    async with hub.read() as connection:
        named = await connection.execute(select(packages.c.name).where(packages.c.id == package_id))
        name = named.scalar_one()
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
    started_s, done = time.perf_counter(), 0
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
            done += len(said)
            if not done % 200_000:
                say(f"{done:,} packages matched in {time.perf_counter() - started_s:.0f} s")


def forget_peak() -> None:
    """Let the most memory that this process had (VmHWM) be counted anew (proc(5), clear_refs)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


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
