"""Manifests, statements and uploads as a worker makes them."""

from datetime import UTC, datetime

import msgspec

from support.hub_world import World
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import Finding, Location
from tidegate.domain.severity import Severity
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.hub_data_v1 import DetailUploadV1, ImageConfigV1, PackageV1
from tidegate.wire.hub_v1 import JobV1, PlatformReportV1, ScanRequestV1
from tidegate.wire.oci_v1 import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    render_manifest,
)
from tidegate.wire.statement_v1 import ScannerIdentity, Statement, render_statement

HOST, REPOSITORY = "registry.example", "shop/web"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def manifest(name: str = "app") -> tuple[str, Digest]:
    """Return an image manifest with its digest."""
    config = Descriptor(OCI_CONFIG, digest_of(name.encode()), 10)
    layer = Descriptor(LAYER, digest_of(name.encode() * 2), 1000)
    body = render_manifest(Manifest(config=config, layers=(layer,)))
    return body.decode(), digest_of(body)


def index(*platforms: tuple[str, Digest]) -> tuple[str, Digest]:
    """Return an index of platforms with its digest."""
    entries = tuple(
        Descriptor(OCI_MANIFEST, digest, 10, platform=Platform(name, "linux"))
        for name, digest in platforms
    )
    body = render_manifest(Manifest(media_type=OCI_INDEX, manifests=entries))
    return body.decode(), digest_of(body)


def findings(count: int = 3) -> tuple[Finding, ...]:
    """Return findings of all severities, no two alike."""
    severities = (Severity.LOW, Severity.CRITICAL, Severity.HIGH)
    return tuple(
        Finding(
            f"CVE-2024-{10_000 + n}",
            severities[n % 3],
            f"pkg:pypi/package{n % 100}@1.{n}",
            f"1.{n}",
            fixed_version="2.0" if n % 2 else "",
            locations=(Location(f"app/package{n}", "sha256:" + "e" * 64),),
            references=("https://example.test/advisory",),
        )
        for n in range(count)
    )


def statement(subject: Digest, found: tuple[Finding, ...] | None = None) -> str:
    """Return a findings statement about `subject`."""
    made = Statement(
        subject=subject,
        findings=findings() if found is None else found,
        coverage=Coverage((EcosystemCoverage("PyPI", 3, "demo", AT),)),
        scanner=ScannerIdentity("Tidegate", "1"),
        started_at=AT,
        finished_at=AT,
    )
    return render_statement(made).decode()


def report(digest: str, platform: str = "linux/amd64", **counts: int) -> PlatformReportV1:
    """Return what a scan said about a platform."""
    return PlatformReportV1(
        digest, platform, "2026-11-23T09:00:00Z", "Tidegate", CountsV1(**counts), complete=True
    )


def upload(body: str, digest: str, **changes: object) -> DetailUploadV1:
    """Return the details of an image manifest."""
    made = DetailUploadV1(
        lease="",
        digest=digest,
        media_type=OCI_MANIFEST,
        manifest=body,
        platform="linux/amd64",
        config=ImageConfigV1("2026-01-01T00:00:00Z", "amd64", "linux", layers=["sha256:x"]),
        statement=statement(Digest(digest)),
        packages=[PackageV1("pkg:pypi/zlib@1", "zlib", "1", "PyPI")],
    )
    return msgspec.structs.replace(made, **changes)


async def lease(world: World, digest: str, repository: str = REPOSITORY) -> JobV1:
    """Return a job about `digest`."""
    await world.admin.request_scan(ScanRequestV1(HOST, repository, digest, ["v1"]))
    job = await world.scanner.lease_job("w1")
    assert job is not None
    return job


async def tell(world: World, job: JobV1, detail: DetailUploadV1) -> None:
    """Upload details under the lease of `job`."""
    await world.scanner.put_detail(job.id, msgspec.structs.replace(detail, lease=job.lease))


async def scanned(
    world: World, name: str = "app", repository: str = REPOSITORY, **counts: int
) -> Digest:
    """Return an image that was pushed, scanned and told of."""
    body, digest = manifest(name)
    job = await lease(world, digest, repository)
    await tell(world, job, upload(body, digest))
    await world.scanner.complete_job(job, [report(digest, **counts)])
    return digest
