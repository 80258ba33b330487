import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import (
    ContentMismatchError,
    LimitExceededError,
    RegistryUnavailableError,
)
from tidegate.domain.evidence import (
    Missing,
    MissingReason,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.reference import ImageReference
from tidegate.evidence.limits import EvidenceLimits
from tidegate.testing.evidence_world import NOON, EvidenceWorld, evidence_key, finding
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import generate_key
from tidegate.wire.oci_v1 import (
    ATTESTATION_ANNOTATION,
    ATTESTATION_VALUE,
    OCI_MANIFEST,
    Descriptor,
)

LATER = NOON + timedelta(hours=1)


def ids(report: Report) -> list[str]:
    return sorted(f.vulnerability_id for f in report.findings)


async def test_a_signed_report_is_found(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image, [finding("CVE-1")])
    report = await world.read(image)
    assert isinstance(report, Report)
    assert ids(report) == ["CVE-1"]
    assert report.subject == image.digest
    assert report.sources[0].artifact == attached.artifact
    assert report.sources[0].signer == "scan"


async def test_an_image_without_a_report_is_missing(world: EvidenceWorld) -> None:
    assert await world.read(world.push_image()) == Missing(MissingReason.NO_REPORT)


async def test_an_image_that_is_not_there_is_missing(world: EvidenceWorld) -> None:
    found = await world.gather(world.repository)
    assert found.platforms[0].evidence == Missing(MissingReason.NO_IMAGE, "no such manifest")
    assert found.digest is None


async def test_t09_a_registry_that_is_not_configured_is_not_asked(world: EvidenceWorld) -> None:
    found = await world.gather(ImageReference("elsewhere.example", "app", "v1"))
    missing = found.platforms[0].evidence
    assert isinstance(missing, Missing)
    assert missing.reason is MissingReason.NOT_CONFIGURED
    assert not world.registry.reads


async def test_a_tag_is_resolved_and_the_verdict_carries_the_digest(world: EvidenceWorld) -> None:
    image = world.push_image(tag="latest")
    await world.attach(image)
    found = await world.gather(world.repository)
    assert found.digest == image.digest
    assert isinstance(found.platforms[0].evidence, Report)


async def test_t06_a_moved_tag_is_seen_within_a_second(world: EvidenceWorld) -> None:
    first = world.push_image(tag="latest")
    await world.gather(world.repository)
    second = world.push_image("other", tag="latest")
    at_once = await world.gather(world.repository, now=NOON + timedelta(milliseconds=900))
    after = await world.gather(world.repository, now=NOON + timedelta(seconds=1))
    assert (at_once.digest, after.digest) == (first.digest, second.digest)


async def test_t07_each_platform_of_an_index_has_its_own_evidence(world: EvidenceWorld) -> None:
    amd64, arm64 = world.push_image("amd64"), world.push_image("arm64")
    attestation = Descriptor(
        OCI_MANIFEST,
        world.push_image("attestation").digest,
        1,
        annotations={ATTESTATION_ANNOTATION: ATTESTATION_VALUE},
    )
    index = world.push_index(
        {"linux/amd64": amd64, "linux/arm64/v8": arm64, "unknown/unknown": attestation}
    )
    await world.attach(amd64, [finding("CVE-1")])
    found = await world.gather(world.repository.at(index.digest))
    assert [p.platform for p in found.platforms] == ["linux/amd64", "linux/arm64/v8"]
    assert isinstance(found.platforms[0].evidence, Report)
    assert found.platforms[1].evidence == Missing(MissingReason.NO_REPORT)


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        pytest.param((), {"linux/amd64", "linux/arm64/v8", "windows/amd64"}, id="all"),
        pytest.param(("linux/arm64",), {"linux/arm64/v8"}, id="any-variant"),
        pytest.param(("linux/*",), {"linux/amd64", "linux/arm64/v8"}, id="an-os"),
        pytest.param(("*/amd64",), {"linux/amd64", "windows/amd64"}, id="an-architecture"),
        pytest.param(
            ("linux/riscv64",), {"linux/amd64", "linux/arm64/v8", "windows/amd64"}, id="none-left"
        ),
    ],
)
async def test_t07_only_platforms_that_may_run_are_judged(
    world: EvidenceWorld, wanted: tuple[str, ...], left: set[str]
) -> None:
    names = ("linux/amd64", "linux/arm64/v8", "windows/amd64")
    index = world.push_index({name: world.push_image(name) for name in names})
    reference = world.repository.at(index.digest)
    found = await world.gatherer.gather([reference], now=NOON, budget_s=3, platforms=wanted)
    assert {p.platform for p in found[reference].platforms} == left


