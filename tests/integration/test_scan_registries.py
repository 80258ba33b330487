"""An image scanned by the real Trivy, attached and judged, on each real registry."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.registries import REGISTRIES, started
from tidegate.advisories.demo import demo_set
from tidegate.domain.errors import ScannerUnavailableError
from tidegate.domain.evidence import Report
from tidegate.domain.reference import parse_reference
from tidegate.evidence.cache import EvidenceCache
from tidegate.evidence.gather import Gatherer
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import ReportMemory
from tidegate.local.demo import push_image
from tidegate.local.images import build_demo_images
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig
from tidegate.scan.attach import attach_report, own_evidence_key
from tidegate.scan.pipeline import ScanSetup, scan_image
from tidegate.scan.scanners import builtin
from tidegate.scan.scanners.builtin import BuiltinScanner
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import generate_key
from tidegate.wire.statement_v1 import render_statement

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PATIENT = RegistryLimits(read_timeout_s=30.0, write_timeout_s=30.0)  # on a loaded machine

try:
    builtin.find_trivy()
except ScannerUnavailableError:
    pytest.skip("trivy is not installed beside this Python or on PATH", allow_module_level=True)


@pytest.mark.parametrize("registry", REGISTRIES)
async def test_every_platform_is_scanned_attached_and_known(registry: str, tmp_path: Path) -> None:
    (image,) = (each for each in build_demo_images() if each.tag == "multi-arch")
    key = generate_key()
    setup = ScanSetup(BuiltinScanner(), demo_set(), lambda: NOW, tmp_path, deadline_s=120)
    trust = TrustConfiguration(keys=(own_evidence_key(key),))
    (tmp_path / "registry").mkdir()
    with started(registry, tmp_path / "registry") as host:
        config = RegistryConfig(host, plain_http=True, allow_private=True)
        reference = parse_reference(f"{host}/{image.repository}:{image.tag}")
        async with RegistryClient([config], limits=PATIENT) as client:
            await push_image(client, host, image)
            scans = await scan_image(client, reference, setup)
            for scan in scans:
                body = render_statement(scan.statement)
                await attach_report(client, reference, body, key, subject=scan.subject)
            gatherer = Gatherer(
                client, lambda: trust, ReportMemory(), EvidenceCache(EvidenceLimits())
            )
            later = NOW + timedelta(hours=1)
            found = (await gatherer.gather([reference], now=later, budget_s=60))[reference]
            await gatherer.aclose()
    assert [platform.platform for platform in found.platforms] == ["linux/amd64", "linux/arm64"]
    for platform, scan in zip(found.platforms, scans, strict=True):
        assert platform.digest == scan.subject.digest
        assert isinstance(platform.evidence, Report), platform.evidence
        assert len(platform.evidence.findings) == len(scan.statement.findings)
    assert any(scan.statement.findings for scan in scans)
