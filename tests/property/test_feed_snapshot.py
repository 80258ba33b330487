"""Laws of the snapshot's file: what goes in comes out, merged in any steps, and damage is seen."""

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from support.statements import statements
from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import MalformedFeedError
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.writer import Body, compact
from tidegate.wire.feed_rows import FeedRow, newest_rows, row_of, value_of, withdrawal_of
from tidegate.wire.feed_v1 import BatchV1, ImageV1, PlatformV1, RowV1

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
TIME = "2026-11-23T09:00:00Z"

digests = st.sampled_from(
    [digest_of(b"%d" % n, algorithm) for n in range(3) for algorithm in ("sha256", "sha512")]
)
instants = st.integers(0, 3).map(lambda day: datetime(2026, 11, 20 + day, tzinfo=UTC))


def _row(statement: object, subject: Digest, artifact: Digest, at: datetime, scanner: str) -> RowV1:
    changed = row_of(statement, artifact)  # type: ignore[arg-type] # drawn
    time = at.isoformat().replace("+00:00", "Z")
    return replace(changed, subject=subject, scanned_at=time, scanner=scanner)


rows = st.builds(_row, statements, digests, digests, instants, st.sampled_from(["a", "b"])) | (
    st.builds(withdrawal_of, digests, st.sampled_from(["a", "b"]), instants)
)
images = st.builds(
    lambda image, listed: ImageV1(
        image=image,
        platforms=tuple(PlatformV1(platform=f"linux/{n}", digest=d) for n, d in enumerate(listed)),
    ),
    digests,
    st.lists(digests, max_size=3),
)
batches = st.builds(
    lambda of_rows, of_images: BatchV1(
        audience="acme",
        chain="0b8b4567-327b-43c6-a98b-000000000001",
        chain_started_at=TIME,
        epoch=1,
        previous="",
        issued_at=TIME,
        rows=tuple(of_rows),
        images=tuple({each.image: each for each in of_images}.values()),
    ),
    st.lists(rows, max_size=6),
    st.lists(images, max_size=3),
)


def written(batches: list[BatchV1], previous: Snapshot | None, folder: str) -> tuple[Body, bytes]:
    path = Path(folder) / "body"
    body = compact(previous, batches, path, forget_before=LONG_AGO)
    return body, path.read_bytes()


def expected(batches: list[BatchV1]) -> dict[str, tuple[FeedRow, ...]]:
    found: dict[str, list[FeedRow]] = {}
    for batch in batches:
        for row in batch.rows:
            found.setdefault(row.subject, []).append(value_of(row))
    return {subject: newest_rows(of_subject) for subject, of_subject in found.items()}


@pytest.mark.slow
@given(st.lists(batches, max_size=3))
def test_what_is_written_is_found_and_nothing_else(batches: list[BatchV1]) -> None:
    with TemporaryDirectory() as folder:
        body, data = written(batches, None, folder)
    snapshot = Snapshot(data)
    wanted = expected(batches)
    assert (body.size, body.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert body.subjects == snapshot.subjects == len(wanted)
    assert {s: snapshot.rows(Digest(s)) for s in wanted} == wanted
    assert snapshot.rows(digest_of(b"another")) == ()
    images: dict[str, ImageV1] = {}
    for each in [image for batch in batches for image in batch.images]:
        images.setdefault(each.image, each)  # what an index lists never changes
    assert {i: snapshot.image(Digest(i)) for i in images} == images
    assert snapshot.image(digest_of(b"another")) is None


@pytest.mark.slow
@given(st.lists(batches, min_size=1, max_size=3), st.integers(0, 2))
def test_merging_in_two_steps_is_merging_in_one(batches: list[BatchV1], cut: int) -> None:
    # What an index lists never changes: later batches say of the known ones what is known.
    known: dict[str, ImageV1] = {}
    for batch in batches:
        for image in batch.images:
            known.setdefault(image.image, image)
    batches = [replace(b, images=tuple(known[i.image] for i in b.images)) for b in batches]
    with TemporaryDirectory() as folder:
        _, whole = written(batches, None, folder)
        _, first = written(batches[:cut], None, folder)
        _, second = written(batches[cut:], Snapshot(first), folder)
    one, two = Snapshot(whole), Snapshot(second)
    assert list(one.keys()) == list(two.keys())
    assert list(one.image_keys()) == list(two.image_keys())
    assert [one.rows_at(n) for n in range(one.subjects)] == [
        two.rows_at(n) for n in range(two.subjects)
    ]
    assert [one.image_at(n) for n in range(one.images)] == [
        two.image_at(n) for n in range(two.images)
    ]


@given(st.lists(rows, max_size=6), st.randoms())
def test_the_order_of_rows_changes_nothing(drawn: list[RowV1], random: object) -> None:
    # One artifact says one thing: rows that differ only in what they say do not exist.
    unique = {(r.subject, r.scanner, r.scanned_at, r.artifact): r for r in drawn}
    values = [value_of(row) for row in unique.values()]
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # a Random
    one = [value for value in values if value.subject == values[0].subject]
    other = [value for value in shuffled if value.subject == values[0].subject]
    assert newest_rows(one) == newest_rows(other)


@given(st.lists(batches, min_size=1, max_size=2), st.data())
def test_t22_a_damaged_file_gives_an_error_or_rows_and_never_a_fault(
    batches: list[BatchV1], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        _, body = written(batches, None, folder)
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)) | st.just(len(body)))
    with suppress(MalformedFeedError):
        snapshot = Snapshot(bytes(damaged[:cut]))
        for subject in expected(batches):
            with suppress(MalformedFeedError):
                snapshot.rows(Digest(subject))
        for image in [image for batch in batches for image in batch.images]:
            with suppress(MalformedFeedError):
                snapshot.image(Digest(image.image))
        for number in range(min(snapshot.subjects, 20)):
            with suppress(MalformedFeedError):
                snapshot.rows_at(number)
