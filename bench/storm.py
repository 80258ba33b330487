"""A storm of reviews as an API server sends them, from a process of its own: `storm.py PLAN`.

HTTP/1.1 over TLS. Requests start at random (Poisson) instants of a given rate, whether or not
earlier ones were answered. One that finds no idle connection opens a new one, as client-go does; at
most 25 idle ones are kept for each of three API servers, and the one used last is used first.
A new connection goes to one of the
replicas that are live, as a Kubernetes Service chooses for each connection; who is live comes as
JSON lines on standard input, so the plan's list may change while the storm runs. A replica that
refuses the connection is passed over for another one.

Nothing is judged here: each answer is written down as it came, and `storm_oracle` looks at it.
"""

import gc
import json
import os
import random
import selectors
import socket
import ssl
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator import CONNECTIONS, SEND_BUFFER_BYTES

API_SERVERS = 3
IDLE = CONNECTIONS * API_SERVERS
"""Connections that are kept while nothing is asked on them."""

TIMEOUT_S = 10.0
"""`timeoutSeconds` of the webhook: the API server waits no longer."""

UID = b"00000000-0000-4000-8000-%012x"
UID_PLACE = b"00000000-0000-0000-0000-000000000000"
"""In bodies and in recorded answers."""

TIMED_OUT, CUT, REFUSED = "timeout", "cut", "refused"
"""No answer in time; the connection ended before the answer; no replica took the connection."""

LOOK_EVERY_S = 0.1
"""How often requests are looked at that may have timed out."""

_HEAD = (
    "POST /admit?timeout=10s HTTP/1.1\r\nHost: tidegate-gate.tidegate.svc:443\r\n"
    "User-Agent: kube-apiserver-admission\r\n"
    "Content-Length: {}\r\nAccept: application/json, */*\r\n"
    "Content-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n"
)


@dataclass
class Record:
    """One request and what came of it; times are of the machine's monotonic clock."""

    kind: int
    number: int
    due_s: float
    sent_s: float = 0.0
    done_s: float = 0.0
    answer: int = -1


@dataclass(eq=False)
class Connection:
    """One connection with at most one request under way."""

    socket: socket.socket
    """Of TLS as soon as it is connected."""
    port: int
    record: Record | None = None
    waiting: bytes = b""
    """What is still to be sent."""
    answer: bytearray = field(default_factory=bytearray)
    shaken: bool = False
    used: int = 0
    tried: set[int] = field(default_factory=set)
    """Replicas that refused before this one was asked."""


