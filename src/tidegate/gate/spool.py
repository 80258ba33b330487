"""Admission events on disk until somebody has taken them: append-only, bounded, crash-safe.

Events lie as lines (`spool_rows`) in segment files of two lanes: `verdict` (audit and deny) and
`allow`. A full spool, or a full disk, gives up its oldest allows first, then what is new, and
counts both. A process that dies loses what was not yet written; a line that it left half written is
skipped at the next start. What was taken is remembered after the taker said so, so events come at
least once.

Not for several threads or processes at once; blocking, so the journal runs it in a thread.
"""

import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from tidegate.gate.spool_rows import (
    ROW,
    ReadRows,
    SharedEvent,
    WrittenRows,
    events_in,
    rest_of,
    size_of,
)

Lane = Literal["verdict", "allow"]
LANES: tuple[Lane, ...] = ("verdict", "allow")

MAX_SEGMENT_BYTES = 4 * 1024 * 1024
"""A segment is the unit that is deleted; small enough that a full spool gives up little."""

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Lines of one batch; the receivers accept 16 MiB."""

_WRITE_BYTES = 128 * 1024
"""Put together for the kernel at a time; larger pieces of memory are fresh from it each time."""

_STATE = "state.json"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines to hand over, oldest first, and where the spool goes on after them."""

    lines: tuple[bytes, ...]
    lane: Lane = "verdict"
    segment: int = 0
    next_offset: int = 0
    dropped: int = 0
    """Events given up since the last batch that was acknowledged."""


class _Cursor(msgspec.Struct):
    segment: int = 0
    offset: int = 0


class _State(msgspec.Struct):
    cursors: dict[str, _Cursor] = {}
    dropped: int = 0
    """Not yet told to anybody."""


