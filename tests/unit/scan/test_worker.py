import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import msgspec
import pytest
from prometheus_client import REGISTRY

from support.report_documents import in_toto_vulns, statement
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import (
    HubUnavailableError,
    InvalidManifestError,
    LimitExceededError,
    RegistryUnavailableError,
    ScannerUnavailableError,
)
from tidegate.domain.finding import Finding
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.severity import Severity
from tidegate.hubclient.client import HubClient
from tidegate.local.images import build_demo_images
from tidegate.plugins import load_formats
from tidegate.scan.attach import EMPTY
from tidegate.scan.attest import attach_envelope
from tidegate.scan.foreign import Borrowing
from tidegate.scan.publish import Known, Published
from tidegate.scan.reports import count_vulnerabilities
from tidegate.scan.scanner import ForeignFindings, ScannerOutput
from tidegate.scan.settings import ScanSettings
from tidegate.scan.worker import Worker
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.configuration import Accepted, EvidenceKey, TrustedSource
from tidegate.trust.keys import fingerprint, generate_key
from tidegate.wire.event_v1 import CountsV1
from tidegate.wire.feed_v1 import ImageV1
from tidegate.wire.hub_data_v1 import ImageDetailV1
from tidegate.wire.hub_v1 import JobFailureV1, JobResultV1, JobV1, PlatformReportV1
from tidegate.wire.oci_v1 import (
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    parse_manifest,
    render_manifest,
)
from tidegate.wire.statement_v1 import Statement

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOST = "registry.example"
SAMPLES = Path(__file__).parents[2] / "samples"


def answer(status: int) -> httpx2.Response:
    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    return httpx2.Response(status, content=nothing())


@dataclass
class ScriptedHub:
    """Answers as the hub does, and keeps what it was told."""

    progress_status: int = 204
    told: list[tuple[str, bytes]] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        verb = request.url.path.rpartition("/")[2]
        self.told.append((verb, request.content))
        return answer(self.progress_status if verb == "progress" else 204)

    def said(self, verb: str) -> list[bytes]:
        return [body for told, body in self.told if told == verb]


@dataclass
class StuckScanner:
    """Never ends; says when it began and when it was stopped."""

    started: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: bool = False

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        del layout, workdir, deadline_s
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True
        raise AssertionError("unreachable")


@dataclass
class LingeringScanner:
    """Takes its time to stop."""

    started: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    may_stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        del layout, workdir, deadline_s
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopping.set()
            await self.may_stop.wait()
        raise AssertionError("unreachable")


@dataclass
class FailingScanner:
    error: Exception

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        del layout, workdir, deadline_s
        raise self.error


@dataclass
class World:
    hub: ScriptedHub
    registry: MemoryRegistry
    worker: Worker
    job: JobV1


def make_world(tmp_path: Path, scanner: object, hub: ScriptedHub) -> World:
    (image,) = [i for i in build_demo_images() if i.tag == "clean"]
    registry = MemoryRegistry(host=HOST)
    for blob in image.blobs.values():
        registry.put_blob(blob)
    registry.put_manifest(*image.manifests[0])
    settings = ScanSettings(
        "http://hub", tmp_path, "", tmp_path, tmp_path, heartbeat_s=0.01, name="w"
    )
    settings.work_dir.mkdir()
    client = HubClient("http://hub", "t" * 32, transport=httpx2.MockTransport(hub))
    worker = Worker(client, registry, scanner, generate_key(), settings, lambda: NOW)
    job = JobV1(
        "1",
        "secret",
        HOST,
        "demo/app",
        image.digest,
        [],
        attach=True,
        attempt=1,
        lease_expires_at="",
    )
    return World(hub, registry, worker, job)


