"""Attach and read evidence on real registries: with the referrers API and without."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.registries import REGISTRIES, started
from tidegate.domain.evidence import (
    Missing,
    MissingReason,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.finding import Finding
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.severity import Severity
from tidegate.evidence.cache import EvidenceCache
from tidegate.evidence.gather import Gatherer
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import ReportMemory
from tidegate.evidence.trust_file import TrustFile, registry_configs
from tidegate.evidence.verify_image import verify_image
from tidegate.oci.client import RegistryClient
from tidegate.scan.attach import attach_report, restore_attachment
from tidegate.scan.attest import attach_attestation
from tidegate.scan.prune import prune_reports
from tidegate.testing.evidence_world import NOON, finding, statement
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import PrivateKey, generate_key, public_pem
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_CONFIG,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)
from tidegate.wire.statement_v1 import MEDIA_TYPE, PREDICATE_TYPE, render_statement

pytestmark = pytest.mark.integration

COSIGN = os.environ.get("TIDEGATE_COSIGN") or shutil.which("cosign")
COSIGN_FLAGS = ("--insecure-ignore-tlog=true", "--allow-http-registry")


@pytest.fixture(scope="module", params=REGISTRIES)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(request.param, tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def key() -> PrivateKey:
    return generate_key()


@pytest.fixture
def trust(host: str, key: PrivateKey, tmp_path: Path) -> TrustConfiguration:
    lines = "\n".join(f"    {line}" for line in public_pem(key).decode().splitlines())
    path = tmp_path / "trust.yaml"
    path.write_text(
        f"keys:\n- name: scan\n  publicKey: |\n{lines}\n"
        f"registries:\n- {{host: '{host}', plainHttp: true, allowPrivate: true}}\n"
    )
    return TrustFile(path).current()


@pytest.fixture
async def client(trust: TrustConfiguration) -> AsyncIterator[RegistryClient]:
    async with RegistryClient(registry_configs(trust)) as client:
        yield client


@pytest.fixture
def image(host: str, request: pytest.FixtureRequest) -> ImageReference:
    """A repository of each test's own."""
    name = request.node.originalname.replace("_", "-").removeprefix("test-")
    return parse_reference(f"{host}/evidence/{name}:1")


async def push(client: RegistryClient, image: ImageReference) -> Descriptor:
    config = await client.push_blob(image, EMPTY_BLOB)
    body = render_manifest(Manifest(config=Descriptor(OCI_CONFIG, config.digest, config.size)))
    pushed = await client.push_manifest(image, body, OCI_MANIFEST, tag=image.tag)
    return Descriptor(OCI_MANIFEST, pushed.digest, len(body))


def body_of(subject: Descriptor, *findings: Finding, minutes: int = 0) -> bytes:
    at = NOON + timedelta(minutes=minutes)
    return render_statement(statement(subject.digest, findings, at=at))


async def gather(
    client: RegistryClient,
    trust: TrustConfiguration,
    image: ImageReference,
    memory: ReportMemory | None = None,
) -> Report | Missing | Unavailable:
    limits = EvidenceLimits()
    gatherer = Gatherer(client, lambda: trust, memory or ReportMemory(), EvidenceCache(limits))
    now = NOON + timedelta(hours=1)
    try:
        found = await gatherer.gather([image], now=now, budget_s=5)
    finally:
        await gatherer.aclose()
    return found[image].platforms[0].evidence


async def test_an_attached_report_is_gathered(
    client: RegistryClient, trust: TrustConfiguration, image: ImageReference, key: PrivateKey
) -> None:
    subject = await push(client, image)
    assert await gather(client, trust, image) == Missing(MissingReason.NO_REPORT)
    worst = finding("CVE-2022-42004", Severity.CRITICAL)
    attached = await attach_report(client, image, body_of(subject, worst), key, subject=subject)
    for reference in (image, image.at(subject.digest)):
        report = await gather(client, trust, reference)
        assert isinstance(report, Report)
        assert report.findings == (worst,)
        assert report.sources[0].artifact == attached.artifact
    again = await attach_report(client, image, body_of(subject, worst), key, subject=subject)
    assert again == attached
    assert not await restore_attachment(client, image, attached, subject.digest)


