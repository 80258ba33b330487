"""A real API server for the whole session, and its kubectl."""

import asyncio
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.installation import Ground, Installation, until
from tidegate.domain.errors import ClusterUnavailableError
from tidegate.local.install import install
from tidegate.local.kubernetes import KubePrograms, LocalCluster, find_programs

Kubectl = Callable[..., subprocess.CompletedProcess[str]]

_skipped: list[str] = []
_measured: list[str] = []


@pytest.fixture
def measured() -> Callable[[str], None]:
    """Take a line about what was measured, to be printed after the run."""
    return _measured.append


@pytest.fixture(scope="session")
def programs() -> KubePrograms:
    try:
        return find_programs(os.environ)
    except ClusterUnavailableError as error:
        pytest.skip(f"NO REAL API SERVER: {error}")


@pytest.fixture(scope="session")
def site(
    programs: KubePrograms, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """The session's installation, as `tidegate up --cluster local --demo` makes it."""
    installation = Installation(tmp_path_factory.mktemp("site"), programs.kubectl)
    installation.start()
    try:
        yield installation
    finally:
        installation.stop()


@pytest.fixture
def ground(site: Installation, request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A namespace for one test, in which pods can be made."""
    word = re.sub(r"[^a-z0-9]+", "-", request.function.__name__.removeprefix("test_"))[:30]
    ground = Ground(site, f"{word.strip('-')}-{secrets.token_hex(2)}")
    site.kubectl(f"create namespace {ground.namespace}")
    until(lambda: ground("get serviceaccount default"), lambda said: said.code == 0)
    try:
        yield ground
    finally:
        ground.end()


@pytest.fixture(scope="session")
def _cluster(
    programs: KubePrograms, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalCluster]:
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
    if _measured:
        terminalreporter.section("measured")
        for line in _measured:
            terminalreporter.write_line(line)
    if _skipped:
        terminalreporter.section("tests without a real API server", sep="!", red=True)
        terminalreporter.write_line(
            f"{len(_skipped)} tests were SKIPPED: no real API server; run `make kube` once"
        )
