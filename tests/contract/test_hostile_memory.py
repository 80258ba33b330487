"""What a gate holds in memory while a registry does its worst, by the allocator's own count.

The cap is for one image: what is read of it at a time is bounded (manifest 4 MiB, statement 32 MiB,
pages 8 MiB), and parsing makes objects of it. `EvidenceLimits` bounds how many are read at a time.
"""

import asyncio
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
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
from tidegate.scan.attach import attach_report
from tidegate.testing.evidence_world import evidence_key, finding, statement
from tidegate.testing.hostile_registry import HostileRegistry, ScriptedAnswer, SeenRequest
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import PrivateKey, generate_key
from tidegate.wire.oci_v1 import (
    EMPTY_BLOB,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    parse_manifest,
    render_manifest,
)
from tidegate.wire.statement_v1 import render_statement

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


def flood_by_tag(server: HostileRegistry) -> None:
    server.scripts[f"/v2/app/manifests/{SUBJECT.replace(':', '-')}"] = index(0, 10_000)


def compressed(server: HostileRegistry) -> None:
    """A quarter of a gibibyte in little, for clients that unpack what they are given."""
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packed.compress(b" " * 2**20) for _ in range(256)) + packed.flush()
    encoded = ("Content-Encoding", "gzip")
    server.scripts[REFERRERS] = replace(
        manifest(body, OCI_INDEX), headers=(("Content-Type", OCI_INDEX), encoded)
    )


def endless_refusal(server: HostileRegistry) -> None:
    server.scripts[REFERRERS] = ScriptedAnswer(500, endless=True)


def endless_token(server: HostileRegistry) -> None:
    challenge = f'Bearer realm="{server.url}/token",service="x"'
    server.scripts[f"/v2/app/manifests/{SUBJECT}"] = ScriptedAnswer(
        401, (("WWW-Authenticate", challenge),)
    )
    server.scripts["/token"] = ScriptedAnswer(body=b'{"token":"', endless=True)


def circular_redirects(server: HostileRegistry) -> None:
    """Every read leads to itself, with a body beside it."""
    server.scripts[REFERRERS] = ScriptedAnswer(
        307, (("Location", REFERRERS),), body=b"x" * (8 * 2**20)
    )


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
        pytest.param(flood_by_tag, Unavailable, id="t02-ten-thousand-referrers-by-tag"),
        pytest.param(compressed, Unavailable, id="t03-compressed"),
        pytest.param(endless_refusal, Unavailable, id="t03-endless-refusal"),
        pytest.param(endless_token, Unavailable, id="t03-endless-token"),
        pytest.param(circular_redirects, Unavailable, id="t03-circular-redirects"),
    ],
)
async def test_t03_memory_stays_below_its_cap_whatever_a_registry_sends(
    server: HostileRegistry, tmp_path: Path, play: Play, kinds: type | tuple[type, ...]
) -> None:
    play(server)
    evidence, peak_bytes = await judged(server, tmp_path, generate_key())
    assert not isinstance(evidence, Report)
    assert isinstance(evidence, kinds)
    assert peak_bytes < CAP_BYTES, f"{peak_bytes / 2**20:.1f} MiB"


async def judged(
    server: HostileRegistry, tmp_path: Path, key: PrivateKey
) -> tuple[Report | Missing | Unavailable, int]:
    """Return what a gate that trusts `key` makes of the image, and the most it held meanwhile."""
    return await judged_at(server.authority, tmp_path, key)


async def judged_at(
    host: str, tmp_path: Path, key: PrivateKey
) -> tuple[Report | Missing | Unavailable, int]:
    trust = TrustConfiguration(keys=(evidence_key(key),), generation="1")
    limits = replace(EvidenceLimits(), flight_timeout_s=100.0)
    config = RegistryConfig(host, plain_http=True, allow_private=True)
    image = parse_reference(f"{host}/app@{SUBJECT}")
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
    return found.platforms[0].evidence, peak - before


LARGE_CAP_BYTES = 64 * 2**20
"""For a statement of twenty thousand findings that counts: a key of ours signed it."""


async def signed(server: HostileRegistry, key: PrivateKey, body: bytes) -> Descriptor:
    """Serve a report about the image, signed by `key`; return its statement's layer."""
    memory = MemoryRegistry(server.authority)
    image = Descriptor(OCI_MANIFEST, memory.put_manifest(IMAGE, OCI_MANIFEST), len(IMAGE))
    repository = parse_reference(f"{server.authority}/app")
    attached = await attach_report(memory, repository, body, key, subject=image)
    artifact = parse_manifest(memory.manifests[attached.artifact][0], OCI_MANIFEST)
    entry = Descriptor(OCI_MANIFEST, attached.artifact, 1, artifact_type=REPORT)
    listed = render_manifest(Manifest(media_type=OCI_INDEX, manifests=(entry,)))
    server.scripts[REFERRERS] = manifest(listed, OCI_INDEX)
    for digest, (stored, media_type) in memory.manifests.items():
        server.scripts[f"/v2/app/manifests/{digest}"] = manifest(stored, media_type)
    for tag, digest in memory.tags.items():
        server.scripts[f"/v2/app/manifests/{tag}"] = manifest(*memory.manifests[digest])
    for digest, blob in memory.blobs.items():
        server.scripts[f"/v2/app/blobs/{digest}"] = ScriptedAnswer(body=blob)
    return artifact.layers[0]


async def test_t03_a_signed_statement_that_never_ends_is_read_to_its_size(
    server: HostileRegistry, tmp_path: Path
) -> None:
    key = generate_key()
    body = render_statement(statement(SUBJECT, [finding("CVE-1")], at=NOW))
    layer = await signed(server, key, body)
    evidence, _ = await judged(server, tmp_path / "honest", key)
    assert isinstance(evidence, Report), "as it was signed it counts"
    server.scripts[f"/v2/app/blobs/{layer.digest}"] = ScriptedAnswer(body=body, endless=True)
    evidence, peak_bytes = await judged(server, tmp_path / "endless", key)
    assert isinstance(evidence, Unavailable)
    assert peak_bytes < CAP_BYTES, f"{peak_bytes / 2**20:.1f} MiB"


async def test_t03_a_very_large_statement_that_counts_stays_below_its_cap(
    server: HostileRegistry, tmp_path: Path
) -> None:
    key = generate_key()
    aliases = [frozenset({f"GHSA-{number:060}"}) for number in range(20_000)]
    found = [replace(finding(f"CVE-2026-{n}"), aliases=each) for n, each in enumerate(aliases)]
    body = render_statement(statement(SUBJECT, found, at=NOW))
    assert len(body) > 4 * 2**20
    await signed(server, key, body)
    evidence, peak_bytes = await judged(server, tmp_path, key)
    assert isinstance(evidence, Report)
    assert peak_bytes < LARGE_CAP_BYTES, f"{peak_bytes / 2**20:.1f} MiB"


async def test_t03_a_header_without_an_end_is_cut(tmp_path: Path) -> None:
    sent_bytes = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent_bytes
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nLink: <")
        with suppress(ConnectionError):
            while True:
                writer.write(b"a" * 65536)
                await writer.drain()
                sent_bytes += 65536

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host = f"localhost:{server.sockets[0].getsockname()[1]}"
        evidence, peak_bytes = await judged_at(host, tmp_path, generate_key())
    assert isinstance(evidence, Unavailable)
    assert sent_bytes < CAP_BYTES
    assert peak_bytes < CAP_BYTES, f"{peak_bytes / 2**20:.1f} MiB"
