"""A gate follows the feed: in order, over restarts, gaps, snapshots, and what it must refuse."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from support.feed_agent import FollowingGate, MemoryAgent
from tidegate.domain.digest import Digest, digest_of
from tidegate.gate import feed as following
from tidegate.testing.evidence_world import evidence_key, finding, statement
from tidegate.testing.feed_world import NOON, Feeder
from tidegate.trust.configuration import TrustConfiguration
from tidegate.trust.keys import generate_key
from tidegate.wire.feed_rows import row_of
from tidegate.wire.feed_v1 import RowV1

A, B, C = (digest_of(name) for name in (b"a", b"b", b"c"))


def row(subject: Digest, identifier: str = "CVE-1") -> RowV1:
    return row_of(statement(subject, [finding(identifier)]), digest_of(identifier.encode()))


def refusals(reason: str) -> float:
    return REGISTRY.get_sample_value("tidegate_gate_feed_refused_total", {"reason": reason}) or 0.0


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[FollowingGate]:
    made = FollowingGate(tmp_path, MemoryAgent())
    yield made
    await made.stop()


async def test_batches_become_rows_in_order(gate: FollowingGate) -> None:
    await gate.feed(row(A))
    await gate.feed(row(B), row(C))
    await gate.feed()
    assert [gate.ids(each) for each in (A, B, C)] == [["CVE-1"]] * 3
    assert gate.epoch == 3
    assert gate.changes == [None, {A}, {B, C}, set()]


async def test_what_was_held_is_held_after_a_restart_without_an_agent(gate: FollowingGate) -> None:
    await gate.feed(row(A))
    await gate.feed(row(B))
    gate.agent.is_away = True
    await gate.restart()
    assert [gate.ids(each) for each in (A, B)] == [["CVE-1"]] * 2
    assert gate.epoch == 2


async def test_after_a_restart_the_feed_goes_on_where_it_was(gate: FollowingGate) -> None:
    await gate.feed(row(A))
    await gate.restart()
    await gate.agent.read_to_the_end()
    assert gate.agent.asked[-1] == "1/0"
    await gate.feed(row(B))
    assert gate.epoch == 2


async def test_a_new_beginning_says_again_what_is_held_and_none_of_it_goes_back(
    gate: FollowingGate,
) -> None:
    for subject in (A, B, C):
        await gate.feed(row(subject))
    before = refusals("rollback")
    gate.trust = dataclasses.replace(gate.trust, generation="2")  # after which all is asked again
    await gate.feed(row(A, "CVE-2"))
    assert gate.agent.asked[-2] == ""
    assert refusals("rollback") == before
    assert (gate.ids(A), gate.ids(C), gate.epoch) == (["CVE-1", "CVE-2"], ["CVE-1"], 4)


async def test_a_snapshot_is_not_fetched_by_who_has_its_batches(gate: FollowingGate) -> None:
    await gate.feed(row(A))
    await gate.compact()
    assert gate.agent.fetched == []


async def test_a_snapshot_takes_the_place_of_many_batches(
    gate: FollowingGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MANY_BATCHES", 1)
    for subject in (A, B):
        await gate.feed(row(subject))
    await gate.compact()
    assert gate.agent.fetched == ["s1"]
    await gate.feed(row(C))
    for _ in range(2):
        assert [gate.ids(each) for each in (A, B, C)] == [["CVE-1"]] * 3
        assert gate.store.batches(gate.trusted.fingerprint) == {(gate.feeder.chain, 3)}
        gate.agent.is_away = True
        await gate.restart()


async def test_a_gate_that_comes_late_begins_with_the_snapshot(
    tmp_path: Path, gate: FollowingGate
) -> None:
    for subject in (A, B):
        await gate.feed(row(subject))
    await gate.compact()
    await gate.feed(row(C))
    await gate.stop()
    gate.agent.begins_at = 2
    (tmp_path / "late").mkdir()
    late = FollowingGate(tmp_path / "late", gate.agent, gate.key)
    try:
        gate.agent.add(gate.feeder.batch())
        await gate.agent.read_to_the_end()
        assert gate.agent.fetched
        assert [late.ids(each) for each in (A, B, C)] == [["CVE-1"]] * 3
        assert late.epoch == 4
    finally:
        await late.stop()


async def test_a_gap_is_filled_by_a_snapshot(gate: FollowingGate) -> None:
    await gate.feed(row(A))
    gate.feeder.batch([row(B)])  # never reaches the agent
    body = gate.folder / "filled.body"
    header = gate.feeder.snapshot(body)
    gate.agent.begins_at = 1
    gate.agent.add_snapshot("filled", gate.feeder.signed_header(header), body)
    await gate.feed(row(C))
    assert gate.agent.fetched == ["filled"]
    assert [gate.ids(each) for each in (A, B, C)] == [["CVE-1"]] * 3
    assert gate.epoch == 3


async def test_t22_a_gap_that_nothing_fills_changes_nothing_that_is_held(
    gate: FollowingGate,
) -> None:
    await gate.feed(row(A))
    gate.feeder.batch([row(B)])  # withheld
    gate.agent.add(gate.feeder.batch([row(C)]))
    await gate.agent.read_to_the_end()
    assert [gate.ids(each) for each in (A, B, C)] == [["CVE-1"], [], []]
    assert gate.epoch == 1


@pytest.mark.parametrize("reason", ["rollback", "fork", "audience", "future", "signature"])
async def test_t22_what_is_refused_is_counted_and_what_is_held_stays(
    gate: FollowingGate, reason: str
) -> None:
    await gate.feed(row(A))
    await gate.feed(row(B))
    last = gate.feeder.batches[-1]
    bad = {
        "rollback": gate.feeder.signed(gate.feeder.batches[0]),
        "fork": gate.feeder.signed(replace(last, rows=())),
        "audience": gate.feeder.signed(replace(last, audience="other")),
        "future": gate.feeder.signed(replace(last, issued_at="2027-01-01T00:00:00Z")),
        "signature": Feeder(generate_key()).batch([row(C)]),
    }
    before = refusals(reason)
    gate.agent.add(bad[reason])
    await gate.agent.read_to_the_end()
    assert refusals(reason) == before + 1
    assert [gate.ids(each) for each in (A, B, C)] == [["CVE-1"], ["CVE-1"], []]
    await gate.feed(row(C))
    assert gate.ids(C) == ["CVE-1"]


async def test_t22_a_body_with_other_bytes_is_not_held(gate: FollowingGate) -> None:
    gate.feeder.batch([row(A)])
    body = gate.folder / "body"
    header = gate.feeder.snapshot(body)
    body.write_bytes(body.read_bytes()[:-1] + b"\xff")
    before = refusals("content")
    gate.agent.add_snapshot("bad", gate.feeder.signed_header(header), body)
    await gate.agent.read_to_the_end()
    assert refusals("content") == before + 1
    assert gate.ids(A) == []
    assert gate.epoch == 0
    assert list((gate.folder / "feed" / gate.trusted.fingerprint).glob("body-*")) == []


@pytest.mark.parametrize("file", ["body", "header", "batches"])
async def test_t22_a_broken_folder_costs_rows_and_is_mended_by_the_agent(
    gate: FollowingGate, file: str
) -> None:
    gate.feeder.batch([row(A)])
    body = gate.folder / "s.body"
    header = gate.feeder.snapshot(body)
    gate.agent.begins_at = 0
    gate.agent.add_snapshot("s", gate.feeder.signed_header(header), body)
    await gate.agent.read_to_the_end()
    await gate.feed(row(B))
    assert [gate.ids(each) for each in (A, B)] == [["CVE-1"]] * 2
    kept = gate.folder / "feed" / gate.trusted.fingerprint
    (broken,) = kept.glob(f"{file}*")
    broken.write_bytes(broken.read_bytes()[:-20])
    await gate.stop()
    gate.agent.begins_at = 10
    gate.agent.is_away = True
    gate.start()
    assert gate.ids(A) == ([] if file != "batches" else ["CVE-1"])
    gate.agent.is_away = False
    await gate.stop()
    gate.agent.begins_at = 0
    (kept.parent / "cursor").unlink()
    gate.start()
    gate.agent.add(gate.feeder.batch())
    await gate.agent.read_to_the_end()
    assert [gate.ids(each) for each in (A, B)] == [["CVE-1"]] * 2
    assert gate.epoch == 3


async def test_t14_a_key_that_is_taken_out_is_forgotten_and_one_that_is_put_in_is_heard(
    gate: FollowingGate,
) -> None:
    await gate.feed(row(A))
    other = Feeder(generate_key())
    gate.agent.add(other.batch([row(B)]))
    await gate.agent.read_to_the_end()
    trusted = evidence_key(other.key, "other")
    gate.trust = TrustConfiguration(keys=(trusted,), audience="acme", generation="2")
    gate.agent.add(other.batch([row(C)]))
    await gate.agent.read_to_the_end()
    # The page that was under way was still asked for under the old configuration.
    gate.agent.add(other.batch())
    await gate.agent.read_to_the_end()
    assert gate.ids(A) == []
    assert [gate.ids(each, trusted) for each in (B, C)] == [["CVE-1"]] * 2
    assert not (gate.folder / "feed" / gate.trusted.fingerprint).exists()
    await gate.restart()
    assert [gate.ids(each, trusted) for each in (B, C)] == [["CVE-1"]] * 2


async def test_without_an_audience_nothing_is_followed(gate: FollowingGate) -> None:
    await gate.feed(row(A))
    gate.trust = replace_audience(gate.trust, "")
    await gate.restart()
    asked = len(gate.agent.asked)
    assert gate.ids(A) == []
    assert len(gate.agent.asked) == asked


async def test_rows_of_a_chain_that_ended_are_held_until_the_next_has_a_snapshot(
    gate: FollowingGate,
) -> None:
    await gate.feed(row(A))
    gate.feeder = gate.feeder.restarted(NOON + timedelta(minutes=1))
    await gate.feed(row(B))
    assert [gate.ids(each) for each in (A, B)] == [["CVE-1"]] * 2
    await gate.restart()
    assert [gate.ids(each) for each in (A, B)] == [["CVE-1"]] * 2
    assert gate.epoch == 1


async def test_a_disk_that_is_full_costs_the_next_start_and_no_row(gate: FollowingGate) -> None:
    await gate.feed(row(A))
    batches = gate.folder / "feed" / gate.trusted.fingerprint / "batches"
    batches.unlink()
    batches.mkdir()  # nothing can be appended to it
    await gate.feed(row(B))
    assert [gate.ids(each) for each in (A, B)] == [["CVE-1"]] * 2


def replace_audience(trust: TrustConfiguration, audience: str) -> TrustConfiguration:
    return TrustConfiguration(keys=trust.keys, audience=audience, generation=f"to {audience}")
