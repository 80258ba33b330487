"""Rows 1, 4 and 5: what does not count, and what a stranger's files can do (nothing)."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import (
    ContentMismatchError,
    InvalidManifestError,
    LimitExceededError,
    NotInRegistryError,
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
from tidegate.evidence.signatures import MAX_SIGNATURES, signature_tag
from tidegate.scan.attach import Attached, attach_report
from tidegate.testing.evidence_world import (
    NOON,
    EvidenceWorld,
    evidence_key,
    finding,
    statement,
)
from tidegate.testing.memory_registry import render_index
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import generate_key
from tidegate.trust.simplesigning import SIGNATURE_ANNOTATION
from tidegate.wire.oci_v1 import OCI_INDEX, OCI_MANIFEST, Descriptor
from tidegate.wire.statement_v1 import parse_statement, render_statement

YESTERDAY = NOON - timedelta(days=1)
LATER = NOON + timedelta(hours=1)


def _why(evidence: object) -> str:
    assert isinstance(evidence, Missing)
    assert evidence.reason is MissingReason.UNVERIFIABLE
    return "\n".join(evidence.unverifiable)


def _ids(evidence: object) -> list[str]:
    assert isinstance(evidence, Report)
    return sorted(f.vulnerability_id for f in evidence.findings)


def _change(world: EvidenceWorld, digest: Digest, change: Callable[[Any], None]) -> Digest:
    """Push a changed copy of a manifest as a stranger would, listed like the first."""
    body, media_type = world.registry.manifests[digest]
    document = json.loads(body)
    change(document)
    return world.registry.put_manifest(json.dumps(document).encode(), media_type)


def _list_instead(
    world: EvidenceWorld, subject: Descriptor, artifacts: dict[Digest, Digest]
) -> None:
    """List other manifests as referrers of `subject`; on the API by removing the first ones."""
    for old, new in artifacts.items():
        body, media_type = world.registry.manifests.pop(old)
        if new == old:
            world.registry.manifests[old] = (body, media_type)
    if not world.registry.has_referrers_api:
        entries = tuple(
            Descriptor(OCI_MANIFEST, new, len(world.registry.manifests[new][0]))
            for new in artifacts.values()
        )
        tag = subject.digest.replace(":", "-")
        world.registry.put_manifest(render_index(entries), OCI_INDEX, tag=tag)


async def test_t01_a_report_by_a_foreign_key_does_not_count(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image, key=generate_key())
    why = _why(await world.read(image))
    assert attached.artifact in why
    assert "not signed by an evidence key of this cluster" in why


async def test_t01_an_unsigned_report_does_not_count(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    del world.registry.tags[signature_tag(attached.artifact)]
    del world.registry.manifests[attached.signature]
    assert "not signed" in _why(await world.read(image))


async def test_t01_no_configured_key_trusts_nobody(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image)
    world.trust = TrustConfiguration(generation="none")
    assert "no evidence key is configured" in _why(await world.read(image))


@pytest.mark.parametrize(
    ("restricted", "counts"),
    [
        ({"repositories": ("registry.example/team/*",)}, True),
        ({"repositories": ("registry.example/other/*",)}, False),
        ({"scanners": ("Tide*",)}, True),
        ({"scanners": ("Trivy", "Grype")}, False),
    ],
    ids=["its-repository", "other-repository", "its-scanner", "other-scanner"],
)
async def test_t01_a_key_counts_only_for_its_repositories_and_scanners(
    world: EvidenceWorld, restricted: dict[str, tuple[str, ...]], *, counts: bool
) -> None:
    image = world.push_image()
    await world.attach(image)
    key = evidence_key(world.key, **restricted)
    world.trust = TrustConfiguration(keys=(key,), generation="2")
    assert isinstance(await world.read(image), Report if counts else Missing)


async def test_t01_beside_a_valid_report_others_change_nothing(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    await world.attach(image, at=LATER, key=generate_key())
    assert _ids(await world.read(image)) == ["CVE-1"]


async def test_a_signature_is_found_among_referrers_when_its_tag_was_overwritten(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    world.registry.put_manifest(render_index(()), OCI_INDEX, tag=signature_tag(attached.artifact))
    assert isinstance(await world.read(image), Report)


async def test_t01_garbage_at_the_signature_tag_is_no_obstacle(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    no_text = (b'{"schemaVersion":2,"mediaType":"\xff"}', OCI_MANIFEST)
    for body, media_type in (
        (b"{", OCI_MANIFEST),
        (b"{}", "text/html"),
        (b"", OCI_MANIFEST),
        no_text,
    ):
        world.registry.put_manifest(body, media_type, tag=signature_tag(attached.artifact))
        world.restart()
        assert isinstance(await world.read(image), Report)


@pytest.mark.parametrize(
    "error",
    [
        InvalidManifestError("no manifest"),
        LimitExceededError("5 MiB"),
        ContentMismatchError("other bytes"),
        NotInRegistryError("gone"),
    ],
    ids=["malformed", "too-large", "other-bytes", "gone"],
)
async def test_t01_garbage_at_a_strangers_signature_tag_is_no_obstacle(
    world: EvidenceWorld, error: TidegateError
) -> None:
    image = world.push_image()
    foreign = await world.attach(image, key=generate_key())
    world.registry.fail_on(signature_tag(foreign.artifact), error)
    assert "not signed" in _why(await world.read(image))


async def test_t01_a_signature_whose_payload_is_gone_is_no_obstacle(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    foreign = await world.attach(image, at=LATER, key=generate_key())
    body = json.loads(world.registry.manifests[foreign.signature][0])
    del world.registry.blobs[body["layers"][0]["digest"]]
    assert _ids(await world.read(image)) == ["CVE-1"]


async def test_an_unsettled_signature_tag_is_unavailable(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image, key=generate_key())
    name = signature_tag(attached.artifact)
    world.registry.fail_on(name, RegistryUnavailableError("down"))
    assert isinstance(await world.read(image), Unavailable)


async def test_t02_too_many_signatures_exceed_limits_only_without_ours(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    tag = signature_tag(attached.artifact)

    def flood(document: Any) -> None:  # noqa: ANN401 - JSON
        layer = document["layers"][0]
        layer["annotations"][SIGNATURE_ANNOTATION] = "AAAA"
        document["layers"] = [layer] * (MAX_SIGNATURES + 1)

    world.registry.tags[tag] = _change(world, attached.signature, flood)
    assert isinstance(await world.read(image), Report)  # S itself is still a referrer
    world.restart()
    world.memory.__init__()  # type: ignore[misc] # a gate that has never seen it
    del world.registry.manifests[attached.signature]
    evidence = await world.read(image)
    assert isinstance(evidence, Unavailable)
    assert evidence.reason is UnavailableReason.LIMITS


async def test_t02_no_more_signatures_than_the_limit_are_looked_at(world: EvidenceWorld) -> None:
    image = world.push_image()
    foreign = await world.attach(image, key=generate_key())

    def flood(document: Any) -> None:  # noqa: ANN401 - JSON
        document["layers"] *= MAX_SIGNATURES + 10

    (payload,) = json.loads(world.registry.manifests[foreign.signature][0])["layers"]
    flooded = _change(world, foreign.signature, flood)
    world.registry.tags[signature_tag(foreign.artifact)] = flooded
    del world.registry.manifests[foreign.signature]
    assert isinstance(await world.read(image), Unavailable)
    # Once at the tag and once as a referrer of the artifact.
    assert world.registry.reads[payload["digest"]] <= 2 * MAX_SIGNATURES


@pytest.mark.parametrize("first", [0, 1], ids=["limits-first", "other-first"])
async def test_t02_limits_exceeded_are_told_whatever_else_failed(
    world: EvidenceWorld, first: int
) -> None:
    # Under `onUnavailable: ignore` a pusher could otherwise turn a violation into nothing.
    image = world.push_image()
    reports = [await world.attach(image, at=at) for at in (NOON, LATER)]
    flooded, unread = sorted(reports, key=lambda each: each.artifact, reverse=bool(first))
    world.registry.fail_on(flooded.artifact, LimitExceededError("too much"))
    world.registry.fail_on(unread.artifact, RegistryUnavailableError("down"))
    evidence = await world.read(image)
    assert isinstance(evidence, Unavailable)
    assert evidence.reason is UnavailableReason.LIMITS


async def test_t05_a_signed_report_about_another_image_does_not_count(
    world: EvidenceWorld,
) -> None:
    image, other = world.push_image(), world.push_image("other")
    attached = await world.attach(other)
    entry = Descriptor(OCI_MANIFEST, attached.artifact, 1, artifact_type="any")
    world.registry.has_referrers_api = False  # a list that lies
    tag = image.digest.replace(":", "-")
    world.registry.put_manifest(render_index((entry,)), OCI_INDEX, tag=tag)
    assert f"want {image.digest}" in _why(await world.read(image))


async def test_t05_a_statement_about_another_image_does_not_count(world: EvidenceWorld) -> None:
    image, other = world.push_image(), world.push_image("other")
    body = render_statement(statement(other.digest))
    # The evidence key signs an artifact on `image` whose statement is about `other`.
    lying = Descriptor(image.media_type, other.digest, image.size)
    await attach_report(world.registry, world.repository, body, world.key, subject=lying)
    assert isinstance(await world.read(image), Missing)


OTHER_PREDICATES = (
    "https://in-toto.io/attestation/vulns/v0.1",
    "https://in-toto.io/attestation/vulns/v0.2/",
    "https://cosign.sigstore.dev/attestation/vuln/v1",
    "https://slsa.dev/provenance/v1",
    "https://spdx.dev/Document",
    "",
)


@pytest.mark.parametrize("predicate_type", OTHER_PREDICATES)
async def test_t05_our_own_signature_on_another_predicate_type_does_not_count(
    world: EvidenceWorld, predicate_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the type is as it should be: the artifact, its annotations, and who signed it."""
    image = world.push_image()
    honest = render_statement(statement(image.digest))
    ours = json.loads(honest)["predicateType"].encode()
    assert honest.count(ours) == 1
    body = honest.replace(ours, predicate_type.encode())
    with monkeypatch.context() as signer:
        # Our own signer refuses to: this is another program that holds the key.
        signer.setattr("tidegate.scan.attach._parse_about", lambda *_: parse_statement(honest))
        await attach_report(world.registry, world.repository, body, world.key, subject=image)
    assert "predicateType" in _why(await world.read(image))
    await attach_report(world.registry, world.repository, honest, world.key, subject=image)
    assert isinstance(await world.read(image, now=LATER), Report), "it was the type alone"


