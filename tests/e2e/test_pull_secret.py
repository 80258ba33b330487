"""A gate reads a protected registry by a pull secret of its cluster: by name, and by no other."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.domain.evidence import Missing, MissingReason, Unavailable, UnavailableReason
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.gate.settings import Settings
from tidegate.gate.sources import Sources, open_sources
from tidegate.kube.client import connect
from tidegate.kube.secrets import Secrets
from tidegate.local.install import install, write_account_kubeconfig
from tidegate.local.kubernetes import LocalCluster
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.testing.real_registries import embedded_registry
from tidegate.trust.keys import generate_key, public_pem
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_CONFIG,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)

pytestmark = pytest.mark.e2e
Kubectl = Callable[..., subprocess.CompletedProcess[str]]
NAME, OTHER = "registry-pull", "registry-other"


def secret(name: str, host: str, password: str) -> str:
    pair = base64.b64encode(f"ada:{password}".encode()).decode()
    config = json.dumps({"auths": {host: {"auth": pair}}}).encode()
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "tidegate"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": base64.b64encode(config).decode()},
        }
    )


async def apply(kubectl: Kubectl, manifest: str) -> None:
    said = await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=manifest)
    assert said.returncode == 0, said.stderr


async def push(host: str) -> ImageReference:
    config = RegistryConfig(
        host,
        plain_http=True,
        allow_private=True,
        username="ada",
        password="right",  # noqa: S106 - of this test
    )
    image = parse_reference(f"{host}/app:1")
    async with RegistryClient([config]) as client:
        blob = await client.push_blob(image, EMPTY_BLOB)
        body = render_manifest(Manifest(config=Descriptor(OCI_CONFIG, blob.digest, blob.size)))
        await client.push_manifest(image, body, OCI_MANIFEST, tag=image.tag)
    return image


@pytest.fixture
async def image(tmp_path: Path) -> AsyncIterator[ImageReference]:
    """In a registry that nobody reads without a password."""
    users = tmp_path / "users"
    hashing = [sys.executable, "-m", "tidegate.registry", "hash-password", "ada"]
    hashed = await asyncio.to_thread(
        subprocess.run, hashing, input=b"right", capture_output=True, check=True
    )
    users.write_bytes(hashed.stdout)
    settings = (f"USERS_FILE={users}", "ANONYMOUS_PULL=false")
    folder = tmp_path / "registry"
    with embedded_registry(folder, *(f"TIDEGATE_REGISTRY_{each}" for each in settings)) as host:
        yield await push(host)


@pytest.fixture
async def kubeconfig(
    cluster: LocalCluster, kubectl: Kubectl, tmp_path: Path
) -> AsyncIterator[Path]:
    """The gate's own account, which may get one Secret."""
    await install(cluster, [NAME])
    path = tmp_path / "kubeconfig"
    await write_account_kubeconfig(cluster, "tidegate-gate", path)
    try:
        yield path
    finally:
        await install(cluster)
        for name in (NAME, OTHER):
            delete = ("-n", "tidegate", "delete", "secret", name, "--ignore-not-found")
            await asyncio.to_thread(kubectl, *delete)


async def sources_of(
    stack: AsyncExitStack, folder: Path, kubeconfig: Path, host: str, name: str
) -> Sources:
    """Return what a gate with this pull secret in its trust.yaml decides by."""
    pem = "".join(f"    {line}\n" for line in public_pem(generate_key()).decode().splitlines())
    trust = folder / "trust.yaml"
    trust.write_text(
        f"keys:\n- name: scan\n  publicKey: |\n{pem}registries:\n"
        f"- {{host: '{host}', plainHttp: true, allowPrivate: true, pullSecret: {name}}}\n"
    )
    data = folder / "gate"
    data.mkdir(exist_ok=True)
    settings = Settings(
        tls_cert_file=folder / "none", tls_key_file=folder / "none",
        data_dir=data, trust_file=trust, kubeconfig=kubeconfig,
    )  # fmt: skip
    return await open_sources(settings, stack, lambda: datetime.now(UTC))


async def evidence(sources: Sources, image: ImageReference) -> object:
    found = await sources.evidence.gather([image], now=datetime.now(UTC), budget_s=20)
    return found[image].platforms[0].evidence


async def test_a_gate_reads_by_the_pull_secret_that_trust_yaml_names(
    kubectl: Kubectl, kubeconfig: Path, image: ImageReference, tmp_path: Path
) -> None:
    await apply(kubectl, secret(NAME, image.registry, "wrong"))
    async with AsyncExitStack() as stack:
        sources = await sources_of(stack, tmp_path, kubeconfig, image.registry, NAME)
        refused = await evidence(sources, image)
        assert isinstance(refused, Unavailable), refused
        # The Secret is rotated: the registry's next refusal has it read again.
        await apply(kubectl, secret(NAME, image.registry, "right"))
        assert await evidence(sources, image) == Missing(MissingReason.NO_REPORT)


async def test_t15_a_secret_that_the_gate_may_not_get_makes_its_registry_unavailable(
    kubectl: Kubectl, kubeconfig: Path, image: ImageReference, tmp_path: Path
) -> None:
    await apply(kubectl, secret(OTHER, image.registry, "right"))
    async with AsyncExitStack() as stack:
        sources = await sources_of(stack, tmp_path, kubeconfig, image.registry, OTHER)
        found = await evidence(sources, image)
    assert isinstance(found, Unavailable), found
    assert found.reason is UnavailableReason.REGISTRY


async def test_t15_of_the_secrets_the_account_gets_the_named_one_alone(
    kubectl: Kubectl, kubeconfig: Path
) -> None:
    for name in (NAME, OTHER):
        await apply(kubectl, secret(name, "r.example", "x"))
    client = connect(kubeconfig, "test")
    try:
        read = Secrets(client, "tidegate")
        assert list(await read(NAME) or ()) == [".dockerconfigjson"]
        assert await read(OTHER) is None
        assert await read("no-such") is None
    finally:
        await client.aclose()
    user = "--as=system:serviceaccount:tidegate:tidegate-gate"
    for question in (
        ("list", "secrets", "-n", "tidegate"),
        ("watch", "secrets", "-n", "tidegate"),
        ("get", f"secrets/{NAME}", "-n", "default"),
        ("update", f"secrets/{NAME}", "-n", "tidegate"),
    ):
        said = await asyncio.to_thread(kubectl, "auth", "can-i", *question, user)
        assert said.stdout.strip() == "no", question
