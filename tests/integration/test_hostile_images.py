"""Images made to break out of the scanner, scanned by the real Trivy in the real sandbox.

Each tries one thing: to read or write outside its layers, to reach devices, or to use memory without
end. It is refused as an error or judged without what it reached for, never clean by silence; and
nothing that the scan starts uses more memory than the cap.
"""

import gzip
import hashlib
import io
import resource
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from tidegate.advisories.demo import demo_set
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import ScannerUnavailableError
from tidegate.domain.reference import parse_reference
from tidegate.local.images import (
    CLEAN_DEBIAN,
    debian_files,
    npm_files,
    pack_image,
    tar_layer,
    zip_archive,
)
from tidegate.scan.pipeline import PlatformScan, ScanSetup, scan_image
from tidegate.scan.sandbox import SandboxLimits
from tidegate.scan.scanners.builtin import BuiltinScanner, find_trivy
from tidegate.testing.memory_registry import MemoryRegistry
from tidegate.wire.oci_v1 import OCI_MANIFEST

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DEBIAN = debian_files(CLEAN_DEBIAN)
LIMITS = SandboxLimits(max_data_bytes=512 * 2**20, max_file_bytes=256 * 2**20)
CAP_BYTES = 700 * 2**20
"""Of memory of any process of the scan: what it may write to, and its program."""

MIB = 2**20


class Layer(NamedTuple):
    """A packed layer."""

    diff_id: Digest
    body: bytes


class Host(NamedTuple):
    """What lies beside the scanner, and must not be seen: a package, which scans would name."""

    folder: Path

    @property
    def modules(self) -> Path:
        return self.folder / "app" / "node_modules"

    @property
    def package(self) -> Path:
        return self.modules / "lodash" / "package.json"


Make = Callable[[Host], Layer]


@pytest.fixture(scope="module", autouse=True)
def _needs_trivy() -> None:
    try:
        find_trivy()
    except ScannerUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    for path, body in npm_files("lodash", "4.17.15").items():
        target = tmp_path / "host" / path
        target.parent.mkdir(parents=True)
        target.write_bytes(body)
    return Host(tmp_path / "host")


def packed(tar: bytes) -> Layer:
    return Layer(digest_of(tar), gzip.compress(tar, mtime=0))


def entries(*members: tuple[tarfile.TarInfo, bytes]) -> Layer:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry, content in members:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed(body.getvalue())


def special(name: str, kind: bytes, target: object = "", device: tuple[int, int] = (0, 0)) -> Layer:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = kind, str(target), 0o666
    entry.devmajor, entry.devminor = device
    return entries((entry, b""))


def zeros(name: str, size: int, first: bytes = b"") -> Layer:
    """A file of so many bytes, packed a thousand times smaller, never whole in memory here."""
    entry = tarfile.TarInfo(name)
    entry.size = len(first) + size
    unpacked, packer, body = hashlib.sha256(), zlib.compressobj(6, zlib.DEFLATED, 31), bytearray()

    def pieces() -> Iterator[bytes]:
        yield entry.tobuf(tarfile.PAX_FORMAT)
        yield first
        for _ in range(size // MIB):
            yield b" " * MIB
        yield b"\0" * (-len(first) % 512 + 1024)

    for piece in pieces():
        unpacked.update(piece)
        body += packer.compress(piece)
    body += packer.flush()
    return Layer(Digest(f"sha256:{unpacked.hexdigest()}"), bytes(body))


PACKAGE = "app/node_modules/lodash/package.json"


def climbing(host: Host) -> Layer:
    return packed(tar_layer({f"{'../' * 20}{str(host.folder)[1:]}/written": b"x"}))


def absolute(host: Host) -> Layer:
    return packed(tar_layer({f"{host.folder}/written": b"x"}))


def through_a_link(host: Host) -> Layer:
    """A link out of the image first, and then a file under it."""
    link = tarfile.TarInfo("out")
    link.type, link.linkname = tarfile.SYMTYPE, str(host.folder)
    return entries((link, b""), (tarfile.TarInfo("out/written"), b"x"))


def claims(size: int) -> Make:
    """A file that says it is larger than it is, and ends early."""

    def make(_: Host) -> Layer:
        entry = tarfile.TarInfo(PACKAGE)
        entry.size = size
        return packed(entry.tobuf(tarfile.GNU_FORMAT) + b"{}" + b"\0" * 1024)

    return make


def sparse(_: Host) -> Layer:
    """A tebibyte of holes in one block (GNU's old sparse format)."""
    entry = tarfile.TarInfo(PACKAGE)
    header = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:410] = b"%011o\0%011o\0" % (0, 0)
    header[483:495] = bytes([0x80, 0, 0, 0]) + struct.pack(">Q", 2**40)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return packed(bytes(header) + b"\0" * 1024)


def many_files(_: Host) -> Layer:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for number in range(40_000):
            archive.addfile(tarfile.TarInfo(f"app/{number}/package.json"))
    return packed(body.getvalue())


