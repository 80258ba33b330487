"""The index: the newest admission and the first bad verdict count, in whatever order they come."""

import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from support.builders import NOW
from tidegate.agent.admitted import AdmittedIndex
from tidegate.agent.admitted_link import LOOK_S, YOUNG, AdmittedLink
from tidegate.domain.errors import InputError
from tidegate.wire.admitted_v1 import (
    PAGE_ROWS,
    AdmissionsV1,
    AdmittedPageV1,
    AdmittedRowV1,
    AdmittedV1,
    BadV1,
)

DIGEST, OTHER = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
MARK, NEWER = "a" * 32, "b" * 32


def at(second: int) -> str:
    return f"2026-11-23T12:00:{second:02}.000000Z"


def admitted(
    second: int = 1, owner: str = "u", digest: str = DIGEST, mark: str = MARK
) -> AdmittedV1:
    return AdmittedV1(owner, "Deployment", digest, [mark], at(second))


def bad(second: int, owner: str = "u", digest: str = DIGEST) -> BadV1:
    return BadV1(owner, digest, at(second))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[AdmittedIndex]:
    with closing(AdmittedIndex(tmp_path)) as index:
        yield index


def take(index: AdmittedIndex, *told: AdmittedV1 | BadV1) -> bool:
    return index.take(
        AdmissionsV1(
            [each for each in told if isinstance(each, AdmittedV1)],
            [each for each in told if isinstance(each, BadV1)],
        )
    )


def page_of(index: AdmittedIndex, after: str = "") -> AdmittedPageV1:
    page = index.page(after)
    assert page is not None
    return page


def followed(
    index: AdmittedIndex, after: str = ""
) -> tuple[dict[tuple[str, str], AdmittedRowV1], str]:
    """Return what a gate holds that reads on until nothing is new, and where it is."""
    held: dict[tuple[str, str], AdmittedRowV1] = {}
    while (page := index.page(after)) is not None and (page.rows or page.cursor != after):
        for row in page.rows:
            held.pop((row.owner, row.digest), None)
            if row.rules:
                held[row.owner, row.digest] = row
        after = page.cursor
    return held, after


def test_an_admission_is_there_for_gates_and_after_a_restart(tmp_path: Path) -> None:
    with closing(AdmittedIndex(tmp_path)) as first:
        assert take(first, admitted())
        before = page_of(first)
    with closing(AdmittedIndex(tmp_path)) as second:
        assert page_of(second) == before
        assert second.page(before.cursor) is None
    assert before.rows == [AdmittedRowV1("u", DIGEST, [MARK], at(1))]
    assert before.reset


def test_what_is_known_is_nothing_new(index: AdmittedIndex) -> None:
    take(index, admitted())
    cursor = page_of(index).cursor
    assert not take(index, admitted())
    assert index.page(cursor) is None


TOLD = (admitted(1), admitted(5, mark=NEWER), bad(6), bad(8))


@pytest.mark.parametrize(
    "order", [pytest.param(o, id=str(n)) for n, o in enumerate(permutations(TOLD))]
)
def test_the_newest_admission_counts_in_any_order(
    index: AdmittedIndex, order: tuple[AdmittedV1 | BadV1, ...]
) -> None:
    for each in order:
        take(index, each)
    for each in TOLD[2:]:  # the sweep judges again
        take(index, each)
    (row,) = page_of(index).rows
    assert row == AdmittedRowV1("u", DIGEST, [NEWER], at(5), at(6))


@pytest.mark.parametrize(
    ("told", "since"),
    [
        pytest.param([bad(1)], "", id="judged-before-the-admission"),
        pytest.param([bad(2)], at(2), id="in-the-same-instant"),
        pytest.param([bad(9), bad(4), bad(7)], at(4), id="the-first-counts"),
        pytest.param([bad(4), admitted(5)], "", id="admitted-again-since"),
        pytest.param([bad(4), admitted(1)], at(4), id="an-old-admission-comes-late"),
        pytest.param([bad(4, digest=OTHER)], "", id="another-image"),
        pytest.param([bad(4, owner="v")], "", id="another-owner"),
    ],
)
def test_the_first_bad_verdict_after_the_admission_counts(
    index: AdmittedIndex, told: list[AdmittedV1 | BadV1], since: str
) -> None:
    take(index, admitted(2))
    for each in told:
        take(index, each)
    assert followed(index)[0]["u", DIGEST].bad_since == since


def test_a_gate_hears_what_changed_since_and_nothing_else(index: AdmittedIndex) -> None:
    take(index, admitted(1, "u"), admitted(1, "v"))
    first = page_of(index)
    assert [row.owner for row in first.rows] == ["u", "v"]
    take(index, bad(3, "u"))
    second = page_of(index, first.cursor)
    assert (second.reset, [row.owner for row in second.rows]) == (False, ["u"])


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("", id="none"),
        pytest.param("0123456789abcdef:1", id="of-another-index"),
        pytest.param("nonsense", id="nonsense"),
    ],
)
def test_a_cursor_of_another_index_starts_again(index: AdmittedIndex, cursor: str) -> None:
    take(index, admitted())
    page = page_of(index, cursor)
    assert (page.reset, len(page.rows)) == (True, 1)


