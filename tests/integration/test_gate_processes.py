"""A gate of several processes on one port: verdicts, a kill, metrics of all, spools taken over."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.gate_site import Site, agent, allowed, until
from support.gate_world import pod, review_of
from tidegate.gate.spool import Spool
from tidegate.gate.spool_rows import SharedEvent

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def members(process: "subprocess.Popen[bytes]") -> dict[int, int]:
    """Return the process ids of a gate's processes by their number."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    found = {}
    for child in children:
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if b"tidegate.gate.member" in words:
            found[int(words[words.index(b"tidegate.gate.member") + 1])] = int(child)
    return found


def metric(text: str, sample: str) -> float:
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(sample)
    )


@pytest.fixture
def two(site: Site) -> Iterator[tuple[Site, "subprocess.Popen[bytes]", str]]:
    with site.gate(PROCESSES=2, METRICS_PORT=0) as (process, url):
        yield site, process, url
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


async def ask_on_new_connections(site: Site, url: str, names: list[str]) -> list[bool]:
    answers = []
    for number, name in enumerate(names):
        async with site.client(url) as client:
            answers.append(await allowed(client, name, f"u-{name}-{number}"))
    return answers


async def test_both_answer_and_their_metrics_are_one(
    two: tuple[Site, "subprocess.Popen[bytes]", str],
) -> None:
    site, process, url = two
    assert sorted(members(process)) == [0, 1]
    names = ["gate-1", "other"] * 12
    assert await ask_on_new_connections(site, url, names) == [False, True] * 12
    async with site.client(url) as client:
        assert (await client.get("/readyz")).text == "ready\n"
        texts = [(await client.get("/metrics")).text for _ in range(2)]
    for text in texts:
        assert metric(text, "tidegate_gate_processes ") == 2
        assert metric(text, 'tidegate_gate_reviews_total{answer="deny"') == 12
        assert metric(text, 'tidegate_gate_reviews_total{answer="allow"') == 12
        assert metric(text, "tidegate_gate_review_seconds_count ") == 24
        assert text.count("# TYPE tidegate_gate_reviews_total") == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert process.stdout is not None
    assert process.stdout.read() == b""


async def test_a_process_that_dies_takes_only_its_connections_and_comes_back(
    two: tuple[Site, "subprocess.Popen[bytes]", str],
) -> None:
    site, process, url = two
    killed = members(process)[0]
    wrong: list[str] = []
    lost, done = 0, 0
    stop = asyncio.Event()

    async def ask() -> None:
        nonlocal lost, done
        while not stop.is_set():
            async with site.client(url) as client:
                try:
                    for n in range(20):
                        name = "gate-1" if n % 2 else "other"
                        if await allowed(client, name) is not (name == "other"):
                            wrong.append(name)
                        done += 1
                except httpx2.TransportError:
                    lost += 1

    asking = [asyncio.create_task(ask()) for _ in range(6)]
    await until(lambda: done > 30)
    os.kill(killed, signal.SIGKILL)
    before = done
    await until(lambda: done > before + 30)  # the other goes on meanwhile
    await until(lambda: members(process).get(0, killed) != killed)
    async with asyncio.timeout(20):
        while True:
            async with site.client(url) as client:
                if metric((await client.get("/metrics")).text, "tidegate_gate_processes ") == 2:
                    break
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*asking)
    assert wrong == []
    assert lost <= len(asking)  # each had one connection, and only the dead one's broke


async def test_the_processes_end_with_their_supervisor(site: Site) -> None:
    with site.gate(PROCESSES=2) as (process, _):
        pids = list(members(process).values())
        process.kill()
        process.wait()
        await until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids))


async def test_what_processes_left_behind_is_delivered_by_those_that_are(site: Site) -> None:
    with site.gate(PROCESSES=3) as (process, url):
        names = [f"gate-{n}" for n in range(30)]
        assert not any(await ask_on_new_connections(site, url, names))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    folders = sorted(site.data.glob("process-*/spool"))
    assert len([each for each in folders if any(each.glob("*.jsonl"))]) >= 2
    events: list[dict[str, Any]] = []
    async with agent(events, "agent-token") as agent_url:
        settings = {"AGENT_URL": agent_url, "AGENT_TOKEN_FILE": site.folder / "token"}
        with site.gate(**settings) as (_, _url):
            await until(lambda: len(events) >= 30)
    assert sorted({event["id"] for event in events}) == sorted(
        f"u-{name}-{number}" for number, name in enumerate(names)
    )
    assert not list(site.data.glob("process-*"))


async def test_one_process_hands_its_spool_to_several(site: Site) -> None:
    Spool(site.data / "spool", 2**20).append([("verdict", SharedEvent(b'{"left":1}'))])
    with site.gate(PROCESSES=2) as (_, url):
        assert not (site.data / "spool").exists()
        async with site.client(url) as client:
            answer = await client.post("/admit", content=review_of(pod("r.example/a:1")))
            assert answer.status_code == 200
    lines = b"".join(p.read_bytes() for p in (site.data / "process-0/spool").glob("*.jsonl"))
    assert json.loads(lines.split(b"\n")[0]) == {"left": 1}


async def test_settings_that_cannot_work_end_all_processes_at_once(site: Site) -> None:
    (site.folder / "trust.yaml").write_text("keys: nonsense\n")
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tidegate.gate"],
        env=site.environment(PROCESSES=2),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "trust.yaml" in ended.stderr
    assert "Traceback" not in ended.stderr
