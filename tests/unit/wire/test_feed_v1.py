"""What a batch, a row and a snapshot's header may say: each bound by its name."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import LimitExceededError, MalformedFeedError
from tidegate.wire.feed_rows import row_of, withdrawal_of
from tidegate.wire.feed_v1 import (
    MAX_PAYLOAD_BYTES,
    MAX_ROW_AHEAD,
    BatchV1,
    CoverageV1,
    EcosystemV1,
    FindingV1,
    ImageV1,
    PlatformV1,
    RowV1,
    SnapshotV1,
    is_ahead,
    parse_batch,
    parse_snapshot,
    payload_digest,
    render_batch,
    render_snapshot,
)
from tidegate.wire.statement_v1 import render_time

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
TIME = "2026-11-23T09:00:00Z"
SUBJECT, ARTIFACT = digest_of(b"subject"), digest_of(b"artifact")
FINDING = FindingV1(
    id="CVE-2024-3094", severity="critical", package="pkg:deb/debian/xz@5.6", version="5.6"
)
ROW = RowV1(
    subject=SUBJECT,
    scanner="Tidegate",
    scanned_at=TIME,
    artifact=ARTIFACT,
    coverage=CoverageV1(ecosystems=(EcosystemV1(ecosystem="Debian:12", package_count=1),)),
    findings=(FINDING,),
)
BATCH = BatchV1(
    audience="acme",
    chain="0b8b4567-327b-43c6-a98b-000000000001",
    chain_started_at=TIME,
    epoch=1,
    previous="",
    issued_at=TIME,
    rows=(ROW,),
    images=(
        ImageV1(
            image=digest_of(b"index"),
            platforms=(PlatformV1(platform="linux/amd64", digest=SUBJECT),),
        ),
    ),
)
HEADER = SnapshotV1(
    audience="acme",
    chain=BATCH.chain,
    chain_started_at=TIME,
    epoch=7,
    previous=digest_of(b"batch"),
    issued_at=TIME,
    sha256="0" * 64,
    size=100,
    subjects=1,
)
change = msgspec.structs.replace


def test_a_batch_reads_as_it_is_documented() -> None:
    assert render_batch(BATCH).decode() == (
        '{"audience":"acme","chain":"0b8b4567-327b-43c6-a98b-000000000001",'
        '"chainStartedAt":"2026-11-23T09:00:00Z","epoch":1,"previous":"",'
        '"issuedAt":"2026-11-23T09:00:00Z","rows":[{"subject":"' + SUBJECT + '",'
        '"scanner":"Tidegate","scannedAt":"2026-11-23T09:00:00Z","artifact":"' + ARTIFACT + '",'
        '"coverage":{"ecosystems":[{"ecosystem":"Debian:12","packageCount":1}]},'
        '"findings":[{"id":"CVE-2024-3094","severity":"critical",'
        '"package":"pkg:deb/debian/xz@5.6","version":"5.6"}]}],'
        '"images":[{"image":"' + digest_of(b"index") + '",'
        '"platforms":[{"platform":"linux/amd64","digest":"' + SUBJECT + '"}]}]}'
    )


def test_a_header_is_read_as_written() -> None:
    assert parse_snapshot(render_snapshot(HEADER)) == HEADER


def test_what_follows_names_the_bytes() -> None:
    payload = render_batch(BATCH)
    assert payload_digest(payload) == digest_of(payload)


def test_a_withdrawn_row_says_nothing_else() -> None:
    row = withdrawal_of(SUBJECT, "Tidegate", AT)
    assert parse_batch(render_batch(change(BATCH, rows=(row,)))).rows == (row,)


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        pytest.param(change(BATCH, audience="a b"), "audience", id="audience"),
        pytest.param(change(BATCH, chain="x"), "chain", id="chain"),
        pytest.param(change(BATCH, epoch=0), "epoch", id="epoch"),
        pytest.param(change(BATCH, epoch=2), "names nothing as previous", id="gap-in-the-chain"),
        pytest.param(change(BATCH, previous=ARTIFACT), "at epoch 1 alone", id="first-has-previous"),
        pytest.param(change(BATCH, issued_at="2026-11-23 09:00:00+02Z"), "issuedAt", id="time"),
        pytest.param(change(BATCH, issued_at="2026-11-23T11:00:00+02:00"), "issuedAt", id="zone"),
        pytest.param(change(BATCH, rows=(ROW,) * 2001), "rows", id="rows"),
        pytest.param(
            change(BATCH, rows=(change(ROW, subject="sha256:ab"),)), "subject", id="digest"
        ),
        pytest.param(
            change(BATCH, rows=(change(ROW, findings=(change(FINDING, severity="awful"),)),)),
            "severity",
            id="severity",
        ),
        pytest.param(
            change(BATCH, rows=(change(ROW, artifact=""),)), "names no artifact", id="no-artifact"
        ),
        pytest.param(
            change(BATCH, rows=(change(ROW, withdrawn=True),)), "withdrawn", id="withdrawn-and-not"
        ),
        pytest.param(
            change(BATCH, rows=(change(ROW, scanned_at="2026-11-23T09:10:01Z"),)),
            "ahead",
            id="scanned-in-the-future",
        ),
    ],
)
def test_t22_a_batch_that_says_what_cannot_be_is_refused(batch: BatchV1, said: str) -> None:
    with pytest.raises(MalformedFeedError, match=said):
        render_batch(batch)
    with pytest.raises(MalformedFeedError, match=said):
        parse_batch(msgspec.json.encode(batch))


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param((b'"epoch":1', b'"epoch": 1'), id="space"),
        pytest.param((b'"epoch":1', b'"epoch":1,"epoch":1'), id="repeated-key"),
        pytest.param((b'"epoch":1', b'"epoch":1,"more":1'), id="unknown-field"),
        pytest.param((b'"acme"', b'"\\u0061cme"'), id="escape"),
        pytest.param((b'"epoch":1', b'"epoch":1.0'), id="number"),
        pytest.param((b'"version":"5.6"', b'"version":"5.6","fixVersion":""'), id="default"),
        pytest.param((b'"images":', b'"imagez":'), id="misspelt"),
        pytest.param((b"acme", b"\xff"), id="no-utf8"),
    ],
)
def test_t22_there_is_no_second_way_to_write_a_batch(edit: tuple[bytes, bytes]) -> None:
    payload = render_batch(BATCH)
    assert edit[0] in payload
    with pytest.raises(MalformedFeedError):
        parse_batch(payload.replace(*edit))


def test_t22_a_batch_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(LimitExceededError, match="want at most 8388608"):
        parse_batch(b"{" * (MAX_PAYLOAD_BYTES + 1))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        pytest.param(change(HEADER, previous=""), "previous", id="previous"),
        pytest.param(change(HEADER, sha256="ab"), "sha256", id="sha256"),
        pytest.param(change(HEADER, size=2**40), "size", id="size"),
        pytest.param(change(HEADER, issued_at="2026-99-23T09:00:00Z"), "issuedAt", id="time"),
    ],
)
def test_t22_a_header_beyond_its_bounds_is_refused(header: SnapshotV1, said: str) -> None:
    with pytest.raises(MalformedFeedError, match=said):
        parse_snapshot(msgspec.json.encode(header))


def test_a_row_may_be_a_little_ahead_of_its_batch() -> None:
    row = change(ROW, scanned_at=render_time(AT + MAX_ROW_AHEAD))
    assert not is_ahead(row, AT)
    assert is_ahead(row, AT - timedelta(microseconds=1))


def test_a_report_too_large_for_a_row_is_left_to_the_registry() -> None:
    from support.image_world import findings  # noqa: PLC0415 beside its only use
    from tidegate.testing.evidence_world import statement  # noqa: PLC0415 beside its only use

    with pytest.raises(LimitExceededError, match="gates read the registry"):
        row_of(statement(SUBJECT, findings(20_001)), ARTIFACT)
