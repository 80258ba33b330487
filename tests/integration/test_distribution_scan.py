"""Images of every distribution, seen by the real Trivy and judged by their release's advisories."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.distributions import Distribution, apk, dpkg, rpm, system
from tidegate.advisories.demo import AdvisorySet
from tidegate.advisories.osv import parse_advisory
from tidegate.domain.errors import ScannerUnavailableError
from tidegate.domain.reference import parse_reference
from tidegate.domain.severity import Severity
from tidegate.local.images import build_image
from tidegate.scan.pipeline import PlatformScan, ScanSetup, scan_image
from tidegate.scan.scanners import builtin
from tidegate.scan.scanners.builtin import BuiltinScanner
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.wire.oci_v1 import OCI_MANIFEST

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)

try:
    builtin.find_trivy()
except ScannerUnavailableError:
    pytest.skip("no trivy on PATH or beside this Python", allow_module_level=True)

UBUNTU = system("ubuntu", "22.04", **{"lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n"})
RPM = rpm("openssl-libs", "3.0.7", "24.el9")


def records() -> AdvisorySet:
    """One update of openssl for each release, by the names that OSV uses."""
    fixes = [
        ("Debian:12", "openssl", "3.0.9-1"),
        ("Ubuntu:22.04:LTS", "openssl", "3.0.2-0ubuntu1.8"),
        ("Alpine:v3.18", "openssl", "3.1.4-r1"),
        ("Wolfi", "openssl", "3.1.4-r1"),
        ("Chainguard", "openssl", "3.1.4-r1"),
        ("AlmaLinux:9", "openssl-libs", "1:3.0.7-25.el9_3"),
        ("Rocky Linux:9", "openssl", "1:3.0.7-25.el9_3"),
        ("Red Hat:enterprise_linux:9::baseos", "openssl-libs", "1:3.0.7-25.el9_3"),
        ("SUSE:Linux Enterprise Module for Basesystem 15 SP5", "openssl", "1:3.0.8-150500.5.27.1"),
        ("openSUSE:Leap 15.5", "openssl", "1:3.0.8-150500.5.27.1"),
    ]
    return AdvisorySet("test", (parse_advisory(update(*fix)) for fix in fixes))


def update(ecosystem: str, name: str, fixed: str) -> bytes:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    return json.dumps(
        {
            "id": f"{ecosystem.partition(':')[0].replace(' ', '')}-2024-1",
            "modified": "2026-11-01T00:00:00Z",
            "summary": "Important: openssl security update",
            "upstream": ["CVE-2024-0001"],
            "affected": [
                {
                    "package": {"ecosystem": ecosystem, "name": name},
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                }
            ],
        }
    ).encode()


async def scan(files: dict[str, bytes], tmp_path: Path) -> PlatformScan:
    image, registry = build_image([files]), MemoryRegistry()
    for blob in image.blobs.values():
        registry.put_blob(blob)
    registry.put_manifest(image.manifest, OCI_MANIFEST, tag="latest")
    setup = ScanSetup(BuiltinScanner(), records(), lambda: NOW, tmp_path, deadline_s=60)
    (platform,) = await scan_image(registry, parse_reference("registry.example/app"), setup)
    return platform


@pytest.mark.parametrize(
    ("distribution", "ecosystem", "fixed"),
    [
        pytest.param(
            Distribution(system("debian", "12", debian_version="12.11\n"), dpkg("libssl3", "3.0.8-1")),
            "Debian:12", "3.0.9-1", id="debian",
        ),
        pytest.param(
            Distribution(UBUNTU, dpkg("libssl3", "3.0.2-0ubuntu1.7")),
            "Ubuntu:22.04:LTS", "3.0.2-0ubuntu1.8", id="ubuntu",
        ),
        pytest.param(
            Distribution(system("alpine", "3.18.4", **{"alpine-release": "3.18.4\n"}), apk("libcrypto3", "3.1.4-r0")),
            "Alpine:v3.18", "3.1.4-r1", id="alpine",
        ),
        pytest.param(
            Distribution(system("wolfi", "20230201"), apk("libcrypto3", "3.1.4-r0")),
            "Wolfi", "3.1.4-r1", id="wolfi",
        ),
        pytest.param(
            Distribution(system("chainguard", "20230214"), apk("libcrypto3", "3.1.4-r0")),
            "Chainguard", "3.1.4-r1", id="chainguard",
        ),
        pytest.param(
            Distribution(system("almalinux", "9.3", **{"almalinux-release": "AlmaLinux release 9.3 (Shamrock)\n"}), RPM),
            "AlmaLinux:9", "1:3.0.7-25.el9_3", id="alma",
        ),
        pytest.param(
            Distribution(system("rocky", "9.3", **{"rocky-release": "Rocky Linux release 9.3 (Blue)\n"}), RPM),
            "Rocky Linux:9", "1:3.0.7-25.el9_3", id="rocky",
        ),
        pytest.param(
            Distribution(system("rhel", "9.3", **{"redhat-release": "Red Hat Enterprise Linux release 9.3 (Plow)\n"}), RPM),
            "Red Hat:enterprise_linux:9", "1:3.0.7-25.el9_3", id="red-hat",
        ),
        pytest.param(
            Distribution(system("sles", "15.5"), rpm("libopenssl3", "3.0.8", "150500.5.24.1")),
            "SUSE:Linux Enterprise 15 SP5", "1:3.0.8-150500.5.27.1", id="suse",
        ),
        pytest.param(
            Distribution(system("opensuse-leap", "15.5"), rpm("libopenssl3", "3.0.8", "150500.5.24.1")),
            "openSUSE:Leap 15.5", "1:3.0.8-150500.5.27.1", id="leap",
        ),
    ],
)  # fmt: skip
async def test_a_distributions_package_is_found_by_its_releases_advisories(
    tmp_path: Path, distribution: Distribution, ecosystem: str, fixed: str
) -> None:
    statement = (await scan(distribution.files, tmp_path)).statement
    assert [entry.ecosystem for entry in statement.coverage.ecosystems] == [ecosystem]
    assert statement.coverage.complete, statement.coverage.gaps
    (finding,) = statement.findings
    assert (finding.vulnerability_id, finding.fixed_version) == ("CVE-2024-0001", fixed)
    assert finding.severity is Severity.HIGH
    assert finding.ratings[0].method == ecosystem.partition(":")[0], "whose word it is"
    assert finding.locations[0].path


@pytest.mark.parametrize(
    ("distribution", "ecosystem"),
    [
        pytest.param(
            Distribution(
                system("alpine", "3.22_alpha20250108", **{"alpine-release": "3.22_alpha20250108\n"}),
                apk("libcrypto3", "3.1.4-r0"),
            ),
            "Alpine:edge", id="alpine-edge",
        ),
        pytest.param(
            Distribution(system("debian", "", debian_version="trixie/sid\n"), dpkg("libssl3", "3.0.8-1")),
            "Debian:trixie/sid", id="debian-testing",
        ),
        pytest.param(
            Distribution(system("centos", "9", **{"redhat-release": "CentOS Stream release 9\n"}), RPM),
            "centos:9", id="centos",
        ),
        pytest.param(
            Distribution(system("sles", "15.6"), rpm("libopenssl3", "3.0.8", "150600.5.24.1")),
            "SUSE:Linux Enterprise 15 SP6", id="suse-another-pack",
        ),
    ],
)  # fmt: skip
async def test_a_release_without_advisories_is_not_covered_and_never_clean(
    tmp_path: Path, distribution: Distribution, ecosystem: str
) -> None:
    coverage = (await scan(distribution.files, tmp_path)).statement.coverage
    assert coverage.gaps == (f"1 {ecosystem} packages without an advisory source",)


async def test_the_module_of_a_package_is_told(tmp_path: Path) -> None:
    modular = rpm(
        "nodejs", "18.18.2", "1.module+el9.3.0+1+a", module="nodejs:18:9030020231110:rhel9"
    )
    release = {"rocky-release": "Rocky Linux release 9.3 (Blue)\n"}
    distribution = Distribution(system("rocky", "9.3", **release), modular)
    (package,) = (await scan(distribution.files, tmp_path)).packages
    assert package.module == "nodejs:18"
