"""Write a snapshot: the one before and the batches since, merged in one pass.

Whoever calls has verified both. Memory holds the rows of the batches, the index, and each string
and finding once; records go to a file as they are made.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from tidegate.domain.digest import Digest
from tidegate.feed.layout import (
    FORMAT,
    HEADER_BYTES,
    KEYED,
    LISTED,
    MAGIC,
    PREFIX,
    UNIT,
    key_of,
)
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.tables import (
    Findings,
    KeyedRecords,
    Strings,
    render_platforms,
    render_rows,
)
from tidegate.wire.feed_rows import FeedRow, newest_rows, value_of
from tidegate.wire.feed_v1 import BatchV1, ImageV1, SnapshotV1

COPY_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Body:
    """A snapshot's file as its header names it."""

    sha256: str
    size: int
    subjects: int
    images: int

    def header(self, last: BatchV1, digest: Digest, issued_at: str) -> SnapshotV1:
        """Return the header of this body, which holds everything up to the batch `last`.

        `digest` is that batch's payload's, `issued_at` RFC 3339.
        """
        return SnapshotV1(
            audience=last.audience,
            chain=last.chain,
            chain_started_at=last.chain_started_at,
            epoch=last.epoch,
            previous=digest,
            issued_at=issued_at,
            sha256=self.sha256,
            size=self.size,
            subjects=self.subjects,
        )


def compact(
    previous: Snapshot | None,
    batches: Iterable[BatchV1],
    target: Path,
    *,
    forget_before: datetime,
) -> Body:
    """Write what `previous` and `batches` say together to the file `target`, newest rows only.

    A withdrawal is kept, so that a late and older row stays withdrawn, until it is from before
    `forget_before`.

    Raises:
        LimitExceededError: more than a snapshot can hold.
        MalformedFeedError: `previous` contradicts itself.
        OSError: the disk; `target` is not there then, or as it was.
    """
    rows: dict[Digest, list[FeedRow]] = {}
    images: dict[Digest, ImageV1] = {}
    for batch in batches:
        for row in batch.rows:
            rows.setdefault(Digest(row.subject), []).append(value_of(row))
        for image in batch.images:
            images[Digest(image.image)] = image
    with ExitStack() as stack:
        spare = [stack.enter_context(TemporaryFile(dir=target.parent)) for _ in range(2)]
        writer = _Writer(*spare)
        for subject, of_subject in _merged_rows(previous, rows):
            writer.add_rows(subject, of_subject, forget_before)
        for image in _merged_images(previous, images):
            writer.add_image(image)
        return writer.write(target)


class _Writer:
    def __init__(self, subjects: BinaryIO, images: BinaryIO) -> None:
        self._strings = Strings()
        self._findings = Findings(self._strings)
        self._files = subjects, images
        self._subjects = KeyedRecords(subjects)
        self._images = KeyedRecords(images)

    def add_rows(self, subject: Digest, rows: Iterable[FeedRow], forget_before: datetime) -> None:
        kept = [
            row
            for row in newest_rows(rows)
            if not (row.withdrawn and row.scanned_at < forget_before)
        ]
        if kept:
            body = render_rows(kept, self._strings, self._findings)
            self._subjects.add(subject, len(kept), body)

    def add_image(self, image: ImageV1) -> None:
        body = render_platforms(image, self._strings)
        self._images.add(Digest(image.image), len(image.platforms), body)

    def write(self, target: Path) -> Body:
        """Write everything to `target` and return what it is."""
        partial = target.with_name(f".{target.name}.partial")
        try:
            with partial.open("wb") as file:
                partial.chmod(0o600)
                sha256, size = self._write_parts(_Hashed(file))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return Body(sha256, size, self._subjects.count, self._images.count)

    def _write_parts(self, out: "_Hashed") -> tuple[str, int]:
        findings, strings = self._findings.parts(), self._strings.parts()
        place = HEADER_BYTES
        header = PREFIX.pack(MAGIC, FORMAT, 0)
        indexes = []
        for table in (self._subjects, self._images):
            index = table.index()
            keys = place + len(index) - 36 * table.count
            places = keys + 32 * table.count
            records, end = place + len(index), place + len(index) + table.size
            header += KEYED.pack(table.count, place, keys, places, records, end)
            indexes.append(index)
            place = end
        for count, places_of, entries in (findings, strings):
            begin = place + len(places_of)
            header += LISTED.pack(count, place, begin, begin + len(entries))
            place = begin + _padded(len(entries))
        out.write(header)
        for index, records_file in zip(indexes, self._files, strict=True):
            out.write(index)
            records_file.seek(0)
            shutil.copyfileobj(records_file, out, COPY_BYTES)
        for _, places_of, entries in (findings, strings):
            out.write(places_of)
            out.write(entries)
            out.write(bytes(_padded(len(entries)) - len(entries)))
        return out.hexdigest(), out.size


class _Hashed:
    """A file that is hashed as it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, body: bytes) -> int:
        self._hash.update(body)
        self.size += len(body)
        return self._file.write(body)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _padded(size: int) -> int:
    return -(-size // UNIT) * UNIT


def _merged_rows(
    previous: Snapshot | None, rows: dict[Digest, list[FeedRow]]
) -> Iterator[tuple[Digest, list[FeedRow]]]:
    """Yield each subject with all its rows, by its key."""
    waiting = sorted(rows, key=key_of, reverse=True)
    for number, key in enumerate(() if previous is None else previous.keys()):
        while waiting and key_of(waiting[-1]) < key:
            subject = waiting.pop()
            yield subject, rows[subject]
        assert previous is not None  # noqa: S101 - it has keys
        known = list(previous.rows_at(number))
        if known:
            subject = known[0].subject
            if waiting and waiting[-1] == subject:
                known += rows[waiting.pop()]
            yield subject, known
    while waiting:
        subject = waiting.pop()
        yield subject, rows[subject]


def _merged_images(previous: Snapshot | None, images: dict[Digest, ImageV1]) -> Iterator[ImageV1]:
    """Yield each image once, by its key."""
    waiting = sorted(images, key=key_of, reverse=True)
    for number, key in enumerate(() if previous is None else previous.image_keys()):
        while waiting and key_of(waiting[-1]) < key:
            yield images[waiting.pop()]
        if waiting and key_of(waiting[-1]) == key:
            waiting.pop()  # what an index lists never changes
        assert previous is not None  # noqa: S101 - it has keys
        yield previous.image_at(number)
    while waiting:
        yield images[waiting.pop()]
