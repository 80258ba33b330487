from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tidegate.domain.digest import digest_of
from tidegate.evidence import memory as memory_module
from tidegate.evidence.memory import Remembered, ReportMemory

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SUBJECT = digest_of(b"image")
A, B = sorted((digest_of(b"a"), digest_of(b"b")))


def _row(minutes: int = 0, *artifacts: str, subject: bytes = b"image") -> Remembered:
    return Remembered(
        subject=digest_of(subject),
        fingerprint="f" * 64,
        scanner="Tidegate",
        scanned_at=NOON + timedelta(minutes=minutes),
        artifacts=artifacts or (A,),
    )


def test_the_newest_report_is_remembered_across_restarts(tmp_path: Path) -> None:
    path = tmp_path / "state" / "reports.jsonl"
    ReportMemory(path).remember([_row(0, A), _row(2, B), _row(1, A)])
    assert ReportMemory(path).rows(SUBJECT) == (_row(2, B),)


def test_t04_an_older_report_never_takes_the_place_of_a_newer() -> None:
    memory = ReportMemory()
    memory.remember([_row(2, B)])
    memory.remember([_row(1, A)])
    assert memory.rows(SUBJECT) == (_row(2, B),)


def test_reports_of_equal_times_are_all_remembered(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    memory = ReportMemory(path)
    memory.remember([_row(0, B)])
    memory.remember([_row(0, A)])
    assert memory.rows(SUBJECT) == ReportMemory(path).rows(SUBJECT) == (_row(0, A, B),)


def test_signers_and_scanners_are_remembered_apart() -> None:
    memory = ReportMemory()
    rows = [
        _row(),
        Remembered(SUBJECT, "e" * 64, "Tidegate", NOON, (A,)),
        Remembered(SUBJECT, "f" * 64, "Trivy", NOON, (A,)),
    ]
    memory.remember(rows)
    assert set(memory.rows(SUBJECT)) == set(rows)


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_a_line_cut_by_a_crash_costs_that_line_only(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "reports.jsonl"
    ReportMemory(path).remember([_row(subject=b"first")])
    ReportMemory(path).remember([_row()])
    path.write_bytes(path.read_bytes()[:-cut])
    memory = ReportMemory(path)
    assert memory.rows(digest_of(b"first"))
    memory.remember([_row(5)])
    again = ReportMemory(path)
    assert again.rows(SUBJECT) == (_row(5),)
    assert again.rows(digest_of(b"first"))


@pytest.mark.parametrize(
    "line",
    [
        *(b"garbage", b"{}", b"null", b'{"subject":"x"}', b"\xff\xfe", b"[" * 5000, b"\x00" * 100),
        msgspec.json.encode(_row()).replace(b"sha256:", b"sha256-"),
        msgspec.json.encode(_row(1)).replace(b"Z", b""),
    ],
)
def test_a_corrupt_line_is_counted_and_skipped(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "reports.jsonl"
    ReportMemory(path).remember([_row()])
    path.write_bytes(line + b"\n" + path.read_bytes())
    memory = ReportMemory(path)
    assert memory.corrupt_lines == 1
    assert memory.rows(SUBJECT) == (_row(),)


def test_the_file_is_rewritten_when_most_of_it_is_history(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    memory = ReportMemory(path)
    for minutes in range(1100):
        memory.remember([_row(minutes)])
    assert len(path.read_bytes().split()) < 200
    assert ReportMemory(path).rows(SUBJECT) == (_row(1099),)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_written_longest_ago_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory_module, "MAX_ROWS", 2)
    memory = ReportMemory()
    for name in (b"1", b"2", b"3"):
        memory.remember([_row(subject=name)])
    memory.remember([_row(1, subject=b"2")])
    memory.remember([_row(subject=b"4")])
    remembered = {name for name in (b"1", b"2", b"3", b"4") if memory.rows(digest_of(name))}
    assert remembered == {b"2", b"4"}


def test_a_file_that_cannot_be_written_is_an_error_and_memory_holds(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    memory = ReportMemory(path)
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        memory.remember([_row()])
    assert memory.rows(SUBJECT) == (_row(),)
