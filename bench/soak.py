"""An hour of reviews, and whether anything grows: `soak.py [--minutes 60] [--rate 600] [--write]`.

One gate, storms of a minute one after the other, each from a generator process of its own; every
answer is judged by `storm_oracle`. The gate's memory, descriptors, threads, spool and processor
time are sampled every ten seconds. The registry is the embedded one; events go to the agent's relay
before a hub that counts. A line is fitted through the second half of the samples, averaged by
minute so that neighbours do not pass for independent ones.
"""

import argparse
import asyncio
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import run
from generator import cpu_seconds
from measures import number, resident_mib, say, table
from storm_oracle import Oracle, Versions, kinds_of, policy_object
from storm_run import (
    Outcome,
    Scale,
    dropped_events,
    generator,
    judge_all,
    mixed_order,
    plan_of,
    warm_up,
)
from storm_site import Gate, GateSettings, Process, StormSite, storm_site

MINUTES = 60.0
REVIEWS = 600.0
"""A second: 2.16 million in an hour, less what lies between two storms."""

STORM_S = 60.0
SAMPLE_S = 10.0
BLOCK_S = 60.0
DIGESTS = 60
T_95 = 2.045
"""Student's t for 95 % and 29 degrees of freedom, more than enough above 20."""

GROWS_MIB_PER_H = 2.0
"""Growth that is not to be told from none, where the interval has no zero in it."""


@dataclass(frozen=True)
class Sample:
    """What the gate used at one time."""

    at_s: float
    rss_mib: float
    descriptors: int
    threads: int
    spool_mib: float
    cpu_s: float
    waited_s: float
    """Time for which its threads could have run and had no processor."""
    load: float


@dataclass
class Soaked:
    """What came of it."""

    samples: list[Sample] = field(default_factory=list)
    outcome: Outcome = field(default_factory=lambda: Outcome("soak"))
    p99_ms: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    took_s: float = 0.0
    answered: int = 0
    stored: int = 0
    told: int = 0
    spooled: int = 0


@dataclass(frozen=True)
class Line:
    """A slope with its 95 % interval, by the hour."""

    per_h: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.per_h:+.3g} ({self.low:+.3g}..{self.high:+.3g})"


