"""What processes of a gate leave to those that come after them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.builders import DIGEST
from tidegate.evidence.memory import Remembered, ReportMemory
from tidegate.gate.members import member_folder, take_over
from tidegate.gate.spool import Spool, adopt_spool
from tidegate.gate.spool_rows import SharedEvent

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def spool(folder: Path) -> Spool:
    return Spool(folder / "spool", 2**20)


def events(folder: Path) -> list[bytes]:
    """Return what the spool of `folder` still has to deliver, in its order."""
    found: list[bytes] = []
    source = spool(folder)
    while (batch := source.peek(100)) is not None:
        found += batch.lines
        source.acknowledge(batch)
    return found


def remembered(folder: Path, hours: int, scanner: str = "s") -> None:
    at = NOON + timedelta(hours=hours)
    row = Remembered(DIGEST, "key", scanner, at, (DIGEST,))
    ReportMemory(folder / "reports.jsonl").remember([row])


def newest(folder: Path) -> dict[str, datetime]:
    rows = ReportMemory(folder / "reports.jsonl").rows(DIGEST)
    return {row.scanner: row.scanned_at for row in rows}


@pytest.mark.parametrize("before", [1, 2, 3])
@pytest.mark.parametrize("after", [1, 2, 4])
def test_every_event_and_the_newest_memory_reach_those_who_come(
    tmp_path: Path, before: int, after: int
) -> None:
    old = [tmp_path] if before == 1 else [member_folder(tmp_path, n) for n in range(before)]
    for number, folder in enumerate(old):
        spool(folder).append(
            [("verdict", SharedEvent(b"v%d" % number)), ("allow", SharedEvent(b"a%d" % number))]
        )
        remembered(folder, number)
        remembered(folder, -number, "other")
    take_over(tmp_path, after)
    new = [tmp_path] if after == 1 else [member_folder(tmp_path, n) for n in range(after)]
    found = [line for folder in new for line in events(folder)]
    expected = [b"%c%d" % (kind, n) for kind in b"va" for n in range(before)]
    assert sorted(found) == sorted(expected)
    for folder in new:
        assert newest(folder) == {"s": NOON + timedelta(hours=before - 1), "other": NOON}
    assert sorted(tmp_path.glob("process-*")) == ([] if after == 1 else new)
    take_over(tmp_path, after)  # again changes nothing
    assert [newest(folder) for folder in new] == [newest(new[0])] * after


def test_events_that_were_taken_are_not_adopted_again(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    first = spool(old)
    first.append([("verdict", SharedEvent(b"taken")), ("verdict", SharedEvent(b"left"))])
    batch = first.peek(1)
    assert batch is not None
    first.acknowledge(batch)
    spool(new).append([("verdict", SharedEvent(b"own"))])
    assert adopt_spool(old / "spool", new / "spool") == 1
    assert events(new) == [b"own", b"left"]
    assert not (old / "spool").exists()


def test_dropped_events_are_told_by_who_adopts(tmp_path: Path) -> None:
    tiny = Spool(tmp_path / "old/spool", 10)
    tiny.append([("verdict", SharedEvent(b"x" * 100))])
    adopt_spool(tmp_path / "old/spool", tmp_path / "new/spool")
    assert spool(tmp_path / "new").dropped == 1


def test_a_policy_kept_by_one_is_kept_by_those_who_come(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "a.zlib").write_bytes(b"copy")
    take_over(tmp_path, 2)
    for index in range(2):
        kept = member_folder(tmp_path, index) / "policy" / "a.zlib"
        assert kept.read_bytes() == b"copy"
    assert not (tmp_path / "policy").exists()
    (member_folder(tmp_path, 0) / "policy" / "a.zlib").write_bytes(b"own")
    take_over(tmp_path, 3)
    texts = [(member_folder(tmp_path, n) / "policy" / "a.zlib").read_bytes() for n in range(3)]
    assert texts == [b"own", b"copy", b"own"]
