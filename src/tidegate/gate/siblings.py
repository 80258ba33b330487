"""What all processes of a gate say together: metrics, and whether they can enforce.

A probe reaches one of them by chance. So each process answers for itself at a Unix socket in its
folder, and the one that is asked from outside asks the others and joins the answers. One that does
not answer takes no reviews either, and is counted by its absence.
"""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

SOCKET = "probe.sock"
ASK_S = 1.0
MAX_ANSWER_BYTES = 4 * 2**20

_SUMMED_GAUGES = (
    "tidegate_gate_processes",
    "tidegate_gate_reviews_in_flight",
    "tidegate_gate_spool_bytes",
    "tidegate_gate_registry_reads_per_minute",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_open_fds",
)
_LEAST_GAUGES = (
    "tidegate_gate_ready",
    "tidegate_gate_certificate_expires_at_seconds",
    "tidegate_gate_feed_epoch",
    "process_start_time_seconds",
)
"""Of other gauges the greatest counts: it is the one to look at."""


class Siblings:
    """The other processes of this gate."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders

    async def ask(self, path: str) -> list[tuple[int, bytes]]:
        """Return status and body of each answer to `GET path`; who does not answer has none."""
        answers = await asyncio.gather(*(self._ask(folder, path) for folder in self._folders))
        return [answer for answer in answers if answer is not None]

    async def _ask(self, folder: Path, path: str) -> tuple[int, bytes] | None:
        with suppress(OSError, TimeoutError, ValueError, IndexError, asyncio.LimitOverrunError):
            async with asyncio.timeout(ASK_S):
                return await _get(folder, path)
        return None


def bound_path(folder: Path) -> tuple[int, str]:
    """Return an open directory and the path of its socket, short enough for any folder.

    The address of a Unix socket has 107 bytes (unix(7)); by the directory's descriptor it has less.
    """
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    return directory, f"/proc/self/fd/{directory}/{SOCKET}"


async def _get(folder: Path, path: str) -> tuple[int, bytes]:
    directory, address = bound_path(folder)
    try:
        reader, writer = await asyncio.open_unix_connection(address, limit=MAX_ANSWER_BYTES)
    finally:
        os.close(directory)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read(MAX_ANSWER_BYTES)
        while more := await reader.read(MAX_ANSWER_BYTES):
            answer += more
            if len(answer) > MAX_ANSWER_BYTES:
                raise ValueError("an answer too large")
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


def join_metrics(texts: Sequence[bytes]) -> bytes:
    """Return the samples of `texts` (Prometheus' text format) as of one process."""
    values: dict[str, float] = {}
    order: dict[str, None] = {}
    kind = ""
    for text in texts:
        for line in text.decode().splitlines():
            if line.startswith("#"):
                order.setdefault(line)
                kind = line.rsplit(" ", 1)[-1] if line.startswith("# TYPE") else kind
                continue
            sample, _, value = line.rpartition(" ")
            order.setdefault(sample)
            known = values.get(sample)
            values[sample] = (
                float(value) if known is None else _joined(sample, kind, known, float(value))
            )
    lines = [line if line.startswith("#") else f"{line} {values[line]!r}" for line in order]
    return ("\n".join(_grouped(lines)) + "\n").encode()


def _joined(sample: str, kind: str, one: float, other: float) -> float:
    name = sample.partition("{")[0]
    if name.endswith("_created") or name in _LEAST_GAUGES:
        return min(one, other)
    if kind == "gauge" and name not in _SUMMED_GAUGES:
        return max(one, other)
    return one + other


def _grouped(lines: Sequence[str]) -> list[str]:
    """Return `lines` with each sample below the head of its metric: one process may have more."""
    groups: dict[str, list[str]] = {}
    for line in lines:
        name = line.split(" ", 3)[2] if line.startswith("#") else _metric_of(line, groups)
        groups.setdefault(name, []).append(line)
    return [line for group in groups.values() for line in group]


def _metric_of(line: str, groups: dict[str, list[str]]) -> str:
    name = line.partition("{")[0].partition(" ")[0]
    for ending in ("", "_bucket", "_sum", "_count"):
        if name.endswith(ending) and name.removesuffix(ending) in groups:
            return name.removesuffix(ending)
    return name
