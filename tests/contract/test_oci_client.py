"""The registry client against real registries, with the referrers API and without."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.registries import REGISTRIES, started
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import (
    NotInRegistryError,
    RegistryNotConfiguredError,
    RegistryUnavailableError,
)
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.manifests import PushedManifest
from tidegate.oci.referrers import fallback_tag
from tidegate.oci.registries import RegistryConfig
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    parse_manifest,
    render_manifest,
)

pytestmark = pytest.mark.integration

EMPTY = Descriptor(OCI_EMPTY, digest_of(EMPTY_BLOB), len(EMPTY_BLOB))
REPORT = "application/vnd.in-toto+json"
PATIENT = RegistryLimits(read_timeout_s=30.0, write_timeout_s=30.0)  # on a loaded machine
NOWHERE = digest_of(b"nobody pushed this")


@pytest.fixture(scope="module", params=REGISTRIES)
def authority(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with started(request.param, tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
async def client(authority: str) -> AsyncIterator[RegistryClient]:
    config = RegistryConfig(authority, plain_http=True, allow_private=True)
    async with RegistryClient([config], limits=PATIENT) as client:
        yield client


@pytest.fixture
def image(authority: str, request: pytest.FixtureRequest) -> ImageReference:
    """A repository of each test's own."""
    name = request.node.originalname.replace("_", "-").removeprefix("test-")
    return parse_reference(f"{authority}/contract/{name}:1")


async def push_image(client: RegistryClient, image: ImageReference) -> PushedManifest:
    await client.push_blob(image, EMPTY_BLOB)
    body = render_manifest(Manifest(config=EMPTY, layers=(EMPTY,)))
    return await client.push_manifest(image, body, OCI_MANIFEST, tag=image.tag)


def referrer_body(subject: Digest, artifact_type: str = REPORT, note: str = "") -> bytes:
    return render_manifest(
        Manifest(
            artifact_type=artifact_type,
            config=EMPTY,
            layers=(EMPTY,),
            subject=Descriptor(OCI_MANIFEST, subject, 1),
            annotations={"note": note} if note else {},
        )
    )


async def test_a_pushed_image_is_fetched_by_tag_and_by_digest(
    client: RegistryClient, image: ImageReference
) -> None:
    pushed = await push_image(client, image)
    by_tag = await client.fetch_manifest(image)
    by_digest = await client.fetch_manifest(image.at(pushed.digest))
    assert by_tag == by_digest
    assert by_tag.digest == pushed.digest
    assert by_tag.manifest.layers == (EMPTY,)
    assert await client.fetch_blob(image, EMPTY) == EMPTY_BLOB
    assert await client.list_tags(image) == ("1",)


async def test_what_is_not_there_is_none_and_not_an_error(
    client: RegistryClient, image: ImageReference
) -> None:
    assert await client.fetch_manifest(image) is None
    assert await client.fetch_manifest(image.at(NOWHERE)) is None
    assert (await client.list_referrers(image, NOWHERE)).descriptors == ()
    assert await client.list_tags(image) == ()
    assert not await client.has_blob(image, NOWHERE)


async def test_a_blob_that_is_not_there_is_named(
    client: RegistryClient, image: ImageReference
) -> None:
    await push_image(client, image)
    with pytest.raises(NotInRegistryError, match="does not hold it"):
        await client.fetch_blob(image, Descriptor(REPORT, NOWHERE, 2))


