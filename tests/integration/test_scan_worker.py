"""The worker as a process, between the real hub and the embedded registry."""

import asyncio
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from support.report_documents import openvex, openvex_statement, statement
from support.softhsm import LABEL, PIN, make_token
from tidegate.advisories.importer import import_advisories
from tidegate.advisories.index import AdvisoryIndex
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.evidence import Missing, Report
from tidegate.domain.reference import ImageReference
from tidegate.evidence.verify_image import verify_image
from tidegate.hubclient.client import HubClient
from tidegate.local.images import DemoImage, build_demo_images
from tidegate.oci.client import RegistryClient
from tidegate.oci.registries import RegistryConfig
from tidegate.registry.content import Content
from tidegate.scan.attest import attach_envelope
from tidegate.trust.configuration import EvidenceKey, TrustConfiguration
from tidegate.trust.keys import (
    PrivateKey,
    fingerprint,
    generate_key,
    load_public_key,
    private_pem,
    public_pem,
)
from tidegate.wire.hub_v1 import ImageV1, ScanRequestV1
from tidegate.wire.oci_v1 import OCI_MANIFEST, Descriptor
from tidegate.wire.statement_v1 import parse_statement, render_time

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
DEMO = {image.tag: image for image in build_demo_images()}
T = TypeVar("T")


class RunningRegistry(Protocol):
    """What the fixture `registry` yields."""

    host: str
    pid: int
    root: Path


DONE_S = 60
"""Longest wait for a scan; ordinarily below 1 s."""


@dataclass
class World:
    hub: HubClient
    hub_url: str
    client: RegistryClient
    host: str
    tokens: dict[str, str]
    key: PrivateKey
    folder: Path
    registry: RunningRegistry
    hub_pid: int
    sources: list[dict[str, object]] = field(default_factory=list)
    """Whose reports and VEX statements the worker takes over."""
    keys: list[dict[str, object]] = field(default_factory=list)
    """What the worker's trust file has of evidence keys."""

    async def push(self, image: DemoImage) -> ImageReference:
        reference = ImageReference(self.host, image.repository, image.tag)
        for body in image.blobs.values():
            await self.client.push_blob(reference, body)
        for body, media_type in image.manifests[:-1]:
            await self.client.push_manifest(reference, body, media_type)
        body, media_type = image.manifests[-1]
        await self.client.push_manifest(reference, body, media_type, tag=image.tag)
        return reference.at(image.digest)

    async def request(self, reference: ImageReference) -> None:
        assert reference.digest is not None
        body = ScanRequestV1(reference.registry, reference.repository, reference.digest)
        await self.hub.request_scan(body)

    async def image(self, reference: ImageReference) -> ImageV1:
        assert reference.digest is not None
        return await self.hub.get_image(reference.registry, reference.repository, reference.digest)

    async def until(self, reference: ImageReference, *statuses: str) -> ImageV1:
        return await until(lambda: self.image(reference), lambda image: image.status in statuses)


async def until(ask: Callable[[], Awaitable[T]], enough: Callable[[T], bool]) -> T:
    deadline = time.monotonic() + DONE_S
    while True:
        found = await ask()
        if enough(found):
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)


