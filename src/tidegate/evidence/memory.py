"""The newest report seen per subject, signer and scanner: what makes replay visible.

Whoever may push could delete today's report and put last month's back, correctly signed. So the
newest scan time and its artifact's digest are remembered across restarts; an older report never
counts after a newer one was seen, and the remembered artifact is read by digest, whatever else is
attached. A signer is its key's fingerprint: a name can be given to another key.

The file is append-only JSON lines, rewritten when most of it is history. A line lost in a crash
costs one image the protection until its report is read again; a line that cannot be read is
counted and skipped.
"""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from tidegate.domain.digest import Digest, parse_digest
from tidegate.domain.errors import InvalidDigestError

MAX_ROWS = 200_000
"""Reports remembered, about 400 bytes each on disk; past it those written longest ago go first."""

MIN_HISTORY_LINES = 1000
"""A file with fewer superseded lines than this is not worth rewriting."""

Key = tuple[str, str]
"""Fingerprint of the signer's key, and the scanner's name."""


class Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest report of one signer and scanner about one subject."""

    subject: Digest
    fingerprint: Annotated[str, Meta(min_length=1, max_length=128)]
    scanner: Annotated[str, Meta(min_length=1, max_length=256)]
    scanned_at: datetime
    artifacts: Annotated[tuple[Digest, ...], Meta(min_length=1)]
    """More than one only where several have the very same scan time."""


class ReportMemory:
    """Remembers reports, in a file or (without one) for as long as the process lives."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._rows: dict[Digest, dict[Key, Remembered]] = {}
        self._count = 0
        self._lines = 0
        self.corrupt_lines = 0
        """Lines of the file that could not be read."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._load(path)
            self._compact_if_due()

    def rows(self, subject: Digest) -> tuple[Remembered, ...]:
        """Return what is remembered about `subject`."""
        return tuple(self._rows.get(subject, {}).values())

    def all_rows(self) -> Iterable[Remembered]:
        """Return all that is remembered."""
        return [row for of_subject in self._rows.values() for row in of_subject.values()]

    def remember(self, rows: Iterable[Remembered]) -> None:
        """Keep those of `rows` that are newer than what is remembered.

        Raises:
            OSError: the file cannot be written; they are remembered in memory all the same.
        """
        kept = [row for row in rows if self._keep(row)]
        self._evict()
        if kept and self._path is not None:
            self._append(self._path, kept)
            self._compact_if_due()

    def _keep(self, row: Remembered) -> bool:
        of_subject = self._rows.setdefault(row.subject, {})
        key = (row.fingerprint, row.scanner)
        known = of_subject.get(key)
        newest = row if known is None else _newer(known, row)
        if newest == known:
            return False
        self._count += known is None
        of_subject[key] = newest
        self._rows[row.subject] = self._rows.pop(row.subject)  # now the one written last
        return True

    def _evict(self) -> None:
        while self._count > MAX_ROWS:
            oldest = next(iter(self._rows))
            self._count -= len(self._rows.pop(oldest))

    def _load(self, path: Path) -> None:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        with file:
            for line in filter(bytes.strip, file):
                self._lines += 1
                row = _parse(line)
                if row is None:
                    self.corrupt_lines += 1
                else:
                    self._keep(row)
        self._evict()

    def _append(self, path: Path, rows: list[Remembered]) -> None:
        # One write per call to a file opened for appending: lines of a crash are cut, not mixed.
        # It begins with a line end, because the crash before it may have left half a line.
        body = b"\n" + b"\n".join(map(_ENCODER.encode, rows)) + b"\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, body)
        finally:
            os.close(descriptor)
        self._lines += len(rows)

    def _compact_if_due(self) -> None:
        if self._path is None or self._lines - self._count < max(MIN_HISTORY_LINES, self._count):
            return
        partial = self._path.with_name(f".{self._path.name}.partial")
        with partial.open("wb") as file:
            for of_subject in self._rows.values():
                file.writelines(_ENCODER.encode(row) + b"\n" for row in of_subject.values())
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o600)
        partial.replace(self._path)
        self._lines = self._count


def _newer(known: Remembered, row: Remembered) -> Remembered:
    if row.scanned_at != known.scanned_at:
        return max(known, row, key=lambda each: each.scanned_at)
    artifacts = tuple(sorted({*known.artifacts, *row.artifacts}))
    return msgspec.structs.replace(known, artifacts=artifacts)


def _parse(line: bytes) -> Remembered | None:
    try:
        row = _DECODER.decode(line)
        for digest in (row.subject, *row.artifacts):
            parse_digest(digest)
    except (msgspec.MsgspecError, UnicodeDecodeError, InvalidDigestError):
        return None
    return row if row.scanned_at.tzinfo is not None else None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Remembered)
