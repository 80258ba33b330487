"""Rules come down and heartbeats go up, also past a hub that is away for a while."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from tidegate.agent import hub_link
from tidegate.agent.feed import FeedLink
from tidegate.agent.feed_copy import FeedCopy
from tidegate.agent.folder import FolderKeeper
from tidegate.agent.hub_link import HubLink
from tidegate.domain.rule import EvaluationMode, default_rule
from tidegate.gate.policy import PolicyStore
from tidegate.gate.policy_files import DirectoryCopies, DirectorySource
from tidegate.hubclient import HubClient
from tidegate.wire.feed_http_v1 import FeedBatchV1
from tidegate.wire.hub_v1 import ClusterPolicyV1, FeedEndV1, HeartbeatV1
from tidegate.wire.policy_v1alpha1 import entry_of

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Hub:
    """A hub with one cluster's rules; `status` other than 200 makes it refuse everything."""

    def __init__(self) -> None:
        self.status = 200
        self.heartbeats: list[HeartbeatV1] = []
        self._changed = asyncio.Event()
        self.publish("g1")

    def publish(self, generation: str, *names: str) -> None:
        default = entry_of(default_rule())
        rules = [msgspec.structs.replace(default, name=name) for name in names]
        self.policy = ClusterPolicyV1(
            generation, [*rules, default], EvaluationMode.FIRST_MATCH, "On", "2026-11-23T09:00:00Z"
        )
        self._changed.set()

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.status != 200:
            return httpx2.Response(self.status, content=streamed(b""))
        if request.url.path.endswith("/heartbeat"):
            self.heartbeats.append(msgspec.json.decode(request.content, type=HeartbeatV1))
            return httpx2.Response(204, content=streamed(b""))
        if request.url.params.get("generation") == self.policy.generation:
            self._changed.clear()
            await self._changed.wait()
        return httpx2.Response(200, content=streamed(msgspec.json.encode(self.policy)))


async def streamed(body: bytes) -> AsyncIterator[bytes]:
    """Yield `body` as it comes over a network: a response that can be read once."""
    yield body


async def until(seen: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not seen():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def agent(hub: Hub, folder: Path, feed: FeedLink | None = None) -> AsyncIterator[None]:
    keeper = FolderKeeper(folder, lambda: NOW)
    client = HubClient("http://hub", "token", transport=httpx2.MockTransport(hub.answer))
    async with client:
        link = HubLink(client, "here", keeper, feed)
        tasks = [asyncio.create_task(keeper.run()), asyncio.create_task(link.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.json"))


def rules(folder: Path) -> list[str]:
    body = json.loads((folder / "tidegate-vulnerability-assessment-policy.json").read_text())
    return [rule["name"] for rule in body["spec"]["vulnerabilityAssessmentGatedDeployment"][:-1]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_link, "RETRY_S", (0.01, 0.02))
    monkeypatch.setattr(hub_link, "HEARTBEAT_S", 0.2)


async def test_changed_rules_are_written_and_reported_in_force(tmp_path: Path) -> None:
    hub = Hub()
    async with agent(hub, tmp_path):
        await until(lambda: hub.heartbeats and hub.heartbeats[-1].policy_generation == "g1")
        hub.publish("g2", "one", "two")
        await until(lambda: hub.heartbeats[-1].policy_generation == "g2")
        assert rules(tmp_path) == ["one", "two"]
        assert hub.heartbeats[-1].problems == []


async def test_the_hub_hears_when_the_feed_last_came_and_why_it_does_not(tmp_path: Path) -> None:
    hub = Hub()
    copy = FeedCopy(tmp_path / "feed")
    batch = FeedBatchV1("a" * 64, "00000000-0000-0000-0000-000000000001", 1, "envelope")
    copy.take([batch], "c1", NOW.timestamp())
    feed = FeedLink(None, copy, NOW.timestamp)
    feed.problem = "feed: no space is left"
    async with agent(hub, tmp_path / "policy", feed):
        await until(lambda: hub.heartbeats)
    copy.close()
    assert datetime.fromisoformat(hub.heartbeats[0].feed_at) == NOW
    assert "feed: no space is left" in hub.heartbeats[0].problems
    assert hub.heartbeats[0].feed == [FeedEndV1("a" * 64, batch.chain, 1)]


async def test_surplus_and_drift_are_repaired_and_other_files_stay(tmp_path: Path) -> None:
    hub = Hub()
    surplus = tmp_path / "tidegate-vulnerability-assessment-policy-2.json"
    surplus.write_text("{}")
    (tmp_path / "mine.json").write_text("{}")
    async with agent(hub, tmp_path):
        await until(lambda: not surplus.exists())
        written = tmp_path / "tidegate-vulnerability-assessment-policy.json"
        await until(lambda: hub.heartbeats and hub.heartbeats[-1].policy_generation == "g1")
        assert hub.heartbeats[-1].problems == []
        written.write_text("{}")
        await until(lambda: written.read_text() != "{}")
        await until(lambda: hub.heartbeats[-1].problems)
        (told,) = hub.heartbeats[-1].problems
        assert told.startswith(f"policy file {written.name} was changed here by somebody else")
        assert told.endswith("put back: once, last at 2026-11-23T09:00:00Z")
        assert hub.heartbeats[-1].policy_generation == "g1"
    assert files(tmp_path) == ["mine.json", written.name]


async def test_with_the_hub_away_what_is_written_stays(tmp_path: Path) -> None:
    hub = Hub()
    hub.publish("g1", "one")
    async with agent(hub, tmp_path):
        await until(lambda: files(tmp_path))
    hub.status = 503
    async with agent(hub, tmp_path):
        for _ in range(3):
            await asyncio.sleep(0.02)
        assert rules(tmp_path) == ["one"]
        hub.publish("g2", "two")
        hub.status = 200
        await until(lambda: rules(tmp_path) == ["two"])


async def test_before_the_hub_spoke_the_files_stay(tmp_path: Path) -> None:
    mine = tmp_path / "tidegate-vulnerability-assessment-policy.json"
    mine.write_text("{}")
    keeper = FolderKeeper(tmp_path, lambda: NOW)
    task = asyncio.create_task(keeper.run())
    for _ in range(5):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert mine.read_text() == "{}"
    assert not keeper.in_force


async def test_rules_that_cannot_be_used_are_told_and_not_written(tmp_path: Path) -> None:
    hub = Hub()
    hub.publish("g1", "one")
    async with agent(hub, tmp_path):
        await until(lambda: hub.heartbeats and hub.heartbeats[-1].policy_generation == "g1")
        hub.publish("g2", "twice", "twice")
        await until(lambda: hub.heartbeats[-1].problems)
        assert "twice" in hub.heartbeats[-1].problems[0]
        assert hub.heartbeats[-1].policy_generation == "g1"
        assert rules(tmp_path) == ["one"]


async def test_a_gate_has_what_the_agent_wrote_in_force(tmp_path: Path) -> None:
    hub = Hub()
    hub.publish("g1", "one")
    store = PolicyStore()
    source = DirectorySource(store, tmp_path / "policy", DirectoryCopies(tmp_path / "copies"))
    async with agent(hub, tmp_path / "policy"):
        await until(lambda: (tmp_path / "policy").exists() and files(tmp_path / "policy"))
        await source.poll()
    assert [rule.name for rule in store.snapshot().rules[:-1]] == ["one"]
    assert store.ready == (True, ())