@contextmanager
def running(part: str, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            [sys.executable, "-m", f"tidegate.{part}"],
            env={**inherited, **environment},
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def ready(process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, log.read_text()
    found: dict[str, str] = json.loads(line)
    return found


@pytest.fixture
def python_path(tmp_path: Path) -> str:
    """Return a path on which this checkout's entry points are installed, as pyproject has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    info = tmp_path / "installed" / "tidegate-0.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tidegate\nVersion: 0.0.0\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in found.items())
        for group, found in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))
    return os.pathsep.join([str(info.parent), str(ROOT / "src")])


@pytest.fixture
async def world(
    tmp_path: Path, python_path: str, registry: RunningRegistry
) -> AsyncIterator[World]:
    tokens = {role: secrets.token_urlsafe(32) for role in ("admin", "scanner")}
    (tmp_path / "tokens.json").write_text(json.dumps(tokens))
    environment = {
        "PYTHONPATH": python_path,
        "TIDEGATE_HUB_DATA_DIR": str(tmp_path / "hub"),
        "TIDEGATE_HUB_PORT": "0",
        "TIDEGATE_HUB_JOB_LEASE_S": "3",
        "TIDEGATE_HUB_JOB_BACKOFF_S": "1",
        "TIDEGATE_HUB_JOB_MAX_ATTEMPTS": "2",
        "TIDEGATE_HUB_BOOTSTRAP_TOKENS_FILE": str(tmp_path / "tokens.json"),
    }
    log = tmp_path / "hub.log"
    configured = RegistryConfig(registry.host, plain_http=True, allow_private=True)
    with running("hub", environment, log) as process:
        url = ready(process, log)["url"]
        async with HubClient(url, tokens["admin"]) as hub, RegistryClient([configured]) as client:
            yield World(
                hub, url, client, registry.host, tokens, generate_key(), tmp_path, registry,
                process.pid,
            )  # fmt: skip


@contextmanager
def running_worker(
    world: World, python_path: str, **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    files = {
        "KEY": private_pem(world.key),
        "TOKEN_FILE": f"{world.tokens['scanner']}\n".encode(),
        "REGISTRIES": json.dumps(
            {
                "registries": [{"host": world.host, "plainHttp": True, "allowPrivate": True}],
                "sources": world.sources,
                "keys": world.keys,
            }
        ).encode(),
    }
    environment = {"PYTHONPATH": python_path, "PATH": os.environ["PATH"]}
    for name, body in files.items():
        path = world.folder / f"scan-{name.lower()}"
        path.write_bytes(body)
        environment[f"TIDEGATE_SCAN_{name}"] = str(path)
    given = {
        "HUB_URL": world.hub_url,
        "DATA_DIR": str(world.folder / "scan"),
        "HEARTBEAT_S": "0.5",
        **settings,
    }
    environment |= {f"TIDEGATE_SCAN_{name}": value for name, value in given.items()}
    log = world.folder / "scan.log"
    with running("scan", environment, log) as process:
        assert ready(process, log) == {"part": "scan", "url": ""}
        yield process


def log_lines(world: World) -> list[dict[str, object]]:
    return [json.loads(line) for line in (world.folder / "scan.log").read_text().splitlines()]


async def test_the_hub_shows_what_the_worker_saw_of_an_image(
    world: World, python_path: str
) -> None:
    reference = await world.push(DEMO["critical"])
    await world.request(reference)
    with running_worker(world, python_path, NAME="w1"):
        image = await world.until(reference, "scanned", "failed")
        (key,) = await until(world.hub.list_keys, bool)
        sources = await until(world.hub.list_advisories, bool)
    place = (reference.registry, reference.repository, str(reference.digest))
    shown = await world.hub.get_image(*place)
    assert digest_of(shown.manifest.encode()) == reference.digest
    assert shown.config is not None
    (node,) = shown.referrers
    assert (node.digest, node.kind, node.verified_by) == (
        image.reports[0].artifact, "artifact", ["w1"],
    )  # fmt: skip
    assert [child.kind for child in node.referrers] == ["signature"]
    statement = parse_statement(await world.hub.get_statement(*place))
    found = (await world.hub.list_findings(*place, limit="500")).items
    assert len(found) == len(statement.findings) > 0
    assert (await world.hub.list_packages(*place)).items
    assert (key.name, key.fingerprint) == ("w1", fingerprint(world.key))
    assert {"PyPI"} <= {source.ecosystem for source in sources}
    (registry,) = (await world.hub.list_registries()).items
    assert (registry.host, registry.access) == (world.host, "On")


async def test_a_pushed_image_gets_a_report_that_the_gates_reader_believes(
    world: World, python_path: str
) -> None:
    reference = await world.push(DEMO["critical"])
    await world.request(reference)
    with running_worker(world, python_path):
        image = await world.until(reference, "scanned", "failed")
    assert image.status == "scanned", image.error
    (told,) = image.reports
    assert (told.counts.critical > 5, told.complete, told.scanner) == (True, True, "Tidegate")

    trust = TrustConfiguration(
        keys=(EvidenceKey("lab", world.key.public_key(), fingerprint(world.key)),), generation="1"
    )
    checks = await verify_image(world.client, trust, reference, datetime.now(UTC))
    (platform,) = checks.platforms
    report = platform.found.evidence
    assert isinstance(report, Report)
    assert report.sources[0].artifact == told.artifact
    assert "CVE-2022-28346" in {finding.vulnerability_id for finding in report.findings}


async def test_what_a_trusted_source_attached_is_taken_over_and_clears_what_it_may(
    world: World, python_path: str
) -> None:
    reference = await world.push(DEMO["high"])
    assert reference.digest is not None
    vendor = generate_key()
    pem = public_pem(vendor).decode()
    world.sources = [{"name": "vendor", "publicKey": pem, "accepts": ["reports", "vex"]}]
    products = [{"@id": reference.digest}]
    statements = [openvex_statement(vulnerability={"name": "CVE-2019-10906"}, products=products)]
    report = json.loads((ROOT / "tests/samples/trivy/high.cosign-vuln.json").read_bytes())
    subject = Descriptor(OCI_MANIFEST, reference.digest, len(DEMO["high"].manifests[-1][0]))
    for kind, document in (
        ("https://cosign.sigstore.dev/attestation/vuln/v1", report),
        ("https://openvex.dev/ns", openvex(statements=statements)),
    ):
        made = json.dumps(statement(kind, document, reference.digest)).encode()
        await attach_envelope(world.client, reference, made, kind, vendor, subject=subject)
    await world.request(reference)
    with running_worker(world, python_path):
        image = await world.until(reference, "scanned", "failed")
    assert image.status == "scanned", image.error
    trust = TrustConfiguration(
        keys=(EvidenceKey("lab", world.key.public_key(), fingerprint(world.key)),), generation="1"
    )
    checks = await verify_image(world.client, trust, reference, datetime(2100, 1, 1, tzinfo=UTC))
    evidence = checks.platforms[0].found.evidence
    assert isinstance(evidence, Report)
    assert {source.scanner for source in evidence.sources} == {"Tidegate", "Trivy"}
    cleared = [f.vulnerability_id for f in evidence.findings if f.not_affected]
    assert cleared == ["CVE-2019-10906", "CVE-2019-10906"]
    place = (reference.registry, reference.repository, reference.digest)
    listed = (await world.hub.list_findings(*place)).items
    (shown,) = [found for found in listed if found.not_affected]
    assert (shown.id, shown.not_affected[0].source) == ("CVE-2019-10906", "vendor")
    assert image.reports[0].counts.high == evidence.counts.high


async def test_every_platform_of_an_index_gets_its_own_report(
    world: World, python_path: str
) -> None:
    reference = await world.push(DEMO["multi-arch"])
    await world.request(reference)
    with running_worker(world, python_path):
        image = await world.until(reference, "scanned", "failed")
    assert [report.platform for report in image.reports] == ["linux/amd64", "linux/arm64"]
    assert len({report.artifact for report in image.reports}) == 2


async def test_a_scan_that_finds_the_same_attaches_nothing_new(
    world: World, python_path: str
) -> None:
    reference = await world.push(DEMO["medium"])
    assert reference.digest is not None
    with running_worker(world, python_path):
        await world.request(reference)
        first = await world.until(reference, "scanned")
        await world.request(reference)
        second = await until(
            lambda: world.image(reference), lambda i: i.status == "scanned" and i != first
        )
    assert second.reports[0].scanned_at > first.reports[0].scanned_at
    assert second.reports[0].artifact == first.reports[0].artifact
    assert len((await world.client.list_referrers(reference, reference.digest)).descriptors) == 1


async def test_only_the_last_five_reports_of_an_image_are_kept(
    world: World, python_path: str
) -> None:
    reference = await world.push(DEMO["low"])
    assert reference.digest is not None
    artifacts = set[str]()

    def is_new(image: ImageV1) -> bool:
        return any(report.artifact not in artifacts for report in image.reports)

    with running_worker(world, python_path, RENEW_AFTER_D="0"):
        for _ in range(7):
            await world.request(reference)
            image = await until(lambda: world.image(reference), is_new)
            artifacts |= {report.artifact for report in image.reports}
    listed = await world.client.list_referrers(reference, reference.digest)
    assert len(artifacts) == 7
    assert {entry.digest for entry in listed.descriptors} < artifacts
    assert len(listed.descriptors) == 5


async def test_an_image_of_a_registry_not_configured_fails_and_others_go_on(
    world: World, python_path: str
) -> None:
    other = ImageReference("registry.invalid", "demo/app", None, DEMO["clean"].digest)
    reference = await world.push(DEMO["low"])
    await world.request(other)
    await world.request(reference)
    with running_worker(world, python_path):
        assert (await world.until(reference, "scanned", "failed")).status == "scanned"
        failed = await world.until(other, "failed")
    assert "registry.invalid" in failed.error


def with_scanner(world: World, python_path: str, body: str) -> str:
    """Return `python_path` with a plug-in `own` whose scan is `body`."""
    folder = world.folder / "plug-in"
    info = folder / "own-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "own_scanner.py").write_text(
        "import asyncio\n\n\nclass Own:\n"
        f"    async def scan(self, layout, workdir, deadline_s):\n        {body}\n"
    )
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tidegate.scanners]\nown = own_scanner:Own\n")
    return os.pathsep.join([str(folder), python_path])


# Matching again


def record(name: str, *, number: int = 1, at: str = "2026-01-01", **fields: object) -> bytes:
    """Return an OSV record against every version of a PyPI package."""
    events = [{"introduced": "0"}, {"fixed": "99"}]
    body = {
        "id": f"PYSEC-2026-{number}",
        "aliases": [f"CVE-2026-{1000 + number}"],
        "modified": f"{at}T00:00:00Z",
        "database_specific": {"severity": "CRITICAL"},
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": name},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
        **fields,
    }
    return json.dumps(body).encode()


def import_records(world: World, *records: bytes) -> None:
    """Import as `tidegate advisories import` does, beside the running worker."""
    folder = world.folder / "records"
    folder.mkdir(exist_ok=True)
    for number, body in enumerate(records):
        (folder / f"{number}.json").write_bytes(body)
    with AdvisoryIndex.open(world.folder / "scan" / "advisories.sqlite") as index:
        import_advisories(index, str(folder), now=datetime.now(UTC))


@contextmanager
def not_pullable(world: World, *images: DemoImage) -> Iterator[None]:
    """Take the configs and layers of images out of the registry: who pulls them fails."""
    content = Content(world.registry.root / "blobs")
    paths = [content.path_of(digest) for image in images for digest in image.blobs]
    taken = {path: path.read_bytes() for path in dict.fromkeys(paths)}
    for path in taken:
        path.unlink()
    try:
        yield
    finally:
        for path, body in taken.items():
            path.write_bytes(body)


async def matched_by(world: World, count: int) -> None:
    """Wait until nothing waits any more and `count` images have been matched again."""

    async def ended() -> tuple[bool, int]:
        status, page = await world.hub.get_rematch(), await world.hub.list_jobs(limit=100)
        done = sum(job.kind == "rematch" and job.state == "done" for job in page.items)
        busy = page.counts["queued"] + page.counts["leased"] + status.images_due
        return bool(status.finished_at) and not busy, done

    await until(ended, lambda found: found == (True, count))


async def scanned(world: World, *tags: str) -> dict[str, ImageReference]:
    references = {tag: await world.push(DEMO[tag]) for tag in tags}
    for reference in references.values():
        await world.request(reference)
    for reference in references.values():
        assert (await world.until(reference, "scanned", "failed")).status == "scanned"
    return references


async def artifacts(world: World, reference: ImageReference) -> set[str]:
    assert reference.digest is not None
    listed = await world.client.list_referrers(reference, reference.digest)
    return {entry.digest for entry in listed.descriptors}


async def test_an_imported_advisory_renews_exactly_the_affected_reports_without_a_pull(
    world: World, python_path: str
) -> None:
    (world.folder / "scan").mkdir()
    import_records(world, record("something-else"))
    with running_worker(world, python_path):
        images = await scanned(world, "medium", "low", "critical")
        before = {tag: await world.image(reference) for tag, reference in images.items()}
        told = {tag: await artifacts(world, reference) for tag, reference in images.items()}
        with not_pullable(world, *(DEMO[tag] for tag in images)):
            import_records(world, record("Django", number=2))
            await matched_by(world, 1)
        after = {tag: await world.image(reference) for tag, reference in images.items()}
    assert (after["medium"], after["low"]) == (before["medium"], before["low"])
    for tag in ("medium", "low"):
        assert await artifacts(world, images[tag]) == told[tag]
    (old,), (new,) = before["critical"].reports, after["critical"].reports
    assert new.counts.critical == old.counts.critical + 1
    assert new.scanned_at > old.scanned_at
    assert new.attached_at == new.scanned_at
    assert await artifacts(world, images["critical"]) == told["critical"] | {new.artifact}

    reference = images["critical"]
    place = (reference.registry, reference.repository, str(reference.digest))
    statement = parse_statement(await world.hub.get_statement(*place))
    assert statement.listed_at is not None
    assert statement.listed_at < statement.finished_at
    assert "CVE-2026-1002" in {finding.vulnerability_id for finding in statement.findings}
    keys = (EvidenceKey("lab", world.key.public_key(), fingerprint(world.key)),)
    trust = TrustConfiguration(keys=keys, generation="1")
    (platform,) = (await verify_image(world.client, trust, reference, datetime.now(UTC))).platforms
    report = platform.found.evidence
    assert isinstance(report, Report)
    assert report.sources[0].artifact == new.artifact


def named(**keys: PrivateKey) -> TrustConfiguration:
    made = (EvidenceKey(name, k.public_key(), fingerprint(k)) for name, k in keys.items())
    return TrustConfiguration(keys=tuple(made), generation="-".join(keys))


async def evidence_by(world: World, trust: TrustConfiguration, reference: ImageReference) -> object:
    checks = await verify_image(world.client, trust, reference, datetime.now(UTC))
    return checks.platforms[0].found.evidence


async def test_keys_are_rotated_with_overlap_and_no_report_goes_missing_or_is_pulled_for(
    world: World, python_path: str
) -> None:
    old, new = world.key, generate_key()
    pems = {name: public_pem(key).decode() for name, key in (("old", old), ("new", new))}
    entries = [{"name": name, "publicKey": pem} for name, pem in pems.items()]
    (world.folder / "scan").mkdir()
    import_records(world, record("something-else"))
    world.keys = entries[:1]
    with running_worker(world, python_path, NAME="w1"):
        images = await scanned(world, "critical", "clean")
    # Trusted before it signs; the worker's next start takes it, from a sealed file this time.
    world.key, world.keys = new, entries
    (world.folder / "passphrase").write_text("correct horse\n")
    sealed = world.folder / "sealed.key"
    sealed.write_bytes(private_pem(new, b"correct horse"))
    settings = {
        "NAME": "w1",
        "KEY": f"file:{sealed}",
        "KEY_PASSPHRASE_FILE": str(world.folder / "passphrase"),
    }
    with running_worker(world, python_path, **settings):
        for reference in images.values():
            both = await evidence_by(world, named(old=old, new=new), reference)
            assert isinstance(both, Report)
            assert isinstance(await evidence_by(world, named(new=new), reference), Missing)
        rotated_at = render_time(datetime.now(UTC))
        with not_pullable(world, *(DEMO[tag] for tag in images)):
            asked = await world.hub.renew_reports(rotated_at)
            assert (asked.reports, asked.added) == (2, 2)
            await until(
                lambda: world.hub.renew_reports(rotated_at), lambda found: not found.reports
            )
    for reference in images.values():
        for trust in (named(old=old, new=new), named(new=new), named(old=old)):
            assert isinstance(await evidence_by(world, trust, reference), Report)
    # The old key is gone: lists of packages have the new signature too, so nothing is scanned anew.
    world.keys = entries[1:]
    with running_worker(world, python_path, **settings):
        with not_pullable(world, *(DEMO[tag] for tag in images)):
            before = (await world.image(images["critical"])).reports[0]
            import_records(world, record("Django", number=2))
            await matched_by(world, 3)
        (after,) = (await world.image(images["critical"])).reports
    assert after.counts.critical == before.counts.critical + 1
    assert isinstance(await evidence_by(world, named(new=new), images["critical"]), Report)


async def test_a_worker_signs_by_a_key_that_stays_in_its_token(
    world: World, python_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_token(world.folder / "token", monkeypatch)
    reference = await world.push(DEMO["clean"])
    await world.request(reference)
    with running_worker(world, python_path, KEY=f"hsm:1?label={LABEL}", KEY_PASSPHRASE=PIN):
        await world.until(reference, "scanned", "failed")
        (told,) = await until(world.hub.list_keys, bool)
    key = load_public_key(told.public_key.encode())
    entry = EvidenceKey("token", key, fingerprint(key))
    trust = TrustConfiguration(keys=(entry,), generation="1")
    assert isinstance(await evidence_by(world, trust, reference), Report)


async def test_a_worker_that_may_not_sign_does_not_start_and_says_what_to_check(
    world: World, python_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_token(world.folder / "token", monkeypatch)
    with (
        pytest.raises(AssertionError, match="check that it is reachable"),
        running_worker(world, python_path, KEY="hsm:1", KEY_PASSPHRASE=PIN[::-1]),
    ):
        pytest.fail("it started")


async def test_a_withdrawn_advisory_takes_its_finding_from_reports(
    world: World, python_path: str
) -> None:
    (world.folder / "scan").mkdir()
    import_records(world, record("urllib3"))
    with running_worker(world, python_path):
        images = await scanned(world, "medium")
        (before,) = (await world.image(images["medium"])).reports
        withdrawn = {"at": "2026-02-01", "withdrawn": "2026-02-01T00:00:00Z"}
        import_records(world, record("urllib3", **withdrawn))
        await matched_by(world, 1)
        (after,) = (await world.image(images["medium"])).reports
    assert (before.counts.critical, after.counts.critical) == (1, 0)
    assert after.artifact != before.artifact


async def test_a_worker_killed_after_attaching_leaves_one_artifact_for_one_matching(
    world: World, python_path: str
) -> None:
    """The hub is stopped while the report is attached, and the worker killed before it can tell."""
    (world.folder / "scan").mkdir()
    import_records(world, record("something-else"))
    with running_worker(world, python_path) as process:
        images = await scanned(world, "medium")
        before = await artifacts(world, images["medium"])
        try:
            os.kill(world.registry.pid, signal.SIGSTOP)
            import_records(world, record("urllib3", number=2))

            async def leased() -> bool:
                return bool((await world.hub.list_jobs(state="leased")).items)

            await until(leased, bool)
            os.kill(world.hub_pid, signal.SIGSTOP)
            os.kill(world.registry.pid, signal.SIGCONT)
            await until(lambda: artifacts(world, images["medium"]), lambda found: found > before)
            process.kill()
        finally:
            os.kill(world.registry.pid, signal.SIGCONT)
            os.kill(world.hub_pid, signal.SIGCONT)
    with running_worker(world, python_path):
        await matched_by(world, 1)
        (report,) = (await world.image(images["medium"])).reports
    found = await artifacts(world, images["medium"])
    assert len(found) == len(before) + 1
    assert found == before | {report.artifact}


async def test_a_deleted_newest_report_comes_back_with_the_next_matching(
    world: World, python_path: str
) -> None:
    (world.folder / "scan").mkdir()
    import_records(world, record("something-else"))
    with running_worker(world, python_path):
        images = await scanned(world, "medium")
        reference = images["medium"]
        import_records(world, record("urllib3", number=2))
        await matched_by(world, 1)
        (newest,) = (await world.image(reference)).reports
        assert await world.client.delete_manifest(reference, Digest(newest.artifact))
        import_records(world, record("urllib3", number=3))
        await matched_by(world, 2)
        (after,) = (await world.image(reference)).reports
    assert after.counts.critical == 2
    assert after.artifact in await artifacts(world, reference)
    assert newest.artifact not in await artifacts(world, reference)


async def test_t21_a_hub_that_alters_packages_gets_no_report_but_a_scan(
    world: World, python_path: str
) -> None:
    (world.folder / "scan").mkdir()
    import_records(world, record("something-else"))
    with running_worker(world, python_path):
        reference = (await scanned(world, "medium"))["medium"]
        with sqlite3.connect(world.folder / "hub" / "hub.db") as database:
            (packed,) = database.execute(
                "SELECT packages FROM image_details WHERE packages_signature <> ''"
            ).fetchone()
            altered = zlib.compress(zlib.decompress(packed).replace(b"urllib3", b"harmless"))
            database.execute("UPDATE image_details SET packages = ?", (altered,))
        import_records(world, record("urllib3", number=2))

        async def newest() -> str:
            return (await world.hub.list_jobs()).items[0].error

        assert "not signed by an evidence key" in await until(newest, bool)
        found = await until(
            lambda: world.image(reference), lambda i: i.reports[0].counts.critical == 1
        )
    assert found.status == "scanned"


async def test_t20_a_fault_is_logged_without_what_its_variables_hold(
    world: World, python_path: str
) -> None:
    path = with_scanner(world, python_path, "token = 'x' * 30 + 'y'; raise KeyError('fault')")
    reference = await world.push(DEMO["clean"])
    await world.request(reference)
    with running_worker(world, path, SCANNER="own"):
        failed = await world.until(reference, "failed")
    assert "fault of the worker: KeyError('fault')" in failed.error
    text = (world.folder / "scan.log").read_text()
    assert "job.crashed" in text
    assert "x" * 30 + "y" not in text


async def test_a_second_worker_on_the_same_folder_is_refused(
    world: World, python_path: str
) -> None:
    with (
        running_worker(world, python_path),
        pytest.raises(AssertionError, match="another scan worker uses this folder"),
        running_worker(world, python_path),
    ):
        pytest.fail("both run")


async def test_a_worker_stops_within_five_seconds_and_gives_its_job_back(
    world: World, python_path: str
) -> None:
    """The scan is slowed down by a scanner that waits; the next worker does the job."""
    path = with_scanner(world, python_path, "await asyncio.Event().wait()")
    reference = await world.push(DEMO["medium"])
    await world.request(reference)
    with running_worker(world, path, SCANNER="own") as process:
        await world.until(reference, "scanning")
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
        assert time.monotonic() - begun < 5
        assert process.stdout is not None
        assert process.stdout.read() == b"", "one line on standard output and no more"
    with running_worker(world, python_path):
        assert (await world.until(reference, "scanned", "failed")).status == "scanned"


async def test_t20_logs_are_json_lines_and_hold_no_secret(world: World, python_path: str) -> None:
    reference = await world.push(DEMO["clean"])
    await world.request(reference)
    with running_worker(world, python_path):
        await world.until(reference, "scanned", "failed")
    events = {line["event"] for line in log_lines(world)}
    assert {"worker.ready", "job.started", "platform.scanned", "job.completed"} <= events
    text = (world.folder / "scan.log").read_text()
    assert world.tokens["scanner"] not in text
    assert "PRIVATE KEY" not in text


async def test_a_worker_without_its_settings_says_which_and_ends_with_2(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": os.environ["PATH"]}
    log = tmp_path / "scan.log"
    with running("scan", environment, log) as process:
        assert await asyncio.to_thread(process.wait, 20) == 2
    assert "TIDEGATE_SCAN_HUB_URL" in log.read_text()
