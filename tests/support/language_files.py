"""What languages' package managers and compilers leave in an image, as scanners read it."""

import json
import struct
import zlib
from collections.abc import Iterable, Sequence

from tidegate.local.images import zip_archive

Version = tuple[str, str]
"""A package's name and version."""

_GO_MAGIC = b"\xff Go buildinf:"
_GO_SENTINELS = (
    bytes.fromhex("3077af0c9274080241e1c107e6d618e6"),
    bytes.fromhex("f932433186182072008242104116d8f2"),
)
"""Around the list of modules (Go, cmd/go/internal/modload, `infoStart` and `infoEnd`)."""


def go_binary(modules: Iterable[Version], go: str = "1.26.0") -> bytes:
    """Return a program that names its modules, and the Go that built it.

    In an ELF section `.go.buildinfo`, strings behind their lengths (Go, debug/buildinfo).
    """
    lines = ["path\texample.org/app\n", "mod\texample.org/app\t(devel)\t\n"]
    lines += [f"dep\t{name}\t{version}\th1:{'A' * 43}=\n" for name, version in modules]
    listed = _GO_SENTINELS[0] + "".join(lines).encode() + _GO_SENTINELS[1]
    head = (_GO_MAGIC + b"\x08\x02").ljust(32, b"\0")
    text = f"go{go}".encode()
    return elf(".go.buildinfo", head + _varint(len(text)) + text + _varint(len(listed)) + listed)


def rust_binary(crates: Sequence[Version]) -> bytes:
    """Return a program with the list that `cargo auditable` puts into it, in `.dep-v0`."""
    root = {"name": "app", "version": "0.0.1", "source": "local", "root": True}
    packages = [
        root,
        *({"name": name, "version": version, "source": "crates.io"} for name, version in crates),
    ]
    root["dependencies"] = list(range(1, len(packages)))
    return elf(".dep-v0", zlib.compress(json.dumps({"packages": packages}).encode()))


def elf(section: str, content: bytes) -> bytes:
    """Return a 64-bit program for x86 with one section (System V ABI, "Object Files")."""
    names = b"\0" + section.encode() + b"\0.shstrtab\0"
    start = 4096
    names_at = start + len(content)
    headers_at = (names_at + len(names) + 7) // 8 * 8
    address = 0x400000
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head = ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, address, 64, headers_at, 0, 64, 56, 1, 64, 3, 2
    )
    size = len(content)
    segment = struct.pack("<IIQQQQQQ", 1, 6, start, address, address, size, size, 4096)
    sections = (
        bytes(64)
        + struct.pack("<IIQQQQIIQQ", 1, 1, 3, address, start, size, 0, 0, 16, 0)
        + struct.pack("<IIQQQQIIQQ", len(section) + 2, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    )
    body = (head + segment).ljust(start, b"\0") + content + names
    return body.ljust(headers_at, b"\0") + sections


def gem_files(name: str, version: str) -> dict[str, bytes]:
    """Return an installed gem's specification."""
    text = (
        f'Gem::Specification.new do |s|\n  s.name = "{name}".freeze\n  s.version = "{version}"\n'
        '  s.licenses = ["MIT".freeze]\nend\n'
    )
    return {f"usr/lib/ruby/gems/3.2.0/specifications/{name}-{version}.gemspec": text.encode()}


def jar(group: str, artifact: str, version: str) -> dict[str, bytes]:
    """Return a jar with coordinates and manifest: without one, Syft and Grype pass it over."""
    named = f"groupId={group}\nartifactId={artifact}\nversion={version}\n"
    manifest = f"Manifest-Version: 1.0\nImplementation-Version: {version}\n"
    members = {
        "META-INF/MANIFEST.MF": manifest.encode(),
        f"META-INF/maven/{group}/{artifact}/pom.properties": named.encode(),
    }
    return {f"opt/{artifact}-{version}.jar": zip_archive(members)}


def composer_files(folder: str, packages: Iterable[Version]) -> dict[str, bytes]:
    """Return Composer's list of what is installed."""
    listed = [
        {"name": name, "version": version, "version_normalized": version, "type": "library"}
        for name, version in packages
    ]
    body = json.dumps({"packages": listed, "dev": False, "dev-package-names": []})
    return {f"{folder}/vendor/composer/installed.json": body.encode()}


def nuget_files(folder: str, packages: Iterable[Version]) -> dict[str, bytes]:
    """Return the list of libraries that .NET leaves beside a program."""
    known = [f"{name}/{version}" for name, version in packages]
    target = ".NETCoreApp,Version=v8.0"
    own = {"app/1.0.0": {"runtime": {"app.dll": {}}}}
    needed = {each: {"runtime": {f"lib/{each.split('/')[0]}.dll": {}}} for each in known}
    libraries = {each: {"type": "package", "serviceable": True, "sha512": ""} for each in known}
    body = {
        "runtimeTarget": {"name": target, "signature": ""},
        "compilationOptions": {},
        "targets": {target: {**own, **needed}},
        "libraries": {"app/1.0.0": {"type": "project", "serviceable": False}, **libraries},
    }
    return {f"{folder}/app.deps.json": json.dumps(body).encode()}


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])
