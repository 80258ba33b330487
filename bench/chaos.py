"""Storms of reviews while things fail: `chaos.py [--full] [--write] [--json] [SCENARIO …]`.

Each scenario is one storm against two gate processes while its script makes something fail, and one
line of the table. Every answer is judged by `storm_oracle`. The exit code is 1 where a floor did
not hold: a wrong verdict, a fail-open, a timeout, a verdict about known images that was lost, or an
event that is neither stored nor spooled nor told as dropped.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from measures import ROOT, say, table
from run import machine, revision
from storm_calibrate import FULL_LOAD_SHARE, calibrated
from storm_run import (
    DIGESTS,
    PODS,
    QUICK_S,
    RATE,
    READS_PER_MIN,
    STORM_S,
    Outcome,
    Scale,
    Scenario,
    run_storm,
)
from storm_scenarios import SCENARIOS
from storm_site import storm_site
from tidegate.process import configure_logs

PAGE = ROOT / "docs" / "explanation" / "chaos.md"
BEGIN, END = "<!-- chaos: begin -->\n", "<!-- chaos: end -->\n"


@dataclass
class Played:
    """What was played."""

    scale: Scale
    alone: float
    """Reviews a second that one gate gets done here alone; 0: not measured."""
    outcomes: list[tuple[Scenario, Outcome, list[str]]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


HEADER = (
    "storm", "reviews", "timeouts", "failed", "wrong", "fail-open", "unavailable", "known lost",
    "late rules", "p50 ms", "p99 ms", "longest ms", "registry reads", "429s",
    "events stored", "spooled", "dropped and told", "lost", "denials among both",
)  # fmt: skip


def broken_floors(outcome: Outcome, scenario: Scenario) -> list[str]:
    """Return what must not be and was."""
    found = []
    if outcome.wrong:
        found.append(f"{outcome.wrong} wrong verdicts, the first: {outcome.first_wrong}")
    if outcome.fail_opens:
        found.append(f"{outcome.fail_opens} fail-opens")
    if outcome.timeouts:
        found.append(f"{outcome.timeouts} timeouts")
    if outcome.known_lost and not scenario.kills_replica:
        found.append(f"{outcome.known_lost} verdicts without findings that were known")
    if outcome.cut and not scenario.kills_replica:
        found.append(f"{outcome.cut} connections that ended before the answer")
    if outcome.told and not scenario.loses_events:
        found.append(f"{outcome.told} events dropped")
    if outcome.lost > outcome.told and not scenario.kills_replica:
        found.append(f"{outcome.lost - outcome.told} events lost without a word")
    return found


def row(outcome: Outcome, scenario: Scenario) -> list[object]:
    lost = max(0, outcome.lost - outcome.told)
    return [
        scenario.words,
        f"{outcome.reviews:,}",
        outcome.timeouts,
        outcome.cut,
        outcome.wrong,
        outcome.fail_opens,
        outcome.unavailable,
        outcome.known_lost,
        outcome.late,
        f"{outcome.p50_ms:.1f}",
        f"{outcome.p99_ms:.0f}",
        f"{outcome.max_ms:.0f}",
        f"{outcome.reads:,}",
        f"{outcome.refused_reads:,}",
        f"{outcome.stored:,}",
        f"{outcome.spooled:,}",
        f"{outcome.told:,}",
        lost,
        outcome.lost_denies,
    ]


async def play(names: Sequence[str], *, full: bool, rate: float, seconds: float) -> Played:
    """Play the storms named, or all."""
    async with storm_site() as site:
        alone = 0.0
        if not rate:
            say("chaos: how much one gate gets done here")
            alone, rate = await calibrated(site)
        played = Played(scale_of(rate, full=full, seconds=seconds), alone)
        for scenario in SCENARIOS:
            if names and scenario.name not in names:
                continue
            lacking = scenario.missing()
            if lacking:
                say(f"chaos: {scenario.name} is SKIPPED: this machine lacks {lacking}")
                played.skipped.append(f"{scenario.words} (lacking: {lacking})")
                continue
            say(f"chaos: {scenario.name}: {scenario.words}")
            outcome = await run_storm(site, played.scale, scenario)
            broken = broken_floors(outcome, scenario)
            for each in broken:
                say(f"  FLOOR BROKEN: {each}")
            played.outcomes.append((scenario, outcome, broken))
            say(f"  {outcome}")
    return played


def scale_of(rate: float, *, full: bool, seconds: float) -> Scale:
    """Return how much is played at `rate`: the whole length, or `seconds` of it."""
    lasts_s = STORM_S if full else seconds
    pods = rate * lasts_s
    return Scale(rate, lasts_s, max(40, round(pods * DIGESTS / PODS)))


def arithmetic(played: Played) -> str:
    """Return how the storms here were made of the whole one."""
    scale = played.scale
    alone = (
        f"One gate alone answers {played.alone:,.0f} reviews/s here at most; {FULL_LOAD_SHARE:.0%} "
        f"of that, at most {RATE:,}/s, leaves room for the generator, a second gate, registry, "
        "hub and agent on the same processors: "
        if played.alone
        else ""
    )
    return (
        f"The whole storm is {PODS:,} pods of {DIGESTS:,} digests at {RATE:,}/s in {STORM_S} s, "
        f"and a registry that gives {READS_PER_MIN:,} reads/min. {alone}{scale.rate:g} reviews/s "
        f"for {scale.seconds:g} s are {scale.pods:,} pods, {scale.pods / PODS:.1%} of the whole; "
        f"with as many pods a digest they are of {scale.digests:,} digests, and the registry "
        f"gives {scale.reads_per_min:,.0f} reads/min.\n"
    )


def section(played: Played) -> str:
    """Return what the page shows."""
    load = os.getloadavg()[1]
    played_on = (
        f"Played {datetime.now(UTC):%Y-%m-%d %H:%M} UTC at revision {revision()} on {machine()}; "
        f"load average at the end {load:.1f} (5 min), with that of the storms.\n"
    )
    lines = [
        played_on,
        arithmetic(played),
        table(HEADER, [row(outcome, scenario) for scenario, outcome, _ in played.outcomes]),
    ]
    broken = [f"- {s.words}: {why}\n" for s, _, found in played.outcomes for why in found]
    if broken:
        lines.append("Floors that did not hold:\n\n" + "".join(broken))
    if played.skipped:
        lines.append("Not played: " + "; ".join(played.skipped) + ".\n")
    return "\n".join(lines)


def write(text: str) -> None:
    """Put `text` between the marks of the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    partial = PAGE.with_suffix(".partial")
    partial.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
    partial.replace(PAGE)
    say(f"written: {PAGE}")


def main() -> int:
    """Play what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("scenario", nargs="*", help=", ".join(names))
    parser.add_argument("--full", action="store_true", help=f"{STORM_S} s each, not {QUICK_S:g}")
    parser.add_argument("--rate", type=float, default=0.0, help="reviews/s; else what fits here")
    parser.add_argument("--seconds", type=float, default=QUICK_S, help="length of each storm")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--json", action="store_true", help="print outcomes as JSON")
    asked = parser.parse_args()
    configure_logs("warning")
    if unknown := set(asked.scenario) - set(names):
        parser.error(
            f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(names)}"
        )
    played = asyncio.run(
        play(asked.scenario, full=asked.full, rate=asked.rate, seconds=asked.seconds)
    )
    if asked.json:
        found = [{**asdict(o), "broken": broken} for _, o, broken in played.outcomes]
        print(json.dumps(found))
    else:
        print(section(played))
    if asked.write:
        write(section(played))
    return 1 if any(broken for *_, broken in played.outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
