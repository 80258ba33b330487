"""What a gate does to a real registry that is away, slow or limited, and what it knows meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from support.registries import REGISTRIES, started
from tidegate.domain.evidence import (
    ImageEvidence,
    Missing,
    Report,
    Unavailable,
    UnavailableReason,
)
from tidegate.domain.reference import ImageReference
from tidegate.evidence.cache import EvidenceCache
from tidegate.evidence.gather import Gatherer
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import ReportMemory
from tidegate.oci.breaker import FAILURES
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig
from tidegate.oci.traffic import Outcome, ReadTraffic
from tidegate.scan.attach import attach_report
from tidegate.testing.evidence_world import NOON, evidence_key, finding, statement
from tidegate.testing.faulty_proxy import FaultyProxy
from tidegate.trust.configuration import TagResolution, TrustConfiguration, TrustedRegistry
from tidegate.trust.keys import generate_key
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_CONFIG,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)
from tidegate.wire.statement_v1 import render_statement

pytestmark = pytest.mark.integration

LATER = NOON + timedelta(hours=1)
"""When nothing that was read is fresh any more."""

LIMITED = b"HTTP/1.1 429 Slow Down\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n"
GATEWAY = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n"
PATIENT = RegistryLimits(read_timeout_s=20.0)  # on a loaded machine
IMPATIENT = RegistryLimits(read_timeout_s=0.2)
CACHED = TagResolution(timedelta(minutes=5), timedelta(hours=2))


@pytest.fixture(scope="module", params=REGISTRIES)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(request.param, tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
async def proxy(host: str) -> AsyncIterator[FaultyProxy]:
    async with FaultyProxy(int(host.rpartition(":")[2])) as proxy:
        yield proxy


class World:
    """A gate's evidence, read through a proxy."""

    def __init__(self, proxy: FaultyProxy, tags: TagResolution | None = None) -> None:
        self.proxy, self.key = proxy, generate_key()
        self.config = RegistryConfig(proxy.authority, plain_http=True, allow_private=True)
        registry = TrustedRegistry(proxy.authority)
        registry = replace(registry, tags=tags) if tags else registry
        self.trust = TrustConfiguration((evidence_key(self.key),), (registry,), generation="1")
        self.seen: Counter[Outcome] = Counter()
        self.open(PATIENT)

    def open(self, limits: RegistryLimits) -> None:
        """Begin with nothing known, and traffic of its own."""
        loop = asyncio.get_running_loop()
        self.traffic = ReadTraffic(
            self.proxy.authority, 0, loop.time, lambda outcome: self.seen.update([outcome])
        )
        self.client = RegistryClient([self.config], limits=limits, traffic=lambda _: self.traffic)
        self.gatherer = Gatherer(
            self.client, lambda: self.trust, ReportMemory(), EvidenceCache(EvidenceLimits())
        )

    async def use(self, limits: RegistryLimits) -> None:
        """Go on with what is known, by other limits."""
        await self.client.aclose()
        self.client = RegistryClient([self.config], limits=limits, traffic=lambda _: self.traffic)
        self.gatherer.use_client(self.client)

    async def push(self, tag: str) -> ImageReference:
        """Push an image with a signed report; return its tag."""
        async with RegistryClient([self.config], limits=PATIENT) as client:
            image = ImageReference(self.proxy.authority, "outage/app", tag)
            config = await client.push_blob(image, EMPTY_BLOB)
            manifest = Manifest(
                config=Descriptor(OCI_CONFIG, config.digest, config.size),
                annotations={"seed": tag},
            )
            body = render_manifest(manifest)
            pushed = await client.push_manifest(image, body, OCI_MANIFEST, tag=tag)
            subject = Descriptor(OCI_MANIFEST, pushed.digest, len(body))
            said = render_statement(statement(subject.digest, [finding("CVE-1")], at=NOON))
            await attach_report(client, image, said, self.key, subject=subject)
            return image.at(subject.digest)

    async def gather(
        self, *images: ImageReference, now: datetime = NOON, budget_s: float = 20
    ) -> list[ImageEvidence]:
        found = await self.gatherer.gather(images, now=now, budget_s=budget_s)
        return [found[image] for image in images]

    async def close(self) -> None:
        await self.gatherer.aclose()
        await self.client.aclose()


@pytest.fixture
async def world(proxy: FaultyProxy) -> AsyncIterator[World]:
    world = World(proxy)
    yield world
    proxy.open.set()
    await world.close()


def evidence_of(image: ImageEvidence) -> Report | Missing | Unavailable:
    (platform,) = image.platforms
    return platform.evidence


def unavailable(image: ImageEvidence) -> Unavailable:
    evidence = evidence_of(image)
    assert isinstance(evidence, Unavailable)
    return evidence


