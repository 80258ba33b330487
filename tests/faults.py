"""`make faults`: removes each guard of `faults.toml` in turn; a test must fail for it.

Works on copies of the checkout, one for each guard that is tried at a time, so an interrupted run
leaves nothing behind. Each trial is a fork of this process, which has loaded the libraries: most of
a short test run is their start. Ends with exit code 1 when a guard could go unnoticed.
"""

import argparse
import compileall
import importlib
import os
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COPIED = (
    "src", "tests", "fuzz", "charts", "hack", "pyproject.toml", "config", "README.md", "docs", "Makefile",
)  # fmt: skip
TESTS_FAILED = 1
"""pytest's exit code when tests ran and some failed; 2 and up mean that they did not run."""

PROCESS_FAILED = 70
"""Beyond pytest's own exit codes."""

PYTEST = (
    "-q", "-x", "--assert=plain", "--timeout=30",  # without its guard a test may never end
    "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faker",
)  # fmt: skip

LIBRARIES = (
    "_pytest.assertion.rewrite", "aiosqlite", "alembic", "cryptography.x509", "httpx2", "hypothesis",
    "lightkube", "litestar", "msgspec", "prometheus_client", "sqlalchemy.ext.asyncio", "structlog",
    "univers.versions", "uvicorn", "yaml",
)  # fmt: skip
"""What the tests import of others; nothing of our own, which each trial must load by itself."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A line that keeps something out, and the tests that must miss it."""

    name: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the tests without one guard."""

    guard: Guard
    exit_code: int
    duration_s: float

    @property
    def noticed(self) -> bool:
        """Whether a test failed, as it should."""
        return self.exit_code == TESTS_FAILED

    def __str__(self) -> str:
        verdict = "noticed" if self.noticed else f"NOT NOTICED (pytest: {self.exit_code})"
        return f"{self.guard.name:<76} {verdict}  {self.duration_s:.1f} s"


def read_guards() -> list[Guard]:
    """Return the guards listed beside this file."""
    document = tomllib.loads((ROOT / "tests" / "faults.toml").read_text())
    return [Guard(**{**entry, "tests": tuple(entry["tests"])}) for entry in document["guard"]]


def stale(guard: Guard, checkout: Path) -> str:
    """Return why `guard` cannot be taken out of `checkout`; empty where it can."""
    count = (checkout / guard.file).read_text().count(guard.find)
    if count == 1:
        return ""
    return (
        f"{guard.name}: the text to remove stands {count} times in {guard.file}, want once; "
        "bring tests/faults.toml up to date"
    )


def start(guard: Guard, checkout: Path) -> int:
    """Run the guard's tests on `checkout` without it, in a process of their own; return its id."""
    path = checkout / guard.file
    path.write_text(path.read_text().replace(guard.find, guard.replace))
    process = os.fork()
    if process == 0:
        os._exit(run_tests(guard.tests, checkout))
    return process


def run_tests(tests: Sequence[str], checkout: Path) -> int:
    """Return pytest's exit code for `tests` on the copy; never returns to what was forked."""
    code = PROCESS_FAILED
    try:
        os.chdir(checkout)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        # What was compiled beforehand holds for what did not change since; nothing new is kept.
        sys.dont_write_bytecode = True
        code = int(pytest.main([*PYTEST, *tests]))
    except BaseException:  # noqa: BLE001 - a fork must end here, whatever happened
        code = PROCESS_FAILED
    return code


def copy_checkout(target: Path) -> Path:
    """Copy to `target` what the tests need of this checkout."""
    target.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "found")
            shutil.copytree(source, target / name, ignore=ignored)
        elif source.exists():
            shutil.copy2(source, target / name)
    compileall.compile_dir(target, quiet=2)
    return target


def try_all(guards: Sequence[Guard], parallel: int) -> list[Trial]:
    """Try every guard, `parallel` at a time, telling of each as it ends."""
    trials: list[Trial] = []
    waiting = list(reversed(guards))
    running: dict[int, tuple[Guard, Path, bytes, float]] = {}
    with tempfile.TemporaryDirectory(prefix="tidegate-faults-") as folder:
        free = [copy_checkout(Path(folder, str(number))) for number in range(parallel)]
        while waiting or running:
            while waiting and free:
                guard, checkout = waiting.pop(), free.pop()
                kept, started = (checkout / guard.file).read_bytes(), time.monotonic()
                running[start(guard, checkout)] = (guard, checkout, kept, started)
            process, status = os.wait()
            guard, checkout, kept, started = running.pop(process)
            (checkout / guard.file).write_bytes(kept)  # the checkout itself may have gone on
            free.append(checkout)
            code = os.waitstatus_to_exitcode(status)
            trials.append(Trial(guard, code, time.monotonic() - started))
            print(trials[-1], flush=True)
    return trials


def main() -> int:
    """Try every guard, or those whose name or file contains the argument."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", help="only guards with one of these in name or file")
    parser.add_argument("-n", type=int, default=2, metavar="N", help="guards at a time; default 2")
    arguments = parser.parse_args()
    every = read_guards()
    parts = arguments.part or [""]
    guards = [g for g in every if any(part in f"{g.name}\n{g.file}" for part in parts)]
    problems = list(filter(None, (stale(guard, ROOT) for guard in guards)))
    if problems:
        raise SystemExit("\n".join(problems))
    for library in LIBRARIES:
        importlib.import_module(library)
    trials = try_all(guards, max(arguments.n, 1))
    survived = [trial.guard.name for trial in trials if not trial.noticed]
    if survived:
        print(f"{len(survived)} guards could go unnoticed:", *survived, sep="\n  ")
        return 1
    print(f"each of {len(trials)} guards is held by a test")
    return 0


if __name__ == "__main__":
    sys.exit(main())
