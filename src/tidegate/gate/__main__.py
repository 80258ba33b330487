"""`python -m tidegate.gate`: the gate with the settings of the environment."""

import asyncio
import signal
import sys
from functools import partial

import uvloop

from tidegate.domain.errors import TidegateError
from tidegate.gate.run import run_gate
from tidegate.gate.settings import Settings, read_settings
from tidegate.process import announce, configure_logs

EXIT_BAD_INPUT = 2


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    try:
        settings = read_settings()
        configure_logs(settings.log_level)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except (TidegateError, OSError) as error:
        sys.stderr.write(f"tidegate gate: {error}\n")
        return EXIT_BAD_INPUT
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_gate(settings, stop, partial(announce, "gate"))


if __name__ == "__main__":
    sys.exit(main())
