"""What is held of the feed: newest rows, over snapshots, batches, chains and withdrawals."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.errors import ContentMismatchError, FeedRefusedError, MalformedFeedError
from tidegate.feed.chain import verify_batch, verify_snapshot
from tidegate.feed.deltas import encode_batch
from tidegate.feed.snapshot import Snapshot
from tidegate.feed.store import FeedStore
from tidegate.testing.evidence_world import evidence_key, finding, statement
from tidegate.testing.feed_world import NOON, Feeder
from tidegate.trust.keys import generate_key
from tidegate.wire.feed_rows import row_of, withdrawal_of
from tidegate.wire.feed_v1 import ImageV1, PlatformV1, RowV1

KEY = generate_key()
TRUSTED = evidence_key(KEY)
A, B, C = (digest_of(name) for name in (b"a", b"b", b"c"))
MINUTE = timedelta(minutes=1)


def row(
    subject: Digest, identifier: str = "CVE-2024-1", at: datetime = NOON, scanner: str = "Tidegate"
) -> RowV1:
    artifact = digest_of(f"{subject} {identifier} {at} {scanner}".encode())
    found = statement(subject, [finding(identifier)], at=at, scanner=scanner)
    return row_of(found, artifact)


def image(digest: Digest, *platforms: Digest) -> ImageV1:
    listed = tuple(PlatformV1(platform=f"linux/{n}", digest=d) for n, d in enumerate(platforms))
    return ImageV1(image=digest, platforms=listed)


class Held:
    """A store and the feeder that fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = FeedStore(folder)
        self.feeder = Feeder(KEY)

    def feed(self, *rows: RowV1, images: tuple[ImageV1, ...] = ()) -> None:
        signed = verify_batch([TRUSTED], self.feeder.batch(rows, images))
        self.store.apply(signed, encode_batch(signed.batch))

    def adopt(self, upto: int = 0, feeder: Feeder | None = None, **changes: str) -> None:
        feeder = feeder or self.feeder
        path = self.folder / "body"
        header = feeder.snapshot(path, upto=upto)
        signed = verify_snapshot([TRUSTED], feeder.signed_header(replace(header, **changes)))
        self.store.adopt(signed, Snapshot.open(path, header))

    def ids(self, subject: Digest) -> list[str]:
        rows = self.store.rows([TRUSTED.fingerprint], "acme", subject)
        return sorted(f.vulnerability_id for _, each in rows for f in each.findings)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    made = Held(tmp_path)
    yield made
    made.store.close()


def test_nothing_is_held_of_nobody(held: Held) -> None:
    assert held.ids(A) == []
    assert held.store.image([TRUSTED.fingerprint], "acme", A) is None
    assert held.store.state(TRUSTED.fingerprint) is None


def test_rows_are_found_in_batches_and_in_snapshots(held: Held) -> None:
    held.feed(row(A), row(B))
    held.adopt()
    held.feed(row(C))
    assert [held.ids(each) for each in (A, B, C)] == [["CVE-2024-1"]] * 3
    assert held.store.subjects(TRUSTED.fingerprint) == 3


def test_rows_of_a_key_that_is_not_asked_for_are_not_given(held: Held) -> None:
    held.feed(row(A), images=(image(B, A),))
    assert list(held.store.rows(["another"], "acme", A)) == []
    assert held.store.image(["another"], "acme", B) is None


def test_t22_rows_for_another_audience_are_not_given(held: Held) -> None:
    held.feed(row(A), images=(image(B, A),))
    assert list(held.store.rows([TRUSTED.fingerprint], "other", A)) == []
    assert held.store.image([TRUSTED.fingerprint], "other", B) is None


@pytest.mark.parametrize("compacted", [False, True])
def test_t04_the_newest_row_counts_whatever_came_last(held: Held, *, compacted: bool) -> None:
    held.feed(row(A, "CVE-2024-2", NOON + MINUTE))
    if compacted:
        held.adopt()
    held.feed(row(A, "CVE-2024-1", NOON))
    assert held.ids(A) == ["CVE-2024-2"]


def test_each_scanner_has_its_newest_row_and_equal_times_count_together(held: Held) -> None:
    held.feed(row(A, "CVE-2024-1"), row(A, "CVE-2024-3", scanner="Other"))
    held.adopt()
    held.feed(row(A, "CVE-2024-2"))
    assert held.ids(A) == ["CVE-2024-1", "CVE-2024-2", "CVE-2024-3"]


@pytest.mark.parametrize("compacted", [False, True])
def test_a_withdrawal_takes_away_what_was_until_then(held: Held, *, compacted: bool) -> None:
    held.feed(row(A, at=NOON), row(B, at=NOON + MINUTE))
    if compacted:
        held.adopt()
    held.feed(withdrawal_of(A, "Tidegate", NOON), withdrawal_of(B, "Tidegate", NOON))
    if compacted:
        held.adopt()
    assert (held.ids(A), held.ids(B)) == ([], ["CVE-2024-1"])
    held.feed(row(A, "CVE-2024-9", NOON - MINUTE))
    assert held.ids(A) == []
    held.feed(row(A, "CVE-2024-9", NOON + MINUTE))
    assert held.ids(A) == ["CVE-2024-9"]


