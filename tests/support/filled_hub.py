"""A data folder whose hub holds much: `python tests/support/filled_hub.py DATA_DIR`.

The hub is started as `tidegate up` starts it, told of everything through its API, and ended; an
`up` on the same folder goes on from there. Prints the folder's ports as JSON.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.image_world import findings, manifest, report, statement, upload
from tidegate.domain.digest import Digest
from tidegate.domain.rule import Action
from tidegate.hubclient import HubClient
from tidegate.local.certificates import KeyPair
from tidegate.local.data_folder import DataFolder
from tidegate.local.part import Part
from tidegate.local.plans import Site, plan_hub
from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1, FindingV1, ImageRowV1
from tidegate.wire.hub_v1 import ScanRequestV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1

ROWS = 10_000
BATCH = 500
DAYS_AGO = 45
"""Older than what lists and charts show first, younger than what is pruned after 90 days."""

REGISTRY, REPOSITORY, TAG = "registry.example", "shop/web", "many"
NAMESPACE = "shop"


@dataclass(frozen=True, slots=True)
class Filled:
    """A hub that runs and holds much."""

    url: str
    admin_token: str
    image: Digest


def event(number: int, newest: datetime) -> AdmissionEventV1:
    """Return one of the events; the higher its number, the older it is."""
    action = ("deny", "audit", "allow")[number % 3]
    image = ImageRowV1(
        image=f"{REGISTRY}/{REPOSITORY}:1.{number % 50}",
        field_path="spec.containers[0].image",
        action=action,
        reason="PolicyEvaluation",
        message="Image contains 3 high or higher CVEs, which is more than the allowed count of: 0",
        digest=f"sha256:{number:064x}",
        rule=f"Rule of team {number % 20}",
        rule_configuration=RuleV1("Rule of a team", Action.DENY, ConfigurationV1()),
        violation=f"High CVE: {number % 7 + 1}, Critical CVE: {number % 3}",
        counts=CountsV1(high=3),
        evidence="report",
        findings=[
            FindingV1(f"CVE-2026-{n}", "high", f"pkg:npm/p{n}@1.0", f"p{n}", "1.0", "1.1")
            for n in range(3)
        ],
    )
    at = newest - timedelta(seconds=7 * number)
    return AdmissionEventV1(
        id=f"filled-{number}",
        time=at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        action=action,
        kind="Pod",
        name=f"web-{number:05}",
        images=[image],
        namespace=NAMESPACE,
        operation="CREATE",
        user="system:serviceaccount:kube-system:replicaset-controller",
        top_owner=f"Deployment/web-{number:05}",
    )


async def fill(url: str, folder: DataFolder) -> Digest:
    """Tell the hub of `ROWS` events and of an image with as many findings; return its digest."""
    newest = datetime.now(UTC) - timedelta(days=DAYS_AGO)
    async with HubClient(url, folder.token("cluster"), timeout_s=60) as agent:
        for start in range(0, ROWS, BATCH):
            batch = [event(start + n, newest) for n in range(BATCH)]
            stored = await agent.post_events(batch)
            assert stored.stored + stored.duplicates == BATCH
    body, digest = manifest("many")
    async with (
        HubClient(url, folder.token("admin"), timeout_s=60) as admin,
        HubClient(url, folder.token("scanner"), timeout_s=60) as scanner,
    ):
        await admin.request_scan(ScanRequestV1(REGISTRY, REPOSITORY, digest, [TAG]))
        job = await scanner.lease_job("filling")
        assert job is not None, "somebody else took the job; fill a hub that has no worker"
        detail = upload(body, digest, lease=job.lease, statement=statement(digest, findings(ROWS)))
        await scanner.put_detail(job.id, detail)
        counts = {"critical": ROWS // 3, "high": ROWS // 3, "low": ROWS - 2 * (ROWS // 3)}
        await scanner.complete_job(job, [report(digest, **counts)])
    return digest


@asynccontextmanager
async def filled_hub(root: Path) -> AsyncIterator[Filled]:
    """Run a filled hub on the data folder `root`, until the context is left."""
    folder = DataFolder(root)
    no_gate = KeyPair(root / "none.crt", root / "none.key")
    hub = Part(plan_hub(Site(folder, folder.ensure(), no_gate)), os.environ)
    await hub.start()
    url = f"http://127.0.0.1:{folder.ensure()['hub']}"
    try:
        yield Filled(url, folder.token("admin"), await fill(url, folder))
    finally:
        await hub.stop()


async def main() -> None:
    """Fill the folder that the command line names."""
    root = Path(sys.argv[1])
    async with filled_hub(root) as filled:
        sys.stdout.write(json.dumps({**DataFolder(root).ensure(), "image": filled.image}))


if __name__ == "__main__":
    asyncio.run(main())
