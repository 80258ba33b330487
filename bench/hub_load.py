"""Loads one hub's API on loopback: `python bench/hub_load.py {sqlite,postgresql} {people,ingest}`.

people: 200 readers and 20 writers, each with a request a second, as consoles and pipelines ask.
ingest: 1,000 admission events a second in batches of 100 from ten clusters, on a fixed schedule: a
hub that falls behind shows in the lateness, which then grows to the end.
"""

import argparse
import asyncio
import collections
import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.postgres import programs, running_postgres
from tidegate.domain.errors import TidegateError
from tidegate.domain.rule import Action
from tidegate.hubclient import HubClient
from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1, FindingV1, ImageRowV1
from tidegate.wire.hub_v1 import HeartbeatV1, RuleWriteV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1

READERS, WRITERS = 200, 20
PAUSE_S = 1.0
CLUSTERS = 10
BATCH = 100
EVENTS_PER_S = 1000
TOKENS = {role: f"{role}-{'t' * 40}" for role in ("admin", "reader")}
CLUSTER_TOKENS = {f"c{number}": f"c{number}-{'t' * 40}" for number in range(CLUSTERS)}
BEAT = HeartbeatV1("bench", "g")
ROW = ImageRowV1(
    image="registry.example/shop/web:1.4.2",
    field_path="spec.containers[0].image",
    action="deny",
    reason="PolicyEvaluation",
    message="Image contains 3 high or higher CVEs, which is more than the allowed count of: 0",
    digest="sha256:" + "ab" * 32,
    rule="Lab example",
    rule_configuration=RuleV1("Lab example", Action.DENY, ConfigurationV1()),
    violation="High CVE: 3",
    counts=CountsV1(high=3),
    evidence="report",
    findings=[
        FindingV1(f"CVE-2026-{n}", "high", f"pkg:npm/p{n}@1.0", f"p{n}", "1.0", "1.1")
        for n in range(3)
    ],
)


