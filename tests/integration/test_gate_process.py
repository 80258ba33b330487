"""`python -m tidegate.gate` as `tidegate up` starts it: ready line, verdicts, events, its end."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.gate_site import POLICY, Site, agent, allowed, until
from tidegate.gate.spool import Spool
from tidegate.gate.spool_rows import SharedEvent

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_a_gate_from_settings_to_verdict_event_and_end(site: Site) -> None:
    events: list[dict[str, Any]] = []
    async with agent(events, "agent-token") as agent_url:
        settings = {"AGENT_URL": agent_url, "AGENT_TOKEN_FILE": site.folder / "token"}
        with site.gate(**settings, METRICS_PORT=0) as (process, url):
            async with site.client(url) as client:
                assert (await client.get("/readyz")).text == "ready\n"
                assert await allowed(client, "gate-1", "u-1") is False
                assert await allowed(client, "other", "u-2") is True
                async with asyncio.timeout(1):
                    await until(lambda: len(events) == 2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
            assert process.stdout is not None
            assert process.stdout.read() == b""
    assert [(e["id"], e["action"], e["images"][0]["rule"]) for e in events] == [
        ("u-1", "deny", "Lab example"),
        ("u-2", "allow", "Default vulnerability assessment rule"),
    ]


async def test_a_changed_rule_is_in_force_within_a_second(site: Site) -> None:
    with site.gate() as (_, url):
        async with site.client(url) as client:
            assert await allowed(client, "gate-1") is False
            audited = json.loads(json.dumps(POLICY).replace('"deny"', '"audit"'))
            site.write_policy(audited)
            async with asyncio.timeout(1):
                while not await allowed(client, "gate-1"):
                    await asyncio.sleep(0.05)


async def test_events_survive_kill_9_and_are_delivered_after_the_restart(site: Site) -> None:
    with site.gate() as (process, url):
        async with site.client(url) as client:
            for number in range(20):
                await allowed(client, "gate-1", f"u-{number}")
        await until(lambda: b"u-19" in b"".join(p.read_bytes() for p in segments(site)))
        process.kill()
        process.wait()
    events: list[dict[str, Any]] = []
    async with agent(events, "agent-token") as agent_url:
        with site.gate(AGENT_URL=agent_url, AGENT_TOKEN_FILE=site.folder / "token") as (_, url):
            await until(lambda: len(events) == 20)
            async with site.client(url) as client:
                await allowed(client, "gate-1", "u-20")
            await until(lambda: len(events) == 21)
    assert [event["id"] for event in events] == [f"u-{n}" for n in range(21)]


async def test_a_full_spool_costs_events_and_no_verdict(site: Site) -> None:
    (site.data / "spool").mkdir(parents=True)
    spool = Spool(site.data / "spool", 2**20)
    spool.append([("verdict", SharedEvent(b"x" * (2**20 - 10)))])
    with site.gate(SPOOL_MAX_MIB=1) as (_, url):
        async with site.client(url) as client:
            assert await allowed(client, "gate-1") is False
            async with asyncio.timeout(5):
                while True:
                    metrics = (await client.get("/metrics")).text
                    if 'tidegate_gate_events_dropped_total{reason="spool"} 1.0' in metrics:
                        break
                    await asyncio.sleep(0.02)


async def test_a_second_gate_on_the_same_folder_is_refused(site: Site) -> None:
    with site.gate():
        second = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tidegate.gate",
            env=site.environment(),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await second.communicate()
    assert second.returncode == 2
    assert b"another gate's" in said


def test_an_idle_gate_stays_under_its_memory_budget(site: Site) -> None:
    with site.gate() as (process, _):
        status = Path(f"/proc/{process.pid}/status").read_text()
    resident_kib = int(status.split("VmRSS:")[1].split()[0])
    assert resident_kib < 80 * 1024


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"TLS_CERT_FILE": ""}, "TIDEGATE_GATE_TLS_CERT_FILE", id="missing"),
        pytest.param({"TLS_KEY_FILE": "/nowhere"}, "/nowhere", id="no-key"),
        pytest.param({"TRUST_FILE": "/nowhere"}, "/nowhere", id="no-trust"),
        pytest.param({"PORT": "http"}, "want a number", id="port"),
        pytest.param({"CERTIFICAT": "x"}, "no such setting", id="misspelt"),
        pytest.param({"POLICY_DIR": "", "KUBECONFIG": "/nowhere"}, "/nowhere", id="kubeconfig"),
    ],
)
def test_settings_that_cannot_work_fail_at_start(
    site: Site, settings: dict[str, str], said: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tidegate.gate"],
        env=site.environment(**settings),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def segments(site: Site) -> list[Path]:
    return sorted((site.data / "spool").glob("*.jsonl"))
