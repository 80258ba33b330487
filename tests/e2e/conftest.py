"""A real API server for the whole session, and its kubectl."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.domain.errors import ClusterUnavailableError
from tidegate.local.install import install
from tidegate.local.kubernetes import LocalCluster, find_programs

Kubectl = Callable[..., subprocess.CompletedProcess[str]]

_skipped: list[str] = []


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    try:
        programs = find_programs(os.environ)
    except ClusterUnavailableError as error:
        pytest.skip(f"NO REAL API SERVER: {error}")
    folder = tmp_path_factory.mktemp("cluster")
    cluster = LocalCluster(folder, programs, lambda: datetime.now(UTC))
    asyncio.run(cluster.start())
    try:
        asyncio.run(install(cluster))
        yield cluster
    finally:
        asyncio.run(cluster.stop())


@pytest.fixture
def cluster(_cluster: LocalCluster) -> LocalCluster:
    """The session's cluster with CRD and accounts; tests clean up what they write."""
    return _cluster


@pytest.fixture
def kubectl(cluster: LocalCluster) -> Kubectl:
    """Run the real kubectl: `kubectl("get", "pods", stdin="")`; never raises by exit code."""

    def run(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                cluster.kubectl,
                f"--kubeconfig={cluster.kubeconfig}",
                f"--cache-dir={cluster.data_dir / 'kubectl-cache'}",
                *arguments,
            ],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and "NO REAL API SERVER" in str(report.longrepr):
        _skipped.append(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped:
        terminalreporter.section("tests without a real API server", sep="!", red=True)
        terminalreporter.write_line(
            f"{len(_skipped)} tests were SKIPPED: no real API server; run `make kube` once"
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write what the real API server sends now"
    )
