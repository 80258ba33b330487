"""The place that the gate is measured in: a registry with signed findings, and the real process.

Certificates, policy and trust configuration are files in a temporary folder, as `tidegate up` has
them. Images are small, but whole; their findings are attached and signed as a scan worker does.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from decision import findings_of
from measures import python_environment
from tidegate.domain.digest import Digest
from tidegate.domain.finding import Finding
from tidegate.domain.reference import ImageReference
from tidegate.local.certificates import Authority, KeyPair
from tidegate.local.child import die_with_parent
from tidegate.local.images import build_image
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.scan.attach import attach_report
from tidegate.testing.evidence_world import statement
from tidegate.trust.keys import PrivateKey, fingerprint, generate_key, public_pem
from tidegate.wire.oci_v1 import (
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)
from tidegate.wire.policy_v1alpha1 import MAX_RULES
from tidegate.wire.statement_v1 import render_statement

REPOSITORY = "shop/web"
STOP_S = 10

DENIED_PODS = "gated-*"
"""Pods that the deny rule of these policies is about; all others meet the default audit rule."""


@dataclass
class Place:
    """A registry, and what a gate needs to judge what is in it."""

    folder: Path
    host: str
    """The registry, as image references name it."""
    key: PrivateKey = field(default_factory=generate_key)
    pair: KeyPair = field(init=False)
    ca: Path = field(init=False)
    attached: dict[Digest, tuple[bytes, Digest]] = field(default_factory=dict)
    """Statement and artifact of what was pushed here, by what it is about."""

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        authority = Authority(self.folder / "tls", "authority").ensure(now)
        self.ca = authority.pair.certificate
        self.pair = authority.issue("gate", now, common_name="gate", hosts=["127.0.0.1"])

    def client(self) -> RegistryClient:
        return RegistryClient([RegistryConfig(self.host, plain_http=True, allow_private=True)])

    def reference(self, digest: Digest) -> ImageReference:
        return ImageReference(self.host, REPOSITORY, "latest").at(digest)

    async def push(
        self,
        client: RegistryClient,
        name: str,
        findings: int | None,
        repository: str = REPOSITORY,
    ) -> Descriptor:
        """Push an image of its own at tag `name`, with a signed report of `findings`.

        None: nobody scanned it.
        """
        image = build_image([{"etc/name": name.encode()}])
        tagged = ImageReference(self.host, repository, name)
        for blob in image.blobs.values():
            await client.push_blob(tagged, blob)
        await client.push_manifest(tagged, image.manifest, OCI_MANIFEST, tag=name)
        if findings is not None:
            await self._attach(client, tagged, image.descriptor, findings_of(findings))
        return image.descriptor

    async def push_index(self, client: RegistryClient, name: str, findings: int) -> Descriptor:
        """Push an index of two platforms at tag `name`, each with a signed report."""
        tagged = ImageReference(self.host, REPOSITORY, name)
        images = [build_image([{"etc/name": name.encode()}], a) for a in ("amd64", "arm64")]
        for image in images:
            for blob in image.blobs.values():
                await client.push_blob(tagged, blob)
            await client.push_manifest(tagged, image.manifest, OCI_MANIFEST)
            await self._attach(client, tagged, image.descriptor, findings_of(findings))
        entries = tuple(image.descriptor for image in images)
        body = render_manifest(Manifest(media_type=OCI_INDEX, manifests=entries))
        pushed = await client.push_manifest(tagged, body, OCI_INDEX, tag=name)
        return Descriptor(OCI_INDEX, pushed.digest, len(body))

    async def _attach(
        self,
        client: RegistryClient,
        reference: ImageReference,
        subject: Descriptor,
        findings: tuple[Finding, ...],
    ) -> None:
        said = render_statement(statement(subject.digest, findings, at=datetime.now(UTC)))
        attached = await attach_report(client, reference, said, self.key, subject=subject)
        self.attached[subject.digest] = (said, attached.artifact)

    @contextmanager
    def gate(
        self,
        *,
        core: int | None = None,
        endpoint: str = "",
        rules: int = 10,
        processes: int = 1,
        held: "Held | None" = None,
    ) -> Iterator["Gate"]:
        """Run the gate, on `core` alone if one is given; it reads the registry at `endpoint`.

        `held` is a snapshot of the feed that it has on its disk.
        """
        with TemporaryDirectory(prefix="gate-", dir=self.folder) as name:
            folder = Path(name)
            environment = self._settings(folder, endpoint, rules)
            environment["TIDEGATE_GATE_PROCESSES"] = str(processes)
            if held is not None:
                environment |= held.put(folder, fingerprint(self.key))
            command = ["-m", "tidegate.gate"]
            with running(command, environment, core, folder / "log") as (process, ready):
                yield Gate(process.pid, int(ready["url"].rpartition(":")[2]), self.ca)

    def _settings(self, folder: Path, endpoint: str, rules: int) -> dict[str, str]:
        registry: dict[str, Any] = {"host": self.host, "plainHttp": True, "allowPrivate": True}
        if endpoint:
            registry["endpoint"] = endpoint
        trust = {
            "keys": [{"name": "scan", "publicKey": public_pem(self.key).decode()}],
            "registries": [registry],
        }
        (folder / "trust.yaml").write_text(json.dumps(trust))
        (folder / "policy").mkdir()
        for number, made in enumerate(policies(rules)):
            (folder / "policy" / f"bench-{number:03d}.json").write_text(json.dumps(made))
        return {
            "TIDEGATE_GATE_TLS_CERT_FILE": str(self.pair.certificate),
            "TIDEGATE_GATE_TLS_KEY_FILE": str(self.pair.key),
            "TIDEGATE_GATE_TRUST_FILE": str(folder / "trust.yaml"),
            "TIDEGATE_GATE_POLICY_DIR": str(folder / "policy"),
            "TIDEGATE_GATE_DATA_DIR": str(folder / "data"),
            "TIDEGATE_GATE_SPOOL_MAX_MIB": "8192",  # no run may be quicker for having filled it
            "TIDEGATE_GATE_LOG_LEVEL": "warning",
        }


@dataclass(frozen=True)
class Held:
    """A snapshot of the feed, signed."""

    audience: str
    envelope: bytes
    body: Path
    sha256: str

    def put(self, folder: Path, fingerprint: str) -> dict[str, str]:
        """Put it onto a gate's disk; return the settings by which the gate follows the feed."""
        trust = json.loads((folder / "trust.yaml").read_text())
        trust["feed"] = {"audience": self.audience}
        (folder / "trust.yaml").write_text(json.dumps(trust))
        kept = folder / "data" / "feed" / fingerprint
        kept.mkdir(parents=True)
        (kept / "header").write_bytes(self.envelope)
        (kept / f"body-{self.sha256}").hardlink_to(self.body)
        return {"TIDEGATE_GATE_AGENT_URL": "http://127.0.0.1:9"}  # nobody answers there


