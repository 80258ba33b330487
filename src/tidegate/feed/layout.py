"""How the body of a snapshot lies in its file, format 1: docs/reference/feed.md.

Little-endian, made to be memory-mapped and searched without reading it. A header of fixed size
names the places of four tables:

*subjects*, *images*: a fan-out by the first two bytes of a key, the sorted keys, the place of each
key's record, the records. *findings*, *strings*: the place of each entry, the entries. Records name
findings and strings by number, so what many images share stands there once.

A key is 32 bytes: a sha256 digest itself; of a digest of another algorithm the SHA-256 of its
text, and its record repeats the digest in full. Places count units of four bytes, in strings
bytes. Instants are microseconds since 1970.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct

from tidegate.domain.digest import Digest, algorithm_of, encoded_part
from tidegate.domain.errors import MalformedFeedError

MAGIC = b"TGFEED\x00\x01"
FORMAT = 1

UNIT = 4
KEY_BYTES = 32
BUCKETS = 65536

SHA256, SHA512 = 0, 1
"""Algorithm bytes of digests."""

RAW_BYTES = {SHA256: 32, SHA512: 64}

FLAG_WITHDRAWN = 1
FLAG_SHA512 = 2

NEVER = -(2**63)
"""The instant of what has none."""

KEYED = Struct("<QQQQQQ")
"""Number of keys; places in the file of fan-out, keys, places, records, end of records."""

LISTED = Struct("<QQQQ")
"""Number of entries; places in the file of their places, entries, end of entries."""

PREFIX = Struct("<8sII")
"""Magic, format, zero."""

HEADER_BYTES = PREFIX.size + 2 * KEYED.size + 2 * LISTED.size

SUBJECT = Struct("<BBH")
"""Algorithm, zero, number of rows; then the digest, where the algorithm is not sha256."""

ROW = Struct("<qIIHHI")
"""Scanned at, scanner, flags, numbers of ecosystems, of sentences, of findings; then the artifact's
digest, unless withdrawn, and these in order."""

ECOSYSTEM = Struct("<IIIq")
"""Name, packages, source, source updated at."""

FINDING = Struct("<IIIIBBH")
"""Id, package, version, fixed version, severity, numbers of marks and of aliases; then aliases and
marks."""

MARK = Struct("<IIIIqI")
"""Justification, author, source, detail, said at, status."""

PLATFORM = Struct("<II")
"""Name, algorithm; then the digest."""

STATUSES = ("not_affected", "fixed")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Keyed:
    """Where a table of keys lies in the file."""

    count: int
    fanout: int
    keys: int
    places: int
    records: int
    end: int

    def require_inside(self, size: int) -> None:
        """Raise MalformedFeedError unless the parts are as large as `count` says, in order."""
        wanted = (
            self.fanout + 4 * (BUCKETS + 1) == self.keys
            and self.keys + KEY_BYTES * self.count == self.places
            and self.places + 4 * self.count == self.records
            and self.fanout >= HEADER_BYTES
            and self.records <= self.end <= size
        )
        if not wanted:
            raise MalformedFeedError(f"snapshot: a table of keys lies at {self} in {size} bytes")


@dataclass(frozen=True, slots=True)
class Listed:
    """Where a table of numbered entries lies in the file."""

    count: int
    places: int
    entries: int
    end: int

    def require_inside(self, size: int) -> None:
        """Raise MalformedFeedError unless the parts are as large as `count` says, in order."""
        wanted = (
            self.places >= HEADER_BYTES
            and self.places + 4 * (self.count + 1) == self.entries
            and self.entries <= self.end <= size
        )
        if not wanted:
            raise MalformedFeedError(f"snapshot: a table of entries lies at {self} in {size} bytes")


def key_of(digest: Digest) -> bytes:
    """Return the key under which a table has `digest`."""
    if algorithm_of(digest) == "sha256":
        return bytes.fromhex(encoded_part(digest))
    return hashlib.sha256(digest.encode()).digest()


def raw_of(digest: Digest) -> tuple[int, bytes]:
    """Return the algorithm byte of `digest` and its bytes."""
    algorithm = SHA256 if algorithm_of(digest) == "sha256" else SHA512
    return algorithm, bytes.fromhex(encoded_part(digest))


def digest_from(algorithm: int, raw: bytes) -> Digest:
    """Return the digest of these bytes."""
    return Digest(f"{'sha256' if algorithm == SHA256 else 'sha512'}:{raw.hex()}")


def micros_of(at: datetime | None) -> int:
    """Return an instant as the file has it."""
    return NEVER if at is None else (at - _EPOCH) // _MICROSECOND


def instant_from(micros: int) -> datetime | None:
    """Return the instant that the file has.

    Raises:
        MalformedFeedError: a year that no calendar has.
    """
    if micros == NEVER:
        return None
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError as error:
        raise MalformedFeedError(f"snapshot: {micros} is no instant") from error
