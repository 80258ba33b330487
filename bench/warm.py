"""Warm reviews over TLS: the real gate process with real, cached evidence, beside bare echoes.

Gate and echoes run in turns, alone on one core; the generator has the other one. Each review names
three images by digest, whose signed findings the gate has read from the registry, and reads again
as often as it always does; every pod has a name of its own. 70 of 100 reviews are allowed, 20
warned about and 10 denied.
"""

import asyncio
import json
import os
import shutil
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
GO_BUILD_S = 300

BARE_ECHO = "echo, uvicorn"
"""What a webhook in Python costs that does nothing: the gate is to cost four times that."""

OWN_ECHO = "echo, the gate's HTTP"
"""Nothing is quicker in this process model."""


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
            Review(review(good, size, name=f"web-{UID}"), allowed=True, says="", weight=70),
            Review(review(bad, size, name=f"web-{UID}"), allowed=True, says="(audit)", weight=20),
            Review(review(bad, size, name=f"gated-{UID}"), allowed=False, says="(deny)", weight=10),
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
    """Run gate and echoes, all on the same core: only one of them is asked at a time."""
    core, pair = cores()[0], [str(site.pair.certificate), str(site.pair.key)]
    with ExitStack() as stack:
        gate = stack.enter_context(site.gate(core=core))
        found = [Server("gate", gate.pid, gate.port, checks=True)]
        for name, kind in ((OWN_ECHO, "gate"), (BARE_ECHO, "uvicorn")):
            arguments = [str(HERE / "echo.py"), kind, *pair]
            started = running(arguments, {}, core, site.folder / "echo.log")
            found.append(_echo(name, *stack.enter_context(started)))
        if (program := go_echo(site.folder)) is not None:
            one = {"GOMAXPROCS": "1"}
            started = running(pair, one, core, site.folder / "echo.log", program)
            found.append(_echo("echo, Go", *stack.enter_context(started)))
        yield found


def _echo(name: str, process: "subprocess.Popen[bytes]", ready: dict[str, str]) -> Server:
    return Server(name, process.pid, int(ready["url"].rpartition(":")[2]), checks=False)


def go_echo(folder: Path) -> str | None:
    """Build the echo with Go's own HTTP server and return its program; None without Go."""
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        say("warm: no Go here, so no echo of it")
        return None
    program = folder / "go_echo"
    settings = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}
    command = [go, "build", "-o", str(program), "."]
    subprocess.run(command, cwd=HERE / "go_echo", env=settings, check=True, timeout=GO_BUILD_S)
    return str(program)


def measure(site: Place) -> tuple[list[list[str]], list[list[str]]]:
    """Return the rows about throughput and those about latency."""
    clean, vulnerable = asyncio.run(push_images(site))
    full_rows, open_rows = [], []
    with servers(site) as both:
        for label, size in SIZES.items():
            reviews = mixed_reviews(clean, vulnerable, size)
            for server in both:
                load(server, site, reviews, seed=0, rate=0)
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
    return [
        [
            label,
            name,
            spread(rates[name]),
            spread([100 * r["server_cpu_s"] / r["seconds"] for r in found], 2),
            spread(costs[name]),
            *[
                spread([own / bare for own, bare in zip(costs[name], costs[echo], strict=True)], 2)
                for echo in (BARE_ECHO, OWN_ECHO)
            ],
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
        "verdict that it must be; each pod with a name and a token volume of its own. The echoes\n"
        "answer a constant, and are measured in turns with the gate, after a run that is not\n"
        "counted: uvicorn, as most webhooks in Python have it, which is the *bare echo* that a\n"
        "review may cost four times; the gate's own HTTP with nothing behind it, quicker than\n"
        "anything else in this process model; and Go's own server (one P), where Go is at hand.\n"
        "All with the gate's certificate.\n\n"
        f"All connections busy for {FULL_S:g} s. Where *server busy* is below 100 %, the\n"
        "generator, or what else runs here, was in the way: then *CPU per review* says more, and\n"
        "the ratio is of that.\n"
    )
    header = ["body", "server", "reviews/s, one core", "server busy, %", "CPU per review, µs"]
    print(table([*header, "times the bare echo", "times the gate's HTTP"], full_rows))
    print(
        f"{RATE:,} reviews/s at random (Poisson) instants for {OPEN_S:g} s, latency in ms from\n"
        "the instant at which a review was due. The generator's own work is part of it, and the\n"
        "echo shows how much that is. *waiting*: most reviews that waited at a time.\n"
    )
    print(table(["body", "server", "p50", "p99", "longest", "waiting"], open_rows))


if __name__ == "__main__":
    main()
