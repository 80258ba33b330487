"""What a worker takes over from other tools, and from whom; in a registry that anyone writes to."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from support.report_documents import (
    CONFIG_DIGEST,
    OTHER_DIGEST,
    Json,
    body,
    cosign_vuln,
    cyclonedx,
    cyclonedx_vulnerability,
    in_toto_vulns,
    openvex,
    openvex_statement,
    sarif,
    statement,
    trivy,
)
from tidegate.domain.digest import Digest, digest_of, encoded_part
from tidegate.domain.errors import RegistryUnavailableError
from tidegate.domain.evidence import Report
from tidegate.domain.severity import Severity
from tidegate.evidence import attestations
from tidegate.evidence.attestations import BUNDLE_MEDIA_TYPE, SIGN_PREDICATE, attestation_tag
from tidegate.evidence.signatures import signature_tag
from tidegate.plugins import load_formats
from tidegate.scan.attest import attach_envelope
from tidegate.scan.foreign import Borrowing, Foreign, ImageFacts, clear, take_over
from tidegate.scan.pipeline import PlatformScan
from tidegate.scan.publish import Publisher
from tidegate.testing.evidence_world import NOON, EvidenceWorld, evidence_key, finding
from tidegate.testing.evidence_world import statement as own_statement
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.configuration import Accepted, TrustedSource
from tidegate.trust.dsse import sign_envelope
from tidegate.trust.keys import PrivateKey, generate_key, sign
from tidegate.trust.simplesigning import PAYLOAD_MEDIA_TYPE, PAYLOAD_TYPE, SIGNATURE_ANNOTATION
from tidegate.wire.oci_v1 import OCI_MANIFEST, Descriptor, Manifest, render_manifest

VULN = "https://cosign.sigstore.dev/attestation/vuln/v1"
OPENVEX = "https://openvex.dev/ns"
FORMATS = load_formats()
BOTH = frozenset(Accepted)


class Foreigners:
    """A registry with an image, and a source that attaches things to it."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self.world = EvidenceWorld(registry)
        self.image = self.world.push_image()
        self.vendor = generate_key()
        self.sources: tuple[TrustedSource, ...] = (self.source(),)
        self.index: Digest | None = None

    def source(self, accepts: frozenset[Accepted] = BOTH, **restricted: Json) -> TrustedSource:
        return TrustedSource(evidence_key(self.vendor, "vendor", **restricted), accepts)

    @property
    def facts(self) -> ImageFacts:
        return ImageFacts(self.world.repository, self.image.digest, CONFIG_DIGEST, self.index)

    async def attest(
        self,
        kind: str,
        predicate: Json,
        key: PrivateKey | None = None,
        about: str = "",
        **changes: Json,
    ) -> Digest:
        """Put a cosign attestation at the image's tag."""
        made = statement(kind, predicate, about or self.image.digest, **changes)
        return await attach_envelope(
            self.world.registry, self.world.repository, body(made), kind, key or self.vendor,
            subject=self.image,
        )  # fmt: skip

    async def refer(
        self, layer: bytes, media_type: str, subject: Descriptor | None = None
    ) -> Digest:
        """Push a manifest with one layer that refers to the image, unsigned."""
        blob = await self.world.registry.push_blob(self.world.repository, layer)
        made = Manifest(
            artifact_type=media_type,
            config=Descriptor("application/vnd.oci.empty.v1+json", digest_of(b"{}"), 2),
            layers=(Descriptor(media_type, blob.digest, blob.size),),
            subject=subject or self.image,
        )
        return await self.world.registry.push_referrer(
            self.world.repository, render_manifest(made), OCI_MANIFEST
        )

    async def take(self, now: datetime = NOON) -> Foreign:
        return await take_over(
            self.world.registry, self.facts, Borrowing(self.sources, FORMATS), now
        )


def bundle(key: PrivateKey, payload: bytes, media_type: str = BUNDLE_MEDIA_TYPE) -> bytes:
    envelope = msgspec.Raw(sign_envelope(key, "application/vnd.in-toto+json", payload))
    return msgspec.json.encode(
        {"mediaType": media_type, "verificationMaterial": {}, "dsseEnvelope": envelope}
    )


@pytest.fixture(params=["api", "tag"])
async def foreigners(request: pytest.FixtureRequest) -> AsyncIterator[Foreigners]:
    made = Foreigners(MemoryRegistry(has_referrers_api=request.param == "api"))
    yield made
    await made.world.gatherer.aclose()


# Where it may stand


