"""What a registry gets to see of us at once: so many reads, so fast, and none while it is away.

A *visit* is all that is read about one subject; so many go on at a time, one after the other in
the order in which they came, so that under any limit those that began come to their end. A *turn*
is one read within it. Either is refused at once, with the time of the next try, where the registry
did not answer of late (`breaker`) or asked for a pause that is too long to be waited for (`rate`).
Each registry has its own: one that is slow takes nothing from another.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tidegate.domain.errors import RegistryUnavailableError, TidegateError
from tidegate.oci.breaker import Breaker
from tidegate.oci.rate import ReadRate


class Traffic(Protocol):
    """Says when one registry may be asked."""

    def visit(self, what: str) -> AbstractAsyncContextManager[None]:
        """Hold a place among those who read about a subject; raises RegistryUnavailableError."""
        ...

    def turn(self, what: str) -> AbstractAsyncContextManager[None]:
        """Hold a place for one read, which is the block; raises RegistryUnavailableError."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a visit that began now would wait or be refused."""
        ...


class Outcome(StrEnum):
    """What became of a read."""

    ANSWERED = "answered"
    """By whatever answer."""
    RATE_LIMITED = "rate_limited"
    """By a 429."""
    NO_ANSWER = "no_answer"
    """No connection, no whole answer in time, or a proxy's word that nobody is behind it."""
    WITHHELD = "withheld"
    """It did not go out: the registry is away, or what it may be asked is used up."""


@dataclass(frozen=True, slots=True)
class TrafficLimits:
    """Bounds on what one registry gets from one process."""

    max_visits: int = 16
    """Subjects read at a time."""

    max_waiting: int = 1024
    """Visits that wait for a place; more are refused at once."""

    max_turns: int = 32
    """Reads at a time: as many as there are connections, so that none waits for one (limits)."""

    max_wait_s: float = 5.0
    """Longest wait for the rate limit: past it, whoever asked has long been answered."""


DEFAULT_LIMITS = TrafficLimits()

Observe = Callable[[Outcome], None]


@dataclass(slots=True)
class _Ticket:
    """A token that a visit took at the door, for the first of its reads."""

    giver: "ReadTraffic | None"

    def unused_by(self, traffic: "ReadTraffic") -> bool:
        """Use it up; return whether there was one of `traffic`."""
        if self.giver is not traffic:
            return False
        self.giver = None
        return True


_ticket: ContextVar[_Ticket | None] = ContextVar("ticket", default=None)
"""Of the visit that this task, or the one that started it, reads within."""


