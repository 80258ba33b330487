"""The feed at the hub: chains that only grow at their end, read by cursors that never mislead."""

import asyncio
import hashlib
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from support.hub_world import CLUSTER_TOKENS, TOKENS, World
from tidegate.domain.errors import ConflictError, InputError, NotFoundError
from tidegate.hub.api import feed as api
from tidegate.hub.jobs.pruning import prune
from tidegate.hub.store import feed, feed_snapshots
from tidegate.hubclient import HubClient
from tidegate.wire.feed_http_v1 import (
    PART_BYTES,
    FeedAppendV1,
    FeedKnownRequestV1,
    FeedPageV1,
    FeedTurnRequestV1,
    FeedUploadV1,
)
from tidegate.wire.hub_v1 import FeedEndV1, HeartbeatV1

KEY, OTHER = "a" * 64, "b" * 64
CHAIN = str(uuid.UUID(int=1))
NEW_CHAIN = str(uuid.UUID(int=2))


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def batch(
    epoch: int, key: str = KEY, chain: str = CHAIN, *, replaces: str = "", said: str = ""
) -> FeedAppendV1:
    """A batch whose envelope names its place, so that tests can read it again."""
    return FeedAppendV1(
        key,
        chain,
        epoch,
        digest(f"{chain}/{epoch - 1}") if epoch > 1 else "",
        digest(f"{chain}/{epoch}{said}"),
        3,
        f"{key[:1]}{chain[-1]}{epoch}{said}",
        replaces,
    )


async def fill(world: World, count: int, key: str = KEY, chain: str = CHAIN) -> None:
    for epoch in range(1, count + 1):
        assert (await world.scanner.append_batch(batch(epoch, key, chain))).appended


def envelopes(page: FeedPageV1) -> list[str]:
    return [each.envelope for each in page.batches]


async def drain(client: HubClient, after: str = "") -> tuple[list[str], str]:
    """Return all envelopes after a cursor, and the cursor after them."""
    found = []
    more = True
    while more:
        page = await client.follow_feed(after, 0)
        found += envelopes(page)
        after, more = page.cursor, page.more
    return found, after


async def upload(world: World, epoch: int, body: bytes, key: str = KEY, chain: str = CHAIN) -> str:
    turn = await world.scanner.take_feed_turn(FeedTurnRequestV1(key, "w1"))
    assert turn is not None
    sha256 = hashlib.sha256(body).hexdigest()
    begun = await world.scanner.begin_snapshot(
        FeedUploadV1(key, turn.lease, chain, epoch, len(body), sha256, f"snapshot {epoch}")
    )
    for number, start in enumerate(range(0, len(body), PART_BYTES)):
        await world.scanner.put_snapshot_part(begun, number, body[start : start + PART_BYTES])
    await world.scanner.finish_snapshot(begun)
    await world.scanner.end_feed_turn(FeedTurnRequestV1(key, "w1", turn.lease))
    return begun


async def test_a_key_without_a_chain_has_an_empty_head(world: World) -> None:
    assert (await world.scanner.feed_head(KEY)).epoch == 0


async def test_the_head_is_the_last_batch(world: World) -> None:
    await fill(world, 3)
    head = await world.scanner.feed_head(KEY)
    assert (head.chain, head.epoch, head.digest) == (CHAIN, 3, digest(f"{CHAIN}/3"))
    assert (head.envelope, head.rows_since_snapshot) == ("a13", 9)


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(batch(3), id="gap-behind"),
        pytest.param(batch(5), id="gap-ahead"),
        pytest.param(
            FeedAppendV1(KEY, CHAIN, 4, digest("another third"), digest("x"), 0, "e"), id="fork"
        ),
        pytest.param(batch(4, chain=NEW_CHAIN), id="other-chain"),
        pytest.param(batch(1, chain=NEW_CHAIN), id="new-chain-without-word-of-the-old"),
        pytest.param(
            batch(1, chain=NEW_CHAIN, replaces=digest(f"{CHAIN}/2")), id="new-chain-for-old-end"
        ),
    ],
)
async def test_what_does_not_continue_the_chain_is_answered_with_its_end(
    world: World, refused: FeedAppendV1
) -> None:
    await fill(world, 3)
    answer = await world.scanner.append_batch(refused)
    assert not answer.appended
    assert answer.head is not None
    assert (answer.head.epoch, answer.head.envelope) == (3, "a13")
    assert await drain(world.c1) == (["a11", "a12", "a13"], (await drain(world.c1))[1])