async def trip(world: World, image: ImageReference) -> None:
    """Read what is not there until the breaker opens, whatever the proxy does."""
    for number in range(FAILURES):
        name = ImageReference(image.registry, image.repository, f"absent-{number}")
        await world.gather(name)
    assert world.traffic.away


FAULTS = {
    "hangs-up": lambda proxy: setattr(proxy, "hang_up", True),
    "answers-503": lambda proxy: setattr(proxy, "answer", GATEWAY),
    "does-not-answer": lambda proxy: proxy.open.clear(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_t14_a_registry_that_is_away_is_left_alone_and_nothing_known_changes(
    world: World, fault: Callable[[FaultyProxy], None]
) -> None:
    known, unknown = await world.push("known"), await world.push("unknown")
    (before,) = await world.gather(known)
    await world.use(IMPATIENT)
    fault(world.proxy)
    await trip(world, known)
    world.proxy.requests.clear()
    again, refused = await world.gather(known, unknown, now=LATER)
    assert evidence_of(again) == evidence_of(before), "what is known is used"
    assert unavailable(refused).reason is UnavailableReason.REGISTRY
    assert "did not answer 5 times in a row" in unavailable(refused).detail
    assert "the next try is " in unavailable(refused).detail
    assert not [each for each in world.proxy.requests if unknown.digest in each]


async def test_a_registry_that_is_back_is_noticed_by_one_read(world: World) -> None:
    image = await world.push("image")
    world.proxy.hang_up = True
    await trip(world, image)
    world.proxy.hang_up = False
    # The breaker's second passes on the loop's own clock.
    async with asyncio.timeout(60):
        while world.traffic.busy:
            await asyncio.sleep(0.02)
    world.proxy.requests.clear()
    world.proxy.open.clear()
    asked = asyncio.create_task(world.gather(image))
    async with asyncio.timeout(60):
        while not world.proxy.requests:
            await asyncio.sleep(0.01)
    assert len(world.proxy.requests) == 1, "the probe"
    world.proxy.open.set()
    await asked
    assert not world.traffic.away
    (found,) = await world.gather(image, now=LATER)
    assert isinstance(evidence_of(found), Report)


async def test_t11_a_429_stops_reads_and_is_said_and_nothing_known_changes(world: World) -> None:
    known, unknown = await world.push("known"), await world.push("unknown")
    (before,) = await world.gather(known)
    world.proxy.answer = LIMITED
    (first,) = await world.gather(unknown)
    assert unavailable(first).reason is UnavailableReason.RATE_LIMITED
    world.proxy.requests.clear()
    again, refused = await world.gather(known, unknown, now=LATER)
    assert evidence_of(again) == evidence_of(before)
    assert unavailable(refused).reason is UnavailableReason.RATE_LIMITED
    assert "it asked for a pause (429); the next try is in 300 s" in unavailable(refused).detail
    assert world.proxy.requests == []
    assert world.seen[Outcome.RATE_LIMITED] >= 1


async def test_t11_a_storm_of_unknown_images_is_bounded_at_the_registry(world: World) -> None:
    images = [await world.push(f"storm-{number}") for number in range(40)]
    world.proxy.requests.clear()
    world.proxy.most_running = 0
    askers = (world.gather(*images, budget_s=60) for _ in range(3))
    for found in await asyncio.gather(*askers):
        assert all(isinstance(evidence_of(each), Report) for each in found)
    assert 1 < world.proxy.most_running <= 32
    gets = Counter(world.proxy.requests)
    assert max(gets.values()) <= 2, "once each, whoever asks; docker-registry's tag twice"


async def test_t06_a_cached_tag_serves_while_its_registry_is_away(proxy: FaultyProxy) -> None:
    world = World(proxy, CACHED)
    try:
        by_digest = await world.push("stable")
        tag = ImageReference(by_digest.registry, by_digest.repository, "stable")
        (first,) = await world.gather(tag)
        assert first.tag_asked_at is None, "it was asked for now"
        proxy.requests.clear()
        (fresh,) = await world.gather(tag, now=NOON + timedelta(minutes=4))
        assert (fresh.digest, fresh.tag_asked_at) == (by_digest.digest, NOON)
        assert not [each for each in proxy.requests if "/manifests/stable" in each]
        proxy.hang_up = True
        (late,) = await world.gather(tag, now=LATER)
        assert (late.digest, late.tag_asked_at) == (by_digest.digest, NOON)
        assert isinstance(evidence_of(late), Report)
        (too_late,) = await world.gather(tag, now=NOON + timedelta(hours=2))
        assert unavailable(too_late).reason is UnavailableReason.REGISTRY
        assert "not known what the tag names now" in unavailable(too_late).detail
        assert by_digest.digest in unavailable(too_late).detail
    finally:
        await world.close()
