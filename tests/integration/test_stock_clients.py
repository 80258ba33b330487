"""What stock oras, jq, cosign 2 and 3 and skopeo make of our findings, and we of what they write."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import InvalidKeyError
from tidegate.domain.finding import Finding
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.severity import Severity
from tidegate.evidence.trust_file import TrustFile, registry_configs
from tidegate.evidence.verify_image import PlatformChecks, verify_image
from tidegate.local.images import build_image, npm_files
from tidegate.oci.client import RegistryClient
from tidegate.scan.attach import Attached, attach_report
from tidegate.scan.attest import attach_attestation
from tidegate.scan.key_source import load_signing_key
from tidegate.testing.evidence_world import NOON, finding, statement
from tidegate.testing.real_registries import docker_registry, embedded_registry
from tidegate.trust.keys import SigningKey, generate_key, public_pem
from tidegate.wire.oci_v1 import (
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    render_manifest,
)
from tidegate.wire.statement_v1 import PREDICATE_TYPE, render_statement

pytestmark = pytest.mark.integration

COSIGNS = [pytest.param(name, id=name) for name in ("cosign", "cosign-3")]
"""As `make clients` names them; Debian's releases carry 2.x and 3.x."""

VERIFY = ("verify", "--insecure-ignore-tlog=true", "--allow-http-registry", "--key")
NPM = "pkg:npm/lodash@4.17.15"


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed, run `make clients`: stock-client test NOT run")
    return found


def run(*command: str | Path, ok: bool = True) -> str:
    """Return what a program prints; it must succeed, or fail where `ok` is False."""
    done = subprocess.run(
        [program(str(command[0])), *map(str, command[1:])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"COSIGN_PASSWORD": "", **os.environ},
    )
    assert (done.returncode == 0) == ok, f"{command}: exit {done.returncode}: {done.stderr}"
    return done.stdout if ok else done.stderr


