"""Registries added while everything runs: tested by the worker, looked through, scanned."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import running_registry
from support.cli_site import CliSite, run_tidegate, running_site
from tidegate.hubclient import HubClient
from tidegate.local.demo import push_image, wait_scanned
from tidegate.local.images import DemoImage, build_demo_images
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig
from tidegate.testing.real_registries import docker_registry, has_docker_registry
from tidegate.wire.hub_v1 import ImageV1, ScanRequestV1
from tidegate.wire.registries_v1 import RegistryWriteV1

pytestmark = pytest.mark.integration

DEMO = {image.tag: image for image in build_demo_images()}
PASSWORD = "right-password-of-ann"  # noqa: S105 - of a registry of this test's own


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CliSite]:
    with running_site(tmp_path_factory.mktemp("site") / "data", demo_images=frozenset()) as found:
        yield found


def from_elsewhere(
    site: CliSite, *arguments: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing but the hub's address and a token."""
    where = {
        "TIDEGATE_HUB": site.state.hub,
        "TIDEGATE_TOKEN": site.state.admin_token,
        "XDG_STATE_HOME": "/nonexistent",  # whatever this machine's user runs plays no part
    }
    return run_tidegate(*arguments, stdin=stdin, **where)


async def push(host: str, image: DemoImage, **settings: str) -> None:
    config = RegistryConfig(host, plain_http=True, allow_private=True, **settings)
    limits = RegistryLimits(read_timeout_s=30.0, write_timeout_s=30.0)
    async with RegistryClient([config], limits=limits) as client:
        await push_image(client, host, image)


async def scanned(site: CliSite, host: str, image: DemoImage) -> ImageV1:
    """Return the image once somebody found it by himself and it is scanned."""
    async with HubClient(site.state.hub, site.state.admin_token) as hub, asyncio.timeout(60):
        while not [i for i in (await hub.list_images()).items if i.digest == image.digest]:
            await asyncio.sleep(0.1)
        await wait_scanned(hub, host, image.repository, image.digest)
        return await hub.get_image(host, image.repository, image.digest)


async def look_again(site: CliSite, host: str) -> None:
    """Write the settings as they are, which has the registry looked through at once."""
    async with HubClient(site.state.hub, site.state.admin_token) as hub:
        found = await hub.get_registry(host)
        body = RegistryWriteV1(found.connection, found.polling, found.test_repository)
        await hub.put_registry(host, body)


@pytest.mark.skipif(not has_docker_registry(), reason="docker-registry is not installed")
def test_a_registry_that_tells_nothing_is_looked_through(site: CliSite, tmp_path: Path) -> None:
    with docker_registry(tmp_path) as host:
        asyncio.run(push(host, DEMO["high"]))
        added = site.tidegate(
            "registry", "add", host, "--url", f"http://{host}", "--allow-private", "--poll"
        )
        assert added.returncode == 0, added.stderr
        assert "referrers: by the fallback tag" in added.stdout
        assert "repositories listed: yes" in added.stdout
        assert "old reports can be deleted: yes" in added.stdout
        found = asyncio.run(scanned(site, host, DEMO["high"]))
        assert found.tags == ["high"]
        assert all(report.artifact for report in found.reports)

        asyncio.run(push(host, DEMO["clean"]))
        asyncio.run(look_again(site, host))
        assert asyncio.run(scanned(site, host, DEMO["clean"])).tags == ["clean"]

        shown = json.loads(site.tidegate("registry", "show", host, "-o", "json").stdout)
        assert (shown["test"]["referrers"], shown["test"]["catalogue"]) == ("tag", True)
        assert shown["poll"]["found"] == 1
        assert shown["poll"].get("error", "") == ""
        (listed,) = [
            item
            for item in json.loads(site.tidegate("registry", "list", "-o", "json").stdout)["items"]
            if item["host"] == host
        ]
        assert (listed["local"], listed["hub"]["imageCount"]) == (True, 2)
        text = site.tidegate("registry", "show", host).stdout
        assert "looked at:    catalogue, every 300 s" in text
        assert site.tidegate("registry", "test", host).returncode == 0
        assert site.tidegate("registry", "remove", host).returncode == 0
        gone = site.tidegate("registry", "show", host)
        assert (gone.returncode, "is not configured" in gone.stderr) == (2, True)


