"""Load as an API server makes it, from a process of its own: `generator.py PLAN` prints results.

HTTP/1.1 over TLS on at most 25 kept connections, one request at a time on each. Sockets and
`select` alone: what the generator needs per request is part of every latency. Two modes:

*open*: requests start at random (Poisson) instants of a given rate, whether or not earlier ones
were answered; latency counts from the instant at which one was due, waiting for a connection
included, so that a pause of the server is seen by all that it hits.
*full*: every connection always has a request under way; how many get done is the throughput.

Every answer is compared with what its request must get: uid, verdict, words.
"""

import gc
import json
import random
import select
import socket
import ssl
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONNECTIONS = 25
"""Idle connections that an API server keeps per webhook (client-go's `idleConnsPerHost`)."""

SEND_BUFFER_BYTES = 2**20
"""More than any request here, so that sending one never waits."""

WARM_UP_ROUNDS = 4
"""Requests on each connection before the clock runs."""

TOKEN_VOLUME = b"kube-api-access-abcde"
"""Each pod's has five other characters at its end, and so have ours."""

ANSWER_S = 10.0
TICKS_PER_S = 100  # of /proc/PID/stat on Linux (USER_HZ)


@dataclass(frozen=True)
class Request:
    """One kind of request, cut where its uid goes: that of the request, and in the pod's name."""

    parts: tuple[bytes, ...]
    verdict: bytes
    says: bytes
    silent: bool
    """Nothing may be warned about."""
    echoes_uid: bool
    mounts_token: bool

    @classmethod
    def of(cls, plan: dict[str, Any]) -> "Request":
        body = Path(plan["body"]).read_bytes()
        start, *rest = body.split(plan["uid"].encode())
        head = (
            "POST /admit?timeout=10s HTTP/1.1\r\nHost: tidegate-gate.tidegate.svc:443\r\n"
            "User-Agent: kube-apiserver-admission\r\n"
            f"Content-Length: {len(body)}\r\nAccept: application/json, */*\r\n"
            "Content-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n"
        )
        verdict = b'"allowed":true' if plan["allowed"] else b'"allowed":false'
        return cls(
            parts=(head.encode() + start, *rest),
            verdict=verdict,
            says=plan["says"].encode(),
            silent=not plan["says"],
            echoes_uid=plan["echoes_uid"],
            mounts_token=TOKEN_VOLUME in body,
        )