_Pointer = Callable[[Any], None]


def _set(*path: Any, value: Any) -> _Pointer:  # noqa: ANN401 - JSON
    def change(document: Any) -> None:  # noqa: ANN401 - JSON
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


_OTHER = digest_of(b"other")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_set("subject", "digest", value=_OTHER), id="subject"),
        pytest.param(_set("subject", value=None), id="no-subject"),
        pytest.param(_set("artifactType", value="application/json"), id="artifact-type"),
        pytest.param(_set("config", "digest", value=_OTHER), id="config"),
        pytest.param(_set("layers", value=[]), id="no-layer"),
        pytest.param(_set("layers", 0, "digest", value=_OTHER), id="layer-digest"),
        pytest.param(_set("layers", 0, "size", value=1), id="layer-size"),
        pytest.param(_set("layers", 0, "mediaType", value="text/plain"), id="layer-type"),
        pytest.param(_set("annotations", "scanner", value="x"), id="annotation"),
        pytest.param(_set("new", value=1), id="unknown-field"),
    ],
)
async def test_t05_a_changed_artifact_does_not_count(
    world: EvidenceWorld, change: _Pointer
) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    changed = _change(world, attached.artifact, change)
    # The signature is put where that of the changed artifact would be looked for.
    world.registry.tags[signature_tag(changed)] = attached.signature
    _list_instead(world, image, {attached.artifact: changed})
    assert isinstance(await world.read(image), Missing)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_set("layers", value=[]), id="no-layer"),
        pytest.param(_set("layers", 0, "digest", value=_OTHER), id="payload-digest"),
        pytest.param(_set("layers", 0, "mediaType", value="text/plain"), id="payload-type"),
        pytest.param(
            _set("layers", 0, "annotations", SIGNATURE_ANNOTATION, value="AAAA"), id="signature"
        ),
        pytest.param(
            _set("layers", 0, "annotations", SIGNATURE_ANNOTATION, value=""), id="no-signature"
        ),
        pytest.param(_set("layers", 0, "annotations", value={}), id="no-annotation"),
        pytest.param(_set("layers", 0, "size", value=2**40), id="t03-payload-size"),
    ],
)
async def test_t05_a_changed_signature_does_not_count(
    world: EvidenceWorld, change: _Pointer
) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    changed = _change(world, attached.signature, change)
    del world.registry.manifests[attached.signature]
    world.registry.tags[signature_tag(attached.artifact)] = changed
    assert isinstance(await world.read(image), Missing)


