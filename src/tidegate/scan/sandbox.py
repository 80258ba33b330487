"""Runs a scanner on hostile bytes: no network, keys or credentials, and limits on all it uses.

The program gets an empty environment, its own folder to write in, and sees only the files named;
`confine.py` does the confining inside. It is stopped, with all that it started, when its time is
up or its caller is cancelled. What the kernel refused to take away is in `Confined.refused`.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tidegate.domain.errors import ScannerUnavailableError

_CONFINE = Path(__file__).with_name("confine.py")


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one run of a scanner may use."""

    wall_s: float = 300.0
    """By the clock, from start to end."""
    cpu_s: int = 300
    """Processor time of one process, all its threads together."""
    max_data_bytes: int = 2 * 2**30
    """Writable private memory (RLIMIT_DATA). Not the address space: Go reserves far more of that
    than it uses. Trivy needs 0.2 to 0.6 GiB for a large image."""
    max_file_bytes: int = 2**30
    """One file written, the output included."""
    max_open_files: int = 1024
    max_log_bytes: int = 4 * 1024
    """Of standard error; its end is kept, the rest is dropped."""


DEFAULT_LIMITS = SandboxLimits()


@dataclass(frozen=True, slots=True)
class SandboxPaths:
    """The files that a confined program may see."""

    writable: Path
    """Its own folder: working directory, home and temporary files."""
    readable: tuple[Path, ...] = ()
    executable: tuple[Path, ...] = ()
    """Programs and libraries; readable too."""


@dataclass(frozen=True, slots=True)
class Confined:
    """How one run ended."""

    exit_code: int
    log: str
    """The end of its standard error."""
    cpu_s: float = 0.0
    max_rss_bytes: int = 0
    refused: tuple[str, ...] = ("confinement not reported",)
    """Isolation that the kernel did not give, a sentence each; empty: all of it."""


class _Report(msgspec.Struct):
    refused: list[str] = []
    cpu_s: float = 0.0
    max_rss_bytes: int = 0
    signal: int = 0


@dataclass(slots=True)
class _Tail:
    """The last bytes of a stream."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)

    async def drain(self, process: asyncio.subprocess.Process) -> None:
        stream = process.stderr
        while stream is not None and (chunk := await stream.read(65536)):
            self.kept += chunk
            del self.kept[: max(len(self.kept) - self.limit, 0)]


async def run_confined(
    command: Sequence[str], paths: SandboxPaths, limits: SandboxLimits = DEFAULT_LIMITS
) -> Confined:
    """Run `command` (a full path first) and return how it ended.

    Raises:
        ScannerUnavailableError: not finished within `limits.wall_s`, or it could not be started.
    """
    read_fd, write_fd = os.pipe()
    with os.fdopen(read_fd, "rb") as report:
        try:
            process = await _start(command, paths, limits, write_fd)
        finally:
            os.close(write_fd)
        tail = _Tail(limits.max_log_bytes)
        try:
            async with asyncio.timeout(limits.wall_s):
                await tail.drain(process)
                code = await process.wait()
        except TimeoutError as error:
            raise ScannerUnavailableError(
                f"{Path(command[0]).name}: not finished within {limits.wall_s:g} s; it was stopped"
            ) from error
        finally:
            await _stop(process)
        return _confined(code, tail, report.read(65536).splitlines())


async def _start(
    command: Sequence[str], paths: SandboxPaths, limits: SandboxLimits, report_fd: int
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(_CONFINE), _spec(paths, limits, report_fd), "--",
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            cwd=paths.writable,
            env={},
            pass_fds=(report_fd,),
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ScannerUnavailableError(f"the sandbox cannot be started: {error}") from error


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Kill the whole group of `process` and wait for its end; nothing where it has ended."""
    if process.returncode is None:
        with suppress(ProcessLookupError):  # ended, and not yet noticed
            os.killpg(process.pid, signal.SIGKILL)
        # Its end closes the pipe; reading to there keeps the transport from lingering.
        await asyncio.shield(process.wait())


def _spec(paths: SandboxPaths, limits: SandboxLimits, report_fd: int) -> str:
    home = str(paths.writable)
    return json.dumps(
        {
            "report_fd": report_fd,
            "readable": [str(path) for path in paths.readable],
            "executable": [str(path) for path in paths.executable],
            "writable": [home],
            "environment": {"HOME": home, "TMPDIR": home},
            "limits": {
                "RLIMIT_CPU": limits.cpu_s,
                "RLIMIT_DATA": limits.max_data_bytes,
                "RLIMIT_FSIZE": limits.max_file_bytes,
                "RLIMIT_NOFILE": limits.max_open_files,
                "RLIMIT_CORE": 0,
            },
        }
    )


def _confined(code: int, tail: _Tail, lines: list[bytes]) -> Confined:
    log = tail.kept.decode(errors="replace")
    if not lines:
        return Confined(code, log)
    first, last = (msgspec.json.decode(line, type=_Report) for line in (lines[0], lines[-1]))
    return Confined(code, log, last.cpu_s, last.max_rss_bytes, tuple(first.refused))
