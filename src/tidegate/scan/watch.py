"""Takes turns at registries: tests them, and looks through those that do not tell of pushes.

A look asks which digest each tag names, within the registry's budget of requests; the hub says what
of it is new. Nothing is believed that way: a scan fetches the digest and checks every byte.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from tidegate.domain.errors import (
    ConflictError,
    InputError,
    LimitExceededError,
    NotFoundError,
    RegistryRefusesError,
    RegistryUnavailableError,
    TidegateError,
    UnavailableError,
)
from tidegate.domain.reference import ImageReference
from tidegate.hubclient.client import HubClient
from tidegate.oci.client import RegistryClient
from tidegate.oci.limits import RegistryLimits
from tidegate.oci.probe import probe
from tidegate.oci.registries import RegistryConfig
from tidegate.scan.registries import ScanRegistries
from tidegate.wire.registries_v1 import (
    MAX_OBSERVED,
    ObservedTagV1,
    ObservedV1,
    RegistryTestV1,
    TurnEndV1,
    TurnV1,
)
from tidegate.wire.statement_v1 import render_time

ASK_S = 2.0
"""Between two questions for a turn."""

MAX_TURNS = 4
"""Registries at a time; each look is mostly waiting for its budget."""

MAX_BACKOFF_S = 30.0
SIGNATURE_TAG_PREFIXES = ("sha256-", "sha512-")
MAX_FAILED_IN_A_ROW = 3
"""Repositories that fail one after another before a look is given up."""

MAX_ERROR_CHARS = 2000

LIMITS = RegistryLimits(read_timeout_s=20.0)
"""Nobody's admission waits for a look."""

_log = structlog.get_logger()


