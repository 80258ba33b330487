"""Several processes for one gate: started, watched, started again, and ended together.

All listen on the same port (`SO_REUSEPORT`): the kernel gives each new connection to one of them. A
process that dies takes its own connections with it and nothing else; what it had spooled is
delivered when it is back. This process takes no reviews.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress

import msgspec
import structlog

from tidegate.domain.errors import ConfigurationError
from tidegate.gate.members import take_over
from tidegate.gate.settings import Settings

MIN_BACKOFF_S = 0.2
MAX_BACKOFF_S = 10.0
"""Longest pause before a process that keeps dying is started again."""

STEADY_S = 30.0
"""A process that lived so long is started again at once."""

END_S = 7.0
"""For a process to end by itself; running reviews and their events take at most five."""

EXIT_BAD_INPUT = 2

log = structlog.get_logger(__name__)


async def run_members(
    settings: Settings, stop: asyncio.Event, announce: Callable[[str], None]
) -> None:
    """Run `settings.processes` processes until `stop` is set; the data folder is the caller's.

    Raises:
        ConfigurationError: a process says that the settings cannot work.
        OSError: an address cannot be listened on.
    """
    take_over(settings.data_dir, settings.processes)
    with ExitStack() as stack:
        port = stack.enter_context(_reserved(settings.host, settings.port))
        ports = [str(port.getsockname()[1])]
        if settings.metrics_port is not None:
            metrics = stack.enter_context(_reserved(settings.host, settings.metrics_port))
            ports.append(str(metrics.getsockname()[1]))
        members = [_Member(index, ports) for index in range(settings.processes)]
        tasks = [asyncio.create_task(each.keep_running()) for each in members]
        stopping = asyncio.create_task(stop.wait())
        answering = asyncio.create_task(_all_answer(members))
        try:
            await asyncio.wait([answering, stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                log.info("all processes of the gate answer", processes=len(members))
                announce(members[0].url)
                await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            answering.cancel()
            stopping.cancel()
            for each in members:
                each.end()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(asyncio.CancelledError):
                await answering
        for error in ended:
            if isinstance(error, BaseException):
                raise error


class _Member:
    """One process, started again as often as it dies."""

    def __init__(self, index: int, ports: list[str]) -> None:
        self._index = index
        self._ports = ports
        self._process: asyncio.subprocess.Process | None = None
        self._ending = asyncio.Event()
        self.answers = asyncio.Event()
        self.url = ""

    def end(self) -> None:
        """Ask it to end, by force if it does not."""
        self._ending.set()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    async def keep_running(self) -> None:
        """Run it until `end`; raises ConfigurationError where its settings cannot work."""
        loop, backoff_s = asyncio.get_running_loop(), MIN_BACKOFF_S
        while not self._ending.is_set():
            began_s = loop.time()
            code = await self._run_once()
            if self._ending.is_set():
                return
            if code == EXIT_BAD_INPUT and not self.answers.is_set():
                raise ConfigurationError(f"process {self._index} cannot start; see above")
            lived_s = loop.time() - began_s
            backoff_s = MIN_BACKOFF_S if lived_s > STEADY_S else min(MAX_BACKOFF_S, 2 * backoff_s)
            log.error(
                "a process of the gate ended and is started again",
                process=self._index, code=code, pause_s=backoff_s,
            )  # fmt: skip
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), backoff_s)

    async def _run_once(self) -> int:
        read_end, write_end = os.pipe()
        try:
            # It ends when this process does, whatever ended it: then its standard input ends.
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tidegate.gate.member", str(self._index), *self._ports,
                stdin=read_end, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
        finally:
            os.close(read_end)
        try:
            if self._ending.is_set():
                self.end()
            assert process.stdout is not None  # noqa: S101 - piped above
            line = await process.stdout.readline()
            if line:
                self.url = msgspec.json.decode(line)["url"]
                self.answers.set()
            waiting = asyncio.create_task(process.wait())
            ending = asyncio.create_task(self._ending.wait())
            await asyncio.wait([waiting, ending], return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            await asyncio.wait([waiting], timeout=END_S)
            if not waiting.done():
                log.error("a process of the gate did not end and was killed", process=self._index)
                process.kill()
            return await waiting
        finally:
            os.close(write_end)


async def _all_answer(members: list[_Member]) -> None:
    for each in members:
        await each.answers.wait()


def _reserved(host: str, port: int) -> socket.socket:
    """Return a socket that holds a port for processes that listen there; it takes no connection."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
    except OSError:
        held.close()
        raise
    return held