async def test_t05_no_byte_of_a_served_artifact_can_differ(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    body, media_type = world.registry.manifests[attached.artifact]
    layer = json.loads(body)["layers"][0]["digest"]
    for store, name in (
        (world.registry.manifests, attached.artifact),
        (world.registry.blobs, layer),
    ):
        whole = store[name]
        raw = whole[0] if isinstance(whole, tuple) else whole
        for place in range(0, len(raw), 7):
            bad = bytearray(raw)
            bad[place] ^= 1
            store[name] = (bytes(bad), media_type) if isinstance(whole, tuple) else bytes(bad)
            if world.registry.has_referrers_api and isinstance(whole, tuple):
                world.registry.fail_on(name, ContentMismatchError("lie"))  # as the client says it
            world.restart()
            assert not isinstance(await world.read(image), Report)
        store[name] = whole
        world.registry.faults.clear()


async def test_t05_an_image_signature_by_the_evidence_key_is_no_findings_signature(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    payload = world.registry.blobs[
        json.loads(world.registry.manifests[attached.signature][0])["layers"][0]["digest"]
    ]
    assert b'"tidegate.io/purpose":"findings"' in payload


@pytest.mark.parametrize(("ahead", "counts"), [(10 * 60, True), (10 * 60 + 1, False)])
async def test_a_scan_time_over_ten_minutes_ahead_does_not_verify(
    world: EvidenceWorld, ahead: int, *, counts: bool
) -> None:
    image = world.push_image()
    await world.attach(image, at=NOON + timedelta(seconds=ahead))
    evidence = await world.read(image)
    assert isinstance(evidence, Report) if counts else "ahead of now" in _why(evidence)


async def test_t04_the_newest_report_counts(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image, at=YESTERDAY)
    await world.attach(image, [finding("CVE-1")])
    await world.attach(image, at=YESTERDAY - timedelta(days=1))
    assert _ids(await world.read(image)) == ["CVE-1"]


async def test_t04_reports_of_equal_times_are_joined(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image, [finding("CVE-1")])
    await world.attach(image, [finding("CVE-2")])
    assert _ids(await world.read(image)) == ["CVE-1", "CVE-2"]


async def test_the_newest_of_each_signer_and_scanner_are_joined(world: EvidenceWorld) -> None:
    image, second = world.push_image(), generate_key()
    keys = (evidence_key(world.key), evidence_key(second, "second"))
    world.trust = TrustConfiguration(keys=keys, generation="2")
    await world.attach(image, [finding("CVE-1")])
    await world.attach(image, [finding("CVE-2")], at=YESTERDAY, scanner="Trivy")
    await world.attach(image, [finding("CVE-3")], at=YESTERDAY, key=second)
    await world.attach(image, [finding("CVE-4")], at=YESTERDAY)
    assert _ids(await world.read(image)) == ["CVE-1", "CVE-2", "CVE-3"]


def _delete(world: EvidenceWorld, image: Descriptor, attached: Attached) -> None:
    del world.registry.manifests[attached.artifact]
    tag = image.digest.replace(":", "-")
    if tag in world.registry.tags:
        entries = json.loads(world.registry.manifests[world.registry.tags[tag]][0])["manifests"]
        kept = tuple(
            Descriptor(OCI_MANIFEST, e["digest"], e["size"])
            for e in entries
            if e["digest"] != attached.artifact
        )
        world.registry.put_manifest(render_index(kept), OCI_INDEX, tag=tag)


Deed = Callable[[EvidenceWorld, Descriptor, Attached], Awaitable[None]]


async def test_t04_an_older_report_never_counts_after_a_newer_was_seen(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    await world.attach(image, at=YESTERDAY)
    newer = await world.attach(image, [finding("CVE-1")])
    assert _ids(await world.read(image)) == ["CVE-1"]
    _delete(world, image, newer)
    # In the same process the report is still known; after a restart it cannot be read any more.
    assert _ids(await world.read(image, now=LATER)) == ["CVE-1"]
    world.restart()
    evidence = await world.read(image, now=LATER)
    assert isinstance(evidence, Unavailable)
    assert evidence.reason is UnavailableReason.UNREADABLE


async def test_t04_a_hidden_report_is_read_by_its_digest(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image, [finding("CVE-1")])
    await world.read(image)
    world.restart()
    world.registry.has_referrers_api = False
    world.registry.tags.clear()  # neither list nor signature tag are left
    del world.registry.manifests[attached.signature]
    assert _ids(await world.read(image)) == ["CVE-1"]


async def test_t04_a_newer_report_takes_the_place_of_one_that_is_gone(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    first = await world.attach(image)
    await world.read(image)
    await world.attach(image, [finding("CVE-1")], at=LATER)
    _delete(world, image, first)
    world.restart()
    assert _ids(await world.read(image, now=LATER)) == ["CVE-1"]


async def test_t04_what_a_removed_key_signed_is_remembered_no_more(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image, at=LATER)
    await world.read(image, now=LATER)
    second = generate_key()
    world.trust = TrustConfiguration(keys=(evidence_key(second),), generation="2")
    await world.attach(image, [finding("CVE-1")], key=second)
    assert _ids(await world.read(image, now=LATER)) == ["CVE-1"]


async def test_signed_and_not_to_be_read_is_unavailable(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    layer = json.loads(world.registry.manifests[attached.artifact][0])["layers"][0]
    del world.registry.blobs[layer["digest"]]
    evidence = await world.read(image)
    assert isinstance(evidence, Unavailable)
    assert evidence.reason is UnavailableReason.UNREADABLE


async def test_t03_a_large_unsigned_statement_is_not_fetched(world: EvidenceWorld) -> None:
    image = world.push_image()
    many = [finding(f"CVE-{n}") for n in range(8000)]
    attached = await world.attach(image, many, key=generate_key())
    layer = json.loads(world.registry.manifests[attached.artifact][0])["layers"][0]
    assert layer["size"] > world.limits.max_eager_statement_bytes
    world.registry.reads.clear()
    assert isinstance(await world.read(image), Missing)
    assert not world.registry.reads[layer["digest"]]
    signed = await world.attach(image, many)
    world.restart()
    evidence = await world.read(image)
    assert isinstance(evidence, Report)
    assert evidence.sources[0].artifact == signed.artifact


async def test_other_kinds_of_referrers_are_left_alone(world: EvidenceWorld) -> None:
    image = world.push_image()
    attached = await world.attach(image)
    sbom = _change(world, attached.artifact, _set("artifactType", value="application/spdx+json"))
    body = world.registry.manifests[sbom][0]
    await world.registry.push_referrer(world.repository, body, OCI_MANIFEST)
    del world.registry.manifests[attached.artifact]
    assert await world.read(image) == Missing(MissingReason.NO_REPORT)


async def test_t01_an_unsigned_file_that_cannot_be_read_is_no_obstacle(
    world: EvidenceWorld,
) -> None:
    image = world.push_image()
    attached = await world.attach(image, key=generate_key())
    world.registry.fail_on(attached.artifact, RegistryUnavailableError("down"))
    assert "not signed" in _why(await world.read(image))
    signed = await world.attach(image)
    world.registry.fail_on(signed.artifact, RegistryUnavailableError("down"))
    world.restart()
    assert isinstance(await world.read(image), Unavailable)


async def test_t01_a_key_for_other_scanners_cannot_hide_a_report(world: EvidenceWorld) -> None:
    image, limited = world.push_image(), generate_key()
    keys = (evidence_key(world.key), evidence_key(limited, "limited", scanners=("Trivy",)))
    world.trust = TrustConfiguration(keys=keys, generation="2")
    attached = await world.attach(image, [finding("CVE-1")])
    tag = signature_tag(attached.artifact)
    del world.registry.tags[tag]
    await world.attach(image, [finding("CVE-1")], key=limited)  # now alone at the tag
    assert _ids(await world.read(image)) == ["CVE-1"]


async def test_what_a_key_may_sign_no_more_is_not_remembered(world: EvidenceWorld) -> None:
    image = world.push_image()
    await world.attach(image)
    await world.read(image)
    narrowed = evidence_key(world.key, scanners=("Trivy",))
    world.trust = TrustConfiguration(keys=(narrowed,), generation="2")
    assert "not trusted with it" in _why(await world.read(image))
