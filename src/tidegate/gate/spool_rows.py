"""Rows that many events share, once per segment of the spool.

Events of pods of one controller differ in a few names; their rows, one for each image, are the same
text and most of the event. A line of a segment is a row (`=` and its JSON; rows are numbered from
0), an event that names its rows (`[3,0,7]` and the event without them), or an event as it is. What
comes out is what was put in.
"""

from collections.abc import Iterable
from typing import NamedTuple

ROW = b"="
NUMBER_BYTES = 8
"""Of the number of a row, with its comma: a segment has fewer than ten million."""

_NAMES_ROWS = b"["
_WITHOUT_ROWS = b'"images":[]'


class SharedEvent(NamedTuple):
    """An event in two parts, or as it is."""

    line: bytes
    """JSON; with `rows`, its list `images` is empty."""
    rows: tuple[bytes, ...] = ()
    """JSON of each of the event's images."""


class WrittenRows:
    """Rows that the segment `segment`, which one process writes, has so far."""

    def __init__(self, segment: int = -1) -> None:
        self.segment = segment
        self._numbers: dict[bytes, int] = {}

    def lines_of(self, events: Iterable[SharedEvent]) -> list[bytes]:
        """Return the lines to be written for `events`; they count as written."""
        lines: list[bytes] = []
        for line, rows in events:
            if not rows:
                lines.append(line + b"\n")
                continue
            named = [str(self._number(row, lines)) for row in rows]
            lines.append(b"[%b]%b\n" % (",".join(named).encode(), line))
        return lines

    def _number(self, row: bytes, lines: list[bytes]) -> int:
        number = self._numbers.get(row)
        if number is None:
            number = self._numbers[row] = len(self._numbers)
            lines.append(b"%b%b\n" % (ROW, row))
        return number


class ReadRows:
    """Rows of the segment `segment` up to a place in it."""

    def __init__(self, segment: int = -1) -> None:
        self.segment = segment
        self.end = 0
        """Bytes of the segment, counted from its start, of which the rows are known."""
        self._rows: list[bytes] = []

    def take(self, line: bytes, at: int) -> None:
        """Take the row in `line`, which begins `at` bytes after the start of the segment."""
        if at >= self.end:
            self._rows.append(line[len(ROW) : -1])
            self.end = at + len(line)

    def whole(self, line: bytes) -> bytes:
        """Return the event of `line` with its rows; where these are not to be had, `line`."""
        if not line.startswith(_NAMES_ROWS):
            return line
        named, _, event = line[len(_NAMES_ROWS) :].partition(b"]")
        try:
            # A negative number would name a row from the end: int() takes a sign, rows have none.
            rows = [self._rows[int(number)] for number in named.split(b",") if number.isdigit()]
        except IndexError:
            return line
        if len(rows) != named.count(b",") + 1:
            return line
        return event.replace(_WITHOUT_ROWS, b'"images":[%b]' % b",".join(rows), 1)


def events_in(text: bytes, offset: int = 0) -> int:
    """Return the number of events in the text of a segment from a line's start on."""
    rows = text.startswith(ROW, offset) + text.count(b"\n" + ROW, offset)
    return text.count(b"\n", offset) - rows


def rest_of(text: bytes, offset: int) -> bytes:
    """Return a segment's text without the events before `offset`; what is left keeps its rows."""
    before = text[:offset].splitlines(keepends=True)
    return b"".join(line for line in before if line.startswith(ROW)) + text[offset:]


def size_of(event: SharedEvent, known: set[bytes]) -> int:
    """Return the bytes that `event` takes at most where `known` are written; adds its rows there.

    Rows that the segment has already are counted all the same: it may be another one by then.
    """
    size = len(event.line) + 1
    if event.rows:
        size += len("[]") + NUMBER_BYTES * len(event.rows)
        fresh = set(event.rows) - known
        size += sum(len(ROW) + len(row) + 1 for row in fresh)
        known |= fresh
    return size
