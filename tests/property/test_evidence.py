"""Laws of evidence: whoever can only push changes nothing, within limits.

Each example attaches true reports, then lets a stranger without the key do anything that pushing
allows, and compares what a gate finds: one that never saw the image, one that did, and one
restarted since.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from support.examples import examples
from tidegate.domain.evidence import Missing, MissingReason, Report, Unavailable
from tidegate.domain.severity import Severity
from tidegate.evidence.memory import ReportMemory
from tidegate.evidence.signatures import signature_tag
from tidegate.scan.attach import Attached
from tidegate.testing.evidence_world import NOON, EvidenceWorld, finding
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.keys import generate_key
from tidegate.wire.oci_v1 import OCI_MANIFEST, Descriptor

OWN = generate_key()
STRANGER = generate_key()
Deed = Callable[[EvidenceWorld, Descriptor, Attached], Awaitable[None]]


async def attach_clean_report(world: EvidenceWorld, image: Descriptor, _: Attached) -> None:
    """Attach a newer, clean report signed by a key of one's own."""
    await world.attach(image, at=NOON + timedelta(minutes=5), key=STRANGER)


async def copy_without_signature(world: EvidenceWorld, _: Descriptor, a: Attached) -> None:
    """Attach the true report again with another annotation: nobody signed that."""
    document = json.loads(world.registry.manifests[a.artifact][0])
    document["annotations"]["x"] = "y"
    body = json.dumps(document).encode()
    await world.registry.push_referrer(world.repository, body, OCI_MANIFEST)


async def attach_other_images_report(world: EvidenceWorld, image: Descriptor, _: Attached) -> None:
    """Make a true report about a clean image refer to this one, with its true signature."""
    other = world.push_image("clean")
    attached = await world.attach(other, at=NOON + timedelta(minutes=5))
    document = json.loads(world.registry.manifests[attached.artifact][0])
    document["subject"]["digest"] = image.digest
    body = json.dumps(document).encode()
    digest = await world.registry.push_referrer(world.repository, body, OCI_MANIFEST)
    world.registry.tags[signature_tag(digest)] = attached.signature


async def overwrite_signature_tag(world: EvidenceWorld, image: Descriptor, a: Attached) -> None:
    """Put something else where the signature is looked for."""
    world.registry.tags[signature_tag(a.artifact)] = image.digest


async def sign_the_report_too(world: EvidenceWorld, image: Descriptor, a: Attached) -> None:
    """Add a signature of one's own to the true report."""
    same = await world.attach(image, [finding("CVE-1")], key=STRANGER)
    assert same.artifact == a.artifact


async def push_other_referrers(world: EvidenceWorld, image: Descriptor, _: Attached) -> None:
    """Attach files of other kinds, and a broken statement."""
    body = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": "application/vnd.in-toto+json",
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": image.digest,
                "size": 2,
            },
            "layers": [],
            "subject": {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": 1},
        }
    ).encode()
    await world.registry.push_referrer(world.repository, body, OCI_MANIFEST)
    sbom = body.replace(b"vnd.in-toto+json", b"spdx+json")
    await world.registry.push_referrer(world.repository, sbom, OCI_MANIFEST)


deeds = st.lists(
    st.sampled_from(
        [
            attach_clean_report,
            copy_without_signature,
            attach_other_images_report,
            overwrite_signature_tag,
            sign_the_report_too,
            push_other_referrers,
        ]
    ),
    max_size=5,
)
registries = st.booleans().map(lambda api: MemoryRegistry(has_referrers_api=api))


@settings(max_examples=examples(40))
@given(registries, deeds)
def test_t01_nothing_that_a_stranger_pushes_changes_a_report(
    registry: MemoryRegistry, done: list[Deed]
) -> None:
    async def example() -> None:
        world = EvidenceWorld(registry, key=OWN)
        image = world.push_image()
        attached = await world.attach(image, [finding("CVE-1")])
        before = await world.read(image)
        assert isinstance(before, Report)
        for deed in done:
            await deed(world, image, attached)
        later = NOON + timedelta(minutes=1)
        assert await world.read(image, now=later) == before  # has seen it
        world.restart()
        assert await world.read(image, now=later) == before  # remembers it
        world.memory = ReportMemory()
        world.restart()
        assert await world.read(image, now=later) == before  # never saw it

    asyncio.run(example())


@settings(max_examples=examples(40))
@given(registries, deeds)
def test_t01_nothing_that_a_stranger_pushes_makes_a_report(
    registry: MemoryRegistry, done: list[Deed]
) -> None:
    async def example() -> None:
        world = EvidenceWorld(registry, key=STRANGER)
        image = world.push_image()
        attached = await world.attach(image, [finding("CVE-1")])
        own = EvidenceWorld(registry, key=OWN)
        for deed in done:
            await deed(own, image, attached)
        evidence = await own.read(image)
        assert isinstance(evidence, Missing)
        assert evidence.reason is MissingReason.UNVERIFIABLE

    asyncio.run(example())


@settings(max_examples=examples(40))
@given(
    registries,
    st.lists(st.integers(-5, 5), min_size=1, max_size=4),
    st.integers(0, 3),
)
def test_t04_what_was_seen_is_never_replaced_by_something_older(
    registry: MemoryRegistry, minutes: list[int], seen_after: int
) -> None:
    """Reports come in any order; those seen first may be deleted; the newest seen holds."""

    async def example() -> None:
        world = EvidenceWorld(registry, key=OWN)
        image = world.push_image()
        newest_seen = None
        for number, minute in enumerate(minutes):
            at = NOON + timedelta(minutes=minute)
            severity = Severity.HIGH
            attached = await world.attach(image, [finding(f"CVE-{minute}", severity)], at=at)
            if number >= seen_after:
                report = await world.read(image, now=NOON + timedelta(hours=number))
                assert isinstance(report, Report)
                assert newest_seen is None or report.scanned_at >= newest_seen
                newest_seen = report.scanned_at
        del registry.manifests[attached.artifact]
        world.restart()
        report = await world.read(image, now=NOON + timedelta(hours=9))
        if newest_seen is not None and isinstance(report, Report):
            assert report.scanned_at >= newest_seen
        assert newest_seen is None or isinstance(report, Report | Unavailable)

    asyncio.run(example())