async def test_an_attestation_at_the_tag_becomes_a_statement(foreigners: Foreigners) -> None:
    carrier = await foreigners.attest(VULN, cosign_vuln())
    found = await foreigners.take()
    assert found.refused == ()
    (made,) = found.statements
    assert (made.scanner.name, made.scanner.version) == ("Trivy", "0.76.0")
    assert made.finished_at.isoformat() == "2026-11-23T08:00:00+00:00"
    assert made.coverage.package_count == 2
    assert made.origin is not None
    assert (made.origin.format, made.origin.source) == ("cosign-vuln", "vendor")
    assert made.origin.artifact == carrier
    assert [f.vulnerability_id for f in made.findings] == ["CVE-2022-28346"]


async def test_a_bundle_that_refers_to_the_image_becomes_a_statement(
    foreigners: Foreigners,
) -> None:
    about = body(statement(VULN, cosign_vuln(), foreigners.image.digest))
    await foreigners.refer(bundle(foreigners.vendor, about), BUNDLE_MEDIA_TYPE)
    assert [s.scanner.name for s in (await foreigners.take()).statements] == ["Trivy"]


@pytest.mark.parametrize("form", ["tag", "referrer", "bundle"])
async def test_a_report_that_was_attached_and_signed_becomes_a_statement(
    foreigners: Foreigners, form: str
) -> None:
    kind = "application/vnd.cyclonedx+json"
    document = cyclonedx(metadata=cyclonedx()["metadata"] | {"component": None})
    carrier = await foreigners.refer(body(document), kind)
    assert (await foreigners.take()).statements == ()
    await sign_manifest(foreigners, carrier, form)
    (made,) = (await foreigners.take()).statements
    assert made.origin is not None
    assert (made.origin.format, made.origin.artifact) == ("cyclonedx", carrier)


async def sign_manifest(foreigners: Foreigners, digest: Digest, form: str) -> None:
    """Sign a manifest as cosign 2 (`tag`, `referrer`) and 3 (`bundle`) do."""
    registry, repository = foreigners.world.registry, foreigners.world.repository
    size = len(registry.manifests[digest][0])
    described = Descriptor(OCI_MANIFEST, digest, size)
    if form == "bundle":
        about = body(statement(SIGN_PREDICATE, {}, digest))
        await foreigners.refer(bundle(foreigners.vendor, about), BUNDLE_MEDIA_TYPE, described)
        return
    critical = {
        "identity": {"docker-reference": ""},
        "image": {"docker-manifest-digest": digest},
        "type": PAYLOAD_TYPE,
    }
    payload = msgspec.json.encode({"critical": critical, "optional": None})
    signature = base64.b64encode(sign(foreigners.vendor, payload)).decode()
    layer = Descriptor(
        PAYLOAD_MEDIA_TYPE, registry.put_blob(payload), len(payload),
        annotations={SIGNATURE_ANNOTATION: signature},
    )  # fmt: skip
    kind = "application/vnd.dev.cosign.artifact.sig.v1+json"
    made = Manifest(
        artifact_type=kind,
        config=Descriptor("application/vnd.oci.empty.v1+json", digest_of(b"{}"), 2),
        layers=(layer,),
        subject=described if form == "referrer" else None,
    )
    if form == "tag":
        registry.put_manifest(render_manifest(made), OCI_MANIFEST, tag=signature_tag(digest))
    else:
        await registry.push_referrer(repository, render_manifest(made), OCI_MANIFEST)


# Whom it has to come from


async def test_t01_what_no_source_signed_is_named_and_changes_nothing(
    foreigners: Foreigners,
) -> None:
    stranger = generate_key()
    await foreigners.attest(VULN, cosign_vuln(), key=stranger)
    about = body(statement(OPENVEX, vex(foreigners), foreigners.image.digest))
    await foreigners.refer(bundle(stranger, about), BUNDLE_MEDIA_TYPE)
    await foreigners.refer(body(sarif()), "application/sarif+json")
    await foreigners.refer(b"garbage", BUNDLE_MEDIA_TYPE)
    found = await foreigners.take()
    assert (found.claims, found.statements, len(found.refused)) == ((), (), 4)
    assert any("not signed by a source" in sentence for sentence in found.refused)


