"""Laws of the spool: what goes in comes out, in order, whole, whoever wrote or took it."""

import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tidegate.gate.spool import LANES, Lane, Spool, adopt_spool
from tidegate.gate.spool_rows import SharedEvent

ROWS = [b'{"image":"%b"}' % text for text in (b"a", b"b" * 30, b'\\"images\\":[]', b"=", b"[0]{")]

rows = st.lists(st.sampled_from(ROWS), max_size=4)
writes = st.tuples(st.just("write"), st.sampled_from(LANES), st.lists(rows, max_size=6))
takes = st.tuples(st.just("take"), st.sampled_from(LANES), st.integers(1, 5))
steps = st.lists(
    st.one_of(writes, takes, st.tuples(st.sampled_from(["restart", "adopt", "torn"]))), max_size=12
)


def event(number: int, chosen: list[bytes]) -> SharedEvent:
    if not chosen:
        return SharedEvent(b'{"id":%d}' % number)
    return SharedEvent(b'{"id":%d,"name":"","images":[],"more":[]}' % number, tuple(chosen))


def whole(number: int, chosen: list[bytes]) -> bytes:
    if not chosen:
        return b'{"id":%d}' % number
    return b'{"id":%d,"name":"","images":[%b],"more":[]}' % (number, b",".join(chosen))


@given(steps)
def test_events_come_out_whole_and_in_order(done: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, number = Path(name) / "0", 0
        spool = Spool(folder, 8 * 200)  # segments of 200 bytes
        waiting: dict[Lane, list[bytes]] = {lane: [] for lane in LANES}
        for step in done:
            match step:
                case ("write", "verdict" | "allow" as lane, list(chosen)):
                    events = [(number + n, each) for n, each in enumerate(chosen)]
                    number += len(events)
                    before = spool.size_bytes
                    if before + sum(len(whole(*each)) + 60 for each in events) > 8 * 200:
                        continue  # what a full spool gives up is told elsewhere
                    assert spool.append([(lane, event(*each)) for each in events]) == 0
                    waiting[lane] += [whole(*each) for each in events]
                case ("take", "verdict" | "allow" as lane, int(most)):
                    take(spool, waiting, lane, most)
                case ("restart",):
                    spool = Spool(folder, 8 * 200)
                case ("torn",):
                    for path in folder.glob("*.jsonl"):
                        path.write_bytes(path.read_bytes() + b'={"ima')
                    spool = Spool(folder, 8 * 200)
                case _:
                    other = Path(name) / str(int(folder.name) + 1)
                    adopt_spool(folder, other)
                    folder, spool = other, Spool(other, 8 * 200)
        for lane in LANES:
            while waiting[lane]:
                take(spool, waiting, lane, 3)
        assert spool.peek(1) is None


def take(spool: Spool, waiting: dict[Lane, list[bytes]], first: Lane, most: int) -> None:
    """Take a batch, looked at twice, and hold it against what was written."""
    batch = spool.peek(most, first)
    assert batch == spool.peek(most, first)
    if batch is None:
        assert not any(waiting.values())
        return
    assert batch.lane == first or not waiting[first]
    assert list(batch.lines) == waiting[batch.lane][: len(batch.lines)]
    assert all(json.loads(line) for line in batch.lines)
    del waiting[batch.lane][: len(batch.lines)]
    spool.acknowledge(batch)
