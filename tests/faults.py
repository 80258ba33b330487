"""`make faults`: removes each guard of `faults.toml` in turn; a test must fail for it.

Works on a copy of the checkout, so an interrupted run leaves nothing behind. Ends with a table and
exit code 1 when a guard could go without any test noticing.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
COPIED = ("src", "tests", "pyproject.toml", "config", "README.md", "docs", "Makefile")
TESTS_FAILED = 1
"""pytest's exit code when tests ran and some failed; 2 and up mean that they did not run."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A line that keeps something out, and the tests that must miss it."""

    name: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]


def read_guards() -> list[Guard]:
    """Return the guards listed beside this file."""
    document = tomllib.loads((ROOT / "tests" / "faults.toml").read_text())
    return [Guard(**{**entry, "tests": tuple(entry["tests"])}) for entry in document["guard"]]


def remove(guard: Guard, checkout: Path) -> None:
    """Take the guard out of the copy; it must stand there exactly once."""
    path = checkout / guard.file
    text = path.read_text()
    if text.count(guard.find) != 1:
        raise SystemExit(
            f"{guard.name}: the text to remove stands {text.count(guard.find)} times in "
            f"{guard.file}, want once; bring faults.toml up to date"
        )
    path.write_text(text.replace(guard.find, guard.replace))


def run_tests(guard: Guard, checkout: Path) -> int:
    """Return pytest's exit code for the guard's tests on the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *guard.tests]
    return subprocess.run(command, cwd=checkout, capture_output=True, check=False).returncode


def main() -> int:
    """Try every guard, or those whose name contains the argument."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="only guards whose name contains this")
    wanted = parser.parse_args().name
    survived = []
    with tempfile.TemporaryDirectory(prefix="tidegate-faults-") as folder:
        checkout = Path(folder)
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            if source.exists():
                copy(source, checkout / name)
        for guard in (g for g in read_guards() if wanted in g.name):
            started = time.monotonic()
            kept = (checkout / guard.file).read_bytes()
            remove(guard, checkout)
            code = run_tests(guard, checkout)
            (checkout / guard.file).write_bytes(kept)
            noticed = code == TESTS_FAILED
            if not noticed:
                survived.append(guard.name)
            verdict = "noticed" if noticed else f"NOT NOTICED (pytest ended with {code})"
            print(f"{guard.name:<60} {verdict}  {time.monotonic() - started:.1f} s", flush=True)
    print(
        f"{len(survived)} guards could go unnoticed"
        if survived
        else "every guard is held by a test"
    )
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
