"""The feed's snapshot: size and making of the file, opening it, looking up, and a gate's memory.

`python bench/snapshot.py [NUMBER …]`: digests, 100,000 and 1,000,000 where none is named.
"""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random

from measures import MIB, RUNS, cores, number, python_environment, resident_mib, say, spread, table
from place import Gate, Held, Place, place
from reviews import SIZES, Review, review
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.reference import ImageReference
from tidegate.evidence.fed import FedEvidence
from tidegate.evidence.memory import ReportMemory
from tidegate.feed.chain import SignedSnapshot
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.store import FeedStore
from tidegate.feed.writer import Body, compact
from tidegate.testing.evidence_world import evidence_key
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.dsse import sign_envelope
from tidegate.wire.feed_v1 import (
    SNAPSHOT_TYPE,
    BatchV1,
    CoverageV1,
    EcosystemV1,
    FindingV1,
    RowV1,
    SnapshotV1,
    render_snapshot,
)
from tidegate.wire.statement_v1 import render_time
from warm import Server, load

AUDIENCE = "bench"
CHAIN = "0b8b4567-327b-43c6-a98b-000000000001"
BATCH_ROWS = 2000

BASES, BASE_FINDINGS = 500, 15
"""Images share what is found in one of so many base images."""

APP_IMAGES, APP_FINDINGS = 50, 5
"""So many images are versions of one application, which has findings of its own."""

CHANGED = 10_000
LOOKUPS = 20_000
REVIEWED = 18_000
"""Digests that the gate is asked about, each once in a run."""

NOW = datetime.now(UTC).replace(microsecond=0)

_OPEN = """
import sys, time
from pathlib import Path
from tidegate.feed.snapshot import Snapshot
from tidegate.wire.feed_v1 import parse_snapshot
header = parse_snapshot(Path(sys.argv[2]).read_bytes())
began = time.perf_counter()
Snapshot.open(Path(sys.argv[1]), header)
print(time.perf_counter() - began)
"""


def subject(place_of: int) -> Digest:
    """Return the digest of an image by its number."""
    return digest_of(b"image %d" % place_of)


def finding(seed: str, place_of: int) -> FindingV1:
    """Return a finding, as long as real ones are."""
    chance = Random(f"{seed} {place_of}")  # noqa: S311 - to be repeatable
    name, version = f"lib{chance.randrange(5000)}", f"{chance.randrange(9)}.{place_of % 97}.1"
    return FindingV1(
        id=f"CVE-20{chance.randrange(10, 27)}-{chance.randrange(1000, 60000)}",
        severity=chance.choice(("critical", "high", "medium", "low")),
        package=f"pkg:deb/debian/{name}@{version}-{chance.randrange(9)}%2Bdeb12u1?arch=amd64",
        version=f"{version}-1+deb12u1",
        fix_version=f"{version}-2+deb12u2" if place_of % 2 else "",
        aliases=(f"DSA-{chance.randrange(1000, 6000)}-1",),
    )


