"""Docker's own registry tells a real hub of pushes, by every header that it can be given."""

import asyncio
import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.json import decode as json_decode

from tidegate.domain.digest import digest_of
from tidegate.domain.reference import parse_reference
from tidegate.hubclient.client import HubClient
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig
from tidegate.testing.hostile_registry import HostileRegistry, ScriptedAnswer, SeenRequest
from tidegate.testing.real_registries import docker_registry, has_docker_registry
from tidegate.wire.distribution_v2 import NotificationV2, read_events
from tidegate.wire.hub_v1 import ImageV1
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_EMPTY,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)
from tidegate.wire.told_push import ToldDeletion

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not has_docker_registry(), reason="docker-registry is not installed: see hack/apt.txt"
    ),
]

TOKENS = {role: secrets.token_urlsafe(32) for role in ("admin", "registry")}
PAIR = f"docker:{TOKENS['registry']}"
EMPTY = Descriptor(OCI_EMPTY, digest_of(EMPTY_BLOB), len(EMPTY_BLOB))
NOTIFICATIONS = """\
notifications:
  endpoints:
  - name: tidegate
    url: {url}/api/v1/registries/notifications?registry=shop.example
    headers: {{Authorization: ["{header}"]}}
    timeout: 10s
    threshold: 3
    backoff: 100ms
"""


@pytest.fixture(scope="module")
def hub_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "tokens.json").write_text(json.dumps(TOKENS))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")} | {
        "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
        "TIDEGATE_HUB_DATA_DIR": str(folder),
        "TIDEGATE_HUB_PORT": "0",
        "TIDEGATE_HUB_BOOTSTRAP_TOKENS_FILE": str(folder / "tokens.json"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tidegate.hub"], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["url"])
        process.terminate()
        process.wait(10)


@pytest.fixture
async def hub(hub_url: str) -> AsyncIterator[HubClient]:
    async with HubClient(hub_url, TOKENS["admin"]) as client:
        yield client


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"Bearer {TOKENS['registry']}", id="bearer"),
        pytest.param(f"Basic {base64.b64encode(PAIR.encode()).decode()}", id="basic"),
    ],
)
async def test_a_push_to_dockers_registry_is_queued(
    hub: HubClient, hub_url: str, header: str, tmp_path: Path
) -> None:
    body = render_manifest(Manifest(config=EMPTY, annotations={"of": header[:5]}))
    settings = NOTIFICATIONS.format(url=hub_url, header=header)
    with docker_registry(tmp_path, settings) as authority:
        config = RegistryConfig(authority, plain_http=True, allow_private=True)
        patient = RegistryLimits(read_timeout_s=30.0, write_timeout_s=30.0)
        async with RegistryClient([config], limits=patient) as client:
            image = parse_reference(f"{authority}/team/app:1")
            await client.push_blob(image, EMPTY_BLOB)
            await client.push_manifest(image, body, OCI_MANIFEST, tag="1")
            assert await client.fetch_manifest(image) is not None  # a pull is told of, too
        found = await told(hub, digest_of(body))
    assert (found.registry, found.repository, found.tags) == ("shop.example", "team/app", ["1"])
    assert found.status == "queued"


async def test_what_dockers_registry_says_of_a_deletion_is_read(tmp_path: Path) -> None:
    gone = asyncio.Queue[ToldDeletion]()

    def take(request: SeenRequest) -> ScriptedAnswer:
        for each in read_events(json_decode(request.body, type=NotificationV2)).deletions:
            gone.put_nowait(each)
        return ScriptedAnswer(202)

    async with HostileRegistry({"/api/v1/registries/notifications": take}) as receiver:
        settings = NOTIFICATIONS.format(url=receiver.url, header="Bearer x")
        with docker_registry(tmp_path, settings) as authority:
            config = RegistryConfig(authority, plain_http=True, allow_private=True)
            patient = RegistryLimits(read_timeout_s=30.0, write_timeout_s=30.0)
            async with RegistryClient([config], limits=patient) as client:
                image = parse_reference(f"{authority}/team/app:1")
                await client.push_blob(image, EMPTY_BLOB)
                body = render_manifest(Manifest(config=EMPTY))
                await client.push_manifest(image, body, OCI_MANIFEST, tag="1")
                assert await client.delete_manifest(image, digest_of(body))
            async with asyncio.timeout(60):
                told_of = await gone.get()
    assert (told_of.host, told_of.repository) == (authority, "team/app")
    assert told_of.digest == digest_of(body)


async def told(hub: HubClient, digest: str) -> ImageV1:
    async with asyncio.timeout(60):
        while True:
            for image in (await hub.list_images()).items:
                if image.digest == digest:
                    return image
            await asyncio.sleep(0.05)