async def until(held: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not held():
            await asyncio.sleep(0.005)


def ended_jobs() -> dict[str, float]:
    """Return how many jobs this process counted as ended, by how."""
    return {
        how: REGISTRY.get_sample_value("tidegate_scan_jobs_total", {"kind": "scan", "result": how})
        or 0.0
        for how in ("completed", "failed", "abandoned")
    }


async def test_a_job_whose_lease_is_lost_is_abandoned_in_silence(tmp_path: Path) -> None:
    scanner = StuckScanner()
    world = make_world(tmp_path, scanner, ScriptedHub())
    before = ended_jobs()
    task = asyncio.create_task(world.worker.work(world.job))
    await scanner.started.wait()
    world.hub.progress_status = 409
    await until(task.done)
    assert scanner.stopped
    assert world.hub.said("complete") == world.hub.said("fail") == []
    assert ended_jobs() == {**before, "abandoned": before["abandoned"] + 1}


async def test_a_worker_that_is_stopped_while_it_abandons_a_job_ends(tmp_path: Path) -> None:
    scanner = LingeringScanner()
    world = make_world(tmp_path, scanner, ScriptedHub())
    task = asyncio.create_task(world.worker.work(world.job))
    await scanner.started.wait()
    world.hub.progress_status = 409
    await scanner.stopping.wait()
    task.cancel()
    scanner.may_stop.set()
    await until(task.done)
    assert task.cancelled()


async def test_a_job_is_kept_while_the_hub_does_not_answer_its_heartbeat(tmp_path: Path) -> None:
    scanner = StuckScanner()
    world = make_world(tmp_path, scanner, ScriptedHub(progress_status=503))
    task = asyncio.create_task(world.worker.work(world.job))
    await until(lambda: len(world.hub.said("progress")) > 2)
    assert not scanner.stopped
    await stop(task)


async def test_a_stopped_worker_gives_its_job_back(tmp_path: Path) -> None:
    scanner = StuckScanner()
    world = make_world(tmp_path, scanner, ScriptedHub())
    task = asyncio.create_task(world.worker.work(world.job))
    await scanner.started.wait()
    await stop(task)
    assert scanner.stopped
    (failure,) = world.hub.said("fail")
    assert msgspec.json.decode(failure, type=JobFailureV1) == JobFailureV1(
        "secret", "the worker was stopped", retry=True
    )


async def stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        pytest.param(ScannerUnavailableError("gone"), True, id="scanner-missing"),
        pytest.param(RegistryUnavailableError("down"), True, id="registry-down"),
        pytest.param(LimitExceededError("too large"), False, id="beyond-a-limit"),
        pytest.param(InvalidManifestError("odd"), False, id="bad-input"),
        pytest.param(ZeroDivisionError("ours"), True, id="fault-of-ours"),
    ],
)
async def test_a_failure_is_told_to_the_hub_and_never_a_report(
    tmp_path: Path, error: Exception, retry: str
) -> None:
    world = make_world(tmp_path, FailingScanner(error), ScriptedHub())
    before = ended_jobs()
    await world.worker.work(world.job)
    assert ended_jobs() == {**before, "failed": before["failed"] + 1}
    (failure,) = world.hub.said("fail")
    told = msgspec.json.decode(failure, type=JobFailureV1)
    assert str(error) in told.error
    assert told.retry is retry
    assert world.hub.said("complete") == []
    assert len(world.registry.manifests) == 1, "nothing is attached"


async def test_the_platform_that_failed_is_named_and_the_others_are_reported(
    tmp_path: Path,
) -> None:
    world = make_world(tmp_path, ReportingScanner(), ScriptedHub())
    here, gone = Digest(world.job.digest), digest_of(b"nobody pushed it")
    entries = [
        {"mediaType": OCI_MANIFEST, "digest": digest, "size": 2,
         "platform": {"os": "linux", "architecture": architecture}}
        for architecture, digest in (("arm64", gone), ("amd64", here))
    ]  # fmt: skip
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    world.registry.put_manifest(index, OCI_INDEX)
    job = msgspec.structs.replace(world.job, digest=digest_of(index))
    await world.worker.work(job)
    (failure,) = world.hub.said("fail")
    told = msgspec.json.decode(failure, type=JobFailureV1)
    assert told.error.startswith(f"linux/arm64: {HOST}/demo/app@{gone}: no such manifest")
    assert told.error.endswith("; scanned: linux/amd64")
    assert not told.retry
    (report,) = told.reports
    assert (report.digest, report.platform) == (here, "linux/amd64")
    assert report.artifact in world.registry.manifests
    assert world.hub.said("complete") == []


@dataclass
class ReportingScanner:
    """Gives what Trivy wrote about the clean demo image."""

    async def scan(self, layout: Path, workdir: Path, deadline_s: float) -> ScannerOutput:
        del layout, workdir, deadline_s
        report = (SAMPLES / "trivy/clean.json.json").read_bytes()
        found = ForeignFindings("trivy", report, "Trivy DB", db_updated_at=NOW)
        return ScannerOutput("application/json", b"", findings=found)


