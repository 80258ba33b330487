"""Measure everything and write RESULTS.md whole: `python bench/run.py [--write] [PART …]`.

Each part is a program of its own, which prints its section; `run.py` runs one after the other.
With names of parts, only these are run, and RESULTS.md is left alone; with `--write` their sections
in it are replaced, and say of themselves when they were measured.
"""

import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from measures import ROOT, RUNS, python_environment, say
from tidegate.scan.scanners.builtin import find_trivy

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
GOALS = HERE / "GOALS.md"
PARTS = (
    "decision",
    "warm",
    "handshakes",
    "scale",
    "cold",
    "memory",
    "snapshot",
    "scan",
    "push",
    "drain",
    "sync",
    "rematch",
    "hub_load",
    "cluster_store",
)
PART_LIMIT_S = 900
LIBRARIES = ("uvicorn", "uvloop", "httptools", "msgspec", "cryptography", "httpcore2")


def main() -> int:
    """Run the parts; return the exit code."""
    writing = sys.argv[1:2] == ["--write"]
    named = sys.argv[2:] if writing else sys.argv[1:]
    wanted = named or PARTS
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        say(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
        return 2
    load_before = os.getloadavg()[0]
    started_s = time.monotonic()
    if named and writing:
        write(with_section(RESULTS.read_text(), goals()))
        for name in wanted:  # one that fails takes none of the others along
            section = measured(run_part(name), load_before)
            write(with_section(RESULTS.read_text(), section))
        return 0
    sections = [run_part(name) for name in wanted]
    text = "\n".join([head(load_before, time.monotonic() - started_s), goals(), *sections])
    if named:
        print(text)
    else:
        write(text)
    return 0


def goals() -> str:
    """Return what was to be reached, kept by hand: it says what the numbers below it mean."""
    return GOALS.read_text()


def write(text: str) -> None:
    """Put `text` in the place of RESULTS.md, whole or not at all."""
    partial = RESULTS.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(RESULTS)
    say(f"written: {RESULTS}")


def measured(section: str, load_before: float) -> str:
    """Return `section` with when it was measured, for one that is not of the whole run."""
    heading, _, rest = section.strip().partition("\n")
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, revision {revision()}"
    return f"{heading}\n\nMeasured by itself: {when}, load before {load_before:.2f}.\n{rest}\n"


def with_section(text: str, section: str) -> str:
    """Return `text` with `section` in the place of the one of the same heading, else at its end."""
    heading = section.partition("\n")[0]
    before, found, rest = text.partition(f"\n{heading}\n")
    if not found:
        return f"{text.rstrip()}\n\n\n{section}"
    _, following, after = rest.partition("\n## ")
    return f"{before}\n{section}" + (f"\n\n## {after}" if following else "")


def run_part(name: str) -> str:
    """Return the section that a part prints; one that fails ends the whole run."""
    started_s = time.monotonic()
    ran = subprocess.run(
        [sys.executable, str(HERE / f"{name}.py")],
        env=python_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PART_LIMIT_S,
    )
    say(f"== {name}: {time.monotonic() - started_s:.0f} s")
    return ran.stdout


def head(load_before: float, took_s: float) -> str:
    """Return what the numbers were measured on and how."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"""\
# Results

Written by `make bench` (`python bench/run.py`); do not edit. Each part is also a program of its
own: `python bench/warm.py`. Method and results stand together below.

Numbers are the median of {RUNS} runs, with the least and the greatest in brackets. Everything runs
on one machine over loopback; nothing was removed or repeated.

| | |
| --- | --- |
| when | {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, in {took_s:.0f} s, revision {revision()} |
| machine | {machine()} |
| load before | {load_before:.2f} (1 min); anything above 0.2 or so disturbs the numbers |
| Python | {platform.python_implementation()} {platform.python_version()}, {openssl()} |
| libraries | {libraries} |
| Trivy | {trivy()} |
"""


def revision() -> str:
    ran = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],  # noqa: S607 by name
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout.strip() or "unknown"


def machine() -> str:
    cores, system = os.cpu_count(), f"{platform.system()} {platform.release()}"
    return f"{cpu()}, {cores} cores, {memory_gib():.0f} GiB, {system}"


def cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def openssl() -> str:
    import ssl  # noqa: PLC0415 for its version alone

    return ssl.OPENSSL_VERSION


def trivy() -> str:
    ran = subprocess.run(
        [str(find_trivy()), "--version"], capture_output=True, text=True, check=False
    )
    return ran.stdout.splitlines()[0].removeprefix("Version: ") if ran.stdout else "none"


if __name__ == "__main__":
    sys.exit(main())
