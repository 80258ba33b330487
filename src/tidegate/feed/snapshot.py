"""The body of a snapshot, memory-mapped: the rows of one digest, without reading the rest.

Opening compares size and SHA-256 with what the key signed, in one pass over the file that maps
nothing; a lookup then touches a few pages. Nothing in the file is believed to be consistent:
whatever points outside its table raises `MalformedFeedError`, never gives rows.
"""

import hashlib
import mmap
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Self

from tidegate.domain.digest import Digest
from tidegate.domain.errors import ContentMismatchError, MalformedFeedError
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import Finding, VexMark, VexStatus
from tidegate.domain.severity import Severity
from tidegate.feed.layout import (
    ECOSYSTEM,
    FINDING,
    FLAG_SHA512,
    FLAG_WITHDRAWN,
    FORMAT,
    HEADER_BYTES,
    KEY_BYTES,
    KEYED,
    LISTED,
    MAGIC,
    MARK,
    PLATFORM,
    PREFIX,
    RAW_BYTES,
    ROW,
    SHA256,
    SHA512,
    STATUSES,
    SUBJECT,
    UNIT,
    Keyed,
    Listed,
    digest_from,
    instant_from,
    key_of,
)
from tidegate.wire.feed_rows import FeedRow
from tidegate.wire.feed_v1 import ImageV1, PlatformV1, SnapshotV1

CHUNK_BYTES = 2**20
"""Read at a time while hashing: what is read this way is not mapped, so it counts as no memory."""

MAX_KNOWN_FINDINGS = 20_000
"""Findings kept as values, about 700 bytes each: images share most of theirs."""

MAX_KNOWN_STRINGS = 20_000


