"""The local cluster: keeps its ports and data, ends with its parent, says why it cannot start."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.domain.errors import ClusterUnavailableError
from tidegate.local.install import kubectl as run_kubectl
from tidegate.local.kubernetes import LocalCluster, find_programs

pytestmark = pytest.mark.e2e

Kubectl = Callable[..., subprocess.CompletedProcess[str]]

PARENT = """
import asyncio, json, os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from tidegate.local.kubernetes import LocalCluster, find_programs
c = LocalCluster(Path(sys.argv[1]), find_programs(os.environ), lambda: datetime.now(UTC))
asyncio.run(c.start())
print(json.dumps([c.url, list(c.pids.values())]), flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(cluster: LocalCluster, tmp_path: Path) -> Path:
    """A data folder of a second cluster, where the first shows that there are programs."""
    assert cluster.pids
    return tmp_path / "second"


def local(folder: Path) -> LocalCluster:
    return LocalCluster(folder, find_programs(os.environ), lambda: datetime.now(UTC))


def write(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_a_killed_parent_takes_the_cluster_along_and_the_next_start_goes_on(
    folder: Path,
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, folder, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert parent.stdout
    async with asyncio.timeout(40):
        url, pids = json.loads(await parent.stdout.readline())
    second = local(folder)
    second_kubeconfig = second.kubeconfig
    assert second_kubeconfig.stat().st_mode & 0o077 == 0
    await run_kubectl(second, "create", "namespace", "kept")
    parent.kill()
    await parent.communicate()
    deadline = time.monotonic() + 5
    while not all(map(ended, pids)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    started = time.monotonic()
    await second.start()
    try:
        assert time.monotonic() - started < 30
        assert second.url == url
        assert "kept" in await run_kubectl(second, "get", "namespaces")
        await run_kubectl(second, "run", "p", "--image=nginx")
        assert "Pending" in await run_kubectl(second, "get", "pods")
        with pytest.raises(ClusterUnavailableError, match="are taken"):
            await local(folder).start()
        os.kill(second.pids["etcd"], 9)
        with pytest.raises(ClusterUnavailableError, match="etcd ended with code -9"):
            await wait_dead(second)
    finally:
        await second.stop()
    assert second.pids == {}


async def wait_dead(cluster: LocalCluster) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        cluster.demand_alive()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("kept", ["{", "{}", '{"etcd": "x"}'], ids=["broken", "empty", "word"])
async def test_a_damaged_ports_file_is_named(folder: Path, kept: str) -> None:
    write(folder / "ports.json", kept)
    with pytest.raises(ClusterUnavailableError, match=r"ports\.json"):
        await local(folder).start()


async def test_a_component_that_cannot_run_shows_the_end_of_its_log(folder: Path) -> None:
    cluster = local(folder)
    write(folder / "etcd", "not a folder")
    with pytest.raises(ClusterUnavailableError, match=r"etcd ended with code 1; see .*etcd\.log"):
        await cluster.start()
    assert cluster.pids == {}


def test_anonymous_requests_are_refused(cluster: LocalCluster, kubectl: Kubectl) -> None:
    answer = kubectl(
        "get", "pods", f"--server={cluster.url}", "--kubeconfig=/dev/null",
        f"--certificate-authority={cluster.ca_bundle}", "--username=x", "--password=y",
    )  # fmt: skip
    assert answer.returncode == 1
    assert "logged in" in answer.stderr