async def test_t01_a_strangers_report_is_named_and_does_not_count(
    client: RegistryClient, trust: TrustConfiguration, image: ImageReference
) -> None:
    subject = await push(client, image)
    await attach_report(client, image, body_of(subject), generate_key(), subject=subject)
    missing = await gather(client, trust, image)
    assert isinstance(missing, Missing)
    assert missing.reason is MissingReason.UNVERIFIABLE
    checks = await verify_image(client, trust, image, NOON)
    assert "not signed by an evidence key" in str(checks.platforms[0].found.refused[0])


async def test_t04_a_deleted_newer_report_is_missed_after_a_restart(
    client: RegistryClient,
    trust: TrustConfiguration,
    image: ImageReference,
    key: PrivateKey,
    tmp_path: Path,
) -> None:
    subject = await push(client, image)
    await attach_report(client, image, body_of(subject, minutes=-60), key, subject=subject)
    bad = body_of(subject, finding("CVE-1"))
    newer = await attach_report(client, image, bad, key, subject=subject)
    path = tmp_path / "memory.jsonl"
    assert isinstance(await gather(client, trust, image, ReportMemory(path)), Report)
    assert await client.delete_manifest(image, newer.artifact)
    evidence = await gather(client, trust, image, ReportMemory(path))
    assert isinstance(evidence, Unavailable)
    assert evidence.reason is UnavailableReason.UNREADABLE


async def test_t18_concurrent_writers_of_ours_lose_nothing(
    client: RegistryClient, trust: TrustConfiguration, image: ImageReference, key: PrivateKey
) -> None:
    subject = await push(client, image)
    bodies = [body_of(subject, minutes=-n) for n in range(7)]
    attached = await asyncio.gather(
        *(attach_report(client, image, body, key, subject=subject) for body in bodies)
    )
    listed = await client.list_referrers(image, subject.digest, MEDIA_TYPE)
    assert {a.artifact for a in attached} <= {entry.digest for entry in listed.descriptors}
    checks = await verify_image(client, trust, image, NOON)
    assert len(checks.platforms[0].found.verified) == 7
    pruned = await prune_reports(client, image, subject.digest, key)
    assert set(pruned.deleted) == {a.artifact for a in attached[5:]}
    checks = await verify_image(client, trust, image, NOON)
    assert len(checks.platforms[0].found.verified) == 5
    assert not checks.platforms[0].found.refused


async def test_t01_a_stored_manifest_of_a_foreign_kind_is_no_obstacle(
    client: RegistryClient, trust: TrustConfiguration, image: ImageReference, key: PrivateKey
) -> None:
    subject = await push(client, image)
    attached = await attach_report(client, image, body_of(subject), key, subject=subject)
    # Whoever may push takes the signature tag for the image itself.
    fetched = await client.fetch_manifest(image)
    assert fetched is not None
    tag = attached.artifact.replace(":", "-") + ".sig"
    await client.push_manifest(image, fetched.body, OCI_MANIFEST, tag=tag)
    assert isinstance(await gather(client, trust, image), Report)


@pytest.mark.skipif(COSIGN is None, reason="LOUD: no cosign on PATH or in TIDEGATE_COSIGN")
async def test_stock_cosign_verifies_signature_and_attestation(
    client: RegistryClient, image: ImageReference, key: PrivateKey, tmp_path: Path
) -> None:
    subject = await push(client, image)
    body = body_of(subject, finding("CVE-1"))
    attached = await attach_report(client, image, body, key, subject=subject)
    await attach_attestation(client, image, body, key, subject=subject)
    (tmp_path / "key.pub").write_bytes(public_pem(key))
    (tmp_path / "other.pub").write_bytes(public_pem(generate_key()))

    async def cosign(*words: str, public_key: str = "key.pub") -> int:
        command = [str(COSIGN), *words[:-1], "--key", public_key, *COSIGN_FLAGS, words[-1]]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=tmp_path, capture_output=True, timeout=60, check=False
        )
        return done.returncode

    artifact = str(image.at(attached.artifact))
    assert await cosign("verify", artifact) == 0
    assert await cosign("verify", artifact, public_key="other.pub") != 0
    on_image = str(image.at(subject.digest))
    assert await cosign("verify-attestation", "--type", PREDICATE_TYPE, on_image) == 0
    assert await cosign("verify", on_image) != 0  # findings are no signature of the image