class Images:
    """So many images, whose findings overlap as those of real ones do."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._bases = [
            tuple(finding(f"base {base}", n) for n in range(BASE_FINDINGS)) for base in range(BASES)
        ]

    @staticmethod
    @lru_cache
    def _own(app: int) -> tuple[FindingV1, ...]:
        return tuple(finding(f"app {app}", n) for n in range(APP_FINDINGS))

    def row(self, place_of: int, at: datetime) -> RowV1:
        """Return the row of one image."""
        app = place_of // APP_IMAGES
        own = self._own(app)
        covered = (
            EcosystemV1(
                ecosystem="Debian:12",
                package_count=80 + place_of % 200,
                source="OSV",
                source_updated_at=render_time(NOW),
            ),
            EcosystemV1(
                ecosystem="PyPI",
                package_count=place_of % 90,
                source="OSV",
                source_updated_at=render_time(NOW),
            ),
        )
        return RowV1(
            subject=subject(place_of),
            scanner="Tidegate",
            scanned_at=render_time(at),
            artifact=digest_of(b"artifact %d" % place_of),
            coverage=CoverageV1(ecosystems=covered),
            findings=self._bases[app % BASES] + own,
        )

    def batches(self, numbers: range, at: datetime) -> Iterator[BatchV1]:
        """Yield batches of the rows of these images."""
        for epoch, begin in enumerate(range(0, len(numbers), BATCH_ROWS), 1):
            yield BatchV1(
                audience=AUDIENCE,
                chain=CHAIN,
                chain_started_at=render_time(NOW),
                epoch=epoch,
                previous="" if epoch == 1 else digest_of(b"previous"),
                issued_at=render_time(NOW),
                rows=tuple(self.row(n, at) for n in numbers[begin : begin + BATCH_ROWS]),
            )


def timed(run: Callable[[], object]) -> float:
    """Return how many seconds `run` takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def header_of(body: Body) -> SnapshotV1:
    """Return a header, which the key of the place signs."""
    return SnapshotV1(
        audience=AUDIENCE,
        chain=CHAIN,
        chain_started_at=render_time(NOW),
        epoch=1,
        previous=digest_of(b"last"),
        issued_at=render_time(NOW),
        sha256=body.sha256,
        size=body.size,
        subjects=body.subjects,
    )


