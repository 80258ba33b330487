"""`python -m tidegate.gate.member INDEX PORT [METRICS_PORT]`: one of a gate's several processes.

`tidegate.gate.supervisor` starts it. It ends when its standard input does: with the supervisor.
"""

import asyncio
import sys
from functools import partial

import uvloop

from tidegate.domain.errors import TidegateError
from tidegate.gate.__main__ import EXIT_BAD_INPUT, stop_at_signals
from tidegate.gate.members import member_settings
from tidegate.gate.run import Member, run_gate
from tidegate.gate.settings import Settings, read_settings
from tidegate.process import announce, configure_logs


def main() -> int:
    """Serve until SIGTERM, SIGINT or the end of standard input; return the exit code."""
    index, port, *rest = map(int, sys.argv[1:])
    try:
        settings = read_settings()
        configure_logs(settings.log_level)
        own = member_settings(settings, index, port, rest[0] if rest else None)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(own, Member(settings.data_dir, index, settings.processes)))
    except (TidegateError, OSError) as error:
        sys.stderr.write(f"tidegate gate, process {index}: {error}\n")
        return EXIT_BAD_INPUT
    return 0


async def _serve(settings: Settings, member: Member) -> None:
    stop = stop_at_signals()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(partial(_Until, stop), sys.stdin)
    await run_gate(settings, stop, partial(announce, "gate"), member)


class _Until(asyncio.Protocol):
    """Sets an event at the end of a pipe."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 the base's signature
        """The supervisor is gone."""
        self._stop.set()


if __name__ == "__main__":
    sys.exit(main())
