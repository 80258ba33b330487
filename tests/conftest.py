"""Fixtures that start real parts of Tidegate for every test below."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.postgres import Server, programs, running_postgres

START_S = 20
"""A Python process on a loaded machine; ordinarily 0.5 s."""

CLIENTS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tidegate" / "clients"
"""Where `make clients` puts the stock clients; found on PATH by every test."""

os.environ["PATH"] = f"{os.environ['PATH']}{os.pathsep}{CLIENTS}"


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts in the background so; the commands under test must not inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class RunningRegistry:
    url: str
    """`http://localhost:PORT`"""
    host: str
    """`localhost:PORT`, as in an image reference."""
    pid: int
    root: Path


@contextmanager
def running_registry(root: Path, **settings: str) -> Iterator[RunningRegistry]:
    """Run `python -m tidegate.registry` on `root`; settings by short name: `users_file="…"`."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_REGISTRY_")}
    environment |= {f"TIDEGATE_REGISTRY_{k.upper()}": v for k, v in settings.items()}
    environment |= {"TIDEGATE_REGISTRY_DATA_DIR": str(root)}
    environment.setdefault("TIDEGATE_REGISTRY_PORT", "0")
    log_path = root.with_name(f"{root.name}-{time.monotonic_ns()}.log")
    with (
        log_path.open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tidegate.registry"],
            env=environment | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"registry did not start: {log_path.read_text()}"
            url = json.loads(line)["url"]
            yield RunningRegistry(url, url.partition("://")[2], process.pid, root)
        finally:
            process.terminate()
            try:
                process.wait(START_S)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """Run a registry that the tests of one module share: give each test its own repository."""
    with running_registry(tmp_path_factory.mktemp("registry") / "data") as running:
        yield running


@pytest.fixture
def start_registry(
    tmp_path: Path,
) -> Callable[..., AbstractContextManager[RunningRegistry]]:
    """Return `running_registry(root=tmp_path / "registry", **settings)`, to start it as wanted."""

    def start(
        root: Path = tmp_path / "registry", **settings: str
    ) -> AbstractContextManager[RunningRegistry]:
        return running_registry(root, **settings)

    return start


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests of frozen answers write what they got."""
    parser.addoption(
        "--rewrite-golden",
        action="store_true",
        help="write what the real API server sends, or the scanners find, now; review the diff",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly how many tests were not run for want of a program."""
    skipped = terminalreporter.stats.get("skipped", [])
    lacking = [report for report in skipped if "is not installed" in str(report.longrepr)]
    if lacking:
        terminalreporter.section("tests without a program that they drive", sep="!", red=True)
        terminalreporter.write_line(
            f"{len(lacking)} tests were SKIPPED: a program is not installed (`-ra` says which); "
            "run `make clients`, `make scanners` and `make registries`, and install the packages of "
            "hack/apt.txt"
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Run a PostgreSQL server that all tests of the session share: one database each."""
    found = programs()
    if found is None:
        pytest.skip(
            "PostgreSQL is not installed (Debian: apt install postgresql): NOT TESTED on it"
        )
    with running_postgres(found) as server:
        yield server
