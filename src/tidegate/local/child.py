"""A child process with a log file that ends with us, however we end."""

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tidegate.domain.errors import ClusterUnavailableError

STOP_S = 10.0
"""How long a child may take to end after SIGTERM before it is killed."""

TAIL_BYTES = 2000
"""How much of a log is quoted when its process ended by itself."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def die_with_parent() -> Callable[[], None]:
    """Return what a child runs before exec, so that the kernel kills it when we are gone.

    The signal comes when the *thread* that started the child ends (prctl(2), PR_SET_PDEATHSIG):
    start children from a thread that lives as long as they shall.
    """
    parent = os.getpid()

    def ask_the_kernel() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # we were killed between fork and prctl
            os._exit(1)

    return ask_the_kernel


class Child:
    """One program that runs beside us; its output goes to a log file."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self._arguments = list(arguments)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program.

        Raises:
            ClusterUnavailableError: it cannot be started at all.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603, our own programs and arguments
                    self._arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # a terminal's Ctrl-C is ours to hand on, in order
                    preexec_fn=die_with_parent(),  # noqa: PLW1509, only prctl, prepared above
                )
        except OSError as error:
            raise ClusterUnavailableError(f"starting {self.name}: {error}") from error

    @property
    def pid(self) -> int | None:
        """Process id while running, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def demand_alive(self) -> None:
        """Do nothing while the program runs, was not started yet or was stopped by us.

        Raises:
            ClusterUnavailableError: it ended by itself; the end of its log is quoted.
        """
        if self._process is not None and self._process.poll() is not None:
            raise ClusterUnavailableError(
                f"{self.name} ended with code {self._process.returncode}; see {self.log}:\n"
                f"{self._log_tail()}"
            )

    async def stop(self) -> None:
        """End the program: SIGTERM, then SIGKILL after `STOP_S`; returns when it is gone."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                while process.poll() is None:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            process.kill()
            await asyncio.to_thread(process.wait)
        self._process = None

    def kill(self) -> None:
        """End the program without letting it clean up, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _log_tail(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
            return log.read().decode(errors="replace")
