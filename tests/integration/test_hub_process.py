"""The hub as it is run: a process with real sockets, stopped, started again, and hurried."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import msgspec
import pytest

from tidegate.domain.errors import HubUnavailableError, NotPermittedError
from tidegate.domain.rule import Action
from tidegate.hubclient import HubClient, TailedEvent
from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1
from tidegate.wire.hub_v1 import (
    ClusterEnrolV1,
    HeartbeatV1,
    PlatformReportV1,
    RuleWriteV1,
    ScanRequestV1,
    TokenCreateV1,
)
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1

pytestmark = pytest.mark.integration

TOKENS = {role: f"{role}-{'t' * 40}" for role in ("admin", "reader", "scanner", "registry")}
CLUSTER_TOKEN = "cluster-" + "t" * 40
START_S = 30
"""A Python process on a loaded machine; ordinarily 1.5 s."""


@dataclass
class RunningHub:
    url: str
    process: subprocess.Popen[bytes]
    lines: list[bytes]

    def client(self, role: str = "admin") -> HubClient:
        return HubClient(self.url, TOKENS.get(role, CLUSTER_TOKEN))

    def stop(self) -> float:
        """Send SIGTERM; return the seconds to its end, its code and further output checked."""
        started = time.monotonic()
        self.process.terminate()
        assert self.process.wait(10) == 0
        took = time.monotonic() - started
        assert self.process.stdout is not None
        assert self.process.stdout.read() == b""
        return took


def environment(**settings: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    named = {f"TIDEGATE_HUB_{k.upper()}": v for k, v in settings.items()}
    return {**kept, **named, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


@contextlib.contextmanager
def running(folder: Path, **settings: str) -> Iterator[RunningHub]:
    tokens = folder / "tokens.json"
    tokens.write_text(json.dumps({**TOKENS, "clusters": {"c1": CLUSTER_TOKEN}}))
    given = {
        "port": "0",
        "data_dir": str(folder / "data"),
        "bootstrap_tokens_file": str(tokens),
        **settings,
    }
    with (folder / f"hub-{time.monotonic_ns()}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tidegate.hub"],
            env=environment(**given),
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the hub did not start"
        ready = json.loads(line)
        assert set(ready) == {"part", "url"}
        assert ready["part"] == "hub"
        yield RunningHub(ready["url"], process, [line])
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(START_S)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running(tmp_path_factory.mktemp("hub")) as found:
        yield found


def rule(name: str) -> RuleWriteV1:
    return RuleWriteV1(RuleV1(name, Action.DENY, ConfigurationV1(block_unscanned_images=True)))


def event(event_id: str) -> AdmissionEventV1:
    return AdmissionEventV1(event_id, "2026-11-23T09:00:00.000000Z", "deny", "Pod", "p", [])


def scan(number: int) -> ScanRequestV1:
    return ScanRequestV1("r.example", "a", f"sha256:{number:064x}")


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        async with first.client() as admin, first.client("c1") as agent:
            made = await admin.create_rule(rule("kept"))
            enrolled = await admin.enrol_cluster(ClusterEnrolV1("c2"))
            token = await admin.create_token(TokenCreateV1("w2", "scanner"))
            await agent.post_events([event("e1")])
            await agent.send_heartbeat("c1", HeartbeatV1("1", "g"))
            queued = await admin.request_scan(scan(1))
            clusters, audit = await admin.list_clusters(), await admin.list_audit()
        assert first.stop() < 5
    with running(tmp_path) as second:
        async with second.client() as admin, HubClient(second.url, token.token) as worker:
            assert await admin.get_rule(made.id) == made
            assert await admin.list_clusters() == clusters
            assert (await admin.get_event("e1")).cluster == "c1"
            assert await admin.list_audit() == audit
            job = await worker.lease_job("w2")
            assert job is not None
            assert job.id == queued.id
        async with HubClient(second.url, enrolled.token) as agent:
            assert await agent.fetch_policy("c2")


async def test_a_crash_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        async with first.client("c1") as agent:
            for number in range(20):
                await agent.post_events([event(f"e{number}")])
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(10)
    with running(tmp_path) as second:
        async with second.client() as admin:
            assert len((await admin.list_events()).items) == 20


async def test_sigterm_ends_waiting_requests_within_five_seconds(tmp_path: Path) -> None:
    with running(tmp_path) as found:
        async with (
            found.client("c1") as agent,
            found.client("scanner") as worker,
            found.client() as admin,
        ):
            policy = await agent.fetch_policy("c1")
            assert policy is not None
            waiting = [
                asyncio.create_task(agent.fetch_policy("c1", policy.generation, wait_s=25)),
                asyncio.create_task(worker.lease_job("w", wait_s=25)),
                asyncio.create_task(_drain(admin)),
            ]
            await _until_waiting(found, 3)
            took = await asyncio.to_thread(found.stop)
            assert took < 5
            assert await asyncio.gather(*waiting) == [None, None, None]


async def test_a_change_reaches_a_waiting_agent_within_a_tenth_of_a_second(
    hub: RunningHub,
) -> None:
    async with hub.client("c1") as agent, hub.client() as admin:
        took: list[float] = []
        for number in range(5):
            policy = await agent.fetch_policy("c1")
            assert policy is not None
            poll = asyncio.create_task(agent.fetch_policy("c1", policy.generation, wait_s=20))
            await _until_waiting(hub, 1)
            await admin.create_rule(rule(f"quick {number}"))
            started = time.monotonic()
            assert await poll is not None
            took.append(time.monotonic() - started)
        assert sorted(took)[2] < 0.1


async def test_tail_shows_events_within_a_second_and_resumes(hub: RunningHub) -> None:
    async with hub.client("reader") as reader, hub.client("c1") as agent:
        seen: asyncio.Queue[TailedEvent] = asyncio.Queue()

        async def follow(after: str = "") -> None:
            async for tailed in reader.tail_events(after):
                seen.put_nowait(tailed)

        tail = asyncio.create_task(follow())
        await _until_waiting(hub, 1)
        started = time.monotonic()
        await agent.post_events([msgspec.structs.replace(event("t1"), name="a\u2028\x85\nb")])
        first = await asyncio.wait_for(seen.get(), 5)
        assert first.event.name == "a\u2028\x85\nb"
        assert (first.event.id, time.monotonic() - started < 1) == ("t1", True)
        tail.cancel()
        await asyncio.gather(tail, return_exceptions=True)
        await agent.post_events([event("t2"), event("t3")])
        tail = asyncio.create_task(follow(first.cursor))
        missed = [(await asyncio.wait_for(seen.get(), 5)).event.id for _ in range(2)]
        assert missed == ["t2", "t3"]
        tail.cancel()
        await asyncio.gather(tail, return_exceptions=True)


async def test_t20_a_tail_in_a_session_ends_within_a_second_of_its_end(hub: RunningHub) -> None:
    async with httpx2.AsyncClient(base_url=f"{hub.url}/api/v1/", trust_env=False) as browser:
        signed = await browser.post("session", json={"token": TOKENS["reader"]})
        csrf = {"X-Tidegate-CSRF": signed.json()["csrfToken"]}
        async with browser.stream("GET", "events/tail") as tail:
            pieces = tail.aiter_bytes()
            assert b"events follow" in await anext(pieces)
            assert (await browser.delete("session", headers=csrf)).status_code == 204
            async with asyncio.timeout(1):
                assert [piece async for piece in pieces if b"data:" in piece] == []


async def test_t20_a_tail_ends_with_its_token(hub: RunningHub) -> None:
    async with hub.client() as admin:
        made = await admin.create_token(TokenCreateV1("tailer", "reader"))
        async with HubClient(hub.url, made.token) as reader:
            tail = asyncio.create_task(_drain(reader))
            await _until_waiting(hub, 1)
            await admin.delete_token(made.id)
            async with asyncio.timeout(1):
                await tail
            with pytest.raises(NotPermittedError):
                await reader.list_events()


async def test_fifty_workers_lease_a_hundred_jobs_once_each(hub: RunningHub) -> None:
    async with hub.client() as admin, hub.client("scanner") as scanner:
        for number in range(100):
            await admin.request_scan(scan(1000 + number))

        async def work(name: str) -> list[str]:
            done: list[str] = []
            while (job := await scanner.lease_job(name)) is not None:
                await scanner.complete_job(job, [_report(job.digest)])
                done.append(job.digest)
            return done

        finished = await asyncio.gather(*(work(f"w{n}") for n in range(50)))
        digests = [digest for one in finished for digest in one]
        assert len(digests) == len(set(digests)) == 100


async def test_readers_do_not_wait_for_a_writer(hub: RunningHub) -> None:
    async with hub.client("c1") as agent, hub.client("reader") as reader:
        batches = [
            agent.post_events([event(f"b{batch}-{n}") for n in range(500)]) for batch in range(8)
        ]
        stored, *pages = await asyncio.gather(
            asyncio.gather(*batches), *(reader.list_events(limit=10) for _ in range(30))
        )
        assert sum(result.stored for result in stored) == 4000
        assert len(pages) == 30


def test_migrate_makes_the_database_and_ends(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tidegate.hub", "migrate"],
        env=environment(data_dir=str(tmp_path)),
        capture_output=True,
        timeout=START_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / "hub.db").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        pytest.param([], {}, b"TIDEGATE_HUB_DATA_DIR is not set", id="no-data-folder"),
        pytest.param(
            [],
            {"database_url": "sqlite+aiosqlite://", "port": "x"},
            b"TIDEGATE_HUB_PORT is 'x'",
            id="bad-port",
        ),
        pytest.param(["nonsense"], {}, b"usage: python -m tidegate.hub", id="bad-argument"),
        pytest.param(
            [],
            {"database_url": "sqlite+aiosqlite:////x.db", "bootstrap_tokens_file": "/nope.json"},
            b"bootstrap tokens /nope.json",
            id="no-tokens-file",
        ),
    ],
)
def test_what_cannot_work_fails_at_the_start_with_the_reason(
    arguments: list[str], settings: dict[str, str], said: bytes
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tidegate.hub", *arguments],
        env=environment(**settings),
        capture_output=True,
        timeout=START_S,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert said in done.stderr


async def _drain(client: HubClient) -> None:
    with contextlib.suppress(HubUnavailableError):  # a tail ends with its hub
        async for _ in client.tail_events():
            pass


async def _until_waiting(hub: RunningHub, count: int) -> None:
    """Return once so many requests wait, as the hub's metrics count them."""
    async with httpx2.AsyncClient() as client:
        for _ in range(400):
            text = (await client.get(f"{hub.url}/metrics")).text
            values = [line for line in text.splitlines() if "hub_waiting{" in line]
            if sum(float(line.split()[-1]) for line in values) >= count:
                return
            await asyncio.sleep(0.01)
    raise AssertionError(f"{count} requests should wait by now")


def _report(digest: str) -> PlatformReportV1:
    return PlatformReportV1(digest, "linux/amd64", "", "test", CountsV1(), complete=True)
