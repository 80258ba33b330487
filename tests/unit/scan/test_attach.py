import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import (
    MalformedStatementError,
    RegistryUnavailableError,
    SubjectMismatchError,
)
from tidegate.domain.evidence import Report
from tidegate.evidence.signatures import signature_tag
from tidegate.scan.attach import attach_report, restore_attachment
from tidegate.scan.prune import prune_reports
from tidegate.testing.evidence_world import (
    NOON,
    EvidenceWorld,
    finding,
    statement,
)
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.keys import generate_key
from tidegate.wire.oci_v1 import Descriptor
from tidegate.wire.statement_v1 import MEDIA_TYPE, render_statement

EMPTY = {
    "mediaType": "application/vnd.oci.empty.v1+json",
    "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "size": 2,
}


@pytest.fixture(params=["api", "tag"])
def world(request: pytest.FixtureRequest) -> Iterator[EvidenceWorld]:
    """A world on a registry with the referrers API, and on one with the fallback tag."""
    return EvidenceWorld(MemoryRegistry(has_referrers_api=request.param == "api"))


async def test_the_artifact_has_the_form_of_the_reference(world: EvidenceWorld) -> None:
    image = world.push_image()
    body = render_statement(statement(image.digest, [finding("CVE-1")]))
    attached = await attach_report(world.registry, world.repository, body, world.key, subject=image)
    described = {
        "in-toto.io/predicate-type": "https://in-toto.io/attestation/vulns/v0.2",
        "report-type": "SoftwareInventoryAssessment",
        "scanner": "Tidegate",
    }
    assert json.loads(world.registry.manifests[attached.artifact][0]) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.in-toto+json",
        "config": EMPTY,
        "layers": [
            {
                "mediaType": "application/vnd.in-toto+json",
                "digest": digest_of(body),
                "size": len(body),
                "annotations": described,
            }
        ],
        "subject": {
            "mediaType": image.media_type,
            "digest": image.digest,
            "size": image.size,
        },
        "annotations": {
            **described,
            "org.opencontainers.image.created": "2026-11-23T12:00:00Z",
        },
    }