async def test_t01_without_sources_nothing_is_even_read(foreigners: Foreigners) -> None:
    await foreigners.attest(VULN, cosign_vuln())
    foreigners.sources = ()
    before = foreigners.world.registry.reads.total()
    assert await foreigners.take() == Foreign()
    assert foreigners.world.registry.reads.total() == before


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        pytest.param({"accepts": frozenset({Accepted.VEX})}, VULN, "may not sign reports: `accepts`", id="vex-only"),
        pytest.param({"accepts": frozenset({Accepted.REPORTS})}, OPENVEX, "may not sign VEX", id="reports-only"),
        pytest.param({"scanners": ("Grype",)}, VULN, "may not sign reports of 'Trivy'", id="another-scanner"),
        pytest.param({"repositories": ("registry.example/other/*",)}, VULN, "", id="another-repository"),
    ],
)  # fmt: skip
async def test_t01_a_source_is_heard_about_what_it_may_sign_only(
    foreigners: Foreigners, source: dict[str, Json], kind: str, said: str
) -> None:
    foreigners.sources = (foreigners.source(**source),)
    await foreigners.attest(kind, cosign_vuln() if kind == VULN else vex(foreigners))
    found = await foreigners.take()
    assert (found.claims, found.statements) == ((), ())
    assert bool(said) == bool(found.refused)
    assert all(said in sentence for sentence in found.refused)


# What it has to say


@pytest.mark.parametrize(
    ("kind", "predicate", "said"),
    [
        pytest.param(VULN, cosign_vuln(trivy(Metadata={"ImageID": OTHER_DIGEST})), f"about {OTHER_DIGEST}", id="another-image"),
        pytest.param(VULN, cosign_vuln({"x": 1}), "no report that is read here", id="of-no-kind"),
        pytest.param("https://slsa.dev/provenance/v1", {}, "is not known; known:", id="another-predicate"),
        pytest.param("https://in-toto.io/attestation/vulns/v0.2", in_toto_vulns(scanner={"uri": "x/Tidegate", "result": []}), "kept for scans of our own", id="in-our-name"),
        pytest.param("https://in-toto.io/attestation/vulns/v0.2", in_toto_vulns(scanner={"uri": "x/tideGATE ", "result": []}), "kept for scans of our own", id="nearly-in-our-name"),
        pytest.param(VULN, cosign_vuln(metadata={"scanFinishedOn": "2026-11-23T12:11:00Z"}), "is ahead of now", id="from-the-future"),
        pytest.param(VULN, cosign_vuln(sarif(), metadata={}), "does not say when the image was scanned", id="without-a-time"),
    ],
)  # fmt: skip
async def test_t05_what_does_not_fit_is_refused_with_its_reason(
    foreigners: Foreigners, kind: str, predicate: Json, said: str
) -> None:
    await foreigners.attest(kind, predicate)
    found = await foreigners.take()
    assert found.statements == ()
    (sentence,) = found.refused
    assert said in sentence
    assert "signed by 'vendor'" in sentence


async def test_t05_another_images_attestation_does_not_count_here(foreigners: Foreigners) -> None:
    await foreigners.attest(VULN, cosign_vuln(), about=OTHER_DIGEST)
    found = await foreigners.take()
    assert found.statements == ()
    assert f"the statement is about {OTHER_DIGEST}" in found.refused[0]


async def test_t05_what_a_source_signed_for_another_purpose_is_no_report(
    foreigners: Foreigners,
) -> None:
    # An image signature is not about the report that lies beside it.
    carrier = await foreigners.refer(body(sarif()), "application/sarif+json")
    other = await foreigners.refer(body(sarif(properties={})), "application/sarif+json")
    await sign_manifest(foreigners, other, "tag")
    tag = foreigners.world.registry.tags.pop(signature_tag(other))
    foreigners.world.registry.tags[signature_tag(carrier)] = tag
    found = await foreigners.take()
    assert found.statements == ()
    assert all("not signed by a source" in sentence for sentence in found.refused)


# Floods and lies


async def test_t02_a_flood_of_attestations_is_read_to_a_limit_and_told(
    foreigners: Foreigners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attestations, "MAX_ATTESTATIONS", 5)
    stranger = generate_key()
    for number in range(8):
        about = body(statement(VULN, cosign_vuln(x=number), foreigners.image.digest))
        await foreigners.refer(bundle(stranger, about), BUNDLE_MEDIA_TYPE)
    found = await foreigners.take()
    assert found.statements == ()
    assert any("the rest is not read" in sentence for sentence in found.refused)
    assert len(found.refused) <= 6


