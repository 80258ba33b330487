"""What stock cosign 2 and 3 attach to an image in real registries, taken over by a worker."""

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
from tidegate.trust.configuration import Accepted, EvidenceKey, TrustedSource
from tidegate.trust.keys import fingerprint, load_public_key
from tidegate.wire.oci_v1 import OCI_MANIFEST, parse_manifest

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

    def attest(self, kind: str, predicate: Path, *more: str) -> None:
        offline = ["--tlog-upload=false"]
        if self.program.endswith("-3"):
            offline.append("--use-signing-config=false")
        self.run(
            "attest", "--key", "cosign.key", "--type", kind, "--predicate", str(predicate),
            "--allow-http-registry", *offline, *more, self.target,
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