@pytest.mark.parametrize("fails", [False, True], ids=["taken-over", "cannot-be-attached"])
async def test_a_report_from_elsewhere_never_keeps_our_own_from_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    world = make_world(tmp_path, ReportingScanner(), ScriptedHub())
    vendor = generate_key()
    source = TrustedSource(
        EvidenceKey("vendor", vendor.public_key(), fingerprint(vendor)), frozenset(Accepted)
    )
    worker = replace(world.worker, borrowing=lambda: Borrowing((source,), load_formats()))
    (reference,) = [parse_reference(f"{HOST}/demo/app@{world.job.digest}")]
    theirs = in_toto_vulns(scanner={"uri": "https://example.test/other", "result": []})
    kind = "https://in-toto.io/attestation/vulns/v0.2"
    about = json.dumps(statement(kind, theirs, world.job.digest)).encode()
    body, media_type = world.registry.manifests[Digest(world.job.digest)]
    subject = Descriptor(media_type, Digest(world.job.digest), len(body))
    await attach_envelope(world.registry, reference, about, kind, vendor, subject=subject)
    attach = worker.publisher.publish_statement

    async def publish(
        to: ImageReference, made: Statement, described: Descriptor, *known: Known
    ) -> Published:
        if fails and made.origin is not None:
            raise LimitExceededError("too large")
        return await attach(to, made, described, *known)

    monkeypatch.setattr(worker.publisher, "publish_statement", publish)
    await worker.work(world.job)
    (result,) = world.hub.said("complete")
    (report,) = msgspec.json.decode(result, type=JobResultV1).reports
    assert (report.scanner, bool(report.artifact), report.complete) == ("Trivy", True, True)
    scanners = {
        parse_manifest(*stored).annotations.get("scanner")
        for stored in world.registry.manifests.values()
    } - {None}
    assert scanners == ({"Trivy"} if fails else {"Trivy", "other"})
    await worker.publisher.aclose()


async def test_what_is_no_image_is_done_without_a_report(tmp_path: Path) -> None:
    world = make_world(tmp_path, StuckScanner(), ScriptedHub())
    body = world.registry.manifests[world.job.digest][0].replace(b"image.config", b"other.config")
    digest = world.registry.put_manifest(body, "application/vnd.oci.image.manifest.v1+json")
    await world.worker.work(msgspec.structs.replace(world.job, digest=digest))
    (result,) = world.hub.said("complete")
    assert msgspec.json.decode(result, type=JobResultV1).reports == []