class Spool:
    """The events of one gate in `folder`, at most `max_bytes` of them."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = max(1, min(MAX_SEGMENT_BYTES, max_bytes // 8))
        self._state = self._read_state()
        self._segments = {lane: self._found_segments(lane) for lane in LANES}
        # A new segment at each start: what the last process left half written stays behind it.
        self._current = {lane: self._next_number(lane) for lane in LANES}
        self._written = {lane: WrittenRows() for lane in LANES}
        self._known = {lane: ReadRows() for lane in LANES}

    @property
    def size_bytes(self) -> int:
        """Bytes of all segments, taken lines of the oldest ones included."""
        return sum(size for lane in LANES for size in self._segments[lane].values())

    @property
    def dropped(self) -> int:
        """Events given up and not yet told to anybody."""
        return self._state.dropped

    def append(self, events: Sequence[tuple[Lane, SharedEvent]]) -> int:
        """Write `events` and return how many were given up for them; durable on return."""
        kept: dict[Lane, list[SharedEvent]] = {lane: [] for lane in LANES}
        rows: dict[Lane, set[bytes]] = {lane: set() for lane in LANES}
        dropped = 0
        room = self._max_bytes - self.size_bytes
        for lane, event in events:
            needed = size_of(event, rows[lane])
            while needed > room and lane == "verdict" and (freed := self._drop_oldest_allows()):
                room += freed[0]
                dropped += freed[1]
            if needed > room:
                dropped += 1
                continue
            room -= needed
            kept[lane].append(event)
        for lane, chosen in kept.items():
            if chosen:
                dropped += self._write_with_room(lane, chosen)
        if dropped:
            self._state.dropped += dropped
            with suppress(OSError):  # it is told from memory, and written with what comes next
                self._write_state()
        return dropped

    def peek(self, max_events: int, first: Lane = "verdict") -> Batch | None:
        """Return the next lines that nobody has taken, those of lane `first` first; None: none."""
        for lane in sorted(LANES, key=lambda lane: lane != first):
            while (segment := self._oldest(lane)) is not None:
                batch = self._read(lane, segment, max_events)
                if batch is not None:
                    return batch
                self._remove(lane, segment)
        return None

    def acknowledge(self, batch: Batch) -> None:
        """Forget the lines of `batch`: they are somebody else's now."""
        self._state.cursors[batch.lane] = _Cursor(batch.segment, batch.next_offset)
        self._state.dropped = max(0, self._state.dropped - batch.dropped)
        size = self._segments[batch.lane].get(batch.segment, 0)
        if batch.next_offset >= size:
            self._remove(batch.lane, batch.segment)
        self._write_state()

    def _write_with_room(self, lane: Lane, events: list[SharedEvent]) -> int:
        """Write `events` and return how many events a full disk made us give up.

        Verdicts get the room of the oldest allows.
        """
        given_up = 0
        while True:
            try:
                self._write(lane, events)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                if lane == "allow":
                    return given_up + len(events)
                freed = self._drop_oldest_allows()
                if freed is None:
                    raise
                given_up += freed[1]
            else:
                return given_up

    def _write(self, lane: Lane, events: list[SharedEvent]) -> None:
        segments = self._segments[lane]
        number = self._current[lane]
        if segments.get(number, 0) >= self._segment_bytes:
            number = self._current[lane] = self._next_number(lane)
        path = self._path(lane, number)
        if self._written[lane].segment != number:
            self._written[lane] = WrittenRows(number)
        lines = self._written[lane].lines_of(events)
        try:
            with path.open("ab", buffering=_WRITE_BYTES) as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            if number not in segments:
                self._sync_folder()
            segments[number] = segments.get(number, 0) + sum(map(len, lines))
        except OSError:  # a full disk may leave half a line: nothing goes on behind it
            with suppress(OSError):
                os.truncate(path, segments.get(number, 0))  # its room may be all that there is
            segments[number] = path.stat().st_size if path.exists() else 0
            self._current[lane] = number + 1
            raise

    def _sync_folder(self) -> None:
        """Make a new segment's name as durable as its lines."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self, lane: Lane, segment: int, max_events: int) -> Batch | None:
        """Return lines of `segment` that were not taken; None where it has none left."""
        cursor = self._state.cursors.get(lane, _Cursor())
        offset = cursor.offset if cursor.segment == segment else 0
        if self._known[lane].segment != segment:
            self._known[lane] = ReadRows(segment)
        rows = self._known[lane]
        lines: list[bytes] = []
        size, at = 0, min(offset, rows.end)
        with self._path(lane, segment).open("rb") as file:
            file.seek(at)
            while len(lines) < max_events and size < MAX_BATCH_BYTES:
                line = file.readline()
                if not line.endswith(b"\n"):
                    break
                if line.startswith(ROW):
                    rows.take(line, at)
                elif at >= offset:
                    lines.append(rows.whole(line[:-1]))
                    size += len(lines[-1])
                at += len(line)
        if not lines:
            return None
        return Batch(tuple(lines), lane, segment, at, self._state.dropped)

    def _drop_oldest_allows(self) -> tuple[int, int] | None:
        """Delete the oldest allow segment; return its bytes and events, None where there is none.

        Events of the current batch are not written yet, so none of them is deleted here.
        """
        segment = self._oldest("allow")
        if segment is None:
            return None
        cursor = self._state.cursors.get("allow", _Cursor())
        body = self._path("allow", segment).read_bytes()
        untaken = events_in(body, cursor.offset if cursor.segment == segment else 0)
        size = self._segments["allow"][segment]
        self._remove("allow", segment)
        return size, untaken

    def _oldest(self, lane: Lane) -> int | None:
        return min(self._segments[lane], default=None)

    def _next_number(self, lane: Lane) -> int:
        taken = self._state.cursors.get(lane, _Cursor()).segment
        return max([taken, *self._segments[lane]], default=0) + 1

    def _remove(self, lane: Lane, segment: int) -> None:
        self._path(lane, segment).unlink(missing_ok=True)
        self._segments[lane].pop(segment, None)
        if self._known[lane].segment == segment:
            self._known[lane] = ReadRows()
        if segment == self._current[lane]:
            self._current[lane] = segment + 1

    def _path(self, lane: Lane, segment: int) -> Path:
        return self._folder / f"{lane}-{segment:012d}.jsonl"

    def _found_segments(self, lane: Lane) -> dict[int, int]:
        found: dict[int, int] = {}
        for path in self._folder.glob(f"{lane}-*.jsonl"):
            number = path.stem.removeprefix(f"{lane}-")
            if number.isdecimal():
                found[int(number)] = path.stat().st_size
        return found

    def _read_state(self) -> _State:
        """Return what was taken so far; a state that cannot be read sends events twice."""
        try:
            return _STATE_DECODER.decode((self._folder / _STATE).read_bytes())
        except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
            return _State({})

    def _write_state(self) -> None:
        fresh = self._folder / f"{_STATE}.new"
        fresh.write_bytes(msgspec.json.encode(self._state))
        fresh.replace(self._folder / _STATE)


_STATE_DECODER = msgspec.json.Decoder(_State)


def adopt_spool(source: Path, target: Path) -> int:
    """Move the events in `source`, whose process is gone, to the spool in `target`.

    Neither may be in use. Return how many segments were moved. What was begun and not ended, as by
    a process that died, goes on at the next call: a segment is in one of the two at each instant.
    """
    if not source.is_dir():
        return 0
    old, new = Spool(source, 0), Spool(target, 0)
    moved = 0
    for lane in LANES:
        cursor = old._state.cursors.get(lane, _Cursor())  # noqa: SLF001 one of us
        for number in sorted(old._segments[lane]):  # noqa: SLF001
            path = old._path(lane, number)  # noqa: SLF001
            if number == cursor.segment and cursor.offset:
                # In this order: who dies between the two delivers twice, and loses nothing.
                del old._state.cursors[lane]  # noqa: SLF001
                old._write_state()  # noqa: SLF001
                rest = path.with_suffix(".rest")
                rest.write_bytes(rest_of(path.read_bytes(), cursor.offset))
                rest.replace(path)
            path.rename(new._path(lane, new._next_number(lane)))  # noqa: SLF001
            new._segments[lane] = new._found_segments(lane)  # noqa: SLF001
            moved += 1
    if old.dropped:
        new._state.dropped += old.dropped  # noqa: SLF001
        new._write_state()  # noqa: SLF001
    shutil.rmtree(source)
    return moved