@pytest.fixture(scope="module", params=["embedded", "docker-registry"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("registry")
    if request.param == "docker-registry":
        program("docker-registry")
    with (embedded_registry if request.param == "embedded" else docker_registry)(folder) as found:
        yield found


def write_layout(folder: Path) -> Descriptor:
    """Write an OCI layout of one image, as `oci:FOLDER:image`; return the image's descriptor."""
    image = build_image([npm_files("lodash", "4.17.15"), {"random": os.urandom(32)}])
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for digest, body in {**image.blobs, digest_of(image.manifest): image.manifest}.items():
        (blobs / digest.removeprefix("sha256:")).write_bytes(body)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    entry = {
        "mediaType": OCI_MANIFEST,
        "digest": image.descriptor.digest,
        "size": image.descriptor.size,
        "annotations": {"org.opencontainers.image.ref.name": "image"},
    }
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return image.descriptor


@dataclass
class Site:
    """An image that skopeo pushed and we attached findings to."""

    folder: Path
    image: ImageReference
    subject: Descriptor
    key: SigningKey = field(default_factory=generate_key)

    def __post_init__(self) -> None:
        pem = public_pem(self.key)
        (self.folder / "key.pub").write_bytes(pem)
        lines = "".join(f"    {line}\n" for line in pem.decode().splitlines())
        (self.folder / "trust.yaml").write_text(
            f"keys:\n- name: ours\n  publicKey: |\n{lines}registries:\n"
            f"- {{host: '{self.image.registry}', plainHttp: true, allowPrivate: true}}\n"
        )

    def client(self) -> RegistryClient:
        return RegistryClient(registry_configs(TrustFile(self.folder / "trust.yaml").current()))

    async def attach(self) -> Attached:
        found = finding("CVE-2021-23337", Severity.HIGH)
        body = render_statement(statement(self.subject.digest, [found]))
        async with self.client() as client:
            return await attach_report(client, self.image, body, self.key, subject=self.subject)

    async def attest(
        self, subject: Descriptor, found: Finding, later: timedelta = timedelta(0)
    ) -> None:
        body = render_statement(statement(subject.digest, [found], at=NOON + later))
        async with self.client() as client:
            assert await attach_attestation(client, self.image, body, self.key, subject=subject)

    async def push_index(self) -> Descriptor:
        """Push an index with the image as its one platform."""
        listed = msgspec.structs.replace(self.subject, platform=Platform("amd64", "linux"))
        body = render_manifest(Manifest(media_type=OCI_INDEX, manifests=(listed,)))
        async with self.client() as client:
            pushed = await client.push_manifest(self.image, body, OCI_INDEX)
        return Descriptor(OCI_INDEX, pushed.digest, len(body))

    def read(self, image: ImageReference | None = None) -> PlatformChecks:
        """Return what our reader makes of all that is attached."""

        async def verify() -> PlatformChecks:
            trust = TrustFile(self.folder / "trust.yaml").current()
            async with self.client() as client:
                checks = await verify_image(client, trust, image or self.image, NOON)
            return checks.platforms[0]

        return asyncio.run(verify())


@pytest.fixture
def site(host: str, tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    """A repository of each test's own."""
    subject = write_layout(tmp_path / "layout")
    name = request.node.originalname.removeprefix("test_").replace("_", "-")
    image = parse_reference(f"{host}/stock/{name}-{subject.digest[-8:]}:1")
    copy(f"oci:{tmp_path}/layout:image", f"docker://{image}")
    return Site(tmp_path, image, subject)


def copy(source: str, target: str) -> None:
    plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
    run("skopeo", "--insecure-policy", "copy", "--preserve-digests", *plain, source, target)


def discover(image: ImageReference) -> list[Digest]:
    """Return the digests of what oras shows below `image`."""
    found = json.loads(run("oras", "discover", "--plain-http", "--format", "json", str(image)))
    return [Digest(entry["digest"]) for entry in found.get("referrers", found.get("manifests"))]


def test_oras_discovers_the_artifact_and_jq_reads_its_statement(site: Site) -> None:
    attached = asyncio.run(site.attach())
    assert discover(site.image) == [attached.artifact]
    assert discover(site.image.at(attached.artifact)) == [attached.signature]
    tree = run("oras", "discover", "--plain-http", str(site.image))
    assert tree.index("application/vnd.in-toto+json") < tree.index("cosign.artifact.sig")
    artifact = str(site.image.at(attached.artifact))
    manifest = json.loads(run("oras", "manifest", "fetch", "--plain-http", artifact))
    layer = site.image.at(manifest["layers"][0]["digest"])
    body = site.folder / "va-attachment.json"
    run("oras", "blob", "fetch", "--plain-http", str(layer), "-o", body)
    query = ".predicateType, .subject[].digest.sha256, .predicate.scanner.result[].id"
    assert run("jq", "-r", query, body).split() == [
        PREDICATE_TYPE,
        site.subject.digest.removeprefix("sha256:"),
        "CVE-2021-23337",
    ]


@pytest.mark.parametrize("cosign", COSIGNS)
def test_cosign_accepts_our_key_and_refuses_another(site: Site, cosign: str) -> None:
    artifact = str(site.image.at(asyncio.run(site.attach()).artifact))
    (claim,) = json.loads(run(cosign, *VERIFY, site.folder / "key.pub", artifact))
    assert claim["optional"] == {"tidegate.io/purpose": "findings"}
    (site.folder / "other.pub").write_bytes(public_pem(generate_key()))
    assert "signature" in run(cosign, *VERIFY, site.folder / "other.pub", artifact, ok=False)


@pytest.mark.parametrize("cosign", COSIGNS)
def test_a_key_that_cosign_sealed_signs_findings(
    site: Site, cosign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIGN_PASSWORD", "correct horse")
    run(cosign, "generate-key-pair", "--output-key-prefix", site.folder / "sealed")
    source = str(site.folder / "sealed.key")
    with pytest.raises(InvalidKeyError, match="the passphrase does not open it"):
        load_signing_key(source, lambda: "", {})
    site.key = load_signing_key(source, lambda: "correct horse", {})
    artifact = str(site.image.at(asyncio.run(site.attach()).artifact))
    run(cosign, *VERIFY, site.folder / "sealed.pub", artifact)


@pytest.mark.parametrize("cosign", COSIGNS)
def test_findings_are_no_signature_of_the_image(site: Site, cosign: str) -> None:
    asyncio.run(site.attach())
    image = str(site.image.at(site.subject.digest))
    assert "no signatures found" in run(cosign, *VERIFY, site.folder / "key.pub", image, ok=False)


def sign(cosign: str, site: Site, digest: Digest) -> Path:
    """Sign by a customer's own key and program; return the public key."""
    key = site.folder / "customer"
    run(cosign, "generate-key-pair", "--output-key-prefix", key)
    # cosign 3 would fetch its signing configuration from the internet.
    offline = ["--use-signing-config=false"] if cosign == "cosign-3" else []
    run(
        cosign, "sign", "--yes", "--tlog-upload=false", *offline, "--allow-http-registry",
        "--key", f"{key}.key", str(site.image.at(digest)),
    )  # fmt: skip
    return key.with_suffix(".pub")


@pytest.mark.parametrize("cosign", COSIGNS)
def test_a_customers_signature_on_the_artifact_leaves_ours_in_force(
    site: Site, cosign: str
) -> None:
    attached = asyncio.run(site.attach())
    customer = sign(cosign, site, attached.artifact)
    artifact = str(site.image.at(attached.artifact))
    run(cosign, *VERIFY, customer, artifact)
    # Beside a bundle cosign 3 looks at bundles only, unless it is told otherwise.
    legacy = ["--new-bundle-format=false"] if cosign == "cosign-3" else []
    run(cosign, *VERIFY[:-1], *legacy, "--key", site.folder / "key.pub", artifact)
    checks = site.read()
    assert [report.artifact for report in checks.found.verified] == [attached.artifact]


def attest(cosign: str, site: Site, about: str, key: Path) -> None:
    """Attest by a customer's own key and program, at the tag where ours stands too."""
    (site.folder / "predicate.json").write_text('{"of": "the customer"}')
    run(cosign, "generate-key-pair", "--output-key-prefix", key)
    plain = ["--use-signing-config=false", "--new-bundle-format=false"]
    run(
        cosign, "attest", "--yes", "--tlog-upload=false", *(plain if cosign == "cosign-3" else []),
        "--allow-http-registry", "--key", f"{key}.key", "--type", "custom",
        "--predicate", site.folder / "predicate.json", about,
    )  # fmt: skip


def verify_attestation(
    cosign: str, about: str, key: Path, kind: str = PREDICATE_TYPE, *, ok: bool = True
) -> list[dict[str, object]]:
    """Return the statements that cosign accepts."""
    command = ("verify-attestation", *VERIFY[1:], key, "--type", kind, about)
    printed = run(cosign, *command, ok=ok)
    if not ok:
        return []
    return [
        json.loads(base64.b64decode(json.loads(line)["payload"])) for line in printed.splitlines()
    ]


@pytest.mark.parametrize("cosign", COSIGNS)
@pytest.mark.parametrize("kind", ["image", "index"])
def test_cosign_accepts_our_attestation_beside_those_of_others(
    site: Site, cosign: str, kind: str
) -> None:
    subject = site.subject if kind == "image" else asyncio.run(site.push_index())
    about = str(site.image.at(subject.digest))
    customer, late = site.folder / "customer", site.folder / "late"
    attest(cosign, site, about, customer)
    old = finding("CVE-2020-1", Severity.LOW)
    asyncio.run(site.attest(subject, old))
    attest(cosign, site, about, late)  # cosign rewrites what we wrote
    new = finding("CVE-2021-23337", Severity.HIGH)
    asyncio.run(site.attest(subject, new, later=timedelta(hours=1)))

    (ours,) = verify_attestation(cosign, about, site.folder / "key.pub")
    assert ours["predicateType"] == PREDICATE_TYPE
    assert "CVE-2021-23337" in json.dumps(ours)
    assert "CVE-2020-1" not in json.dumps(ours)
    for key in (customer, late):
        (theirs,) = verify_attestation(cosign, about, key.with_suffix(".pub"), "custom")
        assert "the customer" in json.dumps(theirs)
    verify_attestation(cosign, about, customer.with_suffix(".pub"), ok=False)
    verify_attestation(cosign, about, site.folder / "key.pub", "vuln", ok=False)


@pytest.mark.parametrize("cosign", COSIGNS)
def test_our_findings_hide_no_signature_of_the_image(site: Site, cosign: str) -> None:
    customer = sign(cosign, site, site.subject.digest)
    asyncio.run(site.attach())
    run(cosign, *VERIFY, customer, str(site.image.at(site.subject.digest)))
    assert len(site.read().found.verified) == 1


def test_skopeo_copies_the_image_out_and_in_without_its_findings(site: Site) -> None:
    asyncio.run(site.attach())
    copy(f"docker://{site.image}", f"oci:{site.folder}/out:image")
    mirror = replace(site.image, repository=f"{site.image.repository}-mirror")
    copy(f"oci:{site.folder}/out:image", f"docker://{mirror}")
    checks = site.read(mirror)
    assert checks.digest == site.subject.digest
    assert (checks.found.verified, checks.found.refused) == ((), ())


def test_oras_copies_findings_along_and_they_verify_at_the_mirror(site: Site) -> None:
    attached = asyncio.run(site.attach())
    mirror = replace(site.image, repository=f"{site.image.repository}-mirror")
    plain = ("--from-plain-http", "--to-plain-http")
    run("oras", "cp", "--recursive", *plain, str(site.image), str(mirror))
    checks = site.read(mirror)
    assert [report.artifact for report in checks.found.verified] == [attached.artifact]
