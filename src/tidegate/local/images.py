"""The demo images, built without a container engine, the same bytes every time.

Each is a small Debian with a few packages, named after the worst severity that the demo advisory
set finds in it. They hold just what a scanner reads: status databases, metadata files, archives.
"""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.severity import Severity
from tidegate.wire.oci_v1 import (
    ATTESTATION_ANNOTATION,
    ATTESTATION_VALUE,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    render_manifest,
)

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CREATED = "2026-11-01T00:00:00Z"
_PYTHON = "usr/local/lib/python3.11/site-packages"
_ELF = b"\x7fELF"

Files = Mapping[str, bytes]
"""Paths in the image, and what stands there."""


@dataclass(frozen=True, slots=True)
class Debian:
    """A Debian system: its release and installed packages."""

    release: str
    """Point release: `12.11`."""
    packages: tuple[tuple[str, str, str], ...]
    """Binary package, version, and source as the status database writes it; empty: the same."""


@dataclass(frozen=True, slots=True)
class DemoImage:
    """One image or index with all its content."""

    repository: str
    tag: str
    manifests: tuple[tuple[bytes, str], ...]
    """Bodies and media types in the order to push them; the last one is what the tag names."""
    blobs: Mapping[Digest, bytes] = field(repr=False)
    worst: Severity | None = None
    """Worst severity under the demo advisory set; None for a clean image."""

    @property
    def digest(self) -> Digest:
        """Digest of what the tag names."""
        return digest_of(self.manifests[-1][0])


def build_demo_images() -> list[DemoImage]:
    """Return the demo images: clean, low, medium, high, critical, multi-arch."""
    clean = [debian_files(CLEAN_DEBIAN), python_files("requests", "2.32.5")]
    high = [
        debian_files(CLEAN_DEBIAN),
        {
            **python_files("Jinja2", "2.10"),
            **npm_files("lodash", "4.17.15"),
            **jar_files("com.google.code.gson", "gson", "2.8.6"),
        },
    ]
    return [
        _demo("clean", clean, None),
        _demo("low", [debian_files(OLDER_DEBIAN)], Severity.LOW),
        _demo(
            "medium",
            [debian_files(CLEAN_DEBIAN), python_files("urllib3", "1.26.18")],
            Severity.MEDIUM,
        ),
        _demo("high", high, Severity.HIGH),
        _demo("critical", _critical_layers(), Severity.CRITICAL),
        _multi_arch(clean, high),
    ]


CLEAN_DEBIAN = Debian(
    "12.12",
    (
        ("base-files", "12.4+deb12u12", ""),
        ("gzip", "1.12-1", ""),
        ("libssl3", "3.0.17-1~deb12u3", "openssl"),
        ("tar", "1.34+dfsg-1.2+deb12u1", ""),
        ("util-linux", "2.38.1-5+deb12u3", ""),
        ("zlib1g", "1:1.2.13.dfsg-1", "zlib"),
    ),
)

OLDER_DEBIAN = Debian(
    "12.5",
    (
        ("base-files", "12.4+deb12u5", ""),
        # The binary has an epoch that its source package has not.
        ("bsdutils", "1:2.38.1-5+b1", "util-linux (2.38.1-5)"),
        ("libc6", "2.36-9+deb12u10", "glibc"),
        ("tar", "1.34+dfsg-1.2", ""),
        ("util-linux", "2.38.1-5+b1", "util-linux (2.38.1-5)"),
    ),
)

OLD_DEBIAN = Debian(
    "11.1",
    (
        ("base-files", "11.1+deb11u1", ""),
        ("libssl1.1", "1.1.1k-1+deb11u1", "openssl"),
        ("zlib1g", "1:1.2.11.dfsg-2", "zlib"),
    ),
)


def _critical_layers() -> list[Files]:
    return [
        debian_files(OLD_DEBIAN),
        {
            **python_files("Django", "3.2"),
            **python_files("Pillow", "9.0.0"),
            **python_files("Jinja2", "2.10"),
        },
        {
            **npm_files("lodash", "4.17.15"),
            **npm_files("minimist", "1.2.5"),
            **jar_files("org.apache.logging.log4j", "log4j-core", "2.14.1"),
            **jar_files("com.fasterxml.jackson.core", "jackson-databind", "2.9.5"),
            **jar_files("com.google.code.gson", "gson", "2.8.6"),
        },
    ]


def debian_files(system: Debian) -> dict[str, bytes]:
    """Return the files by which a scanner knows a Debian and its packages."""
    major = system.release.partition(".")[0]
    entries = [_status(*package) for package in system.packages]
    os_release = f'PRETTY_NAME="Debian GNU/Linux {major}"\nID=debian\nVERSION_ID="{major}"\n'
    return {
        "etc/debian_version": f"{system.release}\n".encode(),
        "etc/os-release": os_release.encode(),
        "var/lib/dpkg/status": "\n".join(entries).encode(),
    }