class Connection:
    """One kept connection with at most one request under way."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self._socket.settimeout(0)
        self._answer = bytearray()
        self._request: Request | None = None
        self._uid = b""
        self.due_s = 0.0

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, request: Request, number: int, due_s: float) -> None:
        """Send `request` under the uid that `number` makes."""
        self._request, self.due_s = request, due_s
        self._uid = b"00000000-0000-4000-8000-%012x" % number
        message = self._uid.join(request.parts)
        if request.mounts_token:
            message = message.replace(TOKEN_VOLUME, b"kube-api-access-%05x" % (number & 0xFFFFF))
        while True:
            try:
                self._socket.send(message)
            except ssl.SSLWantWriteError:
                select.select([], [self], [], ANSWER_S)
            else:
                return

    def answered(self) -> bytes | None:
        """Return what is wrong with the answer, empty for nothing; None: it is not whole yet."""
        while True:
            try:
                piece = self._socket.recv(65536)
            except ssl.SSLWantReadError:
                return None
            if not piece:
                return b"the connection was closed"
            self._answer += piece
            end = self._answer.find(b"\r\n\r\n")
            if end == -1:
                continue
            _, _, rest = self._answer[:end].lower().partition(b"content-length: ")
            if len(self._answer) < end + 4 + int(rest.split(b"\r\n", 1)[0]):
                continue
            answer, self._answer = bytes(self._answer), bytearray()
            return self._fault(answer)

    def _fault(self, answer: bytes) -> bytes:
        request = self._request
        right = (
            request is not None
            and answer.startswith(b"HTTP/1.1 200")
            and request.verdict in answer
            and request.says in answer
            and (not request.silent or b'"warnings"' not in answer)
            and (not request.echoes_uid or self._uid in answer)
        )
        return b"" if right else answer[:2000]


class Load:
    """Sends requests and keeps what came of them."""

    def __init__(self, plan: dict[str, Any]) -> None:
        context = ssl.create_default_context(cafile=plan["ca"])
        self._connections = [Connection(plan["port"], context) for _ in range(CONNECTIONS)]
        kinds = [Request.of(each) for each in plan["requests"]]
        chosen = random.Random(plan["seed"])  # noqa: S311 load, not a secret
        weights = [each["weight"] for each in plan["requests"]]
        self._order = chosen.choices(kinds, weights, k=4096)
        self._number = plan["seed"] << 32
        self._random = chosen
        self.latencies_s: list[float] = []
        self.faults: list[bytes] = []
        self.most_waiting = 0

    def full(self, seconds: float) -> float:
        """Keep every connection busy for `seconds`; return how long it took to the last answer."""
        started_s = time.perf_counter()
        ends_s = started_s + seconds
        for connection in self._connections:
            self._send(connection, started_s)
        busy = list(self._connections)
        while busy:
            for connection in self._ready(busy, ANSWER_S):
                if not self._receive(connection):
                    continue
                now_s = time.perf_counter()
                if now_s < ends_s:
                    self._send(connection, now_s)
                else:
                    busy.remove(connection)
        return time.perf_counter() - started_s

    def open(self, seconds: float, rate: float) -> float:
        """Send `rate` requests a second for `seconds`; return the time to the last answer."""
        idle, waiting = deque(self._connections), deque[float]()
        busy: list[Connection] = []
        started_s = time.perf_counter()
        due_s = started_s + self._random.expovariate(rate)
        while busy or waiting or due_s < started_s + seconds:
            now_s = time.perf_counter()
            while due_s <= now_s and due_s < started_s + seconds:
                waiting.append(due_s)
                due_s += self._random.expovariate(rate)
            while waiting and idle:
                connection = idle.popleft()
                self._send(connection, waiting.popleft())
                busy.append(connection)
            self.most_waiting = max(self.most_waiting, len(waiting))
            pause_s = due_s - time.perf_counter() if due_s < started_s + seconds else ANSWER_S
            for connection in self._ready(busy, max(0.0, pause_s)):
                if self._receive(connection):
                    busy.remove(connection)
                    idle.append(connection)
        return time.perf_counter() - started_s

    def forget(self) -> None:
        """Drop what was measured so far."""
        self.latencies_s, self.faults, self.most_waiting = [], [], 0

    def warm_up(self) -> None:
        for _ in range(WARM_UP_ROUNDS):
            self.full(0)

    def _send(self, connection: Connection, due_s: float) -> None:
        request = self._order[self._number & 4095]
        connection.send(request, self._number & (2**48 - 1), due_s)
        self._number += 1

    def _receive(self, connection: Connection) -> bool:
        fault = connection.answered()
        if fault is None:
            return False
        if fault:
            self.faults.append(fault)
        self.latencies_s.append(time.perf_counter() - connection.due_s)
        return True

    def _ready(self, busy: list[Connection], timeout_s: float) -> list[Connection]:
        # `select` and not `epoll`: it waits for fractions of a millisecond.
        ready, _, _ = select.select(busy, [], [], timeout_s)
        if not ready and timeout_s >= ANSWER_S:
            raise TimeoutError(f"no answer within {ANSWER_S:g} s")
        return ready


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process, its threads and its children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own_s = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return own_s + sum(cpu_seconds(int(child)) for child in children)


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Return what came of `plan`."""
    load = Load(plan)
    load.warm_up()
    load.forget()
    gc.collect()
    gc.disable()
    before_s = cpu_seconds(plan["server_pid"])
    rate = plan["rate"]
    took_s = load.open(plan["seconds"], rate) if rate else load.full(plan["seconds"])
    cpu_s = cpu_seconds(plan["server_pid"]) - before_s
    ordered = sorted(load.latencies_s)
    return {
        "answers": len(ordered),
        "seconds": took_s,
        "server_cpu_s": cpu_s,
        "p50_s": quantile(ordered, 0.5),
        "p99_s": quantile(ordered, 0.99),
        "max_s": ordered[-1],
        "most_waiting": load.most_waiting,
        "faults": len(load.faults),
        "first_fault": load.faults[0].decode("latin-1") if load.faults else "",
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(Path(sys.argv[1]).read_text()))))
