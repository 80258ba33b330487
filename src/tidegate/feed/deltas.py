"""Rows and images of the batches since a snapshot: their bytes in a file, their places in memory.

The file has no name and goes with the process: what is in it was verified by this process, and at
the next start the batches are verified again. 100,000 rows of 4 KiB cost some 30 MiB of memory.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeVar

import msgspec

from tidegate.domain.digest import Digest
from tidegate.domain.errors import MalformedFeedError
from tidegate.feed.layout import key_of
from tidegate.wire.feed_rows import FeedRow, value_of
from tidegate.wire.feed_v1 import BatchV1, ImageV1, RowV1

MAX_DELTA_ROWS = 500_000
"""Rows held beside a snapshot; past it only a newer snapshot brings more."""

_LENGTH_BITS = 24
_OFFSET_BITS = 40
_LENGTH = (1 << _LENGTH_BITS) - 1
_OFFSET = (1 << _OFFSET_BITS) - 1

T = TypeVar("T")

Index = dict[bytes, tuple[int, ...]]
"""Key of a digest → its entries, each a batch's number, offset and length in one integer."""


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """A batch cut into what is looked up."""

    rows: tuple[tuple[bytes, bytes], ...]
    """Key of the subject, and the row."""
    images: tuple[tuple[bytes, bytes], ...]


def encode_batch(batch: BatchV1) -> EncodedBatch:
    """Return `batch` cut into what is looked up: the costly part, for another thread."""
    encode = _ENCODER.encode
    return EncodedBatch(
        tuple((key_of(Digest(row.subject)), encode(row)) for row in batch.rows),
        tuple((key_of(Digest(image.image)), encode(image)) for image in batch.images),
    )


class Deltas:
    """Rows and images of numbered batches."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - held open
        self._size = 0
        self._rows: Index = {}
        self._images: Index = {}
        self.count = 0
        """Rows held."""

    @property
    def subjects(self) -> int:
        """How many manifests there are rows of."""
        return len(self._rows)

    def add(self, number: int, batch: EncodedBatch) -> None:
        """Hold `batch` under `number`.

        Raises:
            OSError: the disk; nothing of the batch is held then.
        """
        body = b"".join(encoded for _, encoded in (*batch.rows, *batch.images))
        written = 0
        while written < len(body):
            written += os.pwrite(
                self._file.fileno(), memoryview(body)[written:], self._size + written
            )
        for index, entries in ((self._rows, batch.rows), (self._images, batch.images)):
            for key, encoded in entries:
                if index is self._images and key in index:
                    self._size += len(encoded)
                    continue  # what an index lists never changes
                entry = (number << _OFFSET_BITS | self._size) << _LENGTH_BITS | len(encoded)
                index[key] = (*index.get(key, ()), entry)
                self._size += len(encoded)
        self.count += len(batch.rows)

    def rows(self, subject: Digest) -> list[FeedRow]:
        """Return the rows about `subject` of all batches.

        Raises:
            OSError, MalformedFeedError: the disk gave something else than it was given.
        """
        key = key_of(subject)
        if key not in self._rows:
            return []
        return [row for row in self.rows_at(key) if row.subject == subject]

    def image(self, digest: Digest) -> ImageV1 | None:
        """Return what the index `digest` lists; None where no batch says.

        Raises:
            OSError, MalformedFeedError: the disk gave something else than it was given.
        """
        key = key_of(digest)
        image = self.image_at(key) if key in self._images else None
        return image if image is not None and image.image == digest else None

    def subject_keys(self) -> list[bytes]:
        """Return the keys of all subjects, sorted."""
        return sorted(self._rows)

    def image_keys(self) -> list[bytes]:
        """Return the keys of all images, sorted."""
        return sorted(self._images)

    def rows_at(self, key: bytes) -> list[FeedRow]:
        """Return the rows of a key.

        Raises:
            OSError, MalformedFeedError: the disk gave something else than it was given.
        """
        return [value_of(_decoded(_ROW, self._read(entry))) for entry in self._rows[key]]

    def image_at(self, key: bytes) -> ImageV1:
        """Return the image of a key.

        Raises:
            OSError, MalformedFeedError: the disk gave something else than it was given.
        """
        return _decoded(_IMAGE, self._read(self._images[key][0]))

    def after(self, number: int) -> "Deltas":
        """Return what batches with a higher number said, in a file of its own.

        Raises:
            OSError: the disk.
        """
        later = Deltas(self._folder)
        for index, target in ((self._rows, later._rows), (self._images, later._images)):
            for key, entries in index.items():
                kept = [entry for entry in entries if _number(entry) > number]
                if kept:
                    target[key] = tuple(later._take(entry, self._read(entry)) for entry in kept)
        later.count = sum(map(len, later._rows.values()))
        return later

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _take(self, entry: int, encoded: bytes) -> int:
        os.pwrite(self._file.fileno(), encoded, self._size)
        taken = (_number(entry) << _OFFSET_BITS | self._size) << _LENGTH_BITS | len(encoded)
        self._size += len(encoded)
        return taken

    def _read(self, entry: int) -> bytes:
        offset = entry >> _LENGTH_BITS & _OFFSET
        return os.pread(self._file.fileno(), entry & _LENGTH, offset)


def _number(entry: int) -> int:
    return entry >> (_LENGTH_BITS + _OFFSET_BITS)


def _decoded(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedFeedError(f"feed: a row is not as it was written: {error}") from error


_ENCODER = msgspec.json.Encoder()
_ROW = msgspec.json.Decoder(RowV1)
_IMAGE = msgspec.json.Decoder(ImageV1)