async def test_no_jobs_and_no_hub_are_waited_out(tmp_path: Path) -> None:
    asked: list[str] = []

    class AbsentHub(ScriptedHub):
        def __call__(self, request: httpx2.Request) -> httpx2.Response:
            asked.append(request.url.path)
            return answer([503, 401, 204][min(len(asked) - 1, 2)])

    world = make_world(tmp_path, StuckScanner(), AbsentHub())
    task = asyncio.create_task(world.worker.run())
    await until(lambda: len(asked) > 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@dataclass
class Ledger:
    """A chain that takes its time; keeps what it is to tell."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    withdrawn: list[tuple[str, str]] = field(default_factory=list)
    images: list[ImageV1] = field(default_factory=list)
    waiting: bool = False

    async def settle(self) -> None:
        self.waiting = True
        await self.open.wait()
        if self.error:
            raise self.error

    def withdraw(self, subject: Digest, scanner: str) -> None:
        self.withdrawn.append((subject, scanner))

    def offer_image(self, image: ImageV1) -> None:
        self.images.append(image)


def feeding(world: World, ledger: Ledger) -> Worker:
    return replace(world.worker, feed=ledger)  # type: ignore[arg-type]  # as far as jobs ask it


def job_of(world: World, manifest: Manifest, kind: str) -> JobV1:
    digest = world.registry.put_manifest(render_manifest(manifest), kind)
    return msgspec.structs.replace(world.job, digest=digest)


def no_image(world: World) -> JobV1:
    """A job that is done without a scan."""
    return job_of(world, Manifest(artifact_type="application/x", config=EMPTY), OCI_MANIFEST)


async def test_a_job_is_complete_only_when_its_rows_are_in_the_chain(tmp_path: Path) -> None:
    world = make_world(tmp_path, StuckScanner(), ScriptedHub())
    ledger = Ledger()
    task = asyncio.create_task(feeding(world, ledger).work(no_image(world)))
    await until(lambda: ledger.waiting)
    assert world.hub.said("complete") == []
    before = ended_jobs()
    ledger.open.set()
    await task
    assert len(world.hub.said("complete")) == 1
    assert ended_jobs() == {**before, "completed": before["completed"] + 1}


async def test_a_job_whose_rows_are_not_in_the_chain_is_tried_again(tmp_path: Path) -> None:
    world = make_world(tmp_path, StuckScanner(), ScriptedHub())
    ledger = Ledger(error=HubUnavailableError("the hub is away"))
    ledger.open.set()
    await feeding(world, ledger).work(no_image(world))
    (failure,) = world.hub.said("fail")
    assert msgspec.json.decode(failure, type=JobFailureV1) == JobFailureV1(
        "secret", "the hub is away", retry=True
    )


async def test_what_an_index_lists_is_told_as_it_stands_there(tmp_path: Path) -> None:
    scanner = FailingScanner(ScannerUnavailableError("none"))
    world = make_world(tmp_path, scanner, ScriptedHub())
    image = Descriptor(
        OCI_MANIFEST, Digest(world.job.digest), 1, platform=Platform("amd64", "linux")
    )
    attestation = Descriptor(
        OCI_MANIFEST,
        digest_of(b"attestation"),
        1,
        platform=Platform("unknown", "unknown"),
        annotations={"vnd.docker.reference.type": "attestation-manifest"},
    )
    index = Manifest(media_type=OCI_INDEX, manifests=(image, attestation))
    job = job_of(world, index, OCI_INDEX)
    ledger = Ledger()
    ledger.open.set()
    await feeding(world, ledger).work(job)
    (told,) = ledger.images
    assert (told.image, [(p.platform, p.digest) for p in told.platforms]) == (
        job.digest,
        [("linux/amd64", world.job.digest)],
    )


class KnowingHub(ScriptedHub):
    """Knows what was reported of the job's image."""

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("images/lookup"):
            digest = request.url.params["digest"]
            reports = [
                PlatformReportV1(digest, "", "", scanner, CountsV1(), complete=True, artifact=a)
                for scanner, a in (("Tidegate", "sha256:a"), ("Trivy", "sha256:b"), ("Grype", ""))
            ]
            detail = ImageDetailV1(HOST, "demo/app", digest, [], "", "scanned", reports=reports)
            body = msgspec.json.encode(detail)

            async def content() -> AsyncIterator[bytes]:
                yield body

            return httpx2.Response(200, content=content())
        return super().__call__(request)


async def test_reports_of_an_image_that_is_gone_are_withdrawn(tmp_path: Path) -> None:
    world = make_world(tmp_path, StuckScanner(), KnowingHub())
    gone = digest_of(b"gone")
    ledger = Ledger()
    ledger.open.set()
    await feeding(world, ledger).work(msgspec.structs.replace(world.job, digest=gone))
    assert ledger.withdrawn == [(gone, "Tidegate"), (gone, "Trivy")]
    assert len(world.hub.said("fail")) == 1


async def test_a_withdrawal_that_is_not_in_the_chain_is_tried_again(tmp_path: Path) -> None:
    world = make_world(tmp_path, StuckScanner(), KnowingHub())
    ledger = Ledger(error=HubUnavailableError("the hub is away"))
    ledger.open.set()
    job = msgspec.structs.replace(world.job, digest=digest_of(b"gone"))
    await feeding(world, ledger).work(job)
    (failure,) = world.hub.said("fail")
    assert msgspec.json.decode(failure, type=JobFailureV1).retry


class HubThatKnowsPlatforms(ScriptedHub):
    """Knows what was reported of two platforms of an index."""

    reported: tuple[str, ...] = ()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("images/lookup"):
            digest = request.url.params["digest"]
            reports = [
                PlatformReportV1(d, "", "", "Tidegate", CountsV1(), complete=True, artifact="a")
                for d in self.reported
            ]
            detail = ImageDetailV1(HOST, "demo/app", digest, [], "", "scanned", reports=reports)
            return httpx2.Response(200, content=msgspec.json.encode(detail))
        return super().__call__(request)


async def test_reports_of_a_platform_that_is_gone_are_withdrawn_alone(tmp_path: Path) -> None:
    hub = HubThatKnowsPlatforms()
    world = make_world(tmp_path, ReportingScanner(), hub)
    here, gone = Digest(world.job.digest), digest_of(b"deleted")
    hub.reported = (here, gone)
    entries = tuple(
        Descriptor(OCI_MANIFEST, digest, 2, platform=Platform(architecture, "linux"))
        for architecture, digest in (("arm64", gone), ("amd64", here))
    )
    ledger = Ledger()
    ledger.open.set()
    job = job_of(world, Manifest(media_type=OCI_INDEX, manifests=entries), OCI_INDEX)
    worker = replace(
        feeding(world, ledger), settings=replace(world.worker.settings, renew_after_d=1)
    )
    await worker.work(msgspec.structs.replace(job, attach=False))
    assert ledger.withdrawn == [(gone, "Tidegate")]
    assert len(world.hub.said("fail")) == 1


def test_counts_are_of_distinct_vulnerabilities_at_their_highest() -> None:
    def finding(identifier: str, severity: Severity, package: str) -> Finding:
        return Finding(identifier, severity, package, "1")

    counts = count_vulnerabilities(
        (
            finding("CVE-2024-0001", Severity.LOW, "pkg:a"),
            finding("CVE-2024-0001", Severity.HIGH, "pkg:b"),
            finding("CVE-2024-0002", Severity.UNKNOWN, "pkg:a"),
        )
    )
    assert (counts.high, counts.low, counts.unknown) == (1, 0, 1)
