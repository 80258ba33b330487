"""Keeps a folder's policy files as the hub wants them, for a gate without a cluster."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from tidegate.agent.drift import DriftLog
from tidegate.agent.objects import Body
from tidegate.wire.policy_merge import is_hub_name

LOOK_S = 1.0
"""How often the files are compared with what is wanted."""

log = structlog.get_logger()


class FolderKeeper:
    """One folder; other people's files in it are left alone."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._drift = DriftLog(clock)
        self._wanted: dict[str, bytes] | None = None
        self._written: dict[str, bytes] | None = None
        self._changed = asyncio.Event()
        self._failure = ""

    def want(self, objects: Mapping[str, Body]) -> None:
        """Take `objects` for what the hub wants here."""
        render = msgspec.json.encode
        self._wanted = {
            f"{name}.json": msgspec.json.format(render(body), indent=2) + b"\n"
            for name, body in objects.items()
        }
        self._changed.set()

    @property
    def in_force(self) -> bool:
        """Whether the files are as wanted; gates read them within a quarter of a second."""
        return self._written is not None and self._written is self._wanted

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for what could not be written."""
        return (self._failure,) if self._failure else ()

    @property
    def drift(self) -> tuple[str, ...]:
        """A sentence for each file of the hub's that others changed of late."""
        return self._drift.told

    async def run(self) -> None:
        """Keep the folder until cancelled."""
        while True:
            self._changed.clear()
            try:
                await asyncio.to_thread(self._repair)
                self._failure = ""
            except OSError as error:
                self._failure = f"policy folder {self._folder}: {error.strerror or error}"
                log.warning("policy files not written", why=self._failure)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._changed.wait()

    def _repair(self) -> None:
        wanted = self._wanted
        if wanted is None:  # the hub said nothing yet: what is there stays
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in self._folder.glob("*.json"):
            if is_hub_name(path.stem) and path.name not in wanted:
                path.unlink(missing_ok=True)
        settled = self._written is wanted
        for name, body in wanted.items():
            if self._write(self._folder / name, body) and settled:
                self._drift.note(f"policy file {name}")
                log.warning("drift repaired", name=name)
        self._written = wanted

    def _write(self, path: Path, body: bytes) -> bool:
        """Make the file `path` hold `body`; return whether it did not."""
        with suppress(FileNotFoundError):
            if path.read_bytes() == body:
                return False
        new = path.with_name(f".{path.name}.new")  # gates do not read files with a leading dot
        new.write_bytes(body)
        new.replace(path)
        return True
