"""The same images asked for again: the same objects, until anything about them changes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tidegate.domain.evidence import ImageEvidence, Missing, Report
from tidegate.domain.reference import ImageReference
from tidegate.testing.evidence_world import NOON, EvidenceWorld, evidence_key, finding
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.keys import generate_key

SECOND = timedelta(seconds=1)


class Workload:
    """Images that are asked for together again and again."""

    def __init__(self, world: EvidenceWorld, *images: ImageReference) -> None:
        self.world = world
        self.images = list(images)

    def held(self, after: timedelta = timedelta(0)) -> dict[ImageReference, ImageEvidence] | None:
        return self.world.gatherer.held(self.images, NOON + after)

    async def read(self, after: timedelta = timedelta(0)) -> None:
        await self.world.gatherer.gather(self.images, now=NOON + after, budget_s=30)


@pytest.fixture
async def workload(world: EvidenceWorld) -> Workload:
    """Return two images that a gate has read, one of them with findings."""
    images = [world.push_image(name) for name in ("one", "two")]
    await world.attach(images[0], [finding("CVE-1")])
    workload = Workload(world, *(world.repository.at(each.digest) for each in images))
    await workload.read()
    return workload


async def test_the_same_images_are_the_same_object(workload: Workload) -> None:
    first = workload.held()
    assert first is not None
    assert workload.held(SECOND / 2) is first
    again = Workload(workload.world, *workload.images).held()
    assert again is not first
    assert again == first


async def test_each_image_is_looked_at_again_after_a_second(workload: Workload) -> None:
    first = workload.held()
    later = workload.held(SECOND)
    assert later is not None
    assert later is not first


async def test_what_is_read_meanwhile_is_seen_at_once(workload: Workload) -> None:
    workload.held()
    world, (_, second) = workload.world, workload.images
    await world.attach(world.push_image("two"), [finding("CVE-2")])
    await Workload(world, second).read(2 * SECOND)  # "no report" is used for two seconds
    assert workload.held(SECOND / 2) is None  # read later than now
    held = workload.held(2 * SECOND)
    assert held is not None
    evidence = held[second].platforms[0].evidence
    assert isinstance(evidence, Report)
    assert [each.vulnerability_id for each in evidence.findings] == ["CVE-2"]


async def test_a_change_of_trust_is_seen_at_once(workload: Workload) -> None:
    workload.held()
    world = workload.world
    other = evidence_key(generate_key())
    world.trust = replace(world.trust, keys=(other,), generation="2")
    assert workload.held() is None


async def test_another_client_is_seen_at_once(workload: Workload) -> None:
    workload.held()
    workload.world.gatherer.use_client(MemoryRegistry("elsewhere.example"))
    held = workload.held()
    assert held is not None
    assert all(isinstance(each.platforms[0].evidence, Missing) for each in held.values())


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(timedelta(seconds=5), id="long ago"),
        pytest.param(-timedelta.resolution, id="a clock set back"),
    ],
)
async def test_what_is_not_fresh_is_asked_for(workload: Workload, after: timedelta) -> None:
    workload.held()
    assert workload.held(after) is None
