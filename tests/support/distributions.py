"""Root file systems of Linux distributions, as small as a scanner recognises them.

Each has openssl's library at one version, from source package `openssl`. An rpm database is SQLite
with a header blob for each package (rpm.org, "RPM v4 header format").
"""

import sqlite3
import struct
import tempfile
from collections.abc import Mapping
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


def dpkg(package: str, version: str) -> dict[str, bytes]:
    status = (
        f"Package: {package}\nStatus: install ok installed\nMaintainer: a <a@example.org>\n"
        f"Architecture: amd64\nSource: openssl\nVersion: {version}\nDescription: a\n\n"
    )
    return {"var/lib/dpkg/status": status.encode()}


def apk(package: str, version: str) -> dict[str, bytes]:
    entry = (
        f"C:Q1pSfk5zZ0tRkVQJ0Jk3kqvtxfjVE=\nP:{package}\nV:{version}\nA:x86_64\nS:1\nI:1\nT:a\n"
        "U:a\nL:MIT\no:openssl\nm:a\nt:1\nc:a\n\n"
    )
    return {"lib/apk/db/installed": entry.encode()}


def rpm(package: str, version: str, release: str, *, module: str = "") -> dict[str, bytes]:
    header = {
        NAME: package,
        VERSION: version,
        RELEASE: release,
        EPOCH: 1,
        SIZE: 1,
        VENDOR: "a",
        LICENSE: "MIT",
        ARCH: "x86_64",
        SOURCE_RPM: f"openssl-{version}-{release}.src.rpm",
        **({MODULE: module} if module else {}),
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rpmdb.sqlite"
        connection = sqlite3.connect(file)
        connection.execute(
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
        )
        connection.execute("INSERT INTO Packages(blob) VALUES (?)", (rpm_header(header),))
        connection.commit()
        connection.close()
        return {"var/lib/rpm/rpmdb.sqlite": file.read_bytes()}


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


def system(identifier: str, version: str, **files: str) -> dict[str, str]:
    """Return `os-release` and the distribution's own files, by name in /etc."""
    text = f'NAME="{identifier}"\nID="{identifier}"\nVERSION_ID="{version}"\n'
    own = {f"etc/{name}": content for name, content in files.items()}
    return {"etc/os-release": text, "usr/lib/os-release": text, **own}
