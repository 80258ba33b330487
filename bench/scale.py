"""Warm reviews by several processes of one gate, and by more and more rules, over TLS.

What a review costs in processor time tells how throughput grows with cores, wherever the load
comes from: processes share nothing but the port, so as long as it stays the same they add up.
"""

import asyncio
import ssl
import time
from http.client import HTTPSConnection
from typing import Any

from generator import cpu_seconds
from measures import RUNS, cores, number, say, spread, table
from place import Place, place
from reviews import SIZES, Review
from warm import Server, load, mixed_reviews, push_images

PROCESSES = (1, 2, 4)
READY_S = 120
IDLE_S = 1.0
RULES = (1, 10, 100, 1_000, 10_000)


def runs(site: Place, server: Server, reviews: list[Review]) -> list[dict[str, Any]]:
    return [load(server, site, reviews, seed=2 * n + 1, rate=0) for n in range(RUNS)]


def wait_for_rules(server: Server, site: Place) -> None:
    """Wait until the gate has read its rules, twice as it does, and has nothing more to do.

    Ten thousand rules in YAML take some seconds of a thread, which reviews would wait for.
    """
    context = ssl.create_default_context(cafile=str(site.ca))
    ends_s = time.monotonic() + READY_S
    while time.monotonic() < ends_s:
        connection = HTTPSConnection("127.0.0.1", server.port, context=context, timeout=READY_S)
        connection.request("GET", "/readyz")
        ready = connection.getresponse().status == 200
        before_s = cpu_seconds(server.pid)
        time.sleep(IDLE_S)
        if ready and cpu_seconds(server.pid) - before_s < IDLE_S / 10:
            return
    raise RuntimeError(f"the gate is not ready, or busy with its rules, after {READY_S} s")


def row(name: str, found: list[dict[str, Any]]) -> list[str]:
    return [
        name,
        spread([run["answers"] / run["seconds"] for run in found]),
        spread([100 * run["server_cpu_s"] / run["seconds"] for run in found], 2),
        spread([run["server_cpu_s"] / run["answers"] * 1e6 for run in found]),
    ]


def main() -> None:
    process_rows, rule_rows = [], []
    with place() as site:
        clean, vulnerable = asyncio.run(push_images(site))
        reviews = mixed_reviews(clean, vulnerable, SIZES["5 KB"])
        for processes in PROCESSES:
            say(f"scale: {processes} processes")
            with site.gate(processes=processes) as gate:
                server = Server("gate", gate.pid, gate.port, checks=True)
                process_rows.append(row(str(processes), runs(site, server, reviews)))
        for rules in RULES:
            say(f"scale: {rules} rules")
            with site.gate(core=cores()[0], rules=rules) as gate:
                server = Server("gate", gate.pid, gate.port, checks=True)
                wait_for_rules(server, site)
                rule_rows.append(row(number(rules, 6), runs(site, server, reviews)))
    print("## Several processes, many rules\n")
    print(
        "The warm reviews of 5 KB from above, all connections busy. Several processes on one\n"
        "port (`TIDEGATE_GATE_PROCESSES`), on all cores, which the generator shares: throughput\n"
        "is bound by it, so read what a review costs; as long as that stays, cores add up.\n"
    )
    header = ["reviews/s", "gate busy, %", "CPU per review, µs"]
    print(table(["processes", *header], process_rows))
    print(
        "One process, one core, and rules about other images and namespaces, each with globs\n"
        "of its own, in policy objects of 500 at most; the rule that denies stands behind all.\n"
    )
    print(table(["rules before the one that decides", *header], rule_rows))


if __name__ == "__main__":
    main()
