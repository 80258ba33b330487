"""One part of Tidegate as a child process: started, watched, started again, ended."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tidegate.domain.errors import ConfigurationError
from tidegate.local.child import die_with_parent

READY_S = 25.0
STOP_S = 8.0
RESTART_S = (0.5, 1.0, 2.0, 5.0)
"""Pauses before a part that ended is started again; the last one repeats."""

TAIL_CHARS = 1500
"""How much of a log is quoted when its part did not come up."""


class ReadyLine(msgspec.Struct):
    """The one line that a part prints on standard output when it serves."""

    part: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class PartPlan:
    """How to start one part."""

    name: str
    module: str
    """Started as `python -m module`."""
    environment: Mapping[str, str]
    log: Path


class Part:
    """One running part; its log lines go to a file."""

    def __init__(self, plan: PartPlan, inherited: Mapping[str, str]) -> None:
        self.plan = plan
        self._inherited = inherited
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> ReadyLine:
        """Start the part and return when it says that it is ready.

        Raises:
            ConfigurationError: it ended or stayed silent; quotes the end of its log.
        """
        with self.plan.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self.plan.module,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**self._inherited, **self.plan.environment},
                start_new_session=True,  # a terminal's Ctrl-C is ours to hand on, in order
                preexec_fn=die_with_parent(),
            )  # fmt: skip
        if self._process.stdout is None:
            raise AssertionError("standard output was asked for as a pipe")
        try:
            async with asyncio.timeout(READY_S):
                line = await self._process.stdout.readline()
            return msgspec.json.decode(line, type=ReadyLine)
        except (TimeoutError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            await self.stop()
            raise ConfigurationError(
                f"{self.plan.name} did not come up within {READY_S:g} s; the end of "
                f"{self.plan.log}:\n{self._tail()}"
            ) from error

    async def keep(self, say: Callable[[str], None]) -> None:
        """Start the part again whenever it ends; runs until cancelled."""
        failures = 0
        while True:
            if self._process is not None:
                code = await self._process.wait()
                say(f"{self.plan.name} ended with code {code}; starting it again")
            await asyncio.sleep(RESTART_S[min(failures, len(RESTART_S) - 1)])
            try:
                await self.start()
                failures = 0
            except ConfigurationError as error:
                failures += 1
                say(str(error))

    async def stop(self) -> None:
        """End the part: SIGTERM, then SIGKILL after `STOP_S`."""
        process = self._process
        self._process = None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _tail(self) -> str:
        return self.plan.log.read_text(errors="replace")[-TAIL_CHARS:]
