"""The agent's relay before a hub that only counts: `event_sink.py TOKEN_FILE COUNT_FILE`.

Takes a gate's events as the real agent does, for load that runs so long that a real hub would fill
the disk. `COUNT_FILE` has the number of different events, rewritten every second.
"""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import uvicorn

from tidegate.agent.relay import Relay
from tidegate.domain.errors import HubUnavailableError
from tidegate.process import announce, configure_logs, listen
from tidegate.wire.event_v1 import AdmissionEventV1
from tidegate.wire.first_sight_v1 import WantedScansResultV1, WantedScansV1
from tidegate.wire.hub_v1 import EventBatchResultV1

WRITE_EVERY_S = 1.0
REMEMBERED = 500_000
"""Ids that are remembered, so that one that comes twice counts once."""


class Counting:
    """A hub that counts."""

    def __init__(self) -> None:
        self.stored = self.dropped = 0
        self._seen: dict[str, None] = {}

    async def post_events(
        self, events: list[AdmissionEventV1], dropped: int = 0
    ) -> EventBatchResultV1:
        """Count `events` that did not come before."""
        self.dropped += dropped
        before = self.stored
        for event in events:
            if event.id not in self._seen:
                self._seen[event.id] = None
                self.stored += 1
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        new = self.stored - before
        return EventBatchResultV1(new, len(events) - new)

    async def ask_for_scans(self, body: WantedScansV1) -> WantedScansResultV1:  # noqa: ARG002
        """Scan nothing."""
        raise HubUnavailableError("nothing is scanned here")


async def serve(token: Path, count: Path) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    hub = Counting()
    relay = Relay(hub, token, lambda: ())
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        relay, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = asyncio.create_task(uvicorn.Server(config).serve([listener]))
    announce("agent", f"http://127.0.0.1:{listener.getsockname()[1]}")
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WRITE_EVERY_S):
                await stop.wait()
        draft = count.with_suffix(".new")
        draft.write_text(f"{hub.stored} {hub.dropped}")
        draft.replace(count)
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)


if __name__ == "__main__":
    configure_logs("warning")
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
