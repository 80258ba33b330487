"""What the hub is told of a manifest: read from a registry in which anybody may push."""

from datetime import UTC, datetime

import pytest

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import InvalidManifestError, RegistryUnavailableError
from tidegate.domain.evidence import Coverage
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.local.images import build_demo_images
from tidegate.scan import detail
from tidegate.scan.attach import attach_report
from tidegate.scan.detail import read_detail
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.configuration import EvidenceKey
from tidegate.trust.keys import PrivateKey, fingerprint, generate_key
from tidegate.wire.hub_data_v1 import DetailUploadV1
from tidegate.wire.oci_v1 import OCI_MANIFEST, Descriptor, Manifest, render_manifest
from tidegate.wire.statement_v1 import ScannerIdentity, Statement, render_statement

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OWN, FOREIGN = generate_key(), generate_key()
HOSTILE = "<script>\u202e\x1b[31m"


def named(name: str, key: PrivateKey) -> EvidenceKey:
    return EvidenceKey(name, key.public_key(), fingerprint(key))


KEYS = (named("evidence", OWN),)


@pytest.fixture
def registry() -> MemoryRegistry:
    (image,) = [i for i in build_demo_images() if i.tag == "clean"]
    made = MemoryRegistry(host="registry.example")
    for blob in image.blobs.values():
        made.put_blob(blob)
    made.put_manifest(*image.manifests[0])
    return made


@pytest.fixture
def reference(registry: MemoryRegistry) -> ImageReference:
    (digest,) = registry.manifests
    return parse_reference(f"registry.example/demo/app@{digest}")


async def attach(registry: MemoryRegistry, reference: ImageReference, key: PrivateKey) -> Digest:
    assert reference.digest is not None
    body, media_type = registry.manifests[reference.digest]
    statement = Statement(
        reference.digest, (), Coverage(()), ScannerIdentity("Tidegate", "1"), NOW, NOW
    )
    subject = Descriptor(media_type, reference.digest, len(body))
    attached = await attach_report(
        registry, reference, render_statement(statement), key, subject=subject
    )
    return attached.artifact


async def read(registry: MemoryRegistry, reference: ImageReference) -> DetailUploadV1:
    return await read_detail(registry, reference, "linux/amd64", KEYS)


def refer(registry: MemoryRegistry, subject: Digest, note: str) -> Digest:
    body = render_manifest(
        Manifest(
            artifact_type="application/x",
            config=Descriptor("application/vnd.oci.empty.v1+json", digest_of(b"{}"), 2),
            subject=Descriptor(OCI_MANIFEST, subject, 1),
            annotations={"note": note},
        )
    )
    return registry.put_manifest(body, OCI_MANIFEST)


async def test_manifest_and_config_are_as_the_registry_has_them(
    registry: MemoryRegistry, reference: ImageReference
) -> None:
    told = await read(registry, reference)
    assert digest_of(told.manifest.encode()) == told.digest == reference.digest
    assert told.config is not None
    assert (told.config.os, told.config.architecture) == ("linux", "amd64")
    assert told.config.layers
    assert told.referrers == []


async def test_an_artifact_shows_who_signed_it_and_its_signature_below_it(
    registry: MemoryRegistry, reference: ImageReference
) -> None:
    artifact = await attach(registry, reference, OWN)
    (told,) = (await read(registry, reference)).referrers
    assert (told.digest, told.kind, told.verified_by) == (artifact, "artifact", ["evidence"])
    assert told.created_at == "2026-11-23T09:00:00Z"
    (signature,) = told.referrers
    assert (signature.kind, signature.verified_by) == ("signature", ["evidence"])
    for node in (told, signature):
        assert node.manifest.encode() == registry.manifests[Digest(node.digest)][0]


async def test_manifests_of_referrers_are_told_as_far_as_the_hub_takes_them(
    registry: MemoryRegistry, reference: ImageReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reference.digest is not None
    short = [refer(registry, reference.digest, str(number)) for number in range(3)]
    long = refer(registry, reference.digest, "x" * 1000)
    size = len(registry.manifests[short[0]][0])
    monkeypatch.setattr(detail, "MAX_REFERRER_MANIFEST_CHARS", size)
    monkeypatch.setattr(detail, "MAX_REFERRER_MANIFESTS_CHARS", 2 * size)
    told = {node.digest: node for node in (await read(registry, reference)).referrers}
    assert sum(told[digest].manifest != "" for digest in short) == 2
    assert (told[long].manifest, told[long].annotations["note"]) == ("", "x" * 1000)


async def test_t01_a_signature_by_another_key_verifies_nothing(
    registry: MemoryRegistry, reference: ImageReference
) -> None:
    await attach(registry, reference, FOREIGN)
    (told,) = (await read(registry, reference)).referrers
    assert (told.kind, told.verified_by, told.referrers[0].verified_by) == ("artifact", [], [])


async def test_t02_of_a_flood_of_referrers_some_are_read_and_the_rest_is_named(
    registry: MemoryRegistry, reference: ImageReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detail, "MAX_OPENED", 5)
    assert reference.digest is not None
    for number in range(9):
        refer(registry, reference.digest, str(number))
    told = (await read(registry, reference)).referrers
    assert len(told) == 6
    assert "more than 5 referrers" in told[-1].note


async def test_what_cannot_be_read_is_named(
    registry: MemoryRegistry, reference: ImageReference
) -> None:
    assert reference.digest is not None
    broken = refer(registry, reference.digest, "broken")
    fine = refer(registry, reference.digest, HOSTILE * 1000)
    registry.fail_on(broken, RegistryUnavailableError("down"))
    told = {node.digest: node for node in (await read(registry, reference)).referrers}
    assert "down" in told[broken].note
    assert told[fine].kind == "other"
    assert told[fine].annotations["note"] == (HOSTILE * 1000)[:4096]


async def test_referrers_that_cannot_be_listed_are_no_empty_list(
    registry: MemoryRegistry, reference: ImageReference
) -> None:
    registry.fail_on(f"referrers:{reference.digest}", RegistryUnavailableError("down"))
    (told,) = (await read(registry, reference)).referrers
    assert (told.digest, "could not be listed" in told.note) == ("", True)


async def test_a_manifest_that_went_away_is_an_error(registry: MemoryRegistry) -> None:
    gone = parse_reference(f"registry.example/demo/app@{digest_of(b'gone')}")
    with pytest.raises(InvalidManifestError, match="not in the registry any more"):
        await read(registry, gone)
