import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.advisories.demo import demo_set
from tidegate.domain.digest import digest_of
from tidegate.domain.errors import (
    ContentMismatchError,
    InvalidManifestError,
    LimitExceededError,
    MalformedReportError,
    NotInRegistryError,
)
from tidegate.domain.reference import parse_reference
from tidegate.local.images import BuiltImage, DemoImage, build_demo_images, build_image
from tidegate.scan.layout import LayoutLimits
from tidegate.scan.pipeline import ScanSetup, list_platforms, scan_image
from tidegate.scan.scanner import ScannerOutput
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.wire.oci_v1 import OCI_INDEX, OCI_MANIFEST, parse_manifest
from tidegate.wire.statement_v1 import parse_statement, render_statement

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
REFERENCE = parse_reference("registry.example/demo/app:latest")


@dataclass
class ReadingScanner:
    """Reads the layout as Trivy would, and says that it holds an old Django."""

    image_id: str = ""
    layouts: list[set[str]] = field(default_factory=list)

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        assert workdir != layout
        assert deadline_s == 600
        index = parse_manifest((layout / "index.json").read_bytes(), OCI_INDEX)
        path = layout / "blobs" / "sha256"
        self.layouts.append({f"sha256:{blob.name}" for blob in os.scandir(path)})
        body = (path / index.manifests[0].digest.partition(":")[2]).read_bytes()
        config = parse_manifest(body, OCI_MANIFEST).config
        assert config is not None
        return ScannerOutput("application/vnd.cyclonedx+json", self.document(config.digest))

    def document(self, config: str) -> bytes:
        image_id = {"name": "aquasecurity:trivy:ImageID", "value": self.image_id or config}
        django = {
            "type": "library",
            "name": "Django",
            "version": "3.2",
            "purl": "pkg:pypi/django@3.2",
        }
        return json.dumps(
            {
                "bomFormat": "CycloneDX",
                "metadata": {"component": {"properties": [image_id]}},
                "components": [{"type": "operating-system", "name": "debian"}, django],
            }
        ).encode()


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def setup(tmp_path: Path) -> ScanSetup:
    return ScanSetup(ReadingScanner(), demo_set(), lambda: NOW, tmp_path)


def push(registry: MemoryRegistry, image: DemoImage | BuiltImage) -> None:
    for blob in image.blobs.values():
        registry.put_blob(blob)
    manifests = (
        image.manifests if isinstance(image, DemoImage) else ((image.manifest, OCI_MANIFEST),)
    )
    for body, media_type in manifests:
        registry.put_manifest(body, media_type, tag="latest")


def demo(tag: str) -> DemoImage:
    return next(image for image in build_demo_images() if image.tag == tag)


async def test_an_image_becomes_a_statement_about_its_digest(
    registry: MemoryRegistry, setup: ScanSetup, tmp_path: Path
) -> None:
    image = demo("critical")
    push(registry, image)
    (scan,) = await scan_image(registry, REFERENCE, setup)
    assert scan.subject.digest == image.digest
    assert scan.platform == "linux/amd64"
    statement = parse_statement(render_statement(scan.statement))
    assert (statement.subject, statement.scanner.name) == (image.digest, "Tidegate")
    assert "CVE-2022-28346" in {finding.vulnerability_id for finding in statement.findings}
    assert statement.scanner.db_version == "demo set"
    assert not any(os.scandir(tmp_path)), "the layout is removed"


async def test_an_image_by_sha512_is_shown_to_the_scanner_by_sha256(
    registry: MemoryRegistry, setup: ScanSetup
) -> None:
    image = demo("critical")
    manifest = json.loads(image.manifests[0][0])
    for descriptor in (manifest["config"], *manifest["layers"]):
        blob = image.blobs[descriptor["digest"]]
        descriptor["digest"] = digest_of(blob, "sha512")
        registry.blobs[descriptor["digest"]] = blob
    body = json.dumps(manifest).encode()
    digest = digest_of(body, "sha512")
    registry.manifests[digest] = (body, OCI_MANIFEST)
    (scan,) = await scan_image(registry, REFERENCE.at(digest), setup)
    assert (scan.subject.digest, scan.config) == (digest, manifest["config"]["digest"])
    assert parse_statement(render_statement(scan.statement)).subject == digest
    (shown,) = setup.scanner.layouts
    assert set(image.blobs) < shown, "every blob by its sha256, and a manifest"


async def test_every_platform_of_an_index_is_scanned_and_attestations_are_not(
    registry: MemoryRegistry, setup: ScanSetup
) -> None:
    push(registry, demo("multi-arch"))
    scans = await scan_image(registry, REFERENCE, setup)
    assert [scan.platform for scan in scans] == ["linux/amd64", "linux/arm64"]


async def test_the_scanner_sees_one_platform_alone(
    registry: MemoryRegistry, setup: ScanSetup
) -> None:
    push(registry, demo("multi-arch"))
    await scan_image(registry, REFERENCE, setup)
    first, second = setup.scanner.layouts
    assert not first & second - {digest_of(b) for b in registry.blobs.values()}
    assert all(len(blobs) >= 3 for blobs in (first, second))


