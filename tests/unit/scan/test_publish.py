"""A report is attached where it says something new or the last one ages; else the last one stays."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tidegate.domain.digest import Digest
from tidegate.domain.errors import ContentMismatchError, RegistryUnavailableError
from tidegate.domain.evidence import Coverage, EcosystemCoverage, Report
from tidegate.domain.finding import Finding
from tidegate.domain.reference import ImageReference
from tidegate.domain.severity import Severity
from tidegate.evidence.signatures import signature_tag
from tidegate.scan import publish
from tidegate.scan.pipeline import PlatformScan
from tidegate.scan.publish import Known, Published, Publisher
from tidegate.testing.evidence_world import NOON, EvidenceWorld, finding, statement
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.keys import generate_key
from tidegate.wire.oci_v1 import Descriptor

DAY = timedelta(days=1)
RENEW_AFTER = 182 * DAY
FOUND = (finding("CVE-2022-42004", Severity.CRITICAL),)


@pytest.fixture(params=["api", "tag"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[EvidenceWorld]:
    world = EvidenceWorld(MemoryRegistry(has_referrers_api=request.param == "api"))
    yield world
    await world.gatherer.aclose()


@pytest.fixture
async def publisher(world: EvidenceWorld) -> AsyncIterator[Publisher]:
    publisher = Publisher(world.registry, world.key, RENEW_AFTER)
    yield publisher
    await publisher.aclose()


def scan(
    subject: Descriptor,
    findings: tuple[Finding, ...] = FOUND,
    *,
    at: datetime = NOON,
    coverage: Coverage | None = None,
) -> PlatformScan:
    made = statement(subject.digest, findings, at=at)
    made = made if coverage is None else replace(made, coverage=coverage)
    return PlatformScan(subject, "linux/amd64", made, refused=(), cpu_s=0.0, max_rss_bytes=0)


async def attach(
    publisher: Publisher, reference: ImageReference, scan: PlatformScan, known: Known | None = None
) -> Digest:
    return (await publisher.publish(reference, scan, known or Known())).artifact


async def test_the_same_findings_attach_nothing_new(
    world: EvidenceWorld, publisher: Publisher
) -> None:
    image = world.push_image()
    first = await attach(publisher, world.repository, scan(image))
    before = dict(world.registry.manifests)
    # The advisories are a day younger, which alone says nothing new about the image.
    assert await attach(publisher, world.repository, scan(image, at=NOON + DAY)) == first
    assert world.registry.manifests == before


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda image: scan(image, (), at=NOON + DAY), id="a-finding-less"),
        pytest.param(
            lambda image: scan(image, (*FOUND, finding("CVE-2")), at=NOON + DAY), id="one-more"
        ),
        pytest.param(
            lambda image: scan(image, (replace(FOUND[0], severity=Severity.LOW),), at=NOON + DAY),
            id="another-severity",
        ),
        pytest.param(
            lambda image: scan(image, (replace(FOUND[0], fixed_version="9"),), at=NOON + DAY),
            id="another-fix",
        ),
        pytest.param(
            lambda image: scan(
                image,
                at=NOON + DAY,
                coverage=Coverage((EcosystemCoverage("PyPI", 2, "demo set", NOON),)),
            ),
            id="more-packages",
        ),
        pytest.param(
            lambda image: scan(
                image,
                at=NOON + DAY,
                coverage=Coverage((EcosystemCoverage("PyPI", 1, "demo set", NOON),), ("a.jar",)),
            ),
            id="something-not-understood",
        ),
        pytest.param(lambda image: scan(image, at=NOON + RENEW_AFTER), id="the-last-one-is-old"),
    ],
)
async def test_what_is_new_is_attached(
    world: EvidenceWorld, publisher: Publisher, changed: Callable[[Descriptor], PlatformScan]
) -> None:
    image = world.push_image()
    first = await attach(publisher, world.repository, scan(image))
    wanted = changed(image)
    second = await attach(publisher, world.repository, wanted)
    assert second != first
    evidence = await world.read(image, now=wanted.statement.finished_at)
    assert isinstance(evidence, Report)
    assert evidence.sources[0].artifact == second


async def test_findings_that_came_back_are_attached_again(
    world: EvidenceWorld, publisher: Publisher
) -> None:
    # The oldest report says the same, but it is not the newest.
    image = world.push_image()
    first = await attach(publisher, world.repository, scan(image))
    second = await attach(publisher, world.repository, scan(image, (), at=NOON + DAY))
    third = await attach(publisher, world.repository, scan(image, at=NOON + 2 * DAY))
    assert len({first, second, third}) == 3


async def test_t01_a_report_that_another_key_signed_is_not_taken_for_ours(
    world: EvidenceWorld, publisher: Publisher
) -> None:
    image = world.push_image()
    foreign = await world.attach(image, FOUND, key=generate_key())
    ours = await attach(publisher, world.repository, scan(image, at=NOON + DAY))
    assert ours != foreign.artifact
    assert isinstance(await world.read(image, now=NOON + DAY), Report)


async def test_another_scanners_report_is_not_taken_for_ours(
    world: EvidenceWorld, publisher: Publisher
) -> None:
    image = world.push_image()
    other = await world.attach(image, FOUND, scanner="Other")
    assert await attach(publisher, world.repository, scan(image)) != other.artifact


async def test_a_report_that_cannot_be_compared_is_attached_anew(
    world: EvidenceWorld, publisher: Publisher
) -> None:
    image = world.push_image()
    first = await attach(publisher, world.repository, scan(image))
    world.registry.fail_on(first, RegistryUnavailableError("down"))
    assert await attach(publisher, world.repository, scan(image, at=NOON + DAY)) != first


async def test_a_file_that_the_registry_holds_damaged_does_not_undo_the_report(
    world: EvidenceWorld, publisher: Publisher
) -> None:
    image = world.push_image()
    damaged = await world.attach(image, key=generate_key())
    world.registry.fail_on(damaged.artifact, ContentMismatchError("other bytes"))
    assert await attach(publisher, world.repository, scan(image)) in world.registry.manifests


async def test_t18_a_signature_that_others_overwrote_comes_back(
    world: EvidenceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "RESTORE_PAUSES_S", (0.05, 0.05))
    publisher = Publisher(world.registry, world.key, RENEW_AFTER)
    image = world.push_image()
    artifact = await attach(publisher, world.repository, scan(image))
    tag = signature_tag(artifact)
    del world.registry.tags[tag]
    async with asyncio.timeout(10):
        while tag not in world.registry.tags:
            await asyncio.sleep(0.005)
    await publisher.aclose()


async def test_t18_a_registry_that_is_away_meanwhile_is_asked_again(
    world: EvidenceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "RESTORE_PAUSES_S", (0.01, 0.05, 0.05))
    publisher = Publisher(world.registry, world.key, RENEW_AFTER)
    image = world.push_image()
    artifact = await attach(publisher, world.repository, scan(image))
    tag = signature_tag(artifact)
    del world.registry.tags[tag]
    world.registry.fail_on(f"referrers:{artifact}", RegistryUnavailableError("down"))
    async with asyncio.timeout(10):
        while world.registry.reads[f"referrers:{artifact}"] < 1:
            await asyncio.sleep(0.005)
        world.registry.faults.clear()
        while tag not in world.registry.tags:
            await asyncio.sleep(0.005)
    await publisher.aclose()


async def test_the_end_waits_for_nothing(world: EvidenceWorld, publisher: Publisher) -> None:
    await attach(publisher, world.repository, scan(world.push_image()))
    async with asyncio.timeout(0.5):
        await publisher.aclose()


async def test_the_time_of_a_report_that_still_holds_is_its_own(
    world: EvidenceWorld, publisher: Publisher
) -> None:
    image = world.push_image()
    first = await publisher.publish(world.repository, scan(image))
    again = await publisher.publish(world.repository, scan(image, at=NOON + DAY))
    assert first == again == Published(first.artifact, NOON)


@pytest.mark.parametrize(
    ("renew_after", "renewed"),
    [
        pytest.param(2 * DAY, False, id="younger"),
        pytest.param(DAY, True, id="as-old"),
        pytest.param(400 * DAY, False, id="never-later-than-the-workers-own"),
    ],
)
async def test_who_gives_the_job_may_have_it_renewed_earlier(
    world: EvidenceWorld, publisher: Publisher, renew_after: timedelta, *, renewed: bool
) -> None:
    image = world.push_image()
    first = await attach(publisher, world.repository, scan(image))
    known = Known(renew_after_s=renew_after.total_seconds())
    second = await attach(publisher, world.repository, scan(image, at=NOON + DAY), known)
    assert (second != first) is renewed


async def test_a_newest_report_that_a_pusher_deleted_is_replaced(
    world: EvidenceWorld, publisher: Publisher
) -> None:
    """The report before says the same, but a gate that saw the newest wants no older one."""
    image = world.push_image()
    first = await attach(publisher, world.repository, scan(image))
    known = Known(renew_after_s=1)
    second = await attach(publisher, world.repository, scan(image, at=NOON + DAY), known)
    await world.registry.delete_manifest(world.repository.at(second), second)
    at = NOON + DAY + timedelta(hours=1)
    third = await attach(publisher, world.repository, scan(image, at=at), Known(second))
    assert third not in {first, second}
    assert (
        await attach(publisher, world.repository, scan(image, at=at + DAY), Known(third)) == third
    )
