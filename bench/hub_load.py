"""One hub under load, on both databases: `python bench/hub_load.py` prints its section.

people: 200 readers and 20 writers with a request a second each (`people.py`, a process of its own).
ingest: 1,000 admission events a second in batches of 100 from ten clusters, on a fixed schedule: a
hub that falls behind shows in the lateness, which then grows to the end.

`--against SRC` measures the hub of another checkout's `src` in turns with this one's, on the same
machine in the same minutes, so that the ratio of the two says something.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from measures import ROOT, number, python_environment, say, spread, table
from place import running
from support.postgres import programs, running_postgres
from tidegate.domain.errors import TidegateError
from tidegate.domain.rule import Action
from tidegate.hubclient import HubClient
from tidegate.wire.event_v1 import AdmissionEventV1, CountsV1, FindingV1, ImageRowV1
from tidegate.wire.hub_v1 import RuleWriteV1
from tidegate.wire.policy_v1alpha1 import ConfigurationV1, RuleV1

DATABASES = ("sqlite", "postgresql")
RUNS = 3
SECONDS = 60
READERS, WRITERS = 200, 20
CLUSTERS = 10
BATCH = 100
EVENTS_PER_S = 1000
WRITES = ("switch a rule", "heartbeat")
HUB_START_S = 1.0
"""Let its start be over before its processor time counts."""

TOKENS = {role: f"{role}-{'t' * 40}" for role in ("admin", "reader")}
CLUSTER_TOKENS = {f"c{number}": f"c{number}-{'t' * 40}" for number in range(CLUSTERS)}
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


@dataclass
class Run:
    """What one minute of people gave."""

    latencies_s: dict[str, list[float]]
    errors: collections.Counter[str]
    hub_cpu_s: float
    generator_cpu_s: float

    @property
    def requests(self) -> int:
        return sum(map(len, self.latencies_s.values())) + self.errors.total()

    def percentile_ms(self, kinds: Sequence[str], percent: int) -> float:
        ordered = sorted(s for kind in kinds for s in self.latencies_s.get(kind, ()))
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000

    @property
    def cpu_ms(self) -> float:
        """Of the hub, for each request."""
        return self.hub_cpu_s / self.requests * 1000


@dataclass
class Ingested:
    """What the events gave."""

    per_s: float
    late_ms: float
    """From the instant at which a batch was due until it was stored, mean of the last tenth."""
    batch_ms: list[float] = field(default_factory=list)
    errors: collections.Counter[str] = field(default_factory=collections.Counter)
    hub_cpu_s: float = 0
    count: int = 0


class RunningHub:
    """A hub's process."""

    def __init__(self, url: str, pid: int) -> None:
        self.url, self.pid = url, pid
        self.port = int(url.rpartition(":")[2])

    @property
    def cpu_s(self) -> float:
        """Processor time of all its threads so far."""
        usage = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(usage[11]) + int(usage[12])) / os.sysconf("SC_CLK_TCK")


def event(number_: int, run: str) -> AdmissionEventV1:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    identifier = f"{run}-{number_}"
    return AdmissionEventV1(
        identifier, at, "deny", "Pod", f"web-{number_}", namespace="shop", user="ann", images=[ROW]
    )


async def fill(url: str) -> list[str]:
    """Make what people look at: 21 rules, 1,000 events of ten clusters; return rule ids."""
    async with HubClient(url, TOKENS["admin"], timeout_s=30) as admin:
        made = [
            await admin.create_rule(
                RuleWriteV1(
                    RuleV1(f"r{n}", Action.AUDIT, ConfigurationV1(block_unscanned_images=True))
                )
            )
            for n in range(WRITERS)
        ]
    for cluster, token in CLUSTER_TOKENS.items():
        async with HubClient(url, token, timeout_s=30) as agent:
            await agent.post_events([event(n, cluster) for n in range(BATCH)])
    return [rule.id for rule in made]