async def test_a_chain_that_names_the_end_of_the_old_one_replaces_it(world: World) -> None:
    await fill(world, 2)
    begun = batch(1, chain=NEW_CHAIN, replaces=digest(f"{CHAIN}/2"))
    assert (await world.scanner.append_batch(begun)).appended
    assert (await world.scanner.feed_head(KEY)).chain == NEW_CHAIN
    assert (await drain(world.c1))[0] == ["a11", "a12", "a21"]


async def test_of_two_that_append_at_once_one_comes_first(world: World) -> None:
    await fill(world, 1)
    rivals = [batch(2, said=word) for word in ("x", "y", "z")]
    answers = await asyncio.gather(*map(world.scanner.append_batch, rivals))
    assert sorted(answer.appended for answer in answers) == [False, False, True]
    assert len((await drain(world.c1))[0]) == 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"fingerprint": "A" * 64}, id="fingerprint"),
        pytest.param({"chain": "x"}, id="chain"),
        pytest.param({"epoch": 0}, id="epoch"),
        pytest.param({"rows": 4001}, id="rows"),
        pytest.param({"envelope": ""}, id="no-envelope"),
        pytest.param({"previous": digest("x")}, id="first-with-previous"),
    ],
)
async def test_a_position_that_cannot_be_is_refused(
    world: World, change: dict[str, object]
) -> None:
    body = batch(1)
    for name, value in change.items():
        setattr(body, name, value)
    with pytest.raises(InputError):
        await world.scanner.append_batch(body)


async def test_followers_get_each_batch_once_in_order(world: World) -> None:
    await fill(world, 2)
    first = await world.c1.follow_feed("", 0)
    assert (first.reset, envelopes(first)) == (True, ["a11", "a12"])
    await world.scanner.append_batch(batch(3))
    await fill(world, 1, OTHER, NEW_CHAIN)
    second = await world.c1.follow_feed(first.cursor, 0)
    assert (second.reset, envelopes(second)) == (False, ["a13", "b21"])
    third = await world.c1.follow_feed(second.cursor, 0)
    assert (third.cursor, third.batches) == (second.cursor, [])


async def test_a_key_alone_can_be_followed(world: World) -> None:
    await fill(world, 2)
    await fill(world, 1, OTHER, NEW_CHAIN)
    page = await world.scanner.follow_feed("", 0, OTHER)
    assert envelopes(page) == ["b21"]


async def test_whoever_waits_hears_of_a_batch(world: World) -> None:
    waiting = asyncio.create_task(world.c1.follow_feed("", 20))
    while not world.hub.signals.feed.waiting:
        await asyncio.sleep(0)
    await world.scanner.append_batch(batch(1))
    assert envelopes(await waiting) == ["a11"]


async def test_answers_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_ANSWER_CHARS", 7)
    await fill(world, 5)
    page = await world.c1.follow_feed("", 0)
    assert (envelopes(page), page.more) == (["a11", "a12"], True)
    assert (await drain(world.c1))[0] == [f"a1{epoch}" for epoch in range(1, 6)]


@pytest.mark.parametrize("cursor", ["x", "1", "1.", ".a", f"{10**30}.a", "1.a.b"])
async def test_what_is_no_cursor_is_refused(world: World, cursor: str) -> None:
    await fill(world, 1)
    with pytest.raises(InputError, match="want the cursor of an answer"):
        await world.c1.follow_feed(cursor, 0)


