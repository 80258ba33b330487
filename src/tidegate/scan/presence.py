"""What a worker tells the hub of itself: that it is there, what it judges by and signs with."""

import asyncio
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path

import structlog

from tidegate import __version__
from tidegate.advisories.demo import SOURCE as DEMO_SOURCE
from tidegate.advisories.demo import with_demo_set
from tidegate.advisories.index import AdvisoryIndex, EcosystemSource
from tidegate.domain.errors import InputError, TidegateError, UnavailableError
from tidegate.hubclient.client import HubClient
from tidegate.scan.registries import ScanRegistries
from tidegate.trust.keys import SigningKey, fingerprint, public_pem
from tidegate.wire.hub_data_v1 import AdvisorySourceV1, WorkerHeartbeatV1
from tidegate.wire.statement_v1 import render_time

INTERVAL_S = 60.0
SOURCES_EVERY = 5
"""Heartbeats between two looks at the advisory index."""

MAX_SOURCES = 1000
MAX_WORD_CHARS = 512

_log = structlog.get_logger()


class Presence:
    """One worker, as it shows itself to its hub."""

    def __init__(
        self,
        hub: HubClient,
        name: str,
        key: SigningKey,
        registries: ScanRegistries,
        index_file: Path,
    ) -> None:
        self._hub, self._name, self._key = hub, name, key
        self._registries = registries
        self._index_file = index_file
        self._signed_at: datetime | None = None
        self._sources: list[AdvisorySourceV1] = []

    def note_signing(self, now: datetime) -> None:
        """Take note that the key was used."""
        self._signed_at = now

    async def run(self) -> None:
        """Tell the hub now and then, until cancelled."""
        beats = 0
        while True:
            if beats % SOURCES_EVERY == 0:
                await self._look_at_sources()
            beats += 1
            try:
                await self._hub.put_worker(self._name, self._heartbeat())
            except (UnavailableError, InputError) as error:
                _log.warning("hub.not_told", error=str(error))  # the next beat says the same
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_S):
                    await self._registries.changed.wait()
            self._registries.changed.clear()

    async def _look_at_sources(self) -> None:
        try:
            self._sources = await asyncio.to_thread(read_sources, self._index_file)
        except TidegateError as error:
            _log.warning("advisories.not_read", error=str(error))

    def _heartbeat(self) -> WorkerHeartbeatV1:
        return WorkerHeartbeatV1(
            version=__version__,
            key_fingerprint=fingerprint(self._key),
            public_key=public_pem(self._key).decode(),
            key_used_at=render_time(self._signed_at) if self._signed_at else "",
            registries=sorted(self._registries.hosts)[:MAX_SOURCES],
            sealing_key=self._registries.sealing_pem,
            advisories=self._sources,
        )


def _is_used(source: EcosystemSource) -> bool:
    return source.matched


def read_sources(index_file: Path) -> list[AdvisorySourceV1]:
    """Return what the advisory index in a file, and the demo set behind it, judge by.

    Layered products, which meet no package, are left out.

    Raises:
        InvalidAdvisoryError: the file is no index.
    """
    with AdvisoryIndex.open(index_file) as index:
        return [
            AdvisorySourceV1(
                ecosystem=source.ecosystem[:MAX_WORD_CHARS],
                source=source.name[:MAX_WORD_CHARS],
                records=source.record_count,
                updated_at=render_time(source.updated_at),
                imported_at="" if source.name == DEMO_SOURCE else render_time(source.imported_at),
            )
            for source in islice(filter(_is_used, with_demo_set(index).sources()), MAX_SOURCES)
        ]
