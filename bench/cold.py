"""Cold reviews: what the first review of an image costs at the registry, counted at a proxy.

Each review is about images that this gate process has never seen. Five gates, one after the
other; the first review of each opens its connections to the registry, later ones find them open.
"""

import asyncio
import select
import ssl
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from generator import ANSWER_S, Connection, Request
from measures import RUNS, number, say, spread, table
from place import REPOSITORY, Gate, Place, place
from proxy import Proxy, proxied, sequential_rounds
from reviews import UID, review
from tidegate.testing.real_registries import docker_registry, has_docker_registry

RTT_S = 0.020
FINDINGS = 200
SIZE = 5_000

FIRST = "one image by digest, first review of a gate"
CASES = {
    FIRST: ("image", True, 1),
    "one image by digest": ("image", True, 1),
    "one image by tag": ("image", False, 1),
    "three images by digest": ("image", True, 3),
    "index of two platforms by digest": ("index", True, 1),
    "index of two platforms by tag": ("index", False, 1),
}
"""What is pushed, whether it is named by digest, and how many of it a review names."""


@dataclass
class Seen:
    """What was measured of one case."""

    near_ms: list[float] = field(default_factory=list)
    far_ms: list[float] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)


class Cold:
    """Measures one registry."""

    def __init__(self, site: Place, proxy: Proxy) -> None:
        self._site = site
        self._proxy = proxy
        self._serial = count()

    async def run(self) -> dict[str, Seen]:
        seen: dict[str, Seen] = defaultdict(Seen)
        for _ in range(RUNS):
            for rtt_s in (0.0, RTT_S):
                with ExitStack() as stack:
                    endpoint = f"127.0.0.1:{self._proxy.port}"
                    gate = stack.enter_context(self._site.gate(endpoint=endpoint))
                    for name in CASES:
                        await self._measure(gate, name, rtt_s, seen[name])
        return seen

    async def _measure(self, gate: Gate, name: str, rtt_s: float, seen: Seen) -> None:
        body = await self._unseen(name)
        self._proxy.rtt_s = rtt_s
        self._proxy.forget()
        took_s = await asyncio.to_thread(ask, self._site, gate, body)
        if rtt_s:
            seen.far_ms.append(took_s * 1e3)
            seen.rounds.append(sequential_rounds(self._proxy.exchanges))
            seen.requests.append(len(self._proxy.exchanges))
            seen.opened.append(self._proxy.connections)
        else:
            seen.near_ms.append(took_s * 1e3)

    async def _unseen(self, name: str) -> bytes:
        """Push what the case is about and return a review of it, which must be denied."""
        kind, by_digest, images = CASES[name]
        named = []
        async with self._site.client() as client:
            push = self._site.push if kind == "image" else self._site.push_index
            for _ in range(images):
                tag = f"cold-{next(self._serial)}"
                pushed = await push(client, tag, FINDINGS)
                by_tag = f"{self._site.host}/{REPOSITORY}:{tag}"
                named.append(str(self._site.reference(pushed.digest)) if by_digest else by_tag)
        return review(named, SIZE, name="gated-web")


def ask(site: Place, gate: Gate, body: bytes) -> float:
    """Return how long one review takes on a connection that is open already.

    Raises:
        RuntimeError: the answer is not a denial by the rule.
    """
    path = site.folder / "cold.json"
    path.write_bytes(body)
    plan = {"body": str(path), "uid": UID, "allowed": False, "says": "(deny)", "echoes_uid": True}
    context = ssl.create_default_context(cafile=str(site.ca))
    connection = Connection(gate.port, context)
    try:
        started_s = time.perf_counter()
        connection.send(Request.of(plan), 1, started_s)
        while (fault := connection.answered()) is None:
            select.select([connection], [], [], ANSWER_S)
        if fault:
            raise RuntimeError(f"not the verdict that it must be: {fault!r}")
        return time.perf_counter() - started_s
    finally:
        connection.close()


async def measured(site: Place) -> dict[str, Seen]:
    async with proxied(int(site.host.rpartition(":")[2])) as proxy:
        return await Cold(site, proxy).run()


def rows(seen: dict[str, Seen]) -> list[Sequence[str]]:
    return [
        (
            name,
            least_most(each.rounds),
            least_most(each.requests),
            least_most(each.opened),
            spread(each.near_ms),
            spread(each.far_ms),
            number(max(0.0, sorted(each.far_ms)[len(each.far_ms) // 2] / RTT_S / 1e3)),
        )
        for name, each in seen.items()
    ]


def least_most(values: Sequence[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else f"{min(values)}..{max(values)}"


HEADER = (
    "review", "rounds", "requests", "connections opened", "ms, near", "ms, RTT 20 ms", "in RTTs",
)  # fmt: skip


def main() -> None:
    print("## Cold review\n")
    print(
        "The real gate process, a proxy in this one, and a registry. *Rounds* is the longest\n"
        "chain of requests in which each began after the one before was answered; *requests* is\n"
        f"all of them. Each image has a signed report of {FINDINGS} findings. *Near*: the proxy\n"
        "adds nothing; *RTT 20 ms*: it adds that to every request, and once more to open a\n"
        "connection. Every answer is a denial by the rule that it must be by.\n"
    )
    say("cold: embedded registry")
    with place() as site:
        print("Embedded registry (referrers API):\n")
        print(table(HEADER, rows(asyncio.run(measured(site)))))
        if not has_docker_registry():
            print("docker-registry (no referrers API): not installed here, not measured.\n")
            return
        say("cold: docker-registry")
        folder = Path(site.folder, "docker")
        folder.mkdir()
        with docker_registry(folder) as host:
            site.host = host
            print("docker-registry 2.8 (no referrers API, so its fallback tag is read):\n")
            print(table(HEADER, rows(asyncio.run(measured(site)))))


if __name__ == "__main__":
    main()
