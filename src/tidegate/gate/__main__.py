"""`python -m tidegate.gate`: the gate with the settings of the environment."""

import asyncio
import signal
import sys
from functools import partial

import uvloop

from tidegate.domain.errors import TidegateError
from tidegate.gate.heap import keep_heap_small
from tidegate.gate.members import take_over
from tidegate.gate.run import alone_in, run_gate
from tidegate.gate.settings import Settings, read_settings
from tidegate.process import announce, configure_logs

EXIT_BAD_INPUT = 2


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    try:
        settings = read_settings()
        configure_logs(settings.log_level)
        keep_heap_small()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except (TidegateError, OSError) as error:
        sys.stderr.write(f"tidegate gate: {error}\n")
        return EXIT_BAD_INPUT
    return 0


async def _serve(settings: Settings) -> None:
    stop = stop_at_signals()
    with alone_in(settings.data_dir):
        if settings.processes == 1:
            take_over(settings.data_dir, 1)
            await run_gate(settings, stop, partial(announce, "gate"))
        else:
            from tidegate.gate.supervisor import run_members  # noqa: PLC0415 only of several

            await run_members(settings, stop, partial(announce, "gate"))


def stop_at_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


if __name__ == "__main__":
    sys.exit(main())
