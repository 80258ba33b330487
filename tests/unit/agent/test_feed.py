"""The agent's copy of the feed: whatever the hub did, gates get every entry once and in order."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from tidegate.agent import feed as feed_module
from tidegate.agent import feed_copy as copy_module
from tidegate.agent import feed_pages as pages_module
from tidegate.agent.feed import FeedLink
from tidegate.agent.feed_copy import KEPT_S, FeedCopy, open_copy
from tidegate.agent.relay import Relay
from tidegate.domain.errors import HubUnavailableError, InputError
from tidegate.wire.feed_http_v1 import FeedBatchV1, FeedPageV1, FeedSnapshotV1

KEY, OTHER = "a" * 64, "b" * 64
CHAIN, NEW_CHAIN = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
TOKEN = "gate-token"  # noqa: S105, of this test


def batch(epoch: int, chain: str = CHAIN, key: str = KEY, said: str = "") -> FeedBatchV1:
    return FeedBatchV1(key, chain, epoch, f"{key[0]}{chain[-1]}.{epoch}{said}")


def snapshot(epoch: int, body: bytes, chain: str = CHAIN, key: str = KEY) -> FeedSnapshotV1:
    name = uuid.uuid5(uuid.UUID(chain), f"{key}{epoch}").hex
    sha256 = hashlib.sha256(body).hexdigest()
    return FeedSnapshotV1(name, key, chain, epoch, len(body), sha256, f"snapshot {epoch}")


class Hub:
    """A hub that answers what is put in `pages`, then nothing new for ever."""

    def __init__(self) -> None:
        self.pages: asyncio.Queue[FeedPageV1 | Exception] = asyncio.Queue()
        self.bodies: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.read_from: list[int] = []
        self.ends_after = 2**30
        """Octets after which a connection breaks."""

    async def follow_feed(self, after: str, wait_s: float = 0) -> FeedPageV1:
        del wait_s
        self.asked.append(after)
        page = await self.pages.get()
        if isinstance(page, Exception):
            raise page
        return page

    async def read_snapshot(self, snapshot: str, begin: int = 0) -> AsyncGenerator[bytes]:
        self.read_from.append(begin)
        body = self.bodies[snapshot]
        for start in range(begin, min(len(body), begin + self.ends_after), 3):
            yield body[start : start + 3]

    def say(self, *batches: FeedBatchV1, cursor: str, **more: object) -> None:
        self.pages.put_nowait(FeedPageV1(cursor, batches=list(batches), **more))  # type: ignore[arg-type]

    def serve(self, epoch: int, body: bytes, chain: str = CHAIN) -> FeedSnapshotV1:
        made = snapshot(epoch, body, chain)
        self.bodies[made.id] = body
        return made


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[FeedCopy]:
    made = FeedCopy(tmp_path / "feed")
    yield made
    made.close()


def everything(copy: FeedCopy, after: str = "") -> tuple[list[str], str]:
    """Return all envelopes after a cursor, snapshots first where they come first."""
    found: list[str] = []
    while (page := copy.page(after)) is not None:
        found += [s.envelope for s in page.snapshots] + [b.envelope for b in page.batches]
        after = page.cursor
    return found, after


def keep(copy: FeedCopy, made: FeedSnapshotV1, body: bytes, now: float = 0) -> None:
    copy.part(made.id).write_bytes(body)
    copy.take_snapshot(made, now)


def test_a_copy_with_nothing_in_it_says_nothing(copy: FeedCopy) -> None:
    assert copy.page("") is None


def test_gates_get_each_batch_once(copy: FeedCopy) -> None:
    copy.take([batch(1), batch(2)], "c1", 0)
    first, cursor = everything(copy)
    copy.take([batch(2), batch(3)], "c2", 0)
    assert (first, everything(copy, cursor)[0]) == (["a1.1", "a1.2"], ["a1.3"])
    assert copy.cursor == "c2"


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    copy = FeedCopy(tmp_path / "feed")
    copy.take([batch(1)], "c1", 0)
    keep(copy, snapshot(1, b"body"), b"body")
    copy.take([batch(2)], "c2", 0)
    said, cursor = everything(copy)
    copy.close()
    again = FeedCopy(tmp_path / "feed")
    assert (everything(again), again.cursor) == ((said, cursor), "c2")
    assert again.page(cursor) is None
    again.close()


@pytest.mark.parametrize("cursor", ["", "x", "other.1", "{}.99", "{}.1.2.3", "{}.-1", "{}"])
def test_a_cursor_of_another_copy_begins_anew(copy: FeedCopy, cursor: str) -> None:
    copy.take([batch(1)], "c1", 0)
    history = everything(copy)[1].partition(".")[0]
    page = copy.page(cursor.format(history))
    assert page is not None
    assert (page.reset, len(page.batches)) == (True, 1)


def test_beginning_anew_leaves_out_what_the_snapshot_holds(
    copy: FeedCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy.take([batch(1), batch(2), batch(1, NEW_CHAIN, OTHER), batch(3)], "c1", 0)
    keep(copy, snapshot(2, b"body"), b"body")
    monkeypatch.setattr(pages_module, "MAX_ANSWER_CHARS", 1)
    assert everything(copy)[0] == ["snapshot 2", "b2.1", "a1.3"]


def test_a_gate_that_is_a_little_behind_gets_batches_that_a_snapshot_holds(copy: FeedCopy) -> None:
    copy.take([batch(1)], "c1", 0)
    _, cursor = everything(copy)
    copy.take([batch(2)], "c2", 0)
    keep(copy, snapshot(2, b"body"), b"body")
    assert everything(copy, cursor)[0] == ["snapshot 2", "a1.2"]


def test_the_hub_put_back_loses_nothing_that_is_here(copy: FeedCopy) -> None:
    """Gates refuse a chain that goes back; what came after is what they need next."""
    copy.take([batch(1), batch(2), batch(3)], "c3", 0)
    _, cursor = everything(copy)
    copy.take([batch(1), batch(2), batch(1, NEW_CHAIN)], "d1", 0)
    assert everything(copy, cursor)[0] == ["a2.1"]
    assert everything(copy)[0] == ["a1.1", "a1.2", "a1.3", "a2.1"]


def test_a_fork_is_handed_on_for_gates_to_judge(copy: FeedCopy) -> None:
    copy.take([batch(1), batch(2)], "c1", 0)
    _, cursor = everything(copy)
    copy.take([batch(2, said=" otherwise")], "c2", 0)
    assert everything(copy, cursor)[0] == ["a1.2 otherwise"]


def test_what_a_snapshot_holds_is_dropped_in_time(copy: FeedCopy) -> None:
    copy.take([batch(9, NEW_CHAIN), batch(1), batch(2)], "c1", 0)
    first, second = snapshot(1, b"one"), snapshot(2, b"two")
    keep(copy, first, b"one")
    keep(copy, second, b"two")
    copy.take([batch(3)], "c2", KEPT_S)
    copy.prune(KEPT_S - 1)
    assert copy.body(first.id).is_file()
    copy.prune(KEPT_S + 1)
    assert not copy.body(first.id).exists()
    assert copy.body(second.id).is_file()
    assert everything(copy)[0] == ["snapshot 2", "a1.3"]
    assert copy.size_of(first.id) is None


def test_an_older_snapshot_is_not_wanted(copy: FeedCopy) -> None:
    keep(copy, snapshot(5, b"body"), b"body")
    assert not copy.wants(snapshot(5, b"body"))
    assert not copy.wants(snapshot(4, b"body"))
    assert copy.wants(snapshot(6, b"body"))
    assert copy.wants(snapshot(1, b"body", NEW_CHAIN))


def test_more_than_is_kept_drops_the_oldest(
    copy: FeedCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_module, "MAX_BATCH_CHARS", 9)
    copy.take([batch(1), batch(2), batch(3)], "c1", 0)
    assert everything(copy)[0] == ["a1.2", "a1.3"]


def test_the_number_of_keys_is_bounded(copy: FeedCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_module, "MAX_KEYS", 1)
    copy.take([batch(1), batch(1, key=OTHER), batch(2)], "c1", 0)
    assert everything(copy)[0] == ["a1.1", "a1.2"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(FeedBatchV1("x", CHAIN, 1, "e"), id="fingerprint"),
        pytest.param(FeedBatchV1(KEY, "../x", 1, "e"), id="chain"),
        pytest.param(FeedBatchV1(KEY, CHAIN, 0, "e"), id="epoch"),
        pytest.param(FeedBatchV1(KEY, CHAIN, 2**60, "e"), id="large-epoch"),
    ],
)
def test_a_page_with_a_batch_out_of_form_is_refused_whole(
    copy: FeedCopy, wrong: FeedBatchV1
) -> None:
    with pytest.raises(InputError, match="no place in any chain"):
        copy.take([batch(1), wrong], "c1", 0)
    assert (copy.page(""), copy.cursor) == (None, "")


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a/b", "A" * 32])
def test_an_id_is_no_path(copy: FeedCopy, name: str) -> None:
    wrong = snapshot(1, b"x")
    wrong.id = name
    with pytest.raises(InputError):
        copy.wants(wrong)
    with pytest.raises(InputError):
        copy.body(name)


@pytest.mark.parametrize(
    ("entries", "ends"),
    [
        pytest.param([batch(1), batch(2)], [(KEY, CHAIN, 2)], id="batches"),
        pytest.param([snapshot(7, b"b")], [(KEY, CHAIN, 7)], id="snapshot-alone"),
        pytest.param([batch(8), snapshot(7, b"b")], [(KEY, CHAIN, 8)], id="snapshot-behind"),
        pytest.param(
            [batch(9), snapshot(9, b"b"), batch(1, NEW_CHAIN)], [(KEY, NEW_CHAIN, 1)], id="anew"
        ),
        pytest.param(
            [batch(3), batch(5, key=OTHER)], [(KEY, CHAIN, 3), (OTHER, CHAIN, 5)], id="two-keys"
        ),
    ],
)
def test_how_far_each_chain_has_come(
    copy: FeedCopy,
    entries: list[FeedBatchV1 | FeedSnapshotV1],
    ends: list[tuple[str, str, int]],
) -> None:
    for at, entry in enumerate(entries):
        if isinstance(entry, FeedBatchV1):
            copy.take([entry], "c", at)
        else:
            keep(copy, entry, b"b", at)
    assert [(end.fingerprint, end.chain, end.epoch) for end in copy.ends] == ends
    assert max(end.received_at for end in copy.ends) == len(entries) - 1


def test_a_broken_copy_comes_again_from_the_hub(tmp_path: Path) -> None:
    copy = FeedCopy(tmp_path)
    copy.take([batch(1)], "c1", 0)
    copy.close()
    for path in tmp_path.glob("feed.sqlite*"):
        path.write_bytes(b"no database at all" * 1000)
    again = open_copy(tmp_path)
    assert (again.cursor, again.page("")) == ("", None)
    again.close()


def test_a_body_that_is_whole_and_not_known_yet_is_not_swept_away(copy: FeedCopy) -> None:
    made = snapshot(1, b"body")
    copy.part(made.id).write_bytes(b"body")
    copy.prune(KEPT_S)
    copy.take_snapshot(made, 0)
    assert copy.body(made.id).read_bytes() == b"body"
    assert not copy.part(made.id).exists()


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_a_snapshot_whose_body_is_lost_comes_again(tmp_path: Path, damage: str) -> None:
    copy = FeedCopy(tmp_path)
    copy.take([batch(1)], "c1", 0)
    made = snapshot(1, b"body")
    keep(copy, made, b"body")
    copy.close()
    path = copy.body(made.id)
    path.unlink() if damage == "gone" else path.write_bytes(b"bo")
    again = FeedCopy(tmp_path)
    assert (again.cursor, again.wants(made)) == ("", True)
    again.close()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def link(
    hub: Hub, copy: FeedCopy, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FeedLink]:
    monkeypatch.setattr(feed_module, "RETRY_S", (0.0, 0.0))
    link = FeedLink(hub, copy, lambda: 0.0)
    running = asyncio.create_task(link.run())
    yield link
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def collect(link: FeedLink, count: int) -> list[str]:
    """Return the first entries that a gate gets."""
    found: list[str] = []
    cursor = ""
    async with asyncio.timeout(10):
        while len(found) < count:
            page = await link.wait(cursor, 5)
            found += [s.envelope for s in page.snapshots] + [b.envelope for b in page.batches]
            cursor = page.cursor
    return found


async def test_a_gate_that_waits_hears_of_a_batch(hub: Hub, link: FeedLink) -> None:
    waiting = asyncio.create_task(link.wait("", 20))
    hub.say(batch(1), cursor="c1", reset=True)
    page = await waiting
    assert [b.envelope for b in page.batches] == ["a1.1"]


async def test_a_snapshot_comes_before_the_batches_after_it(hub: Hub, link: FeedLink) -> None:
    made = hub.serve(1, b"the whole body")
    hub.say(batch(2), cursor="c1", reset=True, snapshots=[made])
    assert await collect(link, 2) == ["snapshot 1", "a1.2"]
    assert link.copy.body(made.id).read_bytes() == b"the whole body"


async def test_an_interrupted_snapshot_goes_on_where_it_ended(hub: Hub, link: FeedLink) -> None:
    made = hub.serve(1, b"the whole body")
    hub.ends_after = 6
    for _ in range(3):
        hub.say(batch(2), cursor="c1", reset=True, snapshots=[made])
    assert await collect(link, 2) == ["snapshot 1", "a1.2"]
    assert hub.read_from == [0, 6, 12]
    assert hub.asked[:3] == ["", "", ""]


async def test_a_snapshot_other_than_announced_is_refused(hub: Hub, link: FeedLink) -> None:
    made = hub.serve(1, b"the whole body")
    hub.bodies[made.id] = b"some other one"
    hub.say(cursor="c1", reset=True, snapshots=[made])
    hub.say(batch(2), cursor="c2")
    assert await collect(link, 1) == ["a1.2"]
    assert not link.copy.body(made.id).exists()


async def test_batches_do_not_wait_for_a_newer_snapshot(hub: Hub, link: FeedLink) -> None:
    hub.say(batch(1), cursor="c1", reset=True)
    missing = snapshot(1, b"never sent")
    hub.say(batch(2), cursor="c2", snapshots=[missing])
    hub.bodies[missing.id] = b""
    assert await collect(link, 2) == ["a1.1", "a1.2"]


async def test_a_hub_away_is_asked_again(hub: Hub, link: FeedLink) -> None:
    hub.pages.put_nowait(HubUnavailableError("away"))
    hub.say(batch(1), cursor="c1", reset=True)
    assert await collect(link, 1) == ["a1.1"]


@pytest.fixture
async def gate(copy: FeedCopy, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A gate's connection to an agent whose hub is away."""
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    relay = Relay(None, token_file, lambda: (), FeedLink(None, copy, lambda: 0.0))
    transport = httpx2.ASGITransport(app=relay)  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://agent", headers=headers
    ) as client:
        yield client