async def test_a_file_goes_up_and_comes_down_whole(
    client: RegistryClient, image: ImageReference, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 12_289  # three pieces of a mebibyte, and a bit
    source, target = tmp_path / "up", tmp_path / "down"
    source.write_bytes(content)
    descriptor = Descriptor("application/octet-stream", digest_of(content), len(content))
    await client.upload_blob(image, source, descriptor.digest)
    assert await client.has_blob(image, descriptor.digest)
    await client.download_blob(image, descriptor, target, max_bytes=len(content))
    assert target.read_bytes() == content
    assert not await asyncio.to_thread(lambda: list(tmp_path.glob(".*")))


async def test_a_referrer_is_listed_whatever_the_registry_can_do(
    client: RegistryClient, image: ImageReference
) -> None:
    subject = (await push_image(client, image)).digest
    report = await client.push_referrer(image, referrer_body(subject), OCI_MANIFEST)
    other = await client.push_referrer(image, referrer_body(subject, "x/other"), OCI_MANIFEST)
    everything = await client.list_referrers(image, subject)
    assert {entry.digest for entry in everything.descriptors} == {report, other}
    types = {entry.artifact_type for entry in everything.descriptors}
    assert types in ({REPORT, "x/other"}, {""})  # all that a registry says, or nothing
    reports = await client.list_referrers(image, subject, REPORT)
    wanted = {report} if reports.source == "api" and types != {""} else {report, other}
    assert {entry.digest for entry in reports.descriptors} == wanted


async def test_a_referrer_pushed_before_its_subject_is_listed(
    client: RegistryClient, image: ImageReference
) -> None:
    await client.push_blob(image, EMPTY_BLOB)
    subject = digest_of(render_manifest(Manifest(config=EMPTY, layers=(EMPTY,))))
    report = await client.push_referrer(image, referrer_body(subject), OCI_MANIFEST)
    assert (await push_image(client, image)).digest == subject
    listed = await client.list_referrers(image, subject)
    assert [entry.digest for entry in listed.descriptors] == [report]


async def test_t18_many_writers_at_once_lose_no_referrer(
    client: RegistryClient, image: ImageReference
) -> None:
    subject = (await push_image(client, image)).digest
    bodies = [referrer_body(subject, note=f"writer {number}") for number in range(8)]
    pushed = await asyncio.gather(
        *(client.push_referrer(image, body, OCI_MANIFEST) for body in bodies)
    )
    listed = await client.list_referrers(image, subject)
    assert {entry.digest for entry in listed.descriptors} == set(pushed)
    again = await client.push_referrer(image, bodies[0], OCI_MANIFEST)
    assert len((await client.list_referrers(image, subject)).descriptors) == len(pushed)
    assert again == pushed[0]


async def test_t18_none_of_ours_is_lost_to_writers_that_take_no_turns(
    client: RegistryClient, authority: str, image: ImageReference
) -> None:
    """Beside another worker of ours, somebody writes lists of their own, blindly and often."""
    subject = (await push_image(client, image)).digest
    ours = [referrer_body(subject, note=f"ours {number}") for number in range(8)]
    tag = fallback_tag(subject)
    theirs = [Descriptor(OCI_MANIFEST, digest_of(str(number).encode()), 1) for number in range(12)]

    async def overwrite(other: RegistryClient) -> None:
        for entry in theirs:
            index = render_manifest(Manifest(media_type=OCI_INDEX, manifests=(entry,)))
            await other.push_manifest(image, index, OCI_INDEX, tag=tag)

    config = RegistryConfig(authority, plain_http=True, allow_private=True)
    async with RegistryClient([config], limits=PATIENT) as other:
        writers = (client, other)
        pushes = [
            writers[n % 2].push_referrer(image, body, OCI_MANIFEST) for n, body in enumerate(ours)
        ]
        ended = await asyncio.gather(*pushes, overwrite(other), return_exceptions=True)
    # One that was overwritten again and again says so, and is pushed again later (THREATS row 18).
    assert all(e is None or isinstance(e, str | RegistryUnavailableError) for e in ended)
    for body in ours:
        await client.push_referrer(image, body, OCI_MANIFEST)
    listed = await client.list_referrers(image, subject)
    assert {digest_of(body) for body in ours} <= {entry.digest for entry in listed.descriptors}


async def test_t18_a_referrer_that_another_writer_lost_is_put_back_by_pushing_it_again(
    client: RegistryClient, image: ImageReference
) -> None:
    subject = (await push_image(client, image)).digest
    pushed = await client.push_referrer(image, referrer_body(subject), OCI_MANIFEST)
    overwritten = render_manifest(Manifest(media_type=OCI_INDEX))
    await client.push_manifest(image, overwritten, OCI_INDEX, tag=fallback_tag(subject))
    await client.push_referrer(image, referrer_body(subject), OCI_MANIFEST)
    listed = await client.list_referrers(image, subject)
    assert [entry.digest for entry in listed.descriptors] == [pushed]


async def test_foreign_entries_of_the_fallback_index_survive(
    client: RegistryClient, image: ImageReference
) -> None:
    subject = (await push_image(client, image)).digest
    if (await client.list_referrers(image, subject)).source == "api":
        pytest.skip("this registry keeps the list itself")
    foreign = await client.push_manifest(image, referrer_body(subject, "x/foreign"), OCI_MANIFEST)
    entry = Descriptor(OCI_MANIFEST, foreign.digest, 1, artifact_type=OCI_EMPTY)
    index = render_manifest(Manifest(media_type=OCI_INDEX, manifests=(entry,)))
    marked = index.replace(b'"schemaVersion":2', b'"schemaVersion":2,"foreign":"kept"')
    await client.push_manifest(image, marked, OCI_INDEX, tag=fallback_tag(subject))
    ours = await client.push_referrer(image, referrer_body(subject), OCI_MANIFEST)
    listed = await client.list_referrers(image, subject, REPORT)
    assert [each.digest for each in listed.descriptors] == [foreign.digest, ours]
    at_tag = ImageReference(image.registry, image.repository, fallback_tag(subject))
    assert b'"foreign":"kept"' in (await client.fetch_manifest(at_tag)).body


async def test_a_deleted_manifest_is_gone(client: RegistryClient, image: ImageReference) -> None:
    pushed = await push_image(client, image)
    assert await client.delete_manifest(image, pushed.digest)
    assert await client.fetch_manifest(image.at(pushed.digest)) is None
    assert not await client.delete_manifest(image, pushed.digest)


async def test_an_index_keeps_its_platforms(client: RegistryClient, image: ImageReference) -> None:
    pushed = await push_image(client, image)
    entry = Descriptor(OCI_MANIFEST, pushed.digest, 1)
    body = render_manifest(Manifest(media_type=OCI_INDEX, manifests=(entry,)))
    index = await client.push_manifest(image, body, OCI_INDEX, tag="multi")
    fetched = await client.fetch_manifest(image.at(index.digest))
    assert fetched.manifest == parse_manifest(body, OCI_INDEX)
    assert fetched.manifest.is_index


async def test_t09_a_registry_that_nobody_configured_is_not_asked(client: RegistryClient) -> None:
    foreign = parse_reference("localhost:1/app")
    assert not client.configured(foreign.registry)
    with pytest.raises(RegistryNotConfiguredError, match="not configured"):
        await client.fetch_manifest(foreign)
