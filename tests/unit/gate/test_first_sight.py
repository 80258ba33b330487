"""An image without a report is asked for once; the words say queued only where the hub did."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from support.builders import DIGEST, NOW, deny, finding, report
from support.gate_world import CLEAN, Cluster, Evidence, Policies, Recorded, pod, review_of
from tidegate.domain.digest import Digest
from tidegate.domain.errors import HubUnavailableError, InputError
from tidegate.domain.evidence import Missing, MissingReason, Unavailable, UnavailableReason
from tidegate.domain.reference import ImageReference, parse_reference
from tidegate.domain.rule import Action, Policy, Rule
from tidegate.domain.verdict import ScanAnswer, ScanState
from tidegate.gate.delivery import MAX_ANSWER_BYTES, AgentDelivery
from tidegate.gate.feed_source import RungRows
from tidegate.gate.first_sight import AWAY_S, KEPT_S, MAX_QUESTIONS, FirstSight, WantedScan
from tidegate.gate.report_wait import ReportWait
from tidegate.gate.review import Reviewer
from tidegate.gate.slots import Slots
from tidegate.wire.first_sight_v1 import (
    MAX_WANTED,
    WantedImageV1,
    WantedResultV1,
    WantedScansV1,
)

NEW = "r.example/new:1"
QUEUED = WantedResultV1("queued")


class Desk:
    """A hub that answers the same to all, once `open` is set."""

    def __init__(self, answer: WantedResultV1 | Exception = QUEUED) -> None:
        self.answer = answer
        self.open = asyncio.Event()
        self.open.set()
        self.asked: list[WantedScansV1] = []

    async def ask_for_scans(self, wanted: WantedScansV1) -> Sequence[WantedResultV1]:
        self.asked.append(wanted)
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer] * len(wanted.images)


class World:
    """A gate, its clock and its desk."""

    def __init__(
        self, desk: Desk, *rules: Rule, reports: ReportWait | None = None, slots: int = 8
    ) -> None:
        self.desk, self.moment = desk, 0.0
        self.evidence, self.journal = Evidence(), Recorded()
        self.first_sight = FirstSight(desk, self.canonical, lambda: self.moment)
        policies = Policies(Policy(rules=rules or (deny(block_unscanned=True),)))
        self.reviewer = Reviewer(
            policies,
            self.evidence,
            Cluster(),
            self.journal,
            slots=Slots(slots),
            scans=self.first_sight,
            reports=reports,
        )

    @staticmethod
    def canonical(reference: ImageReference) -> ImageReference:
        mirrored = reference.registry == "mirror.example"
        return replace(reference, registry="r.example") if mirrored else reference

    async def ask(self, image: str = NEW, **changes: object) -> dict[str, Any]:
        body = review_of(pod(image), **changes)
        answer = await self.reviewer.review(body, now=NOW, budget_s=1.0, answer_in_s=60.0)
        response: dict[str, Any] = json.loads(answer.body)["response"]
        return response


async def told(world: World, image: str = NEW) -> str:
    return str((await world.ask(image))["status"]["message"])


async def test_a_refused_image_without_a_report_is_queued_first_and_the_words_say_so() -> None:
    world = World(Desk())
    assert (
        f"{NEW}: Image has not been scanned: no findings artifact is attached; a scan is queued: "
        "try again in a minute"
    ) in await told(world)
    (asked,) = world.desk.asked
    assert asked.namespace == "default"
    assert asked.images == [WantedImageV1("r.example", "new", str(DIGEST), waiting=True)]
    (event,) = world.journal.events
    assert "a scan is queued" in event.images[0].message


OTHER_ANSWERS = {
    "refused": (
        WantedResultV1("refused", "20 scans of this namespace wait"),
        "no scan was queued (20 scans of this namespace wait); scan it with: tidegate scan",
    ),
    "scanned": (WantedResultV1("scanned"), "it was scanned a moment ago: try again"),
    "away": (HubUnavailableError("away"), "attached; scan it with: tidegate scan"),
    "refuses-the-question": (InputError("no"), "attached; scan it with: tidegate scan"),
}


@pytest.mark.parametrize(("answer", "words"), OTHER_ANSWERS.values(), ids=OTHER_ANSWERS)
async def test_it_is_called_queued_only_where_it_is(
    answer: WantedResultV1 | Exception, words: str
) -> None:
    message = await told(World(Desk(answer)))
    assert words in message
    assert "a scan is queued" not in message


async def test_a_hub_that_is_slow_holds_nothing_up_and_its_answer_is_for_the_next() -> None:
    world = World(Desk())
    world.desk.open.clear()
    body = review_of(pod(NEW))
    answer = await world.reviewer.review(body, now=NOW, budget_s=0.01)
    assert b"scan it with" in answer.body
    world.desk.open.set()
    assert "a scan is queued" in await told(world)
    assert len(world.desk.asked) == 1


async def test_an_audited_image_is_less_urgent_and_an_allowed_one_too() -> None:
    audit = replace(deny(block_unscanned=True), action=Action.AUDIT)
    world = World(Desk(), audit)
    response = await world.ask()
    assert response["allowed"] is True
    assert "a scan is queued" in response["warnings"][0]
    assert "try again" not in response["warnings"][0]
    lax = World(Desk(), deny())
    lax.desk.open.clear()
    assert (await lax.ask())["allowed"] is True, "nobody waits where nothing is shown"
    await asyncio.sleep(0)
    assert [w.desk.asked[0].images[0].waiting for w in (world, lax)] == [False, False]
    await lax.first_sight.aclose()


async def test_a_dry_run_asks_for_nothing() -> None:
    world = World(Desk())
    assert "scan it with" in str(await world.ask(dryRun=True))
    assert world.desk.asked == []


NOT_ASKED = {
    "there-is-no-such-image": Missing(MissingReason.NO_IMAGE, "no such manifest"),
    "not-configured": Missing(MissingReason.NOT_CONFIGURED),
    "refused-files": Missing(MissingReason.UNVERIFIABLE, "", ("x: unsigned",)),
    "unavailable": Unavailable(UnavailableReason.REGISTRY),
}


@pytest.mark.parametrize("evidence", NOT_ASKED.values(), ids=NOT_ASKED)
async def test_only_what_a_scan_would_change_is_asked_for(
    evidence: Missing | Unavailable,
) -> None:
    world = World(Desk())
    world.evidence.known[NEW] = evidence
    assert (await world.ask())["allowed"] is False
    await world.ask(CLEAN)
    assert world.desk.asked == []


async def test_an_image_that_no_rule_judges_is_not_asked_for() -> None:
    off = World(Desk())
    off.reviewer = Reviewer(
        Policies(Policy(rules=())),
        off.evidence,
        Cluster(),
        off.journal,
        slots=Slots(8),
        scans=off.first_sight,
    )
    assert (await off.ask())["allowed"] is True
    assert off.desk.asked == []


async def test_what_runs_is_asked_for_without_a_wait() -> None:
    world = World(Desk())
    world.desk.open.clear()
    event = await world.reviewer.rejudge(review_of(pod(NEW)), now=NOW, budget_s=1.0)
    assert event is not None
    await asyncio.sleep(0)
    assert len(world.desk.asked) == 1
    await world.first_sight.aclose()


async def test_each_image_is_asked_for_once_in_a_while_by_any_name() -> None:
    world = World(Desk())
    for name in (NEW, NEW, "mirror.example/new:1"):
        assert "a scan is queued" in await told(world, name)
    assert len(world.desk.asked) == 1
    world.moment = KEPT_S
    await told(world)
    assert len(world.desk.asked) == 2


async def test_after_a_question_without_an_answer_nobody_is_asked_for_a_while() -> None:
    world = World(Desk(HubUnavailableError("away")))
    await told(world)
    await told(world, "r.example/other:1")
    assert len(world.desk.asked) == 1
    world.moment = AWAY_S
    world.desk.answer = QUEUED
    assert "a scan is queued" in await told(world)


def wanted(number: int) -> WantedScan:
    digest = Digest(f"sha256:{number:064x}")
    return WantedScan(parse_reference(f"r.example/app{number}:1"), digest, waiting=True)


async def test_t11_a_flood_of_unknown_images_is_few_questions_of_bounded_size() -> None:
    world = World(Desk())
    world.desk.open.clear()
    for start in range(0, 100 * MAX_QUESTIONS, 100):
        await world.first_sight.ask("shop", [wanted(start + n) for n in range(100)], 0)
        await asyncio.sleep(0)
    await world.first_sight.ask("shop", [wanted(10**6)], 0)
    await asyncio.sleep(0)
    assert [len(asked.images) for asked in world.desk.asked] == [MAX_WANTED] * MAX_QUESTIONS
    await world.first_sight.aclose()


async def test_what_is_remembered_of_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.gate.first_sight.MAX_KEPT", 2)
    world = World(Desk())
    for number in range(3):
        await world.first_sight.ask("shop", [wanted(number)], 1)
    assert await world.first_sight.ask("shop", [wanted(2)], 0) == {
        wanted(2).digest: ScanAnswer(ScanState.QUEUED)
    }
    assert await world.first_sight.ask("shop", [wanted(0)], 0) == {}
    await world.first_sight.aclose()


class Waits(ReportWait):
    """Reviews wait up to 50 s, and look when rung: a test that needs more hangs, and fails."""

    def __init__(self, wait_s: float = 50.0, max_waiting: int = 8) -> None:
        super().__init__(wait_s, asyncio.get_running_loop().time, max_waiting)
        self.holding = asyncio.Event()
        """Somebody waits."""

    async def hold(
        self, namespace: str, until_s: float, look: Callable[[float], Awaitable[bool]]
    ) -> None:
        self.holding.set()
        await super().hold(namespace, until_s, look)


def waits(result: str) -> float:
    return REGISTRY.get_sample_value("tidegate_gate_report_waits_total", {"result": result}) or 0.0


async def held(world: World, waiting: Waits, image: str = NEW) -> "asyncio.Task[dict[str, Any]]":
    """Begin a review that waits for a report."""
    waiting.holding.clear()
    task = asyncio.create_task(world.ask(image))
    async with asyncio.timeout(30):
        await waiting.holding.wait()
    return task


async def test_a_review_waits_for_the_report_of_the_scan_that_it_queued() -> None:
    waiting, before = Waits(), waits("report")
    world = World(Desk(), reports=waiting)
    asked = await held(world, waiting)
    assert not asked.done()
    world.evidence.known[NEW] = report()
    waiting.ring()
    assert (await asked)["allowed"] is True
    (event,) = world.journal.events
    assert event.action == "allow"
    assert waits("report") == before + 1


async def test_rows_of_the_feed_are_held_before_those_who_wait_look() -> None:
    waiting = Waits()
    world = World(Desk(), reports=waiting)
    asked = await held(world, waiting)

    class Rows:
        def changed(self, _subjects: object) -> None:
            world.evidence.known[NEW] = report()

    RungRows(Rows(), waiting.ring).changed([DIGEST])
    assert (await asked)["allowed"] is True


async def test_a_report_that_does_not_please_refuses_at_once() -> None:
    waiting = Waits()
    world = World(Desk(), deny(block_unscanned=True), reports=waiting)
    asked = await held(world, waiting)
    world.evidence.known[NEW] = report(finding())
    waiting.ring()
    message = str((await asked)["status"]["message"])
    assert "Image contains 1" in message


async def test_a_ring_before_the_report_is_there_is_no_end() -> None:
    waiting = Waits()
    world = World(Desk(), reports=waiting)
    asked = await held(world, waiting)
    looks = len(world.evidence.asked)
    waiting.ring()
    async with asyncio.timeout(30):
        while len(world.evidence.asked) == looks:
            await asyncio.sleep(0)
    assert not asked.done()
    world.evidence.known[NEW] = report()
    waiting.ring()
    assert (await asked)["allowed"] is True


async def test_a_wait_in_vain_ends_in_the_words_of_an_image_that_is_being_scanned() -> None:
    before = waits("in_vain")
    world = World(Desk(), reports=Waits(wait_s=0.01))
    assert "no findings artifact is attached; a scan is queued: try again" in await told(world)
    assert waits("in_vain") == before + 1


async def test_the_callers_time_bounds_the_wait() -> None:
    world = World(Desk(), reports=Waits())
    body = review_of(pod(NEW))
    async with asyncio.timeout(30):
        answer = await world.reviewer.review(body, now=NOW, budget_s=1.0, answer_in_s=0.3)
    assert b"a scan is queued" in answer.body


async def test_t14_what_cannot_be_found_out_meanwhile_is_no_worse_than_before() -> None:
    waiting = Waits(wait_s=0.3)
    world = World(Desk(), reports=waiting)
    asked = await held(world, waiting)
    world.evidence.known[NEW] = Unavailable(UnavailableReason.REGISTRY)
    waiting.ring()
    message = str((await asked)["status"]["message"])
    assert "no findings artifact is attached; a scan is queued: try again" in message


NOT_WAITED_FOR = {
    "no-scan-was-queued": (Desk(WantedResultV1("refused", "much")), (NEW,), {}),
    "the-hub-is-away": (Desk(HubUnavailableError("away")), (NEW,), {}),
    "refused-for-another-image": (Desk(), (NEW, "r.example/vulnerable:1"), {}),
    "a-dry-run": (Desk(), (NEW,), {"dryRun": True}),
}


@pytest.mark.parametrize(("desk", "images", "changes"), NOT_WAITED_FOR.values(), ids=NOT_WAITED_FOR)
async def test_what_a_report_could_not_change_is_not_waited_for(
    desk: Desk, images: tuple[str, ...], changes: dict[str, object]
) -> None:
    waiting = Waits()
    rule = deny(block_unscanned=True)
    world = World(desk, rule, reports=waiting)
    body = review_of(pod(*images), **changes)
    async with asyncio.timeout(30):
        answer = await world.reviewer.review(body, now=NOW, budget_s=1.0, answer_in_s=60.0)
    assert b'"allowed":false' in answer.body
    assert not waiting.holding.is_set()


async def test_t11_who_waits_holds_no_place_of_those_who_gather() -> None:
    waiting = Waits()
    world = World(Desk(), reports=waiting, slots=1)
    asked = await held(world, waiting)
    world.evidence.delay_s = 0.001
    assert (await world.ask(CLEAN))["allowed"] is True
    world.evidence.known[NEW] = report()
    waiting.ring()
    assert (await asked)["allowed"] is True


async def test_t11_those_who_wait_are_bounded_and_half_of_them_of_one_namespace() -> None:
    waiting, before = Waits(max_waiting=4), waits("no_place")
    world = World(Desk(), reports=waiting)
    held_back = [await held(world, waiting, f"r.example/new:{n}") for n in range(2)]
    assert "a scan is queued: try again" in await told(world, "r.example/new:3")
    assert waits("no_place") == before + 1
    elsewhere = asyncio.create_task(world.ask("r.example/new:4", namespace="other"))
    waiting.holding.clear()
    async with asyncio.timeout(30):
        await waiting.holding.wait()
    assert not elsewhere.done()
    for task in (*held_back, elsewhere):
        task.cancel()
    await asyncio.gather(*held_back, elsewhere, return_exceptions=True)


Serving = Callable[[bytes], bytes]


@asynccontextmanager
async def agent(answer: Serving, token: Path) -> AsyncIterator[AgentDelivery]:
    """Yield a link to a server that answers each request's body with `answer`'s bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b"\r\nauthorization: bearer gate\r\n" in head
        size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        writer.write(answer(await reader.readexactly(size)))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    link = AgentDelivery(f"http://{host}:{port}/", token)
    async with server:
        try:
            yield link
        finally:
            await link.aclose()


