"""New TLS connections by the thousand while warm reviews go on: what they cost, and who waits.

An API server that starts, or one whose connections were closed, opens many at once. Connections
come at random instants of a given rate, each with one probe (`GET /healthz`) on it; beside them
warm reviews come on kept connections, from a process of its own. Where the clients are what is
busy, the rate that was reached says so.
"""

import asyncio
import json
import random
import selectors
import socket
import ssl
import subprocess
import sys
import time

from generator import cpu_seconds, quantile
from measures import RUNS, cores, number, python_environment, say, spread, table
from place import Place, place
from reviews import SIZES
from warm import Server, load, mixed_reviews, push_images

SECONDS = 3.0
RATES = (500, 1000, 2000)
REVIEWS_PER_S = 200
PROBE = b"GET /healthz HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\r\n"
LIMIT_S = 60


class Opening:
    """One connection on its way: TCP, TLS, a probe, its answer."""

    def __init__(self, port: int, context: ssl.SSLContext, due_s: float) -> None:
        plain = socket.socket()
        plain.settimeout(0)
        plain.connect_ex(("127.0.0.1", port))
        self.due_s = due_s
        self.answer = b""
        self.sent = False
        self.cut = False
        self.wants = selectors.EVENT_WRITE
        self.socket = context.wrap_socket(
            plain, server_hostname="127.0.0.1", do_handshake_on_connect=False
        )

    def go_on(self) -> bool:
        """Do what can be done without a wait; return whether it is answered, or was cut."""
        try:
            if not self.sent:
                self.socket.do_handshake()
                self.socket.send(PROBE)
                self.sent = True
            while piece := self.socket.recv(4096):
                self.answer += piece
        except ssl.SSLWantReadError:
            self.wants = selectors.EVENT_READ
        except ssl.SSLWantWriteError:
            self.wants = selectors.EVENT_WRITE
        except (ssl.SSLError, ConnectionError):
            self.cut = not self.answer.endswith(b"ok\n")
        return self.cut or self.answer.endswith(b"ok\n")


def open_connections(
    port: int, ca: str, rate: float, seconds: float, seed: int
) -> dict[str, float]:
    """Open connections for `seconds`; return how many were answered, and after what time."""
    context = ssl.create_default_context(cafile=ca)
    chosen, chooser = random.Random(seed), selectors.DefaultSelector()  # noqa: S311 load
    latencies_s: list[float] = []
    cut = 0
    began_s = time.perf_counter()
    due_s, waiting = began_s, 0
    while waiting or due_s < began_s + seconds:
        now_s = time.perf_counter()
        while due_s <= now_s and due_s < began_s + seconds:
            opening = Opening(port, context, due_s)
            chooser.register(opening.socket, opening.wants, opening)
            due_s += chosen.expovariate(rate)
            waiting += 1
        pause_s = max(0.0, due_s - time.perf_counter()) if due_s < began_s + seconds else 5.0
        for key, _ in chooser.select(pause_s):
            opening = key.data
            if opening.go_on():
                cut += opening.cut
                if not opening.cut:
                    latencies_s.append(time.perf_counter() - opening.due_s)
                chooser.unregister(opening.socket)
                opening.socket.close()
                waiting -= 1
            elif key.events != opening.wants:
                chooser.modify(opening.socket, opening.wants, opening)
    took_s = time.perf_counter() - began_s
    ordered = sorted(latencies_s)
    return {
        "per_s": len(ordered) / took_s,
        "cut": cut,
        "p50_s": quantile(ordered, 0.5),
        "p99_s": quantile(ordered, 0.99),
    }


def measure(site: Place, server: Server, reviews: list, rate: int, seed: int) -> dict[str, float]:
    """Open connections at `rate` beside warm reviews; return what both saw."""
    arguments = [str(server.port), str(site.ca), str(rate), str(SECONDS + 1.5), str(seed)]
    command = ["taskset", "-c", str(cores()[1]), sys.executable, __file__, *arguments]
    before_s = cpu_seconds(server.pid)
    with subprocess.Popen(command, env=python_environment(), stdout=subprocess.PIPE) as opening:
        warm = load(server, site, reviews, seed=seed, rate=REVIEWS_PER_S)
        told, _ = opening.communicate(timeout=LIMIT_S)
    found: dict[str, float] = json.loads(told)
    found["cpu_s"] = cpu_seconds(server.pid) - before_s
    return {**found, "warm_p50_s": warm["p50_s"], "warm_p99_s": warm["p99_s"]}


def main() -> None:
    if sys.argv[1:]:
        port, ca, rate, seconds, seed = sys.argv[1:]
        found = open_connections(int(port), ca, float(rate), float(seconds), int(seed))
        print(json.dumps(found))
        return
    rows = []
    with place() as site:
        clean, vulnerable = asyncio.run(push_images(site))
        reviews = mixed_reviews(clean, vulnerable, SIZES["5 KB"])
        with site.gate(core=cores()[0]) as gate:
            server = Server("gate", gate.pid, gate.port, checks=True)
            for rate in RATES:
                say(f"handshakes: {rate}/s")
                runs = [measure(site, server, reviews, rate, seed) for seed in range(1, RUNS + 1)]
                rows.append(
                    [
                        number(rate),
                        spread([run["per_s"] for run in runs]),
                        number(sum(run["cut"] for run in runs)),
                        spread([run["p99_s"] * 1e3 for run in runs]),
                        spread([run["warm_p50_s"] * 1e3 for run in runs]),
                        spread([run["warm_p99_s"] * 1e3 for run in runs]),
                    ]
                )
    print("## New connections\n")
    print(
        f"TLS connections at random instants of a given rate, a probe on each, beside\n"
        f"{REVIEWS_PER_S} warm reviews/s of 5 KB on kept ones. The gate has one core; the clients\n"
        "share the other, and opening a connection costs them as much as it costs the gate:\n"
        "where *reached* is below *asked* it is theirs, and in part what their reviews wait for.\n"
        "*Cut*: beyond the 1,024 connections that a gate holds, over all runs. Times in ms, from\n"
        "the instant at which a connection was due to the end of its answer.\n"
    )
    header = ["asked/s", "reached/s", "cut", "connection p99", "warm review p50", "warm review p99"]
    print(table(header, rows))


if __name__ == "__main__":
    main()