async def test_a_platform_listed_twice_is_scanned_once(registry: MemoryRegistry) -> None:
    push(registry, demo("multi-arch"))
    digest = registry.tags["latest"]
    index = json.loads(registry.manifests[digest][0])
    index["manifests"].append(index["manifests"][0])
    registry.put_manifest(json.dumps(index).encode(), OCI_INDEX, tag="latest")
    assert len(await list_platforms(registry, REFERENCE)) == 2


async def test_a_scanner_that_looked_elsewhere_is_not_believed(
    registry: MemoryRegistry, setup: ScanSetup
) -> None:
    push(registry, demo("clean"))
    elsewhere = replace(setup, scanner=ReadingScanner(image_id="sha256:" + "0" * 64))
    with pytest.raises(ContentMismatchError, match="the scanner looked at image"):
        await scan_image(registry, REFERENCE, elsewhere)


async def test_a_scanner_that_names_no_image_is_not_believed(
    registry: MemoryRegistry, setup: ScanSetup
) -> None:
    class SilentScanner(ReadingScanner):
        def document(self, config: str) -> bytes:
            del config
            return b'{"bomFormat": "CycloneDX"}'

    push(registry, demo("clean"))
    with pytest.raises(ContentMismatchError):
        await scan_image(registry, REFERENCE, replace(setup, scanner=SilentScanner()))


async def test_t19_nonsense_from_the_scanner_is_no_clean_report(
    registry: MemoryRegistry, setup: ScanSetup
) -> None:
    class HostileScanner(ReadingScanner):
        def document(self, config: str) -> bytes:
            del config
            return b"[]"

    push(registry, demo("clean"))
    with pytest.raises(MalformedReportError):
        await scan_image(registry, REFERENCE, replace(setup, scanner=HostileScanner()))


def edited(image: BuiltImage, edit: Callable[[dict[str, object]], None]) -> BuiltImage:
    manifest = json.loads(image.manifest)
    edit(manifest)
    return replace(image, manifest=json.dumps(manifest).encode())


def with_urls(manifest: dict[str, list[dict[str, object]]]) -> None:
    manifest["layers"][0]["urls"] = ["http://169.254.169.254/layer"]


def with_other_config(manifest: dict[str, dict[str, object]]) -> None:
    manifest["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json"


def with_many_layers(manifest: dict[str, list[dict[str, object]]]) -> None:
    manifest["layers"] *= 600


@pytest.mark.parametrize(
    ("edit", "wanted", "said"),
    [
        pytest.param(with_urls, InvalidManifestError, "never fetched", id="t09-urls"),
        pytest.param(with_other_config, InvalidManifestError, "helm", id="no-image"),
        pytest.param(with_many_layers, LimitExceededError, "600 layers", id="t03-layers"),
    ],
)
async def test_what_cannot_be_scanned_is_refused(
    registry: MemoryRegistry,
    setup: ScanSetup,
    edit: Callable[[dict[str, object]], None],
    wanted: type[Exception],
    said: str,
) -> None:
    push(registry, edited(build_image([{"a": b"1"}]), edit))
    with pytest.raises(wanted, match=said):
        await scan_image(registry, REFERENCE, setup)


async def test_t03_layers_beyond_the_limit_are_not_fetched(
    registry: MemoryRegistry, setup: ScanSetup
) -> None:
    image = demo("clean")
    push(registry, image)
    layers = parse_manifest(*image.manifests[0]).layers
    for limits in (LayoutLimits(max_total_bytes=100), LayoutLimits(max_layers=0)):
        with pytest.raises(LimitExceededError, match=r"want at most (100|0)$"):
            await scan_image(registry, REFERENCE, replace(setup, limits=limits))
    assert not any(registry.reads[layer.digest] for layer in layers)


async def test_a_missing_manifest_is_certain_and_said(
    registry: MemoryRegistry, setup: ScanSetup
) -> None:
    with pytest.raises(NotInRegistryError, match="no such manifest"):
        await scan_image(registry, REFERENCE, setup)


async def test_a_missing_layer_is_no_clean_report(
    registry: MemoryRegistry, setup: ScanSetup
) -> None:
    image = demo("clean")
    push(registry, image)
    del registry.blobs[parse_manifest(*image.manifests[0]).layers[0].digest]
    with pytest.raises(NotInRegistryError):
        await scan_image(registry, REFERENCE, setup)


async def test_a_config_that_is_none_is_refused(registry: MemoryRegistry, setup: ScanSetup) -> None:
    config = b"[1, 2]"
    image = build_image([{"a": b"1"}])

    def other(manifest: dict[str, dict[str, object]]) -> None:
        manifest["config"] |= {"digest": digest_of(config), "size": len(config)}

    push(registry, edited(image, other))
    registry.put_blob(config)
    with pytest.raises(InvalidManifestError, match="image config"):
        await scan_image(registry, REFERENCE, setup)


def test_the_demo_images_are_the_same_bytes_every_time() -> None:
    assert [i.digest for i in build_demo_images()] == [i.digest for i in build_demo_images()]
    assert [image.tag for image in build_demo_images()] == [
        "clean",
        "low",
        "medium",
        "high",
        "critical",
        "multi-arch",
    ]