class Budget:
    """At most so many requests a minute, evenly spread."""

    def __init__(
        self,
        per_minute: float,
        clock_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._every_s = 60.0 / per_minute
        self._clock_s, self._sleep = clock_s, sleep
        self._next_s = clock_s()

    busy = False
    """Whoever looks has time."""

    def visit(self, what: str) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 the protocol
        """Hold a place: every question of a look waits for its own."""
        return nullcontext()

    @asynccontextmanager
    async def turn(self, what: str) -> AsyncIterator[None]:  # noqa: ARG002
        """Wait for a place for one question."""
        await self.take()
        yield

    async def take(self) -> None:
        """Wait for a place."""
        now_s = self._clock_s()
        place_s = max(self._next_s, now_s)
        self._next_s = place_s + self._every_s
        if place_s > now_s:
            await self._sleep(place_s - now_s)


@dataclass(frozen=True, slots=True)
class Watcher:
    """Takes turns for one worker."""

    hub: HubClient
    registries: ScanRegistries
    name: str
    keep_s: float
    """Between two signs of life about a turn."""
    now: Callable[[], datetime]

    async def run(self) -> None:
        """Take turns until cancelled."""
        running: set[asyncio.Task[None]] = set()
        failures = 0
        try:
            while True:
                turn = None
                if len(running) < MAX_TURNS:
                    try:
                        held = self.registries
                        turn = await self.hub.lease_turn(self.name, held.hosts, held.generation)
                        failures = 0
                    except (UnavailableError, InputError) as error:
                        failures += 1
                        if failures == 1:
                            _log.warning("hub.gives_no_turns", error=str(error))
                if turn is None:
                    await asyncio.sleep(min(ASK_S * 2.0 ** min(failures, 10), MAX_BACKOFF_S))
                    continue
                task = asyncio.create_task(self.take(turn))
                running.add(task)
                task.add_done_callback(running.discard)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def take(self, turn: TurnV1) -> None:
        """Do what a turn asks for, and tell the hub how it went; nothing escapes but the end."""
        log = _log.bind(registry=turn.host, kind=turn.kind)
        config = self.registries.config(turn.host)
        try:
            if config is None:
                gone = "this worker may not contact it any more"
                end = TurnEndV1(turn.lease, error=gone, complete=False)
            elif turn.kind == "test":
                found = await try_registry(config, turn.test_repository, self.name, self.now())
                end = TurnEndV1(turn.lease, test=found, error=found.error)
            else:
                end = await self._look(turn, config)
            await self.hub.end_turn(turn.host, end)
        except (ConflictError, NotFoundError):
            log.info("turn.abandoned", why="its lease is lost")
        except (UnavailableError, InputError) as error:
            log.warning("turn.not_told", error=str(error))  # its lease runs out by itself
        except Exception:
            log.exception("turn.crashed")
        else:
            log.info("turn.ended", error=end.error, complete=end.complete)

    async def _look(self, turn: TurnV1, config: RegistryConfig) -> TurnEndV1:
        """Look through a registry while a heartbeat keeps the lease.

        Raises:
            ConflictError: the lease is lost.
            UnavailableError: the hub does not answer.
        """
        budget = Budget(turn.polling.requests_per_minute)
        async with RegistryClient([config], limits=LIMITS, traffic=lambda _: budget) as client:
            look = asyncio.create_task(Look(self.hub, client, turn).run())
            keep = asyncio.create_task(self._keep(turn, look))
            try:
                return await look
            except asyncio.CancelledError:
                if keep.done() and not keep.cancelled():
                    raise ConflictError(f"the lease of {turn.host} is lost") from None
                raise
            finally:
                for task in (keep, look):
                    task.cancel()
                    with suppress(asyncio.CancelledError, TidegateError):
                        await task

    async def _keep(self, turn: TurnV1, look: "asyncio.Task[TurnEndV1]") -> None:
        """Extend the lease until cancelled; cancel `look` when it is lost."""
        while True:
            await asyncio.sleep(self.keep_s)
            try:
                await self.hub.tell_observed(turn.host, ObservedV1(turn.lease, []))
            except (ConflictError, NotFoundError):
                look.cancel()
                return
            except (UnavailableError, InputError) as error:
                _log.warning("turn.heartbeat_failed", registry=turn.host, error=str(error))


class Look:
    """One look through a registry, from where the one before was interrupted."""

    def __init__(self, hub: HubClient, client: RegistryClient, turn: TurnV1) -> None:
        self._hub, self._client, self._turn = hub, client, turn
        self._seen: list[ObservedTagV1] = []
        self._error = ""

    async def run(self) -> TurnEndV1:
        """Tell the hub of every tag; return how it ended.

        Raises:
            ConflictError: the lease is lost.
            UnavailableError: the hub does not answer.
        """
        try:
            return await self._run()
        except _NotToldError as refused:
            raise refused.why from refused

    async def _run(self) -> TurnEndV1:
        lease = self._turn.lease
        try:
            names = await self._repositories()
        except (RegistryUnavailableError, LimitExceededError) as error:
            return _interrupted(lease, error)
        failed_in_a_row = 0
        for name in sorted(set(names)):
            if name <= self._turn.after:
                continue
            try:
                await self._look_at(name)
                failed_in_a_row = 0
            except (RegistryRefusesError, LimitExceededError, InputError) as error:
                self._note(error)  # of this repository alone
            except RegistryUnavailableError as error:
                failed_in_a_row += 1
                if error.rate_limited or failed_in_a_row >= MAX_FAILED_IN_A_ROW:
                    await self._tell("")
                    return _interrupted(lease, error)
                self._note(error)
            await self._tell(name)
        return TurnEndV1(lease, error=self._error)

    async def _repositories(self) -> Iterable[str]:
        return self._turn.polling.repositories or await self._client.list_repositories(
            self._turn.host
        )

    async def _look_at(self, name: str) -> None:
        repository = ImageReference(self._turn.host, name, "latest")
        for tag in await self._client.list_tags(repository):
            if tag.startswith(SIGNATURE_TAG_PREFIXES):
                continue
            digest = await self._client.find_digest(ImageReference(self._turn.host, name, tag))
            if digest is not None:  # deleted since it was listed
                self._seen.append(ObservedTagV1(name, tag, digest))
            if len(self._seen) >= MAX_OBSERVED:
                await self._tell("")

    async def _tell(self, finished: str) -> None:
        """Tell what was seen since the last time, and that a repository is finished."""
        told, self._seen = self._seen, []
        try:
            await self._hub.tell_observed(
                self._turn.host, ObservedV1(self._turn.lease, told, finished)
            )
        except (UnavailableError, InputError) as error:
            raise _NotToldError(error) from error

    def _note(self, error: TidegateError) -> None:
        self._error = self._error or str(error)[:MAX_ERROR_CHARS]
        _log.info("look.repository_failed", registry=self._turn.host, error=str(error))


class _NotToldError(Exception):
    """The hub did not take what was seen; not to be taken for a fault of the registry."""

    def __init__(self, why: UnavailableError | InputError) -> None:
        super().__init__(str(why))
        self.why = why


def _interrupted(lease: str, error: RegistryUnavailableError | LimitExceededError) -> TurnEndV1:
    wait_s = error.retry_after_s if isinstance(error, RegistryUnavailableError) else 0
    said = str(error)[:MAX_ERROR_CHARS]
    return TurnEndV1(lease, error=said, complete=False, retry_after_s=wait_s)


async def try_registry(
    config: RegistryConfig, repository: str, worker: str, now: datetime
) -> RegistryTestV1:
    """Return what a test of a registry finds out; never raises for what the registry does."""
    at = render_time(now)
    try:
        found = await probe(config, repository, LIMITS, time.monotonic)
    except TidegateError as error:
        said = str(error)[:MAX_ERROR_CHARS]
        return RegistryTestV1(at, worker, reachable=False, error=said)
    return RegistryTestV1(
        at,
        worker,
        reachable=True,
        referrers=found.referrers,
        catalogue=found.catalogue,
        push=found.push,
        delete=found.delete,
    )
