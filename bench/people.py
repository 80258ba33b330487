"""People and agents at a hub, from a process of its own: `people.py PLAN` prints what they saw.

200 readers and 20 writers with a kept connection each, as browsers and agents have, and a pause of
0 to 2 s before each request: a request a second of each, unless the hub lets them wait. A reader
lists rules, events or clusters, or searches events; a writer switches a rule of its own and an
agent's heartbeat follows. Sockets and uvloop alone: what this process needs is part of every
latency. Every answer is looked at: its status, and that it is the JSON that was asked for.
"""

import asyncio
import collections
import contextlib
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

PAUSE_S = 1.0
ANSWER_S = 30.0

READS = {
    "list rules": "/api/v1/rules?limit=50",
    "list events": "/api/v1/events?limit=50",
    "list clusters": "/api/v1/clusters?limit=500",
    "search events": "/api/v1/events?limit=20&search=web-7",
}


class Person:
    """One kept connection."""

    def __init__(self, port: int, token: str, random_: random.Random, seen: "Seen") -> None:
        self._port, self._token, self._seen = port, token, seen
        self.random = random_
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def pause(self) -> None:
        await asyncio.sleep(self.random.uniform(0, 2 * PAUSE_S))

    async def ask(self, kind: str, method: str, path: str, want: bytes, body: bytes = b"") -> None:
        """Make one request; what is wrong with its answer is counted by kind."""
        started_s = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_S):
                status, answer = await self._exchange(method, path, body)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self._seen.errors[f"{kind}: {type(error).__name__}"] += 1
            self.close()
            return
        if not status.startswith(b"2") or want not in answer:
            self._seen.errors[f"{kind}: {status.decode()} {answer[:120]!r}"] += 1
        else:
            self._seen.latencies_s[kind].append(time.perf_counter() - started_s)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, method: str, path: str, body: bytes) -> tuple[bytes, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)
        reader, writer = self._streams
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: hub.test\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return answer[9:12], await reader.readexactly(int(length or b"0"))


class Seen:
    """How long answers took, by kind, and what went wrong."""

    def __init__(self) -> None:
        self.latencies_s: dict[str, list[float]] = collections.defaultdict(list)
        self.errors: collections.Counter[str] = collections.Counter()


async def read(person: Person, ends_s: float) -> None:
    await person.pause()
    while time.perf_counter() < ends_s:
        kind = person.random.choice(list(READS))
        await person.ask(kind, "GET", READS[kind], b'"items":')
        await person.pause()


async def write(person: Person, agent: Person, plan: dict[str, Any], ends_s: float) -> None:
    off = False
    await person.pause()
    while time.perf_counter() < ends_s:
        off = not off
        wanted = b'"enabled":false' if off else b'"id":'
        path = f"/api/v1/rules/{plan['rule']}/{'disable' if off else 'enable'}"
        await person.ask("switch a rule", "POST", path, wanted)
        beat = json.dumps({"agentVersion": "bench", "policyGeneration": "g"}).encode()
        path = f"/api/v1/clusters/{plan['cluster']}/heartbeat"
        await agent.ask("heartbeat", "POST", path, b"", beat)
        await person.pause()


async def main(plan: dict[str, Any]) -> None:
    seen, chosen = Seen(), random.Random(plan["seed"])  # noqa: S311 load, not a secret
    everybody: list[Person] = []

    def person(token: str) -> Person:
        own = random.Random(chosen.random())  # noqa: S311 load, not a secret
        everybody.append(Person(plan["port"], token, own, seen))
        return everybody[-1]

    ends_s = time.perf_counter() + plan["seconds"]
    reading = [read(person(plan["reader"]), ends_s) for _ in range(plan["readers"])]
    writing = [
        write(person(plan["admin"]), person(own["token"]), own, ends_s) for own in plan["writers"]
    ]
    with contextlib.closing(_Closing(everybody)):
        await asyncio.gather(*reading, *writing)
    cpu_s = time.process_time()
    found = {"latencies_s": seen.latencies_s, "errors": seen.errors, "cpu_s": cpu_s}
    print(json.dumps(found))


class _Closing:
    def __init__(self, people: list[Person]) -> None:
        self._people = people

    def close(self) -> None:
        for person in self._people:
            person.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(json.loads(Path(sys.argv[1]).read_text())))
