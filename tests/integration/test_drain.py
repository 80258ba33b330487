"""A queue shared by several workers loses nothing and doubles nothing, however they die."""

from pathlib import Path

import pytest

from support.drain import Kills, drain, examine, make_images, push_all
from support.postgres import Server
from support.scan_site import scan_site
from tidegate.domain.errors import ScannerUnavailableError
from tidegate.scan.scanners import builtin

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

try:
    builtin.find_trivy()
except ScannerUnavailableError:
    pytest.skip("no trivy on PATH or beside this Python", allow_module_level=True)

IMAGES = 60
KILLS = Kills(workers=3, seed=11, longest_life=4, most=10)

LEASE_S = 15
"""Longer than a busy machine lets a living worker be silent, and what a killed one costs."""


async def test_every_image_gets_one_artifact_however_workers_die(
    postgres: Server, tmp_path: Path
) -> None:
    """Two hubs on one PostgreSQL database; each worker takes its jobs from one of them."""
    name = postgres.create()
    images = make_images(IMAGES)
    with scan_site(
        tmp_path,
        hubs=2,
        database_url=postgres.url(name),
        hub_settings={"JOB_LEASE_S": str(LEASE_S)},
        worker_settings={"HEARTBEAT_S": "1"},
    ) as site:
        await push_all(site, images)
        drained = await drain(site, images, KILLS, within_s=500)
        await examine(site, images, drained)
    postgres.drop(name)
    assert drained.problems == []
    assert drained.kills == KILLS.most
    assert drained.interrupted > 0
    assert drained.attempts.total() == IMAGES
