"""Counts what the API server's own audit log says was admitted without the gate.

Where a webhook fails and `failurePolicy` is Ignore, the API server writes so as an annotation of
the audit event and nowhere else (`failed-open.validating.webhook.admission.k8s.io/…`). An agent
that can read the log counts them exactly, also those that made no pod.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from tidegate.agent.alarms import Alarms
from tidegate.agent.metrics import AUDIT_LINES_SKIPPED, AUDIT_LOG_UNREADABLE, FAILED_OPEN
from tidegate.agent.reasons import Reason
from tidegate.agent.webhook_watch import CONFIGURATION
from tidegate.wire.webhook import WEBHOOK_NAME

LOOK_S = 1.0
CHUNK_BYTES = 256 * 1024
MAX_LINE_BYTES = 4 * 2**20
"""An audit event holds whole objects at its highest level; a longer line is skipped and counted."""

KEPT = timedelta(days=1)
ALARM_FOR = timedelta(minutes=10)
"""After the last one, so long the alarm stands."""

PREFIX = "failed-open.validating.webhook.admission.k8s.io/"

log = structlog.get_logger()


class _Event(msgspec.Struct, rename="camel"):
    annotations: dict[str, str] = {}


_EVENT = msgspec.json.Decoder(_Event)


def failed_open(line: bytes) -> bool:
    """Whether the audit event in `line` says that our webhook failed open; raises MsgspecError."""
    if PREFIX.encode() not in line:  # nearly all: not worth decoding
        return False
    found = _EVENT.decode(line).annotations
    return any(key.startswith(PREFIX) and name == WEBHOOK_NAME for key, name in found.items())


class AuditLog:
    """Follows an audit log from its end on, over rotations, between `run` and its end."""

    def __init__(self, path: Path, alarms: Alarms, clock: Callable[[], datetime]) -> None:
        self._path = path
        self._alarms = alarms
        self._clock = clock
        self._file: BinaryIO | None = None
        self._rest = b""
        self._skipping = False
        """In a line that is too long."""
        self._at: deque[datetime] = deque(maxlen=100_000)
        self._problem = ""

    @property
    def count(self) -> int:
        """Requests of the last day."""
        since = self._clock() - KEPT
        while self._at and self._at[0] < since:
            self._at.popleft()
        return len(self._at)

    async def run(self) -> None:
        """Follow the log until cancelled."""
        try:
            self._open(at_end=True)
            while True:
                await asyncio.sleep(LOOK_S)
                await asyncio.to_thread(self.look)
                self._alarm()
        finally:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def look(self) -> None:
        """Read what was written since; go on in a new file when this one was rotated."""
        file = self._file or self._open(at_end=False)
        if file is None:
            return
        try:
            self._read_on(file)
            if self._is_rotated(file):
                self._read_on(file)  # what came before it was put aside
                self.close()
                self._rest, self._skipping = b"", False
                new = self._open(at_end=False)
                if new is None:
                    return
                self._read_on(new)
        except OSError as error:
            self._say(str(error))
        else:
            self._is_well()

    def _open(self, *, at_end: bool) -> BinaryIO | None:
        """Open the log; None where that does not work now."""
        try:
            self._file = self._path.open("rb")
            if at_end:
                self._file.seek(0, os.SEEK_END)
        except OSError as error:
            self._say(str(error))
            return None
        self._is_well()
        return self._file

    def _is_rotated(self, file: BinaryIO) -> bool:
        """Whether the path names another file by now, or this one was cut."""
        try:
            there, mine = self._path.stat(), os.fstat(file.fileno())
        except FileNotFoundError:
            return True
        return (there.st_dev, there.st_ino) != (
            mine.st_dev,
            mine.st_ino,
        ) or mine.st_size < file.tell()

    def _read_on(self, file: BinaryIO) -> None:
        while chunk := file.read(CHUNK_BYTES):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                if self._skipping:
                    self._skipping = False  # this was the end of it
                else:
                    self._take(line)
            if len(self._rest) > MAX_LINE_BYTES:
                self._rest, self._skipping = b"", True
                AUDIT_LINES_SKIPPED.inc()

    def _take(self, line: bytes) -> None:
        try:
            if failed_open(line):
                FAILED_OPEN.labels("audit-log").inc()
                self._at.append(self._clock())
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            AUDIT_LINES_SKIPPED.inc()

    def _alarm(self) -> None:
        if self.count and self._clock() - self._at[-1] < ALARM_FOR:
            self._alarms.raise_(
                Reason.GATE_FAILED_OPEN,
                f"the API server admitted {self.count} requests in the last day without the gate, "
                "which did not answer (failurePolicy is Ignore), by its audit log",
                CONFIGURATION,
            )
        else:
            self._alarms.end(Reason.GATE_FAILED_OPEN)

    def _is_well(self) -> None:
        self._problem = ""
        AUDIT_LOG_UNREADABLE.set(0)

    def _say(self, problem: str) -> None:
        """Log a problem once."""
        AUDIT_LOG_UNREADABLE.set(1)
        if problem != self._problem:
            log.warning("audit log not read", path=str(self._path), why=problem)
        self._problem = problem