class Snapshot:
    """Rows and images of one key up to one batch."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self._data = data
        self.size = len(data)
        self._subjects, self._images, self._findings, self._strings = _tables(data)
        self._string: Callable[[int], str] = lru_cache(MAX_KNOWN_STRINGS)(self._read_string)
        self._finding: Callable[[int], Finding] = lru_cache(MAX_KNOWN_FINDINGS)(self._read_finding)

    @classmethod
    def open(cls, path: Path, header: SnapshotV1) -> Self:
        """Return the snapshot in the file `path`, whose `header` a trusted key signed.

        Raises:
            ContentMismatchError: another size or other bytes than the header says.
            MalformedFeedError: the bytes are no snapshot.
            OSError: the file cannot be read.
        """
        with path.open("rb") as file:
            _require_content(file.fileno(), header)
            snapshot = cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if snapshot.subjects != header.subjects:
            raise MalformedFeedError(
                f"snapshot has {snapshot.subjects} subjects; its header says {header.subjects}"
            )
        return snapshot

    @property
    def subjects(self) -> int:
        """How many manifests it has rows of."""
        return self._subjects.count

    @property
    def images(self) -> int:
        """How many indexes it knows."""
        return self._images.count

    @property
    def fanouts(self) -> tuple[int, int]:
        """Where in the file the fan-outs of subjects and of images begin."""
        return self._subjects.fanout, self._images.fanout

    def rows(self, subject: Digest) -> tuple[FeedRow, ...]:
        """Return the rows about `subject`, withdrawn ones too; none where it is not there.

        Raises:
            MalformedFeedError: the file contradicts itself.
        """
        place = self._place(self._subjects, key_of(subject))
        if place is None:
            return ()
        return self._rows(place, subject)

    def image(self, digest: Digest) -> ImageV1 | None:
        """Return what the index `digest` lists; None where it is not there.

        Raises:
            MalformedFeedError: the file contradicts itself.
        """
        place = self._place(self._images, key_of(digest))
        if place is None:
            return None
        return self._image(place, digest)

    def keys(self) -> Iterator[bytes]:
        """Yield the keys of all subjects, sorted."""
        yield from _keys(self._data, self._subjects)

    def image_keys(self) -> Iterator[bytes]:
        """Yield the keys of all images, sorted."""
        yield from _keys(self._data, self._images)

    def rows_at(self, number: int) -> tuple[FeedRow, ...]:
        """Return the rows of the subject with the `number`th key."""
        place = self._numbered(self._subjects, number)
        return self._rows(place, self._digest_at(self._subjects, number, place))

    def image_at(self, number: int) -> ImageV1:
        """Return the image with the `number`th key."""
        place = self._numbered(self._images, number)
        return self._image(place, self._digest_at(self._images, number, place))

    def _place(self, table: Keyed, key: bytes) -> int | None:
        bucket = table.fanout + 4 * int.from_bytes(key[:2], "big")
        low, high = struct.unpack_from("<II", self._data, bucket)
        if not low <= high <= table.count:
            raise MalformedFeedError(f"snapshot: bucket from {low} to {high} of {table.count} keys")
        at = table.keys + KEY_BYTES * low
        keys = self._data[at : table.keys + KEY_BYTES * high]
        found = keys.find(key)
        while found % KEY_BYTES:  # -1 too: found inside two keys, or not at all
            if found == -1:
                return None
            found = keys.find(key, found + 1)
        return self._numbered(table, low + found // KEY_BYTES)

    def _numbered(self, table: Keyed, number: int) -> int:
        (units,) = struct.unpack_from("<I", self._data, table.places + 4 * number)
        return table.records + UNIT * int(units)

    def _digest_at(self, table: Keyed, number: int, place: int) -> Digest:
        """Return the digest of a numbered key."""
        reader = _Reader(self._data, place, table.end)
        algorithm, _, _ = reader.take(SUBJECT)
        if algorithm == SHA256:
            at = table.keys + KEY_BYTES * number
            return digest_from(SHA256, self._data[at : at + KEY_BYTES])
        return digest_from(SHA512, reader.raw(SHA512))

    def _rows(self, place: int, subject: Digest) -> tuple[FeedRow, ...]:
        reader = _Reader(self._data, place, self._subjects.end)
        count = _opened(reader, subject)
        return tuple(self._row(reader, subject) for _ in range(count))

    def _row(self, reader: "_Reader", subject: Digest) -> FeedRow:
        micros, scanner, flags, ecosystems, sentences, findings = reader.take(ROW)
        scanned_at = instant_from(micros)
        if scanned_at is None:
            raise MalformedFeedError("snapshot: a row without a scan time")
        withdrawn = bool(flags & FLAG_WITHDRAWN)
        algorithm = SHA512 if flags & FLAG_SHA512 else SHA256
        artifact = None if withdrawn else digest_from(algorithm, reader.raw(algorithm))
        covered = tuple(self._ecosystem(reader) for _ in range(ecosystems))
        not_understood = tuple(map(self._string, reader.numbers(sentences)))
        return FeedRow(
            subject=subject,
            scanner=self._string(scanner),
            scanned_at=scanned_at,
            artifact=artifact,
            coverage=Coverage(covered, not_understood),
            findings=tuple(map(self._finding, reader.numbers(findings))),
            withdrawn=withdrawn,
        )

    def _ecosystem(self, reader: "_Reader") -> EcosystemCoverage:
        name, packages, source, updated = reader.take(ECOSYSTEM)
        return EcosystemCoverage(
            self._string(name), packages, self._string(source), instant_from(updated)
        )

    def _image(self, place: int, digest: Digest) -> ImageV1:
        reader = _Reader(self._data, place, self._images.end)
        count = _opened(reader, digest)
        platforms = []
        for _ in range(count):
            name, algorithm = reader.take(PLATFORM)
            platforms.append(
                PlatformV1(
                    platform=self._string(name),
                    digest=digest_from(algorithm, reader.raw(algorithm)),
                )
            )
        return ImageV1(image=digest, platforms=tuple(platforms))

    def _read_finding(self, number: int) -> Finding:
        table = self._findings
        begin, end = _entry(self._data, table, number)
        reader = _Reader(
            self._data, table.entries + UNIT * begin, min(table.entries + UNIT * end, table.end)
        )
        name, package, version, fixed, severity, marks, aliases = reader.take(FINDING)
        if severity not in _SEVERITIES:
            raise MalformedFeedError(f"snapshot: {severity} is no severity")
        others = frozenset(map(self._string, reader.numbers(aliases)))
        return Finding(
            vulnerability_id=self._string(name),
            severity=Severity(severity),
            package=self._string(package),
            version=self._string(version),
            fixed_version=self._string(fixed),
            aliases=others,
            not_affected=tuple(self._mark(reader) for _ in range(marks)),
        )

    def _mark(self, reader: "_Reader") -> VexMark:
        justification, author, source, detail, said_at, status = reader.take(MARK)
        if status >= len(STATUSES):
            raise MalformedFeedError(f"snapshot: {status} is no VEX status")
        return VexMark(
            status=VexStatus(STATUSES[status]),
            justification=self._string(justification),
            author=self._string(author),
            source=self._string(source),
            said_at=instant_from(said_at),
            detail=self._string(detail),
        )

    def _read_string(self, number: int) -> str:
        table = self._strings
        begin, end = _entry(self._data, table, number)
        if not begin <= end <= table.end - table.entries:
            raise MalformedFeedError(f"snapshot: string {number} lies from {begin} to {end}")
        try:
            return self._data[table.entries + begin : table.entries + end].decode()
        except UnicodeDecodeError as error:
            raise MalformedFeedError(f"snapshot: string {number} is no UTF-8") from error


class _Reader:
    """Takes values one after the other, never past the end of their table."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: mmap.mmap | bytes, at: int, end: int) -> None:
        self._data = data
        self._at = at
        self._end = end

    def take(self, kind: struct.Struct) -> tuple[int, ...]:
        return kind.unpack_from(self._data, self._advance(kind.size))

    def raw(self, algorithm: int) -> bytes:
        """Return the bytes of a digest."""
        if algorithm not in RAW_BYTES:
            raise MalformedFeedError(f"snapshot: {algorithm} is no digest algorithm")
        size = RAW_BYTES[algorithm]
        at = self._advance(size)
        return self._data[at : at + size]

    def numbers(self, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}I", self._data, self._advance(4 * count))

    def _advance(self, size: int) -> int:
        at = self._at
        if at + size > self._end:
            raise MalformedFeedError(f"snapshot: {size} bytes at {at} end behind {self._end}")
        self._at = at + size
        return at


