"""An image that nobody told the hub of is scanned because a workload names it, and then let in."""

import asyncio

import pytest

from support.installation import Ground, Installation, until
from tidegate.hubclient import HubClient
from tidegate.local.images import CLEAN_DEBIAN, DemoImage, build_image, debian_files
from tidegate.wire.hub_v1 import JobRecordV1
from tidegate.wire.oci_v1 import OCI_MANIFEST

pytestmark = pytest.mark.e2e

WITHIN_S = 60


async def _last_job(site: Installation) -> JobRecordV1:
    async with HubClient(site.state["hub"], site.state["adminToken"]) as hub:
        return (await hub.list_jobs(limit=1)).items[0]


def test_an_image_without_a_report_is_scanned_since_a_pod_names_it(ground: Ground) -> None:
    ground.rule("deny", maxAllowedSeverities={"high": 0}, blockUnscannedImages=True)
    marker = {"etc/made-for": ground.namespace.encode()}
    built = build_image([debian_files(CLEAN_DEBIAN), marker])
    image = DemoImage("demo/app", "first", ((built.manifest, OCI_MANIFEST),), built.blobs)
    with ground.site.attaching_nothing():
        ground.site.push(image, "first")
    run = f"run early --image={ground.site.state['registry']}/demo/app@{image.digest}"

    dry = ground.denied(f"{run} --dry-run=server")
    assert "scan it with: tidegate scan" in dry, "a dry run queues nothing"
    said = ground.denied(run)
    assert "a scan is queued: try again in a minute" in said
    job = asyncio.run(_last_job(ground.site))
    here = f"/{ground.namespace}"
    assert (job.digest, job.priority, job.requested_by.endswith(here)) == (image.digest, 0, True)

    until(lambda: ground(run), lambda last: last.code == 0, WITHIN_S)
    events = until(lambda: ground.site.events(ground.namespace), lambda seen: len(seen) > 1)
    assert "a scan is queued" in events[0]["images"][0]["message"]
    assert events[-1]["action"] == "allow"