def made(images: Images, folder: Path) -> tuple[SnapshotV1, Path, list[object]]:
    """Write the snapshot of all images, and one with some of them changed; return the first."""
    path, merged = folder / f"{images.count}.body", folder / "merged.body"
    say(f"snapshot: writing {images.count:,} digests")
    long_ago = NOW - timedelta(days=30)
    everything = images.batches(range(images.count), NOW - timedelta(hours=1))
    began = time.perf_counter()
    body = compact(None, everything, path, forget_before=long_ago)
    written_s = time.perf_counter() - began
    header = header_of(body)
    say(f"snapshot: merging {CHANGED:,} changed ones")
    previous = Snapshot.open(path, header)
    news = images.batches(range(0, images.count, images.count // CHANGED), NOW)
    merged_s = timed(lambda: compact(previous, news, merged, forget_before=long_ago))
    merged.unlink()
    cells: list[object] = [
        f"{images.count:,}",
        number(body.size / MIB),
        number(body.size / images.count),
        number(written_s),
        number(merged_s),
    ]
    return header, path, cells


def opened(header: SnapshotV1, path: Path) -> list[object]:
    """Measure opening in a process of its own, whose file is in the system's memory."""
    named = path.with_suffix(".header")
    named.write_bytes(render_snapshot(header))
    command = [sys.executable, "-c", _OPEN, str(path), str(named)]
    seconds = [
        float(
            subprocess.run(
                command, env=python_environment(), capture_output=True, check=True, timeout=300
            ).stdout
        )
        for _ in range(RUNS)
    ]
    hashed = [timed(lambda: _hash(path)) for _ in range(RUNS)]
    return [spread([1000 * s for s in seconds]), spread([1000 * s for s in hashed])]


def _hash(path: Path) -> None:
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def looked_up(images: Images, header: SnapshotV1, path: Path, site: Place) -> list[object]:
    """Measure lookups a second: digests never asked for, asked for before, and unknown ones."""
    chance = Random(1)  # noqa: S311 - to be repeatable
    key = evidence_key(site.key)
    trust = TrustConfiguration(keys=(key,), audience=AUDIENCE, generation="1")
    first, again, unknown = [], [], []
    for _ in range(RUNS):
        store = FeedStore(site.folder)
        store.adopt(SignedSnapshot(key, header), Snapshot.open(path, header))
        fed = FedEvidence(store, ReportMemory(), lambda *_: None)
        fed.use_generation("1")
        chosen = [subject(n) for n in chance.sample(range(images.count), LOOKUPS)]
        few = chosen[:2000]
        others = [digest_of(b"unknown %d" % n) for n in range(LOOKUPS)]
        for digests, found in ((chosen, first), (few, []), (few, again), (others, unknown)):
            asked = [(site.reference(each), each) for each in digests]
            found.append(len(asked) / _ask(fed, asked, trust))
        store.close()
    return [spread(first), spread(again), spread(unknown)]


def _ask(
    fed: FedEvidence, asked: list[tuple[ImageReference, Digest]], trust: TrustConfiguration
) -> float:
    """Return how many seconds asking takes."""
    began = time.perf_counter()
    for reference, digest in asked:
        fed.of(reference, digest, trust)
    return time.perf_counter() - began


def gate_memory(images: Images, held: Held | None, site: Place) -> list[object]:
    """Measure a real gate: from its start to its first answer, and its memory."""
    ready, idle, asked, peak = [], [], [], []
    for run in range(3):
        chance = Random(run)  # noqa: S311 - to be repeatable
        numbers = chance.sample(range(images.count), min(REVIEWED, images.count))
        named = [str(site.reference(subject(n))) for n in numbers]
        reviews = [
            Review(
                review(named[i : i + 3], SIZES["5 KB"], name="gated-web"),
                allowed=False,
                says="(deny)",
                weight=1,
            )
            for i in range(0, len(named), 3)
        ]
        began = time.perf_counter()
        with gate_of(site, held) as gate:
            ready.append(time.perf_counter() - began)
            idle.append(resident_mib(gate.pid))
            if held is not None:
                load(
                    Server("gate", gate.pid, gate.port, checks=True),
                    site,
                    reviews,
                    seed=run,
                    rate=0,
                )
                asked.append(resident_mib(gate.pid))
                peak.append(resident_mib(gate.pid, "VmHWM"))
    told = [spread(each) if each else "" for each in (asked, peak)]
    return [spread(ready), spread(idle), *told]


@contextmanager
def gate_of(site: Place, held: Held | None) -> Iterator[Gate]:
    """Run a gate that holds a snapshot."""
    with site.gate(core=cores()[0], held=held) as gate:
        yield gate


def main() -> None:
    """Print the section."""
    counts = [int(each) for each in sys.argv[1:]] or [100_000, 1_000_000]
    files, openings, lookups, gates = [], [], [], []
    with place() as site:
        few = Images(1000)
        gates.append(["no feed", *gate_memory(few, None, site)])
        for count in counts:
            images = Images(count)
            header, path, cells = made(images, site.folder)
            files.append(cells)
            openings.append([f"{count:,}", *opened(header, path)])
            say("snapshot: looking up")
            lookups.append([f"{count:,}", *looked_up(images, header, path, site)])
            envelope = sign_envelope(site.key, SNAPSHOT_TYPE, render_snapshot(header))
            held = Held(AUDIENCE, envelope, path, header.sha256)
            say("snapshot: a gate that holds it")
            gates.append([f"{count:,}", *gate_memory(images, held, site)])
            path.unlink()
    print("## Snapshot of the feed\n")
    print(
        f"Rows with {BASE_FINDINGS + APP_FINDINGS} findings: {BASE_FINDINGS} of one of "
        f"{BASES:,} base images, {APP_FINDINGS} of an application with\n{APP_IMAGES} versions. "
        f"Made from batches in one pass; then {CHANGED:,} rows changed and merged into it.\n"
    )
    made_of = ["digests", "file, MiB", "bytes a digest", "written, s", "merged, s"]
    print(table(made_of, files))
    print("Opening: SHA-256 over the file, which is in the system's memory, then the mapping.\n")
    print(table(["digests", "open and verify, ms", "SHA-256 alone, ms"], openings))
    print(
        f"Evidence from rows, in process and on one core: {LOOKUPS:,} digests asked for the first "
        "time,\n2,000 asked for again, and digests that have no row.\n"
    )
    print(table(["digests", "first, 1/s", "again, 1/s", "unknown, 1/s"], lookups))
    print(
        "The real process alone on a core (3 runs): from its start to its ready line, resident\n"
        f"MiB then, and after reviews of 5 KB about {REVIEWED:,} different digests as fast as it\n"
        "takes them, all denied.\n"
    )
    print(table(["digests", "ready, s", "idle, MiB", "after reviews, MiB", "peak, MiB"], gates))


if __name__ == "__main__":
    main()