_SEVERITIES = frozenset(map(int, Severity))


def _tables(data: mmap.mmap | bytes) -> tuple[Keyed, Keyed, Listed, Listed]:
    if len(data) < HEADER_BYTES:
        raise MalformedFeedError(f"snapshot of {len(data)} bytes; want at least {HEADER_BYTES}")
    magic, version, _ = PREFIX.unpack_from(data)
    if (magic, version) != (MAGIC, FORMAT):
        raise MalformedFeedError(f"snapshot begins with {magic!r}, format {version}; want {FORMAT}")
    at = PREFIX.size
    subjects = Keyed(*KEYED.unpack_from(data, at))
    images = Keyed(*KEYED.unpack_from(data, at + KEYED.size))
    at += 2 * KEYED.size
    findings = Listed(*LISTED.unpack_from(data, at))
    strings = Listed(*LISTED.unpack_from(data, at + LISTED.size))
    for table in (subjects, images, findings, strings):
        table.require_inside(len(data))
    return subjects, images, findings, strings


def _opened(reader: _Reader, digest: Digest) -> int:
    """Return the number of what follows in the record of `digest`."""
    algorithm, _, count = reader.take(SUBJECT)
    same = (
        digest.startswith("sha256:")  # found by itself
        if algorithm == SHA256
        else digest_from(SHA512, reader.raw(algorithm)) == digest
    )
    if not same:
        raise MalformedFeedError(f"snapshot: the record of {digest} is about another digest")
    return count


def _entry(data: mmap.mmap | bytes, table: Listed, number: int) -> tuple[int, int]:
    """Return where a numbered entry begins and ends, as the table has it."""
    if number >= table.count:
        raise MalformedFeedError(f"snapshot: entry {number} of {table.count}")
    begin, end = struct.unpack_from("<II", data, table.places + 4 * number)
    return begin, end


def _keys(data: mmap.mmap | bytes, table: Keyed) -> Iterator[bytes]:
    for at in range(table.keys, table.places, KEY_BYTES):
        yield data[at : at + KEY_BYTES]


def _require_content(descriptor: int, header: SnapshotV1) -> None:
    hashed, size = hashlib.sha256(), 0
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        while chunk := file.read(CHUNK_BYTES):
            hashed.update(chunk)
            size += len(chunk)
    if (size, hashed.hexdigest()) != (header.size, header.sha256):
        raise ContentMismatchError(
            f"snapshot of {size} bytes with sha256 {hashed.hexdigest()}; want {header.size} bytes "
            f"with sha256 {header.sha256}"
        )
