"""What a tag is taken for, how often its registry is asked, and what serves while that is away."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tidegate.domain.errors import (
    LimitExceededError,
    RegistryRefusesError,
    RegistryUnavailableError,
    TidegateError,
)
from tidegate.domain.evidence import (
    Missing,
    MissingReason,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.evidence.limits import EvidenceLimits
from tidegate.testing.evidence_world import NOON, EvidenceWorld, finding
from tidegate.trust.configuration import TagResolution, TrustedRegistry

DOWN = RegistryUnavailableError("fetching manifest: no connection", away=True)
BUSY = RegistryUnavailableError("not asked; the next try is in 3 s", rate_limited=True)
CACHED = TagResolution(timedelta(minutes=5), timedelta(hours=1))


def after(**passed: float) -> datetime:
    return NOON + timedelta(**passed)


@pytest.fixture
def cached(world: EvidenceWorld) -> EvidenceWorld:
    """Tags are kept for five minutes, and for an hour while the registry is away."""
    registry = TrustedRegistry(world.registry.host, tags=CACHED)
    world.trust = replace(world.trust, registries=(registry,))
    return world


async def test_t06_a_cached_tag_is_asked_once_in_its_time_and_the_verdict_says_when(
    cached: EvidenceWorld,
) -> None:
    first = cached.push_image(tag="latest")
    found = await cached.gather(cached.repository)
    assert (found.digest, found.tag_asked_at) == (first.digest, None)
    second = cached.push_image("other", tag="latest")
    found = await cached.gather(cached.repository, now=after(minutes=4.9))
    assert (found.digest, found.tag_asked_at) == (first.digest, NOON)
    assert cached.registry.reads["latest"] == 1
    found = await cached.gather(cached.repository, now=after(minutes=5))
    assert (found.digest, found.tag_asked_at) == (second.digest, None)


async def test_a_clock_that_was_set_back_keeps_no_tag(cached: EvidenceWorld) -> None:
    cached.push_image(tag="latest")
    await cached.gather(cached.repository)
    await cached.gather(cached.repository, now=NOON - timedelta(seconds=1))
    assert cached.registry.reads["latest"] == 2


SERVING = {"away": DOWN, "limited": BUSY, "no-proper-answer": RegistryUnavailableError("HTTP 500")}


@pytest.mark.parametrize("error", SERVING.values(), ids=SERVING)
async def test_a_cached_tag_serves_while_nobody_answers_up_to_its_bound(
    cached: EvidenceWorld, error: TidegateError
) -> None:
    image = cached.push_image(tag="latest")
    await cached.attach(image, [finding("CVE-1")])
    await cached.gather(cached.repository)
    cached.registry.fail_on("latest", error)
    found = await cached.gather(cached.repository, now=after(minutes=59))
    assert (found.digest, found.tag_asked_at) == (image.digest, NOON)
    assert isinstance(found.platforms[0].evidence, Report)
    found = await cached.gather(cached.repository, now=after(minutes=60))
    assert isinstance(found.platforms[0].evidence, Unavailable)
    assert found.digest is None


NOT_SERVING = {
    "refused": RegistryRefusesError("HTTP 403"),
    "too-large": LimitExceededError("much"),
}


@pytest.mark.parametrize("error", NOT_SERVING.values(), ids=NOT_SERVING)
async def test_a_cached_tag_does_not_stand_against_an_answer(
    cached: EvidenceWorld, error: TidegateError
) -> None:
    cached.push_image(tag="latest")
    await cached.gather(cached.repository)
    cached.registry.fail_on("latest", error)
    found = await cached.gather(cached.repository, now=after(minutes=6))
    assert isinstance(found.platforms[0].evidence, Unavailable)


async def test_a_tag_that_is_gone_is_gone(cached: EvidenceWorld) -> None:
    cached.push_image(tag="latest")
    await cached.gather(cached.repository)
    del cached.registry.tags["latest"]
    for error in (None, DOWN):
        if error is not None:
            cached.registry.fail_on("latest", error)
        found = await cached.gather(cached.repository, now=after(minutes=6))
        assert found.digest is None
    evidence = found.platforms[0].evidence
    assert isinstance(evidence, Unavailable), "what was deleted is not served from memory"


async def test_new_settings_of_a_registry_forget_what_its_tags_named(
    cached: EvidenceWorld,
) -> None:
    cached.push_image(tag="latest")
    await cached.gather(cached.repository)
    cached.gatherer.use_client(cached.registry)
    await cached.gather(cached.repository, now=after(minutes=1))
    assert cached.registry.reads["latest"] == 2


async def test_always_says_what_is_not_known_while_the_registry_is_away(
    world: EvidenceWorld,
) -> None:
    image = world.push_image(tag="latest")
    world.registry.fail_on("latest", DOWN)
    unknown = (await world.gather(world.repository)).platforms[0].evidence
    assert unknown == Unavailable(
        UnavailableReason.REGISTRY,
        "fetching manifest: no connection; so it is not known what the tag names now",
    )
    del world.registry.faults["latest"]
    await world.gather(world.repository)
    world.registry.fail_on("latest", DOWN)
    evidence = (await world.gather(world.repository, now=after(seconds=1))).platforms[0].evidence
    assert isinstance(evidence, Unavailable)
    assert f"it named {image.digest} at 2026-11-23 12:00:00 UTC" in evidence.detail
    assert "`resolve: cached`" in evidence.detail


async def test_a_tag_that_is_not_resolved_in_time_is_said_to_be_so(world: EvidenceWorld) -> None:
    world.push_image(tag="latest")
    world.registry.delay_s = 30
    found = await world.gatherer.gather([world.repository], now=NOON, budget_s=0.01)
    evidence = found[world.repository].platforms[0].evidence
    assert isinstance(evidence, Unavailable)
    assert evidence.reason is UnavailableReason.DEADLINE
    assert "it is not known yet what the tag names now" in evidence.detail
    await world.gatherer.aclose()


@pytest.mark.parametrize("by_tag", [True, False], ids=["tag", "digest"])
async def test_many_reviews_at_once_ask_once(world: EvidenceWorld, *, by_tag: bool) -> None:
    image = world.push_image(tag="latest")
    reference = world.repository if by_tag else world.repository.at(image.digest)
    found = await asyncio.gather(*(world.gather(reference) for _ in range(20)))
    assert {each.digest for each in found} == {image.digest}
    assert world.registry.reads["latest" if by_tag else image.digest] == 1


async def test_a_question_outlives_the_review_that_asked_it(world: EvidenceWorld) -> None:
    image = world.push_image(tag="latest")
    world.registry.delay_s = 0.05
    await world.gatherer.gather([world.repository], now=NOON, budget_s=0.001)
    async with asyncio.timeout(30):
        while not (await world.gather(world.repository)).digest:
            await asyncio.sleep(0.01)
    assert world.registry.reads["latest"] == 1
    assert (await world.gather(world.repository)).digest == image.digest


async def test_a_newer_report_than_a_known_one_is_not_waited_for_long(
    world: EvidenceWorld,
) -> None:
    world.limits = EvidenceLimits(refresh_wait_s=0.01)
    world.restart()
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    known = await world.read(image)
    world.registry.delay_s = 60
    reference = world.repository.at(image.digest)
    async with asyncio.timeout(30):
        found = await world.gatherer.gather([reference], now=after(hours=1), budget_s=60)
    assert found[reference].platforms[0].evidence == known
    await world.gatherer.aclose()


async def test_t14_while_its_registry_is_busy_a_known_report_is_used_at_once(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    known = await world.read(image)
    world.registry.fail_on("visit", BUSY)
    reads = world.registry.reads.total()
    assert await world.read(image, now=after(seconds=59)) == known
    assert await world.read(image, now=after(hours=1)) == known
    assert world.registry.reads.total() == reads
    del world.registry.faults["visit"]
    worse = await world.attach(image, [finding("CVE-2")], at=after(hours=1))
    newer = await world.read(image, now=after(hours=2))
    assert isinstance(newer, Report)
    assert newer.sources[0].artifact == worse.artifact


async def test_t14_what_is_not_known_of_a_busy_registry_is_unavailable_and_not_kept(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    world.registry.fail_on("visit", BUSY)
    evidence = await world.read(image)
    assert evidence == Unavailable(UnavailableReason.RATE_LIMITED, str(BUSY))
    del world.registry.faults["visit"]
    assert isinstance(await world.read(image), Report)


async def test_no_report_is_not_what_is_used_while_a_registry_is_busy(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    assert await world.read(image) == Missing(MissingReason.NO_REPORT)
    world.registry.fail_on("visit", BUSY)
    assert isinstance(await world.read(image, now=after(minutes=1)), Unavailable)