@dataclass(frozen=True)
class Gate:
    """A running gate."""

    pid: int
    port: int
    ca: Path


def policies(rules: int) -> list[dict[str, Any]]:
    """Return policy objects with `rules` rules about others, last one that denies `DENIED_PODS`."""
    full, rest = divmod(rules, MAX_RULES - 1)
    numbers = [range(n * (MAX_RULES - 1), (n + 1) * (MAX_RULES - 1)) for n in range(full)]
    last = range(full * (MAX_RULES - 1), full * (MAX_RULES - 1) + rest)
    made = [_object(f"bench-{n:03d}", _others(each)) for n, each in enumerate(numbers)]
    return [*made, _object(f"bench-{full:03d}", [*_others(last), _DENIED])]


def _others(numbers: range) -> list[dict[str, Any]]:
    return [
        {
            "name": f"team {i}",
            "action": "deny",
            "scope": [
                {"matcherType": "namespace", "anyOf": [f"team-{i}", f"team-{i}-*"]},
                {"matcherType": "image", "anyOf": [f"registry.example/team-{i}/*"]},
            ],
            "configuration": {"maxAllowedSeverities": {"critical": 0}},
        }
        for i in numbers
    ]


_DENIED = {
    "name": "gated pods",
    "action": "deny",
    "scope": [{"matcherType": "pod", "anyOf": [DENIED_PODS]}],
    "configuration": {"maxAllowedSeverities": {"high": 0}, "blockUnscannedImages": True},
}


def _object(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "tidegate.io/v1alpha1",
        "kind": "SecurityArtifactPolicy",
        "metadata": {"name": name},
        "spec": {"vulnerabilityAssessmentGatedDeployment": rules},
    }


@contextmanager
def place() -> Iterator[Place]:
    """Yield a place with the embedded registry, in a folder that is removed at the end."""
    with TemporaryDirectory(prefix="tidegate-bench-") as name:
        folder = Path(name)
        environment = {
            "TIDEGATE_REGISTRY_DATA_DIR": str(folder / "registry"),
            "TIDEGATE_REGISTRY_PORT": "0",
            "TIDEGATE_REGISTRY_LOG_LEVEL": "warning",
        }
        log = folder / "registry.log"
        with running(["-m", "tidegate.registry"], environment, None, log) as (_, ready):
            yield Place(folder, f"localhost:{ready['url'].rpartition(':')[2]}")


@contextmanager
def running(
    arguments: Sequence[str],
    environment: dict[str, str],
    core: int | None,
    log: Path,
    program: str = sys.executable,
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """Run Python, or `program`, until the end of the block; yield the process and ready line."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*pinned, program, *arguments],
            env={**python_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 only prctl; an ended run leaves nothing
        )
    with process, _ending(process):
        line = process.stdout.readline() if process.stdout is not None else b""
        if not line:
            raise RuntimeError(
                f"{arguments[-1]} ended before it was ready:\n{log.read_text()[-2000:]}"
            )
        yield process, json.loads(line)


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End `process` at the end of the block, by force if it does not end by itself."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
