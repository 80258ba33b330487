"""What every measurement here is written in: repeated runs, their median and spread, tables."""

import os
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]

RUNS = 5
"""How often each number is measured; the median is told, with the least and the greatest."""

MIB = 2**20


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Return the median of `values` and, in brackets, the least and the greatest."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{number(middle, digits)} ({number(low, digits)}..{number(high, digits)})"


def number(value: float, digits: int = 3) -> str:
    """Return `value` with `digits` significant digits, thousands apart."""
    if value == 0:
        return "0"
    whole = len(str(int(abs(value))))
    if whole >= digits:
        return f"{round(value, digits - whole):,.0f}"
    return f"{value:.{digits}g}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def say(text: str) -> None:
    """Tell a person what goes on; standard output is for the results."""
    print(text, file=sys.stderr, flush=True)


def python_environment() -> dict[str, str]:
    """Return our environment with this checkout's package first, and no settings of Tidegate."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    paths = [str(ROOT / "src"), *filter(None, [kept.get("PYTHONPATH", "")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def resident_mib(pid: int, field: str = "VmRSS") -> float:
    """Return the memory of a process; `VmHWM`: the most that it ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def cores() -> tuple[int, int]:
    """Return a core for the server that is measured, and one for everything else."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]