def people(hub: RunningHub, folder: Path, seconds: float, seed: int) -> Run:
    rules = asyncio.run(fill(hub.url))
    names = list(CLUSTER_TOKENS)
    writers = [
        {"rule": rule, "cluster": (own := names[n % CLUSTERS]), "token": CLUSTER_TOKENS[own]}
        for n, rule in enumerate(rules)
    ]
    plan = folder / "plan.json"
    plan.write_text(
        json.dumps(
            {"port": hub.port, "seconds": seconds, "seed": seed, "readers": READERS}
            | {"writers": writers, **TOKENS}
        )
    )
    before_s = hub.cpu_s
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("people.py")), str(plan)],
        env=python_environment(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=seconds * 3 + 60,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    errors = collections.Counter[str](found["errors"])
    return Run(found["latencies_s"], errors, hub.cpu_s - before_s, found["cpu_s"])


def ingest(hub: RunningHub, _: Path, seconds: float, __: int) -> Ingested:
    before_s = hub.cpu_s
    found = asyncio.run(_ingest(hub.url, seconds))
    found.hub_cpu_s = hub.cpu_s - before_s
    return found


async def _ingest(url: str, seconds: float) -> Ingested:
    clients = [HubClient(url, token, timeout_s=30) for token in CLUSTER_TOKENS.values()]
    count = int(seconds * EVENTS_PER_S / BATCH)
    found, late, stored = Ingested(0, 0, count=count * BATCH), [], 0
    started_s = time.perf_counter() + 0.5

    async def send(number_: int) -> None:
        nonlocal stored
        due_s = started_s + number_ * BATCH / EVENTS_PER_S
        await asyncio.sleep(due_s - time.perf_counter())
        batch = [event(number_ * BATCH + n, "load") for n in range(BATCH)]
        sent_s = time.perf_counter()
        try:
            answer = await clients[number_ % CLUSTERS].post_events(batch)
        except TidegateError as error:
            found.errors[str(error)[:120]] += 1
        else:
            stored += answer.stored
            found.batch_ms.append((time.perf_counter() - sent_s) * 1000)
        late.append((number_, time.perf_counter() - due_s))

    await asyncio.gather(*(send(number_) for number_ in range(count)))
    found.per_s = stored / (time.perf_counter() - started_s)
    last = [seconds_ for number_, seconds_ in late if number_ >= count * 9 // 10]
    found.late_ms = statistics.fmean(last) * 1000
    for client in clients:
        await client.close()
    return found


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
def running_hub(url: str, folder: Path, source: Path) -> Iterator[RunningHub]:
    tokens = folder / "tokens.json"
    tokens.write_bytes(msgspec.json.encode({**TOKENS, "clusters": CLUSTER_TOKENS}))
    settings = {"PORT": "0", "DATABASE_URL": url, "BOOTSTRAP_TOKENS_FILE": str(tokens)}
    environment = {f"TIDEGATE_HUB_{name}": value for name, value in settings.items()}
    environment["PYTHONPATH"] = str(source)
    with running(["-m", "tidegate.hub"], environment, None, folder / "log") as (process, ready):
        time.sleep(HUB_START_S)
        yield RunningHub(ready["url"], process.pid)


def measure(load: Any, kind: str, source: Path, seconds: float, seed: int) -> Any:  # noqa: ANN401  # Run or Ingested, as `load` returns
    with tempfile.TemporaryDirectory(prefix="tidegate-load-") as name:
        folder = Path(name)
        with database(kind, folder) as url, running_hub(url, folder, source) as hub:
            return load(hub, folder, seconds, seed)


def rows_of(name: str, runs: Sequence[Run]) -> Iterator[list[object]]:
    """Yield a line for reads, one for writes and one for each kind."""
    kinds = sorted({kind for run in runs for kind in run.latencies_s})
    reads = [kind for kind in kinds if kind not in WRITES]
    wanted = {"**reads**": reads, "**writes**": list(WRITES)} | {kind: [kind] for kind in kinds}
    for label, some in wanted.items():
        counts = [sum(len(run.latencies_s.get(kind, ())) for kind in some) for run in runs]
        yield [
            name,
            label,
            number(statistics.median(counts), 5),
            *(spread([run.percentile_ms(some, p) for run in runs]) for p in (50, 95, 99)),
        ]


def errors_of(runs: Sequence[Run | Ingested]) -> str:
    every = sum((run.errors for run in runs), collections.Counter[str]())
    return "; ".join(f"{count} x {what}" for what, count in every.most_common(5)) or "0"


def described(results: dict[tuple[str, str], list[Run]], seconds: float) -> str:
    """Return the section about people."""
    names = {kind: runs for (kind, whose), runs in results.items() if whose == "this"}
    rows = [row for kind, runs in names.items() for row in rows_of(kind, runs)]
    costs = [
        [
            kind,
            number(statistics.median([run.requests for run in runs]), 5),
            errors_of(runs),
            spread([run.cpu_ms for run in runs]),
            spread([run.hub_cpu_s / seconds * 100 for run in runs]),
            spread([run.generator_cpu_s / seconds * 100 for run in runs]),
        ]
        for kind, runs in names.items()
    ]
    header = ["database", "request", "answered", "p50 ms", "p95 ms", "p99 ms"]
    cost = [
        "database",
        "requests",
        "errors",
        "hub's CPU ms a request",
        "hub's core, %",
        "load's core, %",
    ]
    return f"{table(cost, costs)}\n{table(header, rows)}"


def compared(results: dict[tuple[str, str], list[Run]]) -> str:
    """Return how this hub's numbers relate to the other's."""
    rows = []
    for kind in dict.fromkeys(kind for kind, _ in results):
        mine, other = results[kind, "this"], results.get((kind, "other"), [])
        if not other:
            return ""
        for label, some in (("reads", None), ("writes", WRITES)):
            for percent in (50, 95, 99):
                row = [kind, f"{label}, p{percent} ms"]
                values = []
                for runs in (other, mine):
                    own = [
                        run.percentile_ms(
                            some or [k for k in run.latencies_s if k not in WRITES], percent
                        )
                        for run in runs
                    ]
                    values.append(own)
                rows.append([*row, *_ratio(*values)])
        rows.append(
            [kind, "CPU ms a request", *_ratio([r.cpu_ms for r in other], [r.cpu_ms for r in mine])]
        )
        rows.append([kind, "errors", errors_of(other), errors_of(mine), ""])
    return table(["database", "", "before", "now", "before / now"], rows)


def _ratio(before: Sequence[float], now: Sequence[float]) -> list[str]:
    ratio = statistics.median(before) / statistics.median(now)
    return [spread(before), spread(now), number(ratio, 2)]


def ingested(results: dict[tuple[str, str], list[Ingested]]) -> str:
    rows = [
        [
            kind if whose == "this" else f"{kind}, before",
            spread([run.per_s for run in runs], 4),
            spread([run.late_ms for run in runs]),
            spread([statistics.median(run.batch_ms) for run in runs]),
            spread([run.hub_cpu_s / run.count * 1000 for run in runs]),
            errors_of(runs),
        ]
        for (kind, whose), runs in results.items()
    ]
    late = "due to stored at the end, ms"
    return table(["database", "events/s", late, "batch p50 ms", "CPU ms an event", "errors"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument(
        "--loads", nargs="+", choices=["people", "ingest"], default=["people", "ingest"]
    )
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--against", type=Path, help="`src` of a checkout to compare with")
    chosen = parser.parse_args()
    sources = {"this": ROOT / "src"} | ({"other": chosen.against} if chosen.against else {})
    results: dict[str, dict[tuple[str, str], list[Any]]] = {}
    for name, load, seconds in (
        ("people", people, chosen.seconds),
        ("ingest", ingest, chosen.seconds / 3),
    ):
        if name not in chosen.loads:
            continue
        kept = results[name] = collections.defaultdict(list)
        for seed in range(chosen.runs):
            for kind in chosen.databases:
                for whose, source in sources.items():
                    say(f"{name}, {kind}, {whose}, run {seed + 1} of {chosen.runs}")
                    kept[kind, whose].append(measure(load, kind, source, seconds, seed))
    print(section(results, chosen.seconds, chosen.runs))


def section(results: dict[str, dict[tuple[str, str], list[Any]]], seconds: float, runs: int) -> str:
    parts = [
        f"""\
## Hub under load

One hub process with its default settings, its database and the load on the same machine; median
of {runs} runs of {seconds:g} s in turns, each with a database of its own (SQLite's file; PostgreSQL
with `fsync`).
"""
    ]
    if "people" in results:
        parts.append(
            f"{READERS} readers and {WRITERS} writers, each with a request a second: rules (21), "
            "events (50 of 1,000),\nclusters (10), a search; a writer switches a rule, an agent's "
            "heartbeat follows. Latency as the caller\nsees it.\n"
        )
        parts.append(described(results["people"], seconds))
        parts.append(compared(results["people"]))
    if "ingest" in results:
        parts.append(
            f"{EVENTS_PER_S:,} events a second, {BATCH} to a batch, from {CLUSTERS} clusters for "
            f"{seconds / 3:g} s:\n"
        )
        parts.append(ingested(results["ingest"]))
    return "\n".join(filter(None, parts))


if __name__ == "__main__":
    main()