class ReadTraffic:
    """The reads of one registry in one process; not for several threads."""

    def __init__(
        self,
        host: str,
        reads_per_minute: int,
        clock_s: Callable[[], float],
        observe: Observe = lambda _: None,
        *,
        limits: TrafficLimits = DEFAULT_LIMITS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._host = host
        self._clock_s = clock_s
        self._observe = observe
        self._limits = limits
        self._sleep = sleep
        self._rate = ReadRate(reads_per_minute, clock_s())
        self._breaker = Breaker()
        self._visits = asyncio.Semaphore(limits.max_visits)
        self._turns = asyncio.Semaphore(limits.max_turns)
        self._door = asyncio.Lock()
        self._waiting = 0

    @property
    def away(self) -> bool:
        """Whether the registry did not answer of late, and is only probed."""
        return not self._breaker.closed

    @property
    def reads_per_minute(self) -> float:
        """How many go out at most now; infinite: no limit is known."""
        return self._rate.per_minute(self._clock_s())

    @property
    def busy(self) -> bool:
        """Whether a visit that began now would wait or be refused."""
        now_s = self._clock_s()
        return (
            self._breaker.next_try_s(now_s) is not None
            or self._rate.wait_s(now_s) > 0
            or self._visits.locked()
        )

    @asynccontextmanager
    async def visit(self, what: str) -> AsyncIterator[None]:
        """Hold a place among those who read about a subject.

        Raises:
            RegistryUnavailableError: the registry is away or wants a pause, or too many wait.
        """
        self._refuse_while_away(what)
        self._refuse_long(what, self._rate.paused_s(self._clock_s()))
        if self._waiting >= self._limits.max_waiting:
            raise self._withheld(f"{what}: {self._waiting} images of {self._host} wait to be read")
        self._waiting += 1
        try:
            await self._visits.acquire()
        finally:
            self._waiting -= 1
        try:
            async with self._door:
                await self._until_paid_for(what)
                self._rate.reserve(self._clock_s())
            ticket = _Ticket(self)
            held = _ticket.set(ticket)
            try:
                yield
            finally:
                _ticket.reset(held)
                if ticket.unused_by(self):
                    self._rate.give_back()
        finally:
            self._visits.release()

    @asynccontextmanager
    async def turn(self, what: str) -> AsyncIterator[None]:
        """Hold a place for one read, which is the block, and learn from how it ends.

        Raises:
            RegistryUnavailableError: the registry is away or wants a pause.
        """
        self._refuse_while_away(what)
        async with self._turns:
            await self._reserve(what)
            self._refuse_while_away(what, reserved=True)
            is_probe = self._breaker.begin()
            began_s = self._clock_s()
            try:
                yield
            except RegistryUnavailableError as error:
                self._note(error, began_s, is_probe=is_probe)
                raise
            except TidegateError:  # too large, or other bytes: it is there
                self._answered()
                raise
            except BaseException:
                self._breaker.abandoned(is_probe=is_probe)
                raise
            self._answered()

    def _note(self, error: RegistryUnavailableError, began_s: float, *, is_probe: bool) -> None:
        if error.away:
            self._observe(Outcome.NO_ANSWER)
            self._breaker.failed(self._clock_s(), str(error), is_probe=is_probe)
        elif error.rate_limited:
            self._observe(Outcome.RATE_LIMITED)
            self._breaker.answered()
            self._rate.slow_down(self._clock_s(), began_s, error.retry_after_s)
        else:
            self._answered()

    def _answered(self) -> None:
        self._observe(Outcome.ANSWERED)
        self._breaker.answered()

    async def _until_paid_for(self, what: str) -> None:
        """Wait until the reads that others began are paid for; those come first."""
        while (wait_s := self._rate.wait_s(self._clock_s())) > 0:
            self._refuse_long(what, wait_s)
            await self._sleep(wait_s)
        self._refuse_while_away(what)

    async def _reserve(self, what: str) -> None:
        """Wait for a token: the visit's own, or one of those to come."""
        ticket = _ticket.get()
        paid = ticket is not None and ticket.unused_by(self)
        wait_s = 0.0 if paid else self._rate.reserve(self._clock_s())
        until_s = self._clock_s() + wait_s
        try:
            self._refuse_long(what, wait_s)
            while (left_s := max(until_s - self._clock_s(), self._paused_s)) > 0:
                self._refuse_long(what, left_s)  # a 429 may have come meanwhile
                await self._sleep(left_s)
        except BaseException:
            self._rate.give_back()
            raise

    @property
    def _paused_s(self) -> float:
        return self._rate.paused_s(self._clock_s())

    def _refuse_long(self, what: str, wait_s: float) -> None:
        if wait_s <= self._limits.max_wait_s:
            return
        limit = self._rate.per_minute(self._clock_s())
        why = "it asked for a pause (429)"
        if not self._paused_s:
            why = f"its {limit:.0f} reads a minute are used up"
        raise self._withheld(
            f"{what}: not asked, since {why}; the next try is in {_seconds(wait_s)}", wait_s
        )

    def _refuse_while_away(self, what: str, *, reserved: bool = False) -> None:
        next_s = self._breaker.next_try_s(self._clock_s())
        if next_s is None:
            return
        if reserved:
            self._rate.give_back()
        when = f"in {_seconds(next_s)}" if next_s else "under way"
        self._observe(Outcome.WITHHELD)
        raise RegistryUnavailableError(
            f"{what}: not asked, since {self._host} did not answer {self._breaker.failures} times "
            f"in a row ({self._breaker.last_fault}); the next try is {when}",
            retry_after_s=next_s,
        )

    def _withheld(self, words: str, wait_s: float = 0) -> RegistryUnavailableError:
        self._observe(Outcome.WITHHELD)
        return RegistryUnavailableError(words, rate_limited=True, retry_after_s=wait_s)


def _seconds(seconds: float) -> str:
    return f"{math.ceil(seconds)} s"
