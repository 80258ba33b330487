"""What every request handler needs, made once at start and handed to each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.hub.accounts.confirmed import Confirmed
from tidegate.hub.accounts.passwords import Passwords
from tidegate.hub.accounts.remembered import Remembered
from tidegate.hub.clock import render_instant
from tidegate.hub.metrics import Metrics
from tidegate.hub.oidc.provider import Provider
from tidegate.hub.reach import RuleBook
from tidegate.hub.settings import HubSettings
from tidegate.hub.signals import Signals
from tidegate.hub.store.access_watch import count_changes
from tidegate.hub.store.audit import Author
from tidegate.hub.store.database import Database
from tidegate.hub.store.sessions import Session
from tidegate.hub.store.tokens import Caller


@dataclass(frozen=True)
class Hub:
    """One running hub."""

    settings: HubSettings
    database: Database
    now: Callable[[], datetime]
    signals: Signals = field(default_factory=Signals)
    metrics: Metrics = field(default_factory=Metrics)
    rule_book: RuleBook = field(default_factory=RuleBook)
    passwords: Passwords = field(default_factory=Passwords)
    provider: Provider | None = None
    """The OpenID provider, where one is set up."""
    callers: Remembered[Caller] = field(init=False)
    """Whose token it is, by the token's hash."""
    sessions: Remembered[Session] = field(init=False)
    """Whose cookie it is, likewise."""
    confirmed: Confirmed = field(init=False)
    """Asked before one of the two is relied on."""

    def __post_init__(self) -> None:
        """Let what ends access in this process end what is remembered of it; count refusals."""
        self.database.on_access_taken = self.signals.access.ring
        self.database.on_overload = self.metrics.overloaded.inc
        object.__setattr__(self, "callers", Remembered(self.signals.access))
        object.__setattr__(self, "sessions", Remembered(self.signals.access))
        confirmed = Confirmed(self._count_changes, self.signals.access)
        object.__setattr__(self, "confirmed", confirmed)

    async def _count_changes(self) -> int:
        async with self.database.glance() as connection:
            return await count_changes(connection)

    def author(self, caller: Caller) -> Author:
        """Return `caller` as the one who changes something now."""
        return Author(caller.name, caller.role.value, render_instant(self.now()))