async def test_an_index_without_platforms_is_missing(world: EvidenceWorld) -> None:
    index = world.push_index({})
    evidence = await world.read(index)
    assert isinstance(evidence, Missing)


async def test_t03_an_index_of_too_many_platforms_exceeds_limits(world: EvidenceWorld) -> None:
    image = world.push_image()
    index = world.push_index({f"linux/{n}": image for n in range(65)})
    evidence = await world.read(index)
    assert isinstance(evidence, Unavailable)
    assert evidence.reason is UnavailableReason.LIMITS


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RegistryUnavailableError("down"), UnavailableReason.REGISTRY),
        (RegistryUnavailableError("slow", rate_limited=True), UnavailableReason.RATE_LIMITED),
        (LimitExceededError("much"), UnavailableReason.LIMITS),
        (ContentMismatchError("lie"), UnavailableReason.REGISTRY),
        (ZeroDivisionError("bug"), UnavailableReason.REGISTRY),
    ],
    ids=lambda value: getattr(value, "name", type(value).__name__),
)
@pytest.mark.parametrize("place", ["manifest", "referrers"])
async def test_an_error_is_unavailable_never_missing(
    world: EvidenceWorld, error: Exception, reason: UnavailableReason, place: str
) -> None:
    image = world.push_image()
    name = image.digest if place == "manifest" else f"referrers:{image.digest}"
    world.registry.fail_on(name, error)
    evidence = await world.read(image)
    assert isinstance(evidence, Unavailable)
    assert evidence.reason is reason


async def test_t14_an_error_is_not_kept(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image)
    name = f"referrers:{image.digest}"
    world.registry.fail_on(name, RegistryUnavailableError("down"))
    assert isinstance(await world.read(image), Unavailable)
    del world.registry.faults[name]
    assert isinstance(await world.read(image), Report)


async def test_t14_no_report_is_kept_for_seconds_only(world: EvidenceWorld) -> None:
    image = world.push_image()
    assert isinstance(await world.read(image), Missing)
    await world.attach(image)
    assert isinstance(await world.read(image, now=NOON + timedelta(seconds=1)), Missing)
    assert isinstance(await world.read(image, now=NOON + timedelta(seconds=2)), Report)


async def test_a_newer_report_is_seen_within_seconds(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image)
    await world.read(image)
    await world.attach(image, [finding("CVE-1")], at=NOON + timedelta(seconds=1))
    report = await world.read(image, now=NOON + timedelta(seconds=6))
    assert isinstance(report, Report)
    assert ids(report) == ["CVE-1"]


async def test_t14_a_removed_key_drops_its_reports_at_once(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image)
    assert isinstance(await world.read(image), Report)
    world.trust = TrustConfiguration(keys=(evidence_key(generate_key()),), generation="2")
    assert isinstance(await world.read(image), Missing)


