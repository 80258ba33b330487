"""Write a snapshot: the one before and the batches since, merged in one pass.

Whoever calls has verified both. Memory holds the index, and each string and finding once; rows and
records go through files, so that batches may come one after the other.
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
from tidegate.feed.deltas import Deltas, encode_batch
from tidegate.feed.layout import (
    FORMAT,
    HEADER_BYTES,
    KEYED,
    LISTED,
    MAGIC,
    PREFIX,
    UNIT,
)
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.tables import (
    Findings,
    KeyedRecords,
    Strings,
    render_platforms,
    render_rows,
)
from tidegate.wire.feed_rows import FeedRow, newest_rows
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
    with ExitStack() as stack:
        news = Deltas(target.parent)
        stack.callback(news.close)
        for number, batch in enumerate(batches):
            news.add(number, encode_batch(batch))
        spare = [stack.enter_context(TemporaryFile(dir=target.parent)) for _ in range(2)]
        writer = _Writer(*spare)
        for rows in _merged_rows(previous, news):
            writer.add_rows(rows, forget_before)
        for image in _merged_images(previous, news):
            writer.add_image(image)
        return writer.write(target)


class _Writer:
    def __init__(self, subjects: BinaryIO, images: BinaryIO) -> None:
        self._strings = Strings()
        self._findings = Findings(self._strings)
        self._files = subjects, images
        self._subjects = KeyedRecords(subjects)
        self._images = KeyedRecords(images)

    def add_rows(self, rows: Iterable[FeedRow], forget_before: datetime) -> None:
        kept = [
            row
            for row in newest_rows(rows)
            if not (row.withdrawn and row.scanned_at < forget_before)
        ]
        if kept:
            body = render_rows(kept, self._strings, self._findings)
            self._subjects.add(kept[0].subject, len(kept), body)

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


def _merged_rows(previous: Snapshot | None, news: Deltas) -> Iterator[list[FeedRow]]:
    """Yield all rows of each subject, by its key."""
    waiting = news.subject_keys()[::-1]
    for number, key in enumerate(() if previous is None else previous.keys()):
        while waiting and waiting[-1] < key:
            yield news.rows_at(waiting.pop())
        assert previous is not None  # noqa: S101 - it has keys
        known = list(previous.rows_at(number))
        if waiting and waiting[-1] == key:
            known += news.rows_at(waiting.pop())
        yield known
    while waiting:
        yield news.rows_at(waiting.pop())


def _merged_images(previous: Snapshot | None, news: Deltas) -> Iterator[ImageV1]:
    """Yield each image once, by its key."""
    waiting = news.image_keys()[::-1]
    for number, key in enumerate(() if previous is None else previous.image_keys()):
        while waiting and waiting[-1] < key:
            yield news.image_at(waiting.pop())
        if waiting and waiting[-1] == key:
            waiting.pop()  # what an index lists never changes
        assert previous is not None  # noqa: S101 - it has keys
        yield previous.image_at(number)
    while waiting:
        yield news.image_at(waiting.pop())