async def test_gates_are_served_with_the_hub_away(gate: httpx2.AsyncClient, copy: FeedCopy) -> None:
    copy.take([batch(1), batch(2)], "c1", 0)
    made = snapshot(1, b"0123456789")
    keep(copy, made, b"0123456789")
    page = (await gate.get("/v1/feed", params={"wait": 0})).json()
    assert page["reset"]
    assert [b["envelope"] for b in page["batches"]] == ["a1.2"]
    assert page["snapshots"][0]["id"] == made.id
    path = f"/v1/feed/snapshots/{made.id}"
    assert (await gate.get(path)).content == b"0123456789"
    part = await gate.get(path, headers={"Range": "bytes=4-"})
    assert (part.status_code, part.content) == (206, b"456789")
    assert part.headers["content-range"] == "bytes 4-9/10"
    assert (await gate.get(path, headers={"Range": "bytes=10-"})).status_code == 416


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/feed?wait=26", 400),
        ("/v1/feed?wait=x", 400),
        ("/v1/feed?wait=nan", 400),
        (f"/v1/feed?after={'x' * 300}", 400),
        (f"/v1/feed?{'&'.join(f'a{n}=1' for n in range(11))}", 400),
        ("/v1/feed/snapshots/..%2f..%2fetc", 404),
        (f"/v1/feed/snapshots/{'0' * 32}", 404),
    ],
)
async def test_odd_questions_are_refused(gate: httpx2.AsyncClient, path: str, status: int) -> None:
    assert (await gate.get(path)).status_code == status


async def test_a_copy_that_cannot_be_read_is_asked_again(
    gate: httpx2.AsyncClient, copy: FeedCopy
) -> None:
    copy.close()
    for path in ("/v1/feed", f"/v1/feed/snapshots/{'0' * 32}"):
        assert (await gate.get(path)).status_code == 503


@pytest.mark.parametrize("path", ["/v1/feed", f"/v1/feed/snapshots/{'0' * 32}"])
async def test_the_feed_is_for_gates_alone(gate: httpx2.AsyncClient, path: str) -> None:
    answer = await gate.get(path, headers={"Authorization": "Bearer another"})
    assert answer.status_code == 401


async def test_an_agent_without_a_folder_says_so(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    relay = Relay(None, token_file, lambda: ())
    transport = httpx2.ASGITransport(app=relay)  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=transport, base_url="http://agent") as client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await client.get("/v1/feed", headers=headers)
    assert answer.status_code == 503
    assert "TIDEGATE_AGENT_DATA_DIR" in answer.text
