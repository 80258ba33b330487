"""The feed: payloads that a key signed, and the file of a snapshot whose bytes are not as written.

Nothing unsigned gets as far as these, but the key may be in other hands, and disks forget.
"""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import LimitExceededError, MalformedFeedError
from tidegate.domain.evidence import Coverage, EcosystemCoverage
from tidegate.domain.finding import Finding, VexMark, VexStatus
from tidegate.domain.severity import Severity
from tidegate.feed.layout import BUCKETS, HEADER_BYTES, key_of
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.writer import compact
from tidegate.wire.feed_rows import report_of, row_of, value_of, withdrawal_of
from tidegate.wire.feed_v1 import (
    BatchV1,
    ImageV1,
    PlatformV1,
    SnapshotV1,
    parse_batch,
    parse_snapshot,
    render_batch,
    render_snapshot,
)
from tidegate.wire.statement_v1 import ScannerIdentity, Statement, render_time

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SUBJECTS = tuple(digest_of(b"%d" % n, kind) for n in range(3) for kind in ("sha256", "sha512"))
EDIT_BYTES = 3


def check_feed(data: bytes) -> None:
    """A batch or a header that parses is written as the same bytes, and its rows are values."""
    try:
        batch = parse_batch(data)
    except (MalformedFeedError, LimitExceededError):
        pass
    else:
        assert render_batch(batch) == data
        for row in map(value_of, batch.rows):
            assert row.withdrawn or report_of(row, ["key"]).subject == row.subject
    try:
        header = parse_snapshot(data)
    except (MalformedFeedError, LimitExceededError):
        return
    assert render_snapshot(header) == data


def check_snapshot(data: bytes) -> None:
    """A file with some bytes changed gives an error of ours, or rows about what was asked for.

    Every three bytes of `data` change one: two choose the place, the third is what stands there.
    """
    damaged = bytearray(_BODY)
    for at in range(0, len(data) - EDIT_BYTES + 1, EDIT_BYTES):
        place = int.from_bytes(data[at : at + 2], "big") % len(_PLACES)
        damaged[_PLACES[place]] = data[at + 2]
    try:
        snapshot = Snapshot(bytes(damaged))
    except MalformedFeedError:
        return
    for subject in SUBJECTS:
        try:
            for row in snapshot.rows(subject):
                assert row.subject == subject
                assert row.withdrawn or report_of(row, ["key"]).subject == subject
        except MalformedFeedError:
            pass
        try:
            image = snapshot.image(subject)
            assert image is None or image.image == subject
        except MalformedFeedError:
            pass


def batch_of_everything() -> BatchV1:
    """Return a batch in which every field stands."""
    mark = VexMark(VexStatus.FIXED, "fixed", "Example Inc", "vendor", NOON, "in words")
    finding = Finding(
        "CVE-2022-42004", Severity.CRITICAL, "pkg:maven/org.example/app@2.9.5", "2.9.5", "2.12.7.1",
        frozenset({"GHSA-aaaa-bbbb-cccc"}), not_affected=(mark,),
    )  # fmt: skip
    coverage = Coverage((EcosystemCoverage("Maven", 3, "demo", NOON),), ("2 jars by hash",))
    scanner = ScannerIdentity("Tidegate", "1")
    rows = [
        row_of(Statement(s, (finding,), coverage, scanner, NOON, NOON), digest_of(s.encode(), kind))
        for s, kind in zip(SUBJECTS[1:], ("sha256", "sha512") * 3, strict=False)
    ]
    platforms = tuple(PlatformV1(platform="linux/amd64", digest=each) for each in SUBJECTS[:2])
    return BatchV1(
        audience="acme",
        chain="0b8b4567-327b-43c6-a98b-000000000001",
        chain_started_at=render_time(NOON),
        epoch=2,
        previous=digest_of(b"previous"),
        issued_at=render_time(NOON),
        rows=(withdrawal_of(SUBJECTS[0], "Tidegate", NOON), *rows),
        images=tuple(ImageV1(image=each, platforms=platforms) for each in SUBJECTS[4:]),
    )


def header_of_everything() -> SnapshotV1:
    """Return the header of a snapshot."""
    batch = batch_of_everything()
    return SnapshotV1(
        audience="acme", chain=batch.chain, chain_started_at=batch.chain_started_at, epoch=2,
        previous=digest_of(b"batch"), issued_at=batch.issued_at, sha256="0" * 64,
        size=len(_BODY), subjects=len(SUBJECTS),
    )  # fmt: skip


def _body() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "body"
        compact(None, [batch_of_everything()], path, forget_before=NOON)
        return path.read_bytes()


def _places(body: bytes) -> list[int]:
    """Return where a change matters: all but the parts of the fan-outs that nobody looks at."""
    tables = Snapshot(body).fanouts
    unread = {at for begin in tables for at in range(begin, begin + 4 * (BUCKETS + 1))}
    for begin in tables:
        for subject in SUBJECTS:
            cell = begin + 4 * int.from_bytes(key_of(Digest(subject))[:2], "big")
            unread.difference_update(range(cell, cell + 8))
    return [at for at in range(len(body)) if at < HEADER_BYTES or at not in unread]


_BODY = _body()
_PLACES = _places(_BODY)
