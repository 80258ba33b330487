"""What runs in a real cluster is what the hub shows: from a pod's admission until it is gone."""

import asyncio
import json
from collections.abc import Callable

import pytest

from support.installation import Ground, Installation, until
from tidegate.hubclient import HubClient
from tidegate.wire.hub_data_v1 import RiskyImageV1

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SEEN_S = 45.0
"""Pods are listed every 5 s, and where no kubelet gives digests told again every 30 s."""


def riskiest(site: Installation) -> dict[str, RiskyImageV1]:
    """Return the riskiest images running, as the portal's overview shows them, by tag."""

    async def ask() -> list[RiskyImageV1]:
        async with HubClient(site.state["hub"], site.state["adminToken"]) as hub:
            return (await hub.get_overview()).riskiest_images

    return {tag: image for image in asyncio.run(ask()) for tag in image.tags}


def shows(tag: str) -> Callable[[dict[str, RiskyImageV1]], bool]:
    return lambda seen: tag in seen


def misses(tag: str) -> Callable[[dict[str, RiskyImageV1]], bool]:
    return lambda seen: tag not in seen


def test_a_pending_pod_runs_its_image_until_it_is_gone(ground: Ground) -> None:
    site = ground.site
    until(lambda: riskiest(site), misses("critical"), SEEN_S)
    ground.works(f"run bad --image={site.image('critical')}")
    assert ground.get("pod bad")["status"]["phase"] == "Pending"  # there is no kubelet
    image = until(lambda: riskiest(site), shows("critical"), SEEN_S)["critical"]
    assert (image.running_in, image.counts.critical > 0) == (["local"], True)
    ground.works("delete pod bad --now")
    until(lambda: riskiest(site), misses("critical"), SEEN_S)


def test_a_pod_that_has_ended_runs_nothing(ground: Ground) -> None:
    site = ground.site
    ground.works(f"run job --image={site.image('high')}")
    until(lambda: riskiest(site), shows("high"), SEEN_S)
    patch = '{"status": {"phase": "Succeeded"}}'
    ground.works(f"patch pod job --subresource=status --type=merge -p '{patch}'")
    until(lambda: riskiest(site), misses("high"), SEEN_S)


def test_a_deployments_pods_are_counted_and_the_worst_image_is_first(ground: Ground) -> None:
    site = ground.site
    ground.works(f"create deployment web --image={site.image('high')} --replicas=2")
    ground.works(f"run bad --image={site.image('critical')}")
    seen = until(lambda: riskiest(site), lambda seen: {"high", "critical"} <= seen.keys(), SEEN_S)
    assert list(seen).index("critical") < list(seen).index("high")


def test_a_digest_that_the_kubelet_gives_is_what_runs_whatever_the_tag_is_now(
    ground: Ground,
) -> None:
    site = ground.site
    ground.works(f"run bad --image={site.image('critical')}")
    critical = until(lambda: riskiest(site), shows("critical"), SEEN_S)["critical"]
    ground.works("delete pod bad --now")
    until(lambda: riskiest(site), misses("critical"), SEEN_S)
    ground.works(f"run started --image={site.image('clean')}")
    name, digest = critical.repository, critical.digest
    status = {
        "name": "started",
        "image": site.image("clean"),
        "imageID": f"{critical.registry}/{name}@{digest}",
        "ready": True,
        "restartCount": 0,
    }
    patch = json.dumps({"status": {"containerStatuses": [status]}})
    ground.works(f"patch pod started --subresource=status --type=merge -p '{patch}'")
    until(lambda: riskiest(site), shows("critical"), SEEN_S)
