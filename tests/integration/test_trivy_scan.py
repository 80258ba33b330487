"""The demo images, scanned by the real Trivy in the real sandbox."""

import gzip
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.advisories.demo import demo_set
from tidegate.domain.digest import digest_of
from tidegate.domain.errors import ScannerUnavailableError
from tidegate.domain.reference import parse_reference
from tidegate.domain.severity import Severity
from tidegate.local.images import (
    CLEAN_DEBIAN,
    BuiltImage,
    DemoImage,
    build_demo_images,
    build_image,
    debian_files,
    jar_files,
    npm_files,
    python_files,
    tar_layer,
    zip_archive,
)
from tidegate.scan.pipeline import PlatformScan, ScanSetup, scan_image
from tidegate.scan.scanners import builtin, confined
from tidegate.scan.scanners.builtin import BuiltinScanner
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.wire.oci_v1 import OCI_MANIFEST
from tidegate.wire.statement_v1 import render_statement

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DEMO = {image.tag: image for image in build_demo_images()}
DEBIAN = debian_files(CLEAN_DEBIAN)


def has_trivy() -> bool:
    try:
        builtin.find_trivy()
    except ScannerUnavailableError:
        return False
    return True


if not has_trivy():
    pytest.skip("no trivy on PATH or beside this Python", allow_module_level=True)


async def scan(
    image: DemoImage | BuiltImage,
    tmp_path: Path,
    scanner: BuiltinScanner | None = None,
    deadline_s: float = 60,
) -> tuple[PlatformScan, ...]:
    registry = MemoryRegistry()
    for blob in image.blobs.values():
        registry.put_blob(blob)
    manifests = (
        image.manifests if isinstance(image, DemoImage) else ((image.manifest, OCI_MANIFEST),)
    )
    for body, media_type in manifests:
        registry.put_manifest(body, media_type, tag="latest")
    setup = ScanSetup(
        scanner or BuiltinScanner(), demo_set(), lambda: NOW, tmp_path, deadline_s=deadline_s
    )
    return await scan_image(registry, parse_reference("registry.example/demo/app"), setup)


@pytest.mark.parametrize("tag", DEMO)
async def test_each_demo_image_is_as_bad_as_its_name_says(tag: str, tmp_path: Path) -> None:
    scans = await scan(DEMO[tag], tmp_path)
    findings = [finding for platform in scans for finding in platform.statement.findings]
    assert max((f.severity for f in findings), default=None) == DEMO[tag].worst
    assert all(platform.statement.coverage.gaps == () for platform in scans)
    assert all(render_statement(platform.statement) for platform in scans)
    assert not any(os.scandir(tmp_path))


async def test_the_platforms_of_an_index_are_told_apart(tmp_path: Path) -> None:
    first, second = await scan(DEMO["multi-arch"], tmp_path)
    assert (first.platform, len(first.statement.findings)) == ("linux/amd64", 0)
    assert second.platform == "linux/arm64"
    assert {f.severity for f in second.statement.findings} >= {Severity.HIGH}


async def test_the_critical_image_has_the_labs_findings_where_they_lie(tmp_path: Path) -> None:
    (platform,) = await scan(DEMO["critical"], tmp_path)
    findings = {(f.package_name, f.vulnerability_id): f for f in platform.statement.findings}
    django = findings["django", "CVE-2022-28346"]
    assert (django.version, django.fixed_version) == ("3.2", "3.2.13")
    assert django.aliases == {"GHSA-2gwj-7jmv-h26r", "PYSEC-2022-190"}
    assert django.locations[0].path.endswith("Django-3.2.dist-info/METADATA")
    assert django.locations[0].layer.startswith("sha256:")
    assert findings["jackson-databind", "CVE-2022-42004"].fixed_version == "2.12.7.1"
    assert ("jackson-databind", "CVE-2018-7489") not in findings
    assert findings["libssl1.1", "CVE-2022-0778"].severity is Severity.HIGH
    assert ("libssl1.1", "CVE-2021-3711") not in findings


async def test_a_jar_known_by_its_hash_alone_makes_the_report_incomplete(tmp_path: Path) -> None:
    unnamed = {"opt/lib.jar": zip_archive({"a/B.class": b"\xca\xfe"})}
    image = build_image([DEBIAN, {**unnamed, **jar_files("g", "known", "1.0")}])
    (platform,) = await scan(image, tmp_path)
    assert platform.statement.coverage.not_understood == (
        "1 Java archives without Maven coordinates: opt/lib.jar",
    )


