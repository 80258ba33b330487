"""Images of a given size from what is installed on this machine: packages as they really lie.

Layers are filled with the operating system's status database, programs and libraries, the Python
packages of this environment and the portal's node modules, until all have the size that is asked
for as a registry stores them (gzip, level 6). Every image adds some files of its own to the end of
each layer, so that no two images share one.
"""

import hashlib
import sysconfig
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from measures import MIB, ROOT
from tidegate.domain.digest import digest_of
from tidegate.local.images import CREATED, LAYER, DemoImage
from tidegate.wire.oci_v1 import OCI_CONFIG, OCI_MANIFEST, Descriptor, Manifest, render_manifest

MAX_FILE_BYTES = 8 * MIB
"""Larger files are left out: a few of them would be a whole layer, and say nothing of packages."""

GZIP = 31
"""zlib.compressobj: a gzip member of its own; a file may have several (RFC 1952, 2.2)."""

PYTHON = "usr/local/lib/python3.11/site-packages"


@dataclass(frozen=True, slots=True)
class Root:
    """A part of this machine, and where it lies in an image."""

    path: Path
    inside: str
    share: float
    """Of the image's packed size, at most."""


@dataclass(slots=True)
class Base:
    """A layer without its end, which each image adds."""

    packed: bytes
    diff: "hashlib._Hash"
    """Of what is packed."""
    files: int
    unpacked_bytes: int


def roots() -> list[Root]:
    """Return what images are made of, where it is there."""
    machine = sysconfig.get_config_var("MULTIARCH")
    found = [
        Root(Path("/var/lib/dpkg"), "var/lib/dpkg", 0.1),
        Root(Path("/usr/bin"), "usr/bin", 0.25),
        Root(Path(f"/usr/lib/{machine}"), f"usr/lib/{machine}", 0.25),
        Root(ROOT / "portal/node_modules", "srv/app/node_modules", 0.2),
        Root(Path("/usr/lib/node_modules"), "usr/lib/node_modules", 0.1),
        Root(Path(sysconfig.get_paths()["purelib"]), PYTHON, 0.4),
        Root(Path("/usr/share"), "usr/share", 1.0),
    ]
    return [root for root in found if root.path.is_dir()]


def make_bases(packed_bytes: int) -> list[Base]:
    """Return layers that have `packed_bytes` together."""
    bases, left = list[Base](), packed_bytes
    for root in roots():
        base = _fill(root, min(left, round(packed_bytes * root.share)))
        bases.append(base)
        left -= len(base.packed)
        if left <= 0:
            break
    return bases


def make_image(bases: Sequence[Base], number: int) -> DemoImage:
    """Return the image with this number: all its layers are its own."""
    package = f"{PYTHON}/bench_image_{number}-1.0.dist-info/METADATA"
    metadata = f"Metadata-Version: 2.1\nName: bench-image-{number}\nVersion: 1.0\n"
    own = {"srv/number": str(number).encode(), package: metadata.encode()} | system()
    ended = [_ended(base, {**own, f"srv/layer-{n}": b""}) for n, base in enumerate(bases)]
    config = msgspec.json.encode(
        {
            "created": CREATED,
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in ended]},
            "history": [{"created": CREATED, "created_by": "bench"} for _ in ended],
        }
    )
    blobs = {digest_of(body): body for body in (config, *(body for body, _ in ended))}
    layers = tuple(Descriptor(LAYER, digest_of(body), len(body)) for body, _ in ended)
    described = Descriptor(OCI_CONFIG, digest_of(config), len(config))
    manifest = render_manifest(Manifest(config=described, layers=layers))
    return DemoImage("bench/app", f"v{number}", ((manifest, OCI_MANIFEST),), blobs)


def system() -> dict[str, bytes]:
    """Return the files by which a scanner knows this machine's distribution."""
    named = [Path("/etc/os-release"), Path("/etc/debian_version")]
    return {str(path)[1:]: path.read_bytes() for path in named if path.is_file()}


def _fill(root: Root, max_bytes: int) -> Base:
    compressor, packed, diff = zlib.compressobj(6, wbits=GZIP), bytearray(), hashlib.sha256()
    files = unpacked = 0
    for path in _files_below(root.path):
        if len(packed) >= max_bytes:
            break
        part = _entry(f"{root.inside}/{path.relative_to(root.path)}", path.read_bytes())
        diff.update(part)
        packed += compressor.compress(part)
        files, unpacked = files + 1, unpacked + len(part)
    return Base(bytes(packed + compressor.flush()), diff, files, unpacked)


def _ended(base: Base, files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """Return the layer with `files` at its end, and its diffID."""
    end = b"".join(_entry(name, body) for name, body in files.items())
    end += bytes(2 * tarfile.BLOCKSIZE)
    tail, diff = zlib.compressobj(6, wbits=GZIP), base.diff.copy()
    diff.update(end)
    return base.packed + tail.compress(end) + tail.flush(), f"sha256:{diff.hexdigest()}"


def _entry(name: str, body: bytes) -> bytes:
    """Return one file as it stands in a tar."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(body), 0o755
    padding = -len(body) % tarfile.BLOCKSIZE
    return member.tobuf(tarfile.PAX_FORMAT) + body + bytes(padding)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield what may be read, in an order that stays: metadata of packages first."""
    paths = sorted(folder.rglob("*"), key=lambda p: (not _is_metadata(p), p))
    for path in paths:
        if path.is_symlink() or not path.is_file() or "__pycache__" in path.parts:
            continue
        if path.stat().st_size <= MAX_FILE_BYTES and path.stat().st_mode & 0o444:
            yield path


def _is_metadata(path: Path) -> bool:
    return path.name in {"status", "METADATA", "package.json"}
