"""Evidence from rows: no network, the registry's answer, and nothing older or of others."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import RegistryUnavailableError
from tidegate.domain.evidence import (
    EvidenceOrigin,
    EvidenceSource,
    ImageEvidence,
    Missing,
    Report,
    Unavailable,
)
from tidegate.domain.finding import Finding
from tidegate.evidence.memory import ReportMemory
from tidegate.feed.store import FeedStore
from tidegate.testing.evidence_world import NOON, EvidenceWorld, evidence_key, finding, statement
from tidegate.testing.feed_world import Feeder
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.keys import SigningKey, generate_key
from tidegate.wire.feed_rows import row_of, withdrawal_of
from tidegate.wire.feed_v1 import ImageV1, PlatformV1, RowV1
from tidegate.wire.oci_v1 import Descriptor

MINUTE = timedelta(minutes=1)
ISSUED = NOON + timedelta(hours=2)


class FedWorld:
    """A registry, a gate that holds rows, and the worker that feeds it."""

    def __init__(self, folder: Path, registry: MemoryRegistry) -> None:
        memory = ReportMemory(folder / "reports.jsonl")
        self.world = EvidenceWorld(registry, memory=memory, feed=FeedStore(folder))
        self.feeder = Feeder(self.world.key, started_at=ISSUED)

    def feed(self, *rows: RowV1, images: tuple[ImageV1, ...] = ()) -> None:
        self.world.take(self.feeder.batch(rows, images))

    async def attach(
        self,
        image: Descriptor,
        *identifiers: str,
        at: datetime = NOON,
        key: SigningKey | None = None,
    ) -> RowV1:
        """Attach a report in the registry and return its row."""
        found = [finding(each) for each in identifiers]
        attached = await self.world.attach(image, found, at=at, key=key)
        return row_of(statement(image.digest, found, at=at), attached.artifact)

    async def gather(self, digest: Digest) -> ImageEvidence:
        return await self.world.gather(self.world.repository.at(digest), now=ISSUED)

    async def ids(self, image: Descriptor) -> list[str]:
        report = (await self.gather(image.digest)).platforms[0].evidence
        assert isinstance(report, Report), report
        return sorted(f.vulnerability_id for f in report.findings)

    def reads(self) -> int:
        return self.world.registry.reads.total()

    async def look_behind(self, image: Descriptor) -> bool:
        reference = self.world.repository.at(image.digest)
        return await self.world.gatherer.look_behind(reference, image.digest, ISSUED)


@pytest.fixture(params=["api", "tag"])
async def fed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FedWorld]:
    made = FedWorld(tmp_path, MemoryRegistry(has_referrers_api=request.param == "api"))
    yield made
    await made.world.gatherer.aclose()
    assert made.world.feed is not None
    made.world.feed.close()


async def test_a_row_is_what_the_registry_says_without_asking_it(fed: FedWorld) -> None:
    image = fed.world.push_image()
    row = await fed.attach(image, "CVE-1", "CVE-2")
    from_registry = await fed.gather(image.digest)
    fed.world.restart()
    fed.feed(row)
    reads = fed.reads()
    assert await fed.gather(image.digest) == from_registry
    assert fed.reads() == reads
    assert fed.world.gatherer.held([fed.world.repository.at(image.digest)], ISSUED) is not None


async def test_an_index_with_rows_of_its_platforms_is_decided_without_network(
    fed: FedWorld,
) -> None:
    platforms = {f"linux/{name}": fed.world.push_image(name) for name in ("amd64", "arm64")}
    index = fed.world.push_index(platforms)
    rows = [await fed.attach(each, f"CVE-{name}") for name, each in platforms.items()]
    from_registry = await fed.gather(index.digest)
    fed.world.restart()
    listed = tuple(PlatformV1(platform=n, digest=d.digest) for n, d in platforms.items())
    fed.feed(*rows, images=(ImageV1(image=index.digest, platforms=listed),))
    reads = fed.reads()
    assert await fed.gather(index.digest) == from_registry
    assert fed.reads() == reads


async def test_of_an_index_only_platforms_without_a_row_are_asked_for(fed: FedWorld) -> None:
    platforms = {f"linux/{name}": fed.world.push_image(name) for name in ("amd64", "arm64")}
    index = fed.world.push_index(platforms)
    row, _ = [await fed.attach(each, f"CVE-{name}") for name, each in platforms.items()]
    listed = tuple(PlatformV1(platform=n, digest=d.digest) for n, d in platforms.items())
    fed.feed(row, images=(ImageV1(image=index.digest, platforms=listed),))
    found = await fed.gather(index.digest)
    assert [each.origin.source for each in found.platforms if each.origin] == ["feed", "registry"]


async def test_what_is_used_says_how_old_it_is(fed: FedWorld) -> None:
    known, unknown = fed.world.push_image("known"), fed.world.push_image("unknown")
    fed.feed(await fed.attach(known, "CVE-1"))
    await fed.attach(unknown, "CVE-2")
    at_feed = (await fed.gather(known.digest)).platforms[0].origin
    at_registry = (await fed.gather(unknown.digest)).platforms[0].origin
    assert at_feed == EvidenceOrigin(EvidenceSource.FEED, ISSUED)
    assert at_registry == EvidenceOrigin(EvidenceSource.REGISTRY, ISSUED)
    fed.world.take(fed.feeder.batch(at=ISSUED + MINUTE))
    later = (await fed.gather(known.digest)).platforms[0].origin
    assert later == EvidenceOrigin(EvidenceSource.FEED, ISSUED + MINUTE)


async def test_a_digest_without_a_row_is_asked_of_its_registry(fed: FedWorld) -> None:
    fed.feed()
    image = fed.world.push_image()
    assert isinstance((await fed.gather(image.digest)).platforms[0].evidence, Missing)
    fed.world.registry.faults[image.digest] = RegistryUnavailableError("down")
    other = fed.world.push_image("other")
    fed.world.registry.faults[other.digest] = RegistryUnavailableError("down")
    assert isinstance((await fed.gather(other.digest)).platforms[0].evidence, Unavailable)


async def test_a_registry_that_is_gone_changes_nothing_of_what_rows_say(fed: FedWorld) -> None:
    image = fed.world.push_image()
    row = await fed.attach(image, "CVE-1")
    fed.feed(row)
    fed.world.registry.faults[image.digest] = RegistryUnavailableError("down")
    fed.world.registry.faults[f"referrers:{image.digest}"] = RegistryUnavailableError("down")
    assert await fed.ids(image) == ["CVE-1"]
    assert not await fed.look_behind(image)
    assert await fed.ids(image) == ["CVE-1"]


async def test_a_registry_that_is_not_configured_stays_so(fed: FedWorld) -> None:
    image = fed.world.push_image()
    fed.feed(await fed.attach(image, "CVE-1"))
    elsewhere = replace(fed.world.repository.at(image.digest), registry="elsewhere.example")
    evidence = (await fed.world.gather(elsewhere, now=ISSUED)).platforms[0].evidence
    assert isinstance(evidence, Missing)


async def test_a_new_row_takes_the_place_of_the_one_before(fed: FedWorld) -> None:
    image = fed.world.push_image()
    fed.feed(await fed.attach(image, "CVE-1"))
    assert await fed.ids(image) == ["CVE-1"]
    fed.feed(await fed.attach(image, "CVE-2", at=NOON + MINUTE))
    assert await fed.ids(image) == ["CVE-2"]


async def test_t04_an_older_report_in_the_registry_never_counts_beside_a_newer_row(
    fed: FedWorld,
) -> None:
    image = fed.world.push_image()
    await fed.attach(image, "CVE-1")
    row = await fed.attach(image, "CVE-2", at=NOON + MINUTE)
    fed.feed(row)
    await fed.world.registry.delete_manifest(fed.world.repository, Digest(row.artifact))
    assert await fed.look_behind(image)
    assert await fed.ids(image) == ["CVE-2"]


async def test_t04_an_older_row_never_counts_after_a_newer_report_was_seen(fed: FedWorld) -> None:
    image = fed.world.push_image()
    await fed.attach(image, "CVE-2", at=NOON + MINUTE)
    assert await fed.ids(image) == ["CVE-2"]
    fed.feed(row_of(statement(image.digest, [finding("CVE-1")]), digest_of(b"old")))
    assert await fed.ids(image) == ["CVE-2"]
    fed.world.restart()
    assert await fed.ids(image) == ["CVE-2"]


async def test_a_report_that_nobody_feeds_is_found_behind_the_row(fed: FedWorld) -> None:
    image = fed.world.push_image()
    fed.feed(await fed.attach(image, "CVE-1"))
    assert await fed.ids(image) == ["CVE-1"]
    assert fed.world.wishes[-1] == image.digest
    await fed.attach(image, "CVE-2", at=NOON + MINUTE)
    assert await fed.ids(image) == ["CVE-1"]
    assert await fed.look_behind(image)
    assert await fed.ids(image) == ["CVE-2"]
    origin = (await fed.gather(image.digest)).platforms[0].origin
    assert origin is not None
    assert origin.source is EvidenceSource.REGISTRY
    reads = fed.reads()
    assert await fed.ids(image) == ["CVE-2"]
    assert fed.reads() == reads


async def test_another_signer_of_a_fed_artifact_counts_too(fed: FedWorld) -> None:
    # Of the second key an older report exists: it must not count beside the newer one.
    second = generate_key()
    keys = (evidence_key(fed.world.key, "first"), evidence_key(second, "second"))
    fed.world.trust = replace(fed.world.trust, keys=keys, generation="2")
    image = fed.world.push_image()
    await fed.attach(image, "CVE-OLD", key=second)
    row = await fed.attach(image, "CVE-NEW", at=NOON + MINUTE)
    fed.feed(row)
    again = await fed.attach(image, "CVE-NEW", at=NOON + MINUTE, key=second)
    assert again.artifact == row.artifact
    assert await fed.look_behind(image)
    assert await fed.ids(image) == ["CVE-NEW"]


async def test_a_withdrawn_row_leaves_the_question_to_the_registry(fed: FedWorld) -> None:
    image = fed.world.push_image()
    fed.feed(await fed.attach(image, "CVE-1"))
    assert await fed.ids(image) == ["CVE-1"]
    fed.feed(withdrawal_of(image.digest, "Tidegate", NOON))
    reads = fed.reads()
    assert await fed.ids(image) == ["CVE-1"]
    assert fed.reads() > reads


def trusts(fed: FedWorld, **restricted: tuple[str, ...]) -> None:
    key = evidence_key(fed.world.key, **restricted)
    fed.world.trust = replace(fed.world.trust, keys=(key,), generation=str(restricted))


@pytest.mark.parametrize(
    "restricted",
    [
        pytest.param({"repositories": ("registry.example/other/*",)}, id="repositories"),
        pytest.param({"scanners": ("Trivy",)}, id="scanners"),
    ],
)
async def test_t14_a_row_counts_only_where_its_key_is_trusted(
    fed: FedWorld, restricted: dict[str, tuple[str, ...]]
) -> None:
    image = fed.world.push_image()
    index = digest_of(b"index")
    listed = (PlatformV1(platform="linux/amd64", digest=image.digest),)
    fed.feed(await fed.attach(image, "CVE-1"), images=(ImageV1(image=index, platforms=listed),))
    assert await fed.ids(image) == ["CVE-1"]
    trusts(fed, **restricted)
    assert isinstance((await fed.gather(image.digest)).platforms[0].evidence, Missing)
    assert isinstance((await fed.gather(index)).platforms[0].evidence, Missing)


async def test_t14_a_removed_key_takes_its_rows_along_at_once(fed: FedWorld) -> None:
    image = fed.world.push_image()
    fed.feed(await fed.attach(image, "CVE-1"))
    assert await fed.ids(image) == ["CVE-1"]
    fed.world.trust = replace(fed.world.trust, keys=(evidence_key(generate_key()),), generation="2")
    assert isinstance((await fed.gather(image.digest)).platforms[0].evidence, Missing)


async def test_t22_rows_for_another_audience_are_not_used(fed: FedWorld) -> None:
    image = fed.world.push_image()
    row = row_of(statement(image.digest, [finding("CVE-1")]), digest_of(b"nowhere"))
    fed.feed(row)
    assert await fed.ids(image) == ["CVE-1"]
    for audience in ("other", ""):
        fed.world.trust = replace(fed.world.trust, audience=audience, generation=audience or "-")
        assert isinstance((await fed.gather(image.digest)).platforms[0].evidence, Missing)


async def test_what_was_read_while_the_rows_changed_is_not_used(fed: FedWorld) -> None:
    image = fed.world.push_image()
    fed.feed(await fed.attach(image, "CVE-1"))
    fed.world.registry.delay_s = 0.02
    reference = fed.world.repository.at(image.digest)
    import asyncio  # noqa: PLC0415 for this test alone

    looking = asyncio.create_task(fed.world.gatherer.look_behind(reference, image.digest, ISSUED))
    await asyncio.sleep(0)
    found: list[Finding] = [finding("CVE-2")]
    fed.feed(row_of(statement(image.digest, found, at=NOON + MINUTE), digest_of(b"newer")))
    assert await looking
    assert await fed.ids(image) == ["CVE-2"]
