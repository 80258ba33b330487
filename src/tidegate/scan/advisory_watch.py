"""Tells the hub when this worker's advisories change, and matches the packages that it concerns.

An import is another process's work, done whenever its operator does it. What it changed is noted in
the index (`advisories.changes`) and forgotten only once the hub has it, so no crash loses any.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from tidegate.advisories.changes import Changes
from tidegate.advisories.index import AdvisoryIndex
from tidegate.domain.errors import ConflictError, InputError, TidegateError, UnavailableError
from tidegate.hubclient.client import HubClient
from tidegate.scan.judge import Imports, Judge
from tidegate.scan.matchers import Matchers, usable_cores
from tidegate.scan.settings import ScanSettings
from tidegate.wire.rematch_v1 import MAX_NAMES, AdvisoriesToldV1, Standing

LOOK_S = 1.0
"""How often it is seen whether there was an import: one small query."""

TELL_AGAIN = timedelta(seconds=60)
"""The hub counts on the advisories of workers that it heard of within five minutes."""

MAX_NAME_CHARS = 512

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Taken:
    changes: Changes
    imports: Imports


class AdvisoryWatch:
    """Looks at one worker's index; `state` is what the worker may match images again by."""

    def __init__(
        self,
        hub: HubClient,
        settings: ScanSettings,
        judge: Judge,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub, self._name, self._file = hub, settings.name, settings.index_file
        self._judge = judge
        self._matchers = settings.matchers or usable_cores()
        self._monotonic_s = monotonic_s
        self._told: Imports | None = None
        self._told_s = float("-inf")
        self.state = ""
        """Of the advisories, where they are the ones that count; else empty."""

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        log = _log.bind(worker=self._name)
        while True:
            try:
                await self.look()
            except (UnavailableError, InputError) as error:
                log.warning("advisories.not_told", error=str(error))  # tried again by the next
            except TidegateError as error:
                _log.error("advisories.not_read", error=str(error))
            except Exception:  # logged whole
                # A fault of ours must not end the scans beside it; the next look tries again.
                log.exception("advisories.watch_crashed")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Tell the hub what is new, and match the packages that it hands out."""
        imports = await asyncio.to_thread(self._imports)
        again = self._monotonic_s() - self._told_s >= TELL_AGAIN.total_seconds()
        if imports != self._told or again:
            await self._tell()
        if self.state:
            await self._match_pages(self.state)

    async def _tell(self) -> None:
        taken = await asyncio.to_thread(self._take)
        standing = await self._hub.tell_advisories(self._name, _told(taken))
        await asyncio.to_thread(self._settle, taken, standing)
        self._told, self._told_s = taken.imports, self._monotonic_s()

    def _imports(self) -> Imports:
        with AdvisoryIndex.open(self._file) as index:
            return index.imports()

    def _take(self) -> _Taken:
        with AdvisoryIndex.open(self._file) as index:
            imports = index.imports()  # first: an import meanwhile is looked at next time
            changes = index.take_changes()
        self._judge.know(imports, changes.state)
        return _Taken(changes, imports)

    def _settle(self, taken: _Taken, standing: Standing) -> None:
        if standing == "superseded":
            if self.state:
                _log.warning("advisories.superseded", why="another worker has fresher ones")
            self.state = ""
            return
        with AdvisoryIndex.open(self._file) as index:
            index.forget_changes(taken.changes)
        self.state = taken.changes.state

    async def _match_pages(self, state: str) -> None:
        with Matchers(self._file, self._matchers) as matchers:
            while (page := await self._hub.lease_packages(state)) is not None:
                said = await asyncio.to_thread(
                    self._judge.judge_page, page.packages, state, matchers
                )
                if said is None:
                    return  # imported meanwhile: the next look tells of it, and begins anew
                try:
                    await self._hub.put_packages(page.lease, said)
                except ConflictError as error:
                    _log.info("advisories.page_lost", why=str(error))
                    return
                _log.info("advisories.matched", packages=len(said))


def _told(taken: _Taken) -> AdvisoriesToldV1:
    changes = taken.changes
    names = changes.names
    if names is not None and (
        len(names) > MAX_NAMES or any(len(name) > MAX_NAME_CHARS for name in names)
    ):
        names = None
    return AdvisoriesToldV1(
        state=changes.state,
        rank=_rank(taken.imports),
        since=changes.since,
        names=None if names is None else sorted(names),
    )


def _rank(imports: Imports) -> str:
    """Return text that sorts as the newest record does, then as the last import does."""
    newest = max((updated_at for _, updated_at, _ in imports), default="")
    last = max((imported_at for _, _, imported_at in imports), default="")
    return f"{newest}|{last}"