async def test_the_signature_is_a_referrer_of_the_artifact_and_at_cosigns_tag(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    signature = json.loads(world.registry.manifests[attached.signature][0])
    assert signature["artifactType"] == "application/vnd.dev.cosign.artifact.sig.v1+json"
    assert signature["config"] == EMPTY
    assert signature["subject"]["digest"] == attached.artifact
    assert signature["subject"]["size"] == len(world.registry.manifests[attached.artifact][0])
    tag = "sha256-" + attached.artifact.removeprefix("sha256:") + ".sig"
    assert world.registry.tags[tag] == attached.signature
    listed = await world.registry.list_referrers(world.repository, attached.artifact)
    assert [entry.digest for entry in listed.descriptors] == [attached.signature]


async def test_attaching_again_adds_nothing(world: EvidenceWorld) -> None:
    image = world.push_image()
    first = await world.attach(image)
    before = dict(world.registry.manifests)
    assert await world.attach(image) == first
    assert world.registry.manifests == before


async def test_nothing_signed_is_put_on_the_image_itself(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    listed = await world.registry.list_referrers(world.repository, image.digest)
    assert [entry.digest for entry in listed.descriptors] == [attached.artifact]
    assert signature_tag(image.digest) not in world.registry.tags


async def test_a_foreign_signature_at_the_tag_is_kept(world: EvidenceWorld) -> None:
    image, foreign = world.push_image(), generate_key()
    first = await world.attach(image, key=foreign)
    second = await world.attach(image)
    assert first.artifact == second.artifact
    layers = json.loads(world.registry.manifests[second.signature][0])["layers"]
    assert len(layers) == 2
    for key in (world.key, foreign):
        other = EvidenceWorld(world.registry, key=key)
        assert isinstance(await other.read(image), Report)


async def test_a_signature_whose_subject_cosign_dropped_is_a_referrer_again(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    document = json.loads(world.registry.manifests.pop(attached.signature)[0])
    del document["subject"]
    del document["artifactType"]
    world.registry.put_manifest(
        json.dumps(document).encode(),
        document["mediaType"],
        tag=signature_tag(attached.artifact),
    )
    again = await world.attach(image)
    listed = await world.registry.list_referrers(world.repository, attached.artifact)
    assert again.signature in {entry.digest for entry in listed.descriptors}


async def test_a_statement_about_another_image_is_not_attached(world: EvidenceWorld) -> None:
    image, other = world.push_image(), world.push_image("other")
    body = render_statement(statement(other.digest))
    with pytest.raises(SubjectMismatchError):
        await attach_report(world.registry, world.repository, body, world.key, subject=image)
    with pytest.raises(MalformedStatementError):
        await attach_report(world.registry, world.repository, b"{}", world.key, subject=image)


async def test_a_crash_between_signature_and_artifact_shows_no_unsigned_report(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    body = render_statement(statement(image.digest))
    world.registry.fail_on("push", RegistryUnavailableError("down"))
    with pytest.raises(RegistryUnavailableError):
        await attach_report(world.registry, world.repository, body, world.key, subject=image)
    listed = await world.registry.list_referrers(world.repository, image.digest, MEDIA_TYPE)
    assert not listed.descriptors


async def test_t18_writers_of_ours_lose_nothing(world: EvidenceWorld) -> None:
    image = world.push_image()
    world.registry.delay_s = 0.001
    attached = await asyncio.gather(
        *(world.attach(image, at=NOON - timedelta(minutes=n)) for n in range(8))
    )
    listed = await world.registry.list_referrers(world.repository, image.digest)
    assert {a.artifact for a in attached} == {entry.digest for entry in listed.descriptors}


async def test_t18_what_a_foreign_writer_lost_is_added_again(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    assert not await restore_attachment(world.registry, world.repository, attached, image.digest)
    del world.registry.tags[signature_tag(attached.artifact)]
    world.registry.tags.pop(image.digest.replace(":", "-"), None)
    assert await restore_attachment(world.registry, world.repository, attached, image.digest)
    assert isinstance(await world.read(image), Report)
    assert not await restore_attachment(world.registry, world.repository, attached, image.digest)


async def test_a_lost_artifact_is_said_to_be_lost(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    world.registry.manifests.pop(attached.artifact)
    world.registry.tags.pop(image.digest.replace(":", "-"), None)
    with pytest.raises(RegistryUnavailableError, match="attach the report again"):
        await restore_attachment(world.registry, world.repository, attached, image.digest)


async def test_the_last_five_reports_are_kept(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = [await world.attach(image, at=NOON - timedelta(minutes=n)) for n in range(7)]
    foreign = await world.attach(image, at=NOON - timedelta(days=9), key=generate_key())
    other = await world.attach(image, at=NOON - timedelta(days=9), scanner="Trivy")
    pruned = await prune_reports(world.registry, world.repository, image.digest, world.key)
    assert set(pruned.deleted) == {a.artifact for a in attached[5:]}
    assert not pruned.failed
    for gone in attached[5:]:
        assert gone.artifact not in world.registry.manifests
        assert gone.signature not in world.registry.manifests
    listed = await world.registry.list_referrers(world.repository, image.digest)
    kept = {a.artifact for a in (*attached[:5], foreign, other)}
    assert {entry.digest for entry in listed.descriptors} == kept


async def test_a_registry_that_does_not_delete_is_told_of(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = [await world.attach(image, at=NOON - timedelta(minutes=n)) for n in range(6)]
    name = f"delete:{attached[5].artifact}"
    world.registry.fail_on(name, RegistryUnavailableError("HTTP 405"))
    pruned = await prune_reports(world.registry, world.repository, image.digest, world.key)
    assert pruned.deleted == ()
    assert pruned.failed == ("HTTP 405",)


async def test_what_an_index_says_of_a_platform_does_not_enter_the_artifact(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    listed = Descriptor(
        image.media_type, image.digest, image.size, annotations={"from": "an index"}
    )
    assert await world.attach(image) == await world.attach(listed)