def test_a_cursor_ahead_of_an_index_put_back_starts_again(index: AdmittedIndex) -> None:
    take(index, admitted())
    history = page_of(index).cursor.partition(":")[0]
    assert page_of(index, f"{history}:99").reset


def test_many_rows_come_in_pages(index: AdmittedIndex) -> None:
    count = PAGE_ROWS * 2 + 1
    index.take(AdmissionsV1([admitted(1, f"u{n}") for n in range(count)]))
    assert len(page_of(index).rows) == PAGE_ROWS
    held, cursor = followed(index)
    assert len(held) == count
    assert index.page(cursor) is None


def test_rows_of_owners_gone_are_dropped_and_gates_told(index: AdmittedIndex) -> None:
    take(index, admitted(1, "gone"), admitted(1, "here"), admitted(9, "young"))
    cursor = page_of(index).cursor
    assert index.kinds == ("Deployment",)
    assert index.drop_gone("Deployment", {"here"}, at(5))
    assert set(followed(index)[0]) == {("here", DIGEST), ("young", DIGEST)}
    assert [(row.owner, row.rules) for row in page_of(index, cursor).rows] == [("gone", [])]
    assert not index.drop_gone("Deployment", {"here"}, at(5))
    assert not take(index, admitted(1, "gone")), "an event that comes again revives nothing"


def test_t10_the_index_is_bounded_and_the_oldest_admissions_go(tmp_path: Path) -> None:
    with closing(AdmittedIndex(tmp_path, max_rows=3, max_gone=2)) as index:
        for second in random.Random(7).sample(range(10), 10):  # noqa: S311 an order
            take(index, admitted(second, f"u{second}"))
        assert {owner for owner, _ in followed(index)[0]} == {"u7", "u8", "u9"}
        rows = sqlite3.connect(tmp_path / "admitted.sqlite").execute(
            "SELECT count(*) FROM admitted"
        )
        assert rows.fetchone() == (5,)


def test_t10_a_gate_that_missed_rows_going_starts_again(tmp_path: Path) -> None:
    with closing(AdmittedIndex(tmp_path, max_rows=1, max_gone=1)) as index:
        take(index, admitted(1, "a"))
        cursor = page_of(index).cursor
        for second, owner in enumerate("bcde", start=2):
            take(index, admitted(second, owner))
        assert page_of(index, cursor).reset
        assert {owner for owner, _ in followed(index)[0]} == {"e"}


class Owners:
    """Lists what lives, or fails."""

    def __init__(self) -> None:
        self.uids: dict[str, list[str]] = {}
        self.error: Exception | None = None

    async def __call__(self, kind: str) -> AsyncIterator[str]:
        if self.error is not None:
            raise self.error
        for uid in self.uids.get(kind, ()):
            yield uid


async def test_owners_that_live_no_more_are_found_by_listing_their_kind(
    index: AdmittedIndex,
) -> None:
    owners = Owners()
    link = AdmittedLink(index, owners, lambda: NOW + YOUNG + timedelta(seconds=30))
    job = AdmittedV1("j", "Job", DIGEST, [MARK], at(1))
    await link.take(AdmissionsV1([admitted(1, "a"), admitted(1, "b"), admitted(59, "new"), job]))
    owners.uids = {"Deployment": ["b"], "Job": ["j"]}
    await link.look()
    assert {owner for owner, _ in followed(index)[0]} == {"b", "j", "new"}


async def test_what_cannot_be_listed_stays(index: AdmittedIndex) -> None:
    owners = Owners()
    owners.error = ConnectionError("away")
    link = AdmittedLink(index, owners, lambda: NOW + timedelta(seconds=LOOK_S))
    await link.take(AdmissionsV1([admitted()]))
    with pytest.raises(ConnectionError):
        await link.look()
    assert len(followed(index)[0]) == 1


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(b"wait=nan", id="nan"),
        pytest.param(b"wait=-1", id="negative"),
        pytest.param(b"wait=26", id="too-long"),
        pytest.param(b"wait=x", id="no-number"),
        pytest.param(b"after=" + b"x" * 101, id="long-cursor"),
        pytest.param(b"&".join(b"a%d=1" % n for n in range(11)), id="many-fields"),
    ],
)
async def test_a_question_of_no_form_is_refused(index: AdmittedIndex, query: bytes) -> None:
    with pytest.raises(InputError):
        await AdmittedLink(index, Owners(), lambda: NOW).answer(query)


async def test_a_question_without_news_ends_where_it_began(index: AdmittedIndex) -> None:
    link = AdmittedLink(index, Owners(), lambda: NOW)
    cursor = (await link.answer(b"")).cursor
    assert await link.answer(b"after=%b&wait=0" % cursor.encode()) == AdmittedPageV1(cursor)
