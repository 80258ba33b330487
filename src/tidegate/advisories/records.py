"""OSV records, one after the other, from a file, a folder or a ZIP archive, each within bounds.

An entry past a bound of its own is yielded with the reason; past a bound of the whole, reading
ends. Memory holds one record and the archive's directory, whatever the archive claims.
"""

import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zlib import error as zlib_error

from tidegate.advisories.osv import MAX_RECORD_BYTES
from tidegate.domain.errors import InvalidAdvisoryError, LimitExceededError


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """Bounds of one import; past one of them nothing is imported."""

    max_record_bytes: int = MAX_RECORD_BYTES
    """One record; a larger one is rejected by name, the others are read."""
    max_entries: int = 1_000_000
    """Records of one source; OSV's largest dump (npm) has some hundred thousand."""
    max_directory_bytes: int = 128 * 2**20
    """An archive's directory, which is held in memory; a million entries take some 80 MiB."""
    max_total_bytes: int = 16 * 2**30
    """All records unpacked."""
    max_ratio: int = 200
    """Unpacked to packed size of one entry above 1 MiB; JSON packs about 10 to 1."""
    max_download_bytes: int = 4 * 2**30
    """What is read from an address."""
    read_timeout_s: float = 60.0
    """Silence of a server that ends a download."""
    max_named_rejections: int = 1000
    """Rejected records kept by name; all are counted."""


DEFAULT_LIMITS = ImportLimits()


@dataclass(frozen=True, slots=True)
class RecordFile:
    """One entry of a source: its bytes, or why they cannot be had."""

    name: str
    body: bytes = b""
    refused: str = ""

    @property
    def stem(self) -> str:
        """The id that the entry's name gives: dumps name a record's file after its id."""
        return self.name.rpartition("/")[2].removesuffix(".json")


class _RefusedEntryError(Exception):
    """One entry that cannot be read; the message says why."""


_Entry = tuple[str, Callable[[], bytes]]


@contextmanager
def open_records(
    path: Path, source: str, limits: ImportLimits
) -> Iterator[tuple[int, Iterator[RecordFile]]]:
    """Give the number of entries in `path`, called `source` in messages, and the entries.

    Raises:
        InvalidAdvisoryError: nothing there, or nothing that could be a record.
        LimitExceededError: more than `limits` allow.
    """
    try:
        if path.is_dir():
            files = sorted(p for p in path.rglob("*.json") if p.is_file() and not p.is_symlink())
            found = ((str(p.relative_to(path)), _reader(p, limits)) for p in files)
            yield _counted(len(files), source, limits), _read(found, limits)
        elif zipfile.is_zipfile(path):
            _require_small_directory(path, source, limits)
            with zipfile.ZipFile(path) as archive:
                members = [
                    i for i in archive.infolist() if i.filename.endswith(".json") and not i.is_dir()
                ]
                packed = ((i.filename, _unpacker(archive, i, limits)) for i in members)
                yield _counted(len(members), source, limits), _read(packed, limits)
        elif path.is_file():
            yield 1, _read(iter([(path.name, _reader(path, limits))]), limits)
        else:
            raise InvalidAdvisoryError(
                f"{source}: no such file or folder; want an OSV record (.json), a folder or ZIP "
                "archive of them, or an https address"
            )
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidAdvisoryError(f"{source}: cannot be read: {error}") from error


def _counted(count: int, source: str, limits: ImportLimits) -> int:
    if not count:
        raise InvalidAdvisoryError(
            f"{source}: no file named *.json in it; want OSV records, one a file"
        )
    if count > limits.max_entries:
        raise LimitExceededError(
            f"{count} records; want at most {limits.max_entries}; nothing was imported"
        )
    return count


def _read(entries: Iterator[_Entry], limits: ImportLimits) -> Iterator[RecordFile]:
    total = 0
    for name, read in entries:
        try:
            body = read()
        except _RefusedEntryError as error:
            yield RecordFile(name, refused=str(error))
            continue
        total += len(body)
        if total > limits.max_total_bytes:
            raise LimitExceededError(
                f"records of more than {limits.max_total_bytes} bytes in all; nothing was imported"
            )
        yield RecordFile(name, body)


def _reader(path: Path, limits: ImportLimits) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with path.open("rb") as file:
                return _capped(file.read(limits.max_record_bytes + 1), limits)
        except OSError as error:
            raise _RefusedEntryError(f"cannot be read: {error.strerror}") from error

    return read


def _unpacker(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: ImportLimits
) -> Callable[[], bytes]:
    def read() -> bytes:
        # The directory's sizes are claims: they refuse early, the read itself is capped as well.
        if info.file_size > 2**20 and info.file_size > limits.max_ratio * max(
            info.compress_size, 1
        ):
            raise _RefusedEntryError(
                f"unpacks {info.compress_size} to {info.file_size} bytes; want at most "
                f"{limits.max_ratio} to 1"
            )
        try:
            with archive.open(info) as file:
                return _capped(file.read(limits.max_record_bytes + 1), limits)
        except (
            zipfile.BadZipFile,
            zlib_error,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise _RefusedEntryError(f"cannot be unpacked: {error}") from error

    return read


def _capped(body: bytes, limits: ImportLimits) -> bytes:
    if len(body) > limits.max_record_bytes:
        raise _RefusedEntryError(f"larger than {limits.max_record_bytes} bytes")
    return body


_END = struct.Struct("<4s4H2LH")
_END_64_AT = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")


def _require_small_directory(path: Path, source: str, limits: ImportLimits) -> None:
    """Refuse an archive whose directory is too large to hold, before anything holds it.

    Source: PKWARE's APPNOTE.TXT, 4.3.14 to 4.3.16. Of the two sizes stated the larger counts.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        tail_at = max(size - _END.size - 2**16, 0)
        file.seek(tail_at)
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < _END.size:
            raise InvalidAdvisoryError(f"{source}: cannot be read: no end of the ZIP directory")
        stated = _END.unpack_from(tail, at)[5]
        claims = [0 if stated == 0xFFFFFFFF else stated, _size_64(file, tail_at + at)]
    if max(claims) > limits.max_directory_bytes:
        raise LimitExceededError(
            f"{source}: a ZIP directory of {max(claims)} bytes; want at most "
            f"{limits.max_directory_bytes}; nothing was imported"
        )


def _size_64(file: BinaryIO, end_at: int) -> int:
    """Return the directory's size by the ZIP64 record before `end_at`; 0 where there is none.

    Looked for where `zipfile` looks for it, which takes no notice of the place that is stated.
    """
    at = end_at - _END_64_AT.size - _END_64.size
    if at < 0:
        return 0
    file.seek(at)
    record = file.read(_END_64.size)
    locator = file.read(_END_64_AT.size)
    if not locator.startswith(b"PK\x06\x07") or not record.startswith(b"PK\x06\x06"):
        return 0
    return int(_END_64.unpack(record)[8])