async def test_a_jar_removed_by_a_later_layer_does_not_count(tmp_path: Path) -> None:
    unnamed = {"opt/lib.jar": zip_archive({"a/B.class": b"\xca\xfe"})}
    image = build_image([DEBIAN, unnamed, {"opt/.wh.lib.jar": b""}])
    (platform,) = await scan(image, tmp_path)
    assert platform.statement.coverage.complete


async def test_a_jar_inside_a_jar_is_found_with_its_path(tmp_path: Path) -> None:
    inner = jar_files("org.apache.logging.log4j", "log4j-core", "2.14.1")
    (body,) = inner.values()
    fat = {"opt/fat.jar": zip_archive({"BOOT-INF/lib/log4j-core-2.14.1.jar": body})}
    (platform,) = await scan(build_image([DEBIAN, fat]), tmp_path)
    findings = {f.vulnerability_id: f for f in platform.statement.findings}
    assert findings["CVE-2021-44228"].locations[0].path.startswith("opt/fat.jar")
    assert platform.statement.coverage.complete


@pytest.mark.parametrize(
    ("layers", "gap"),
    [
        pytest.param([{"hello": b"static"}], "no package was recognised", id="scratch"),
        pytest.param(
            [npm_files("lodash", "4.17.21")], "no operating system was recognised", id="no-system"
        ),
        pytest.param(
            [{k: v for k, v in DEBIAN.items() if k != "etc/debian_version"}],
            "components without a package URL",
            id="debian-without-version-file",
        ),
        pytest.param(
            [{**DEBIAN, "etc/debian_version": b"13.1\n"}],
            "Debian:13 packages without an advisory source",
            id="release-without-advisories",
        ),
    ],
)
async def test_an_image_that_cannot_be_judged_whole_is_never_clean(
    tmp_path: Path, layers: list[dict[str, bytes]], gap: str
) -> None:
    (platform,) = await scan(build_image(layers), tmp_path)
    assert any(gap in said for said in platform.statement.coverage.gaps)


async def test_a_version_that_does_not_compare_makes_the_report_incomplete(tmp_path: Path) -> None:
    (platform,) = await scan(
        build_image([DEBIAN, python_files("Django", "3.2-custom-build")]), tmp_path
    )
    assert any("cannot be compared" in said for said in platform.statement.coverage.gaps)


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(b"this is no layer at all", id="garbage"),
        pytest.param(gzip.compress(tar_layer(DEBIAN))[:-40], id="cut"),
    ],
)
async def test_t19_a_broken_layer_is_an_error_or_a_gap_never_clean(
    tmp_path: Path, layer: bytes
) -> None:
    image = build_image([DEBIAN])
    good = image.manifest
    (digest,) = [d for d, blob in image.blobs.items() if blob[:2] == b"\x1f\x8b"]
    manifest = good.replace(digest.encode(), digest_of(layer).encode()).replace(
        f'"size":{len(image.blobs[digest])}'.encode(), f'"size":{len(layer)}'.encode()
    )
    broken = replace(image, manifest=manifest, blobs={**image.blobs, digest_of(layer): layer})
    try:
        (platform,) = await scan(broken, tmp_path)
    except ScannerUnavailableError:
        return
    assert not platform.statement.coverage.complete


async def test_t19_a_scan_beyond_its_time_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScannerUnavailableError, match=r"not finished within 0\.01 s"):
        await scan(DEMO["clean"], tmp_path, deadline_s=0.01)


async def test_a_scanner_that_cannot_be_found_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(confined.sys, "executable", "/nonexistent/python")
    with pytest.raises(ScannerUnavailableError, match="no trivy on PATH or beside this Python"):
        await scan(DEMO["clean"], tmp_path)


async def test_t19_a_program_that_leaves_a_link_as_output_is_not_followed(tmp_path: Path) -> None:
    """A scanner taken over could name a key; its output must be a plain file of its own."""
    impostor = tmp_path / "trivy"
    impostor.write_text(
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ $1 = -o ] && out=$2; shift; done\n"
        "ln -s /etc/passwd $out\n"
    )
    impostor.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(ScannerUnavailableError):
        await scan(DEMO["clean"], work, BuiltinScanner(trivy=impostor))
