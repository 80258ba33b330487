"""A real gate that waits for the scan that a workload caused: real registry, an agent that scans."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.gate_server import write_pair
from support.gate_world import pod, review_of
from tidegate.domain.reference import ImageReference
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.scan.attach import attach_report
from tidegate.testing.evidence_world import finding, statement
from tidegate.testing.real_registries import embedded_registry
from tidegate.trust.keys import PrivateKey, generate_key, public_pem
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_CONFIG,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)
from tidegate.wire.statement_v1 import render_statement

pytestmark = pytest.mark.integration

POLICY = {
    "apiVersion": "tidegate.io/v1alpha1",
    "kind": "SecurityArtifactPolicy",
    "metadata": {"name": "lab"},
    "spec": {
        "vulnerabilityAssessmentGatedDeployment": [
            {
                "name": "Scanned only",
                "action": "deny",
                "configuration": {
                    "blockUnscannedImages": True,
                    "maxAllowedSeverities": {"high": 0},
                },
            }
        ]
    },
}


@dataclass
class Ground:
    """A registry with an image that nobody scanned, and who would scan it."""

    folder: Path
    host: str
    key: PrivateKey = field(default_factory=generate_key)
    scans: bool = True
    """Whether the agent has asked-for images scanned, clean, at once."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    scanning: "list[asyncio.Task[None]]" = field(default_factory=list)

    def client(self) -> RegistryClient:
        return RegistryClient([RegistryConfig(self.host, plain_http=True, allow_private=True)])

    async def push(self, seed: str) -> ImageReference:
        image = ImageReference(self.host, "first/sight", "1")
        async with self.client() as client:
            config = await client.push_blob(image, EMPTY_BLOB)
            manifest = Manifest(
                config=Descriptor(OCI_CONFIG, config.digest, config.size),
                annotations={"seed": seed},
            )
            pushed = await client.push_manifest(image, render_manifest(manifest), OCI_MANIFEST)
        return image.at(pushed.digest)

    async def scan(self, image: ImageReference, *severities: str) -> None:
        assert image.digest is not None
        async with self.client() as client:
            fetched = await client.fetch_manifest(image)
            assert fetched is not None
            subject = Descriptor(OCI_MANIFEST, image.digest, len(fetched.body))
            findings = [finding(f"CVE-{each}") for each in severities]
            said = render_statement(statement(image.digest, findings, at=datetime.now(UTC)))
            await attach_report(client, image, said, self.key, subject=subject)

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[str]:
        """Yield the URL of an agent that takes events, and has images scanned."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                    body = await reader.readexactly(int(length))
                    answer = b"{}"
                    if head.startswith(b"POST /v1/scans"):
                        answer = await self._queue(json.loads(body))
                    writer.write(
                        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer)
                    )
            except asyncio.IncompleteReadError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _queue(self, wanted: dict[str, Any]) -> bytes:
        self.asked.append(wanted)
        for each in wanted["images"] if self.scans else ():
            image = ImageReference(each["registry"], each["repository"], "1")
            self.scanning.append(asyncio.create_task(self.scan(image.at(each["digest"]))))
        return json.dumps({"results": [{"state": "queued"}] * len(wanted["images"])}).encode()

    @contextmanager
    def gate(self, agent_url: str, wait_s: int) -> Iterator[str]:
        """Run a gate; yield its URL."""
        pair = write_pair(self.folder)
        policies = self.folder / "policies"
        policies.mkdir()
        (policies / "lab.json").write_text(json.dumps(POLICY))
        key = {"name": "scan", "publicKey": public_pem(self.key).decode()}
        registry = {"host": self.host, "plainHttp": True, "allowPrivate": True}
        trust = self.folder / "trust.yaml"
        trust.write_text(json.dumps({"keys": [key], "registries": [registry]}))
        (self.folder / "token").write_text("agent-token\n")
        named = {
            "TLS_CERT_FILE": pair.certificate,
            "TLS_KEY_FILE": pair.key,
            "TRUST_FILE": trust,
            "POLICY_DIR": policies,
            "DATA_DIR": self.folder / "data",
            "AGENT_URL": agent_url,
            "AGENT_TOKEN_FILE": self.folder / "token",
            "FIRST_SIGHT_WAIT_S": wait_s,
        }
        ours = {f"TIDEGATE_GATE_{name}": str(value) for name, value in named.items()}
        with (self.folder / "gate.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tidegate.gate"],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **ours},
            )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, (self.folder / "gate.log").read_text()
            yield json.loads(line)["url"]
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    async def ask(self, url: str, image: ImageReference, **changes: object) -> dict[str, Any]:
        context = ssl.create_default_context(cafile=str(self.folder / "tls.crt"))
        async with httpx2.AsyncClient(base_url=url, verify=context, trust_env=False) as client:
            body = review_of(pod(str(image)), **changes)
            answer = await client.post("/admit?timeout=30s", content=body, timeout=60)
            assert answer.status_code == 200
            response: dict[str, Any] = answer.json()["response"]
            return response


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    registry = tmp_path / "registry"
    registry.mkdir()
    with embedded_registry(registry) as host:
        yield Ground(tmp_path, host)


async def test_a_workload_is_let_in_by_the_scan_that_it_caused(ground: Ground) -> None:
    image = await ground.push("image")
    async with ground.agent() as agent_url:
        with ground.gate(agent_url, wait_s=5) as url:
            dry = await ground.ask(url, image, dryRun=True)
            assert (dry["allowed"], ground.asked) == (False, [])
            # Each image is asked about once. A machine that is busy may take longer than the five
            # seconds for one of them, hardly for all.
            images = [await ground.push(f"image-{number}") for number in range(6)]
            answers = [await ground.ask(url, each) for each in images]
    assert any(answer["allowed"] for answer in answers)
    assert len(ground.asked) == len(images)
    await asyncio.gather(*ground.scanning)


async def test_a_scan_that_does_not_end_in_time_is_said_to_be_queued(ground: Ground) -> None:
    ground.scans = False
    image = await ground.push("image")
    async with ground.agent() as agent_url:
        with ground.gate(agent_url, wait_s=1) as url:
            message = ""
            async with asyncio.timeout(60):  # the hub's word may come after the first answer
                while (
                    "no findings artifact is attached; a scan is queued: try again" not in message
                ):
                    message = (await ground.ask(url, image))["status"]["message"]
            await ground.scan(image, "2024-1")
            async with asyncio.timeout(60):
                while "Image contains 1" not in message:
                    message = (await ground.ask(url, image))["status"]["message"]


async def test_without_the_setting_nobody_waits(ground: Ground) -> None:
    image = await ground.push("image")
    async with ground.agent() as agent_url:
        with ground.gate(agent_url, wait_s=0) as url:
            assert (await ground.ask(url, image))["allowed"] is False
    await asyncio.gather(*ground.scanning)
