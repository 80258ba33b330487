"""Warm reviews over TLS: the real gate process with real, cached evidence, beside a bare echo.

Gate and echo run in turns, alone on one core; the generator has the other one. Each review names
three images by digest, whose signed findings the gate has read from the registry, and reads again
as often as it always does. 70 of 100 reviews are allowed, 20 warned about and 10 denied.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from generator import CONNECTIONS
from measures import RUNS, cores, number, python_environment, say, spread, table
from place import Place, place, running
from reviews import SIZES, UID, Review, review

FULL_S = 2.0
OPEN_S = 3.0
RATE = 1000
"""Reviews per second: pods that the largest clusters are known to create."""

IMAGES = 12
FINDINGS = 40
"""Of each image that has any, half of them high or critical."""

HERE = Path(__file__).parent
GENERATOR_LIMIT_S = 60


@dataclass(frozen=True)
class Server:
    """A process that takes reviews."""

    name: str
    pid: int
    port: int
    checks: bool
    """Its answers depend on what was asked."""


async def push_images(site: Place) -> tuple[list[str], list[str]]:
    """Return the references of images without and with findings."""
    async with site.client() as client:
        pushed = [
            await site.push(client, f"{kind}-{i}", findings)
            for kind, findings in (("clean", 0), ("vulnerable", FINDINGS))
            for i in range(IMAGES)
        ]
    named = [str(site.reference(image.digest)) for image in pushed]
    return named[:IMAGES], named[IMAGES:]


def mixed_reviews(clean: Sequence[str], vulnerable: Sequence[str], size: int) -> list[Review]:
    """Return the kinds of reviews of one size."""
    kinds = []
    for i in range(0, IMAGES, 3):
        good = list(clean[i : i + 3])
        bad = [*good[:2], vulnerable[i]]
        kinds += [
            Review(review(good, size, name=f"web-{i}"), allowed=True, says="", weight=70),
            Review(review(bad, size, name=f"web-{i}"), allowed=True, says="(audit)", weight=20),
            Review(review(bad, size, name=f"gated-{i}"), allowed=False, says="(deny)", weight=10),
        ]
    return kinds


def load(
    server: Server, site: Place, reviews: Sequence[Review], *, seed: int, rate: float
) -> dict[str, Any]:
    """Run the generator once and return what it found.

    Raises:
        RuntimeError: an answer was not the one that its request must get.
    """
    plan = {
        "port": server.port,
        "ca": str(site.ca),
        "server_pid": server.pid,
        "rate": rate,
        "seconds": OPEN_S if rate else FULL_S,
        "seed": seed,
        "requests": [_planned(site, each, checks=server.checks) for each in reviews],
    }
    path = site.folder / "plan.json"
    path.write_text(json.dumps(plan))
    command = ["taskset", "-c", str(cores()[1]), sys.executable, str(HERE / "generator.py")]
    ran = subprocess.run(
        [*command, str(path)],
        env=python_environment(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=GENERATOR_LIMIT_S,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    if found["faults"]:
        raise RuntimeError(
            f"{server.name}: {found['faults']} wrong answers: {found['first_fault']}"
        )
    return found


def _planned(site: Place, each: Review, *, checks: bool) -> dict[str, Any]:
    path = site.folder / f"review-{hash(each.body) & 0xFFFFFFFFFFFF:x}.json"
    path.write_bytes(each.body)
    return {
        "body": str(path),
        "uid": UID,
        "allowed": each.allowed or not checks,
        "says": each.says if checks else "",
        "echoes_uid": checks,
        "weight": each.weight,
    }


@contextmanager
def servers(site: Place) -> Iterator[list[Server]]:
    """Run gate and echo, both on the same core: only one of them is asked at a time."""
    core = cores()[0]
    with ExitStack() as stack:
        gate = stack.enter_context(site.gate(core=core))
        arguments = [str(HERE / "echo.py"), str(site.pair.certificate), str(site.pair.key)]
        process, ready = stack.enter_context(running(arguments, {}, core, site.folder / "echo.log"))
        port = int(ready["url"].rpartition(":")[2])
        yield [
            Server("gate", gate.pid, gate.port, checks=True),
            Server("bare echo", process.pid, port, checks=False),
        ]


def measure(site: Place) -> tuple[list[list[str]], list[list[str]]]:
    """Return the rows about throughput and those about latency."""
    clean, vulnerable = asyncio.run(push_images(site))
    full_rows, open_rows = [], []
    with servers(site) as both:
        for label, size in SIZES.items():
            reviews = mixed_reviews(clean, vulnerable, size)
            full: dict[str, list[dict[str, Any]]] = {server.name: [] for server in both}
            paced: dict[str, list[dict[str, Any]]] = {server.name: [] for server in both}
            for i in range(RUNS):
                say(f"warm: {label}, run {i + 1} of {RUNS}")
                for server in both:
                    once = partial(load, server, site, reviews)
                    full[server.name].append(once(seed=2 * i + 1, rate=0))
                    paced[server.name].append(once(seed=2 * i + 2, rate=RATE))
            full_rows += full_load_rows(label, full)
            open_rows += [[label, name, *latencies(found)] for name, found in paced.items()]
    return full_rows, open_rows


def full_load_rows(label: str, full: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    rates = {name: [r["answers"] / r["seconds"] for r in found] for name, found in full.items()}
    costs = {
        name: [r["server_cpu_s"] / r["answers"] * 1e6 for r in found]
        for name, found in full.items()
    }
    ratios = [ours / bare for ours, bare in zip(costs["gate"], costs["bare echo"], strict=True)]
    return [
        [
            label,
            name,
            spread(rates[name]),
            spread([100 * r["server_cpu_s"] / r["seconds"] for r in found], 2),
            spread(costs[name]),
            spread(ratios, 2) if name == "gate" else "1",
        ]
        for name, found in full.items()
    ]


def latencies(found: Sequence[dict[str, Any]]) -> list[str]:
    return [
        spread([r["p50_s"] * 1e3 for r in found]),
        spread([r["p99_s"] * 1e3 for r in found]),
        spread([r["max_s"] * 1e3 for r in found]),
        number(max(r["most_waiting"] for r in found)),
    ]


def main() -> None:
    with place() as site:
        full_rows, open_rows = measure(site)
    print("## Warm review over TLS\n")
    print(
        "The real process (`python -m tidegate.gate`, 11 rules and the default one, evidence from\n"
        f"the embedded registry) alone on one core, the generator on another: {CONNECTIONS} kept\n"
        "HTTP/1.1 connections, three images a review by digest, every answer compared with the\n"
        "verdict that it must be. *Bare echo*: uvicorn, uvloop, httptools and TLS as the gate\n"
        "sets them up, answering a constant; measured in turns with the gate.\n\n"
        f"All connections busy for {FULL_S:g} s. Where *server busy* is below 100 %, the\n"
        "generator, or what else runs here, was in the way: then *CPU per review* says more, and\n"
        "the ratio is of that.\n"
    )
    header = ["body", "server", "reviews/s, one core", "server busy, %", "CPU per review, µs"]
    print(table([*header, "times bare echo"], full_rows))
    print(
        f"{RATE:,} reviews/s at random (Poisson) instants for {OPEN_S:g} s, latency in ms from\n"
        "the instant at which a review was due. The generator's own work is part of it, and the\n"
        "echo shows how much that is. *waiting*: most reviews that waited at a time.\n"
    )
    print(table(["body", "server", "p50", "p99", "longest", "waiting"], open_rows))


if __name__ == "__main__":
    main()