async def test_t03_an_attestation_beyond_the_size_is_not_fetched(
    foreigners: Foreigners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attestations, "MAX_ENVELOPE_BYTES", 100)
    await foreigners.attest(VULN, cosign_vuln())
    (layer,) = (await foreigners.world.registry.fetch_manifest(tagged(foreigners))).manifest.layers
    before = foreigners.world.registry.reads[layer.digest]
    found = await foreigners.take()
    assert any("want at most 100" in sentence for sentence in found.refused)
    assert foreigners.world.registry.reads[layer.digest] == before


async def test_t03_all_attestations_together_are_bounded(
    foreigners: Foreigners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attestations, "MAX_TOTAL_BYTES", 6000)
    for number in range(4):
        await foreigners.attest(VULN, cosign_vuln(x=number))
    found = await foreigners.take()
    assert any("the rest is not read" in sentence for sentence in found.refused)


def tagged(foreigners: Foreigners) -> Json:
    return replace(
        foreigners.world.repository, tag=attestation_tag(foreigners.image.digest), digest=None
    )


async def test_a_registry_that_does_not_answer_clears_nothing_and_is_told(
    foreigners: Foreigners,
) -> None:
    await foreigners.attest(OPENVEX, vex(foreigners))
    tag = attestation_tag(foreigners.image.digest)
    foreigners.world.registry.fail_on(tag, RegistryUnavailableError("down"))
    found = await foreigners.take()
    assert found == Foreign(refused=("attestations could not be read: down",))


@pytest.mark.parametrize("broken", [b"", b"{", b'{"mediaType":1}', b'{"mediaType":"x"}'])
async def test_a_bundle_that_is_none_is_refused(foreigners: Foreigners, broken: bytes) -> None:
    await foreigners.refer(broken, BUNDLE_MEDIA_TYPE)
    (sentence,) = (await foreigners.take()).refused
    assert "sigstore bundle" in sentence


# VEX


def vex(foreigners: Foreigners, **changes: Json) -> Json:
    products = [{"@id": foreigners.image.digest}]
    return openvex(statements=[openvex_statement(products=products, **changes)])


def scan_of(foreigners: Foreigners, *ids: str) -> PlatformScan:
    findings = tuple(finding(i, Severity.CRITICAL) for i in ids)
    made = own_statement(foreigners.image.digest, findings)
    return PlatformScan(foreigners.image, "linux/amd64", made, (), 0.0, 0, (), CONFIG_DIGEST)


async def test_a_trusted_statement_clears_findings_of_our_scan_and_of_theirs(
    foreigners: Foreigners,
) -> None:
    await foreigners.attest(VULN, cosign_vuln())
    await foreigners.attest(OPENVEX, vex(foreigners))
    found = await foreigners.take()
    scan = clear(scan_of(foreigners, "CVE-2022-28346", "CVE-2022-28347"), found)
    marked = {f.vulnerability_id: f.not_affected for f in scan.statement.findings}
    assert [mark.source for mark in marked["CVE-2022-28346"]] == ["vendor"]
    assert marked["CVE-2022-28347"] == ()
    (theirs,) = found.statements
    assert theirs.findings[0].not_affected


async def test_an_analysis_in_a_report_clears_only_where_its_signer_may(
    foreigners: Foreigners,
) -> None:
    analysis = {"state": "not_affected", "justification": "code_not_reachable"}
    documents = [
        cyclonedx_vulnerability(analysis=analysis),
        cyclonedx_vulnerability(id="CVE-2022-2"),
    ]
    metadata = cyclonedx()["metadata"] | {"component": None}
    await foreigners.attest(
        "https://cyclonedx.org/bom", cyclonedx(vulnerabilities=documents, metadata=metadata)
    )
    (both,) = (await foreigners.take()).statements
    assert [bool(f.not_affected) for f in both.findings] == [False, True]
    foreigners.sources = (foreigners.source(frozenset({Accepted.REPORTS})),)
    (reports,) = (await foreigners.take()).statements
    assert [bool(f.not_affected) for f in reports.findings] == [False, False]


# What is attached to an index


@pytest.fixture
def index(foreigners: Foreigners) -> Descriptor:
    """Return an index with the image as one of its platforms."""
    other = foreigners.world.push_image("arm64")
    made = foreigners.world.push_index({"linux/amd64": foreigners.image, "linux/arm64": other})
    foreigners.index = made.digest
    return made


async def attest_index(
    foreigners: Foreigners, index: Descriptor, kind: str, predicate: Json, form: str
) -> None:
    about = body(statement(kind, predicate, index.digest))
    if form == "bundle":
        await foreigners.refer(bundle(foreigners.vendor, about), BUNDLE_MEDIA_TYPE, index)
        return
    world = foreigners.world
    await attach_envelope(
        world.registry, world.repository, about, kind, foreigners.vendor, subject=index
    )