def with_status(status: str, body: bytes) -> Serving:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    return lambda _: head + body


ONE = WantedScansV1("shop", [WantedImageV1("r.example", "a", str(DIGEST), waiting=True)])
ANSWERS = {
    "an-answer": (with_status("200 OK", b'{"results":[{"state":"queued"}]}'), ""),
    "503": (with_status("503 Service Unavailable", b"{}"), "503, want 200"),
    "no-json": (with_status("200 OK", b"<html>"), "no results"),
    "another-state": (with_status("200 OK", b'{"results":[{"state":"clean"}]}'), "no results"),
    "one-too-many": (
        with_status("200 OK", b'{"results":[{"state":"queued"},{"state":"queued"}]}'),
        "2 results, want 1",
    ),
    "too-large": (with_status("200 OK", b" " * (MAX_ANSWER_BYTES + 1)), "more than"),
    "nothing": (lambda _: b"", "agent at"),
}


@pytest.mark.parametrize(("answer", "problem"), ANSWERS.values(), ids=ANSWERS)
async def test_what_the_agent_answers_is_taken_whole_or_not_at_all(
    answer: Serving, problem: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("gate\n")
    async with agent(answer, token) as link:
        if problem:
            with pytest.raises(HubUnavailableError, match=problem):
                await link.ask_for_scans(ONE)
        else:
            assert await link.ask_for_scans(ONE) == [QUEUED]
