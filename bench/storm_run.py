"""One storm from its first gate to its last event.

Gates are started and warmed up, reviews are sent while a script makes things fail, and every answer
and every event is accounted for.
"""

import asyncio
import json
import random
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from generator import quantile
from measures import python_environment
from storm import CUT, REFUSED, TIMED_OUT, UID
from storm_feed import publish
from storm_oracle import Judged, Oracle, Versions, kinds_of, policy_object
from storm_site import Gate, GateSettings, StormSite
from valve import Weather

HERE = Path(__file__).parent

PODS, DIGESTS, RATE, STORM_S = 150_000, 5_000, 1_000, 150
"""The whole storm, as a failover of a large cluster makes it."""

READS_PER_MIN = 1_000
"""Of the registry: ACR Basic."""

QUICK_S = 12.0
QUICK_DIGESTS = 120
WARM_RATE = 100.0
WARM_TRIES = 5
"""How often a replica is shown an image until it has its findings."""

DRAIN_S = 60.0
QUIET_S = 6.0
"""How long nothing may come to the hub until what is not there is looked for in the spools."""

ENDPOINT_S = 1.0
"""How long a Service may still name a replica that has died."""

FED_S = 60.0
"""How long a gate may take until it holds the feed."""

_DROPPED = re.compile(r"^tidegate_gate_events_dropped_total\{.*\} (\S+)$", re.MULTILINE)
_FED = re.compile(r"^tidegate_gate_feed_subjects\{.*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Scale:
    """How much of the whole storm is played."""

    rate: float
    seconds: float
    digests: int

    @property
    def pods(self) -> int:
        return round(self.rate * self.seconds)

    @property
    def reads_per_min(self) -> float:
        """The registry's limit, in proportion to the rate."""
        return READS_PER_MIN * self.rate / RATE


@dataclass
class Outcome:
    """What came of one storm."""

    name: str
    reviews: int = 0
    timeouts: int = 0
    cut: int = 0
    """Connections that ended before the answer, and ones that no replica took."""
    wrong: int = 0
    fail_opens: int = 0
    late: int = 0
    """By rules replaced longer ago than `LATE_S`."""
    unavailable: int = 0
    known_lost: int = 0
    """Of these, about images whose findings every replica had before."""
    denied: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    reads: int = 0
    refused_reads: int = 0
    stored: int = 0
    spooled: int = 0
    lost: int = 0
    """Reviews answered whose event is nowhere."""
    told: int = 0
    """Events that the gates say they dropped."""
    lost_denies: int = 0
    versions: int = 0
    certificates: int = 0
    opened: int = 0
    first_wrong: str = ""


@dataclass
class Stage:
    """What a script acts on while the storm runs."""

    site: StormSite
    gates: list[Gate]
    scale: Scale
    versions: Versions
    _generator: asyncio.subprocess.Process
    started_s: float = 0.0
    _dead: set[int] = field(default_factory=set)

    async def at(self, share: float) -> None:
        """Wait until `share` of the storm is over."""
        due_s = self.started_s + share * self.scale.seconds
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def kill_gate(self, gate: Gate) -> None:
        """Kill a replica; the Service names it a while longer."""
        port = gate.process.port
        await gate.process.kill()
        await asyncio.sleep(ENDPOINT_S)
        self._dead.add(port)
        await self._tell()

    async def restart_gate(self, gate: Gate) -> None:
        """Start it again; the Service names it once it is ready."""
        await gate.process.start()
        self._dead.discard(gate.process.port)
        await self._tell()

    def change_policy(self) -> None:
        """Put the next version of the rules in force."""
        version = self.versions.begin(time.monotonic())
        self.site.write_policy(policy_object(version, self.site.host))

    async def _tell(self) -> None:
        stdin = self._generator.stdin
        if stdin is not None:
            live = [g.process.port for g in self.gates if g.process.port not in self._dead]
            stdin.write(json.dumps(live).encode() + b"\n")
            with suppress(ConnectionError):
                await stdin.drain()


Script = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """A storm and what fails in it."""

    name: str
    words: str
    script: Script
    gates: tuple[GateSettings, ...] = (GateSettings(), GateSettings())
    reuse: int = 2**31
    """Requests after which a connection is closed, so that new ones are opened."""
    kills_replica: bool = False
    loses_events: bool = False
    """Events may be dropped, if they are told."""
    missing: Callable[[], str] = lambda: ""
    """Returns what this machine lacks for it."""


async def run_storm(site: StormSite, scale: Scale, scenario: Scenario) -> Outcome:
    """Play `scenario` and return what came of it."""
    await site.push(scale.digests)
    site.valve.weather, site.valve.limit_per_min = Weather.FAIR, 0.0
    versions = Versions()
    site.write_policy(policy_object(0, site.host))
    images = site.images[: scale.digests]
    kinds, by_image = kinds_of(images)
    bodies = site.folder / "bodies"
    bodies.write_bytes(b"".join(kind.body + b"\n" for kind in kinds))
    oracle = Oracle(site.host, images, kinds)
    known = scale.digests // 2
    fed = any(settings.fed for settings in scenario.gates)
    reported = frozenset(
        i for i, image in enumerate(images) if image.report is not None and (fed or i < known)
    )
    rows = await publish(site) if fed else 0
    async with site.gates(scenario.gates) as gates:
        ports = [gate.process.port for gate in gates]
        if fed:  # what it has to know is there before the pods
            await _until_fed(site, gates, rows)
        else:
            await warm_up(site, oracle, by_image[:known], ports)
        plan = plan_of(site, ports, mixed_order(scale, by_image, known), scale.rate, scenario.reuse)
        site.valve.reads = site.valve.refused = 0
        found = await _storm(site, gates, scale, scenario, versions, plan)
        outcome = Outcome(scenario.name, reads=site.valve.reads, refused_reads=site.valve.refused)
        outcome.versions = versions.newest
        answered = judge_all(outcome, oracle, versions, found, reported)
        await _account(site, gates, outcome, answered)
    return outcome


async def warm_up(
    site: StormSite, oracle: Oracle, known: Sequence[Sequence[int]], ports: Sequence[int]
) -> None:
    """Show every replica the known images until each answer has their findings."""
    for port in ports:
        left = [kinds[0] for kinds in known]
        for _ in range(WARM_TRIES):
            plan = plan_of(site, [port], left, WARM_RATE, 2**31)
            sender = await generator(site, plan)
            await sender.communicate()
            found = json.loads((site.folder / "results.json").read_text())
            left = []
            for kind, *_, answer in found["records"]:
                judged = oracle.judge(kind, found["answers"][answer], [0])
                if not judged.right:
                    raise RuntimeError(f"while warming up: {found['answers'][answer]}")
                if judged.unavailable:
                    left.append(kind)
            if not left:
                break
        else:
            raise RuntimeError(f"while warming up: {len(left)} images had no findings in time")


def mixed_order(
    scale: Scale, by_image: Sequence[Sequence[int]], known: int, *, seed: int = 0
) -> list[int]:
    """Return the kinds of all reviews: images that are not known join in one after the other."""
    chosen = random.Random(seed)  # noqa: S311 load, not a secret
    unknown = len(by_image) - known
    order = []
    for i in range(scale.pods):
        image = chosen.randrange(known + unknown * i // scale.pods)
        order.append(chosen.choice(by_image[image]))
    return order


_numbers = iter(range(1, 2**15))


def plan_of(
    site: StormSite, ports: Sequence[int], order: Sequence[int], rate: float, reuse: int
) -> dict[str, Any]:
    """Return what the generator is told."""
    return {
        "ca": str(site.bundle(site.authority("authority"), site.authority("next"))),
        "bodies": str(site.folder / "bodies"),
        "order": list(order),
        "rate": rate,
        "first_number": next(_numbers) << 32,
        "reuse": reuse,
        "ports": list(ports),
        "results": str(site.folder / "results.json"),
    }


async def generator(site: StormSite, plan: dict[str, Any]) -> asyncio.subprocess.Process:
    """Start to send what `plan` says."""
    path = site.folder / "plan.json"
    path.write_text(json.dumps(plan))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "storm.py"),
        str(path),
        stdin=subprocess.PIPE,
        env=python_environment(),
    )


