"""Cosign attestations beside reports: ours is added, others' stay, and an older one of ours goes."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tidegate.domain.digest import Digest
from tidegate.domain.errors import RegistryUnavailableError, SubjectMismatchError
from tidegate.evidence.attestations import attestation_tag
from tidegate.scan import attest
from tidegate.scan.attest import attach_attestation, attach_envelope
from tidegate.scan.pipeline import PlatformScan
from tidegate.scan.publish import Publisher
from tidegate.testing.evidence_world import NOON, EvidenceWorld, evidence_key, finding, statement
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.dsse import verify_envelope
from tidegate.trust.keys import SigningKey, generate_key
from tidegate.wire.oci_v1 import Descriptor
from tidegate.wire.statement_v1 import MEDIA_TYPE, PREDICATE_TYPE, render_statement

DAY = timedelta(days=1)


@pytest.fixture(params=["api", "tag"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[EvidenceWorld]:
    made = EvidenceWorld(MemoryRegistry(has_referrers_api=request.param == "api"))
    yield made
    await made.gatherer.aclose()


def layers(world: EvidenceWorld, image: Descriptor) -> list[dict[str, object]]:
    body, _ = world.registry.manifests[world.registry.tags[attestation_tag(image.digest)]]
    found: list[dict[str, object]] = json.loads(body)["layers"]
    return found


def said(world: EvidenceWorld, image: Descriptor) -> list[bytes]:
    """Return the statements at the tag, in order, whoever signed them."""
    envelopes = [world.registry.blobs[Digest(str(each["digest"]))] for each in layers(world, image)]
    return [base64.b64decode(json.loads(each)["payload"]) for each in envelopes]


def report(image: Descriptor, *, day: int = 0, scanner: str = "Tidegate") -> bytes:
    made = statement(image.digest, [finding("CVE-1")], at=NOON + day * DAY, scanner=scanner)
    return render_statement(made)


async def add(world: EvidenceWorld, image: Descriptor, body: bytes, key: SigningKey) -> bool:
    return await attach_attestation(world.registry, world.repository, body, key, subject=image)


async def test_ours_is_appended_to_those_of_others(world: EvidenceWorld) -> None:
    image, foreign = world.push_image(), generate_key()
    assert await add(world, image, report(image), foreign)
    assert await add(world, image, report(image, day=1), world.key)
    assert said(world, image) == [report(image), report(image, day=1)]
    ours = layers(world, image)[1]
    assert ours["annotations"] == {
        "dev.cosignproject.cosign/signature": "",
        "predicateType": PREDICATE_TYPE,
    }
    envelope = world.registry.blobs[Digest(str(ours["digest"]))]
    payload, _ = verify_envelope((evidence_key(world.key),), envelope, MEDIA_TYPE)
    assert payload == report(image, day=1)


async def test_a_newer_one_takes_the_place_of_our_older_one_alone(world: EvidenceWorld) -> None:
    image, foreign = world.push_image(), generate_key()
    other = report(image, scanner="Other")
    await add(world, image, report(image), world.key)
    await add(world, image, report(image), foreign)
    await add(world, image, other, world.key)
    await attach_envelope(
        world.registry, world.repository, b"{}", "https://vex", world.key, subject=image
    )
    assert await add(world, image, report(image, day=1), world.key)
    assert said(world, image) == [report(image), other, b"{}", report(image, day=1)]


async def test_what_stands_there_is_not_added_again(world: EvidenceWorld) -> None:
    image = world.push_image()
    assert await add(world, image, report(image), world.key)
    before = world.registry.tags[attestation_tag(image.digest)]
    assert not await add(world, image, report(image), world.key)
    assert world.registry.tags[attestation_tag(image.digest)] == before


async def test_an_attestation_refers_to_nothing(world: EvidenceWorld) -> None:
    image = world.push_image()
    await add(world, image, report(image), world.key)
    listed = await world.registry.list_referrers(world.repository, image.digest)
    assert listed.descriptors == ()


async def test_damaged_ones_and_a_flood_of_others_are_left_alone(
    world: EvidenceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attest, "MAX_OPENED", 3)
    image, foreign = world.push_image(), generate_key()
    await add(world, image, report(image), world.key)
    for number in range(4):
        await add(world, image, report(image, day=number), foreign)
        await add(world, image, report(image, scanner=f"S{number}"), foreign)
    damaged = Digest(str(layers(world, image)[-1]["digest"]))
    world.registry.blobs[damaged] = b"{"
    count = len(layers(world, image))
    assert await add(world, image, report(image, day=9), world.key)
    # The oldest of ours is beyond what is looked into: it stays, and nothing of others went.
    assert len(layers(world, image)) == count + 1


async def test_a_statement_about_another_image_is_not_attested(world: EvidenceWorld) -> None:
    image, other = world.push_image(), world.push_image("other")
    with pytest.raises(SubjectMismatchError):
        await add(world, image, report(other), world.key)
    assert attestation_tag(image.digest) not in world.registry.tags


class Published:
    """A publisher that attests, and its image."""

    def __init__(self, world: EvidenceWorld, *, attestation: bool) -> None:
        self.world, self.image = world, world.push_image()
        self.publisher = Publisher(world.registry, world.key, 182 * DAY, attestation=attestation)

    async def scan(self, *findings: str, day: int = 0) -> Digest:
        made = statement(self.image.digest, [finding(f) for f in findings], at=NOON + day * DAY)
        scan = PlatformScan(self.image, "", made, refused=(), cpu_s=0.0, max_rss_bytes=0)
        return (await self.publisher.publish(self.world.repository, scan)).artifact

    def artifact(self, digest: Digest) -> bytes:
        body, _ = self.world.registry.manifests[digest]
        return self.world.registry.blobs[Digest(json.loads(body)["layers"][0]["digest"])]


@pytest.fixture
async def published(world: EvidenceWorld) -> AsyncIterator[Published]:
    made = Published(world, attestation=True)
    yield made
    await made.publisher.aclose()


async def test_a_worker_that_is_told_to_attests_each_report_and_keeps_one(
    world: EvidenceWorld, published: Published
) -> None:
    first = await published.scan("CVE-1")
    assert said(world, published.image) == [published.artifact(first)]
    assert await published.scan("CVE-1", day=1) == first
    assert said(world, published.image) == [published.artifact(first)]
    second = await published.scan("CVE-1", "CVE-2", day=2)
    assert said(world, published.image) == [published.artifact(second)]


async def test_an_attestation_that_was_lost_comes_back_at_the_next_scan(
    world: EvidenceWorld, published: Published
) -> None:
    first = await published.scan("CVE-1")
    del world.registry.tags[attestation_tag(published.image.digest)]
    await published.scan("CVE-1", day=1)
    assert said(world, published.image) == [published.artifact(first)]


async def test_a_report_stands_where_its_attestation_fails(
    world: EvidenceWorld, published: Published
) -> None:
    tag = attestation_tag(published.image.digest)
    world.registry.fail_on(tag, RegistryUnavailableError("down"))
    artifact = await published.scan("CVE-1")
    assert artifact in world.registry.manifests
    assert tag not in world.registry.tags


async def test_a_worker_attests_nothing_unless_told_to(world: EvidenceWorld) -> None:
    silent = Published(world, attestation=False)
    await silent.scan("CVE-1")
    assert attestation_tag(silent.image.digest) not in world.registry.tags
    await silent.publisher.aclose()
