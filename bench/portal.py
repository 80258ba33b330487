"""The portal's long lists in Chromium: how evenly ten thousand rows scroll, and what they cost.

A program of its own, for it needs Node.js, Chromium and the built portal: `python bench/portal.py`.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from measures import ROOT, number, say, spread, table

sys.path.insert(0, str(ROOT / "tests"))

from support.filled_hub import REGISTRY, REPOSITORY, ROWS, Filled, filled_hub

RUNS = 3
SPEED_PX_S = 20_000
"""500 rows a second: the wheel turned as fast as it goes."""
LIMIT_S = 240
SMOOTH_MS = 50
"""A frame that takes longer is felt."""


def lists(filled: Filled) -> dict[str, tuple[str, str]]:
    """Return the page and the grid of each list."""
    image = f"/registries/{REGISTRY}/{quote(REPOSITORY, safe='')}/{filled.image}"
    return {
        "events": (f"{filled.url}/monitoring?range=all", "Admission events"),
        "findings": (filled.url + image, "Findings"),
    }


def scroll(filled: Filled, page: str, grid: str) -> dict[str, Any]:
    """Return what one scroll through the list measured."""
    command = ["node", "scripts/scroll.mjs", page, filled.admin_token, grid, str(ROWS)]
    ran = subprocess.run(
        [*command, str(SPEED_PX_S)],
        cwd=ROOT / "portal",
        stdout=subprocess.PIPE,
        check=True,
        timeout=LIMIT_S,
    )
    measured: dict[str, Any] = json.loads(ran.stdout)
    return measured


def row(name: str, runs: list[dict[str, Any]]) -> list[str]:
    """Return one list's line of the table."""
    ordered = [sorted(run["frames"]) for run in runs]
    frames = {p: [each[len(each) * p // 100] for each in ordered] for p in (50, 95, 99)}
    late = [100 * sum(f > SMOOTH_MS for f in each) / len(each) for each in ordered]
    return [
        name,
        *(spread(frames[p]) for p in (50, 95, 99)),
        spread([each[-1] for each in ordered]),
        f"{number(statistics.median(late), 2)} %",
        str(sum(run["blankFrames"] for run in runs)),
        str(max(run["mostRows"] for run in runs)),
        spread([run["after"]["nodes"] for run in runs]),
        spread([run["before"]["heapMib"] for run in runs]),
        spread([run["after"]["heapMib"] for run in runs]),
        spread([run["shownMs"] for run in runs]),
    ]


async def measure() -> dict[str, list[dict[str, Any]]]:
    """Return the runs of each list."""
    with tempfile.TemporaryDirectory(prefix="tidegate-portal-") as folder:
        async with filled_hub(Path(folder) / "data") as filled:
            found: dict[str, list[dict[str, Any]]] = {}
            for name, (page, grid) in lists(filled).items():
                for run in range(RUNS):
                    say(f"portal: {name}, run {run + 1} of {RUNS}")
                    measured = await asyncio.to_thread(scroll, filled, page, grid)
                    found.setdefault(name, []).append(measured)
            return found


def main() -> None:
    """Measure and print the section."""
    found = asyncio.run(measure())
    print("## Long lists in the portal\n")
    print(
        f"{ROWS:,} rows on a real hub with SQLite, scrolled to the end at {SPEED_PX_S:,} pixels\n"
        "a second in headless Chromium, which draws without a graphics card. Frame times are\n"
        "those that the page sees (16.7 ms is every one). *Blank*: frames in which the middle of\n"
        "the list showed no row. *Rows*: the most that existed at once. Heap after a collection.\n"
        f"{RUNS} runs; load at the end {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n"
    )
    header = [
        "list", "p50 ms", "p95 ms", "p99 ms", "max ms", f"over {SMOOTH_MS} ms", "blank", "rows",
        "DOM nodes", "heap before, MiB", "heap after, MiB", "sign-in to rows, ms",
    ]  # fmt: skip
    print(table(header, [row(name, runs) for name, runs in found.items()]))


if __name__ == "__main__":
    main()