async def _storm(
    site: StormSite,
    gates: list[Gate],
    scale: Scale,
    scenario: Scenario,
    versions: Versions,
    plan: dict[str, Any],
) -> dict[str, Any]:
    """Run generator and script side by side and return what the generator found."""
    sender = await generator(site, plan)
    stage = Stage(site, gates, scale, versions, sender, time.monotonic())
    script = asyncio.ensure_future(scenario.script(stage))
    code = await sender.wait()
    await script
    if code:
        raise RuntimeError(f"{scenario.name}: the generator ended with code {code}")
    found: dict[str, Any] = json.loads((site.folder / "results.json").read_text())
    return found


def judge_all(
    outcome: Outcome,
    oracle: Oracle,
    versions: Versions,
    found: dict[str, Any],
    known: int,
) -> dict[str, Judged]:
    """Count what the answers are; return those with a verdict by their review's uid."""
    answers, cache = found["answers"], {}
    answered: dict[str, Judged] = {}
    times_ms = []
    for kind, number, due_s, sent_s, done_s, answer in found["records"]:
        outcome.reviews += 1
        text = answers[answer]
        times_ms.append((done_s - due_s) * 1e3)
        if text == TIMED_OUT:
            outcome.timeouts += 1
            continue
        if text in (CUT, REFUSED):
            outcome.cut += 1
            continue
        possible = versions.possible(sent_s, done_s)
        key = (kind, answer, possible if len(possible) == 1 else min(len(possible), 2))
        judged = cache.get(key) or oracle.judge(kind, text, possible)
        cache[key] = judged
        answered[(UID % number).decode()] = judged
        _count(outcome, judged, possible, known)
    times_ms.sort()
    outcome.p50_ms, outcome.p99_ms = quantile(times_ms, 0.5), quantile(times_ms, 0.99)
    outcome.max_ms = times_ms[-1]
    outcome.opened, outcome.certificates = found["opened"], len(found["certificates"])
    return answered


