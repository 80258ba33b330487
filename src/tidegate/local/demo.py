"""The demo of `tidegate up --demo`: images pushed and scanned, and the lab's rule."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from tidegate.domain.digest import Digest
from tidegate.domain.errors import ConfigurationError, NotFoundError
from tidegate.domain.reference import parse_reference
from tidegate.hubclient import HubClient
from tidegate.local.data_folder import UpState
from tidegate.local.images import DemoImage, build_demo_images
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.wire.hub_v1 import ImageV1, RuleApplyV1
from tidegate.wire.policy_v1alpha1 import API_VERSION, KIND, RuleV1

LAB_RULE_NAME = "Lab example"
LAB_IMAGE = "demo/app:critical"
"""The image that the lab runs: repository and tag in the embedded registry."""

SCANNED_S = 60.0
POLL_S = 0.2


def lab_rule(action: str) -> dict[str, Any]:
    """Return the lab's rule as objects write it; it reaches pods with `gate` in their name."""
    return {
        "name": LAB_RULE_NAME,
        "description": "Pods of the lab, by their name.",
        "enabled": True,
        "action": action,
        "scope": [{"matcherType": "pod", "anyOf": ["*gate*"]}],
        "configuration": {
            "maxAllowedSeverities": {"high": 0},
            "blockUnscannedImages": True,
            "ignoredCves": ["CVE-1234-56789"],
        },
    }


def lab_policy(action: str) -> dict[str, Any]:
    """Return a policy object with the lab's rule."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "lab"},
        "spec": {"vulnerabilityAssessmentGatedDeployment": [lab_rule(action)]},
    }


async def run_demo(state: UpState, say: Callable[[str], None]) -> None:
    """Push the demo images, wait until they are scanned, and make the lab's rule once.

    Raises:
        ConfigurationError: an image was not scanned within `SCANNED_S`, or its scan failed.
    """
    images = build_demo_images()
    say(f"demo      pushing {len(images)} images to {state.registry}")
    config = RegistryConfig(host=state.registry, plain_http=True, allow_private=True)
    async with RegistryClient([config]) as registry:
        for image in images:
            await push_image(registry, state.registry, image)
    async with HubClient(state.hub, state.admin_token) as hub:
        for image in images:
            record = await wait_scanned(hub, state.registry, image.repository, image.digest)
            say(f"demo      {state.registry}/{image.repository}:{image.tag}  {_summary(record)}")
        known = {record.rule.name for record in await hub.list_rules()}
        if LAB_RULE_NAME not in known:
            rule = msgspec.convert(lab_rule("audit"), RuleV1)
            await hub.apply_rules(RuleApplyV1(rules=[rule]))
            say(f'demo      rule "{LAB_RULE_NAME}" (audit) made')


async def push_image(registry: RegistryClient, host: str, image: DemoImage) -> None:
    """Push all content of `image`, its tag last; does nothing where it is there already."""
    name = parse_reference(f"{host}/{image.repository}:{image.tag}")
    there = await registry.fetch_manifest(name)
    if there is not None and there.digest == image.digest:
        return
    for digest, body in image.blobs.items():
        if not await registry.has_blob(name, digest):
            await registry.push_blob(name, body)
    *parts, (body, media_type) = image.manifests
    for part, part_type in parts:
        await registry.push_manifest(name, part, part_type)
    await registry.push_manifest(name, body, media_type, tag=image.tag)


async def wait_scanned(hub: HubClient, host: str, repository: str, digest: Digest) -> ImageV1:
    """Return the image's record once a worker has scanned it.

    Raises:
        ConfigurationError: not within `SCANNED_S`, or the scan failed; says why.
    """
    state = "not known to the hub"
    try:
        async with asyncio.timeout(SCANNED_S):
            while True:
                try:
                    record = await hub.get_image(host, repository, digest)
                except NotFoundError:
                    await asyncio.sleep(POLL_S)
                    continue
                state = record.status
                if state == "scanned":
                    return record
                if state == "failed":
                    raise ConfigurationError(f"scan of {repository}@{digest}: {record.error}")
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise ConfigurationError(
            f"{repository}@{digest} is {state} after {SCANNED_S:g} s; see the scan worker's log"
        ) from error


def _summary(record: ImageV1) -> str:
    worst = max(
        record.reports,
        key=lambda r: (r.counts.critical, r.counts.high, r.counts.medium, r.counts.low),
        default=None,
    )
    if worst is None:
        return "scanned"
    counts = worst.counts
    return (
        f"critical {counts.critical}, high {counts.high}, medium {counts.medium}, low {counts.low}"
        + (f", unknown {counts.unknown}" if counts.unknown else "")
    )