@pytest.mark.parametrize("form", ["tag", "bundle"])
async def test_a_statement_on_an_index_is_about_each_platform(
    foreigners: Foreigners, index: Descriptor, form: str
) -> None:
    await foreigners.attest(VULN, cosign_vuln())
    claim = openvex_statement(
        vulnerability={"name": "CVE-2019-10906"}, products=[{"@id": index.digest}]
    )
    await attest_index(foreigners, index, OPENVEX, openvex(statements=[claim]), form)
    found = await foreigners.take()
    assert found.refused == ()
    assert found.digests == {index.digest, foreigners.image.digest}
    (cleared,) = clear(scan_of(foreigners, "CVE-2019-10906"), found).statement.findings
    assert [mark.source for mark in cleared.not_affected] == ["vendor"]
    foreigners.index = None
    assert (await foreigners.take()).claims == ()


@pytest.mark.parametrize(
    ("result", "said"),
    [
        pytest.param(trivy(), "", id="this-platform"),
        pytest.param(
            trivy(Metadata={"ImageID": OTHER_DIGEST}), "the report is about", id="another"
        ),
        pytest.param(trivy(Metadata={}), "which of its platforms", id="none"),
    ],
)
async def test_a_report_on_an_index_counts_for_the_platform_that_it_names(
    foreigners: Foreigners, index: Descriptor, result: Json, said: str
) -> None:
    await attest_index(foreigners, index, VULN, cosign_vuln(result), "tag")
    found = await foreigners.take()
    assert [s.subject for s in found.statements] == ([] if said else [foreigners.image.digest])
    assert [said in refusal for refusal in found.refused] == ([True] if said else [])


async def test_t05_what_is_about_the_index_counts_at_the_index_alone(
    foreigners: Foreigners, index: Descriptor
) -> None:
    # The platform's own attestations are held to the platform, and the index's to the index.
    await foreigners.attest(VULN, cosign_vuln(), about=index.digest)
    found = await foreigners.take()
    assert (found.statements, len(found.refused)) == ((), 1)


# What a gate makes of it


async def test_a_foreign_report_reaches_the_gate_signed_by_the_worker_with_its_own_age(
    foreigners: Foreigners,
) -> None:
    world = foreigners.world
    await foreigners.attest(VULN, cosign_vuln())
    publisher = Publisher(world.registry, world.key, timedelta(days=182))
    (made,) = (await foreigners.take()).statements
    first = await publisher.publish_statement(world.repository, made, foreigners.image)
    again = await publisher.publish_statement(world.repository, made, foreigners.image)
    assert first == again
    evidence = await world.read(foreigners.image)
    assert isinstance(evidence, Report)
    assert (evidence.sources[0].scanner, evidence.scanned_at) == ("Trivy", made.finished_at)
    assert evidence.counts.critical == 1

    # A statement comes: the same scan read anew counts, and is no younger for it.
    await foreigners.attest(OPENVEX, vex(foreigners))
    (cleared,) = (await foreigners.take()).statements
    second = await publisher.publish_statement(world.repository, cleared, foreigners.image)
    assert second != first
    world.restart()
    evidence = await world.read(foreigners.image)
    assert isinstance(evidence, Report)
    assert evidence.counts.critical == 0
    assert (
        evidence.findings[0].not_affected[0].justification == "vulnerable_code_not_in_execute_path"
    )
    assert timedelta(0) < evidence.scanned_at - made.finished_at < timedelta(seconds=1)
    await publisher.aclose()


async def test_t04_an_older_foreign_report_never_takes_the_place_of_a_newer(
    foreigners: Foreigners,
) -> None:
    world = foreigners.world
    publisher = Publisher(world.registry, world.key, timedelta(days=182))
    await foreigners.attest(VULN, cosign_vuln())
    (made,) = (await foreigners.take()).statements
    newest = await publisher.publish_statement(world.repository, made, foreigners.image)
    older = replace(made, findings=(), finished_at=made.finished_at - timedelta(days=30))
    before = set(world.registry.manifests)
    assert await publisher.publish_statement(world.repository, older, foreigners.image) == newest
    assert set(world.registry.manifests) == before
    await publisher.aclose()


def test_the_attestation_tag_is_cosigns() -> None:
    digest = digest_of(b"x")
    assert attestation_tag(digest) == f"sha256-{encoded_part(digest)}.att"
