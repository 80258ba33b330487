"""Looking behind rows: seldom for each digest, one after the other, and less when not answered."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tidegate.domain.digest import Digest, digest_of
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.evidence import behind as looking
from tidegate.evidence.behind import EVERY_S, Behind

IMAGE = parse_reference("registry.example/team/app:1")
A, B = digest_of(b"a"), digest_of(b"b")


class Looks:
    """What was looked at, and how many looks were under way at once."""

    def __init__(self) -> None:
        self.uptime_s = 0.0
        self.behind = Behind(lambda: self.uptime_s)
        self.seen: list[Digest] = []
        self.at_once = self.most_at_once = 0
        self.answered = True
        self._looked = asyncio.Event()

    async def look(self, _: ImageReference, subject: Digest) -> bool:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.seen.append(subject)
        self._looked.set()
        return self.answered

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.seen) < count:
                self._looked.clear()
                await self._looked.wait()


@pytest.fixture
async def looks(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Looks]:
    monkeypatch.setattr(looking, "PACE_S", 0.0)
    made = Looks()
    task = asyncio.create_task(made.behind.run(made.look))
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_digest_is_looked_at_once_in_a_while(looks: Looks) -> None:
    looks.behind.wish(IMAGE, A)
    looks.behind.wish(IMAGE, A)
    await looks.until(1)
    looks.uptime_s = EVERY_S - 1
    looks.behind.wish(IMAGE, A)
    looks.behind.wish(IMAGE, B)
    await looks.until(2)
    looks.uptime_s = EVERY_S
    looks.behind.wish(IMAGE, A)
    await looks.until(3)
    assert looks.seen == [A, B, A]


async def test_one_is_looked_at_after_the_other(looks: Looks) -> None:
    for n in range(20):
        looks.behind.wish(IMAGE, digest_of(b"%d" % n))
    await looks.until(20)
    assert looks.most_at_once == 1


async def test_registries_that_do_not_answer_are_left_alone_for_a_while(looks: Looks) -> None:
    looks.answered = False
    looks.behind.wish(IMAGE, A)
    looks.behind.wish(IMAGE, B)
    await looks.until(1)
    assert looks.behind.waiting == 1


async def test_wishes_beyond_the_room_for_them_may_be_made_again(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MAX_WAITING", 1)
    looks.behind.wish(IMAGE, A)
    looks.behind.wish(IMAGE, B)
    await looks.until(1)
    looks.behind.wish(IMAGE, B)
    await looks.until(2)
    assert looks.seen == [A, B]


async def test_of_many_digests_those_looked_at_longest_ago_are_forgotten(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MAX_KNOWN", 1)
    for subject in (A, B, A):
        looks.behind.wish(IMAGE, subject)
    await looks.until(3)
    assert looks.seen == [A, B, A]