def _status(package: str, version: str, source: str) -> str:
    lines = [
        f"Package: {package}",
        "Status: install ok installed",
        "Maintainer: Debian <debian@example.org>",
        "Architecture: amd64",
        *([f"Source: {source}"] if source else []),
        f"Version: {version}",
        f"Description: {package}",
    ]
    return "\n".join(lines) + "\n"


def python_files(name: str, version: str) -> dict[str, bytes]:
    """Return the metadata of an installed Python distribution."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return {f"{_PYTHON}/{name}-{version}.dist-info/METADATA": metadata.encode()}


def npm_files(name: str, version: str) -> dict[str, bytes]:
    """Return the metadata of an installed npm package."""
    body = msgspec.json.encode({"name": name, "version": version, "license": "MIT"})
    return {f"app/node_modules/{name}/package.json": body}


def jar_files(group: str, artifact: str, version: str) -> dict[str, bytes]:
    """Return a jar that names its Maven coordinates."""
    properties = f"groupId={group}\nartifactId={artifact}\nversion={version}\n"
    path = f"META-INF/maven/{group}/{artifact}/pom.properties"
    return {f"opt/{artifact}-{version}.jar": zip_archive({path: properties.encode()})}


def zip_archive(members: Files) -> bytes:
    """Return a ZIP archive of `members`, with fixed times."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path, content in members.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 11, 1, 0, 0, 0)), content)
    return body.getvalue()


def tar_layer(members: Files) -> bytes:
    """Return an uncompressed tar of `members`, with fixed times and owners; programs may run."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in members.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            entry.mode = 0o755 if content.startswith(_ELF) else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return body.getvalue()


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """One platform's manifest with its blobs."""

    manifest: bytes
    platform: Platform
    blobs: Mapping[Digest, bytes] = field(repr=False)

    @property
    def descriptor(self) -> Descriptor:
        """How an index names it."""
        return Descriptor(
            OCI_MANIFEST, digest_of(self.manifest), len(self.manifest), platform=self.platform
        )


def build_image(layers: Iterable[Files], architecture: str = "amd64") -> BuiltImage:
    """Return the image manifest and blobs of `layers`."""
    tars = [tar_layer(files) for files in layers]
    return pack_image([(digest_of(t), gzip.compress(t, mtime=0)) for t in tars], architecture)


def pack_image(layers: Sequence[tuple[Digest, bytes]], architecture: str = "amd64") -> BuiltImage:
    """Return the image of packed `layers`, each with the digest of what it unpacks to."""
    config = msgspec.json.encode(
        {
            "created": CREATED,
            "architecture": architecture,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff_id for diff_id, _ in layers]},
            "history": [{"created": CREATED, "created_by": "tidegate demo"} for _ in layers],
        }
    )
    manifest = render_manifest(
        Manifest(
            config=Descriptor(OCI_CONFIG, digest_of(config), len(config)),
            layers=tuple(Descriptor(LAYER, digest_of(blob), len(blob)) for _, blob in layers),
        )
    )
    blobs = {digest_of(blob): blob for blob in (config, *(blob for _, blob in layers))}
    return BuiltImage(manifest, Platform(architecture, "linux"), blobs)


def _demo(tag: str, layers: Sequence[Files], worst: Severity | None) -> DemoImage:
    image = build_image(layers)
    return DemoImage("demo/app", tag, ((image.manifest, OCI_MANIFEST),), image.blobs, worst)


def _multi_arch(amd64: Sequence[Files], arm64: Sequence[Files]) -> DemoImage:
    images = [build_image(amd64), build_image(arm64, "arm64")]
    provenance = build_image([{"provenance.json": b"{}"}])
    attestation = Descriptor(
        OCI_MANIFEST,
        provenance.descriptor.digest,
        provenance.descriptor.size,
        platform=Platform("unknown", "unknown"),
        annotations={
            ATTESTATION_ANNOTATION: ATTESTATION_VALUE,
            "vnd.docker.reference.digest": images[0].descriptor.digest,
        },
    )
    index = render_manifest(
        Manifest(
            media_type=OCI_INDEX,
            manifests=(*(image.descriptor for image in images), attestation),
        )
    )
    every = (*images, provenance)
    return DemoImage(
        "demo/app",
        "multi-arch",
        (*((image.manifest, OCI_MANIFEST) for image in every), (index, OCI_INDEX)),
        {digest: blob for image in every for digest, blob in image.blobs.items()},
        Severity.HIGH,
    )
