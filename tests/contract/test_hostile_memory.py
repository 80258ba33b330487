"""What a gate holds in memory while a registry does its worst, by the allocator's own count.

The cap is for one image: what is read of it at a time is bounded (manifest 4 MiB, statement 32 MiB,
pages 8 MiB), and parsing makes objects of it. `EvidenceLimits` bounds how many are read at a time.
"""

import json
import tracemalloc
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.evidence import Missing, Report, Unavailable
from tidegate.domain.reference import parse_reference
from tidegate.evidence.cache import EvidenceCache
from tidegate.evidence.gather import Gatherer
from tidegate.evidence.limits import EvidenceLimits
from tidegate.evidence.memory import ReportMemory
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.registries import RegistryConfig
from tidegate.testing.evidence_world import evidence_key
from tidegate.testing.hostile_registry import HostileRegistry, ScriptedAnswer, SeenRequest
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import generate_key
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    render_manifest,
)

CAP_BYTES = 40 * 2**20
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EMPTY = Descriptor(OCI_EMPTY, digest_of(EMPTY_BLOB), len(EMPTY_BLOB))
IMAGE = render_manifest(Manifest(config=EMPTY, layers=(EMPTY,)))
SUBJECT = digest_of(IMAGE)
REPORT = "application/vnd.in-toto+json"
REFERRERS = f"/v2/app/referrers/{SUBJECT}"
PATIENT = RegistryLimits(read_timeout_s=60.0)  # counting allocations takes time

Play = Callable[[HostileRegistry], None]


def manifest(body: bytes, media_type: str = OCI_MANIFEST) -> ScriptedAnswer:
    return ScriptedAnswer(headers=(("Content-Type", media_type),), body=body)


def index(start: int, count: int) -> ScriptedAnswer:
    entries = tuple(
        Descriptor(OCI_MANIFEST, digest_of(str(number).encode()), 9, artifact_type=REPORT)
        for number in range(start, start + count)
    )
    return manifest(render_manifest(Manifest(media_type=OCI_INDEX, manifests=entries)), OCI_INDEX)


def endless_pages(server: HostileRegistry) -> None:
    def page(request: SeenRequest) -> ScriptedAnswer:
        start = int(request.target.partition("last=")[2] or "0")
        found = index(start, 100)
        link = f'<{REFERRERS}?last={start + 100}>; rel="next"'
        return replace(found, headers=(*found.headers, ("Link", link)))

    server.scripts[REFERRERS] = page


def flood(server: HostileRegistry) -> None:
    server.scripts[REFERRERS] = index(0, 10_000)


def endless_list(server: HostileRegistry) -> None:
    server.scripts[REFERRERS] = replace(index(0, 1), endless=True)


def endless_image(server: HostileRegistry) -> None:
    server.scripts[f"/v2/app/manifests/{SUBJECT}"] = replace(manifest(IMAGE), endless=True)


def nested(server: HostileRegistry) -> None:
    server.scripts[REFERRERS] = manifest(b"[" * (4 * 2**20 - 1), OCI_INDEX)


def wide(server: HostileRegistry) -> None:
    """As many values as a page can hold."""
    page = b'{"schemaVersion":2,"manifests":[],"x":[' + b"0," * (2 * 2**20 - 100) + b"0]}"
    server.scripts[REFERRERS] = manifest(page, OCI_INDEX)


def many_names(server: HostileRegistry) -> None:
    """As many annotations as a page can hold, on one entry."""
    noted = {f"{number:x}": "" for number in range(300_000)}
    entry = {"mediaType": OCI_MANIFEST, "digest": SUBJECT, "size": 1, "annotations": noted}
    page = json.dumps({"schemaVersion": 2, "manifests": [entry]}, separators=(",", ":")).encode()
    assert len(page) < PATIENT.max_manifest_bytes
    server.scripts[REFERRERS] = manifest(page, OCI_INDEX)


def large_statement(server: HostileRegistry) -> None:
    """An artifact whose statement is announced, and is, as large as is read: unsigned."""
    statement = b'{"_type":"' + b"x" * (32 * 2**20 - 20) + b'"}'
    layer = Descriptor(REPORT, digest_of(statement), len(statement))
    subject = Descriptor(OCI_MANIFEST, SUBJECT, len(IMAGE))
    body = render_manifest(
        Manifest(artifact_type=REPORT, config=EMPTY, layers=(layer,), subject=subject)
    )
    entry = Descriptor(OCI_MANIFEST, digest_of(body), len(body), artifact_type=REPORT)
    listed = render_manifest(Manifest(media_type=OCI_INDEX, manifests=(entry,)))
    server.scripts |= {
        REFERRERS: manifest(listed, OCI_INDEX),
        f"/v2/app/manifests/{entry.digest}": manifest(body),
        f"/v2/app/blobs/{layer.digest}": ScriptedAnswer(body=statement),
    }


@pytest.fixture
async def server() -> AsyncIterator[HostileRegistry]:
    async with HostileRegistry({f"/v2/app/manifests/{SUBJECT}": manifest(IMAGE)}) as running:
        yield running


@pytest.mark.parametrize(
    ("play", "kinds"),
    [
        pytest.param(endless_pages, Unavailable, id="t02-endless-pages"),
        pytest.param(flood, Unavailable, id="t02-ten-thousand-referrers"),
        pytest.param(endless_list, Unavailable, id="t03-endless-list"),
        pytest.param(endless_image, Unavailable, id="t03-endless-image"),
        pytest.param(nested, Unavailable, id="t03-nested"),
        pytest.param(wide, (Missing, Unavailable), id="t03-wide"),
        pytest.param(many_names, (Missing, Unavailable), id="t03-many-annotations"),
        pytest.param(large_statement, Missing, id="t03-large-statement"),
    ],
)
async def test_t03_memory_stays_below_its_cap_whatever_a_registry_sends(
    server: HostileRegistry, tmp_path: Path, play: Play, kinds: type | tuple[type, ...]
) -> None:
    play(server)
    trust = TrustConfiguration(keys=(evidence_key(generate_key()),), generation="1")
    limits = replace(EvidenceLimits(), flight_timeout_s=100.0)
    config = RegistryConfig(server.authority, plain_http=True, allow_private=True)
    image = parse_reference(f"{server.authority}/app@{SUBJECT}")
    async with RegistryClient([config], limits=PATIENT) as client:
        memory = ReportMemory(tmp_path / "reports.jsonl")
        gatherer = Gatherer(client, lambda: trust, memory, EvidenceCache(limits), limits=limits)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        try:
            found = (await gatherer.gather([image], now=NOW, budget_s=100.0))[image]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await gatherer.aclose()
    evidence = found.platforms[0].evidence
    assert not isinstance(evidence, Report)
    assert isinstance(evidence, kinds)
    assert peak - before < CAP_BYTES, f"{(peak - before) / 2**20:.1f} MiB"
