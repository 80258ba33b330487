"""What stock cosign 2 and 3 attach to an image in real registries, taken over by a worker."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import RunningRegistry
from support.report_documents import body, openvex, openvex_statement
from tidegate.domain.digest import Digest
from tidegate.domain.reference import parse_reference
from tidegate.local.demo import push_image
from tidegate.local.images import DemoImage, build_demo_images
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.plugins import load_formats
from tidegate.scan.foreign import Borrowing, Foreign, ImageFacts, take_over
from tidegate.testing.real_registries import (
    docker_registry,
    embedded_registry,
    has_docker_registry,
)
from tidegate.trust.configuration import Accepted, EvidenceKey, TrustedSource
from tidegate.trust.keys import fingerprint, load_public_key
from tidegate.wire.oci_v1 import (
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    parse_manifest,
    render_manifest,
)

pytestmark = pytest.mark.integration

SAMPLES = Path(__file__).parents[1] / "samples"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
COSIGNS = ("cosign", "cosign-3")


class Site:
    """One image in a real registry, and a vendor with cosign's own key."""

    def __init__(self, registry: RunningRegistry, folder: Path, program: str, name: str) -> None:
        self.registry, self.folder, self.program = registry, folder, program
        self.image = next(each for each in build_demo_images() if each.tag == "high")
        self.repository = f"vendor/{name.lower()}"
        self.run("generate-key-pair")

    @property
    def target(self) -> str:
        return f"{self.registry.host}/{self.repository}@{self.image.digest}"

    def run(self, *words: str) -> str:
        """Run cosign, offline."""
        environment = os.environ | {
            "COSIGN_PASSWORD": "",
            "COSIGN_YES": "true",
            "HOME": str(self.folder),
            "TUF_ROOT": str(self.folder / "tuf"),
        }
        done = subprocess.run(
            [self.program, *words], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attest(self, kind: str, predicate: Path, *more: str, about: str = "") -> None:
        offline = ["--tlog-upload=false"]
        if self.program.endswith("-3"):
            offline.append("--use-signing-config=false")
        self.run(
            "attest", "--key", "cosign.key", "--type", kind, "--predicate", str(predicate),
            "--allow-http-registry", *offline, *more, about or self.target,
        )  # fmt: skip

    def source(self) -> TrustedSource:
        key = load_public_key((self.folder / "cosign.pub").read_bytes())
        return TrustedSource(EvidenceKey("vendor", key, fingerprint(key)), frozenset(Accepted))


@pytest.fixture(params=COSIGNS)
def site(request: pytest.FixtureRequest, registry: RunningRegistry, tmp_path: Path) -> Site:
    program = shutil.which(request.param)
    if program is None:
        pytest.skip(f"{request.param} is not installed, run `make clients`: attestations NOT read")
    return Site(registry, tmp_path, program, request.node.name.replace("[", "-").replace("]", ""))


@pytest.fixture
async def client(site: Site) -> AsyncIterator[RegistryClient]:
    config = RegistryConfig(host=site.registry.host, plain_http=True, allow_private=True)
    async with RegistryClient([config]) as made:
        image = DemoImage(
            site.repository, "latest", site.image.manifests, site.image.blobs, site.image.worst
        )
        await push_image(made, site.registry.host, image)
        yield made


async def take(site: Site, client: RegistryClient) -> Foreign:
    config = parse_manifest(site.image.manifests[-1][0], OCI_MANIFEST).config
    assert config is not None
    facts = ImageFacts(parse_reference(site.target), Digest(site.image.digest), config.digest)
    return await take_over(client, facts, Borrowing((site.source(),), load_formats()), NOW)


async def test_a_vuln_attestation_by_cosign_is_taken_over(
    site: Site, client: RegistryClient
) -> None:
    site.attest("vuln", SAMPLES / "trivy/high.cosign-vuln.json")
    found = await take(site, client)
    assert found.refused == ()
    (made,) = found.statements
    assert (made.scanner.name, made.subject) == ("Trivy", site.image.digest)
    assert made.coverage.complete
    assert len(made.findings) == 8


async def test_a_bom_with_vulnerabilities_and_a_vex_document_by_cosign_are_taken_over(
    site: Site, client: RegistryClient, tmp_path: Path
) -> None:
    site.attest("cyclonedx", SAMPLES / "trivy/high.cyclonedx.json")
    statement = openvex_statement(
        vulnerability={"name": "CVE-2019-10906"}, products=[{"@id": site.image.digest}]
    )
    (tmp_path / "vex.json").write_bytes(body(openvex(statements=[statement])))
    site.attest("openvex", tmp_path / "vex.json")
    found = await take(site, client)
    assert found.refused == ()
    (made,) = found.statements
    cleared = [f.vulnerability_id for f in made.findings if f.not_affected]
    assert cleared == ["CVE-2019-10906"]
    assert [claim.source for claim in found.claims] == ["vendor"]


async def test_another_key_of_cosigns_is_nobodys(
    site: Site, client: RegistryClient, tmp_path: Path
) -> None:
    site.attest("vuln", SAMPLES / "trivy/high.cosign-vuln.json")
    for name in ("cosign.key", "cosign.pub"):
        (tmp_path / name).unlink()
    site.run("generate-key-pair")
    found = await take(site, client)
    assert (found.statements, found.claims) == ((), ())
    assert len(found.refused) == 1


FORMS = [
    pytest.param("cosign", (), id="cosign-2-tag"),
    pytest.param("cosign", ("--new-bundle-format",), id="cosign-2-bundle"),
    pytest.param("cosign-3", (), id="cosign-3-bundle"),
    pytest.param("cosign-3", ("--new-bundle-format=false",), id="cosign-3-tag"),
]


@pytest.mark.parametrize(("program", "form"), FORMS)
@pytest.mark.parametrize("kind", ["embedded", "docker-registry"])
async def test_several_attestations_on_an_index_are_read_for_its_platform(
    program: str, form: tuple[str, ...], kind: str, tmp_path: Path
) -> None:
    found_program = shutil.which(program)
    if found_program is None:
        pytest.skip(f"{program} is not installed, run `make clients`: attestations NOT read")
    if kind == "docker-registry" and not has_docker_registry():
        pytest.skip("docker-registry is not installed: apt packages of hack/apt.txt")
    running = embedded_registry if kind == "embedded" else docker_registry
    (tmp_path / "registry").mkdir()
    with running(tmp_path / "registry") as host:
        config = RegistryConfig(host=host, plain_http=True, allow_private=True)
        async with RegistryClient([config]) as client:
            made = Site(RunningRegistry("", host, 0, tmp_path), tmp_path, found_program, "indexed")
            image = made.image
            copied = DemoImage(made.repository, "1", image.manifests, image.blobs, image.worst)
            await push_image(client, host, copied)
            platform, media_type = image.manifests[-1]
            index = render_manifest(
                Manifest(
                    media_type=OCI_INDEX,
                    manifests=(
                        Descriptor(
                            media_type, Digest(image.digest), len(platform),
                            platform=Platform("linux", "amd64"),
                        ),
                    ),
                )
            )  # fmt: skip
            reference = parse_reference(made.target)
            pushed = await client.push_manifest(reference, index, OCI_INDEX)
            about = f"{host}/{made.repository}@{pushed.digest}"

            claim = openvex_statement(
                vulnerability={"name": "CVE-2019-10906"}, products=[{"@id": pushed.digest}]
            )
            (tmp_path / "vex.json").write_bytes(body(openvex(statements=[claim])))
            vuln = SAMPLES / "trivy/high.cosign-vuln.json"
            await asyncio.to_thread(made.attest, "vuln", vuln, *form, about=about)
            vex = tmp_path / "vex.json"
            await asyncio.to_thread(made.attest, "openvex", vex, *form, about=about)

            config_of = parse_manifest(platform, media_type).config
            assert config_of is not None
            facts = ImageFacts(
                reference, Digest(image.digest), config_of.digest, Digest(pushed.digest)
            )
            borrowing = Borrowing((made.source(),), load_formats())
            found = await take_over(client, facts, borrowing, NOW)
    assert found.refused == ()
    (report,) = found.statements
    assert (report.scanner.name, report.subject) == ("Trivy", image.digest)
    assert [f.vulnerability_id for f in report.findings if f.not_affected] == ["CVE-2019-10906"]
