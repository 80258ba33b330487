"""Events on disk: in order, at least once, bounded, whole after a crash."""

import errno
import os
from pathlib import Path

import pytest

from tidegate.gate.spool import Batch, Lane, Spool
from tidegate.gate.spool_rows import SharedEvent

ALLOW: Lane = "allow"
VERDICT: Lane = "verdict"


def lines(lane: Lane, first: int, last: int, width: int = 10) -> list[tuple[Lane, SharedEvent]]:
    return [(lane, SharedEvent(str(n).rjust(width, "0").encode())) for n in range(first, last)]


def drain(spool: Spool, max_events: int = 100) -> list[int]:
    taken: list[int] = []
    while (batch := spool.peek(max_events)) is not None:
        taken += map(int, batch.lines)
        spool.acknowledge(batch)
    return taken


def test_events_come_in_order_and_verdicts_before_allows(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000)
    spool.append(lines(ALLOW, 0, 3) + lines(VERDICT, 10, 13))
    assert drain(spool, max_events=2) == [10, 11, 12, 0, 1, 2]
    assert (spool.size_bytes, list(tmp_path.glob("*.jsonl"))) == (0, [])


def test_what_was_not_acknowledged_comes_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000)
    spool.append(lines(VERDICT, 0, 4))
    first = spool.peek(2)
    assert first is not None
    assert spool.peek(2) == first
    spool.acknowledge(first)
    assert drain(Spool(tmp_path, 10_000)) == [2, 3]


def test_a_line_half_written_by_a_process_that_died_is_skipped(tmp_path: Path) -> None:
    Spool(tmp_path, 10_000).append(lines(VERDICT, 0, 2))
    (segment,) = tmp_path.glob("*.jsonl")
    segment.write_bytes(segment.read_bytes() + b"000")
    spool = Spool(tmp_path, 10_000)
    spool.append(lines(VERDICT, 2, 4))
    assert drain(spool) == [0, 1, 2, 3]


@pytest.mark.parametrize("state", [b"", b"{", b"[]", b'{"cursors": 7}'])
def test_a_broken_state_sends_again_and_loses_nothing(tmp_path: Path, state: bytes) -> None:
    Spool(tmp_path, 10_000).append(lines(VERDICT, 0, 2))
    (tmp_path / "state.json").write_bytes(state)
    assert drain(Spool(tmp_path, 10_000)) == [0, 1]


def test_a_full_spool_gives_up_the_oldest_allows_first_and_counts_them(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 800)  # segments of 100 bytes, lines of 11
    for n in range(0, 70, 10):
        spool.append(lines(ALLOW, n, n + 10))
    dropped = spool.append(lines(VERDICT, 100, 120))
    assert dropped == spool.dropped == 20
    assert drain(spool) == [*range(100, 120), *range(20, 70)]


def test_a_full_spool_refuses_new_allows_and_then_new_verdicts(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 110)
    assert spool.append(lines(VERDICT, 0, 10)) == 0
    assert spool.append(lines(ALLOW, 10, 13)) == 3
    assert spool.append(lines(VERDICT, 13, 15)) == 2
    assert spool.size_bytes <= 110
    assert drain(spool) == list(range(10))


def test_dropped_events_are_told_once_and_survive_a_restart(tmp_path: Path) -> None:
    Spool(tmp_path, 110).append(lines(VERDICT, 0, 13))
    spool = Spool(tmp_path, 110)
    batch = spool.peek(100)
    assert batch is not None
    assert batch.dropped == 3
    spool.acknowledge(batch)
    assert Spool(tmp_path, 110).dropped == 0


def test_an_acknowledged_segment_that_was_dropped_meanwhile_is_no_error(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 110)
    spool.append(lines(ALLOW, 0, 10))
    batch = spool.peek(5)
    spool.append(lines(VERDICT, 10, 15))
    assert isinstance(batch, Batch)
    spool.acknowledge(batch)
    assert drain(spool) == list(range(10, 15))


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on a disk of 300 bytes, which says at the sync that it is full."""
    sync = os.fsync

    def full_when_full(descriptor: int) -> None:
        if sum(path.stat().st_size for path in tmp_path.glob("*.jsonl")) > 300:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr("os.fsync", full_when_full)
    return tmp_path


def test_a_full_disk_gives_up_allows_for_verdicts_and_counts_them(small_disk: Path) -> None:
    spool = Spool(small_disk, 10_000)
    spool.append(lines(ALLOW, 0, 20))
    assert spool.append(lines(VERDICT, 100, 115)) == spool.dropped == 20
    assert set(drain(spool)) == set(range(100, 115))


def test_a_full_disk_takes_no_new_allows_and_keeps_the_verdicts_beside_them(
    small_disk: Path,
) -> None:
    spool = Spool(small_disk, 10_000)
    assert spool.append(lines(VERDICT, 0, 20) + lines(ALLOW, 100, 120)) == 20
    assert set(range(20)) <= set(drain(spool))


def test_a_disk_that_is_full_of_verdicts_is_an_error(small_disk: Path) -> None:
    spool = Spool(small_disk, 10_000)
    spool.append(lines(VERDICT, 0, 20))
    with pytest.raises(OSError, match="No space left"):
        spool.append(lines(VERDICT, 20, 40))
    assert set(range(20)) <= set(drain(spool))


def shared(number: int, *rows: bytes) -> tuple[Lane, SharedEvent]:
    return ALLOW, SharedEvent(b'{"id":%d,"images":[]}' % number, rows)


def test_rows_that_events_share_are_written_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**6)
    for number in range(100):
        spool.append([shared(number, b'"%b"' % (b"a" * 500), b'"b"')])
    assert spool.size_bytes < 100 * 50
    batch = spool.peek(100)
    assert batch is not None
    assert batch.lines[99] == b'{"id":99,"images":["%b","b"]}' % (b"a" * 500)


def test_rows_are_not_counted_as_events_that_were_given_up(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 400)
    spool.append([shared(number, b'"a"', b'"b"') for number in range(5)])
    assert spool.append(lines(VERDICT, 0, 1, width=300)) == spool.dropped == 5


@pytest.mark.parametrize("named", [b"7", b"0,7", b"", b"-1", b"x,0", b"0,0,"])
def test_an_event_that_names_rows_that_are_not_there_comes_as_it_is(
    tmp_path: Path, named: bytes
) -> None:
    Spool(tmp_path, 10_000).append([shared(0, b'"a"')])
    (segment,) = tmp_path.glob("*.jsonl")
    line = b'[%b]{"id":1,"images":[]}' % named
    segment.write_bytes(segment.read_bytes() + line + b"\n")
    batch = Spool(tmp_path, 10_000).peek(10)
    assert batch is not None
    assert batch.lines == (b'{"id":0,"images":["a"]}', line)