def fitted(samples: Sequence[Sample], field_name: str) -> Line:
    """Return the line through the averages of blocks of `samples`."""
    blocks: dict[int, list[float]] = {}
    for each in samples:
        block = int((each.at_s - samples[0].at_s) // BLOCK_S)
        blocks.setdefault(block, []).append(getattr(each, field_name))
    x = [block * BLOCK_S / 3600 for block in blocks]
    y = [statistics.fmean(values) for values in blocks.values()]
    if len(x) < 3:
        return Line(0.0, -math.inf, math.inf)
    slope, intercept = statistics.linear_regression(x, y)
    left = sum((b - slope * a - intercept) ** 2 for a, b in zip(x, y, strict=True))
    middle = statistics.fmean(x)
    error = math.sqrt(left / (len(x) - 2) / sum((a - middle) ** 2 for a in x))
    return Line(slope, slope - T_95 * error, slope + T_95 * error)


def sample(gate: Gate, started_s: float) -> Sample:
    pid = gate.process.pid
    process = Path(f"/proc/{pid}")
    spool = sum(path.stat().st_size for path in gate.spool.glob("*.jsonl"))
    return Sample(
        time.monotonic() - started_s,
        resident_mib(pid),
        len(list((process / "fd").iterdir())),
        len(list((process / "task").iterdir())),
        spool / 2**20,
        cpu_seconds(pid),
        waited_seconds(pid),
        os.getloadavg()[0],
    )


def waited_seconds(pid: int) -> float:
    """Return for how long the threads of a process waited for a processor."""
    waited_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        waited_ns += int((task / "schedstat").read_text().split()[1])
    return waited_ns / 1e9


async def keep_sampling(gate: Gate, started_s: float, samples: list[Sample]) -> None:
    while True:
        with suppress(FileNotFoundError):  # a segment of the spool may go while it is looked at
            samples.append(sample(gate, started_s))
        await asyncio.sleep(SAMPLE_S)


async def soak(minutes: float, rate: float) -> Soaked:
    """Send reviews for so long and return what came of it."""
    soaked = Soaked()
    async with storm_site() as site:
        await site.hub.stop()  # not needed here, and the processors are
        await site.agent.stop()
        await site.push(DIGESTS)
        site.write_policy(policy_object(0, site.host))
        kinds, by_image = kinds_of(site.images)
        (site.folder / "bodies").write_bytes(b"".join(kind.body + b"\n" for kind in kinds))
        oracle = Oracle(site.host, site.images, kinds)
        count = site.folder / "count"
        token = site.parts.folder.token_file("gate")
        here = Path(__file__).parent
        command = [sys.executable, str(here / "event_sink.py"), str(token), str(count)]
        sink = Process("event sink", command, {}, site.folder / "sink.log")
        await sink.start()
        try:
            async with site.gates([GateSettings(agent=sink.url)]) as [gate]:
                port = gate.process.port
                await warm_up(site, oracle, by_image, [port])
                soaked.answered = len(by_image)
                scale = Scale(rate, STORM_S, DIGESTS)
                await _storms(site, gate, oracle, by_image, scale, minutes * 60, soaked)
                await asyncio.sleep(3)  # what was answered last is on its way
                soaked.told = await dropped_events(site, gate)
                soaked.spooled = len(gate.spooled())
        finally:
            await sink.stop()
        soaked.stored = int(count.read_text().split()[0])
    return soaked


async def _storms(  # noqa: PLR0913, PLR0917 what storms are made of
    site: StormSite,
    gate: Gate,
    oracle: Oracle,
    by_image: Sequence[Sequence[int]],
    scale: Scale,
    seconds: float,
    soaked: Soaked,
) -> None:
    """Send storm after storm; each one's answers are judged while the next one is sent."""
    started_s = time.monotonic()
    sampling = asyncio.create_task(keep_sampling(gate, started_s, soaked.samples))
    judging: asyncio.Task[None] | None = None
    reported = frozenset(i for i, image in enumerate(site.images) if image.report is not None)
    number = 0
    while time.monotonic() - started_s < seconds:
        left_s = seconds - (time.monotonic() - started_s)
        part = Scale(scale.rate, min(scale.seconds, left_s), scale.digests)
        order = mixed_order(part, by_image, len(by_image), seed=number)
        plan = plan_of(site, [gate.process.port], order, scale.rate, 2**31)
        plan["results"] = str(site.folder / f"soak-{number % 2}.json")
        number += 1
        sender = await generator(site, plan)
        if await sender.wait():
            raise RuntimeError("the generator failed")
        if judging is not None:
            await judging
        judging = asyncio.create_task(
            asyncio.to_thread(_judge, soaked, oracle, Path(plan["results"]), reported)
        )
        say(f"soak: {(time.monotonic() - started_s) / 60:.1f} min, {soaked.samples[-1]}")
    if judging is not None:
        await judging
    soaked.took_s = time.monotonic() - started_s
    sampling.cancel()
    await asyncio.gather(sampling, return_exceptions=True)


def _judge(soaked: Soaked, oracle: Oracle, results: Path, known: frozenset[int]) -> None:
    found: dict[str, Any] = json.loads(results.read_text())
    answered = judge_all(soaked.outcome, oracle, Versions(), found, known)
    soaked.answered += len(answered)
    soaked.p50_ms.append(soaked.outcome.p50_ms)
    soaked.p99_ms.append(soaked.outcome.p99_ms)
    if soaked.outcome.wrong or soaked.outcome.timeouts or soaked.outcome.cut:
        say(f"soak: FLOOR BROKEN: {soaked.outcome}")


def section(soaked: Soaked) -> tuple[str, list[str]]:
    """Return what RESULTS.md shows, and the floors that did not hold."""
    outcome, samples = soaked.outcome, soaked.samples
    half = samples[len(samples) // 2 :]
    lines = {
        "resident MiB": "rss_mib",
        "descriptors": "descriptors",
        "threads": "threads",
        "spool MiB": "spool_mib",
    }
    rows, broken = [], []
    for name, field_name in lines.items():
        values = [float(getattr(each, field_name)) for each in samples]
        late = [float(getattr(each, field_name)) for each in half]
        line = fitted(half, field_name)
        rows.append(
            [
                name,
                number(values[0]),
                number(statistics.median(late)),
                f"{number(min(late))}..{number(max(late))}",
                line,
            ]
        )
        if line.low > (GROWS_MIB_PER_H if "MiB" in name else 1.0):
            broken.append(f"{name} grows by {line} an hour in the second half")
    cpu_us = (samples[-1].cpu_s - samples[0].cpu_s) / max(1, outcome.reviews) * 1e6
    waited = (samples[-1].waited_s - samples[0].waited_s) / (samples[-1].at_s - samples[0].at_s)
    load = statistics.median(each.load for each in samples)
    lost = soaked.answered - soaked.stored - soaked.spooled
    counts = {
        "wrong verdicts": outcome.wrong,
        "fail-opens": outcome.fail_opens,
        "timeouts": outcome.timeouts,
        "connections that ended before the answer": outcome.cut,
        "answers without findings that were known": outcome.known_lost,
        "answers that an image without a report could not be read": outcome.unavailable
        - outcome.known_lost,
        "events dropped": soaked.told,
        "events lost": max(0, lost - soaked.told),
    }
    broken += [f"{count:,} {name}" for name, count in counts.items() if count]
    text = (
        "## Soak\n\n"
        f"{outcome.reviews:,} reviews in {soaked.took_s / 60:.1f} min, "
        f"{outcome.reviews / soaked.took_s:,.0f}/s, of {DIGESTS:,} digests at one gate, as an API\n"
        "server sends them (`bench/storm.py`); each answer is compared, word by word, with the\n"
        "pure decision. Registry and generator run beside it on the same processors; events go\n"
        "through the agent's relay to a hub that counts them. "
        f"{', '.join(f'{name}: {count:,}' for name, count in counts.items())}.\n\n"
        f"The gate used {number(cpu_us)} µs of processor time a review. "
        f"Of the minutes, the p50 was {number(min(soaked.p50_ms))}.."
        f"{number(max(soaked.p50_ms))} ms and the p99 {number(min(soaked.p99_ms))}.."
        f"{number(max(soaked.p99_ms))} ms (median {number(statistics.median(soaked.p99_ms))}),\n"
        f"with whatever else the machine did: its load average was {number(load)} (median), and\n"
        f"for {waited:.1%} of the time the gate had work and no processor to do it on.\n\n"
        "The slope is of a line through the averages of the minutes of the second half, with\n"
        "its 95 % interval.\n\n"
    )
    header = ["", "at the start", "second half, median", "second half, range", "slope by the hour"]
    return text + table(header, rows), broken


def main() -> int:
    """Soak; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--rate", type=float, default=REVIEWS)
    parser.add_argument("--write", action="store_true", help="into bench/RESULTS.md")
    asked = parser.parse_args()
    load_before = os.getloadavg()[0]
    soaked = asyncio.run(soak(asked.minutes, asked.rate))
    text, broken = section(soaked)
    print(text)
    for each in broken:
        say(f"FLOOR BROKEN: {each}")
    if soaked.outcome.first_wrong:
        say(f"the first wrong answer: {soaked.outcome.first_wrong}")
    if asked.write:
        kept = run.RESULTS.read_text()
        run.write(run.with_section(kept, run.measured(text, load_before)))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
