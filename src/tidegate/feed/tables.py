"""The tables of a snapshot as they are written: each string and each finding once."""

from collections.abc import Iterable
from struct import Struct
from typing import BinaryIO

from tidegate.domain.digest import Digest
from tidegate.domain.errors import LimitExceededError
from tidegate.domain.finding import Finding, VexMark
from tidegate.feed.layout import (
    BUCKETS,
    ECOSYSTEM,
    FINDING,
    FLAG_SHA512,
    FLAG_WITHDRAWN,
    MARK,
    PLATFORM,
    ROW,
    SHA256,
    SHA512,
    STATUSES,
    SUBJECT,
    UNIT,
    key_of,
    micros_of,
    raw_of,
)
from tidegate.wire.feed_rows import FeedRow
from tidegate.wire.feed_v1 import ImageV1

MAX_PLACE = 2**32 - 1

MAX_SEEN = 50_000
"""Findings told apart without looking into them."""

_NUMBER = Struct("<I")


class Strings:
    """Every string once, by number in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._places = bytearray(_NUMBER.pack(0))
        self._entries = bytearray()

    def number(self, text: str) -> int:
        """Return the number of `text`."""
        known = self._numbers.get(text)
        if known is not None:
            return known
        self._entries += text.encode()
        self._places += _NUMBER.pack(_fitting(len(self._entries)))
        self._numbers[text] = number = len(self._numbers)
        return number

    def parts(self) -> tuple[int, bytes, bytes]:
        """Return how many there are, their places, and the strings."""
        return len(self._numbers), bytes(self._places), bytes(self._entries)


class Findings:
    """Every finding once, by number."""

    def __init__(self, strings: Strings) -> None:
        self._strings = strings
        self._numbers: dict[bytes, int] = {}
        self._places = bytearray(_NUMBER.pack(0))
        self._entries = bytearray()
        self._seen: dict[int, tuple[Finding, int]] = {}
        """By place in memory, each held so that no other gets it: most come again and again."""

    def number(self, finding: Finding) -> int:
        """Return the number of `finding`."""
        seen = self._seen.get(id(finding))
        if seen is not None:
            return seen[1]
        if len(self._seen) >= MAX_SEEN:
            self._seen.clear()
        number = self._number(finding)
        self._seen[id(finding)] = finding, number
        return number

    def _number(self, finding: Finding) -> int:
        entry = self._entry(finding)
        known = self._numbers.get(entry)
        if known is not None:
            return known
        self._entries += entry
        self._places += _NUMBER.pack(_fitting(len(self._entries) // UNIT))
        self._numbers[entry] = number = len(self._numbers)
        return number

    def parts(self) -> tuple[int, bytes, bytes]:
        """Return how many there are, their places, and the findings."""
        return len(self._numbers), bytes(self._places), bytes(self._entries)

    def _entry(self, finding: Finding) -> bytes:
        number = self._strings.number
        head = FINDING.pack(
            number(finding.vulnerability_id),
            number(finding.package),
            number(finding.version),
            number(finding.fixed_version),
            finding.severity,
            len(finding.not_affected),
            len(finding.aliases),
        )
        aliases = b"".join(_NUMBER.pack(number(alias)) for alias in sorted(finding.aliases))
        return head + aliases + b"".join(map(self._mark, finding.not_affected))

    def _mark(self, mark: VexMark) -> bytes:
        number = self._strings.number
        return MARK.pack(
            number(mark.justification),
            number(mark.author),
            number(mark.source),
            number(mark.detail),
            micros_of(mark.said_at),
            STATUSES.index(mark.status.value),
        )


class KeyedRecords:
    """Records by key: added in the order of the keys, written behind a fan-out."""

    def __init__(self, records: BinaryIO) -> None:
        self._records = records
        self._fanout = [0] * BUCKETS
        self._keys = bytearray()
        self._places = bytearray()
        self.count = 0
        self.size = 0
        """Bytes of records so far."""

    def add(self, digest: Digest, count: int, body: bytes) -> None:
        """Add the record of `digest`, greater by its key than all before: `count` things.

        Raises:
            LimitExceededError: no place is left in the table.
        """
        key = key_of(digest)
        if self._keys and not self._keys[-len(key) :] < key:
            raise ValueError(f"{digest} comes out of order")
        algorithm, raw = raw_of(digest)
        record = SUBJECT.pack(algorithm, 0, count) + (b"" if algorithm == SHA256 else raw) + body
        self._places += _NUMBER.pack(_fitting(self.size // UNIT))
        self._keys += key
        self._fanout[int.from_bytes(key[:2], "big")] += 1
        self._records.write(record)
        self.size += len(record)
        self.count += 1

    def index(self) -> bytes:
        """Return fan-out, keys and places."""
        below, totals = 0, bytearray(_NUMBER.pack(0))
        for count in self._fanout:
            below += count
            totals += _NUMBER.pack(below)
        return bytes(totals + self._keys + self._places)


def render_rows(rows: Iterable[FeedRow], strings: Strings, findings: Findings) -> bytes:
    """Return the record of `rows`, which are about one subject."""
    return b"".join(_row(row, strings, findings) for row in rows)


def render_platforms(image: ImageV1, strings: Strings) -> bytes:
    """Return the record of `image`."""
    body = bytearray()
    for each in image.platforms:
        algorithm, raw = raw_of(Digest(each.digest))
        body += PLATFORM.pack(strings.number(each.platform), algorithm) + raw
    return bytes(body)


def _row(row: FeedRow, strings: Strings, findings: Findings) -> bytes:
    algorithm, raw = (SHA256, b"") if row.artifact is None else raw_of(row.artifact)
    flags = FLAG_WITHDRAWN * row.withdrawn | FLAG_SHA512 * (algorithm == SHA512)
    covered, sentences = row.coverage.ecosystems, row.coverage.not_understood
    numbers = [*map(strings.number, sentences), *map(findings.number, row.findings)]
    return b"".join(
        (
            ROW.pack(
                micros_of(row.scanned_at),
                strings.number(row.scanner),
                flags,
                len(covered),
                len(sentences),
                len(row.findings),
            ),
            raw,
            *(
                ECOSYSTEM.pack(
                    strings.number(each.ecosystem),
                    each.package_count,
                    strings.number(each.source),
                    micros_of(each.source_updated_at),
                )
                for each in covered
            ),
            Struct(f"<{len(numbers)}I").pack(*numbers),
        )
    )


def _fitting(place: int) -> int:
    if place > MAX_PLACE:
        raise LimitExceededError(
            f"snapshot of the feed: a table would reach {place}, want at most {MAX_PLACE}; "
            "withdraw rows of images that are gone"
        )
    return place