def long_name(_: Host) -> Layer:
    return packed(tar_layer({f"{'a/' * 300_000}package.json": b"{}"}))


def jar_of_zeros(_: Host) -> Layer:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            with archive.open(f"META-INF/maven/g/a{number}/pom.properties", "w") as member:
                for _ in range(100):
                    member.write(b" " * MIB)
    return packed(tar_layer({"opt/bomb.jar": body.getvalue()}))


def jars_in_jars(_: Host) -> Layer:
    jar = zip_archive({"META-INF/MANIFEST.MF": b"Implementation-Title: x\n"})
    for _ in range(200):
        jar = zip_archive({"inner.jar": jar})
    return packed(tar_layer({"opt/nested.jar": jar}))


def gzip_in_gzip(_: Host) -> Layer:
    """Packed twice: whoever unpacks as often as it can gets a thousand times as much."""
    inner = zeros("app/big", 128 * MIB)
    return Layer(digest_of(inner.body), gzip.compress(inner.body, mtime=0))


def nested_json(_: Host) -> Layer:
    return packed(tar_layer({"app/package-lock.json": b"[" * (4 * MIB)}))


def status_database(_: Host) -> Layer:
    """A package database that is one line without end."""
    return zeros("var/lib/dpkg/status", 300 * MIB, b"Package: ")


ATTEMPTS: dict[str, Make] = {
    "a-path-that-climbs": climbing,
    "an-absolute-path": absolute,
    "a-file-under-a-link": through_a_link,
    "a-link-to-a-folder": lambda host: special("app/node_modules", tarfile.SYMTYPE, host.modules),
    "a-link-to-a-file": lambda host: special(PACKAGE, tarfile.SYMTYPE, host.package),
    "a-climbing-link": lambda host: special(
        PACKAGE, tarfile.SYMTYPE, f"{'../' * 20}{str(host.package)[1:]}"
    ),
    "a-hard-link": lambda host: special(PACKAGE, tarfile.LNKTYPE, host.package),
    "a-link-to-the-environment": lambda _: special(PACKAGE, tarfile.SYMTYPE, "/proc/self/environ"),
    "a-link-to-itself": lambda _: special(PACKAGE, tarfile.SYMTYPE, f"/{PACKAGE}"),
    "a-character-device": lambda _: special(PACKAGE, tarfile.CHRTYPE, device=(1, 5)),
    "a-block-device": lambda _: special(PACKAGE, tarfile.BLKTYPE, device=(8, 0)),
    "a-pipe": lambda _: special(PACKAGE, tarfile.FIFOTYPE),
    "an-eighth-of-the-truth": claims(8 * MIB),
    "a-file-of-eight-exbibytes": claims(2**62),
    "a-tebibyte-of-holes": sparse,
    "very-many-files": many_files,
    "a-very-long-name": long_name,
    "a-bomb": lambda _: zeros("app/node_modules/big/package.json", 600 * MIB),
    "a-bomb-packed-twice": gzip_in_gzip,
    "a-bomb-in-a-jar": jar_of_zeros,
    "jars-in-jars": jars_in_jars,
    "json-without-end": nested_json,
    "a-database-of-one-line": status_database,
}


async def scan(layer: Layer, workdir: Path) -> PlatformScan:
    registry = MemoryRegistry()
    image = pack_image([packed(tar_layer(DEBIAN)), layer])
    for blob in image.blobs.values():
        registry.put_blob(blob)
    registry.put_manifest(image.manifest, OCI_MANIFEST, tag="latest")
    scanner = BuiltinScanner(limits=LIMITS)
    setup = ScanSetup(scanner, demo_set(), lambda: NOW, workdir, deadline_s=60)
    (platform,) = await scan_image(registry, parse_reference("registry.example/demo/app"), setup)
    return platform


def largest_child() -> int:
    """Return the memory of the largest process that was ever waited for, of other tests too."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def names(platform: PlatformScan) -> set[str]:
    return {package.name for package in platform.packages}


async def test_what_the_attempts_reach_for_would_be_seen(host: Host, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    inside = packed(tar_layer({PACKAGE: host.package.read_bytes()}))
    assert "lodash" in names(await scan(inside, work))


@pytest.mark.parametrize("make", ATTEMPTS.values(), ids=ATTEMPTS)
async def test_t19_an_image_gets_nothing_from_outside_its_layers(
    make: Make, host: Host, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    before, others = sorted(host.folder.rglob("*")), largest_child() + 1
    layer = make(host)
    try:
        platform = await scan(layer, work)
    except ScannerUnavailableError:
        pass  # refused: no report, and never a clean one
    else:
        assert "lodash" not in names(platform)
        assert platform.refused == ()
        assert platform.max_rss_bytes < CAP_BYTES
    assert sorted(host.folder.rglob("*")) == before
    assert not any(work.iterdir())
    assert largest_child() < max(others, CAP_BYTES), f"{largest_child() / MIB:.0f} MiB"
