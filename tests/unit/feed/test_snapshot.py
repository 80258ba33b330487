"""The file of a snapshot, damaged on purpose: each number that points somewhere, pointing away."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import MalformedFeedError
from tidegate.feed.layout import KEYED, LISTED, PREFIX, ROW, SUBJECT
from tidegate.feed.snapshot import Snapshot
from tidegate.testing.evidence_world import finding, statement
from tidegate.testing.feed_world import Feeder
from tidegate.trust.keys import generate_key
from tidegate.wire.feed_rows import row_of
from tidegate.wire.feed_v1 import ImageV1, PlatformV1

SUBJECT_DIGEST, INDEX = digest_of(b"subject"), digest_of(b"index", "sha512")

SUBJECTS = PREFIX.size
IMAGES = SUBJECTS + KEYED.size
FINDINGS = IMAGES + KEYED.size
STRINGS = FINDINGS + LISTED.size
COUNT, FANOUT, PLACES, RECORDS, END = 0, 8, 24, 32, 40


class Body:
    """The bytes of a snapshot of one row and one index, to be changed."""

    def __init__(self, folder: Path) -> None:
        feeder = Feeder(generate_key())
        row = row_of(statement(SUBJECT_DIGEST, [finding("CVE-1")]), digest_of(b"artifact"))
        listed = (PlatformV1(platform="linux/amd64", digest=SUBJECT_DIGEST),)
        feeder.batch([row], [ImageV1(image=INDEX, platforms=listed)])
        feeder.snapshot(folder / "body")
        self.data = bytearray((folder / "body").read_bytes())

    def number(self, at: int) -> int:
        return int(struct.unpack_from("<Q", self.data, at)[0])

    def put(self, at: int, number: int) -> None:
        struct.pack_into("<Q", self.data, at, number)

    def put_small(self, at: int, number: int) -> None:
        struct.pack_into("<I", self.data, at, number)

    def row(self, offset: int = 0) -> int:
        """Return where the row's record lies."""
        return self.number(SUBJECTS + RECORDS) + SUBJECT.size + offset

    def read(self) -> None:
        snapshot = Snapshot(bytes(self.data))
        snapshot.rows(SUBJECT_DIGEST)
        snapshot.image(INDEX)


@pytest.fixture
def body(tmp_path: Path) -> Body:
    made = Body(tmp_path)
    made.read()
    return made


def end_behind_the_file(body: Body) -> None:
    body.put(STRINGS + LISTED.size - 8, len(body.data) + 1)


def records_end_behind_the_file(body: Body) -> None:
    body.put(SUBJECTS + END, len(body.data) + 4)


def fewer_keys(body: Body) -> None:
    body.put(SUBJECTS + COUNT, 0)


def huge_count(body: Body) -> None:
    body.put(SUBJECTS + COUNT, 2**63)


def bucket_behind_the_keys(body: Body) -> None:
    bucket = int.from_bytes(bytes.fromhex(SUBJECT_DIGEST[7:11]), "big")
    body.put_small(body.number(SUBJECTS + FANOUT) + 4 * (bucket + 1), 2)


def record_behind_the_table(body: Body) -> None:
    body.put_small(body.number(SUBJECTS + PLACES), 2**32 - 1)


def more_findings_than_there_are(body: Body) -> None:
    # They would be read out of the next table, which begins there.
    body.put_small(body.row(ROW.size - 4), 2)


def more_findings_than_memory(body: Body) -> None:
    body.put_small(body.row(ROW.size - 4), 2**32 - 1)


def unknown_string(body: Body) -> None:
    body.put_small(body.row(8), 2**31)


def unknown_finding(body: Body) -> None:
    end = body.number(SUBJECTS + END)
    body.put_small(end - 4, 77)


def no_scan_time(body: Body) -> None:
    struct.pack_into("<q", body.data, body.row(), -(2**63))


def a_year_that_no_calendar_has(body: Body) -> None:
    struct.pack_into("<q", body.data, body.row(), 2**62)


def no_severity(body: Body) -> None:
    body.data[body.number(FINDINGS + 16) + 16] = 9


def no_algorithm(body: Body) -> None:
    body.data[body.number(IMAGES + RECORDS)] = 7


def record_of_another_digest(body: Body) -> None:
    body.data[body.number(IMAGES + RECORDS) + SUBJECT.size] ^= 1


def no_utf8(body: Body) -> None:
    for at in range(body.number(STRINGS + 16), body.number(STRINGS + 24)):
        body.data[at] = 0xFF


def other_magic(body: Body) -> None:
    body.data[0] = 0


def other_format(body: Body) -> None:
    body.put_small(8, 2)


def only_the_begin(body: Body) -> None:
    del body.data[100:]


@pytest.mark.parametrize(
    "damage",
    [
        end_behind_the_file,
        records_end_behind_the_file,
        fewer_keys,
        huge_count,
        bucket_behind_the_keys,
        record_behind_the_table,
        more_findings_than_there_are,
        more_findings_than_memory,
        unknown_string,
        unknown_finding,
        no_scan_time,
        a_year_that_no_calendar_has,
        no_severity,
        no_algorithm,
        record_of_another_digest,
        no_utf8,
        other_magic,
        other_format,
        only_the_begin,
    ],
)
def test_t22_what_contradicts_itself_is_an_error_and_never_a_row(
    body: Body, damage: Callable[[Body], None]
) -> None:
    damage(body)
    with pytest.raises(MalformedFeedError):
        body.read()