async def test_a_cursor_from_before_the_database_was_put_back_begins_anew(world: World) -> None:
    await fill(world, 3)
    _, cursor = await drain(world.c1)
    async with world.hub.database.write() as connection:  # as a backup after two batches has it
        await connection.execute(text("DELETE FROM feed_batches WHERE epoch = 3"))
        await connection.execute(text("UPDATE feed_order SET last = 2"))
        back = "UPDATE feed_heads SET epoch = 2, place = 2, digest = :digest"
        await connection.execute(text(back), {"digest": digest(f"{CHAIN}/2")})
    page = await world.c1.follow_feed(cursor, 0)
    assert (page.reset, envelopes(page)) == (True, ["a11", "a12"])
    await world.scanner.append_batch(batch(3, said="another"))
    page = await world.c1.follow_feed(cursor, 0)
    assert (page.reset, envelopes(page)) == (True, ["a11", "a12", "a13another"])


async def test_a_snapshot_is_served_with_what_came_after_it(world: World) -> None:
    await fill(world, 4)
    _, behind = await drain(world.c1)
    body = bytes(range(256)) * (PART_BYTES // 256) + b"the last part"
    snapshot = await upload(world, 2, body)
    first = await world.c1.follow_feed("", 0)
    assert first.reset
    assert [(s.id, s.epoch, s.size) for s in first.snapshots] == [(snapshot, 2, len(body))]
    assert envelopes(first) == ["a13", "a14"]
    assert b"".join([c async for c in world.c1.read_snapshot(snapshot)]) == body
    cut = PART_BYTES - 5
    assert b"".join([c async for c in world.c1.read_snapshot(snapshot, cut)]) == body[cut:]
    told = await world.c1.follow_feed(behind, 0)
    assert (told.reset, [s.id for s in told.snapshots], told.batches) == (False, [snapshot], [])
    assert (await world.scanner.feed_head(KEY)).rows_since_snapshot == 6


async def test_beginning_anew_in_several_answers_leaves_out_what_the_snapshot_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate would take a batch that its snapshot holds for one of a chain put back."""
    await fill(world, 2)
    await fill(world, 4, OTHER, NEW_CHAIN)
    await upload(world, 3, b"b", OTHER, NEW_CHAIN)
    monkeypatch.setattr(feed, "MAX_ANSWER_CHARS", 1)
    assert (await drain(world.c1))[0] == ["a11", "a12", "b24"]


@pytest.mark.parametrize(
    ("header", "status", "wanted"),
    [
        ("bytes=2-4", 206, b"cde"),
        ("bytes=2-", 206, b"cdef"),
        ("bytes=6-", 416, None),
        ("bytes=-2", 200, b"abcdef"),
        ("items=1-2", 200, b"abcdef"),
    ],
)
async def test_ranges_of_a_snapshot(
    world: World, header: str, status: int, wanted: bytes | None
) -> None:
    await fill(world, 1)
    snapshot = await upload(world, 1, b"abcdef")
    client = world.raw(CLUSTER_TOKENS["c1"])
    path = f"/api/v1/feed/snapshots/{snapshot}"
    answer = await client.get(path, headers={"Range": header})
    assert answer.status_code == status
    assert wanted is None or answer.content == wanted
    other = await client.get(path, headers={"Range": header, "If-Range": '"other"'})
    assert status != 206 or (other.status_code, other.content) == (200, b"abcdef")


async def test_a_snapshot_other_than_announced_is_never_served(world: World) -> None:
    await fill(world, 1)
    turn = await world.scanner.take_feed_turn(FeedTurnRequestV1(KEY, "w1"))
    assert turn is not None
    announced = FeedUploadV1(KEY, turn.lease, CHAIN, 1, 3, hashlib.sha256(b"abc").hexdigest(), "e")
    begun = await world.scanner.begin_snapshot(announced)
    with pytest.raises(NotFoundError, match="no part 0"):
        await world.scanner.finish_snapshot(begun)
    for part, content in ((0, b"ab"), (0, b"abcd"), (1, b"a")):
        with pytest.raises(InputError, match="want"):
            await world.scanner.put_snapshot_part(begun, part, content)
    await world.scanner.put_snapshot_part(begun, 0, b"abd")
    with pytest.raises(ConflictError, match="announced was"):
        await world.scanner.finish_snapshot(begun)
    with pytest.raises(NotFoundError):
        [chunk async for chunk in world.c1.read_snapshot(begun)]
    await world.scanner.put_snapshot_part(begun, 0, b"abc")
    await world.scanner.finish_snapshot(begun)
    assert [chunk async for chunk in world.c1.read_snapshot(begun)] == [b"abc"]


async def test_one_worker_at_a_time_has_the_turn(world: World) -> None:
    await fill(world, 1)
    first = await world.scanner.take_feed_turn(FeedTurnRequestV1(KEY, "w1"))
    assert first is not None
    assert await world.scanner.take_feed_turn(FeedTurnRequestV1(KEY, "w2")) is None
    kept = await world.scanner.take_feed_turn(FeedTurnRequestV1(KEY, "w1", first.lease))
    assert kept is not None
    assert kept.lease == first.lease
    world.later(api.TURN_S + 1)
    second = await world.scanner.take_feed_turn(FeedTurnRequestV1(KEY, "w2"))
    assert second is not None
    upload = FeedUploadV1(KEY, first.lease, CHAIN, 1, 3, "0" * 64, "e")
    with pytest.raises(ConflictError, match="the turn at this chain is lost"):
        await world.scanner.begin_snapshot(upload)
    with pytest.raises(ConflictError, match="the turn at this chain is lost"):
        await world.scanner.known_reports(FeedKnownRequestV1(KEY, first.lease))


async def test_a_snapshot_of_batches_that_the_hub_does_not_have_is_refused(world: World) -> None:
    await fill(world, 1)
    turn = await world.scanner.take_feed_turn(FeedTurnRequestV1(KEY, "w1"))
    assert turn is not None
    for chain, epoch in ((CHAIN, 2), (NEW_CHAIN, 1)):
        with pytest.raises(ConflictError, match="read the chain again"):
            await world.scanner.begin_snapshot(
                FeedUploadV1(KEY, turn.lease, chain, epoch, 3, "0" * 64, "e")
            )


async def test_what_a_snapshot_holds_is_dropped_in_time(world: World) -> None:
    await fill(world, 3)
    early, behind = "", (await world.c1.follow_feed("", 0)).cursor
    first = await upload(world, 2, b"first")
    second = await upload(world, 3, b"second")
    last = (await world.c1.follow_feed("", 0)).cursor
    await prune(world.hub.database, timedelta(0), world.now())
    assert (await drain(world.c1, behind))[0] == []
    world.later(3601)
    await prune(world.hub.database, timedelta(0), world.now())
    with pytest.raises(NotFoundError):
        [chunk async for chunk in world.c1.read_snapshot(first)]
    page = await world.c1.follow_feed(early, 0)
    assert ([s.id for s in page.snapshots], page.batches) == ([second], [])
    assert not (await world.c1.follow_feed(last, 0)).reset
    head = await world.scanner.feed_head(KEY)  # whose batch stays, to append after it
    assert (head.epoch, head.envelope) == (3, "a13")
    assert (await world.scanner.append_batch(batch(4))).appended


async def test_an_upload_that_nobody_goes_on_with_is_dropped(world: World) -> None:
    await fill(world, 1)
    turn = await world.scanner.take_feed_turn(FeedTurnRequestV1(KEY, "w1"))
    assert turn is not None
    announced = FeedUploadV1(KEY, turn.lease, CHAIN, 1, 1, "0" * 64, "e")
    begun = await world.scanner.begin_snapshot(announced)
    await world.scanner.put_snapshot_part(begun, 0, b"a")
    world.later(3601)
    await prune(world.hub.database, timedelta(0), world.now())
    with pytest.raises(NotFoundError, match="begin it again"):
        await world.scanner.put_snapshot_part(begun, 0, b"a")
    async with world.hub.database.read() as connection:
        with pytest.raises(NotFoundError):
            await feed_snapshots.part(connection, begun, 0)


async def test_chains_of_keys_out_of_use_are_dropped(world: World) -> None:
    await fill(world, 1)
    await upload(world, 1, b"x")
    world.later(91 * 86400)
    await fill(world, 1, OTHER, NEW_CHAIN)
    await prune(world.hub.database, timedelta(0), world.now())
    assert (await world.scanner.feed_head(KEY)).epoch == 0
    page = await world.c1.follow_feed("", 0)
    assert (page.snapshots, envelopes(page)) == ([], ["b21"])


async def test_the_number_of_chains_is_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_KEYS", 1)
    await fill(world, 1)
    with pytest.raises(ConflictError, match="the most that may"):
        await world.scanner.append_batch(batch(1, OTHER, NEW_CHAIN))


async def test_a_large_part_is_refused_before_it_is_read(world: World) -> None:
    client = world.raw(TOKENS["scanner"])
    path = "/api/v1/feed/snapshots/x/parts/0"
    answer = await client.put(path, content=b"x" * (PART_BYTES + 1))
    assert answer.status_code == 413


async def test_people_see_how_far_each_chain_has_come(world: World) -> None:
    await fill(world, 3)
    await upload(world, 2, b"body")
    (found,) = await world.reader.list_feed_heads()
    assert (found.fingerprint, found.epoch, found.snapshot_epoch) == (KEY, 3, 2)
    assert (found.rows_since_snapshot, found.snapshot_size, found.is_filled) == (3, 4, False)


@pytest.mark.parametrize(
    ("told", "standing", "missing"),
    [
        pytest.param((KEY, CHAIN, 3), "same", 0, id="same"),
        pytest.param((KEY, CHAIN, 1), "behind", 2, id="behind"),
        pytest.param((KEY, CHAIN, 4), "ahead", 0, id="hub-put-back"),
        pytest.param((KEY, NEW_CHAIN, 9), "other-chain", 0, id="other-chain"),
        pytest.param((OTHER, CHAIN, 3), "unknown-key", 0, id="unknown-key"),
    ],
)
async def test_a_cluster_that_is_behind_is_told_from_one_on_another_chain(
    world: World, told: tuple[str, str, int], standing: str, missing: int
) -> None:
    await fill(world, 3)
    await world.c1.send_heartbeat("c1", HeartbeatV1("1.2", "", feed=[FeedEndV1(*told)]))
    for cluster in (await world.reader.get_cluster("c1"), (await world.reader.list_clusters())[0]):
        (shown,) = cluster.feed
        assert (shown.fingerprint, shown.chain, shown.epoch) == told
        assert (shown.standing, shown.missing) == (standing, missing)
    await world.c1.send_heartbeat("c1", HeartbeatV1("1.2", ""))
    assert (await world.reader.get_cluster("c1")).feed == []


async def test_what_a_newer_agent_adds_keeps_it_from_nothing(world: World) -> None:
    body = {"agentVersion": "9", "policyGeneration": "", "notKnownYet": {"a": 1}}
    client = world.raw(CLUSTER_TOKENS["c1"])
    answer = await client.post("/api/v1/clusters/c1/heartbeat", json=body)
    assert answer.is_success, answer.text
    assert (await world.reader.get_cluster("c1")).agent_version == "9"