def _count(outcome: Outcome, judged: Judged, possible: range, known: frozenset[int]) -> None:
    outcome.denied += judged.denied
    early = judged.version is not None and judged.version >= possible.stop
    if not judged.right or early:
        outcome.wrong += 1
        outcome.fail_opens += judged.allowed
        outcome.first_wrong = outcome.first_wrong or judged.why
        return
    outcome.late += judged.version is not None and judged.version < possible.start
    outcome.unavailable += bool(judged.unavailable)
    outcome.known_lost += bool(judged.unavailable & known)


async def _account(
    site: StormSite, gates: Sequence[Gate], outcome: Outcome, answered: dict[str, Judged]
) -> None:
    """Find the event of every answer: in the hub, in a spool, or told as dropped."""
    stored = site.stored(answered)
    deadline_s, moved_s = time.monotonic() + DRAIN_S, time.monotonic()
    while len(stored) < len(answered) and time.monotonic() < deadline_s:
        await asyncio.sleep(0.5)
        now_stored = site.stored(answered)
        if len(now_stored) > len(stored):
            stored, moved_s = now_stored, time.monotonic()
        elif time.monotonic() - moved_s > QUIET_S:
            break
    spooled = {name for gate in gates for name in gate.spooled()} & answered.keys()
    stored |= site.stored(answered.keys() - stored)  # what left a spool meanwhile
    lost = answered.keys() - stored - spooled
    outcome.stored, outcome.spooled = len(stored), len(spooled - stored)
    outcome.lost = len(lost)
    outcome.lost_denies = sum(answered[name].denied for name in lost)
    outcome.told = sum([await dropped_events(site, gate) for gate in gates])


async def _until_fed(site: StormSite, gates: Sequence[Gate], rows: int) -> None:
    """Return once every gate holds the `rows` of the feed."""
    async with asyncio.timeout(FED_S):
        for gate in gates:
            while await _counted(site, gate, _FED) < rows:
                await asyncio.sleep(0.1)


async def dropped_events(site: StormSite, gate: Gate) -> int:
    """Return how many events a gate says it dropped."""
    return await _counted(site, gate, _DROPPED)


async def _counted(site: StormSite, gate: Gate, metric: re.Pattern[str]) -> int:
    """Return the sum of a metric over its labels."""
    ca = site.bundle(site.authority("authority"), site.authority("next"))
    async with httpx2.AsyncClient(verify=ssl.create_default_context(cafile=ca)) as client:
        answer = await client.get(f"{gate.process.url}/metrics")
    return sum(int(float(number)) for number in metric.findall(answer.text))