def test_t21_credentials_from_elsewhere_reach_the_worker_alone(
    site: CliSite, tmp_path: Path
) -> None:
    hashed = subprocess.run(
        [sys.executable, "-m", "tidegate.registry", "hash-password", "ann"],
        input=PASSWORD.encode(), capture_output=True, check=True,
    )  # fmt: skip
    (tmp_path / "users").write_bytes(hashed.stdout)
    users = str(tmp_path / "users")
    with running_registry(tmp_path / "r", users_file=users, anonymous_pull="false") as other:
        asyncio.run(push(other.host, DEMO["critical"], username="ann", password=PASSWORD))
        repository = DEMO["critical"].repository
        add = (
            "registry", "add", other.host, "--plain-http", "--allow-private", "--username=ann",
            "--password-stdin", "--poll", f"--poll-repository={repository}", f"--repository={repository}",
        )  # fmt: skip
        wrong = from_elsewhere(site, *add, stdin=b"wrong-password")
        assert (wrong.returncode, "check the credentials" in wrong.stderr) == (3, True), (
            wrong.stderr
        )
        assert other.host not in from_elsewhere(site, "registry", "list").stdout

        added = from_elsewhere(site, *add, stdin=PASSWORD.encode())
        assert added.returncode == 0, added.stderr
        assert "referrers: by the API" in added.stdout
        assert "findings can be attached: yes" in added.stdout
        found = asyncio.run(scanned(site, other.host, DEMO["critical"]))
        assert all(report.artifact for report in found.reports)

        assert (
            "sealed for 1 worker keys"
            in from_elsewhere(site, "registry", "show", other.host).stdout
        )
        for path in (site.folder.root / "hub").iterdir():
            assert PASSWORD.encode() not in path.read_bytes()
        assert other.host not in site.folder.trust.read_text()
        again = from_elsewhere(site, *add, stdin=PASSWORD.encode())
        assert (again.returncode, "configured already" in again.stderr) == (2, True)
        assert from_elsewhere(site, "registry", "remove", other.host).returncode == 0


async def until_access_is(site: CliSite, host: str, word: str) -> None:
    async with HubClient(site.state.hub, site.state.admin_token) as hub, asyncio.timeout(30):
        while word not in {r.access for r in (await hub.list_registries()).items if r.host == host}:
            await asyncio.sleep(0.1)


async def ask_for_scan(site: CliSite, host: str, image: DemoImage) -> str:
    """Return the error that a scan ends with."""
    async with HubClient(site.state.hub, site.state.admin_token) as hub, asyncio.timeout(60):
        job = await hub.request_scan(ScanRequestV1(host, image.repository, image.digest))
        while (found := await hub.get_job(job.id)).state not in ("done", "failed"):
            await asyncio.sleep(0.1)
        return found.error


def test_a_registry_is_contacted_from_when_it_is_added_until_it_is_removed(
    site: CliSite, tmp_path: Path
) -> None:
    with running_registry(tmp_path / "r") as other:
        asyncio.run(push(other.host, DEMO["clean"]))
        assert "is not configured" in asyncio.run(ask_for_scan(site, other.host, DEMO["clean"]))
        add = ("registry", "add", other.host, "--plain-http", "--allow-private")
        assert site.tidegate(*add).returncode == 0
        asyncio.run(until_access_is(site, other.host, "On"))
        assert asyncio.run(ask_for_scan(site, other.host, DEMO["clean"])) == ""
        assert site.tidegate("registry", "remove", other.host).returncode == 0
        asyncio.run(until_access_is(site, other.host, "NotConfigured"))
        assert "is not configured" in asyncio.run(ask_for_scan(site, other.host, DEMO["clean"]))
