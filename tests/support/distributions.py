"""Root file systems of Linux distributions, as small as a scanner recognises them.

An rpm database is SQLite with a header blob for each package (rpm.org, "RPM v4 header format").
"""

import sqlite3
import struct
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

NAME, VERSION, RELEASE, EPOCH, SIZE = 1000, 1001, 1002, 1003, 1009
VENDOR, LICENSE, ARCH, SOURCE_RPM, MODULE = 1011, 1014, 1022, 1044, 5096
_INT32, _STRING = 4, 6


@dataclass(frozen=True)
class Distribution:
    """One release, and what is in it."""

    release: Mapping[str, str]
    """Files that say which distribution this is."""
    packages: Mapping[str, bytes]
    """Files of the package manager."""

    @property
    def files(self) -> dict[str, bytes]:
        return {**{path: text.encode() for path, text in self.release.items()}, **self.packages}


@dataclass(frozen=True)
class Installed:
    """A package as a distribution's own package manager has it."""

    name: str
    version: str
    source: str = ""
    """Name of the source package; empty: the same."""
    module: str = ""
    """Label of the module that an rpm was built for."""
    vendor: str = "a"
    """Who built an rpm: scanners pass over those of other vendors than the distribution's."""

    @property
    def from_source(self) -> str:
        return self.source or self.name


def dpkg(package: str, version: str) -> dict[str, bytes]:
    return dpkg_files([Installed(package, version, "openssl")])


def apk(package: str, version: str) -> dict[str, bytes]:
    return apk_files([Installed(package, version, "openssl")])


def rpm(package: str, version: str, release: str, *, module: str = "") -> dict[str, bytes]:
    return rpm_files([Installed(package, f"1:{version}-{release}", "openssl", module)])


def dpkg_files(packages: Iterable[Installed]) -> dict[str, bytes]:
    """Return dpkg's list of what is installed."""
    entries = (
        f"Package: {each.name}\nStatus: install ok installed\nMaintainer: a <a@example.org>\n"
        f"Architecture: amd64\nSource: {each.from_source}\nVersion: {each.version}\nDescription: a\n\n"
        for each in packages
    )
    return {"var/lib/dpkg/status": "".join(entries).encode()}


def apk_files(packages: Iterable[Installed]) -> dict[str, bytes]:
    """Return apk's list of what is installed."""
    entries = (
        f"C:Q1pSfk5zZ0tRkVQJ0Jk3kqvtxfjVE=\nP:{each.name}\nV:{each.version}\nA:x86_64\nS:1\nI:1\n"
        f"T:a\nU:a\nL:MIT\no:{each.from_source}\nm:a\nt:1\nc:a\n\n"
        for each in packages
    )
    return {"lib/apk/db/installed": "".join(entries).encode()}


def rpm_files(packages: Iterable[Installed]) -> dict[str, bytes]:
    """Return rpm's database of what is installed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rpmdb.sqlite"
        connection = sqlite3.connect(file)
        connection.execute(
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
        )
        blobs = [(rpm_header(_tags(each)),) for each in packages]
        connection.executemany("INSERT INTO Packages(blob) VALUES (?)", blobs)
        connection.commit()
        connection.close()
        return {"var/lib/rpm/rpmdb.sqlite": file.read_bytes()}


def _tags(package: Installed) -> dict[int, str | int]:
    epoch, _, rest = package.version.rpartition(":")
    version, _, release = rest.partition("-")
    return {
        NAME: package.name,
        VERSION: version,
        RELEASE: release,
        **({EPOCH: int(epoch)} if epoch else {}),
        SIZE: 1,
        VENDOR: package.vendor,
        LICENSE: "MIT",
        ARCH: "x86_64",
        SOURCE_RPM: f"{package.from_source}-{version}-{release}.src.rpm",
        **({MODULE: package.module} if package.module else {}),
    }


def rpm_header(tags: Mapping[int, str | int]) -> bytes:
    """Return a header: an index entry of tag, type, offset and count for each tag, then the data."""
    entries, data = b"", b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, int):
            data += b"\0" * (-len(data) % 4)
            entries += struct.pack(">4I", tag, _INT32, len(data), 1)
            data += struct.pack(">I", value)
        else:
            entries += struct.pack(">4I", tag, _STRING, len(data), 1)
            data += value.encode() + b"\0"
    return struct.pack(">2I", len(tags), len(data)) + entries + data


def system(identifier: str, version: str, like: str = "", **files: str) -> dict[str, str]:
    """Return `os-release` and the distribution's own files, by name in /etc."""
    text = f'NAME="{identifier}"\nID="{identifier}"\nVERSION_ID="{version}"\n'
    text += f'ID_LIKE="{like}"\n' if like else ""
    own = {f"etc/{name}": content for name, content in files.items()}
    return {"etc/os-release": text, "usr/lib/os-release": text, **own}