class Timings:
    """How long requests took, by kind, and what went wrong."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = collections.defaultdict(list)
        self.errors: collections.Counter[str] = collections.Counter()

    async def time(self, kind: str, request: Callable[[], Awaitable[object]]) -> None:
        """Make one request."""
        started = time.monotonic()
        try:
            await request()
        except TidegateError as error:
            self.errors[f"{kind}: {str(error)[:100]}"] += 1
        else:
            self.seconds[kind].append(time.monotonic() - started)

    def print(self) -> None:
        """Print a line for each kind, then the errors."""
        for kind, found in sorted(self.seconds.items()):
            ordered = sorted(found)
            at = [ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 95, 99)]
            words = ", ".join(
                f"p{p} {value * 1000:.0f} ms" for p, value in zip((50, 95, 99), at, strict=True)
            )
            print(f"  {kind:<16} n {len(ordered):>6}  {words}, max {ordered[-1] * 1000:.0f} ms")
        print(f"  errors: {sum(self.errors.values())}")
        for what, count in self.errors.most_common(5):
            print(f"    {count} x {what}")


def event(number: int, run: str) -> AdmissionEventV1:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    identifier = f"{run}-{number}"
    return AdmissionEventV1(
        identifier, at, "deny", "Pod", f"web-{number}", namespace="shop", user="ann", images=[ROW]
    )


async def people(url: str, seconds: float) -> None:
    timings = Timings()
    async with HubClient(url, TOKENS["admin"], timeout_s=30) as admin:
        rules = [
            await admin.create_rule(
                RuleWriteV1(
                    RuleV1(f"r{n}", Action.AUDIT, ConfigurationV1(block_unscanned_images=True))
                )
            )
            for n in range(WRITERS)
        ]
    for cluster, token in CLUSTER_TOKENS.items():
        async with HubClient(url, token) as agent:
            await agent.post_events([event(n, cluster) for n in range(BATCH)])

    # Made before the clock runs: each reads the system's certificates, which takes a while.
    readers = [HubClient(url, TOKENS["reader"], timeout_s=30) for _ in range(READERS)]
    admins = [HubClient(url, TOKENS["admin"], timeout_s=30) for _ in range(WRITERS)]
    agents = {c: HubClient(url, token, timeout_s=30) for c, token in CLUSTER_TOKENS.items()}
    end = time.monotonic() + seconds

    async def read(hub: HubClient) -> None:
        questions = (
            ("list rules", hub.list_rules),
            ("list events", hub.list_events),
            ("list clusters", hub.list_clusters),
            ("search events", lambda: hub.list_events(search="web-7", limit=20)),
        )
        while time.monotonic() < end:
            await asyncio.sleep(random.uniform(0, 2 * PAUSE_S))  # noqa: S311, spreads load
            await timings.time(*random.choice(questions))  # noqa: S311, spreads load

    async def write(hub: HubClient, rule_id: str, cluster: str) -> None:
        off = False
        while time.monotonic() < end:
            await asyncio.sleep(random.uniform(0, 2 * PAUSE_S))  # noqa: S311, spreads load
            off = not off
            switch = hub.disable_rule if off else hub.enable_rule
            await timings.time("switch a rule", lambda switch=switch: switch(rule_id))
            await timings.time("heartbeat", lambda: agents[cluster].send_heartbeat(cluster, BEAT))

    writing = zip(admins, rules, itertools.cycle(agents), strict=False)
    await asyncio.gather(
        *(read(hub) for hub in readers),
        *(write(hub, rule.id, cluster) for hub, rule, cluster in writing),
    )
    await asyncio.gather(*(c.close() for c in (*readers, *admins, *agents.values())))
    timings.print()


async def ingest(url: str, seconds: float) -> None:
    timings, late = Timings(), []
    clients = [HubClient(url, token, timeout_s=30) for token in CLUSTER_TOKENS.values()]
    stored = 0
    count = int(seconds * EVENTS_PER_S / BATCH)
    started = time.monotonic() + 0.5

    async def send(number: int) -> None:
        nonlocal stored
        due = started + number * BATCH / EVENTS_PER_S
        await asyncio.sleep(due - time.monotonic())
        batch = [event(number * BATCH + n, "load") for n in range(BATCH)]
        agent = clients[number % CLUSTERS]

        async def post() -> None:
            nonlocal stored
            result = await agent.post_events(batch)
            stored += result.stored

        await timings.time("batch of 100", post)
        late.append((number, time.monotonic() - due))

    await asyncio.gather(*(send(number) for number in range(count)))
    took = time.monotonic() - started
    for client in clients:
        await client.close()
    print(f"  {stored} of {count * BATCH} events stored in {took:.1f} s: {stored / took:.0f}/s")
    last = [seconds for number, seconds in late if number >= count * 9 // 10]
    print(f"  due to stored, last tenth: mean {sum(last) / len(last) * 1000:.0f} ms")
    timings.print()


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'hub.db'}"
        return
    found = programs()
    if found is None:
        raise SystemExit("PostgreSQL is not installed (Debian: apt install postgresql)")
    with running_postgres(found, fsync="on", full_page_writes="on") as server:
        yield server.url(server.create())


@contextlib.contextmanager
def running_hub(url: str, folder: Path) -> Iterator[str]:
    tokens = folder / "tokens.json"
    tokens.write_bytes(msgspec.json.encode({**TOKENS, "clusters": CLUSTER_TOKENS}))
    settings = {"PORT": "0", "DATABASE_URL": url, "BOOTSTRAP_TOKENS_FILE": str(tokens)}
    with (folder / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tidegate.hub"],
            env={**os.environ, **{f"TIDEGATE_HUB_{k}": v for k, v in settings.items()}},
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            raise SystemExit((folder / "hub.log").read_text())
        yield json.loads(line)["url"]
        usage = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(usage[11]) + int(usage[12])
        print(f"  the hub's processor time: {ticks / os.sysconf('SC_CLK_TCK'):.1f} s")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", choices=["sqlite", "postgresql"])
    parser.add_argument("load", choices=["people", "ingest"])
    parser.add_argument("--seconds", type=float, default=60)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tidegate-load-"))
    try:
        with database(chosen.database, folder) as url, running_hub(url, folder) as hub:
            print(f"{chosen.database}, {chosen.load}, {chosen.seconds:g} s:")
            load = people if chosen.load == "people" else ingest
            asyncio.run(load(hub, chosen.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