def test_what_an_index_lists_is_held(held: Held) -> None:
    held.feed(images=(image(A, B),))
    held.adopt()
    held.feed(images=(image(C, A, B),))
    fingerprints = [TRUSTED.fingerprint]
    assert held.store.image(fingerprints, "acme", A) == image(A, B)
    assert held.store.image(fingerprints, "acme", C) == image(C, A, B)


def test_batches_after_a_snapshot_stay_applied(held: Held) -> None:
    for n, subject in enumerate((A, B, C)):
        held.feed(row(subject, f"CVE-2024-{n}"))
    held.adopt(upto=2)
    assert held.store.rows_since_snapshot(TRUSTED.fingerprint) == 1
    assert held.store.batches(TRUSTED.fingerprint) == {(held.feeder.chain, 3)}
    assert [held.ids(each) for each in (A, B, C)] == [[f"CVE-2024-{n}"] for n in range(3)]
    state = held.store.state(TRUSTED.fingerprint)
    assert state is not None
    assert state.epoch == 3


def test_t22_a_snapshot_that_ends_with_another_batch_than_ours_changes_nothing(
    held: Held,
) -> None:
    for subject in (A, B, C):
        held.feed(row(subject))
    with pytest.raises(FeedRefusedError, match="somebody else") as refused:
        held.adopt(upto=2, previous=digest_of(b"elsewhere"))
    assert refused.value.reason == "fork"
    assert held.store.rows_since_snapshot(TRUSTED.fingerprint) == 3


def test_t22_a_snapshot_behind_what_is_held_as_a_whole_is_refused(held: Held) -> None:
    for subject in (A, B, C):
        held.feed(row(subject))
    held.adopt()
    with pytest.raises(FeedRefusedError) as refused:
        held.adopt(upto=2)
    assert refused.value.reason == "rollback"
    assert held.ids(C) == ["CVE-2024-1"]


def test_rows_outlive_their_chain_until_the_next_one_has_a_snapshot(held: Held) -> None:
    held.feed(row(A))
    held.adopt()
    held.feed(row(B))
    held.feeder = held.feeder.restarted(NOON + MINUTE)
    held.feed(row(C))
    assert [held.ids(each) for each in (A, B, C)] == [["CVE-2024-1"]] * 3
    held.adopt()
    assert [held.ids(each) for each in (A, B, C)] == [[], [], ["CVE-2024-1"]]
    state = held.store.state(TRUSTED.fingerprint)
    assert state is not None
    assert (state.chain, state.epoch) == (held.feeder.chain, 1)


def test_a_snapshot_that_could_not_be_read_is_held_again_below_the_batches_after_it(
    held: Held,
) -> None:
    held.feed(row(A))
    header = held.feeder.snapshot(held.folder / "body")
    held.store.adopt(verify_snapshot([TRUSTED], held.feeder.signed_header(header)), None)
    held.feed(row(B))
    assert not held.store.is_whole(TRUSTED.fingerprint)
    assert (held.ids(A), held.ids(B)) == ([], ["CVE-2024-1"])
    held.adopt(upto=1)
    assert held.store.is_whole(TRUSTED.fingerprint)
    assert (held.ids(A), held.ids(B)) == (["CVE-2024-1"], ["CVE-2024-1"])


def test_what_is_forgotten_is_gone(held: Held) -> None:
    held.feed(row(A))
    held.store.forget(TRUSTED.fingerprint)
    assert held.ids(A) == []


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        pytest.param(lambda b: b[:-1], ContentMismatchError, id="shorter"),
        pytest.param(lambda b: b + b"\0", ContentMismatchError, id="longer"),
        pytest.param(lambda b: b[:-1] + b"\xff", ContentMismatchError, id="other-bytes"),
        pytest.param(lambda _: b"", ContentMismatchError, id="empty"),
    ],
)
def test_t22_a_body_that_is_not_the_signed_one_is_not_opened(
    held: Held, damage: object, error: type[Exception]
) -> None:
    held.feed(row(A))
    path = held.folder / "body"
    header = held.feeder.snapshot(path)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator] # a function
    with pytest.raises(error):
        Snapshot.open(path, header)


def test_a_header_with_another_number_of_subjects_is_refused(held: Held) -> None:
    held.feed(row(A))
    path = held.folder / "body"
    header = held.feeder.snapshot(path)
    with pytest.raises(MalformedFeedError, match="1 subjects"):
        Snapshot.open(path, replace(header, subjects=2))
