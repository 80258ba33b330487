"""When a batch or a snapshot counts: every way of going back, mixing or forging, by name."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from tidegate.domain.digest import digest_of
from tidegate.domain.errors import FeedRefusedError
from tidegate.feed.chain import (
    MAX_AHEAD,
    ChainState,
    Step,
    judge_batch,
    judge_snapshot,
    verify_batch,
    verify_snapshot,
)
from tidegate.testing.evidence_world import evidence_key
from tidegate.testing.feed_world import NOON, Feeder
from tidegate.trust.dsse import sign_envelope
from tidegate.trust.keys import generate_key
from tidegate.wire.feed_v1 import BATCH_TYPE, SNAPSHOT_TYPE, SnapshotV1
from tidegate.wire.statement_v1 import render_time

KEY, OTHER_KEY = generate_key(), generate_key()
KEYS = (evidence_key(KEY),)


class Situation:
    """A gate that holds three batches of a chain, of which the third is the head."""

    def __init__(self) -> None:
        self.feeder = Feeder(KEY)
        for n in range(5):
            self.feeder.batch(at=NOON + timedelta(minutes=n))
        self.held = self.state(3)

    def envelope(self, epoch: int) -> bytes:
        return self.feeder.signed(self.feeder.batches[epoch - 1])

    def state(self, epoch: int) -> ChainState:
        return verify_batch(KEYS, self.envelope(epoch)).state

    def altered(self, epoch: int, **changes: object) -> bytes:
        return self.feeder.signed(replace(self.feeder.batches[epoch - 1], **changes))

    def header(self, epoch: int, **changes: object) -> bytes:
        header = SnapshotV1(
            audience="acme",
            chain=self.feeder.chain,
            chain_started_at=render_time(NOON),
            epoch=epoch,
            previous=self.feeder.digests[epoch - 1],
            issued_at=render_time(NOON),
            sha256="0" * 64,
            size=1,
            subjects=0,
        )
        return self.feeder.signed_header(replace(header, **changes))

    def later(self, epochs: int = 1) -> bytes:
        feeder = self.feeder.restarted(NOON + timedelta(minutes=3))
        return [feeder.batch() for _ in range(epochs)][-1]

    def earlier(self) -> bytes:
        return self.feeder.restarted(NOON - timedelta(minutes=3)).batch()


Make = Callable[[Situation], bytes]

ELSEWHERE = digest_of(b"elsewhere")
LATE = render_time(NOON + MAX_AHEAD + timedelta(seconds=1))


def judged(situation: Situation, envelope: bytes) -> Step:
    return judge_batch(situation.held, verify_batch(KEYS, envelope), "acme", NOON)


def judged_snapshot(situation: Situation, envelope: bytes, base: ChainState | None = None) -> Step:
    return judge_snapshot(situation.held, base, verify_snapshot(KEYS, envelope), "acme", NOON)


@pytest.mark.parametrize(
    ("make", "step"),
    [
        pytest.param(lambda s: s.envelope(4), Step.APPLY, id="the-next"),
        pytest.param(lambda s: s.envelope(3), Step.KNOWN, id="our-own"),
        pytest.param(lambda s: s.envelope(5), Step.GAP, id="the-next-but-one"),
        pytest.param(lambda s: s.later(), Step.APPLY, id="a-later-chain-begins"),
        pytest.param(lambda s: s.later(2), Step.GAP, id="a-later-chain-goes-on"),
    ],
)
def test_a_batch_that_fits_is_taken_in_order(make: Make, step: Step) -> None:
    situation = Situation()
    assert judged(situation, make(situation)) is step


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda s: s.envelope(2), "rollback", id="rolled-back"),
        pytest.param(lambda s: s.envelope(1), "rollback", id="from-the-start"),
        pytest.param(
            lambda s: s.altered(3, issued_at=render_time(NOON)), "fork", id="other-bytes-there"
        ),
        pytest.param(lambda s: s.altered(4, previous=ELSEWHERE), "fork", id="other-predecessor"),
        pytest.param(
            lambda s: s.altered(4, chain_started_at=LATE), "fork", id="same-chain-began-later"
        ),
        pytest.param(lambda s: s.earlier(), "chain", id="a-chain-that-began-earlier"),
        pytest.param(
            lambda s: s.feeder.restarted(NOON).batch(), "chain", id="a-chain-that-began-as-ours"
        ),
        pytest.param(lambda s: s.altered(4, audience="other"), "audience", id="mixed-up"),
        pytest.param(lambda s: s.altered(4, audience="ACME"), "audience", id="not-exactly-ours"),
        pytest.param(lambda s: s.altered(4, issued_at=LATE), "future", id="from-the-future"),
        pytest.param(lambda _: Feeder(OTHER_KEY).batch(), "signature", id="unknown-key"),
        pytest.param(lambda s: s.header(4), "signature", id="a-header-as-batch"),
        pytest.param(lambda s: s.envelope(4)[:-9], "signature", id="cut-off"),
        pytest.param(lambda _: b"", "signature", id="nothing"),
        pytest.param(lambda _: b"[" * (12 * 2**20), "signature", id="oversized"),
        pytest.param(lambda _: sign_envelope(KEY, BATCH_TYPE, b"{}"), "malformed", id="no-batch"),
        pytest.param(
            lambda _: sign_envelope(KEY, BATCH_TYPE, b" " * (8 * 2**20 + 1)),
            "malformed",
            id="too-large",
        ),
    ],
)
def test_t22_a_batch_is_refused(make: Make, reason: str) -> None:
    situation = Situation()
    with pytest.raises(FeedRefusedError) as refused:
        judged(situation, make(situation))
    assert refused.value.reason == reason
    assert str(refused.value)


@pytest.mark.parametrize(
    ("epoch", "base", "step"),
    [
        pytest.param(3, 0, Step.APPLY, id="ends-where-we-are"),
        pytest.param(5, 0, Step.APPLY, id="ahead-of-us"),
        pytest.param(5, 2, Step.APPLY, id="ahead-of-us-and-of-the-held-one"),
        pytest.param(2, 1, Step.APPLY, id="behind-us-ahead-of-the-held-one"),
        pytest.param(2, 2, Step.KNOWN, id="the-held-one"),
    ],
)
def test_a_snapshot_that_fits_is_taken(epoch: int, base: int, step: Step) -> None:
    situation = Situation()
    held = situation.state(base) if base else None
    assert judged_snapshot(situation, situation.header(epoch), held) is step


def test_a_snapshot_of_a_later_chain_is_taken() -> None:
    situation = Situation()
    envelope = situation.header(
        1,
        chain="0b8b4567-327b-43c6-a98b-000000000001",
        chain_started_at=render_time(NOON + timedelta(minutes=1)),
    )
    assert judged_snapshot(situation, envelope, situation.state(2)) is Step.APPLY


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda s: s.header(1), "rollback", id="behind-the-held-one"),
        pytest.param(lambda s: s.header(3, previous=ELSEWHERE), "fork", id="other-batch-there"),
        pytest.param(lambda s: s.header(4, chain_started_at=LATE), "fork", id="same-chain-later"),
        pytest.param(
            lambda s: s.header(
                5,
                chain="0b8b4567-327b-43c6-a98b-000000000001",
                chain_started_at=render_time(NOON - timedelta(days=1)),
            ),
            "chain",
            id="a-chain-that-began-earlier",
        ),
        pytest.param(lambda s: s.header(5, audience="other"), "audience", id="mixed-up"),
        pytest.param(lambda s: s.header(5, issued_at=LATE), "future", id="from-the-future"),
        pytest.param(lambda s: s.header(5, format=2), "format", id="a-format-of-the-future"),
        pytest.param(lambda s: s.envelope(4), "signature", id="a-batch-as-header"),
        pytest.param(
            lambda _: sign_envelope(KEY, SNAPSHOT_TYPE, b"{}"), "malformed", id="no-header"
        ),
    ],
)
def test_t22_a_snapshot_is_refused(make: Make, reason: str) -> None:
    situation = Situation()
    with pytest.raises(FeedRefusedError) as refused:
        judged_snapshot(situation, make(situation), situation.state(2))
    assert refused.value.reason == reason


def test_a_gate_that_holds_nothing_begins_at_the_start_or_by_a_snapshot() -> None:
    situation = Situation()

    def step(epoch: int) -> Step:
        signed = verify_batch(KEYS, situation.envelope(epoch))
        return judge_batch(None, signed, "acme", NOON)

    assert step(1) is Step.APPLY
    assert step(2) is Step.GAP
    header = verify_snapshot(KEYS, situation.header(2))
    assert judge_snapshot(None, None, header, "acme", NOON) is Step.APPLY
