"""What every request handler needs, made once at start and handed to each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.hub.accounts.passwords import Passwords
from tidegate.hub.accounts.throttle import Throttle
from tidegate.hub.clock import render_instant
from tidegate.hub.metrics import Metrics
from tidegate.hub.oidc.provider import Provider
from tidegate.hub.reach import RuleBook
from tidegate.hub.settings import HubSettings
from tidegate.hub.signals import Signals
from tidegate.hub.store.audit import Author
from tidegate.hub.store.database import Database
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
    throttle: Throttle = field(default_factory=Throttle)
    provider: Provider | None = None
    """The OpenID provider, where one is set up."""

    def author(self, caller: Caller) -> Author:
        """Return `caller` as the one who changes something now."""
        return Author(caller.name, caller.role.value, render_instant(self.now()))