class Storm:
    """Sends what a plan says and records what comes back."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._context = ssl.create_default_context(cafile=plan["ca"])
        self._bodies = _bodies(Path(plan["bodies"]))
        self._order: list[int] = plan["order"]
        self._rate: float = plan["rate"]
        self._first: int = plan["first_number"]
        self._reuse: int = plan["reuse"]
        self._live: list[int] = plan["ports"]
        self._random = random.Random(plan["first_number"])  # noqa: S311 load, not a secret
        self._selector = selectors.DefaultSelector()
        self._idle: deque[Connection] = deque()
        self._busy: dict[Connection, None] = {}
        self._answers: dict[bytes, int] = {}
        self.records: list[Record] = []
        self.certificates: Counter[str] = Counter()
        self.opened = 0
        self.passed_over = 0

    @property
    def answers(self) -> list[str]:
        """What was answered, each different answer once; records refer to it by position."""
        return [answer.decode("utf-8", "replace") for answer in self._answers]

    def run(self) -> None:
        """Send everything and return when the last request was answered or given up."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        due_s = time.monotonic() + self._random.expovariate(self._rate)
        looked_s, sent = due_s, 0
        while self._busy or sent < len(self._order):
            now_s = time.monotonic()
            while sent < len(self._order) and due_s <= now_s:
                self._send(Record(self._order[sent], self._first + sent, due_s))
                sent += 1
                due_s += self._random.expovariate(self._rate)
            if now_s - looked_s > LOOK_EVERY_S:
                looked_s = now_s
                self._give_up(now_s)
            pause_s = due_s - time.monotonic() if sent < len(self._order) else LOOK_EVERY_S
            for key, events in self._selector.select(min(max(pause_s, 0.0), LOOK_EVERY_S)):
                if key.data is None:
                    self._hear()
                else:
                    self._advance(key.data, events)

    def _hear(self) -> None:
        """Take over who is live now."""
        line = sys.stdin.readline()
        if line:
            self._live = json.loads(line)
        else:
            self._selector.unregister(sys.stdin)

    def _send(self, record: Record) -> None:
        self.records.append(record)
        record.sent_s = time.monotonic()
        connection = self._idle.pop() if self._idle else self._open(set())
        if connection is None:
            self._end(record, REFUSED.encode())
            return
        self._ask(connection, record)

    def _ask(self, connection: Connection, record: Record) -> None:
        connection.record = record
        connection.used += 1
        head, start, end = self._bodies[record.kind]
        connection.waiting = head + start + UID % record.number + end
        self._busy[connection] = None
        if connection.shaken:
            self._advance(connection, selectors.EVENT_WRITE)
        else:
            self._selector.modify(connection.socket, selectors.EVENT_WRITE, connection)

    def _open(self, tried: set[int]) -> Connection | None:
        """Begin a connection to a live replica that is not in `tried`; None: there is none."""
        left = [port for port in self._live if port not in tried]
        if not left:
            return None
        port = self._random.choice(left)
        plain = socket.socket()
        plain.setblocking(False)  # noqa: FBT003 as the standard library has it
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        plain.connect_ex(("127.0.0.1", port))  # what comes of it is seen in `_wrap`
        self.opened += 1
        connection = Connection(plain, port)
        self._selector.register(plain, selectors.EVENT_WRITE, connection)
        return connection

    def _advance(self, connection: Connection, events: int) -> None:
        """Go on with what `connection` is at, as far as that goes without waiting."""
        try:
            if not isinstance(connection.socket, ssl.SSLSocket):
                self._wrap(connection)
            if not connection.shaken:
                self._shake(connection)
            while connection.waiting and events & selectors.EVENT_WRITE:
                sent = connection.socket.send(connection.waiting)
                connection.waiting = connection.waiting[sent:]
            if connection.waiting:
                return
            self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
            self._receive(connection)
        except ssl.SSLWantReadError:
            self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
        except ssl.SSLWantWriteError:
            self._selector.modify(connection.socket, selectors.EVENT_WRITE, connection)
        except OSError as error:
            self._lose(connection, error)

    def _wrap(self, connection: Connection) -> None:
        """Begin TLS on a connection that is made; raises why it was not."""
        plain = connection.socket
        error = plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        self._selector.unregister(plain)
        connection.socket = self._context.wrap_socket(
            plain, server_hostname="127.0.0.1", do_handshake_on_connect=False
        )
        self._selector.register(connection.socket, selectors.EVENT_WRITE, connection)

    def _shake(self, connection: Connection) -> None:
        secured = connection.socket
        if not isinstance(secured, ssl.SSLSocket):
            raise TypeError("a connection is wrapped before its handshake")
        secured.do_handshake()
        connection.shaken = True
        certificate = secured.getpeercert() or {}
        self.certificates[str(certificate.get("serialNumber", ""))] += 1
        # What the handshake read may hold nothing more, and what is to be sent was not yet.
        while connection.waiting:
            sent = connection.socket.send(connection.waiting)
            connection.waiting = connection.waiting[sent:]

    def _receive(self, connection: Connection) -> None:
        while True:
            piece = connection.socket.recv(65536)
            if not piece:
                raise ConnectionResetError("closed")
            connection.answer += piece
            whole = _whole(connection.answer)
            if whole is None:
                continue
            record, connection.record = connection.record, None
            connection.answer = bytearray()
            del self._busy[connection]
            if record is not None:
                self._end(record, whole.replace(UID % record.number, UID_PLACE))
            if connection.used >= self._reuse or len(self._idle) >= IDLE:
                self._close(connection)
            else:
                self._idle.append(connection)
            return

    def _lose(self, connection: Connection, error: OSError) -> None:
        """End a connection that broke; a request that it never took goes to another replica."""
        self._close(connection)
        self._busy.pop(connection, None)
        record = connection.record
        if record is None:  # it was idle: the pool has one less
            self._idle.remove(connection)
            return
        if not connection.shaken and isinstance(error, ConnectionRefusedError):
            self.passed_over += 1
            other = self._open({connection.port, *connection.tried})
            if other is not None:
                other.tried = {connection.port, *connection.tried}
                self._ask(other, record)
                return
        refused = isinstance(error, ssl.SSLCertVerificationError | ConnectionRefusedError)
        self._end(record, (REFUSED if refused else CUT).encode())

    def _give_up(self, now_s: float) -> None:
        for connection in list(self._busy):
            record = connection.record
            if record is not None and now_s - record.sent_s > TIMEOUT_S:
                del self._busy[connection]
                self._close(connection)
                self._end(record, TIMED_OUT.encode())

    def _end(self, record: Record, answer: bytes) -> None:
        record.done_s = time.monotonic()
        record.answer = self._answers.setdefault(answer, len(self._answers))

    def _close(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _whole(answer: bytearray) -> bytes | None:
    """Return the body of a whole answer, or a status other than 200; None: more is to come."""
    end = answer.find(b"\r\n\r\n")
    if end == -1:
        return None
    head = bytes(answer[:end])
    _, _, rest = head.lower().partition(b"content-length:")
    if len(answer) < end + 4 + int(rest.split(b"\r\n", 1)[0]):
        return None
    return bytes(answer[end + 4 :]) if head.startswith(b"HTTP/1.1 200") else head.split(b"\r\n")[0]


def _bodies(path: Path) -> list[tuple[bytes, bytes, bytes]]:
    """Return each body of `path`, one a line, with its head and cut where the uid goes."""
    cut = []
    for body in path.read_bytes().splitlines():
        start, _, end = body.partition(UID_PLACE)
        cut.append((_HEAD.format(len(body)).encode(), start, end))
    return cut


def main() -> None:
    """Run the plan; print what came of it as JSON."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    storm = Storm(plan)
    gc.collect()
    gc.disable()
    storm.run()
    rows = [[r.kind, r.number, r.due_s, r.sent_s, r.done_s, r.answer] for r in storm.records]
    found = {
        "records": rows,
        "answers": storm.answers,
        "opened": storm.opened,
        "passed_over": storm.passed_over,
        "certificates": storm.certificates,
    }
    Path(plan["results"]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
