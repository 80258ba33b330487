"""What one gate admitted is known to all, over the agent's real server, hub or no hub."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import msgspec
import pytest

from tidegate.agent.admitted import AdmittedIndex
from tidegate.agent.admitted_link import AdmittedLink
from tidegate.agent.relay import MAX_ADMITTED_BYTES, Relay
from tidegate.agent.server import _Server
from tidegate.domain.digest import Digest
from tidegate.domain.errors import HubUnavailableError, InputError
from tidegate.gate.admitted import RETRY_S, Admissions, Follower, Teller
from tidegate.gate.delivery import AgentDelivery
from tidegate.gate.journal import Journal
from tidegate.gate.spool import Spool
from tidegate.process import listen
from tidegate.wire.admitted_v1 import AdmissionsV1, AdmittedV1, BadV1
from tidegate.wire.event_v1 import AdmissionEventV1, ImageRowV1
from tidegate.wire.first_sight_v1 import WantedScansResultV1, WantedScansV1
from tidegate.wire.hub_v1 import EventBatchResultV1

pytestmark = pytest.mark.integration

TOKEN = "gate-token"  # noqa: S105, of this test
DIGEST = Digest("sha256:" + "ab" * 32)
MARK = "a" * 32
AT = "2026-11-23T12:00:00.000000Z"
ONE = AdmittedV1("u-web", "Deployment", DIGEST, [MARK], AT)


class AwayHub:
    """A hub that stores nothing."""

    async def post_events(
        self, events: list[AdmissionEventV1], dropped: int = 0
    ) -> EventBatchResultV1:
        raise HubUnavailableError(f"away; {len(events)} events, {dropped} dropped")

    async def ask_for_scans(self, body: WantedScansV1) -> WantedScansResultV1:
        raise HubUnavailableError(f"away; {len(body.images)} images")


async def _nothing_lives(_kind: str) -> AsyncIterator[str]:
    for uid in ():
        yield uid


def admission(number: int, owner: str = "u-web") -> AdmissionEventV1:
    row = ImageRowV1("a:1", "", "allow", "", "", digest=DIGEST, admitted_under=[MARK])
    return AdmissionEventV1(
        str(number), AT, "allow", "Deployment", "web", [row], object_uid=owner, operation="CREATE"
    )


@dataclass
class Agent:
    """An agent at `url` that can be stopped and started on its folder."""

    folder: Path
    hub: AwayHub | None = None
    keeps: bool = True
    port: int = 0
    closing: list[Callable[[], None]] = field(default_factory=list)

    @property
    def token_file(self) -> Path:
        return self.folder / "token"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.token_file.write_text(TOKEN)
        link = None
        if self.keeps:
            index = AdmittedIndex(self.folder / "admitted")
            self.closing.append(index.close)
            link = AdmittedLink(index, _nothing_lives, _no_clock)
        relay = Relay(self.hub, self.token_file, lambda: (), admitted=link)
        listener = listen("127.0.0.1", self.port)
        self.port = listener.getsockname()[1]
        self.closing.append(listener.close)
        self.server = _Server(relay)
        self.serving = asyncio.create_task(self.server.serve([listener]))

    async def stop(self) -> None:
        self.server.should_exit = True
        await self.serving
        while self.closing:
            self.closing.pop()()


def _no_clock() -> None:
    raise AssertionError("nothing is pruned here")


@asynccontextmanager
async def agent_at(folder: Path, **settings: object) -> AsyncIterator[Agent]:
    agent = Agent(folder, **settings)  # type: ignore[arg-type] # of the dataclass
    await agent.start()
    try:
        yield agent
    finally:
        await agent.stop()


@asynccontextmanager
async def running(*runs: Callable[[], object]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(run()) for run in runs]  # type: ignore[arg-type] # coroutines
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20 + RETRY_S[1]):
        while not condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def delivery_to(agent: Agent) -> AsyncIterator[AgentDelivery]:
    link = AgentDelivery(agent.url, agent.token_file)
    try:
        yield link
    finally:
        await link.aclose()


@pytest.mark.parametrize(
    "hub", [pytest.param(None, id="no-hub"), pytest.param(AwayHub(), id="hub-away")]
)
async def test_what_one_gate_admits_all_gates_know(tmp_path: Path, hub: AwayHub | None) -> None:
    held = Admissions()
    async with (
        agent_at(tmp_path, hub=hub) as agent,
        delivery_to(agent) as mine,
        delivery_to(agent) as others,
    ):
        teller, follower = Teller(mine), Follower(held, others, lambda: True)
        journal = Journal(Spool(tmp_path / "spool", 10**6), mine, tell=teller.tell)
        journal.start()
        async with running(teller.run, follower.run):
            for number, owner in enumerate(("u-web", "u-next")):
                journal.record("allow", lambda n=number, o=owner: admission(n, o))  # type: ignore[misc] # bound here
                await until(lambda o=owner: held.of([o], DIGEST))  # type: ignore[misc]
        await journal.close()
    assert held.of(["u-web"], DIGEST)[0].rules == {MARK}


async def test_events_on_their_way_to_a_hub_that_is_away_are_heard_too(tmp_path: Path) -> None:
    async with agent_at(tmp_path, hub=AwayHub()) as agent, delivery_to(agent) as gate:
        events = {"events": [msgspec.to_builtins(admission(1))], "dropped": 0}
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                f"{agent.url}/v1/events",
                json=events,
                headers={"authorization": f"Bearer {TOKEN}"},
            )
        assert answer.status_code == 503
        page = await gate.follow_admitted("", 0)
        assert [row.owner for row in page.rows] == ["u-web"]


async def test_a_gate_goes_on_where_the_agent_comes_back(tmp_path: Path) -> None:
    held = Admissions()
    async with agent_at(tmp_path) as agent, delivery_to(agent) as gate:
        teller, follower = Teller(gate), Follower(held, gate, lambda: True)
        async with running(teller.run, follower.run):
            teller.tell([admission(1)])
            await until(lambda: len(held) == 1)
            await agent.stop()
            teller.tell([admission(2, "u-meanwhile")])
            assert len(held) == 1, "what was known stays"
            await agent.start()
            await until(lambda: len(held) == 2)


async def test_an_index_is_held_only_while_it_is_wanted(tmp_path: Path) -> None:
    held, wanted = Admissions(), [False]
    async with agent_at(tmp_path) as agent, delivery_to(agent) as gate:
        await gate.tell_admitted(AdmissionsV1([ONE]))
        async with running(Follower(held, gate, lambda: wanted[0]).run):
            assert len(held) == 0
            wanted[0] = True
            await until(lambda: len(held) == 1)
            await gate.tell_admitted(AdmissionsV1([], [BadV1("u-web", DIGEST, AT)]))
            await until(lambda: held.of(["u-web"], DIGEST)[0].bad_since)
            wanted[0] = False
            await gate.tell_admitted(AdmissionsV1([AdmittedV1("v", "Job", DIGEST, [MARK], AT)]))
            await until(lambda: len(held) == 0)


async def test_an_agent_without_a_folder_keeps_no_index(tmp_path: Path) -> None:
    async with agent_at(tmp_path, keeps=False) as agent, delivery_to(agent) as gate:
        for asked in (gate.follow_admitted("", 0), gate.tell_admitted(AdmissionsV1([ONE]))):
            with pytest.raises(HubUnavailableError, match="503"):
                await asked


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_t10_who_has_no_token_learns_and_tells_nothing(tmp_path: Path, method: str) -> None:
    async with agent_at(tmp_path) as agent, httpx2.AsyncClient(trust_env=False) as client:
        body = msgspec.json.encode(AdmissionsV1([ONE]))
        answer = await client.request(method, f"{agent.url}/v1/admitted", content=body)
        assert answer.status_code == 401
        async with delivery_to(agent) as gate:
            assert (await gate.follow_admitted("", 0)).rows == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="no-json"),
        pytest.param(b'{"admitted":[{"owner":"u"}]}', id="half-an-entry"),
        pytest.param(
            msgspec.json.encode({"bad": [{"owner": "u", "digest": "sha256:x", "at": AT}]}),
            id="no-digest",
        ),
        pytest.param(
            msgspec.json.encode({"admitted": [msgspec.to_builtins(ONE)] * 1001}), id="too-many"
        ),
        pytest.param(b" " * (MAX_ADMITTED_BYTES + 1), id="too-large"),
    ],
)
async def test_t10_what_is_no_message_is_refused_for_good(tmp_path: Path, body: bytes) -> None:
    async with agent_at(tmp_path) as agent, httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{agent.url}/v1/admitted",
            content=body,
            headers={"authorization": f"Bearer {TOKEN}"},
        )
        assert answer.status_code in (400, 413)


async def test_a_refused_message_is_given_up_and_the_next_one_told() -> None:
    class Fussy:
        def __init__(self) -> None:
            self.told: list[str] = []

        async def tell_admitted(self, told: AdmissionsV1) -> None:
            if told.admitted[0].owner == "refused":
                raise InputError("400")
            self.told += [each.owner for each in told.admitted]

    fussy = Fussy()
    teller = Teller(fussy)  # type: ignore[arg-type] # as far as it is asked
    async with running(teller.run):
        teller.tell([admission(1, "refused")])
        await asyncio.sleep(0)
        await until(lambda: not teller._queued.is_set())  # noqa: SLF001 nothing waits
        teller.tell([admission(2, "u-next")])
        await until(lambda: fussy.told == ["u-next"])


async def test_of_too_many_the_oldest_are_given_up() -> None:
    class Away:
        async def tell_admitted(self, _told: AdmissionsV1) -> None:
            raise HubUnavailableError("away")

    teller = Teller(Away(), max_queued=2)  # type: ignore[arg-type] # as far as it is asked
    teller.tell([admission(n, f"u{n}") for n in range(5)])
    await asyncio.sleep(0)
    assert [each.owner for each in teller._next().admitted] == ["u3", "u4"]  # noqa: SLF001