async def test_a_flight_is_shared_and_a_repeated_question_asks_nothing(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    await world.attach(image)
    world.registry.reads.clear()
    await asyncio.gather(*(world.read(image) for _ in range(20)))
    assert world.registry.reads[f"referrers:{image.digest}"] == 1
    before = world.registry.reads.total()
    await world.read(image)
    assert world.registry.reads.total() == before


async def test_a_deadline_is_unavailable_and_the_next_review_finds_the_result(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    await world.attach(image)
    reference = world.repository.at(image.digest)
    await world.gatherer.gather([reference], now=NOON, budget_s=3)  # which manifest it is, is known
    world.registry.delay_s = 0.03
    world.trust = replace(world.trust, generation="2")
    found = await world.gatherer.gather([reference], now=NOON, budget_s=0.01)
    late = found[reference].platforms[0].evidence
    assert isinstance(late, Unavailable)
    assert late.reason is UnavailableReason.DEADLINE
    assert isinstance(await world.read(image), Report)


async def test_one_callers_deadline_does_not_fail_another(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image)
    await world.read(image)  # which manifest it is, is known
    world.trust = replace(world.trust, generation="2")
    world.registry.delay_s = 0.02
    reference = world.repository.at(image.digest)
    short, long = await asyncio.gather(
        world.gatherer.gather([reference], now=NOON, budget_s=0.01),
        world.gatherer.gather([reference], now=NOON, budget_s=3),
    )
    assert isinstance(short[reference].platforms[0].evidence, Unavailable)
    assert isinstance(long[reference].platforms[0].evidence, Report)


async def test_a_registry_that_goes_down_changes_no_known_verdict(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    known = await world.read(image)
    for name in (image.digest, f"referrers:{image.digest}"):
        world.registry.fail_on(name, RegistryUnavailableError("down"))
    assert await world.read(image, now=LATER) == known


async def test_a_cold_read_by_digest_takes_three_rounds() -> None:
    world = EvidenceWorld()
    image = world.push_image()
    await world.attach(image)
    world.registry.delay_s = 0.02
    world.registry.rounds = 0
    assert isinstance(await world.read(image), Report)
    assert world.registry.rounds == 3
    await world.gatherer.aclose()


async def test_t02_flooding_is_unavailable_never_missing() -> None:
    world = EvidenceWorld(MemoryRegistry(), limits=EvidenceLimits(max_artifacts=3))
    image = world.push_image()
    for n in range(4):
        await world.attach(image, at=NOON - timedelta(days=n), key=generate_key())
    evidence = await world.read(image)
    assert isinstance(evidence, Unavailable)
    assert evidence.reason is UnavailableReason.LIMITS


async def test_t02_flooding_does_not_hide_a_remembered_report(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    known = await world.read(image)
    world.registry.fail_on(f"referrers:{image.digest}", LimitExceededError("1001 referrers"))
    world.restart()  # nothing cached: it is read by its digest
    assert await world.read(image, now=LATER) == known


async def test_unknown_digests_are_answered_apart_from_known_ones(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image)
    absent = world.repository.at(digest_of(b"absent"))
    present = world.repository.at(image.digest)
    found = await world.gatherer.gather([absent, present, absent], now=NOON, budget_s=3)
    assert isinstance(found[present].platforms[0].evidence, Report)
    assert isinstance(found[absent].platforms[0].evidence, Missing)


async def test_what_is_fresh_is_answered_without_a_wait(world: EvidenceWorld) -> None:
    reference = world.repository.at(world.push_image().digest)
    known = await world.gather(reference)
    asked_again = world.gatherer.gather([reference], now=NOON, budget_s=3)
    with pytest.raises(StopIteration) as ended:
        asked_again.send(None)
    assert ended.value.value == {reference: known}


async def test_what_is_held_is_what_gathering_gives_and_asks_nobody(world: EvidenceWorld) -> None:
    reported, bare = (world.push_image(name) for name in ("a", "b"))
    await world.attach(reported, [finding("CVE-1")])
    here = [world.repository.at(image.digest) for image in (reported, bare)]
    foreign = ImageReference("elsewhere.example", "app", "v1")
    assert world.gatherer.held(here, NOON) is None
    gathered = await world.gatherer.gather([*here, foreign], now=NOON, budget_s=3)
    reads = len(world.registry.reads)
    assert world.gatherer.held([*here, foreign], NOON) == gathered
    assert world.gatherer.held([*here, world.repository], NOON) is None  # a tag nobody asked about
    assert world.gatherer.held([here[1]], NOON + timedelta(hours=1)) is None  # too old by now
    assert len(world.registry.reads) == reads


async def test_what_is_in_use_is_asked_for_anew_before_a_review_would_wait(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    reference = world.repository.at(image.digest)
    known = await world.gather(reference)
    lists = world.registry.reads[f"referrers:{image.digest}"]
    assert world.gatherer.held([reference], NOON + timedelta(seconds=3)) == {reference: known}
    assert world.gatherer.held([reference], NOON + timedelta(seconds=4.5)) == {reference: known}
    async with asyncio.timeout(5):
        while world.gatherer.held([reference], NOON + timedelta(seconds=5.5)) is None:
            await asyncio.sleep(0)
    assert world.registry.reads[f"referrers:{image.digest}"] == lists + 1


async def test_a_registry_without_time_is_not_asked_before_it_must_be(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image)
    reference = world.repository.at(image.digest)
    known = await world.gather(reference)
    world.registry.faults["visit"] = RegistryUnavailableError("it wants a pause")
    lists = world.registry.reads[f"referrers:{image.digest}"]
    assert world.gatherer.held([reference], NOON + timedelta(seconds=4.5)) == {reference: known}
    del world.registry.faults["visit"]
    await world.gather(world.repository.at(world.push_image("other").digest))
    assert world.registry.reads[f"referrers:{image.digest}"] == lists
    assert world.gatherer.held([reference], NOON + timedelta(seconds=5)) is None


async def test_what_is_held_is_of_the_keys_in_force(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image)
    reference = world.repository.at(image.digest)
    await world.gather(reference)
    assert world.gatherer.held([reference], NOON) is not None
    world.trust = TrustConfiguration(keys=world.trust.keys, generation="another")
    assert world.gatherer.held([reference], NOON) is None


async def test_fresh_and_unknown_images_are_gathered_together(world: EvidenceWorld) -> None:
    fresh, unknown = (world.repository.at(world.push_image(s).digest) for s in ("a", "b"))
    await world.gather(fresh)
    found = await world.gatherer.gather([unknown, fresh, unknown], now=NOON, budget_s=3)
    assert list(found) == [unknown, fresh]
    assert all(isinstance(e.platforms[0].evidence, Missing) for e in found.values())


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(("mirror.example", "team/app"), id="mirror"),
        pytest.param(("harbor.example", "proxy/team/app"), id="cache"),
    ],
)
async def test_the_same_digest_by_any_name_has_the_same_evidence(
    world: EvidenceWorld, name: tuple[str, str]
) -> None:
    world.registry.aliases = ("mirror.example", "harbor.example/proxy")
    own = evidence_key(world.key, repositories=("registry.example/team/*",))
    world.trust = TrustConfiguration(keys=(own,), generation="2")
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    by_own_name = await world.gather(world.repository.at(image.digest))
    by_alias = await world.gather(ImageReference(*name, digest=image.digest))
    assert by_alias == by_own_name
    assert isinstance(by_alias.platforms[0].evidence, Report)


async def test_another_name_than_the_aliases_is_another_registry(world: EvidenceWorld) -> None:
    world.registry.aliases = ("mirror.example",)
    image = world.push_image()
    await world.attach(image)
    found = await world.gather(
        ImageReference("mirror.example.evil", "team/app", digest=image.digest)
    )
    assert isinstance(found.platforms[0].evidence, Missing)
    assert found.platforms[0].evidence.reason is MissingReason.NOT_CONFIGURED


async def test_t11_what_was_known_is_remembered_without_asking(world: EvidenceWorld) -> None:
    """A review that may ask nobody still knows what an earlier one found, however long ago."""
    images = [world.push_image(seed) for seed in ("bad", "bare", "new")]
    await world.attach(images[0], [finding("CVE-1")])
    bad, bare, new = (world.repository.at(image.digest) for image in images)
    for each in (bad, bare):
        await world.gather(each)
    reads = world.registry.reads.copy()
    found = world.gatherer.remembered([bad, bare, new], now=LATER)
    assert list(found) == [bad, bare]
    assert isinstance(found[bad].platforms[0].evidence, Report)
    assert found[bare].platforms[0].evidence == Unavailable(UnavailableReason.DEADLINE)
    assert world.registry.reads == reads


async def test_t11_an_index_is_remembered_platform_by_platform(world: EvidenceWorld) -> None:
    """What one platform is known to carry is not forgotten because another one was not read."""
    platforms = {f"linux/{a}": world.push_image(a) for a in ("amd64", "arm64")}
    await world.attach(platforms["linux/amd64"], [finding("CVE-1")])
    index = world.repository.at(world.push_index(platforms).digest)
    await world.gather(index)
    found = world.gatherer.remembered([index], now=LATER)
    known, unknown = found[index].platforms
    assert isinstance(known.evidence, Report)
    assert unknown.evidence == Unavailable(UnavailableReason.DEADLINE)
